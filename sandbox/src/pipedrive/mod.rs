//! Pipedrive as a simulator: the APIs v1 and v2 with the legacy log-in, at the common host and at company hosts, and OAuth
//! at a host of its own.
//!
//! `front` decides the order of checks, `routes` is the table of calls, `world` holds the state; `resources` has all
//! resources as data, `rows` the calls that they share; `provider` says what is the vendor's own about its OAuth, `grants`
//! is the token endpoint. What the vendor's documentation leaves open is marked
//! "unverified" where it is decided.

mod authorizations;
mod bodies;
mod changes;
mod columns;
mod control;
mod custom;
mod deals;
mod errors;
mod files;
mod filters;
mod front;
mod grants;
mod limits;
mod metadata;
mod provider;
mod resources;
mod routes;
mod rows;
mod search;
mod seeds;
mod shape;
mod sublists;
mod users;
mod v1_shapes;
mod visit;
mod world;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::answer::{self, Answer};
use crate::clock::Clock;
use crate::vendor::{Call, Vendor, lock};
use world::World;

pub fn vendor() -> Arc<dyn Vendor> {
    Arc::new(Pipedrive {
        world: Mutex::new(World::seeded()),
    })
}

#[derive(Debug)]
struct Pipedrive {
    world: Mutex<World>,
}

/// The two clocks: the rolling window of a token, and the day of a company.
#[derive(Debug, Clone, Copy)]
struct Moment {
    instant: Instant,
    day: i64,
}

impl Moment {
    fn by(clock: &Clock) -> Self {
        let now = Instant::now();
        let ahead = Duration::from_secs(clock.ahead().unsigned_abs());
        let moved = match clock.ahead() {
            0.. => now.checked_add(ahead),
            _ => now.checked_sub(ahead),
        };
        Self {
            instant: moved.unwrap_or(now),
            day: clock.now().div_euclid(86_400),
        }
    }
}

impl Vendor for Pipedrive {
    fn key(&self) -> &'static str {
        "pipedrive"
    }

    fn hosts(&self) -> &'static str {
        "api.pipedrive.com, {company}.pipedrive.com, oauth.pipedrive.com"
    }

    fn serves(&self, host: &str) -> bool {
        world::label(host).is_some() || host == provider::HOST
    }

    fn answer(&self, call: &Call) -> Answer {
        let mut world = lock(&self.world);
        if call.host == provider::HOST {
            return grants::answer(&mut world, call);
        }
        let moment = Moment::by(&world.clock);
        front::answer(&mut world, call, moment)
    }

    fn dress(&self, call: &Call, headers: &mut HeaderMap) {
        let mut world = lock(&self.world);
        let moment = Moment::by(&world.clock);
        front::dress(&mut world, call, headers, moment);
    }

    fn rate_limited(&self, call: &Call, retry_after_seconds: u64) -> Answer {
        let mut answer = errors::too_many(errors::OVER_LIMIT, Some(retry_after_seconds));
        self.dress(call, answer.headers_mut());
        answer
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        control::answer(&self.world, method, path, body)
    }

    fn state(&self) -> Value {
        lock(&self.world).shown()
    }

    fn reset(&self) {
        *lock(&self.world) = World::seeded();
    }
}

/// Shorthand for the resources: 200 with a JSON body.
fn ok(body: &impl serde::Serialize) -> Answer {
    answer::json(StatusCode::OK, body)
}
