//! Who calls: a password with an integrator key, or a bearer token.

use http::StatusCode;

use super::errors::{self, Refusal};
use super::header;
use super::sites::Environment;
use super::world::{User, World};
use crate::vendor::Call;

/// What the legacy log-ins carry, in a header or in a form.
#[derive(Debug, Default)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    pub integrator_key: String,
    pub send_on_behalf_of: Option<String>,
}

/// Why nobody is logged in. REST calls and token calls word it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    NoKey,
    UnknownKey,
    Password,
    Locked,
}

/// The GUID of the user whose call this is. With both headers the bearer token decides (unverified).
pub fn caller(
    world: &mut World,
    call: &Call,
    environment: Environment,
    now: i64,
) -> Result<String, Refusal> {
    if let Some(value) = call.header("authorization") {
        let user = bearer(value).and_then(|token| world.bearer(token, environment, now));
        let (user, _) = user.ok_or_else(errors::invalid_token)?;
        return Ok(user.id.clone());
    }
    let Some(value) = call.header("x-docusign-authentication") else {
        return Err(errors::no_key());
    };
    // A value that cannot be read carries no key (unverified).
    let credentials = header::read(value).ok_or_else(errors::no_key)?;
    let user = by_password(world, environment, &credentials)
        .map_err(Failure::into_refusal)?
        .id
        .clone();
    let Some(other) = &credentials.send_on_behalf_of else {
        return Ok(user);
    };
    on_behalf(world, environment, &user, other).ok_or_else(errors::no_membership)
}

/// The token of an `Authorization` header; the scheme's case does not matter.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Checks key, lock and password in this order (unverified), and counts what fails.
pub fn by_password<'w>(
    world: &'w mut World,
    environment: Environment,
    credentials: &Credentials,
) -> Result<&'w User, Failure> {
    if credentials.integrator_key.is_empty() {
        return Err(Failure::NoKey);
    }
    let key = world.keys.get(&credentials.integrator_key);
    if !key.is_some_and(|key| key.enabled && key.environments.contains(&environment)) {
        return Err(Failure::UnknownKey);
    }
    let user = world
        .user_named(environment, &credentials.username)
        .ok_or(Failure::Password)?;
    if user.locked {
        return Err(Failure::Locked);
    }
    let given = &credentials.password;
    let right = *given == user.password || *given == user.api_password;
    if right && user.password_login {
        user.failed_logins = 0;
        return Ok(user);
    }
    user.failed_logins += 1;
    user.locked = user
        .lock_after
        .is_some_and(|most| user.failed_logins >= most);
    Err(Failure::Password)
}

/// The user to act as: one who shares an account with the caller. How a refusal looks is unverified.
fn on_behalf(
    world: &mut World,
    environment: Environment,
    caller: &str,
    other: &str,
) -> Option<String> {
    let shared = world.users.get(caller)?.accounts.clone();
    let other = world.user_named(environment, other)?;
    let together = other.accounts.iter().any(|number| shared.contains(number));
    together.then(|| other.id.clone())
}

impl Failure {
    pub fn code(self) -> &'static str {
        match self {
            Self::NoKey | Self::UnknownKey => "PARTNER_AUTHENTICATION_FAILED",
            Self::Password | Self::Locked => "USER_AUTHENTICATION_FAILED",
        }
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::NoKey | Self::UnknownKey => errors::UNKNOWN_KEY,
            Self::Password => errors::WRONG_PASSWORD,
            Self::Locked => errors::LOCKED,
        }
    }

    fn into_refusal(self) -> Refusal {
        match self {
            // Two sentences: the second one says that none was sent.
            Self::NoKey => errors::no_key(),
            _ => errors::coded(StatusCode::UNAUTHORIZED, self.code(), self.message()),
        }
    }
}
