//! Users, companies and what ties them together: everything that calls read and change.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Moment;
use super::limits::{Burst, Daily, Plan, Usage};
use super::provider;
use super::seeds::{self, Amounts};
use crate::clock::Clock;
use crate::oauth::Authority;
use crate::records::{Store, times};

pub const SUFFIX: &str = ".pipedrive.com";

/// The vendor's time format in v1: UTC, without a sign for it.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The form in which records hold times, and v2 shows them.
pub fn held_now() -> String {
    times::shown(Timestamp::now().as_second())
}

/// Forty hexadecimal digits, as the vendor makes them.
pub fn new_token() -> String {
    let (first, second) = (Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let mut text = format!("{first}{second}");
    text.truncate(40);
    text
}

/// The one label of a host that serves the API; the host of the OAuth pages does not.
pub fn label(host: &str) -> Option<&str> {
    let label = host.strip_suffix(SUFFIX)?;
    (is_label(label) && label != "oauth").then_some(label)
}

pub fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(plain) && text.bytes().all(|byte| plain(byte) || byte == b'-')
}

#[derive(Debug)]
pub struct World {
    pub companies: BTreeMap<u64, Company>,
    pub users: BTreeMap<u64, User>,
    /// API token → user and company.
    tokens: HashMap<String, (u64, u64)>,
    pub habits: Habits,
    pub oauth: Authority,
    /// API tokens that were swapped for OAuth; that goes once.
    pub swapped: HashSet<String>,
    pub clock: Clock,
    last_id: u64,
}

/// How the legacy log-in behaves; reports differ.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Habits {
    /// 401, or 200 as some old reports show.
    pub failed_login_status: u16,
    /// Whether a user without company gets `null` instead of an empty list.
    pub empty_as_null: bool,
    /// Whether the log-in answers 410, as a call that the vendor took away.
    pub authorizations_retired: bool,
    /// Whether calls of v1 that v2 replaces answer 410.
    pub v1_retired: bool,
    /// What an application is told whose install was declined; some report `access_denied`.
    pub denied_error: Denied,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            failed_login_status: 401,
            empty_as_null: false,
            authorizations_retired: false,
            v1_retired: false,
            denied_error: Denied::UserDenied,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    UserDenied,
    AccessDenied,
}

#[derive(Debug)]
pub struct Company {
    pub id: u64,
    /// The label of the company's host.
    pub domain: String,
    pub name: String,
    pub country: String,
    pub industry: String,
    pub plan: Plan,
    pub seats: u64,
    pub burst: u64,
    pub daily: u64,
    pub limit_enforced: bool,
    pub spent: Daily,
    /// Trial over, or unpaid.
    pub closed: bool,
    /// Persons, deals and the rest.
    pub records: Store,
    /// What is put in before the first call that needs records.
    pub seed: Option<Amounts>,
}

#[derive(Debug)]
pub struct User {
    pub id: u64,
    pub email: String,
    pub name: String,
    pub password: String,
    /// In the order of the log-in's answer.
    pub memberships: Vec<Membership>,
    pub locked: bool,
    /// Locks the user after so many wrong passwords in a row; the vendor does not say how many.
    pub lock_after: Option<u32>,
    pub failed_logins: u32,
    pub created: String,
    pub modified: String,
    pub last_login: Option<String>,
}

/// A user in a company: the only thing that an API token belongs to.
#[derive(Debug)]
pub struct Membership {
    pub company: u64,
    pub api_token: String,
    pub admin: bool,
    /// The company switched the user off.
    pub deactivated: bool,
    /// Every call is refused for missing rights.
    pub forbidden: bool,
    /// The edge network keeps the token out.
    pub blocked: bool,
    pub burst: Burst,
    /// Of bearer tokens, which have an allowance of their own.
    pub bearer_burst: Burst,
    pub added: String,
}

