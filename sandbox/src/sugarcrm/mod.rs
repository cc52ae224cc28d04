//! SugarCRM as a simulator: the REST API's log-in with everything that can happen to a session, and records of the
//! stock modules.
//!
//! `front` decides which site and version a call means, `token` grants and renews sessions, `records` are those of modules,
//! `sites` holds the state. What
//! the vendor's documentation leaves open is marked "unverified" where it is decided.

mod control;
mod errors;
mod front;
mod records;
mod sessions;
mod sites;
mod token;
mod version;

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::answer::Answer;
use crate::vendor::{Call, Vendor};
use sites::Sites;

pub fn vendor() -> Arc<dyn Vendor> {
    Arc::new(SugarCrm {
        sites: Sites::seeded(),
    })
}

#[derive(Debug)]
struct SugarCrm {
    sites: Sites,
}

impl Vendor for SugarCrm {
    fn key(&self) -> &'static str {
        "sugarcrm"
    }

    fn hosts(&self) -> &'static str {
        "*.sugarondemand.com and hosts made by control call"
    }

    fn serves(&self, host: &str) -> bool {
        host.ends_with(sites::SUFFIX) || self.sites.lock().by_host.contains_key(host)
    }

    fn answer(&self, call: &Call) -> Answer {
        front::answer(&mut self.sites.lock(), call)
    }

    /// No header is on every answer, and nothing is counted.
    fn dress(&self, _: &Call, _: &mut HeaderMap) {}

    fn rate_limited(&self, _: &Call, retry_after_seconds: u64) -> Answer {
        errors::too_many(retry_after_seconds)
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        control::answer(&self.sites, method, path, body)
    }

    fn state(&self) -> Value {
        self.sites.lock().shown()
    }

    fn reset(&self) {
        self.sites.reset();
    }
}
