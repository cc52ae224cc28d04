//! The sites with their users, clients and platforms: everything that calls read and change.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::records::{self, Records};
use super::sessions::{Lifetimes, Seconds, Sessions};
use super::version::Version;
use crate::clock::Clock;
use crate::oauth::Calls;
use crate::vendor;

/// The vendor's own cloud.
pub const SUFFIX: &str = ".sugarondemand.com";

/// Always registered: the web pages, the mobile application and the portal.
const STOCK_PLATFORMS: [&str; 3] = ["base", "mobile", "portal"];

#[derive(Debug)]
pub struct Sites {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
pub struct Held {
    pub by_host: BTreeMap<String, Site>,
    pub clock: Clock,
    /// Of all sites together.
    pub calls: Calls,
}

#[derive(Debug)]
pub struct Site {
    pub host: String,
    /// Where the product is installed below the host: empty, or like `/sugar`.
    pub install_path: String,
    /// The newest version of the API that it knows.
    pub version: Version,
    /// Key → secret of the OAuth keys.
    pub clients: BTreeMap<String, String>,
    pub restrict_platforms: bool,
    pub platforms: Vec<String>,
    pub lifetimes: Lifetimes,
    /// 400 or 401: which of them answers a dead refresh token or an unknown client is unverified.
    pub grant_refusal_status: u16,
    /// Wrong passwords in a row after which a user is locked out; 0 for never (unverified).
    pub lock_after: u32,
    pub maintenance: bool,
    pub users: Vec<User>,
    pub sessions: Sessions,
    pub records: Records,
}

#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// Not always like a GUID; the first one of a new site is `1`.
    pub id: String,
    pub user_name: String,
    pub password: String,
    pub full_name: String,
    pub refusal: Option<UserRefusal>,
    /// Wrong passwords since the last right one.
    pub failures: u32,
}

/// What is in the way of a user whose password is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRefusal {
    Inactive,
    PasswordExpired,
    LockedOut,
    /// Logs in with an identity provider elsewhere, so that no password is right.
    ExternalLogin,
}

impl Sites {
    pub fn seeded() -> Self {
        let sites = Self {
            held: Mutex::default(),
        };
        sites.reset();
        sites
    }

    pub fn reset(&self) {
        *self.lock() = Held::sample();
    }

    pub fn lock(&self) -> MutexGuard<'_, Held> {
        vendor::lock(&self.held)
    }
}

impl Held {
    fn sample() -> Self {
        let mut site = Site::new(&format!("sample{SUFFIX}"), Version::NEWEST);
        // Its admin has opened it for platforms that nobody registered.
        site.restrict_platforms = false;
        let secret = String::from("sandbox-sugarcrm-secret");
        site.clients
            .insert(String::from("sandbox-sugarcrm-key"), secret);
        for (id, name, full_name) in [
            ("1", "admin", "Sample Admin"),
            ("seed_sarah_id", "sarah", "Sarah Smith"),
        ] {
            let mut user = User::new(id, name);
            user.full_name = full_name.to_owned();
            site.users.push(user);
        }
        site.records = records::seeded();
        let mut held = Self::default();
        held.by_host.insert(site.host.clone(), site);
        held
    }

    /// The simulated time.
    pub fn now(&self) -> Seconds {
        u64::try_from(self.clock.now()).unwrap_or(0)
    }

    pub fn shown(&self) -> Value {
        let sites = self.by_host.iter();
        let sites: Map<String, Value> = sites
            .map(|(host, site)| (host.clone(), site.shown()))
            .collect();
        json!({
            "ahead_seconds": self.clock.ahead(),
            "sites": sites,
            "oauth": { "calls": self.calls.shown() },
        })
    }
}

impl Site {
    pub fn new(host: &str, version: Version) -> Self {
        Self {
            host: host.to_owned(),
            install_path: String::new(),
            version,
            // Built into every site, with an empty secret.
            clients: BTreeMap::from([(String::from("sugar"), String::new())]),
            restrict_platforms: version >= Version::RESTRICTED_PLATFORMS,
            platforms: STOCK_PLATFORMS.map(String::from).to_vec(),
            lifetimes: Lifetimes {
                access: 3600,
                refresh: 1_209_600,
            },
            grant_refusal_status: 400,
            lock_after: 0,
            maintenance: false,
            users: Vec::new(),
            sessions: Sessions::default(),
            records: Records::default(),
        }
    }

    pub fn takes_platform(&self, platform: &str) -> bool {
        !self.restrict_platforms || self.platforms.iter().any(|known| known == platform)
    }

    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub fn user_by_name_mut(&mut self, name: &str) -> Option<&mut User> {
        let mut users = self.users.iter_mut();
        users.find(|user| user.user_name.eq_ignore_ascii_case(name))
    }

    pub fn shown(&self) -> Value {
        json!({
            "host": self.host,
            "install_path": self.install_path,
            "version": self.version.to_string(),
            "clients": self.clients,
            "restrict_platforms": self.restrict_platforms,
            "platforms": self.platforms,
            "access_seconds": self.lifetimes.access,
            "refresh_seconds": self.lifetimes.refresh,
            "grant_refusal_status": self.grant_refusal_status,
            "lock_after": self.lock_after,
            "maintenance": self.maintenance,
            "users": self.users,
            "sessions": self.sessions.all(),
        })
    }
}

impl User {
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            user_name: name.to_owned(),
            password: String::from("password"),
            full_name: name.to_owned(),
            refusal: None,
            failures: 0,
        }
    }
}