impl World {
    /// What the examples use, always there.
    pub fn seeded() -> Self {
        let mut world = Self {
            companies: BTreeMap::new(),
            users: BTreeMap::new(),
            tokens: HashMap::new(),
            habits: Habits::default(),
            oauth: provider::authority(),
            swapped: HashSet::new(),
            clock: Clock::default(),
            last_id: 1000,
        };
        for (id, domain, name) in [(22, "sample", "Sample"), (23, "second", "Sample Second")] {
            let mut company = Company::new(id, domain);
            company.name = name.to_owned();
            if id == 22 {
                company.seed = Some(Amounts::plenty());
            }
            world.companies.insert(id, company);
        }
        let memberships = |tokens: &[(u64, &str)]| -> Vec<Membership> {
            let tokens = tokens.iter();
            tokens
                .map(|(company, token)| Membership::new(*company, (*token).to_owned()))
                .collect()
        };
        let mut admin = User::new(11, "sample@sample.com");
        admin.name = String::from("Sample Admin");
        admin.memberships = memberships(&[(22, "5a6d0a1e000000000000000000000000000000a1")]);
        admin.memberships[0].admin = true;
        let mut several = User::new(12, "several@sample.com");
        several.name = String::from("Sample User");
        several.memberships = memberships(&[
            (22, "5a6d0a1e000000000000000000000000000000b1"),
            (23, "5a6d0a1e000000000000000000000000000000b2"),
        ]);
        for user in [admin, several] {
            world.users.insert(user.id, user);
        }
        world.index();
        world
    }

    /// Ids of users and companies grow together; their order carries no meaning.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        while self.users.contains_key(&self.last_id) || self.companies.contains_key(&self.last_id) {
            self.last_id += 1;
        }
        self.last_id
    }

    /// Renews the table of tokens after users, companies or memberships changed.
    pub fn index(&mut self) {
        self.tokens.clear();
        for user in self.users.values() {
            for membership in &user.memberships {
                let owner = (user.id, membership.company);
                self.tokens.insert(membership.api_token.clone(), owner);
            }
        }
    }

    /// User and company of a token, alive or not.
    pub fn owner(&self, token: &str) -> Option<(u64, u64)> {
        self.tokens.get(token).copied()
    }

    pub fn membership(&mut self, user: u64, company: u64) -> Option<&mut Membership> {
        let memberships = &mut self.users.get_mut(&user)?.memberships;
        memberships
            .iter_mut()
            .find(|membership| membership.company == company)
    }

    /// Takes a user out of a company, with what applications had there.
    pub fn leave(&mut self, user: u64, company: u64) {
        if let Some(user) = self.users.get_mut(&user) {
            let memberships = &mut user.memberships;
            memberships.retain(|membership| membership.company != company);
        }
        self.oauth.forget(&provider::subject(user, company));
    }

    /// Puts the records of the start in, once. They belong to the first user of the company.
    pub fn fill(&mut self, company: u64) {
        let member = |user: &&User| {
            user.memberships
                .iter()
                .any(|membership| membership.company == company)
        };
        let owner = self.users.values().find(member).map_or(0, |user| user.id);
        let company = self.companies.get_mut(&company);
        if let Some(company) = company
            && let Some(amounts) = company.seed.take()
        {
            seeds::fill(company, amounts, owner);
        }
    }

    pub fn company_at(&self, domain: &str) -> Option<&Company> {
        let mut companies = self.companies.values();
        companies.find(|company| company.domain == domain)
    }

    /// Takes one call from both allowances. Bearer tokens may call four times as often as API tokens.
    pub fn count(
        &mut self,
        user: u64,
        company: u64,
        cost: u64,
        moment: Moment,
        bearer: bool,
    ) -> Option<Usage> {
        let membership = self.membership(user, company)?;
        let (window, times) = match bearer {
            true => (&mut membership.bearer_burst, 4),
            false => (&mut membership.burst, 1),
        };
        let (calls, reset) = window.count(moment.instant);
        let company = self.companies.get_mut(&company)?;
        let spent = company.spent.spend(moment.day, cost);
        let burst = company.burst.saturating_mul(times);
        let over = calls > burst || spent > company.daily;
        Some(Usage {
            burst,
            burst_remaining: burst.saturating_sub(calls),
            reset,
            daily: company.daily,
            daily_remaining: company.daily.saturating_sub(spent),
            writes_left: None,
            exceeded: over && company.limit_enforced,
        })
    }

    /// Everything, for control calls. Nothing here is a real secret.
    pub fn shown(&self) -> Value {
        let companies: Vec<Value> = self.companies.values().map(Company::shown).collect();
        let users: Vec<Value> = self.users.values().map(User::shown).collect();
        json!({
            "companies": companies,
            "users": users,
            "habits": self.habits,
            "oauth": self.oauth.shown(),
            "clock": self.clock.shown(),
        })
    }
}

