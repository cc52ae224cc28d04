//! What of an organization's document is there already. An import adds and never changes, so what
//! is there has to be what the document means.

use std::collections::{HashMap, HashSet};

use super::document::{Organization, User};
use super::reader::{Mistakes, below};
use super::seen::Seen;
use crate::error::Result;
use crate::ids::{OrganizationId, Secret, SecretKind};
use crate::login;
use crate::store::{Numbered, SecretOwner, Store, Transaction};
use crate::vault::Vault;

/// Ids of what is there; `None`: is to be made.
#[derive(Debug, Default)]
pub struct Standing {
    pub organization: Option<i64>,
    /// Of the organization that is there.
    pub name: Option<String>,
    pub accounts: Vec<Option<i64>>,
    /// By account.
    pub users: Vec<Vec<Option<i64>>>,
}

#[derive(Debug)]
pub struct Look<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
    pub mistakes: &'a mut Mistakes,
}

impl Look<'_> {
    pub async fn at(
        &mut self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
    ) -> Result<Standing> {
        let organization = self.organization(transaction, wanted).await?;
        let name = match organization {
            Some(id) => {
                let known = self.store.known_organizations(transaction, Some(id), "");
                known.await?.into_iter().next().map(|(_, name)| name)
            }
            None => None,
        };
        let accounts = self.accounts(transaction, wanted, organization).await?;
        let users = self
            .users(transaction, wanted, organization, &accounts)
            .await?;
        Ok(Standing {
            organization,
            name,
            accounts,
            users,
        })
    }

    async fn organization(
        &mut self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
    ) -> Result<Option<i64>> {
        let known = self
            .store
            .known_organizations(transaction, wanted.id, &wanted.name);
        let known: Vec<i64> = known.await?.into_iter().map(|(id, _)| id).collect();
        let owner = self
            .owner(transaction, SecretKind::Organization, &wanted.secret)
            .await?;
        let owner = owner.map(|owner| owner.org_id);
        let found = match (wanted.id, owner, known.as_slice()) {
            (Some(_), _, known) => known.first().copied(),
            (None, Some(owner), _) => Some(owner),
            (None, None, []) => None,
            (None, None, [one]) => Some(*one),
            (None, None, _) => {
                let path = below(&wanted.path, "name");
                self.mistakes
                    .add(&path, "is that of several organizations: give the id");
                None
            }
        };
        if wanted.secret.is_some() && found != owner {
            let path = below(&wanted.path, "secret");
            match (owner, found) {
                (Some(owner), _) => self
                    .mistakes
                    .add(&path, format_args!("is in use by organization {owner}")),
                (None, Some(found)) => self.mistakes.add(
                    &path,
                    format_args!("is another one than organization {found} has"),
                ),
                (None, None) => {}
            }
        }
        Ok(found)
    }

    async fn owner(
        &self,
        transaction: &mut Transaction,
        kind: SecretKind,
        secret: &Option<Secret>,
    ) -> Result<Option<SecretOwner>> {
        let Some(secret) = secret else {
            return Ok(None);
        };
        let prints = self.vault.fingerprints(kind, secret);
        let hmacs: Vec<&[u8]> = prints.iter().map(|print| print.hmac.as_slice()).collect();
        let owners = self.store.secret_owners(transaction, &hmacs).await?;
        Ok(owners.into_iter().next())
    }

    async fn accounts(
        &mut self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
        organization: Option<i64>,
    ) -> Result<Vec<Option<i64>>> {
        let Some(organization) = organization else {
            return Ok(vec![None; wanted.accounts.len()]);
        };
        let ids: Vec<i64> = wanted.accounts.iter().filter_map(|one| one.id).collect();
        let external = wanted.accounts.iter().map(|one| one.external_id.as_str());
        let org = self.store.org(OrganizationId(organization));
        let external: Vec<&str> = external.collect();
        let known = org.known_accounts(transaction, &ids, &external).await?;
        let default = known.iter().find(|known| known.default_account);
        let mut found = Vec::new();
        for one in &wanted.accounts {
            let by_id = known.iter().find(|known| Some(known.id) == one.id);
            let namesake = known
                .iter()
                .find(|known| known.external_id == one.external_id);
            let there = match (one.id, one.default_account) {
                (Some(_), _) => by_id,
                (None, true) => default,
                (None, false) => namesake,
            };
            let there = there.map(|known| known.id);
            if let Some(other) = namesake.filter(|other| Some(other.id) != there) {
                self.mistakes.add(
                    &below(&one.path, "externalId"),
                    format_args!("is that of account {}", other.id),
                );
            }
            if let Some(default) = default.filter(|default| Some(default.id) != there)
                && one.default_account
            {
                self.mistakes.add(
                    &below(&one.path, "default"),
                    format_args!(
                        "the organization's default account is account {}",
                        default.id
                    ),
                );
            }
            found.push(there);
        }
        Ok(found)
    }

    async fn users(
        &mut self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
        organization: Option<i64>,
        accounts: &[Option<i64>],
    ) -> Result<Vec<Vec<Option<i64>>>> {
        let all = || wanted.accounts.iter().flat_map(|account| &account.users);
        let owners = self.secret_owners(transaction, all()).await?;
        let logins = self.login_owners(transaction, organization, all()).await?;
        let known = match organization {
            Some(organization) => {
                let ids: Vec<i64> = all().filter_map(|user| user.id).collect();
                let emails: Vec<&str> = all().map(|user| user.email.as_str()).collect();
                let org = self.store.org(OrganizationId(organization));
                org.known_users(transaction, &ids, &emails).await?
            }
            None => Vec::new(),
        };
        let by_id: HashMap<i64, i64> = known
            .iter()
            .map(|user| (user.id, user.account_id))
            .collect();
        let by_email: HashMap<String, i64> = known
            .iter()
            .map(|user| (user.email.to_lowercase(), user.id))
            .collect();
        let mut found = Vec::new();
        for (account, account_id) in wanted.accounts.iter().zip(accounts) {
            let mut of_account = Vec::new();
            for user in &account.users {
                let namesake = by_email.get(&user.email.to_lowercase()).copied();
                let there = match user.id {
                    Some(id) => Some(id).filter(|id| by_id.contains_key(id)),
                    None => namesake,
                };
                if let Some(other) = namesake.filter(|other| Some(*other) != there) {
                    self.mistakes.add(
                        &below(&user.path, "email"),
                        format_args!("is that of user {other}"),
                    );
                }
                if let Some(other) = there.and_then(|id| by_id.get(&id))
                    && Some(*other) != *account_id
                {
                    self.mistakes.add(
                        &user.path,
                        format_args!("exists already in account {other}"),
                    );
                }
                let owner = owners.get(user.path.as_str()).copied();
                self.compare_secret(user, there, organization, owner);
                if let Some(other) = logins.get(user.path.as_str())
                    && there.is_none()
                {
                    self.mistakes.add(
                        &below(&user.path, "email"),
                        format_args!(
                            "somebody of organization {other} logs in with this address; leave the \
                             password out, or give another address"
                        ),
                    );
                }
                of_account.push(there);
            }
            found.push(of_account);
        }
        Ok(found)
    }

    fn compare_secret(
        &mut self,
        user: &User<'_>,
        there: Option<i64>,
        organization: Option<i64>,
        owner: Option<(i64, i64)>,
    ) {
        let path = below(&user.path, "secret");
        match (owner, there) {
            (Some((org, id)), there) if there != Some(id) || organization != Some(org) => {
                self.mistakes.add(
                    &path,
                    format_args!("is in use by user {id} of organization {org}"),
                );
            }
            (None, Some(id)) if user.secret.is_some() => self
                .mistakes
                .add(&path, format_args!("is another one than user {id} has")),
            _ => {}
        }
    }

    /// By the user's path: organization and user.
    async fn secret_owners<'u>(
        &self,
        transaction: &mut Transaction,
        users: impl Iterator<Item = &'u User<'u>>,
    ) -> Result<HashMap<&'u str, (i64, i64)>> {
        let mut prints = HashMap::new();
        for user in users {
            for print in user
                .secret
                .iter()
                .flat_map(|secret| self.vault.fingerprints(SecretKind::User, secret))
            {
                prints.insert(print.hmac, user.path.as_str());
            }
        }
        let hmacs: Vec<&[u8]> = prints.keys().map(<[u8; 32]>::as_slice).collect();
        let owners = self.store.secret_owners(transaction, &hmacs).await?;
        let owners = owners.into_iter().filter_map(|owner| {
            let path = prints.get(owner.hmac.as_slice())?;
            Some((*path, (owner.org_id, owner.object_id)))
        });
        Ok(owners.collect())
    }

    /// By the user's path: the organization of somebody else who logs in with the address.
    async fn login_owners<'u>(
        &self,
        transaction: &mut Transaction,
        organization: Option<i64>,
        users: impl Iterator<Item = &'u User<'u>>,
    ) -> Result<HashMap<&'u str, i64>> {
        let mut paths = HashMap::new();
        let mut prints = HashMap::new();
        for user in users.filter(|user| user.password.is_some()) {
            let address = login::folded(&user.email);
            let address_as_secret = Secret::new(address.as_str());
            for print in self
                .vault
                .fingerprints(SecretKind::Login, &address_as_secret)
            {
                prints.insert(print.hmac, user.path.as_str());
            }
            paths.insert(address, user.path.as_str());
        }
        let hmacs: Vec<&[u8]> = prints.keys().map(<[u8; 32]>::as_slice).collect();
        let indexed = self.store.secret_owners(transaction, &hmacs).await?;
        let mut owners: HashMap<&str, i64> = indexed
            .into_iter()
            .filter_map(|owner| Some((*prints.get(owner.hmac.as_slice())?, owner.org_id)))
            .collect();
        let emails: Vec<&str> = paths.keys().map(String::as_str).collect();
        for (org, _, email) in self.store.logins(transaction, &emails).await? {
            if let Some(path) = paths.get(&login::folded(&email))
                && Some(org) != organization
            {
                owners.insert(path, org);
            }
        }
        Ok(owners)
    }
}

