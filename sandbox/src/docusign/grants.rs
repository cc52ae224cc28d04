//! The token endpoint: code grant, refresh, and JWT grant.

use super::errors::{self, Refusal};
use super::ok;
use super::sites::Environment;
use super::world::{User, World};
use crate::answer::Answer;
use crate::form::Form;
use crate::oauth::{Assertion, Client, Grant, Issued, Problem, Provider};
use crate::vendor::Call;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The longest that an assertion may live.
const ASSERTION_LIFE: i64 = 3600;

pub fn answer(world: &mut World, call: &Call, environment: Environment, now: i64) -> Answer {
    let form = Form::of(call);
    let grant_type = form.as_ref().and_then(|form| form.get("grant_type"));
    let grant_type = grant_type.unwrap_or_default();
    let outcome = match &form {
        // A body of another type is a bad grant here, not a bad request.
        None => Err(errors::bare("invalid_grant")),
        Some(form) => granted(world, call, form, environment, now),
    };
    world.oauth.calls.count(grant_type, outcome.is_ok());
    match outcome {
        Ok(issued) => ok(&world.token_answer(&issued)),
        Err(refusal) => refusal.into_answer(),
    }
}

/// `invalid_request`, `invalid_client` and `unsupported_grant_type` are unverified.
fn granted(
    world: &mut World,
    call: &Call,
    form: &Form,
    environment: Environment,
    now: i64,
) -> Result<Issued, Refusal> {
    let realm = environment.realm();
    match form.filled("grant_type") {
        Some("authorization_code") => {
            let client = client(world, call, form, environment)?;
            let code = form.filled("code");
            let code = code.ok_or_else(|| errors::bare("invalid_request"))?;
            let (redirect, verifier) = (form.filled("redirect_uri"), form.filled("code_verifier"));
            let redeemed = world
                .oauth
                .redeem(now, realm, &client, code, redirect, verifier);
            redeemed.map_err(worded)
        }
        Some("refresh_token") => {
            let client = client(world, call, form, environment)?;
            let token = form.filled("refresh_token");
            let token = token.ok_or_else(|| errors::bare("invalid_request"))?;
            // That the lifetime goes on without the scope `extended` is unverified.
            let extended = |grant: &Grant| grant.scopes.iter().any(|scope| scope == "extended");
            let refreshed = world.oauth.refresh(now, realm, &client, token, extended);
            refreshed.map_err(worded)
        }
        Some(JWT_BEARER) => by_assertion(world, call, form, environment, now),
        Some(_) => Err(errors::bare("unsupported_grant_type")),
        None => Err(errors::bare("invalid_request")),
    }
}

/// The secret comes by Basic alone; whether the form may carry it is unverified, so a caller that counts on it fails here.
fn client(
    world: &World,
    call: &Call,
    form: &Form,
    environment: Environment,
) -> Result<Client, Refusal> {
    let client = Client::of(&world.oauth, call, form, false).map_err(worded)?;
    if !world.admits(environment.realm(), &client.id) {
        return Err(worded(Problem::UnknownClient));
    }
    Ok(client)
}

fn worded(problem: Problem) -> Refusal {
    match problem {
        Problem::ExpiredCode | Problem::NoSecret => described("expired_client_token"),
        Problem::UnknownClient => errors::bare("invalid_client"),
        Problem::WrongSecret
        | Problem::InvalidCode
        | Problem::OtherRedirect
        | Problem::WrongVerifier
        | Problem::InvalidRefresh
        | Problem::ExpiredRefresh => errors::bare("invalid_grant"),
    }
}

fn described(what: &'static str) -> Refusal {
    errors::token("invalid_grant", what)
}

/// The order of the checks is unverified: issuer, signature, time, user, consent.
fn by_assertion(
    world: &mut World,
    call: &Call,
    form: &Form,
    environment: Environment,
    now: i64,
) -> Result<Issued, Refusal> {
    let text = form.filled("assertion");
    let text = text.ok_or_else(|| errors::bare("invalid_request"))?;
    let assertion = Assertion::read(text).ok_or_else(|| errors::bare("invalid_grant"))?;
    let claims = &assertion.claims;
    let realm = environment.realm();
    let application = world.oauth.application(&claims.iss);
    let known = application.filter(|_| world.admits(realm, &claims.iss) && claims.aud == call.host);
    let application = known.ok_or_else(|| described("issuer_not_found"))?;
    if !assertion.is_signed_by(&application.keys) {
        return Err(described("no_valid_keys_or_signatures"));
    }
    if now >= claims.exp {
        return Err(described("expired_client_token"));
    }
    // How an assertion of the future or one that lives too long is refused is unverified.
    let skew = world.oauth.policy_for(&claims.iss).skew_seconds;
    if claims.iat > now.saturating_add(skew)
        || claims.exp.saturating_sub(claims.iat) > ASSERTION_LIFE
    {
        return Err(errors::bare("invalid_grant"));
    }
    let here = |user: &&User| user.environment == environment;
    let user = world.users.get(&claims.sub).filter(here);
    let user = user.ok_or_else(|| described("user_not_found"))?;
    let subject = user.id.clone();
    let scopes: Vec<String> = claims
        .scope
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    let needed = scopes.iter().map(String::as_str).chain(["impersonation"]);
    if !world.oauth.has_consent(&claims.iss, &subject, needed) {
        return Err(errors::bare("consent_required"));
    }
    Ok(world
        .oauth
        .access_only(now, realm, &claims.iss, &subject, scopes))
}
