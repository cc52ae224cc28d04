//! The accounts with their agents and groups: everything that calls read and change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limits::{Limit, Plan};
use super::seeds::{self, Amounts};
use crate::records::Store;
use crate::vendor::lock;

pub const SUFFIX: &str = ".freshdesk.com";

/// The vendor's time format: UTC, whole seconds.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[derive(Debug)]
pub struct Accounts {
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_label: HashMap<String, Arc<Mutex<Account>>>,
    /// A customer's own host name → label.
    custom_hosts: HashMap<String, String>,
    last_id: u64,
}

impl Accounts {
    pub fn seeded() -> Self {
        let accounts = Self {
            held: RwLock::default(),
        };
        accounts.reset();
        accounts
    }

    pub fn reset(&self) {
        *self.write() = Held::default();
        self.insert(Account::sample());
    }

    /// The account behind a host, and whether the host is the customer's own name for it.
    pub fn at(&self, host: &str) -> Option<(Arc<Mutex<Account>>, bool)> {
        let held = self.read();
        let (label, custom) = match host.strip_suffix(SUFFIX) {
            Some(label) => (label, false),
            None => (held.custom_hosts.get(host)?.as_str(), true),
        };
        Some((Arc::clone(held.by_label.get(label)?), custom))
    }

    pub fn by_label(&self, label: &str) -> Option<Arc<Mutex<Account>>> {
        self.read().by_label.get(label).cloned()
    }

    pub fn by_number(&self, number: u64) -> Option<Arc<Mutex<Account>>> {
        let held = self.read();
        let mut accounts = held.by_label.values();
        accounts.find(|account| lock(account).id == number).cloned()
    }

    pub fn has_custom_host(&self, host: &str) -> bool {
        self.read().custom_hosts.contains_key(host)
    }

    /// Gives the account its number. False when the label is taken.
    pub fn insert(&self, mut account: Account) -> bool {
        let mut held = self.write();
        if held.by_label.contains_key(&account.label) {
            return false;
        }
        held.last_id += 1;
        account.id = held.last_id;
        let label = account.label.clone();
        held.by_label.insert(label, Arc::new(Mutex::new(account)));
        true
    }

    pub fn remove(&self, label: &str) -> bool {
        let mut held = self.write();
        held.custom_hosts.retain(|_, target| target != label);
        held.by_label.remove(label).is_some()
    }

    /// Gives an account a host name of its own; without a host it loses what it had. False when another has it.
    pub fn set_custom_host(&self, label: &str, host: Option<String>) -> bool {
        let mut held = self.write();
        let taken = |owner: &String| owner != label;
        if host
            .as_ref()
            .and_then(|host| held.custom_hosts.get(host))
            .is_some_and(taken)
        {
            return false;
        }
        held.custom_hosts.retain(|_, target| target != label);
        if let Some(host) = &host {
            held.custom_hosts.insert(host.clone(), label.to_owned());
        }
        if let Some(account) = held.by_label.get(label) {
            lock(account).custom_host = host;
        }
        true
    }

