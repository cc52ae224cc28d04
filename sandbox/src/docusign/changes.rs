//! The bodies of the control calls: what can be said of keys, accounts, users and tokens. What is left out keeps its value.

use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::PERMISSIONS;
use super::provider;
use super::sites::{self, Environment};
use super::world::{Account, IntegratorKey, TokenKind, User, World};
use crate::seeding::{Mistake, invalid};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    key: Option<String>,
    enabled: Option<bool>,
    environments: Option<Vec<Environment>>,
}

impl KeyChange {
    /// A new key is valid in the developer sandbox only.
    pub fn create(mut self, world: &mut World) -> Result<String, Mistake> {
        let Some(text) = self.key.take().filter(|key| !key.is_empty()) else {
            return invalid("key: missing; the integrator key itself");
        };
        if world.keys.contains_key(&text) {
            return Err(Mistake::Taken(format!("key: \"{text}\" exists already")));
        }
        let mut key = IntegratorKey {
            enabled: true,
            environments: vec![Environment::Demo],
        };
        self.apply(&mut key)?;
        world.keys.insert(text.clone(), key);
        Ok(text)
    }

    pub fn apply(self, key: &mut IntegratorKey) -> Result<(), Mistake> {
        if self.key.is_some() {
            return invalid("key: cannot be changed; make a new one");
        }
        key.enabled = self.enabled.unwrap_or(key.enabled);
        if let Some(environments) = self.environments {
            key.environments = environments;
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    account_id: Option<u64>,
    account_id_guid: Option<String>,
    site: Option<String>,
    name: Option<String>,
    plan: Option<String>,
    limit_total: Option<u64>,
    burst_total: Option<u64>,
    limit_enforced: Option<bool>,
    limit_status: Option<u16>,
    /// An empty text takes it away.
    refusal: Option<String>,
    refusal_status: Option<u16>,
}

impl AccountChange {
    pub fn create(mut self, world: &mut World) -> Result<u64, Mistake> {
        let site = self.site.take().unwrap_or_else(|| String::from("demo"));
        if !sites::is_label(&site) {
            return invalid(format!("site: \"{site}\" is no label of a host"));
        }
        let number = match self.account_id.take() {
            Some(0) => return invalid("account_id: at least 1"),
            Some(number) => number,
            None => world.next_account(),
        };
        let mut account = Account::new(number, &site);
        if let Some(guid) = self.account_id_guid.take() {
            account.guid = guid;
        }
        if world.accounts.contains_key(&number) || world.account(&account.guid).is_some() {
            let message = "account_id and account_id_guid: another account has the same";
            return Err(Mistake::Taken(String::from(message)));
        }
        self.change(&mut account)?;
        world.accounts.insert(number, account);
        Ok(number)
    }

    pub fn change(self, account: &mut Account) -> Result<(), Mistake> {
        if self.account_id.is_some() || self.account_id_guid.is_some() || self.site.is_some() {
            return invalid(
                "account_id, account_id_guid and site cannot be changed; make a new account",
            );
        }
        if self
            .limit_status
            .is_some_and(|status| status != 400 && status != 429)
        {
            return invalid("limit_status: 400 or 429");
        }
        if self
            .refusal_status
            .is_some_and(|status| status != 400 && status != 403)
        {
            return invalid("refusal_status: 400 or 403");
        }
        if let Some(code) = self.refusal {
            let mut known = PERMISSIONS.iter().map(|(known, _)| *known);
            let found = known.find(|known| *known == code);
            if found.is_none() && !code.is_empty() {
                let known: Vec<&str> = PERMISSIONS.iter().map(|(known, _)| *known).collect();
                return invalid(format!("refusal: one of {}", known.join(", ")));
            }
            account.refusal = found;
        }
        account.refusal_status = self.refusal_status.unwrap_or(account.refusal_status);
        account.name = self.name.unwrap_or_else(|| account.name.clone());
        account.plan = self.plan.unwrap_or_else(|| account.plan.clone());
        let limit = &mut account.limit;
        limit.hourly = self.limit_total.unwrap_or(limit.hourly);
        limit.burst = self.burst_total.unwrap_or(limit.burst);
        limit.enforced = self.limit_enforced.unwrap_or(limit.enforced);
        limit.status = self.limit_status.unwrap_or(limit.status);
        // A test that sets a limit means the calls from here on.
        limit.restart();
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    user_id: Option<String>,
    email: Option<String>,
    environment: Option<Environment>,
    name: Option<String>,
    password: Option<String>,
    accounts: Option<Vec<u64>>,
    default_account: Option<u64>,
    password_login: Option<bool>,
    locked: Option<bool>,
    /// 0 takes it away.
    lock_after: Option<u32>,
}

impl UserChange {
    pub fn create(mut self, world: &mut World) -> Result<String, Mistake> {
        let Some(email) = self.email.clone() else {
            return invalid("email: missing; every user has one");
        };
        let environment = self.environment.take().unwrap_or(Environment::Demo);
        let mut user = User::new(&email, environment);
        if let Some(id) = self.user_id.take() {
            user.id = id;
        }
        if world.users.contains_key(&user.id) {
            return Err(Mistake::Taken(String::from(
                "user_id: another user has the same",
            )));
        }
        let id = user.id.clone();
        self.apply(world, &mut user)?;
        world.users.insert(id.clone(), user);
        Ok(id)
    }

    pub fn change(self, world: &mut World, id: &str) -> Result<(), Mistake> {
        let new_password = self.password.is_some();
        let Some(mut user) = world.users.remove(id) else {
            return Ok(());
        };
        let outcome = self.apply(world, &mut user);
        if outcome.is_ok() && new_password {
            // A changed password ends the tokens that it gave out (unverified).
            let tokens = world.tokens.values_mut();
            for token in tokens.filter(|token| token.user == id) {
                token.revoked = true;
            }
        }
        world.users.insert(id.to_owned(), user);
        outcome
    }

    /// Changes nothing unless all of it can be.
    fn apply(self, world: &World, user: &mut User) -> Result<(), Mistake> {
        if self.user_id.is_some() || self.environment.is_some() {
            return invalid("user_id and environment cannot be changed; make a new user");
        }
        let email = self.email.unwrap_or_else(|| user.email.clone());
        let taken = |other: &User| {
            other.environment == user.environment && other.email.eq_ignore_ascii_case(&email)
        };
        if world.users.values().any(taken) {
            let message = "email: another user of the environment has the same";
            return Err(Mistake::Taken(String::from(message)));
        }
        let accounts = self.accounts.unwrap_or_else(|| user.accounts.clone());
        for number in &accounts {
            let account = world.accounts.get(number);
            if !account.is_some_and(|account| account.environment() == user.environment) {
                return invalid(format!("accounts: no {number} in the user's environment"));
            }
        }
        let default = self
            .default_account
            .or(user
                .default_account
                .filter(|number| accounts.contains(number)))
            .or(accounts.first().copied());
        if default.is_some_and(|number| !accounts.contains(&number)) {
            return invalid("default_account: not among the accounts");
        }
        user.email = email;
        user.accounts = accounts;
        user.default_account = default;
        user.name = self.name.unwrap_or_else(|| user.name.clone());
        user.password = self.password.unwrap_or_else(|| user.password.clone());
        user.password_login = self.password_login.unwrap_or(user.password_login);
        if let Some(locked) = self.locked {
            (user.locked, user.failed_logins) = (locked, 0);
        }
        if let Some(most) = self.lock_after {
            user.lock_after = Some(most).filter(|most| *most > 0);
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    user: String,
    kind: TokenKind,
    token: Option<String>,
    expires_in_seconds: Option<i64>,
}

impl NewToken {
    /// Puts the token in and shows it.
    pub fn create(self, world: &mut World) -> Result<Value, Mistake> {
        let Some(user) = world.users.get(&self.user) else {
            return invalid("user: no user with this GUID");
        };
        let realm = user.environment.realm();
        let now = world.clock.now();
        let default = (self.kind == TokenKind::Oauth).then_some(world.oauth.policy.access_seconds);
        let lifetime = self.expires_in_seconds.or(default);
        let expires_at = lifetime.map(|seconds| now.saturating_add(seconds));
        let text = self
            .token
            .unwrap_or_else(|| provider::token_text(&self.user));
        if world.tokens.contains_key(&text) || world.oauth.knows_access(&text) {
            return Err(Mistake::Taken(String::from("token: exists already")));
        }
        match self.kind {
            TokenKind::Legacy => world.hold_legacy(text.clone(), &self.user, expires_at),
            TokenKind::Oauth => {
                let end = expires_at.unwrap_or(i64::MAX);
                world.oauth.hold_as(text.clone(), &self.user, realm, end);
            }
        }
        Ok(json!({ "token": text, "user": self.user, "kind": self.kind, "expires_at": expires_at }))
    }
}
