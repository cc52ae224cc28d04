//! What each key still holds.

use serde::Serialize;

use super::values_by_number;
use crate::error::Result;
use crate::ids::{KeyUse, OrganizationId};
use crate::keyring::Keyring;
use crate::store::Store;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub encrypt: Vec<KeyStatus>,
    pub find: Vec<KeyStatus>,
    pub organization_keys: Vec<OrganizationKeyStatus>,
    pub servers: Vec<ServerStatus>,
}

/// A key of the keyring, of the database's list, or of both.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    pub id: String,
    /// `current`, `staged`, `old`, or `missing`: the database needs it and the keyring lacks it.
    pub state: &'static str,
    pub organization_keys: i64,
    pub secrets: i64,
    pub idempotency_keys: i64,
    pub exchanges: i64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationKeyStatus {
    pub organization: OrganizationId,
    pub number: i32,
    /// `current`, `staged` or `old`.
    pub state: &'static str,
    /// Key of the keyring that wraps it.
    pub wrapped_by: String,
    pub values: i64,
}

/// A running server.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    pub host: String,
    pub current_encrypt: String,
    pub current_find: String,
}

pub async fn status(store: &Store, keyring: &Keyring) -> Result<Status> {
    let known = store.key_checks().await?;
    let mut lists = Vec::new();
    for use_ in [KeyUse::Encrypt, KeyUse::Find] {
        let mut list = Vec::new();
        let held = keyring.ids(use_);
        let missing = known
            .iter()
            .filter(|check| check.use_ == use_ && !held.contains(&check.key_id.as_str()));
        for id in held
            .iter()
            .copied()
            .chain(missing.map(|check| check.key_id.as_str()))
        {
            let usage = store.key_usage(id).await?;
            list.push(KeyStatus {
                id: id.to_owned(),
                state: match id {
                    id if id == keyring.current_id(use_) => "current",
                    id if Some(id) == keyring.staged_id(use_) => "staged",
                    id if held.contains(&id) => "old",
                    _ => "missing",
                },
                organization_keys: usage.organization_keys,
                secrets: usage.secrets,
                idempotency_keys: usage.idempotency_keys,
                exchanges: usage.exchanges,
            });
        }
        lists.push(list);
    }
    let mut organization_keys = Vec::new();
    for organization in store.all_orgs().organization_ids().await? {
        let counts = values_by_number(store, organization).await?;
        let keys = store.org(organization).organization_keys().await?;
        let sealing = keys
            .iter()
            .filter(|key| !key.staged)
            .map(|key| key.number)
            .max();
        organization_keys.extend(keys.into_iter().map(|key| OrganizationKeyStatus {
            organization,
            number: key.number,
            state: match key.number {
                _ if key.staged => "staged",
                number if Some(number) == sealing => "current",
                _ => "old",
            },
            wrapped_by: key.kek_id,
            values: counts.get(&key.number).copied().unwrap_or_default(),
        }));
    }
    let find = lists.pop().unwrap_or_default();
    let encrypt = lists.pop().unwrap_or_default();
    let holders = store.key_holders().await?;
    let servers = holders.into_iter().map(|holder| ServerStatus {
        host: holder.host,
        current_encrypt: holder.current_encrypt,
        current_find: holder.current_find,
    });
    Ok(Status {
        encrypt,
        find,
        organization_keys,
        servers: servers.collect(),
    })
}
