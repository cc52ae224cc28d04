//! The legacy token calls: password grant and revocation, with forms in and the OAuth error shape out.

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use super::errors::{self, Refusal};
use super::front::{Outcome, Visit};
use super::login::{self, Credentials};
use super::ok;
use super::world::{TokenKind, World};
use crate::answer;
use crate::vendor::Call;

/// The description that the vendor gives to a body it cannot read.
const UNREADABLE: &str = "An OAuth2 error occurred:";

/// The live service answers 200 without expiry and without refresh token.
pub fn token(world: &mut World, visit: &Visit<'_>) -> Outcome {
    let form = form(visit.call)?;
    let field = |name: &str| value(&form, name).unwrap_or_default().to_owned();
    // The errors from here on are unverified.
    let grant = field("grant_type");
    if grant.is_empty() {
        return Err(errors::token("invalid_request", "grant_type is missing."));
    }
    if grant != "password" {
        return Err(errors::token(
            "unsupported_grant_type",
            "The grant_type is not supported.",
        ));
    }
    let scope = value(&form, "scope").unwrap_or("api");
    if scope != "api" {
        return Err(errors::token(
            "invalid_scope",
            "The scope is not supported.",
        ));
    }
    let credentials = Credentials {
        username: field("username"),
        password: field("password"),
        integrator_key: field("client_id"),
        send_on_behalf_of: None,
    };
    let user = login::by_password(world, visit.environment, &credentials);
    let user = user.map_err(|failure| {
        let error = match failure {
            login::Failure::NoKey | login::Failure::UnknownKey => "partner_authentication_failed",
            login::Failure::Password | login::Failure::Locked => "user_authentication_failed",
        };
        errors::token(error, failure.message())
    })?;
    let user = user.id.clone();
    let token = world.issue(&user, TokenKind::Legacy, None);
    let body = json!({ "access_token": token, "scope": scope, "token_type": "bearer" });
    Ok(ok(&body))
}

/// A token that is dead already is refused like one that never was.
pub fn revoke(world: &mut World, visit: &Visit<'_>) -> Outcome {
    let form = form(visit.call)?;
    let text = value(&form, "token").unwrap_or_default();
    let good = world.bearer(text, visit.environment, visit.now).is_some();
    match world.tokens.get_mut(text) {
        Some(token) if good => {
            token.revoked = true;
            Ok(answer::empty(StatusCode::OK))
        }
        _ => Err(errors::token(
            "invalid_token",
            "The presented token is invalid.",
        )),
    }
}

fn form(call: &Call) -> Result<Vec<(String, String)>, Refusal> {
    let essence = call.header("content-type").unwrap_or_default();
    let essence = essence.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(errors::token("invalid_request", UNREADABLE));
    }
    Ok(form_urlencoded::parse(&call.body).into_owned().collect())
}

fn value<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let mut fields = form.iter();
    fields
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}
