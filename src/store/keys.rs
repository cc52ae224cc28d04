//! What the database knows of keys in use: which servers hold which, and what still needs them.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{OrgStore, Store};
use crate::error::{Error, Result};
use crate::ids::{KeyUse, WrappedKey};

/// The keys of one running server, as it last said itself.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyHolder {
    pub server: Uuid,
    /// Where it runs, for the operator.
    pub host: String,
    /// It has forgotten the data keys that it opened before this epoch.
    pub epoch: i64,
    pub key_ids: Vec<String>,
    pub current_encrypt: String,
    pub current_find: String,
}

/// What still needs a key of the keyring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUsage {
    pub organization_keys: i64,
    pub secrets: i64,
    /// They end by themselves within a day.
    pub idempotency_keys: i64,
    pub exchanges: i64,
}

/// What became of the attempt to take a key out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    Done,
    StillNeeded(KeyUsage),
}

impl KeyUsage {
    pub fn total(&self) -> i64 {
        self.organization_keys + self.secrets + self.idempotency_keys + self.exchanges
    }
}

impl Store {
    pub async fn key_epoch(&self) -> Result<i64> {
        let mut reader = self.reader().await?;
        let (epoch,) = self
            .query_as("select coalesce(max(epoch), 0) from key_epoch")
            .fetch_one(&mut *reader)
            .await?;
        Ok(epoch)
    }

    /// Tells every server to forget the data keys that it opened; gives the epoch to wait for.
    pub async fn begin_key_epoch(&self, connection: &mut PgConnection) -> Result<i64> {
        let (epoch,) = self
            .query_as(
                "insert into key_epoch (epoch) values (1)
                 on conflict (only_one) do update set epoch = key_epoch.epoch + 1
                 returning epoch",
            )
            .fetch_one(connection)
            .await?;
        Ok(epoch)
    }

    /// Says what a running server holds, for as long as `seconds`.
    pub async fn announce_keys(&self, holder: &KeyHolder, seconds: f64) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "insert into key_holders (server, host, epoch, key_ids, current_encrypt,
                                          current_find, expires_at)
                 values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
                 on conflict (server) do update
                     set epoch = excluded.epoch, key_ids = excluded.key_ids,
                         current_encrypt = excluded.current_encrypt,
                         current_find = excluded.current_find, expires_at = excluded.expires_at",
            )
            .bind(holder.server)
            .bind(holder.host.as_str())
            .bind(holder.epoch)
            .bind(holder.key_ids.as_slice())
            .bind(holder.current_encrypt.as_str())
            .bind(holder.current_find.as_str())
            .bind(seconds)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Takes the server's row away, and those that ran out long ago.
    pub async fn withdraw_keys(&self, server: Uuid) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "delete from key_holders
                 where server = $1 or expires_at < clock_timestamp() - interval '1 day'",
            )
            .bind(server)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// The running servers.
    pub async fn key_holders(&self) -> Result<Vec<KeyHolder>> {
        let mut reader = self.reader().await?;
        let holders = self
            .query_as(
                "select server, host, epoch, key_ids, current_encrypt, current_find
                 from key_holders where expires_at > clock_timestamp() order by host, server",
            )
            .fetch_all(&mut *reader)
            .await?;
        Ok(holders)
    }

    /// Ids of all keys that were taken out of use.
    pub async fn retired_keys(&self) -> Result<Vec<String>> {
        let mut reader = self.reader().await?;
        self.retired_keys_in(&mut reader).await
    }

    pub async fn retired_keys_in(&self, connection: &mut PgConnection) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self
            .query_as("select key_id from key_checks where retired_at is not null order by key_id")
            .fetch_all(connection)
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    pub async fn key_usage(&self, id: &str) -> Result<KeyUsage> {
        let mut reader = self.reader().await?;
        self.key_usage_in(&mut reader, id).await
    }

    async fn key_usage_in(&self, connection: &mut PgConnection, id: &str) -> Result<KeyUsage> {
        let (organization_keys, secrets, idempotency_keys, exchanges) = self
            .query_as(
                "select (select count(*) from organization_keys where kek_id = $1),
                        (select count(*) from secret_index where pepper_id = $1),
                        (select count(*) from idempotency_keys
                         where pepper_id = $1 and expires_at > clock_timestamp())
                        + (select count(*) from keyed_calls
                           where pepper_id = $1 and expires_at > clock_timestamp()),
                        (select count(*) from exchanges where session_pepper_id = $1)",
            )
            .bind(id)
            .fetch_one(connection)
            .await?;
        Ok(KeyUsage {
            organization_keys,
            secrets,
            idempotency_keys,
            exchanges,
        })
    }

    /// Takes a key out of use if nothing needs it. Who would write with it meanwhile waits for
    /// the outcome, and is refused when it is done.
    pub async fn retire_key(&self, id: &str, use_: KeyUse) -> Result<Retired> {
        // Asked first without keeping anybody waiting.
        let usage = self.key_usage(id).await?;
        if usage.total() > 0 {
            return Ok(Retired::StillNeeded(usage));
        }
        let lock = match use_ {
            KeyUse::Encrypt => "lock table organization_keys in share row exclusive mode",
            KeyUse::Find => "lock table secret_index in share row exclusive mode",
        };
        self.transaction(|mut transaction| async move {
            self.query(lock).execute(&mut *transaction).await?;
            let usage = self.key_usage_in(&mut transaction, id).await?;
            if usage.total() > 0 {
                return Ok((transaction, Retired::StillNeeded(usage)));
            }
            self.query(
                "update key_checks set retired_at = clock_timestamp()
                 where key_id = $1 and retired_at is null",
            )
            .bind(id)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, Retired::Done))
        })
        .await
    }
}

