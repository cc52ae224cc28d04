//! Users, accounts, integrator keys and tokens: everything that calls read and change.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::limits::Limit;
use super::provider;
use super::sites::{self, Environment};
use crate::clock::Clock;
use crate::oauth::{self, Authority};

/// The vendor's time format: UTC, .NET style with seven digits.
pub fn now() -> String {
    let micros = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f");
    format!("{micros}0Z")
}

#[derive(Debug)]
pub struct World {
    pub keys: BTreeMap<String, IntegratorKey>,
    /// By number.
    pub accounts: BTreeMap<u64, Account>,
    /// By the user's GUID.
    pub users: BTreeMap<String, User>,
    /// Those of the password grant.
    pub tokens: HashMap<String, Token>,
    /// The account servers, with all other tokens.
    pub oauth: Authority,
    pub clock: Clock,
    last_account: u64,
}

/// What an application identifies itself with.
#[derive(Debug, Clone, Serialize)]
pub struct IntegratorKey {
    pub enabled: bool,
    /// A key starts in the developer sandbox and is promoted to production.
    pub environments: Vec<Environment>,
}

#[derive(Debug)]
pub struct Account {
    pub number: u64,
    pub guid: String,
    pub name: String,
    /// The first label of the only host that serves this account.
    pub site: String,
    pub plan: String,
    pub limit: Limit,
    /// A code that refuses every call to this account, and its status.
    pub refusal: Option<&'static str>,
    pub refusal_status: u16,
    pub created: String,
}

#[derive(Debug)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub password: String,
    /// Usable instead of the password.
    pub api_password: String,
    pub environment: Environment,
    /// In the order of log-in answers.
    pub accounts: Vec<u64>,
    pub default_account: Option<u64>,
    /// Off for users with single sign-on or two-factor login.
    pub password_login: bool,
    pub locked: bool,
    /// Locks the user after so many wrong passwords in a row; the vendor does not say how many.
    pub lock_after: Option<u32>,
    pub failed_logins: u32,
    pub created: String,
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Of the password grant.
    Legacy,
    /// Of the account server; the only kind that it takes itself.
    Oauth,
}

#[derive(Debug, Clone, Serialize)]
pub struct Token {
    pub user: String,
    /// Unix seconds; there is none by itself (unverified).
    pub expires_at: Option<i64>,
    pub revoked: bool,
}

impl World {
    /// What the examples use, always there.
    pub fn seeded() -> Self {
        use Environment::{Demo, Production};
        let mut world = Self {
            keys: BTreeMap::new(),
            accounts: BTreeMap::new(),
            users: BTreeMap::new(),
            tokens: HashMap::new(),
            oauth: provider::authority(),
            clock: Clock::default(),
            last_account: 3_000_000,
        };
        for (key, environments) in [
            (
                "5a6d0a1e-0000-4000-8000-00000000d0c5",
                vec![Demo, Production],
            ),
            ("5a6d0a1e-0000-4000-8000-0000000000de", vec![Demo]),
        ] {
            let key = key.to_owned();
            let enabled = true;
            let integrator = IntegratorKey {
                enabled,
                environments,
            };
            world.keys.insert(key, integrator);
        }
        for (number, name, site) in [
            (998_083, "Sample", "demo"),
            (998_084, "Sample Second", "demo"),
            (1_100_001, "Sample Production", "www"),
            (2_200_001, "Sample Production Two", "na2"),
        ] {
            let mut account = Account::new(number, site);
            account.guid = format!("5a6d0a1e-0000-4000-a000-{number:012}");
            account.name = name.to_owned();
            world.accounts.insert(number, account);
        }
        for (environment, id, accounts, default) in [
            (
                Demo,
                "5a6d0a1e-0000-4000-9000-000000000001",
                vec![998_083, 998_084],
                998_083,
            ),
            (
                Production,
                "5a6d0a1e-0000-4000-9000-000000000002",
                vec![1_100_001, 2_200_001],
                2_200_001,
            ),
        ] {
            let mut user = User::new("sample@sample.com", environment);
            user.id = id.to_owned();
            user.name = String::from("Sample User");
            user.api_password = String::from("sandbox-api-password");
            user.accounts = accounts;
            user.default_account = Some(default);
            world.users.insert(user.id.clone(), user);
        }
        world
    }

    pub fn has_site(&self, site: &str) -> bool {
        sites::KNOWN.contains(&site) || self.accounts.values().any(|account| account.site == site)
    }

    /// A number that no account has.
    pub fn next_account(&mut self) -> u64 {
        while self.accounts.contains_key(&self.last_account) || self.last_account == 3_000_000 {
            self.last_account += 1;
        }
        self.last_account
    }

