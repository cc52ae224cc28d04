//! Pipedrive as a simulator: the legacy log-in of API v1 and `users/me`, at the common host and at company hosts.
//!
//! `front` decides the order of checks, `world` holds the state. What the vendor's documentation leaves open is marked
//! "unverified" where it is decided.

mod authorizations;
mod changes;
mod control;
mod errors;
mod front;
mod limits;
mod users;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use crate::answer::{self, Answer};
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
    fn now() -> Self {
        Self {
            instant: Instant::now(),
            day: Timestamp::now().as_second().div_euclid(86_400),
        }
    }
}

impl Vendor for Pipedrive {
    fn key(&self) -> &'static str {
        "pipedrive"
    }

    fn hosts(&self) -> &'static str {
        "api.pipedrive.com, {company}.pipedrive.com"
    }

    fn serves(&self, host: &str) -> bool {
        world::label(host).is_some()
    }

    fn answer(&self, call: &Call) -> Answer {
        front::answer(&mut lock(&self.world), call, Moment::now())
    }

    fn dress(&self, call: &Call, headers: &mut HeaderMap) {
        front::dress(&mut lock(&self.world), call, headers, Moment::now());
    }

    fn rate_limited(&self, call: &Call, retry_after_seconds: u64) -> Answer {
        let mut answer = errors::too_many(Some(retry_after_seconds));
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
