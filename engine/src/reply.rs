//! Reading one vendor answer: what it gives to the instance, or what it means for our caller.
//!
//! Order of judgement: the resource's `fault` rules, the element's, then `expect` (or any 2xx), and
//! last the plain mapping of statuses. Vendors say "wrong password" in many ways, so the rules come
//! before the status.

mod blame;
mod in_success;
mod outputs;
mod plain;
mod provider_message;
mod refusal;
#[cfg(test)]
mod tests;
mod token_error;

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::Value as Json;
use url::Url;

use crate::configuration::Values;
use crate::element::{Condition, Content, Element, FaultRule, Group, HostRule, Resource};
use crate::language::AnswerPath;
use crate::request::{self, Inputs};
use crate::xml;

pub use blame::Blame;
pub(crate) use provider_message::without_secrets;
pub use refusal::{Refusal, refuses, refuses_by_status, speaks_as_expected};

/// An answer as it came.
pub struct VendorReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl fmt::Debug for VendorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorReply")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A success.
#[derive(Debug, Default)]
pub struct Reply {
    /// What `source: response` parameters store.
    pub configuration: Values,
}

/// A failure in our caller's terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// 400 to 502.
    pub status: u16,
    /// Who failed, at which step, what to check.
    pub message: String,
    /// The vendor's own words, without what we sent in secret.
    pub provider_message: Option<String>,
    /// The vendor's `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// Configuration entry to correct.
    pub entry: Option<String>,
    /// The URL of the page where access is allowed belongs to the message.
    pub authorize: bool,
    /// Who can help.
    pub blame: Blame,
}

/// An answer and what is known of its body.
pub(crate) struct Seen<'a> {
    pub reply: &'a VendorReply,
    pub content: Option<Content>,
    /// The body, also when it came as XML.
    pub json: Option<Json>,
    pub element: &'a Element,
    pub values: &'a Values,
    pub now: i64,
}

/// Reads `reply` to the call that `build` made from the same `inputs`; they are needed to keep
/// secrets that a vendor echoes out of messages.
pub fn read(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
    reply: &VendorReply,
) -> Result<Reply, Fault> {
    let values = element.effective(group, inputs.configuration);
    let seen = Seen::new(reply, element, resource, &values, inputs.now);
    let failure = |status, message| seen.fault(resource, inputs.request, status, message);
    judge(&seen, element, group, resource, inputs.request)?;
    let mut stored = Reply::default();
    for output in &resource.outputs {
        if seen.is_malformed(output) {
            let message = format!(
                "{} answered step {} with something for {} that is no text.",
                element.name,
                resource.step(),
                output.key
            );
            return Err(failure(502, message));
        }
        match seen.output(output) {
            Some(text) => {
                let of = (element, group, resource);
                if let Some(message) = base_refused(of, inputs, &output.key, &text) {
                    return Err(failure(502, message));
                }
                let value = element.value(&output.key, text);
                stored.configuration.insert(output.key.clone(), value);
            }
            None if output.required => {
                if let Some(fault) = in_success::refused(&seen, group, resource, inputs.request) {
                    return Err(fault);
                }
                let message = format!(
                    "{} answered step {} without a value for {}.",
                    element.name,
                    resource.step(),
                    output.key
                );
                return Err(failure(502, message));
            }
            None => {}
        }
    }
    for (key, text) in request::kept(element, group, resource, inputs, None).unwrap_or_default() {
        let value = element.kept_value(&key, text);
        stored.configuration.insert(key, value);
    }
    Ok(stored)
}

/// Why the instance is not moved to what an answer has for this key, where that is its base URL.
pub(crate) fn base_refused(
    (element, group, resource): (&Element, &Group, &Resource),
    inputs: &Inputs<'_>,
    key: &str,
    text: &str,
) -> Option<String> {
    if key != "base.url" {
        return None;
    }
    let why = if !is_allowed_base(element, text, || {
        request::own_host(element, group, resource, inputs)
    }) {
        "is not one of its hosts"
    } else if !is_of_the_same_world(element, text, || {
        request::called_host(element, group, resource, inputs)
    }) {
        "belongs to another environment than the one it was asked in"
    } else {
        return None;
    };
    Some(format!(
        "{} named a base URL at step {} that {why}.",
        element.name,
        resource.step()
    ))
}

