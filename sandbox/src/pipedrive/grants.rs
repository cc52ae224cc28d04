//! The host of OAuth: the install page, the token endpoint, and revocation.

use http::StatusCode;
use serde_json::json;
use url::Url;

use super::errors;
use super::ok;
use super::provider::{self, PAGE, REALM};
use super::world::World;
use crate::answer::{self, Answer};
use crate::form::Form;
use crate::oauth::{self, Client, Issued, Problem, Provider};
use crate::vendor::Call;

/// Error and message.
type Refused = (&'static str, &'static str);

pub fn answer(world: &mut World, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET" | "POST", PAGE) => oauth::answer(world, call, REALM),
        // The description has the two grants at two paths that differ in the slash alone; both take both (unverified).
        ("POST", "/oauth/token" | "/oauth/token/") => token(world, call),
        ("POST", "/oauth/revoke") => revoke(world, call),
        _ => errors::unknown_path().into_answer(),
    }
}

fn token(world: &mut World, call: &Call) -> Answer {
    let form = Form::of(call);
    let grant_type = form.as_ref().and_then(|form| form.get("grant_type"));
    let grant_type = grant_type.unwrap_or_default();
    let outcome = match &form {
        None => Err(NOT_A_FORM),
        Some(form) => granted(world, call, form),
    };
    world.oauth.calls.count(grant_type, outcome.is_ok());
    match outcome {
        Ok(issued) => ok(&world.token_answer(&issued)),
        Err(refused) => refusal(refused),
    }
}

/// The messages are the vendor's, the form of the body is unverified, and so is the order of the checks.
fn refusal((error, message): Refused) -> Answer {
    let body = json!({ "success": false, "message": message, "error": error });
    answer::json(StatusCode::BAD_REQUEST, &body)
}

const NOT_A_FORM: Refused = (
    "invalid_request",
    "invalid request: content must be form-urlencoded",
);
const NO_GRANT_TYPE: Refused = ("invalid_request", "missing parameter grant_type");
const UNKNOWN_GRANT_TYPE: Refused = ("unsupported_grant_type", "unsupported grant type");
const INVALID_CODE: Refused = (
    "invalid_grant",
    "invalid grant: authorization_code is invalid",
);
const EXPIRED_CODE: Refused = (
    "invalid_grant",
    "invalid grant: authorization_code has expired",
);
const INVALID_REFRESH: Refused = ("invalid_grant", "invalid grant: refresh_token is invalid");
const INVALID_API_TOKEN: Refused = ("invalid_grant", "invalid grant: api_token is invalid");
const NO_CLIENT: Refused = (
    "invalid_client",
    "invalid client: cannot retrieve client credentials",
);
const INVALID_CLIENT: Refused = ("invalid_client", "invalid client: client is invalid");
const NO_URI: Refused = (
    "invalid_request",
    "invalid request: redirect_uri is not a valid URI",
);
const OTHER_URI: Refused = (
    "invalid_request",
    "invalid request: redirect_uri is invalid",
);

fn worded(problem: Problem) -> Refused {
    match problem {
        Problem::NoSecret => NO_CLIENT,
        Problem::UnknownClient | Problem::WrongSecret => INVALID_CLIENT,
        Problem::InvalidCode | Problem::WrongVerifier => INVALID_CODE,
        Problem::ExpiredCode => EXPIRED_CODE,
        Problem::OtherRedirect => OTHER_URI,
        Problem::InvalidRefresh | Problem::ExpiredRefresh => INVALID_REFRESH,
    }
}

/// By Basic or in the form; never without the secret.
fn client(world: &World, call: &Call, form: &Form) -> Result<Client, Refused> {
    let client = Client::of(&world.oauth, call, form, true).map_err(worded)?;
    if client.public {
        return Err(NO_CLIENT);
    }
    Ok(client)
}

fn granted(world: &mut World, call: &Call, form: &Form) -> Result<Issued, Refused> {
    let now = world.clock.now();
    let text = |name: &str| form.get(name).unwrap_or_default();
    let client = match text("grant_type") {
        "" => return Err(NO_GRANT_TYPE),
        "authorization_code" | "refresh_token" | "exchange_api_token" => client(world, call, form)?,
        _ => return Err(UNKNOWN_GRANT_TYPE),
    };
    match text("grant_type") {
        "authorization_code" => {
            let redirect = text("redirect_uri");
            Url::parse(redirect).map_err(|_| NO_URI)?;
            let code = text("code");
            let redeemed = world
                .oauth
                .redeem(now, REALM, &client, code, Some(redirect), None);
            redeemed.map_err(worded)
        }
        "refresh_token" => {
            let token = text("refresh_token");
            let grant = world.oauth.grant_of(token);
            // That nobody refreshes for a user who is switched off is unverified.
            if grant.is_some_and(|grant| !is_member(world, &grant.subject)) {
                return Err(INVALID_REFRESH);
            }
            let refreshed = world.oauth.refresh(now, REALM, &client, token, |_| true);
            refreshed.map_err(worded)
        }
        _ => {
            let token = text("api_token");
            let owner = world
                .owner(token)
                .filter(|_| !world.swapped.contains(token));
            let (user, company) = owner.ok_or(INVALID_API_TOKEN)?;
            let subject = provider::subject(user, company);
            if !is_member(world, &subject) {
                return Err(INVALID_API_TOKEN);
            }
            world.swapped.insert(token.to_owned());
            let application = world.oauth.application(&client.id);
            let scopes =
                application.map_or_else(Vec::new, |application| application.scopes.clone());
            Ok(world.oauth.mint(now, REALM, &client.id, &subject, scopes))
        }
    }
}

fn is_member(world: &World, subject: &str) -> bool {
    let Some((user, company)) = provider::owner(subject) else {
        return false;
    };
    let user = world.users.get(&user);
    let mut memberships = user.into_iter().flat_map(|user| &user.memberships);
    memberships.any(|membership| membership.company == company && !membership.deactivated)
}

/// Always 200 for an application that proves who it is. A refresh token takes the whole install with it.
fn revoke(world: &mut World, call: &Call) -> Answer {
    let Some(form) = Form::of(call) else {
        return refusal(NOT_A_FORM);
    };
    let client = match client(world, call, &form) {
        Ok(client) => client,
        Err(refused) => return refusal(refused),
    };
    let token = form.get("token").unwrap_or_default();
    let own = |client_id: &str| client_id == client.id;
    let install = world
        .oauth
        .grant_of(token)
        .filter(|grant| own(&grant.client_id));
    let access = world.oauth.access(token, world.clock.now());
    match (install.map(|grant| grant.id), access) {
        (Some(id), _) => world.oauth.end(id),
        (None, Some(access)) if own(&access.client_id) => world.oauth.end_access(token),
        _ => {}
    }
    ok(&json!({ "success": true }))
}
