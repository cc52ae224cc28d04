//! Control calls for accounts and agents, under `/_control/freshdesk/`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;

use super::accounts::{Account, Accounts, Agent, SUFFIX};
use super::attachments;
use super::limits::{Limit, Plan};
use super::login::REFUSALS;
use super::seeds::Amounts;
use crate::answer::{self, Answer};
use crate::records::MOST;
use crate::records::unrest::Unrest;
use crate::routes::Route;
use crate::seeding::{self, Mistake, Operation, Outcome, invalid, parse};
use crate::vendor::lock;

static ROUTES: &[Route<Operation<Accounts>>] = &[
    Route {
        path: "accounts",
        methods: &[("GET", accounts), ("POST", create_account)],
    },
    Route {
        path: "accounts/{subdomain}",
        methods: &[
            ("GET", account),
            ("PATCH", change_account),
            ("DELETE", delete_account),
        ],
    },
    Route {
        path: "accounts/{subdomain}/agents",
        methods: &[("POST", create_agent)],
    },
    Route {
        path: "accounts/{subdomain}/agents/{id}",
        methods: &[("PATCH", change_agent), ("DELETE", delete_agent)],
    },
];

pub fn answer(accounts: &Accounts, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(&[ROUTES], accounts, method, path, body)
}

/// What can be said of an account, when it is made and later. What is left out keeps its value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AccountChange {
    subdomain: Option<String>,
    name: Option<String>,
    plan: Option<Plan>,
    limit_total: Option<u64>,
    limit_window_seconds: Option<u64>,
    limit_enforced: Option<bool>,
    limit_decimal: Option<bool>,
    suspended: Option<bool>,
    v1: Option<bool>,
    v1_login_status: Option<u16>,
    /// An empty text takes it away.
    custom_host: Option<String>,
    agents: Option<Vec<AgentChange>>,
    /// The records of a new account; as many as stand in `Amounts::plenty` for `sample`, none for others.
    seed: Option<Amounts>,
    records_most: Option<usize>,
    unrest: Option<Vec<Unrest>>,
    shifting_ties: Option<bool>,
    search_lag_seconds: Option<i64>,
}

/// The same for an agent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AgentChange {
    email: Option<String>,
    name: Option<String>,
    password: Option<String>,
    api_key: Option<String>,
    admin: Option<bool>,
    password_login: Option<bool>,
    deactivated: Option<bool>,
    /// An empty text takes it away.
    refusal: Option<String>,
    occasional: Option<bool>,
    ticket_scope: Option<u8>,
    job_title: Option<String>,
    mobile: Option<String>,
    phone: Option<String>,
}

fn accounts(accounts: &Accounts, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &accounts.shown()))
}

fn account(accounts: &Accounts, parameters: &[&str], _: &[u8]) -> Outcome {
    shown(accounts, parameters[0], StatusCode::OK)
}

fn create_account(accounts: &Accounts, _: &[&str], body: &[u8]) -> Outcome {
    let mut change: AccountChange = parse(body)?;
    let label = change.subdomain.take().unwrap_or_default();
    if label == attachments::LABEL {
        return invalid("subdomain: the host of files has this one");
    }
    if !is_label(&label) {
        let message =
            format!("subdomain: \"{label}\" is no label of lower-case letters, digits, - and _");
        return Err(Mistake::Invalid(message));
    }
    change.check()?;
    let mut account = Account::new(&label);
    let agents = change
        .agents
        .take()
        .unwrap_or_else(|| vec![AgentChange::first(&label)]);
    for agent in agents {
        agent.add_to(&mut account)?;
    }
    let custom_host = change.custom_host.clone();
    change.apply(&mut account);
    if !accounts.insert(account) {
        return Err(Mistake::Taken(format!(
            "subdomain: \"{label}\" exists already"
        )));
    }
    if let Err(mistake) = set_custom_host(accounts, &label, custom_host) {
        accounts.remove(&label);
        return Err(mistake);
    }
    shown(accounts, &label, StatusCode::CREATED)
}

