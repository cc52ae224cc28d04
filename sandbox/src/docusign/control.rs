//! Control calls for keys, accounts, users and tokens, under `/_control/docusign/`.

use std::sync::Mutex;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::changes::{AccountChange, KeyChange, NewToken, UserChange};
use super::seconds;
use super::world::{Token, World};
use crate::answer::{self, Answer};
use crate::routes::Route;
use crate::seeding::{self, Mistake, Operation, Outcome, parse};
use crate::vendor::lock;

static ROUTES: &[Route<Operation<Mutex<World>>>] = &[
    Route {
        path: "keys",
        methods: &[("GET", keys), ("POST", create_key)],
    },
    Route {
        path: "keys/{key}",
        methods: &[("PATCH", change_key), ("DELETE", delete_key)],
    },
    Route {
        path: "accounts",
        methods: &[("GET", accounts), ("POST", create_account)],
    },
    Route {
        path: "accounts/{id}",
        methods: &[
            ("GET", account),
            ("PATCH", change_account),
            ("DELETE", delete_account),
        ],
    },
    Route {
        path: "users",
        methods: &[("GET", users), ("POST", create_user)],
    },
    Route {
        path: "users/{id}",
        methods: &[
            ("GET", user),
            ("PATCH", change_user),
            ("DELETE", delete_user),
        ],
    },
    Route {
        path: "tokens",
        methods: &[("GET", tokens), ("POST", create_token)],
    },
    // In the body, since tokens contain slashes.
    Route {
        path: "tokens/expire",
        methods: &[("POST", expire)],
    },
    Route {
        path: "tokens/revoke",
        methods: &[("POST", revoke)],
    },
];

const NO_KEY: Mistake = Mistake::Unknown("no such integrator key");
const NO_ACCOUNT: Mistake = Mistake::Unknown("no account with this number or GUID");
const NO_USER: Mistake = Mistake::Unknown("no user with this GUID");

pub fn answer(world: &Mutex<World>, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(ROUTES, world, method, path, body)
}

fn keys(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &lock(world).keys))
}

fn create_key(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let change: KeyChange = parse(body)?;
    let (key, made) = change.create(&mut lock(world))?;
    let shown = json!({ "key": key, "enabled": made.enabled, "environments": made.environments });
    Ok(answer::json(StatusCode::CREATED, &shown))
}

fn change_key(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: KeyChange = parse(body)?;
    let mut world = lock(world);
    let key = world.keys.get_mut(parameters[0]).ok_or(NO_KEY)?;
    change.apply(key)?;
    Ok(answer::json(StatusCode::OK, key))
}

fn delete_key(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    lock(world).keys.remove(parameters[0]).ok_or(NO_KEY)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn accounts(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(
        StatusCode::OK,
        &lock(world).shown()["accounts"],
    ))
}

fn account(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let world = lock(world);
    let account = world.account(parameters[0]).ok_or(NO_ACCOUNT)?;
    Ok(answer::json(StatusCode::OK, &account.shown()))
}

fn create_account(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let change: AccountChange = parse(body)?;
    let mut world = lock(world);
    let number = change.create(&mut world)?;
    let shown = world.accounts[&number].shown();
    Ok(answer::json(StatusCode::CREATED, &shown))
}

fn change_account(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: AccountChange = parse(body)?;
    let mut world = lock(world);
    let number = world.account(parameters[0]).ok_or(NO_ACCOUNT)?.number;
    let account = world.accounts.get_mut(&number).ok_or(NO_ACCOUNT)?;
    change.change(account)?;
    Ok(answer::json(StatusCode::OK, &account.shown()))
}

fn delete_account(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    let number = world.account(parameters[0]).ok_or(NO_ACCOUNT)?.number;
    world.accounts.remove(&number);
    for user in world.users.values_mut() {
        user.accounts.retain(|member| *member != number);
        let first = user.accounts.first().copied();
        user.default_account = user
            .default_account
            .filter(|default| *default != number)
            .or(first);
    }
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn users(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &lock(world).shown()["users"]))
}

fn user(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let world = lock(world);
    let user = world.users.get(parameters[0]).ok_or(NO_USER)?;
    Ok(answer::json(StatusCode::OK, &user.shown()))
}

fn create_user(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut world = lock(world);
    let id = change.create(&mut world)?;
    Ok(answer::json(StatusCode::CREATED, &world.users[&id].shown()))
}

fn change_user(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut world = lock(world);
    let id = parameters[0];
    if !world.users.contains_key(id) {
        return Err(NO_USER);
    }
    change.change(&mut world, id)?;
    Ok(answer::json(StatusCode::OK, &world.users[id].shown()))
}

fn delete_user(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    world.users.remove(parameters[0]).ok_or(NO_USER)?;
    world.tokens.retain(|_, token| token.user != parameters[0]);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn tokens(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &lock(world).tokens))
}

fn create_token(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let new: NewToken = parse(body)?;
    let (text, token) = new.create(&mut lock(world), seconds())?;
    let shown = json!({ "token": text, "user": token.user, "kind": token.kind, "expires_at": token.expires_at });
    Ok(answer::json(StatusCode::CREATED, &shown))
}

/// Which tokens are meant: one, those of a user, or all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    token: Option<String>,
    user: Option<String>,
}

fn expire(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let now = seconds();
    each(world, body, |token| token.expires_at = Some(now))
}

fn revoke(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    each(world, body, |token| token.revoked = true)
}

/// Says how many tokens it was.
fn each(world: &Mutex<World>, body: &[u8], change: impl Fn(&mut Token)) -> Outcome {
    let which: Which = parse(body)?;
    let mut world = lock(world);
    let mut count = 0;
    for (text, token) in &mut world.tokens {
        let meant = which.token.as_ref().is_none_or(|wanted| wanted == text)
            && which
                .user
                .as_ref()
                .is_none_or(|wanted| *wanted == token.user);
        if meant {
            change(token);
            count += 1;
        }
    }
    Ok(answer::json(StatusCode::OK, &json!({ "count": count })))
}
