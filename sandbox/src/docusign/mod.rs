//! DocuSign as a simulator: the legacy log-ins of API v2, the account read of v2 and v2.1, and the account servers with
//! OAuth.
//!
//! `front` decides the order of checks, `world` holds the state, each resource has its own file; `provider` says what is
//! the vendor's own about its OAuth, `grants` is the token endpoint. What the vendor's
//! documentation leaves open is marked "unverified" where it is decided. Answers are JSON only; the account settings
//! that `include_account_settings` asks for are left out.

mod account_server;
mod accounts;
mod changes;
mod control;
mod errors;
mod front;
mod grants;
mod header;
mod limits;
mod login;
mod login_information;
mod oauth2;
mod provider;
mod sites;
mod userinfo;
mod world;

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::answer::{self, Answer};
use crate::vendor::{Call, Vendor, lock};
use world::World;

pub fn vendor() -> Arc<dyn Vendor> {
    Arc::new(Docusign {
        world: Mutex::new(World::seeded()),
    })
}

#[derive(Debug)]
struct Docusign {
    world: Mutex<World>,
}

impl Vendor for Docusign {
    fn key(&self) -> &'static str {
        "docusign"
    }

    fn hosts(&self) -> &'static str {
        "{site}.docusign.net, account-d.docusign.com, account.docusign.com"
    }

    /// A site that does not exist has no address at the vendor, so it is no host here either.
    fn serves(&self, host: &str) -> bool {
        sites::account_server(host).is_some()
            || sites::label(host).is_some_and(|site| lock(&self.world).has_site(site))
    }

    fn answer(&self, call: &Call) -> Answer {
        let mut world = lock(&self.world);
        let now = world.clock.now();
        front::answer(&mut world, call, now)
    }

    fn dress(&self, call: &Call, headers: &mut HeaderMap) {
        let mut world = lock(&self.world);
        let now = world.clock.now();
        front::dress(&mut world, call, headers, now);
    }

    fn rate_limited(&self, call: &Call, retry_after_seconds: u64) -> Answer {
        let mut world = lock(&self.world);
        let now = world.clock.now();
        front::rate_limited(&mut world, call, retry_after_seconds, now)
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