impl OrgStore<'_> {
    /// Adds a data key that opens and does not seal yet; gives the epoch from which on every
    /// server has it.
    pub async fn stage_organization_key(&self, key: &WrappedKey) -> Result<i64> {
        let store = self.store;
        self.transaction(|mut transaction| async move {
            self.insert_organization_key(&mut transaction, key).await?;
            let epoch = store.begin_key_epoch(&mut transaction).await?;
            Ok((transaction, epoch))
        })
        .await
    }

    /// From now on the staged key seals; gives the epoch from which on no server seals with
    /// another one.
    pub async fn promote_organization_key(&self, number: i32) -> Result<i64> {
        let store = self.store;
        self.transaction(|mut transaction| async move {
            self.query(
                "update organization_keys set staged = false, created_at = clock_timestamp()
                     where org_id = $1 and number = $2 and staged",
            )
            .bind(number)
            .execute(&mut *transaction)
            .await?;
            let epoch = store.begin_key_epoch(&mut transaction).await?;
            Ok((transaction, epoch))
        })
        .await
    }

    /// Seconds since the key that seals took over.
    pub async fn seconds_sealing(&self, number: i32) -> Result<i64> {
        let mut reader = self.reader().await?;
        let (seconds,) = self
            .query_as(
                "select extract(epoch from clock_timestamp() - created_at)::bigint
                 from organization_keys where org_id = $1 and number = $2",
            )
            .bind(number)
            .fetch_one(&mut *reader)
            .await?;
        Ok(seconds)
    }

    /// Removes a data key for good.
    pub async fn delete_organization_key(&self, number: i32) -> Result<()> {
        let store = self.store;
        self.transaction(|mut transaction| async move {
            self.query("delete from organization_keys where org_id = $1 and number = $2")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
            store.begin_key_epoch(&mut transaction).await?;
            Ok((transaction, ()))
        })
        .await
    }
}

/// What an insert says that was made only if its key is still in use.
pub(super) fn not_retired(rows: u64) -> Result<()> {
    match rows {
        0 => Err(replaced_keyring()),
        _ => Ok(()),
    }
}

pub(super) fn replaced_keyring() -> Error {
    Error::Unavailable("This server's keyring was replaced meanwhile; try again.")
}