    pub fn shown(&self) -> Value {
        let held = self.read();
        let accounts = held.by_label.iter();
        let shown = accounts.map(|(label, account)| (label.clone(), lock(account).shown()));
        Value::Object(shown.collect::<Map<_, _>>())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct Account {
    pub id: u64,
    pub label: String,
    pub name: String,
    pub plan: Plan,
    pub limit: Limit,
    pub suspended: bool,
    /// Whether the account is old enough for API v1.
    pub v1: bool,
    /// The status of a failed v1 login: 200 or 403, by the account's age.
    pub v1_login_status: u16,
    /// A host name of the customer's own that leads here.
    pub custom_host: Option<String>,
    /// Shared, so that a call takes its agent along without copying.
    pub agents: BTreeMap<u64, Arc<Agent>>,
    pub groups: BTreeMap<u64, Group>,
    pub created_at: String,
    /// Contacts, tickets and the rest.
    pub records: Store,
    /// What is put in before the first call that needs records.
    pub seed: Option<Amounts>,
    /// So many seconds pass before a change is found by searches.
    pub search_lag_seconds: i64,
    last_id: u64,
}

impl Account {
    pub fn new(label: &str) -> Self {
        Self {
            id: 0,
            label: label.to_owned(),
            name: label.to_owned(),
            plan: Plan::Unlimited,
            limit: Limit::of(Plan::Unlimited),
            suspended: false,
            v1: false,
            v1_login_status: 403,
            custom_host: None,
            agents: BTreeMap::new(),
            groups: BTreeMap::new(),
            created_at: now(),
            records: Store::default(),
            seed: Some(Amounts::default()),
            search_lag_seconds: 0,
            last_id: 430,
        }
    }

    /// The account that the examples use, always there.
    fn sample() -> Self {
        let mut account = Self::new("sample");
        account.name = String::from("Sample");
        account.seed = Some(Amounts::plenty());
        let mut admin = Agent::new(account.next_id(), "sample@sample.com");
        admin.contact.name = String::from("Sample Admin");
        admin.access.api_key = String::from("sandbox-freshdesk-key");
        admin.access.admin = true;
        let mut ordinary = Agent::new(account.next_id(), "agent@sample.com");
        ordinary.contact.name = String::from("Sample Agent");
        ordinary.access.api_key = String::from("sandbox-freshdesk-agent-key");
        ordinary.role_ids = vec![2];
        ordinary.ticket_scope = 2;
        for agent in [admin, ordinary] {
            account.agents.insert(agent.id, Arc::new(agent));
        }
        account
    }

    /// Ids grow over all kinds of objects of an account; their order carries no meaning.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Puts the records of the start in, once.
    pub fn fill(&mut self) {
        if let Some(amounts) = self.seed.take() {
            seeds::fill(self, amounts);
        }
    }

    pub fn host(&self) -> String {
        format!("{}{SUFFIX}", self.label)
    }

    /// Agents show the groups they belong to, groups hold them.
    pub fn refresh_memberships(&mut self) {
        for agent in self.agents.values_mut() {
            let groups = self.groups.values();
            let own = groups.filter(|group| group.agent_ids.contains(&agent.id));
            Arc::make_mut(agent).group_ids = own.map(|group| group.id).collect();
        }
    }

    pub fn shown(&self) -> Value {
        let agents: Vec<Value> = self.agents.values().map(|agent| agent.shown()).collect();
        let groups: Vec<&Group> = self.groups.values().collect();
        json!({
            "account_id": self.id,
            "subdomain": self.label,
            "name": self.name,
            "plan": self.plan,
            "limit_total": self.limit.total,
            "limit_window_seconds": self.limit.window.as_secs(),
            "limit_enforced": self.limit.enforced,
            "limit_decimal": self.limit.decimal,
            "limit_used": self.limit.used(),
            "suspended": self.suspended,
            "v1": self.v1,
            "v1_login_status": self.v1_login_status,
            "custom_host": self.custom_host,
            "agents": agents,
            "groups": groups,
            "records": self.records.counts(),
            "records_most": self.records.most,
            "unrest": self.records.unrest,
            "shifting_ties": self.records.shifting_ties,
            "search_lag_seconds": self.search_lag_seconds,
        })
    }
}

/// An agent as the vendor shows it, with what the vendor keeps to itself.
#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    pub available: bool,
    pub occasional: bool,
    pub signature: Option<String>,
    pub group_ids: Vec<u64>,
    pub role_ids: Vec<u64>,
    pub skill_ids: Vec<u64>,
    pub id: u64,
    /// 1 global, 2 group, 3 restricted.
    pub ticket_scope: u8,
    pub created_at: String,
    pub updated_at: String,
    pub available_since: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    pub contact: Person,
    #[serde(skip)]
    pub access: Access,
}

/// The person behind an agent.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    pub active: bool,
    pub email: String,
    pub job_title: Option<String>,
    pub language: String,
    pub last_login_at: Option<String>,
    pub mobile: Option<String>,
    pub name: String,
    pub phone: Option<String>,
    pub time_zone: String,
    pub created_at: String,
    pub updated_at: String,
}

/// How an agent logs in, and what may be in the way.
#[derive(Debug, Clone)]
pub struct Access {
    pub password: String,
    pub api_key: String,
    pub admin: bool,
    /// Off for accounts with single sign-on or two-factor login (unverified).
    pub password_login: bool,
    pub deactivated: bool,
    /// A code of 403 that answers every call of this agent.
    pub refusal: Option<&'static str>,
}

impl Agent {
    pub fn new(id: u64, email: &str) -> Self {
        let now = now();
        Self {
            available: true,
            occasional: false,
            signature: None,
            group_ids: Vec::new(),
            role_ids: vec![1],
            skill_ids: Vec::new(),
            id,
            ticket_scope: 1,
            created_at: now.clone(),
            updated_at: now.clone(),
            available_since: None,
            kind: String::from("support_agent"),
            contact: Person {
                active: true,
                email: email.to_owned(),
                job_title: None,
                language: String::from("en"),
                last_login_at: None,
                mobile: None,
                name: email.to_owned(),
                phone: None,
                time_zone: String::from("Eastern Time (US & Canada)"),
                created_at: now.clone(),
                updated_at: now,
            },
            access: Access {
                password: String::from("password"),
                api_key: format!("sandbox-freshdesk-key-{email}"),
                admin: false,
                password_login: true,
                deactivated: false,
                refusal: None,
            },
        }
    }

    /// For control calls: the vendor's shape with the rest beside it. Nothing here is a real secret.
    pub fn shown(&self) -> Value {
        let mut shown = json!(self);
        shown["password"] = json!(self.access.password);
        shown["api_key"] = json!(self.access.api_key);
        shown["admin"] = json!(self.access.admin);
        shown["password_login"] = json!(self.access.password_login);
        shown["deactivated"] = json!(self.access.deactivated);
        shown["refusal"] = json!(self.access.refusal);
        shown
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Group {
    pub id: u64,
    pub name: String,
    pub description: Option<String>,
    pub business_hour_id: Option<u64>,
    pub escalate_to: Option<u64>,
    pub unassigned_for: Option<String>,
    pub agent_ids: Vec<u64>,
    pub auto_ticket_assign: u64,
    pub created_at: String,
    pub updated_at: String,
}
