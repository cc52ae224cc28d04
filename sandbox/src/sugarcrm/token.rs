//! `POST oauth2/token`: sessions by password and by refresh token.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::sessions::{Seconds, Session};
use super::sites::{Site, UserRefusal};
use crate::answer::{self, Answer};
use crate::form::Form;
use crate::oauth::{Calls, Spent};
use crate::vendor::Call;

/// The platform of callers that name none: the one of the web pages.
const DEFAULT_PLATFORM: &str = "base";

pub type Outcome = Result<Answer, Refusal>;

/// The members of the body that are texts; others (`client_info`) play no part.
#[derive(Debug)]
struct Body(BTreeMap<String, String>);

impl Body {
    fn read(call: &Call) -> Result<Self, Refusal> {
        if let Some(form) = Form::of(call) {
            return Ok(Self(form.into_pairs().into_iter().collect()));
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(&call.body) else {
            return Err(Refusal::UNREADABLE);
        };
        let texts = members.into_iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        });
        Ok(Self(texts.collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|text| !text.is_empty())
    }
}

/// Grants, and writes down which refresh token was spent. One that was replaced is dead at once, with its session.
pub fn answer(site: &mut Site, calls: &mut Calls, now: Seconds, call: &Call) -> Outcome {
    let body = match Body::read(call) {
        Ok(body) => body,
        Err(refusal) => {
            calls.count("", false);
            return Err(refusal);
        }
    };
    let outcome = grant(site, now, &body);
    let grant_type = body.get("grant_type").unwrap_or_default();
    calls.count(grant_type, outcome.is_ok());
    if let ("refresh_token", Some(token)) = (grant_type, body.get("refresh_token")) {
        let spent = match &outcome {
            Ok(_) => Spent::Rotated,
            Err(_) if calls.was_rotated(token) => Spent::Reused,
            Err(_) => Spent::Unknown,
        };
        let at = i64::try_from(now).unwrap_or(i64::MAX);
        let client_id = body.get("client_id").unwrap_or_default();
        calls.spend(at, client_id, None, token, spent);
    }
    outcome
}

/// The order of the checks is unverified: grant, client, platform, user.
fn grant(site: &mut Site, now: Seconds, body: &Body) -> Outcome {
    let by_password = match body.get("grant_type").ok_or(Refusal::NO_GRANT_TYPE)? {
        "password" => true,
        "refresh_token" => false,
        _ => return Err(Refusal::UNKNOWN_GRANT_TYPE),
    };
    let status = StatusCode::from_u16(site.grant_refusal_status).unwrap_or(StatusCode::BAD_REQUEST);
    let client_id = body.get("client_id").unwrap_or_default();
    let secret = body.get("client_secret").unwrap_or_default();
    if site
        .clients
        .get(client_id)
        .is_none_or(|known| known != secret)
    {
        return Err(Refusal::UNKNOWN_CLIENT.with_status(status));
    }
    let platform = body.get("platform").unwrap_or(DEFAULT_PLATFORM);
    if !site.takes_platform(platform) {
        return Err(Refusal::UNKNOWN_PLATFORM);
    }
    let user_id = if by_password {
        by_name(site, body)?
    } else {
        let token = body.get("refresh_token").ok_or(Refusal::NO_REFRESH_TOKEN)?;
        let session = site.sessions.by_refresh_token(token, now);
        // A token belongs to the client and platform that got it (unverified for the platform).
        let own =
            |session: &&Session| session.client_id == client_id && session.platform == platform;
        let session = session.filter(own);
        let session = session.ok_or(Refusal::DEAD_REFRESH_TOKEN.with_status(status))?;
        let user_id = session.user_id.clone();
        let user = site.user(&user_id);
        let refusal = user.and_then(|user| user.refusal);
        if let Some(refusal) = refusal {
            return Err(in_words(refusal));
        }
        user_id
    };
    let lifetimes = site.lifetimes;
    let session = site
        .sessions
        .begin(&user_id, platform, client_id, now, lifetimes);
    let body = json!({
        "access_token": session.access_token,
        "expires_in": lifetimes.access,
        "token_type": "bearer",
        "scope": null,
        "refresh_token": session.refresh_token,
        "refresh_expires_in": lifetimes.refresh,
        "download_token": session.download_token,
    });
    Ok(answer::json(StatusCode::OK, &body))
}

/// The id of the user whose name and password these are.
fn by_name(site: &mut Site, body: &Body) -> Result<String, Refusal> {
    let name = body.get("username").unwrap_or_default();
    let password = body.get("password").unwrap_or_default();
    let lock_after = site.lock_after;
    let user = site.user_by_name_mut(name).ok_or(Refusal::WRONG_PASSWORD)?;
    if user.refusal == Some(UserRefusal::LockedOut) {
        return Err(Refusal::LOCKED_OUT);
    }
    if user.password != password {
        user.failures = user.failures.saturating_add(1);
        if lock_after > 0 && user.failures >= lock_after {
            user.refusal = Some(UserRefusal::LockedOut);
        }
        return Err(Refusal::WRONG_PASSWORD);
    }
    if let Some(refusal) = user.refusal {
        return Err(in_words(refusal));
    }
    user.failures = 0;
    Ok(user.id.clone())
}

fn in_words(refusal: UserRefusal) -> Refusal {
    match refusal {
        UserRefusal::Inactive => Refusal::INACTIVE,
        UserRefusal::PasswordExpired => Refusal::PASSWORD_EXPIRED,
        UserRefusal::LockedOut => Refusal::LOCKED_OUT,
        UserRefusal::ExternalLogin => Refusal::WRONG_PASSWORD,
    }
}
