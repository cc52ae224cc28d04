//! Freshdesk as a simulator: API v2 in full detail where it is built, v1 for accounts switched to it.
//!
//! `front` decides the order of checks, `accounts` holds the state, `resources` has the fields of all resources as data,
//! `rows` what their calls share. What the vendor's
//! documentation leaves open is marked "unverified" where it is decided.

mod account_info;
mod accounts;
mod agents;
mod attachments;
mod companies;
mod contacts;
mod control;
mod conversations;
mod custom_fields;
mod errors;
mod front;
mod groups;
mod input;
mod limits;
mod login;
mod others;
mod resources;
mod rows;
mod search;
mod seeds;
mod ticket_fields;
mod tickets;
mod v1;
mod v2;

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::vendor::{Call, Vendor};
use accounts::Accounts;

pub fn vendor() -> Arc<dyn Vendor> {
    Arc::new(Freshdesk {
        accounts: Accounts::seeded(),
    })
}

#[derive(Debug)]
struct Freshdesk {
    accounts: Accounts,
}

impl Vendor for Freshdesk {
    fn key(&self) -> &'static str {
        "freshdesk"
    }

    fn hosts(&self) -> &'static str {
        "*.freshdesk.com"
    }

    fn serves(&self, host: &str) -> bool {
        host.ends_with(accounts::SUFFIX) || self.accounts.has_custom_host(host)
    }

    fn answer(&self, call: &Call) -> Answer {
        front::answer(&self.accounts, call)
    }

    fn dress(&self, call: &Call, headers: &mut HeaderMap) {
        front::dress(&self.accounts, call, headers);
    }

    fn rate_limited(&self, call: &Call, retry_after_seconds: u64) -> Answer {
        let mut answer = errors::too_many(v1::is_meant(call), retry_after_seconds);
        self.dress(call, answer.headers_mut());
        answer
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        control::answer(&self.accounts, method, path, body)
    }

    fn state(&self) -> Value {
        json!({ "accounts": self.accounts.shown() })
    }

    fn reset(&self) {
        self.accounts.reset();
    }
}

/// Shorthand for the resources: 200 with a JSON body.
fn ok(body: &impl serde::Serialize) -> Answer {
    answer::json(StatusCode::OK, body)
}
