//! Control calls for sites, users, sessions and the clock, under `/_control/sugarcrm/`.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::sites::{Held, SUFFIX, Site, Sites, User, UserRefusal};
use super::version::Version;
use crate::answer::{self, Answer};
use crate::oauth::Calls;
use crate::routes::Route;
use crate::seeding::{self, Mistake, Operation, Outcome, invalid, parse, taken};

static ROUTES: &[Route<Operation<Sites>>] = &[
    Route {
        path: "sites",
        methods: &[("GET", sites), ("POST", create_site)],
    },
    Route {
        path: "sites/{host}",
        methods: &[
            ("GET", site),
            ("PATCH", change_site),
            ("DELETE", delete_site),
        ],
    },
    Route {
        path: "sites/{host}/users",
        methods: &[("POST", create_user)],
    },
    Route {
        path: "sites/{host}/users/{name}",
        methods: &[("PATCH", change_user), ("DELETE", delete_user)],
    },
    Route {
        path: "sites/{host}/sessions",
        methods: &[("GET", sessions), ("DELETE", end_sessions)],
    },
    Route {
        path: "sites/{host}/expire",
        methods: &[("POST", expire)],
    },
    Route {
        path: "clock",
        methods: &[("GET", clock), ("POST", move_clock)],
    },
    Route {
        path: "oauth/calls",
        methods: &[("GET", calls), ("DELETE", forget_calls)],
    },
];

pub fn answer(sites: &Sites, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(&[ROUTES], sites, method, path, body)
}

/// What is left out keeps its value, or gets the default in a new site.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SiteChange {
    host: Option<String>,
    install_path: Option<String>,
    version: Option<String>,
    clients: Option<BTreeMap<String, String>>,
    restrict_platforms: Option<bool>,
    platforms: Option<Vec<String>>,
    access_seconds: Option<u64>,
    refresh_seconds: Option<u64>,
    grant_refusal_status: Option<u16>,
    lock_after: Option<u32>,
    maintenance: Option<bool>,
    users: Option<Vec<UserChange>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UserChange {
    id: Option<String>,
    user_name: Option<String>,
    password: Option<String>,
    full_name: Option<String>,
    /// An explicit null takes it away, and forgets the failures.
    #[serde(deserialize_with = "given")]
    refusal: Option<Option<UserRefusal>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expiry {
    #[serde(default)]
    refresh_tokens: bool,
}

/// Tells an explicit null from a member that is not there.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<UserRefusal>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn ok(value: &Value) -> Outcome {
    Ok(answer::json(StatusCode::OK, value))
}

fn sites(sites: &Sites, _: &[&str], _: &[u8]) -> Outcome {
    ok(&sites.lock().shown()["sites"])
}

fn site(sites: &Sites, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = sites.lock();
    ok(&known(&mut held, parameters[0])?.shown())
}

fn create_site(sites: &Sites, _: &[&str], body: &[u8]) -> Outcome {
    let mut change: SiteChange = parse(body)?;
    let host = change.host.take().unwrap_or_default().to_ascii_lowercase();
    if !is_host(&host) {
        return invalid(format!(
            "host: \"{host}\" is no host name with a dot, without port and path"
        ));
    }
    let version = match change.version.take() {
        Some(text) => version(&text)?,
        None => Version::NEWEST,
    };
    let mut site = Site::new(&host, version);
    let users = change.users.take();
    for user in users.unwrap_or_else(|| vec![UserChange::first()]) {
        user.add_to(&mut site)?;
    }
    change.apply(&mut site)?;
    let shown = site.shown();
    let mut held = sites.lock();
    if held.by_host.contains_key(&host) {
        return taken(format!("host: \"{host}\" exists already"));
    }
    held.by_host.insert(host, site);
    Ok(answer::json(StatusCode::CREATED, &shown))
}

fn change_site(sites: &Sites, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: SiteChange = parse(body)?;
    if change.host.is_some() || change.users.is_some() {
        return invalid("host and users cannot be changed here; make a new site, or use …/users");
    }
    let mut held = sites.lock();
    let site = known(&mut held, parameters[0])?;
    change.apply(site)?;
    ok(&site.shown())
}