/// Whether the answer is a success, by the rules of the definition.
pub(crate) fn judge(
    seen: &Seen<'_>,
    element: &Element,
    group: &Group,
    resource: &Resource,
    request: Option<&Values>,
) -> Result<(), Fault> {
    // What a call for tokens is refused with for a moment only, no rule about its status alone knows.
    let passes = blame::passes(seen, resource);
    let counts = |rule: &&FaultRule| passes.is_none() || rule.when.reads_words();
    let mut rules = resource.faults.iter().chain(&element.faults);
    if let Some(rule) = rules.find(|rule| counts(rule) && seen.matches(&rule.when)) {
        // The page's address ends the sentence.
        let message = match rule.authorize {
            true => rule.message.clone(),
            false => message_of(rule, resource),
        };
        let mut fault = seen.fault(resource, request, rule.status, message);
        fault.entry.clone_from(&rule.entry);
        fault.authorize = rule.authorize;
        fault.blame = blame::of(seen, group, resource, Some(rule), &fault);
        return Err(fault);
    }
    if let Some(blame) = passes {
        let (status, message) = blame::told(seen, resource, blame);
        let fault = seen.fault(resource, request, status, message);
        return Err(Fault { blame, ..fault });
    }
    if seen.is_success(resource) {
        return Ok(());
    }
    if let Some(fault) = in_success::refused(seen, group, resource, request) {
        return Err(fault);
    }
    let json = seen.json.as_ref();
    let known = token_error::plain(element, group, resource, seen.reply.status, json);
    let (status, message) = known.unwrap_or_else(|| seen.plain_fault(element, resource));
    let mut fault = seen.fault(resource, request, status, message);
    fault.blame = blame::of(seen, group, resource, None, &fault);
    Err(fault)
}

fn message_of(rule: &FaultRule, resource: &Resource) -> String {
    let step = resource.step();
    match &rule.entry {
        Some(entry) => format!(
            "Configuration entry '{entry}': {} (Step {step}.)",
            rule.message
        ),
        None => format!("{} (Step {step}.)", rule.message),
    }
}

/// A vendor may move an instance to another of its hosts, and nowhere else. Where every public
/// host is allowed, that is the host the instance has already (`own`), if it has one.
fn is_allowed_base(
    element: &Element,
    text: &str,
    own: impl FnOnce() -> Option<(String, u16)>,
) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let plain = url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !text.contains(['{', '}']);
    let allowed = match &element.hosts {
        HostRule::Suffixes(_) => {
            url.port().is_none()
                && url
                    .host_str()
                    .is_some_and(|host| element.hosts.allows(host))
        }
        HostRule::Public => own().is_none_or(|own| request::host_and_port(&url) == Some(own)),
    };
    plain && allowed
}

/// A vendor's sandbox and its production never see each other's credentials.
fn is_of_the_same_world(
    element: &Element,
    text: &str,
    asked: impl FnOnce() -> Option<String>,
) -> bool {
    if element.apart.is_empty() {
        return true;
    }
    let named = Url::parse(text).ok();
    let named = named.as_ref().and_then(Url::host_str);
    named
        .zip(asked())
        .is_some_and(|(named, asked)| element.go_together(named, &asked))
}

fn retry_after(reply: &VendorReply) -> Option<String> {
    let value = reply.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    // Seconds or a date; anything longer is nonsense that we need not repeat.
    (!value.is_empty() && value.len() <= 64).then(|| value.to_owned())
}

impl<'a> Seen<'a> {
    /// Of a success whose body has been read.
    pub(crate) fn known(
        json: Json,
        reply: &'a VendorReply,
        element: &'a Element,
        values: &'a Values,
        now: i64,
    ) -> Self {
        Self {
            reply,
            content: None,
            json: Some(json),
            element,
            values,
            now,
        }
    }

