//! Zones, customers and integration codes: everything that calls read and change.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::customers::{Customer, User};
use crate::vendor;

pub const DOMAIN: &str = ".autotask.net";

/// The integration code of the examples: 27 characters, as all of them.
pub const CODE: &str = "BUNSENSANDBOXAUTOTASKCODE01";

/// Zones in the vendor's own list. 0 stands for the neutral host without a number, where nobody lives.
const ZONES: &[(u16, &str)] = &[
    (0, "Zone look-up"),
    (1, "Limited Release"),
    (2, "Pre-release"),
    (3, "America East"),
    (4, "UK"),
    (5, "America West"),
    (12, "Spanish"),
    (14, "America East 2"),
    (16, "UK 2"),
    (18, "German"),
    (19, "EU 1"),
    (26, "Australia 2"),
    (29, "Australia / New Zealand"),
];

#[derive(Debug)]
pub struct State {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
pub struct Held {
    pub zones: BTreeMap<u16, Zone>,
    pub customers: BTreeMap<u32, Customer>,
    pub codes: BTreeMap<String, Code>,
    last_resource_id: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Zone {
    pub name: String,
    pub v1_5: Service,
    pub v1_6: Service,
    /// A release is being installed: the zone answers 503.
    pub releasing: bool,
}

/// Whether a zone still has a version of the interface. The vendor switched 1.5 off zone by zone; what a switched-off
/// version answers is unverified, so there are two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    On,
    /// Every call gets an error in the vendor's own form.
    Refused,
    /// The address is not there any more.
    Gone,
}

/// A tracking identifier. Every customer's calls may carry it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Code {
    pub locked: bool,
}

/// What a host of the vendor stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub zone: u16,
    /// The pages for people (`ww{N}`) instead of the services.
    pub pages: bool,
}

impl Place {
    pub fn of(host: &str) -> Option<Self> {
        let label = host.strip_suffix(DOMAIN)?;
        let (number, pages) = match label.strip_prefix("webservices") {
            Some(number) => (number, false),
            None => (label.strip_prefix("ww")?, true),
        };
        // `webservices` alone is the neutral host, `ww` alone and numbers with a leading zero are nothing.
        let zone = match number {
            "" if !pages => 0,
            _ if number.starts_with(|sign: char| ('1'..='9').contains(&sign)) => {
                number.parse().ok()?
            }
            _ => return None,
        };
        Some(Self { zone, pages })
    }
}

impl State {
    pub fn seeded() -> Self {
        let state = Self {
            held: Mutex::default(),
        };
        state.reset();
        state
    }

    pub fn reset(&self) {
        *self.lock() = Held::sample();
    }

    pub fn lock(&self) -> MutexGuard<'_, Held> {
        vendor::lock(&self.held)
    }
}

impl Zone {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            v1_5: Service::On,
            v1_6: Service::On,
            releasing: false,
        }
    }
}

impl Held {
    fn sample() -> Self {
        let zones = ZONES.iter();
        let mut held = Self {
            zones: zones.map(|(zone, name)| (*zone, Zone::new(name))).collect(),
            last_resource_id: 29_682_884,
            ..Self::default()
        };
        held.codes.insert(CODE.to_owned(), Code::default());
        let mut sample = Customer::new(30_049, 2);
        sample.name = String::from("Sample");
        sample.users.push(held.new_user("api.user@sample.com"));
        let mut person = held.new_user("resource@sample.com");
        person.api_only = false;
        sample.users.push(person);
        let mut east = Customer::new(30_050, 3);
        east.name = String::from("Sample East");
        east.users.push(held.new_user("api.user@east.sample.com"));
        for customer in [sample, east] {
            held.customers.insert(customer.ci, customer);
        }
        held
    }

    pub fn new_user(&mut self, name: &str) -> User {
        self.last_resource_id += 1;
        User::new(self.last_resource_id, name)
    }

    /// The customer that a user name belongs to.
    pub fn customer_of(&self, user: &str) -> Option<&Customer> {
        let mut customers = self.customers.values();
        customers.find(|customer| customer.user(user).is_some())
    }

    pub fn customer_of_mut(&mut self, user: &str) -> Option<&mut Customer> {
        let mut customers = self.customers.values_mut();
        customers.find(|customer| customer.user(user).is_some())
    }

    pub fn shown(&self) -> Value {
        let customers: Vec<Value> = self.customers.values().map(Customer::shown).collect();
        json!({ "zones": self.zones, "customers": customers, "integration_codes": self.codes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_zones_or_the_neutral_place() {
        let read = |host: &str| Place::of(host).map(|place| (place.zone, place.pages));
        assert_eq!(read("webservices.autotask.net"), Some((0, false)));
        assert_eq!(read("webservices2.autotask.net"), Some((2, false)));
        assert_eq!(read("ww29.autotask.net"), Some((29, true)));
        for host in [
            "autotask.net",
            "ww.autotask.net",
            "webservices0.autotask.net",
            "webservices02.autotask.net",
            "webservices+2.autotask.net",
            "webservices99999.autotask.net",
            "webservices2.autotask.net.evil.example",
            "x.webservices2.autotask.net",
        ] {
            assert_eq!(read(host), None, "{host}");
        }
    }

    #[test]
    fn codes_have_the_vendors_length() {
        assert_eq!(CODE.len(), 27);
    }
}