/// Notes what must not stand twice in one document.
pub fn note(
    seen: &mut Seen,
    vault: &Vault,
    wanted: &Organization<'_>,
    standing: &Standing,
    mistakes: &mut Mistakes,
) {
    let id = standing.organization.or(wanted.id);
    seen.id(Numbered::Organizations, id, &wanted.path, mistakes);
    // What is empty is missing, which was told.
    if wanted.id.is_none() && !wanted.name.is_empty() {
        seen.name(&wanted.name, &below(&wanted.path, "name"), mistakes);
    }
    if let Some(secret) = &wanted.secret {
        let print = vault.fingerprint(SecretKind::Organization, secret);
        seen.secret(print.hmac, &below(&wanted.path, "secret"), mistakes);
    }
    let mut external: HashSet<&str> = HashSet::new();
    let mut emails: HashSet<String> = HashSet::new();
    for ((account, there), users) in wanted
        .accounts
        .iter()
        .zip(&standing.accounts)
        .zip(&standing.users)
    {
        seen.id(
            Numbered::Accounts,
            there.or(account.id),
            &account.path,
            mistakes,
        );
        if !account.external_id.is_empty() && !external.insert(&account.external_id) {
            let path = below(&account.path, "externalId");
            mistakes.add(&path, "stands in the organization twice");
        }
        for (user, there) in account.users.iter().zip(users) {
            seen.id(Numbered::Users, there.or(user.id), &user.path, mistakes);
            if !user.email.is_empty() && !emails.insert(user.email.to_lowercase()) {
                let path = below(&user.path, "email");
                mistakes.add(&path, "stands in the organization twice");
            }
            if let Some(secret) = &user.secret {
                let print = vault.fingerprint(SecretKind::User, secret);
                seen.secret(print.hmac, &below(&user.path, "secret"), mistakes);
            }
            if user.password.is_some() {
                let address = Secret::new(login::folded(&user.email));
                let print = vault.fingerprint(SecretKind::Login, &address);
                seen.secret(print.hmac, &below(&user.path, "email"), mistakes);
            }
        }
    }
}
