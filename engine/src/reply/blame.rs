//! Whom a failure is to be told to, and whether it passes by itself: what decides if an instance
//! needs its owner. The codes are those of RFC 6749, section 5.2, and of its extensions.

use http::StatusCode;
use serde_json::Value as Json;

use super::{Fault, Seen};
use crate::element::oauth::ACCESS_TOKEN;
use crate::element::{Condition, Content, FaultRule, Grant, Group, Resource, ResourceKind};

/// Who can help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Blame {
    /// Nobody: the vendor, or what stands in front of it, is not well just now.
    #[default]
    Nobody,
    /// Nobody either: the vendor wants to be asked less.
    Haste,
    /// Its owner alone: the vendor refuses what the instance logs in with.
    Owner,
    /// Whoever runs the application: its client, how it asks, or a clock.
    Client,
    /// The vendor refuses in words that nobody here knows.
    Unclear,
}

impl Blame {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "nobody" => Self::Nobody,
            "haste" => Self::Haste,
            "owner" => Self::Owner,
            "client" => Self::Client,
            _ => return None,
        })
    }
}

/// Of an answer to a call for tokens that passes by itself, whatever a rule makes of its status: a
/// page of somebody in front of the vendor, or one of the codes that say so.
pub(super) fn passes(seen: &Seen<'_>, resource: &Resource) -> Option<Blame> {
    if !asks_for_tokens(resource) || !refuses(seen.reply.status) {
        return None;
    }
    if seen.content == Some(Content::Html) {
        return Some(Blame::Nobody);
    }
    passing(code(seen)?)
}

fn passing(code: &str) -> Option<Blame> {
    match code {
        "temporarily_unavailable" | "server_error" | "authorization_pending" => Some(Blame::Nobody),
        "slow_down" | "too_many_requests" | "rate_limit_exceeded" => Some(Blame::Haste),
        _ => None,
    }
}

/// Of an answer to a call for tokens that has none and an error in a status of success, as some vendors
/// have it. `None`: it is no such answer.
pub(super) fn in_success(seen: &Seen<'_>, group: &Group, resource: &Resource) -> Option<Blame> {
    if !asks_for_tokens(resource) || !seen.reply.status.is_success() {
        return None;
    }
    let code = code(seen).filter(|code| !code.is_empty())?;
    let known = passing(code).or_else(|| by_code(code, group, false));
    Some(known.unwrap_or(Blame::Unclear))
}

/// Of the codes whose meaning is known.
fn by_code(code: &str, group: &Group, explicit: bool) -> Option<Blame> {
    let grant = group.oauth.as_ref().map(|oauth| &oauth.grant);
    let signs = matches!(grant, Some(Grant::JwtBearer(_)));
    match code {
        "invalid_client"
        | "unauthorized_client"
        | "invalid_request"
        | "unsupported_grant_type"
        | "invalid_scope" => Some(Blame::Client),
        // Nothing of what is signed is looked at beyond the first mistake, a clock's among them.
        "invalid_grant" if signs && !explicit => Some(Blame::Client),
        "invalid_grant" => Some(Blame::Owner),
        _ => None,
    }
}

/// Our status and the message for it.
pub(super) fn told(seen: &Seen<'_>, resource: &Resource, blame: Blame) -> (u16, String) {
    let vendor = &seen.element.name;
    let step = resource.step();
    let status = seen.reply.status.as_u16();
    match blame {
        Blame::Haste => (
            429,
            format!("{vendor} allows no more calls for now (step {step}). Wait, then try again."),
        ),
        _ if seen.content == Some(Content::Html) => (
            502,
            format!(
                "Something in front of {vendor} answered step {step} with a web page and status \
                 {status}. Check configuration '{}'; if it is right, try again later.",
                seen.element.host_entry(resource)
            ),
        ),
        _ => (
            502,
            format!(
                "{vendor} can give no tokens at step {step} just now. Nothing is wrong with the \
                 request; try again later."
            ),
        ),
    }
}

/// Of a failed call, by the rule that says what it means, if there is one.
pub(super) fn of(
    seen: &Seen<'_>,
    group: &Group,
    resource: &Resource,
    rule: Option<&FaultRule>,
    fault: &Fault,
) -> Blame {
    if let Some(blame) = rule.and_then(|rule| rule.blame) {
        return blame;
    }
    let theirs = seen.reply.status;
    if fault.status == 429 || theirs == StatusCode::TOO_MANY_REQUESTS {
        return Blame::Haste;
    }
    if fault.status >= 500 || theirs.is_server_error() || seen.content == Some(Content::Html) {
        return Blame::Nobody;
    }
    let tokens = asks_for_tokens(resource);
    let grant = group.oauth.as_ref().map(|oauth| &oauth.grant);
    let explicit = rule.is_some_and(|rule| is_explicit(rule, theirs));
    let code = code(seen).filter(|_| tokens);
    if let Some(blame) = code.and_then(|code| by_code(code, group, explicit)) {
        return blame;
    }
    let ours = matches!(fault.status, 400 | 401 | 403);
    let read = matches!(seen.content, Some(Content::Json | Content::Xml));
    if explicit && ours && read {
        return Blame::Owner;
    }
    if !refuses(theirs) {
        return Blame::Nobody;
    }
    // A password that is sent again and again is locked out in the end.
    let password = !matches!(grant, Some(Grant::JwtBearer(_) | Grant::ClientCredentials))
        && resource.kind != ResourceKind::OauthOnTokenRefresh;
    match theirs == StatusCode::UNAUTHORIZED && read && (password || !tokens) {
        true => Blame::Owner,
        false => Blame::Unclear,
    }
}

/// The rule knows these words, or this status, which nobody else in front of the vendor gives.
fn is_explicit(rule: &FaultRule, theirs: StatusCode) -> bool {
    let odd =
        !rule.when.statuses.is_empty() && !refuses(theirs) && matches!(rule.status, 401 | 403);
    rule.when.reads_words() || theirs.is_success() || odd
}

fn asks_for_tokens(resource: &Resource) -> bool {
    resource.kind.gets_token() || resource.gives(ACCESS_TOKEN)
}

fn refuses(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

fn code<'a>(seen: &'a Seen<'_>) -> Option<&'a str> {
    seen.json.as_ref()?.get("error").and_then(Json::as_str)
}

impl Condition {
    /// What the answer says decides, not only how it looks.
    pub(super) fn reads_words(&self) -> bool {
        !self.equals.is_empty() || !self.contains.is_empty() || self.content == Some(Content::Html)
    }
}

#[cfg(test)]
mod tests;