fn change_account(accounts: &Accounts, parameters: &[&str], body: &[u8]) -> Outcome {
    let label = parameters[0];
    let account = known(accounts, label)?;
    let change: AccountChange = parse(body)?;
    change.check()?;
    if change.subdomain.is_some() || change.agents.is_some() || change.seed.is_some() {
        let message = "subdomain, agents and seed cannot be changed here; make a new account, or use …/agents";
        return Err(Mistake::Invalid(String::from(message)));
    }
    let custom_host = change.custom_host.clone();
    set_custom_host(accounts, label, custom_host)?;
    change.apply(&mut lock(&account));
    shown(accounts, label, StatusCode::OK)
}

fn delete_account(accounts: &Accounts, parameters: &[&str], _: &[u8]) -> Outcome {
    if accounts.remove(parameters[0]) {
        return Ok(answer::empty(StatusCode::NO_CONTENT));
    }
    Err(NO_ACCOUNT)
}

fn create_agent(accounts: &Accounts, parameters: &[&str], body: &[u8]) -> Outcome {
    let account = known(accounts, parameters[0])?;
    let change: AgentChange = parse(body)?;
    let mut account = lock(&account);
    let id = change.add_to(&mut account)?;
    Ok(answer::json(
        StatusCode::CREATED,
        &account.agents[&id].shown(),
    ))
}

fn change_agent(accounts: &Accounts, parameters: &[&str], body: &[u8]) -> Outcome {
    let account = known(accounts, parameters[0])?;
    let change: AgentChange = parse(body)?;
    let mut account = lock(&account);
    let id = agent_id(&account, parameters[1])?;
    let mut agent = Agent::clone(&account.agents[&id]);
    change.apply(&account, &mut agent)?;
    let shown = agent.shown();
    account.agents.insert(id, Arc::new(agent));
    Ok(answer::json(StatusCode::OK, &shown))
}

fn delete_agent(accounts: &Accounts, parameters: &[&str], _: &[u8]) -> Outcome {
    let account = known(accounts, parameters[0])?;
    let mut account = lock(&account);
    let id = agent_id(&account, parameters[1])?;
    account.agents.remove(&id);
    for group in account.groups.values_mut() {
        group.agent_ids.retain(|member| *member != id);
        group.escalate_to = group.escalate_to.filter(|agent| *agent != id);
    }
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

const NO_ACCOUNT: Mistake = Mistake::Unknown("no account with this subdomain");

fn known(accounts: &Accounts, label: &str) -> Result<Arc<Mutex<Account>>, Mistake> {
    accounts.by_label(label).ok_or(NO_ACCOUNT)
}

fn agent_id(account: &Account, text: &str) -> Result<u64, Mistake> {
    let id = text
        .parse()
        .ok()
        .filter(|id| account.agents.contains_key(id));
    id.ok_or(Mistake::Unknown("no agent with this id in the account"))
}

fn shown(accounts: &Accounts, label: &str, status: StatusCode) -> Outcome {
    let account = known(accounts, label)?;
    let shown = lock(&account).shown();
    Ok(answer::json(status, &shown))
}

fn set_custom_host(accounts: &Accounts, label: &str, host: Option<String>) -> Result<(), Mistake> {
    let Some(host) = host else {
        return Ok(());
    };
    let host = Some(host.to_ascii_lowercase()).filter(|host| !host.is_empty());
    if accounts.set_custom_host(label, host) {
        return Ok(());
    }
    let message = "custom_host: another account has it";
    Err(Mistake::Taken(String::from(message)))
}

fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(plain)
        && text
            .bytes()
            .all(|byte| plain(byte) || byte == b'-' || byte == b'_')
}

impl AccountChange {
    fn check(&self) -> Result<(), Mistake> {
        if self
            .v1_login_status
            .is_some_and(|status| status != 200 && status != 403)
        {
            return invalid("v1_login_status: 200 or 403");
        }
        if self.limit_window_seconds == Some(0) {
            return invalid("limit_window_seconds: at least 1");
        }
        let most = self.records_most.unwrap_or(MOST);
        if self.seed.is_some_and(|seed| seed.total() > most as u64) {
            return invalid(format!(
                "seed: more than {most} records in all; records_most raises it"
            ));
        }
        if most > MOST * 10 {
            return invalid(format!("records_most: at most {}", MOST * 10));
        }
        let custom = self.custom_host.as_deref().filter(|host| !host.is_empty());
        if custom.is_some_and(|host| host.ends_with(SUFFIX) || !host.contains('.')) {
            return invalid("custom_host: a host name with a dot outside the vendor's own domain");
        }
        Ok(())
    }