impl Company {
    pub fn new(id: u64, domain: &str) -> Self {
        let (plan, seats) = (Plan::Unlimited, 5);
        Self {
            id,
            domain: domain.to_owned(),
            name: domain.to_owned(),
            country: String::from("EE"),
            industry: String::from("IT Services"),
            plan,
            seats,
            burst: plan.burst(),
            daily: plan.daily(seats),
            limit_enforced: false,
            spent: Daily::default(),
            closed: false,
            records: Store::default(),
            seed: Some(Amounts::default()),
        }
    }

    pub fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "domain": self.domain,
            "name": self.name,
            "country": self.country,
            "industry": self.industry,
            "plan": self.plan,
            "seats": self.seats,
            "burst_total": self.burst,
            "daily_total": self.daily,
            "daily_used": self.spent.used(),
            "limit_enforced": self.limit_enforced,
            "closed": self.closed,
            "records": self.records.counts(),
            "records_most": self.records.most,
            "unrest": self.records.unrest,
            "shifting_ties": self.records.shifting_ties,
        })
    }
}

impl User {
    pub fn new(id: u64, email: &str) -> Self {
        let now = now();
        Self {
            id,
            email: email.to_owned(),
            name: email.to_owned(),
            password: String::from("password"),
            memberships: Vec::new(),
            locked: false,
            lock_after: None,
            failed_logins: 0,
            created: now.clone(),
            modified: now,
            last_login: None,
        }
    }

    pub fn shown(&self) -> Value {
        let companies: Vec<Value> = self.memberships.iter().map(Membership::shown).collect();
        json!({
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "password": self.password,
            "locked": self.locked,
            "lock_after": self.lock_after,
            "failed_logins": self.failed_logins,
            "companies": companies,
        })
    }
}

impl Membership {
    pub fn new(company: u64, api_token: String) -> Self {
        Self {
            company,
            api_token,
            admin: false,
            deactivated: false,
            forbidden: false,
            blocked: false,
            burst: Burst::default(),
            bearer_burst: Burst::default(),
            added: now(),
        }
    }

    pub fn shown(&self) -> Value {
        json!({
            "company": self.company,
            "api_token": self.api_token,
            "admin": self.admin,
            "deactivated": self.deactivated,
            "forbidden": self.forbidden,
            "blocked": self.blocked,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_is_a_host_of_the_api_and_everything_else_is_not() {
        assert_eq!(label("acme-1.pipedrive.com"), Some("acme-1"));
        assert_eq!(label("api.pipedrive.com"), Some("api"));
        for host in [
            "pipedrive.com",
            ".pipedrive.com",
            "oauth.pipedrive.com",
            "-a.pipedrive.com",
            "a.b.pipedrive.com",
            "a.pipedrive.com.vendor.example",
        ] {
            assert_eq!(label(host), None, "{host}");
        }
    }

    #[test]
    fn tokens_are_forty_hexadecimal_digits() {
        let token = new_token();
        assert_eq!(token.len(), 40);
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