fn delete_site(sites: &Sites, parameters: &[&str], _: &[u8]) -> Outcome {
    let removed = sites.lock().by_host.remove(parameters[0]);
    removed.ok_or(NO_SITE)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn create_user(sites: &Sites, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut held = sites.lock();
    let site = known(&mut held, parameters[0])?;
    change.add_to(site)?;
    Ok(answer::json(StatusCode::CREATED, &json!(site.users.last())))
}

fn change_user(sites: &Sites, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    if change.id.is_some() || change.user_name.is_some() {
        return invalid("id and user_name cannot be changed; make a new user");
    }
    let mut held = sites.lock();
    let site = known(&mut held, parameters[0])?;
    let user = site.user_by_name_mut(parameters[1]).ok_or(NO_USER)?;
    change.apply(user);
    let user = user.clone();
    if user.refusal == Some(UserRefusal::Inactive) {
        site.sessions.end(|session| session.user_id == user.id);
    }
    ok(&json!(user))
}

fn delete_user(sites: &Sites, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = sites.lock();
    let site = known(&mut held, parameters[0])?;
    let id = site
        .user_by_name_mut(parameters[1])
        .ok_or(NO_USER)?
        .id
        .clone();
    site.users.retain(|user| user.id != id);
    site.sessions.end(|session| session.user_id == id);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn sessions(sites: &Sites, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = sites.lock();
    ok(&json!(known(&mut held, parameters[0])?.sessions.all()))
}

fn end_sessions(sites: &Sites, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = sites.lock();
    let ended = known(&mut held, parameters[0])?.sessions.end(|_| true);
    ok(&json!({ "ended": ended }))
}

fn expire(sites: &Sites, parameters: &[&str], body: &[u8]) -> Outcome {
    let expiry: Expiry = parse(if body.is_empty() { b"{}" } else { body })?;
    let mut held = sites.lock();
    let now = held.now();
    let site = known(&mut held, parameters[0])?;
    site.sessions.expire(now, expiry.refresh_tokens);
    ok(&json!(site.sessions.all()))
}

fn clock(sites: &Sites, _: &[&str], _: &[u8]) -> Outcome {
    sites.lock().clock.read()
}

fn move_clock(sites: &Sites, _: &[&str], body: &[u8]) -> Outcome {
    sites.lock().clock.advance(body)
}

fn calls(sites: &Sites, _: &[&str], _: &[u8]) -> Outcome {
    ok(&sites.lock().calls.shown())
}

fn forget_calls(sites: &Sites, _: &[&str], _: &[u8]) -> Outcome {
    sites.lock().calls = Calls::default();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

const NO_SITE: Mistake = Mistake::Unknown("no site with this host");
const NO_USER: Mistake = Mistake::Unknown("no user with this name on the site");

fn known<'a>(held: &'a mut Held, host: &str) -> Result<&'a mut Site, Mistake> {
    held.by_host.get_mut(host).ok_or(NO_SITE)
}

fn version(text: &str) -> Result<Version, Mistake> {
    let version = Version::parse(text).filter(|version| *version >= Version::OLDEST);
    version.ok_or_else(|| Mistake::Invalid(format!("version: \"{text}\" is not like v10 or v11_3")))
}

/// A host name of the customer's own, or one label below the vendor's domain.
fn is_host(text: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let label = text.strip_suffix(SUFFIX);
    text.contains('.')
        && text.bytes().all(sign)
        && text.split('.').all(|label| !label.is_empty())
        && label.is_none_or(|label| !label.contains('.'))
}

impl SiteChange {
    /// Everything is checked before anything changes.
    fn apply(self, site: &mut Site) -> Result<(), Mistake> {
        let status = self
            .grant_refusal_status
            .unwrap_or(site.grant_refusal_status);
        if status != 400 && status != 401 {
            return invalid("grant_refusal_status: 400 or 401");
        }
        let path = self
            .install_path
            .unwrap_or_else(|| site.install_path.clone());
        if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
            return invalid("install_path: empty, or like /sugar");
        }
        if let Some(text) = self.version {
            site.version = version(&text)?;
        }
        site.grant_refusal_status = status;
        site.install_path = path;
        if let Some(clients) = self.clients {
            site.clients = clients;
        }
        if let Some(platforms) = self.platforms {
            site.platforms = platforms;
        }
        site.restrict_platforms = self.restrict_platforms.unwrap_or(site.restrict_platforms);
        let lifetimes = &mut site.lifetimes;
        lifetimes.access = self.access_seconds.unwrap_or(lifetimes.access);
        lifetimes.refresh = self.refresh_seconds.unwrap_or(lifetimes.refresh);
        site.lock_after = self.lock_after.unwrap_or(site.lock_after);
        site.maintenance = self.maintenance.unwrap_or(site.maintenance);
        Ok(())
    }
}

impl UserChange {
    /// The user of a site for which none was named.
    fn first() -> Self {
        Self {
            id: Some(String::from("1")),
            user_name: Some(String::from("admin")),
            ..Self::default()
        }
    }

    fn add_to(self, site: &mut Site) -> Result<(), Mistake> {
        let Some(name) = self.user_name.clone().filter(|name| !name.is_empty()) else {
            return invalid("user_name: missing; every user has one");
        };
        let id = self
            .id
            .clone()
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        if site.user(&id).is_some() || site.user_by_name_mut(&name).is_some() {
            return taken("id and user_name: another user of this site has the same");
        }
        let mut user = User::new(&id, &name);
        self.apply(&mut user);
        site.users.push(user);
        Ok(())
    }

    fn apply(self, user: &mut User) {
        user.password = self.password.unwrap_or_else(|| user.password.clone());
        user.full_name = self.full_name.unwrap_or_else(|| user.full_name.clone());
        if let Some(refusal) = self.refusal {
            user.refusal = refusal;
            user.failures = 0;
        }
    }
}