    fn apply(self, account: &mut Account) {
        let limit = &mut account.limit;
        if let Some(plan) = self.plan {
            account.plan = plan;
            limit.total = Limit::of(plan).total;
        }
        limit.total = self.limit_total.unwrap_or(limit.total);
        if let Some(seconds) = self.limit_window_seconds {
            limit.window = Duration::from_secs(seconds);
        }
        limit.enforced = self.limit_enforced.unwrap_or(limit.enforced);
        limit.decimal = self.limit_decimal.unwrap_or(limit.decimal);
        // A test that sets a limit means the calls from here on.
        limit.restart();
        if let Some(name) = self.name {
            account.name = name;
        }
        if self.seed.is_some() {
            account.seed = self.seed;
        }
        let records = &mut account.records;
        records.most = self.records_most.or(records.most);
        if let Some(unrest) = self.unrest {
            records.unrest = unrest;
        }
        records.shifting_ties = self.shifting_ties.unwrap_or(records.shifting_ties);
        account.search_lag_seconds = self
            .search_lag_seconds
            .unwrap_or(account.search_lag_seconds);
        account.suspended = self.suspended.unwrap_or(account.suspended);
        account.v1 = self.v1.unwrap_or(account.v1);
        account.v1_login_status = self.v1_login_status.unwrap_or(account.v1_login_status);
    }
}

impl AgentChange {
    /// The admin of an account for which none was named.
    fn first(label: &str) -> Self {
        Self {
            email: Some(format!("sample@{label}.com")),
            api_key: Some(format!("sandbox-freshdesk-key-{label}")),
            admin: Some(true),
            ..Self::default()
        }
    }

    fn add_to(self, account: &mut Account) -> Result<u64, Mistake> {
        let Some(email) = self.email.clone() else {
            return Err(Mistake::Invalid(String::from(
                "email: missing; every agent has one",
            )));
        };
        let mut agent = Agent::new(account.next_id(), &email);
        self.apply(account, &mut agent)?;
        let id = agent.id;
        account.agents.insert(id, Arc::new(agent));
        Ok(id)
    }

    fn apply(self, account: &Account, agent: &mut Agent) -> Result<(), Mistake> {
        let access = &mut agent.access;
        if let Some(code) = self.refusal {
            access.refusal = REFUSALS
                .iter()
                .map(|(known, _)| *known)
                .find(|known| *known == code);
            if access.refusal.is_none() && !code.is_empty() {
                let known: Vec<&str> = REFUSALS.iter().map(|(known, _)| *known).collect();
                return Err(Mistake::Invalid(format!(
                    "refusal: one of {}",
                    known.join(", ")
                )));
            }
        }
        if self
            .ticket_scope
            .is_some_and(|scope| !(1..=3).contains(&scope))
        {
            return Err(Mistake::Invalid(String::from("ticket_scope: 1, 2 or 3")));
        }
        access.password = self.password.unwrap_or_else(|| access.password.clone());
        access.api_key = self.api_key.unwrap_or_else(|| access.api_key.clone());
        access.admin = self.admin.unwrap_or(access.admin);
        access.password_login = self.password_login.unwrap_or(access.password_login);
        access.deactivated = self.deactivated.unwrap_or(access.deactivated);
        agent.occasional = self.occasional.unwrap_or(agent.occasional);
        agent.ticket_scope = self.ticket_scope.unwrap_or(agent.ticket_scope);
        let person = &mut agent.contact;
        person.email = self.email.unwrap_or_else(|| person.email.clone());
        person.name = self.name.unwrap_or_else(|| person.name.clone());
        person.job_title = self.job_title.or_else(|| person.job_title.take());
        person.mobile = self.mobile.or_else(|| person.mobile.take());
        person.phone = self.phone.or_else(|| person.phone.take());
        let taken = account.agents.values().any(|other| {
            other.id != agent.id
                && (other
                    .contact
                    .email
                    .eq_ignore_ascii_case(&agent.contact.email)
                    || other.access.api_key == agent.access.api_key)
        });
        if taken {
            let message = "email and api_key: another agent of this account has the same";
            return Err(Mistake::Taken(String::from(message)));
        }
        Ok(())
    }
}
