//! Autotask as a simulator: its SOAP interface, versions 1.5 and 1.6, as far as logging in needs it.
//!
//! `front` decides the order of checks, `state` holds zones, customers and users, `envelope` reads and writes SOAP,
//! `operations` has what each call does. What the vendor's documentation leaves open is marked "unverified" where it is
//! decided.

mod control;
mod customers;
mod envelope;
mod front;
mod operations;
mod query;
mod state;
mod usage;

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::answer::Answer;
use crate::vendor::{Call, Vendor};
use state::State;

pub fn vendor() -> Arc<dyn Vendor> {
    Arc::new(Autotask {
        state: State::seeded(),
    })
}

#[derive(Debug)]
struct Autotask {
    state: State,
}

impl Vendor for Autotask {
    fn key(&self) -> &'static str {
        "autotask"
    }

    fn hosts(&self) -> &'static str {
        "webservices{N}.autotask.net"
    }

    fn serves(&self, host: &str) -> bool {
        state::Place::of(host)
            .is_some_and(|place| self.state.lock().zones.contains_key(&place.zone))
    }

    fn answer(&self, call: &Call) -> Answer {
        front::answer(&mut self.state.lock(), call)
    }

    fn dress(&self, call: &Call, _: &mut HeaderMap) {
        front::count(&mut self.state.lock(), call);
    }

    fn rate_limited(&self, call: &Call, retry_after_seconds: u64) -> Answer {
        self.dress(call, &mut HeaderMap::new());
        front::too_many(call, retry_after_seconds)
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        control::answer(&self.state, method, path, body)
    }

    fn state(&self) -> Value {
        self.state.lock().shown()
    }

    fn reset(&self) {
        self.state.reset();
    }
}