    /// An account by its number or its GUID.
    pub fn account(&self, text: &str) -> Option<&Account> {
        match text.parse::<u64>() {
            Ok(number) => self.accounts.get(&number),
            Err(_) => self
                .accounts
                .values()
                .find(|account| account.guid.eq_ignore_ascii_case(text)),
        }
    }

    /// A user by e-mail address or GUID; the environments share none.
    pub fn user_named(&mut self, environment: Environment, name: &str) -> Option<&mut User> {
        self.users.values_mut().find(|user| {
            user.environment == environment
                && (user.email.eq_ignore_ascii_case(name) || user.id.eq_ignore_ascii_case(name))
        })
    }

    /// A new token of the password grant: opaque, with the signs of base64 that have to be escaped in forms.
    pub fn issue_legacy(&mut self, user: &str) -> String {
        let text = STANDARD.encode(oauth::random(20));
        self.hold_legacy(text.clone(), user, None);
        text
    }

    pub fn hold_legacy(&mut self, text: String, user: &str, expires_at: Option<i64>) {
        let token = Token {
            user: user.to_owned(),
            expires_at,
            revoked: false,
        };
        self.tokens.insert(text, token);
    }

    /// The user of a token that is good now and here.
    pub fn bearer(
        &self,
        text: &str,
        environment: Environment,
        now: i64,
    ) -> Option<(&User, TokenKind)> {
        let (user, kind) = match self.tokens.get(text) {
            Some(token) => {
                let alive = !token.revoked && token.expires_at.is_none_or(|end| now < end);
                (alive.then_some(&token.user)?, TokenKind::Legacy)
            }
            None => (&self.oauth.access(text, now)?.subject, TokenKind::Oauth),
        };
        let user = self.users.get(user)?;
        (user.environment == environment).then_some((user, kind))
    }

    pub fn revoke(&mut self, text: &str) {
        match self.tokens.get_mut(text) {
            Some(token) => token.revoked = true,
            None => self.oauth.end_access(text),
        }
    }

    /// The tokens of both kinds by their text.
    pub fn shown_tokens(&self) -> Value {
        let mut shown = json!(self.tokens);
        for token in shown
            .as_object_mut()
            .into_iter()
            .flat_map(|map| map.values_mut())
        {
            token["kind"] = json!(TokenKind::Legacy);
        }
        for (text, access) in self.oauth.shown_access().as_object().into_iter().flatten() {
            shown[text] = json!({
                "user": access["subject"],
                "kind": TokenKind::Oauth,
                "expires_at": access["expires_at"],
                "revoked": access["revoked"],
            });
        }
        shown
    }

    /// Everything, for control calls. Nothing here is a real secret.
    pub fn shown(&self) -> Value {
        let accounts: Vec<Value> = self.accounts.values().map(Account::shown).collect();
        let users: Vec<Value> = self.users.values().map(User::shown).collect();
        json!({
            "keys": self.keys,
            "accounts": accounts,
            "users": users,
            "tokens": self.shown_tokens(),
            "oauth": self.oauth.shown(),
            "clock": self.clock.shown(),
        })
    }
}

impl Account {
    pub fn new(number: u64, site: &str) -> Self {
        Self {
            number,
            guid: Uuid::new_v4().to_string(),
            name: format!("Account {number}"),
            site: site.to_owned(),
            plan: String::from("Sandbox"),
            limit: Limit::default(),
            refusal: None,
            refusal_status: 400,
            created: now(),
        }
    }

    pub fn environment(&self) -> Environment {
        Environment::of(&self.site)
    }

    pub fn shown(&self) -> Value {
        json!({
            "account_id": self.number,
            "account_id_guid": self.guid,
            "name": self.name,
            "site": self.site,
            "plan": self.plan,
            "limit_total": self.limit.hourly,
            "burst_total": self.limit.burst,
            "limit_enforced": self.limit.enforced,
            "limit_status": self.limit.status,
            "limit_used": self.limit.used(),
            "refusal": self.refusal,
            "refusal_status": self.refusal_status,
        })
    }
}

impl User {
    pub fn new(email: &str, environment: Environment) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            email: email.to_owned(),
            name: email.to_owned(),
            password: String::from("password"),
            api_password: STANDARD.encode(Uuid::new_v4().as_bytes()),
            environment,
            accounts: Vec::new(),
            default_account: None,
            password_login: true,
            locked: false,
            lock_after: None,
            failed_logins: 0,
            created: now(),
        }
    }

    pub fn shown(&self) -> Value {
        json!({
            "user_id": self.id,
            "email": self.email,
            "name": self.name,
            "password": self.password,
            "api_password": self.api_password,
            "environment": self.environment,
            "accounts": self.accounts,
            "default_account": self.default_account,
            "password_login": self.password_login,
            "locked": self.locked,
            "lock_after": self.lock_after,
            "failed_logins": self.failed_logins,
        })
    }
}
