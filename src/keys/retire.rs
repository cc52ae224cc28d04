//! Taking keys out of use, once nothing needs them.

use super::rotate::current_of;
use super::{Work, values_by_number};
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::Retired;

/// A call that began before a data key was replaced may still seal with it: the longest calls
/// are several vendor calls of ten minutes each.
const LONGEST_CALL_SECONDS: i64 = 60 * 60;

impl Work<'_> {
    /// Takes a key out of the database's list and then out of the keyring.
    pub async fn retire_key(&self, id: &str) -> Result<()> {
        let keyring = self.vault.keyring();
        let use_ = keyring
            .use_of(id)
            .ok_or_else(|| Error::NotFound(format!("The keyring has no key '{id}'.")))?;
        if keyring.current_id(use_) == id || keyring.staged_id(use_) == Some(id) {
            return Err(Error::Conflict(format!(
                "the key '{id}' is in use; `bunsen keys rotate {}` replaces it",
                use_.as_str()
            )));
        }
        self.servers("still use the key", |holder| current_of(holder, use_) != id)
            .await?;
        if let Retired::StillNeeded(usage) = self.store.retire_key(id, use_).await? {
            return Err(Error::Conflict(format!(
                "the key '{id}' is still needed by {} organization keys, {} secrets, {} \
                 idempotency keys (they end within a day) and {} exchanges; `bunsen keys rotate {}` \
                 moves what can be moved",
                usage.organization_keys,
                usage.secrets,
                usage.idempotency_keys,
                usage.exchanges,
                use_.as_str()
            )));
        }
        match keyring.without(id) {
            Some(shorter) => self.write(shorter).await,
            None => Ok(()),
        }
    }

    /// Deletes the replaced data keys of these organizations; all or, where one still holds
    /// something, none. Gives how many.
    pub async fn retire_organization_keys(&self, organizations: &[OrganizationId]) -> Result<u64> {
        let mut spent = Vec::new();
        for organization in organizations {
            self.hold().await?;
            let org = self.store.org(*organization);
            let keys = org.organization_keys().await?;
            let in_use = keys.iter().filter(|key| !key.staged);
            let Some(sealing) = in_use.map(|key| key.number).max() else {
                continue;
            };
            let replaced: Vec<i32> = keys
                .iter()
                .map(|key| key.number)
                .filter(|number| *number < sealing)
                .collect();
            if replaced.is_empty() {
                continue;
            }
            let age = org.seconds_sealing(sealing).await?;
            if age < LONGEST_CALL_SECONDS {
                return Err(Error::Conflict(format!(
                    "organization {organization}: its data key was replaced {} minutes ago and \
                     calls that began before may still use the old one; run this again in {} \
                     minutes",
                    age / 60,
                    (LONGEST_CALL_SECONDS - age) / 60 + 1
                )));
            }
            let counts = values_by_number(self.store, *organization).await?;
            for number in replaced {
                if let Some(count) = counts.get(&number) {
                    return Err(Error::Conflict(format!(
                        "organization {organization}: data key {number} still seals {count} \
                         values; `bunsen keys rotate organization` seals them anew"
                    )));
                }
                spent.push((*organization, number));
            }
        }
        for (organization, number) in &spent {
            self.hold().await?;
            self.store
                .org(*organization)
                .delete_organization_key(*number)
                .await?;
        }
        Ok(spent.len() as u64)
    }
}
