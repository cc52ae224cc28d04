//! One organization of a document written in one transaction: all of it, or nothing.

use std::collections::HashMap;

use uuid::Uuid;

use super::document::{Account, Organization, Password, User};
use super::instances::{Judge, Owner, Read};
use super::reader::Mistakes;
use super::report::OrganizationReport;
use super::standing::{Look, Standing};
use super::{Import, joined};
use crate::administration::DEFAULT_ACCOUNT;
use crate::error::{Error, Result};
use crate::ids::{Fingerprint, OrganizationId, Secret, SecretKind};
use crate::login;
use crate::provisioning::imported::Imported;
use crate::store::{
    ImportedAccount, ImportedInstance, ImportedUser, NewOrganization, Numbered, Transaction,
};
use crate::vault::{OrganizationKeys, Place, password};

/// Instances of one statement: what an import holds of an organization beside its text.
pub const BATCH: usize = 500;
/// Password hashes made at once; each takes some 20 MB.
const HASHERS: usize = 2;

/// What is made before the transaction begins, since it takes long.
#[derive(Debug, Default)]
pub struct Made {
    /// By the user's path.
    hashes: HashMap<String, Secret>,
    /// By the instance's path, with what the vendor returned.
    verified: HashMap<String, Imported>,
}

struct Writing<'a> {
    import: &'a Import<'a>,
    id: OrganizationId,
    keys: OrganizationKeys,
    report: OrganizationReport,
}

impl Import<'_> {
    /// Hashes the passwords of new users and asks the vendors about new instances, as far as that is
    /// wanted. No connection is held meanwhile.
    pub async fn make(
        &self,
        wanted: &Organization<'_>,
        standing: &Standing,
        warnings: &mut Vec<String>,
    ) -> Result<Made> {
        use futures_util::{StreamExt as _, TryStreamExt as _};
        let mut clear = Vec::new();
        for (account, users) in wanted.accounts.iter().zip(&standing.users) {
            for (user, there) in account.users.iter().zip(users) {
                match &user.password {
                    Some(Password::Clear(text)) if there.is_none() => {
                        clear.push((user.path.clone(), text.clone()));
                    }
                    _ => {}
                }
            }
        }
        let hashes = futures_util::stream::iter(clear)
            .map(async |(path, text)| Ok::<_, Error>((path, password::hash(text).await?)))
            .buffer_unordered(HASHERS)
            .try_collect()
            .await?;
        let verified = self.verify(wanted, standing, warnings).await?;
        Ok(Made { hashes, verified })
    }

    /// The whole organization.
    pub async fn write(
        &self,
        wanted: &Organization<'_>,
        made: &Made,
    ) -> Result<OrganizationReport> {
        self.store
            .transaction(|mut transaction| async move {
                let report = self.write_in(&mut transaction, wanted, made).await?;
                self.hold().await?;
                Ok((transaction, report))
            })
            .await
    }

    async fn write_in(
        &self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
        made: &Made,
    ) -> Result<OrganizationReport> {
        let mut mistakes = Mistakes::default();
        let mut look = Look {
            store: self.store,
            vault: self.vault,
            mistakes: &mut mistakes,
        };
        let standing = look.at(transaction, wanted).await?;
        unchanged(&mistakes)?;
        let (id, keys) = self.organization(transaction, wanted, &standing).await?;
        let mut writing = Writing {
            import: self,
            id,
            keys,
            report: OrganizationReport::of(wanted, &standing, Some(id.0)),
        };
        let accounts = writing.accounts(transaction, wanted, &standing).await?;
        let users = writing
            .users(transaction, wanted, &standing, &accounts, made)
            .await?;
        for ((account, account_id), ids) in wanted.accounts.iter().zip(&accounts).zip(&users) {
            for (user, user_id) in account.users.iter().zip(ids) {
                writing
                    .instances(transaction, user, *account_id, *user_id, made)
                    .await?;
            }
        }
        Ok(writing.report)
    }

    async fn organization(
        &self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
        standing: &Standing,
    ) -> Result<(OrganizationId, OrganizationKeys)> {
        if let Some(id) = standing.organization.map(OrganizationId) {
            let wrapped = self.store.org(id).organization_keys().await?;
            return Ok((id, self.vault.open_organization_keys(id, &wrapped)?));
        }
        let id = match wanted.id {
            Some(id) => OrganizationId(id),
            None => self.store.next_organization_id(transaction).await?,
        };
        let (_, wrapped) = self.vault.new_organization_key(id);
        let keys = self
            .vault
            .open_organization_keys(id, std::slice::from_ref(&wrapped))?;
        let row_id = Uuid::new_v4();
        let new_secret = || self.vault.new_organization_secret();
        let secret = wanted.secret.clone().unwrap_or_else(new_secret);
        let place = secret_place(id, "organizations", row_id);
        let new = NewOrganization {
            row_id,
            name: &wanted.name,
            secret_sealed: &keys.seal(&place, secret.reveal().as_bytes()),
            secret: &self.vault.fingerprint(SecretKind::Organization, &secret),
            key: &wrapped,
        };
        self.store
            .org(id)
            .insert_organization(transaction, &new)
            .await?;
        Ok((id, keys))
    }

    pub(super) fn judge(&self) -> Judge<'_> {
        Judge {
            store: self.store,
            vault: self.vault,
            catalog: self.catalog,
            mode: self.mode,
        }
    }
}