    pub(crate) fn new(
        reply: &'a VendorReply,
        element: &'a Element,
        resource: &Resource,
        values: &'a Values,
        now: i64,
    ) -> Self {
        let declared = reply
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let declared = declared.unwrap_or_default().to_ascii_lowercase();
        let body = reply
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&reply.body);
        let body = body.trim_ascii();
        let begins = |with: &[u8]| {
            body.get(..with.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        // Some vendors' fronts send pages as anything, so the text is looked at too.
        let html = begins(b"<!doctype html")
            || begins(b"<html")
            || declared.starts_with("text/html")
            || declared.starts_with("application/xhtml");
        let (json, kind) = match body.first() {
            Some(b'<') if !html && resource.reads_xml() => {
                let text = std::str::from_utf8(body).ok();
                (text.and_then(xml::to_json), Content::Xml)
            }
            None | Some(b'<') => (None, Content::Json),
            Some(_) => {
                let json = serde_json::from_slice(body).ok();
                let json = json.or_else(|| match resource.kind.gets_token() {
                    true => form(body),
                    false => None,
                });
                (json, Content::Json)
            }
        };
        let content = match &json {
            Some(_) => Some(kind),
            None if html => Some(Content::Html),
            None => None,
        };
        Self {
            reply,
            content,
            json,
            element,
            values,
            now,
        }
    }

    /// A failure with the vendor's own words. What the call was made with must not be echoed.
    fn fault(
        &self,
        resource: &Resource,
        request: Option<&Values>,
        status: u16,
        message: String,
    ) -> Fault {
        // No key holds a colon.
        let mut sent = self.values.clone();
        let brought = request.into_iter().flatten();
        sent.extend(brought.map(|(name, value)| (format!("request:{name}"), value.clone())));
        Fault {
            status,
            message,
            provider_message: provider_message::find(self, resource.words.as_ref(), &sent),
            retry_after: retry_after(self.reply),
            entry: None,
            authorize: false,
            blame: Blame::Nobody,
        }
    }

    fn matches(&self, condition: &Condition) -> bool {
        let json = self.json.as_ref().unwrap_or(&Json::Null);
        let status = self.reply.status.as_u16();
        (condition.statuses.is_empty() || condition.statuses.contains(&status))
            && condition
                .content
                .is_none_or(|content| self.content == Some(content))
            && condition
                .present
                .iter()
                .all(|path| path.find(json, self.values).is_some())
            && condition
                .absent
                .iter()
                .all(|path| path.find(json, self.values).is_none())
            && condition
                .given
                .iter()
                .all(|key| self.values.contains_key(key))
            && self.given(&condition.given_equals, true)
            && self.given(&condition.given_differs, false)
            && self.compares(&condition.equals, |found, texts| {
                texts.iter().any(|text| found.eq_ignore_ascii_case(text))
            })
            && self.compares(&condition.differs, |found, texts| {
                !texts.iter().any(|text| found.eq_ignore_ascii_case(text))
            })
            && self.compares(&condition.contains, |found, texts| {
                let found = found.to_lowercase();
                texts
                    .iter()
                    .any(|text| found.contains(&text.to_lowercase()))
            })
    }

    /// Every path leads to a text, and it is as `holds` says.
    fn compares(
        &self,
        pairs: &[(AnswerPath, Vec<String>)],
        holds: impl Fn(&str, &[String]) -> bool,
    ) -> bool {
        let json = self.json.as_ref().unwrap_or(&Json::Null);
        pairs.iter().all(|(path, texts)| {
            path.find_text(json, self.values)
                .is_some_and(|found| holds(&found, texts))
        })
    }

    /// Every key has a value, and whether that is one of the texts is as `wanted`.
    fn given(&self, pairs: &[(String, Vec<String>)], wanted: bool) -> bool {
        pairs.iter().all(|(key, texts)| {
            let Some(value) = self.values.get(key) else {
                return false;
            };
            let entry = self.element.entry(key);
            let fill = entry.and_then(|entry| entry.fill.as_ref());
            let filled = fill.and_then(|fill| fill.apply(value.reveal()).ok());
            let value = filled.as_deref().unwrap_or_else(|| value.reveal().trim());
            texts.iter().any(|text| text.eq_ignore_ascii_case(value)) == wanted
        })
    }

    fn is_success(&self, resource: &Resource) -> bool {
        match &resource.expect {
            Some(expect) => {
                (!expect.statuses.is_empty() || self.reply.status.is_success())
                    && self.matches(expect)
            }
            None => {
                self.reply.status.is_success()
                    && (matches!(self.content, Some(Content::Json | Content::Xml))
                        || self.reply.body.is_empty())
            }
        }
    }
}

/// Older token calls answer as they are asked, in a form.
fn form(body: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(body).ok()?;
    let odd = |c: char| c.is_whitespace() || matches!(c, '<' | '{' | '"');
    if text.contains(odd) || !text.contains('=') {
        return None;
    }
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    let members = pairs.map(|(name, value)| (name.into_owned(), Json::from(value)));
    Some(Json::Object(members.collect()))
}
