//! Customers (one database each), their users and the one account that every database has.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::usage::Usage;

#[derive(Debug)]
pub struct Customer {
    /// The number that a zone look-up shows as `CI`.
    pub ci: u32,
    /// The name of its account 0, which is the customer itself.
    pub name: String,
    pub zone: u16,
    pub usage: Usage,
    /// Wrong passwords in a row after which a user is locked; 0 for never. That users are locked is unverified.
    pub lock_after: u32,
    pub users: Vec<User>,
}

#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// The resource's number.
    pub id: u64,
    /// What it logs in with: in the form of an e-mail address, unique over all customers.
    pub name: String,
    pub password: String,
    /// An "API User (API only)", which alone may call 1.6.
    pub api_only: bool,
    pub refusal: Option<Refusal>,
    /// Wrong passwords since the last right one.
    pub failures: u32,
}

/// What is in the way of a user whose password is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Refused at HTTP level, like a wrong password.
    Locked,
    /// Likewise: a password ends some day, unless the user is exempt.
    PasswordExpired,
    /// No right to use web services: an error in the answer (unverified).
    NoPermission,
}

impl Customer {
    pub fn new(ci: u32, zone: u16) -> Self {
        Self {
            ci,
            name: format!("Customer {ci}"),
            zone,
            usage: Usage::new(),
            lock_after: 0,
            users: Vec::new(),
        }
    }

    pub fn user(&self, name: &str) -> Option<&User> {
        let mut users = self.users.iter();
        users.find(|user| user.name.eq_ignore_ascii_case(name))
    }

    pub fn user_mut(&mut self, name: &str) -> Option<&mut User> {
        let mut users = self.users.iter_mut();
        users.find(|user| user.name.eq_ignore_ascii_case(name))
    }

    pub fn shown(&self) -> Value {
        json!({
            "ci": self.ci,
            "name": self.name,
            "zone": self.zone,
            "threshold": self.usage.threshold,
            "threshold_used": self.usage.used(Instant::now()),
            "threshold_enforced": self.usage.enforced,
            "threshold_delays": self.usage.delays,
            "lock_after": self.lock_after,
            "users": self.users,
        })
    }
}

impl User {
    pub fn new(id: u64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            password: String::from("password"),
            api_only: true,
            refusal: None,
            failures: 0,
        }
    }
}
