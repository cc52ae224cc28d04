//! Rotation, step by step; each call takes up what an earlier one left.

use crate::callers;
use crate::error::{Error, Result};
use crate::ids::{KeyUse, OrganizationId, Secret, SecretKind};
use crate::store::{HELD_COLUMNS, HeldColumn, KeyHolder, Resealed, SealedValue};
use crate::vault::{OrganizationKeys, Place};

use super::{Work, opened, refused, values_by_number};

/// Times a table is gone through: values that calls in flight seal with the old key appear
/// behind the first pass.
const PASSES: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    /// The key of the keyring that is current now, or how many organizations have a new data key.
    pub current: String,
    /// No new key was made: an earlier rotation was brought to its end.
    pub resumed: bool,
    /// Rows made anew by this run.
    pub rows: u64,
    /// Secrets that stay under their old key because index and secret disagree.
    pub left: u64,
}

impl Work<'_> {
    /// A new key of the keyring takes over.
    pub async fn rotate_keyring(&self, use_: KeyUse) -> Result<Rotated> {
        let mut resumed = true;
        let keyring = self.vault.keyring();
        if keyring.staged_id(use_).is_none() && !self.is_unfinished(use_).await? {
            resumed = false;
            self.write(keyring.with_staged(use_)).await?;
        }
        let keyring = self.vault.keyring();
        if let Some(staged) = keyring.staged_id(use_) {
            // Also when it was staged by a run that ended before it had told the database.
            self.write((*keyring).clone()).await?;
            self.servers("do not have the new key", |holder| {
                holder.key_ids.iter().any(|id| id == staged)
            })
            .await?;
            if let Some(promoted) = keyring.promoted(use_) {
                self.write(promoted).await?;
            }
        }
        let keyring = self.vault.keyring();
        let current = keyring.current_id(use_);
        self.servers("do not use the new key yet", |holder| {
            current_of(holder, use_) == current
        })
        .await?;
        let (rows, left) = match use_ {
            KeyUse::Encrypt => (self.rewrap_all(current).await?, 0),
            KeyUse::Find => self.reindex_all(current).await?,
        };
        Ok(Rotated {
            current: current.to_owned(),
            resumed,
            rows,
            left,
        })
    }

    /// Whether older keys of the keyring still hold something that can be made anew.
    async fn is_unfinished(&self, use_: KeyUse) -> Result<bool> {
        let keyring = self.vault.keyring();
        for id in keyring.ids(use_) {
            if id != keyring.current_id(use_) {
                let usage = self.store.key_usage(id).await?;
                if usage.organization_keys + usage.secrets > 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn rewrap_all(&self, current: &str) -> Result<u64> {
        let mut rows = 0;
        loop {
            self.hold().await?;
            let batch = self
                .store
                .all_orgs()
                .keys_not_wrapped_by(current, self.pace.batch)
                .await?;
            if batch.is_empty() {
                return Ok(rows);
            }
            for (organization, old) in &batch {
                let new = self.vault.rewrap(*organization, old).map_err(refused)?;
                self.store
                    .org(*organization)
                    .rewrap_organization_key(old, &new)
                    .await?;
                rows += 1;
            }
            self.breathe().await;
        }
    }

    /// Gives every secret its fingerprint under the current pepper: how many, and how many were
    /// left because what is sealed is not what the index finds.
    async fn reindex_all(&self, current: &str) -> Result<(u64, u64)> {
        let mut rows = 0;
        let mut left = 0;
        for _ in 0..PASSES {
            let (done, strange) = self.reindex_pass(current).await?;
            rows += done;
            left = strange;
            if done == 0 {
                break;
            }
        }
        self.store
            .all_orgs()
            .drop_spent_fingerprints(current)
            .await?;
        let revocation = self.store.all_orgs().revoke_everything().await?;
        callers::settle(self.store, revocation).await;
        Ok((rows, left))
    }

    async fn reindex_pass(&self, current: &str) -> Result<(u64, u64)> {
        let mut after = Vec::new();
        let (mut rows, mut left) = (0, 0);
        let mut last: Option<(OrganizationId, OrganizationKeys)> = None;
        loop {
            self.hold().await?;
            let batch = self
                .store
                .all_orgs()
                .secrets_not_found_by(current, &after, self.pace.batch)
                .await?;
            let Some(end) = batch.last() else {
                return Ok((rows, left));
            };
            after.clone_from(&end.hmac);
            let (mut old, mut new, mut ownerless) = (Vec::new(), Vec::new(), Vec::new());
            for row in &batch {
                let (kind, table, column) = match row.kind.as_str() {
                    "organization" => (SecretKind::Organization, "organizations", "secret_sealed"),
                    "user" => (SecretKind::User, "users", "secret_sealed"),
                    _ => (SecretKind::Instance, "instances", "token_sealed"),
                };
                // Without its owner it finds nobody, whatever pepper made it.
                let (Some(row_id), Some(sealed)) = (row.row_id, &row.sealed) else {
                    ownerless.push(row.hmac.as_slice());
                    continue;
                };
                let place = Place {
                    organization: row.org_id,
                    table,
                    row: row_id,
                    column,
                };
                if last.as_ref().is_none_or(|(id, _)| *id != row.org_id) {
                    last = Some((
                        row.org_id,
                        opened(self.store, self.vault, row.org_id).await?,
                    ));
                }
                let clear = match &last {
                    Some((_, keys)) => keys.open(&place, sealed).map_err(refused)?,
                    None => continue,
                };
                let secret = Secret::new(std::str::from_utf8(&clear).map_err(refused)?);
                let prints = self.vault.fingerprints(kind, &secret);
                // Writing what the index does not find today would let another secret in.
                match prints.first() {
                    Some(print) if prints.iter().any(|print| print.hmac.as_slice() == row.hmac) => {
                        old.push(row.hmac.as_slice());
                        new.push(print.hmac);
                    }
                    _ => left += 1,
                }
            }
            let hmacs: Vec<&[u8]> = new.iter().map(<[u8; 32]>::as_slice).collect();
            self.store.all_orgs().reindex(current, &old, &hmacs).await?;
            self.store.all_orgs().unindex(&ownerless).await?;
            rows += old.len() as u64;
            self.breathe().await;
        }
    }

    /// New data keys for these organizations take over.
    pub async fn rotate_organizations(&self, organizations: &[OrganizationId]) -> Result<Rotated> {
        let mut resumed = true;
        let mut epoch = 0;
        for organization in organizations {
            self.hold().await?;
            let org = self.store.org(*organization);
            let keys = org.organization_keys().await?;
            if keys.iter().any(|key| key.staged) {
                continue;
            }
            let sealing = keys.iter().map(|key| key.number).max().unwrap_or_default();
            let counts = values_by_number(self.store, *organization).await?;
            if counts.keys().any(|number| *number != sealing) {
                continue;
            }
            resumed = false;
            let key = self
                .vault
                .staged_organization_key(*organization, sealing + 1);
            epoch = org.stage_organization_key(&key).await?;
        }
        // What an earlier run staged was perhaps never waited for.
        epoch = epoch.max(self.store.key_epoch().await?);
        self.epoch(epoch).await?;
        for organization in organizations {
            self.hold().await?;
            let org = self.store.org(*organization);
            for key in org.organization_keys().await? {
                if key.staged {
                    epoch = org.promote_organization_key(key.number).await?;
                }
            }
        }
        self.epoch(epoch).await?;
        let mut rows = 0;
        for organization in organizations {
            rows += self.reseal_organization(*organization).await?;
        }
        Ok(Rotated {
            current: format!("{} organizations", organizations.len()),
            resumed,
            rows,
            left: 0,
        })
    }

    async fn reseal_organization(&self, organization: OrganizationId) -> Result<u64> {
        let keys = opened(self.store, self.vault, organization).await?;
        let mut rows = 0;
        for _ in 0..PASSES {
            let mut pass = 0;
            for column in HELD_COLUMNS {
                pass += self.reseal_column(organization, &keys, column).await?;
            }
            rows += pass;
            if pass == 0 {
                break;
            }
        }
        Ok(rows)
    }

    async fn reseal_column(
        &self,
        organization: OrganizationId,
        keys: &OrganizationKeys,
        column: &HeldColumn,
    ) -> Result<u64> {
        let org = self.store.org(organization);
        let mut after: Option<String> = None;
        let mut rows = 0;
        loop {
            self.hold().await?;
            let mut batch = org
                .sealed_values(column, after.as_deref(), self.pace.batch)
                .await?;
            let Some(end) = batch.last() else {
                return Ok(rows);
            };
            after = Some(end.key.clone());
            let mut resealed = Vec::new();
            for value in batch.drain(..) {
                if !keys.is_sealed_anew(&value.sealed).map_err(refused)? {
                    resealed.push(reseal(organization, keys, column, value)?);
                }
            }
            if !resealed.is_empty() {
                rows += resealed.len() as u64;
                org.reseal(column, &resealed).await?;
                self.breathe().await;
            }
        }
    }
}

fn reseal(
    organization: OrganizationId,
    keys: &OrganizationKeys,
    column: &HeldColumn,
    value: SealedValue,
) -> Result<Resealed> {
    let place = Place {
        organization,
        table: column.table,
        row: value.row_id,
        column: column.column,
    };
    let clear = keys.open(&place, &value.sealed).map_err(|error| {
        Error::Invalid(format!(
            "organization {organization}, {}.{} of row {}: {error}",
            column.table, column.column, value.key
        ))
    })?;
    Ok(Resealed {
        resealed: keys.seal(&place, &clear),
        key: value.key,
        sealed: value.sealed,
    })
}

pub(super) fn current_of(holder: &KeyHolder, use_: KeyUse) -> &str {
    match use_ {
        KeyUse::Encrypt => &holder.current_encrypt,
        KeyUse::Find => &holder.current_find,
    }
}
