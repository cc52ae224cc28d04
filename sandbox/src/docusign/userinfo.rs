//! `userinfo` of the account server: who a token belongs to, and the site of each account.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::login;
use super::ok;
use super::sites::{Environment, SUFFIX};
use super::world::{TokenKind, User, World};
use crate::answer::{self, Answer};
use crate::vendor::Call;

pub fn answer(world: &World, call: &Call, environment: Environment, now: i64) -> Answer {
    let token = call.header("authorization").and_then(login::bearer);
    let found = token.and_then(|token| world.bearer(token, environment, now));
    // Whether a legacy token is refused here is unverified; nothing says that it is taken.
    match found.filter(|(_, kind)| *kind == TokenKind::Oauth) {
        Some((user, _)) => ok(&shown(world, user)),
        // The misleading name is the vendor's.
        None => answer::json(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "internal_server_error", "reference_id": Uuid::new_v4().to_string() }),
        ),
    }
}

/// `is_default` is a true boolean here, and accounts go by their GUID alone.
fn shown(world: &World, user: &User) -> Value {
    let (given, family) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    let accounts = user.accounts.iter();
    let accounts: Vec<Value> = accounts
        .filter_map(|number| world.accounts.get(number))
        .map(|account| {
            json!({
                "account_id": account.guid,
                "is_default": user.default_account == Some(account.number),
                "account_name": account.name,
                "base_uri": format!("https://{}{SUFFIX}", account.site),
            })
        })
        .collect();
    json!({
        "sub": user.id,
        "name": user.name,
        "given_name": given,
        "family_name": family,
        "created": user.created.trim_end_matches('Z'),
        "email": user.email,
        "accounts": accounts,
    })
}