impl Writing<'_> {
    /// Ids of all accounts of the document, in its order.
    async fn accounts(
        &mut self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
        standing: &Standing,
    ) -> Result<Vec<i64>> {
        let given: Vec<Option<i64>> = wanted
            .accounts
            .iter()
            .zip(&standing.accounts)
            .map(|(account, there)| there.or(account.id))
            .collect();
        let ids = self.ids(transaction, Numbered::Accounts, &given).await?;
        let new = |((_, id), there): ((&Account<'_>, &i64), &Option<i64>)| match there {
            Some(_) => None,
            None => Some(*id),
        };
        let both = || wanted.accounts.iter().zip(&ids).zip(&standing.accounts);
        let mut rows: Vec<ImportedAccount<'_>> = both()
            .filter_map(|pair| {
                let account = pair.0.0;
                Some(ImportedAccount {
                    id: new(pair)?,
                    external_id: &account.external_id,
                    name: &account.name,
                    description: &account.description,
                    default_account: account.default_account,
                })
            })
            .collect();
        let import = self.import;
        let defaults = wanted
            .accounts
            .iter()
            .any(|account| account.default_account);
        if standing.organization.is_none() && !defaults {
            let next = import
                .store
                .next_ids(transaction, Numbered::Accounts, 1)
                .await?;
            rows.extend(next.into_iter().map(|id| ImportedAccount {
                id,
                external_id: DEFAULT_ACCOUNT,
                name: DEFAULT_ACCOUNT,
                description: DEFAULT_ACCOUNT,
                default_account: true,
            }));
        }
        let org = import.store.org(self.id);
        org.import_accounts(transaction, &rows).await?;
        Ok(ids)
    }

    /// Ids of all users of the document, by account.
    async fn users(
        &mut self,
        transaction: &mut Transaction,
        wanted: &Organization<'_>,
        standing: &Standing,
        accounts: &[i64],
        made: &Made,
    ) -> Result<Vec<Vec<i64>>> {
        let vault = self.import.vault;
        let org = self.import.store.org(self.id);
        let mut all = Vec::new();
        for ((account, there), account_id) in
            wanted.accounts.iter().zip(&standing.users).zip(accounts)
        {
            let given: Vec<Option<i64>> = account
                .users
                .iter()
                .zip(there)
                .map(|(user, there)| there.or(user.id))
                .collect();
            let ids = self.ids(transaction, Numbered::Users, &given).await?;
            let new = account.users.iter().zip(&ids).zip(there);
            let new: Vec<(&User<'_>, i64)> = new
                .filter(|(_, there)| there.is_none())
                .map(|((user, id), _)| (user, *id))
                .collect();
            for batch in new.chunks(BATCH) {
                let mut rows = Vec::with_capacity(batch.len());
                let mut secrets: Vec<(i64, Fingerprint)> = Vec::new();
                let mut logins: Vec<(i64, Fingerprint)> = Vec::new();
                for (user, id) in batch {
                    let row_id = Uuid::new_v4();
                    let secret = user
                        .secret
                        .clone()
                        .unwrap_or_else(|| vault.new_user_secret());
                    secrets.push((*id, vault.fingerprint(SecretKind::User, &secret)));
                    let place = secret_place(self.id, "users", row_id);
                    let hash = match &user.password {
                        Some(Password::Hash(hash)) => Some(hash.clone()),
                        Some(Password::Clear(_)) => made.hashes.get(&user.path).cloned(),
                        None => None,
                    };
                    if hash.is_some() {
                        let address = Secret::new(login::folded(&user.email));
                        logins.push((*id, vault.fingerprint(SecretKind::Login, &address)));
                    }
                    rows.push(ImportedUser {
                        id: *id,
                        account_id: *account_id,
                        row_id,
                        email: &user.email,
                        first_name: &user.first_name,
                        last_name: &user.last_name,
                        password_hash: hash,
                        secret_sealed: self.keys.seal(&place, secret.reveal().as_bytes()),
                        roles: &user.roles,
                        active: user.active,
                    });
                }
                org.import_users(transaction, &rows).await?;
                org.index_secrets(transaction, SecretKind::User, &secrets)
                    .await?;
                org.index_secrets(transaction, SecretKind::Login, &logins)
                    .await?;
            }
            all.push(ids);
        }
        Ok(all)
    }

    async fn instances(
        &mut self,
        transaction: &mut Transaction,
        user: &User<'_>,
        account_id: i64,
        user_id: i64,
        made: &Made,
    ) -> Result<()> {
        let judge = self.import.judge();
        let owner = Owner {
            organization: Some(self.id.0),
            user: Some(user_id),
        };
        for entries in user.instances.entries.chunks(BATCH) {
            self.import.hold().await?;
            let mut mistakes = Mistakes::default();
            let batch = judge.read(&user.instances, entries, &mut mistakes);
            let found = judge
                .find(transaction, owner, &batch, &mut mistakes)
                .await?;
            unchanged(&mistakes)?;
            let new = batch.into_iter().zip(&found);
            let new: Vec<Read> = new
                .filter(|(_, there)| there.is_none())
                .map(|(mut one, _)| {
                    if let Some(verified) = made.verified.get(&one.path) {
                        one.imported = verified.clone();
                    }
                    one
                })
                .collect();
            let given: Vec<Option<i64>> = new.iter().map(|one| one.id).collect();
            let ids = self.ids(transaction, Numbered::Instances, &given).await?;
            self.report.count(found.len() - new.len(), &new);
            self.insert(transaction, account_id, user_id, new, ids)
                .await?;
        }
        Ok(())
    }

    async fn insert(
        &self,
        transaction: &mut Transaction,
        account_id: i64,
        user_id: i64,
        new: Vec<Read>,
        ids: Vec<i64>,
    ) -> Result<()> {
        let vault = self.import.vault;
        let mut rows = Vec::with_capacity(new.len());
        let mut tokens = Vec::with_capacity(new.len());
        for (one, id) in new.into_iter().zip(ids) {
            let row_id = Uuid::new_v4();
            let token = one.token.unwrap_or_else(|| vault.new_element_token());
            let sealed = one.imported.seal(&self.keys, self.id, row_id, &token)?;
            tokens.push((id, vault.fingerprint(SecretKind::Instance, &token)));
            rows.push(ImportedInstance {
                renewal_due_at: one.imported.renewal_due_at(),
                id,
                account_id,
                user_id,
                row_id,
                element_key: one.imported.element.key.clone(),
                name: one.imported.name,
                tags: one.imported.tags,
                credential_group: one.imported.group,
                configuration: sealed.configuration,
                credentials_sealed: sealed.credentials,
                token_sealed: sealed.token,
                disabled: one.disabled,
                invalid_reason: one.imported.invalid,
                external_authentication: one.imported.external_authentication,
                created: one.created,
            });
        }
        let org = self.import.store.org(self.id);
        org.import_instances(transaction, &rows).await?;
        org.index_secrets(transaction, SecretKind::Instance, &tokens)
            .await
    }

    /// Those given, and new ones where none is.
    async fn ids(
        &self,
        transaction: &mut Transaction,
        table: Numbered,
        given: &[Option<i64>],
    ) -> Result<Vec<i64>> {
        let wanted = given.iter().filter(|id| id.is_none()).count();
        let next = self
            .import
            .store
            .next_ids(transaction, table, wanted)
            .await?;
        let mut next = next.into_iter();
        given
            .iter()
            .map(|id| id.or_else(|| next.next()))
            .map(|id| id.ok_or_else(|| Error::internal("the database gave too few ids")))
            .collect()
    }
}

/// What was right a moment ago and is not any more.
fn unchanged(mistakes: &Mistakes) -> Result<()> {
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict(format!(
            "the database was changed meanwhile, so this organization was not imported:\n{}",
            joined(&mistakes.lines())
        ))),
    }
}

fn secret_place(organization: OrganizationId, table: &'static str, row: Uuid) -> Place<'static> {
    Place {
        organization,
        table,
        row,
        column: "secret_sealed",
    }
}
