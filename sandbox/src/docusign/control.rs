//! Control calls for keys, accounts, users and tokens, under `/_control/docusign/`.

use std::sync::Mutex;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::changes::{AccountChange, KeyChange, NewToken, UserChange};
use super::world::{Account, Token, User, World};
use crate::answer::{self, Answer};
use crate::oauth::Which;
use crate::oauth::control::Controlled;
use crate::routes::Route;
use crate::seeding::{self, Kind, Mistake, Operation, Outcome, parse};
use crate::vendor::lock;

static ROUTES: &[Route<Operation<Mutex<World>>>] = &[
    Route {
        path: "keys",
        methods: Keys::MANY,
    },
    Route {
        path: "keys/{key}",
        methods: Keys::ONE,
    },
    Route {
        path: "accounts",
        methods: Accounts::MANY,
    },
    Route {
        path: "accounts/{id}",
        methods: Accounts::ONE,
    },
    Route {
        path: "users",
        methods: Users::MANY,
    },
    Route {
        path: "users/{id}",
        methods: Users::ONE,
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

pub fn answer(world: &Mutex<World>, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(&[ROUTES, World::ROUTES], world, method, path, body)
}

struct Keys;

impl Kind for Keys {
    type World = World;
    type Change = KeyChange;
    type Id = String;
    const UNKNOWN: &'static str = "no such integrator key";

    fn all(world: &World) -> Value {
        json!(world.keys)
    }

    fn find(world: &World, text: &str) -> Option<String> {
        world.keys.contains_key(text).then(|| text.to_owned())
    }

    fn shown(world: &World, id: &String) -> Value {
        let mut shown = json!(world.keys.get(id));
        shown["key"] = json!(id);
        shown
    }

    fn create(change: KeyChange, world: &mut World) -> Result<String, Mistake> {
        change.create(world)
    }

    fn change(change: KeyChange, world: &mut World, id: &String) -> Result<(), Mistake> {
        let key = world.keys.get_mut(id);
        change.apply(key.ok_or(Mistake::Unknown(Self::UNKNOWN))?)
    }

    fn remove(world: &mut World, id: &String) {
        world.keys.remove(id);
    }
}

struct Accounts;

impl Kind for Accounts {
    type World = World;
    type Change = AccountChange;
    type Id = u64;
    const UNKNOWN: &'static str = "no account with this number or GUID";

    fn all(world: &World) -> Value {
        world.accounts.values().map(Account::shown).collect()
    }

    fn find(world: &World, text: &str) -> Option<u64> {
        world.account(text).map(|account| account.number)
    }

    fn shown(world: &World, id: &u64) -> Value {
        world.accounts[id].shown()
    }

    fn create(change: AccountChange, world: &mut World) -> Result<u64, Mistake> {
        change.create(world)
    }

    fn change(change: AccountChange, world: &mut World, id: &u64) -> Result<(), Mistake> {
        let account = world.accounts.get_mut(id);
        change.change(account.ok_or(Mistake::Unknown(Self::UNKNOWN))?)
    }

    fn remove(world: &mut World, id: &u64) {
        world.accounts.remove(id);
        for user in world.users.values_mut() {
            user.accounts.retain(|member| member != id);
            let first = user.accounts.first().copied();
            let kept = user.default_account.filter(|default| default != id);
            user.default_account = kept.or(first);
        }
    }
}

struct Users;

impl Kind for Users {
    type World = World;
    type Change = UserChange;
    type Id = String;
    const UNKNOWN: &'static str = "no user with this GUID";

    fn all(world: &World) -> Value {
        world.users.values().map(User::shown).collect()
    }

    fn find(world: &World, text: &str) -> Option<String> {
        world.users.contains_key(text).then(|| text.to_owned())
    }

    fn shown(world: &World, id: &String) -> Value {
        world.users[id].shown()
    }

    fn create(change: UserChange, world: &mut World) -> Result<String, Mistake> {
        change.create(world)
    }

    fn change(change: UserChange, world: &mut World, id: &String) -> Result<(), Mistake> {
        change.change(world, id)
    }

    fn remove(world: &mut World, id: &String) {
        world.users.remove(id);
        world.tokens.retain(|_, token| token.user != *id);
        world.oauth.forget(id);
    }
}

fn tokens(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &lock(world).shown_tokens()))
}

fn create_token(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let new: NewToken = parse(body)?;
    let shown = new.create(&mut lock(world))?;
    Ok(answer::json(StatusCode::CREATED, &shown))
}

/// Which tokens are meant: one, those of a user, or all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meant {
    token: Option<String>,
    user: Option<String>,
}

impl Meant {
    /// Changes the legacy tokens and counts them; the others are the authorization server's.
    fn legacy(&self, world: &mut World, change: impl Fn(&mut Token)) -> usize {
        let mut count = 0;
        for (text, token) in &mut world.tokens {
            let user = self.user.as_ref();
            if self.token.as_ref().is_none_or(|wanted| wanted == text)
                && user.is_none_or(|wanted| *wanted == token.user)
            {
                change(token);
                count += 1;
            }
        }
        count
    }

    fn others(self) -> Which {
        Which {
            subject: self.user,
            token: self.token,
            ..Which::default()
        }
    }
}

/// Says how many tokens it was.
fn expire(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let meant: Meant = parse(body)?;
    let mut world = lock(world);
    let now = world.clock.now();
    let legacy = meant.legacy(&mut world, |token| token.expires_at = Some(now));
    let count = legacy + world.oauth.expire(&meant.others(), now, true, false);
    Ok(answer::json(StatusCode::OK, &json!({ "count": count })))
}

fn revoke(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let meant: Meant = parse(body)?;
    let mut world = lock(world);
    let legacy = meant.legacy(&mut world, |token| token.revoked = true);
    let count = legacy + world.oauth.revoke(&meant.others());
    Ok(answer::json(StatusCode::OK, &json!({ "count": count })))
}
