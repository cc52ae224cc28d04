//! The legacy token calls: password grant and revocation, with forms in and the OAuth error shape out.

use http::StatusCode;
use serde_json::json;

use super::errors::{self, Refusal};
use super::front::{Outcome, Visit};
use super::login::{self, Credentials};
use super::ok;
use super::world::World;
use crate::answer;
use crate::form::Form;
use crate::vendor::Call;

/// The description that the vendor gives to a body it cannot read.
const UNREADABLE: &str = "An OAuth2 error occurred:";

/// The live service answers 200 without expiry and without refresh token.
pub fn token(world: &mut World, visit: &Visit<'_>) -> Outcome {
    let form = form(visit.call)?;
    let field = |name: &str| form.get(name).unwrap_or_default().to_owned();
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
    let scope = form.get("scope").unwrap_or("api");
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
    let token = world.issue_legacy(&user);
    let body = json!({ "access_token": token, "scope": scope, "token_type": "bearer" });
    Ok(ok(&body))
}

/// A token that is dead already is refused like one that never was.
pub fn revoke(world: &mut World, visit: &Visit<'_>) -> Outcome {
    let form = form(visit.call)?;
    let text = form.get("token").unwrap_or_default();
    if world.bearer(text, visit.environment, visit.now).is_none() {
        return Err(errors::token(
            "invalid_token",
            "The presented token is invalid.",
        ));
    }
    world.revoke(text);
    Ok(answer::empty(StatusCode::OK))
}

fn form(call: &Call) -> Result<Form, Refusal> {
    Form::of(call).ok_or_else(|| errors::token("invalid_request", UNREADABLE))
}
