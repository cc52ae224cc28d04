//! Rows that are written anew when a key is rotated: read in batches, and changed only where
//! they still hold what was read.

use sqlx::FromRow;
use uuid::Uuid;

use super::{AllOrgs, OrgStore};
use crate::error::Result;
use crate::ids::{OrganizationId, WrappedKey};

/// A column that holds sealed values, with the statements that walk it.
#[derive(Debug, Clone, Copy)]
pub struct HeldColumn {
    /// As the values are bound to it.
    pub table: &'static str,
    pub column: &'static str,
    read: &'static str,
    write: &'static str,
    count: &'static str,
}

macro_rules! held_column {
    ($table:literal, $column:literal, organization: $org:literal, key: $key:literal as $type:literal,
     row: $row:literal, below: $below:literal) => {
        HeldColumn {
            table: $table,
            column: $column,
            // The first batch begins behind what every key is above: with `or` in its place every
            // batch would be read from the organization's first row on.
            read: concat!(
                "select ",
                $key,
                "::text as key, ",
                $row,
                " as row_id, ",
                $column,
                " as sealed
                 from ",
                $table,
                " where ",
                $org,
                " = $1 and ",
                $column,
                " is not null and ",
                $key,
                " > coalesce($2::text::",
                $type,
                ", ",
                $below,
                ")
                 order by ",
                $table,
                ".",
                $key,
                " limit $3"
            ),
            // Whoever changed the value meanwhile sealed it with the right key.
            write: concat!(
                "update ",
                $table,
                " as t set ",
                $column,
                " = n.resealed
                 from unnest($2::text[], $3::bytea[], $4::bytea[]) as n (key, sealed, resealed)
                 where t.",
                $org,
                " = $1 and t.",
                $key,
                " = n.key::",
                $type,
                " and t.",
                $column,
                " = n.sealed"
            ),
            // The number stands behind the version byte (src/vault/sealed.rs).
            count: concat!(
                "select ('x' || encode(substring(",
                $column,
                " from 2 for 4), 'hex'))::bit(32)::int
                            as number, count(*)
                 from ",
                $table,
                " where ",
                $org,
                " = $1 and ",
                $column,
                " is not null
                 group by number order by number"
            ),
        }
    };
}

/// Every column that holds values sealed with an organization's data key.
pub const HELD_COLUMNS: &[HeldColumn] = &[
    held_column!("organizations", "secret_sealed", organization: "id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("users", "secret_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("instances", "credentials_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("instances", "token_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("exchanges", "intent_sealed", organization: "org_id", key: "id" as "uuid", row: "id", below: "'00000000-0000-0000-0000-000000000000'::uuid"),
    held_column!("exchanges", "answer_sealed", organization: "org_id", key: "id" as "uuid", row: "id", below: "'00000000-0000-0000-0000-000000000000'::uuid"),
    held_column!("keyed_calls", "answer_sealed", organization: "org_id", key: "id" as "uuid", row: "id", below: "'00000000-0000-0000-0000-000000000000'::uuid"),
    held_column!("connect_links", "contents_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("connect_links", "walk_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("notification_subscriptions", "secret_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
    held_column!("login_traces", "calls_sealed", organization: "org_id", key: "id" as "uuid", row: "id", below: "'00000000-0000-0000-0000-000000000000'::uuid"),
    held_column!("oauth_clients", "client_sealed", organization: "org_id", key: "id" as "bigint", row: "row_id", below: "0"),
];

#[derive(Clone, FromRow)]
pub struct SealedValue {
    /// Of the row in its table, to go on behind it.
    pub key: String,
    pub row_id: Uuid,
    pub sealed: Vec<u8>,
}

/// A value's new form beside the old one.
#[derive(Clone)]
pub struct Resealed {
    pub key: String,
    pub sealed: Vec<u8>,
    pub resealed: Vec<u8>,
}

/// A row of the index of secrets beside the secret that it finds.
#[derive(Clone, FromRow)]
pub struct IndexedSecret {
    pub hmac: Vec<u8>,
    pub kind: String,
    pub org_id: OrganizationId,
    /// `None`: an index row without its owner.
    pub row_id: Option<Uuid>,
    pub sealed: Option<Vec<u8>>,
}

impl OrgStore<'_> {
    /// The values behind `after`, in the order of their keys.
    pub async fn sealed_values(
        &self,
        column: &HeldColumn,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<SealedValue>> {
        let mut reader = self.reader().await?;
        let values = self
            .query_as(column.read)
            .bind(after)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(values)
    }

    pub async fn reseal(&self, column: &HeldColumn, values: &[Resealed]) -> Result<()> {
        let keys: Vec<&str> = values.iter().map(|value| value.key.as_str()).collect();
        let sealed: Vec<&[u8]> = values.iter().map(|value| value.sealed.as_slice()).collect();
        let resealed: Vec<&[u8]> = values
            .iter()
            .map(|value| value.resealed.as_slice())
            .collect();
        let (keys, sealed, resealed) = (&keys, &sealed, &resealed);
        self.transaction(|mut transaction| async move {
            self.query(column.write)
                .bind(keys)
                .bind(sealed)
                .bind(resealed)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// How many values each data key sealed.
    pub async fn sealed_by_number(&self, column: &HeldColumn) -> Result<Vec<(i32, i64)>> {
        let mut reader = self.reader().await?;
        Ok(self.query_as(column.count).fetch_all(&mut *reader).await?)
    }

    /// Stores another wrapping of the same data key.
    pub async fn rewrap_organization_key(&self, old: &WrappedKey, new: &WrappedKey) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update organization_keys set kek_id = $4, wrapped = $5
                     where org_id = $1 and number = $2 and wrapped = $3",
            )
            .bind(old.number)
            .bind(old.wrapped.as_slice())
            .bind(new.kek_id.as_str())
            .bind(new.wrapped.as_slice())
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}

impl AllOrgs<'_> {
    pub async fn organization_ids(&self) -> Result<Vec<OrganizationId>> {
        let mut reader = self.store.reader().await?;
        let rows: Vec<(OrganizationId,)> = self
            .store
            .query_as("select id from organizations order by id")
            .fetch_all(&mut *reader)
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Data keys that another key than `current` wraps.
    pub async fn keys_not_wrapped_by(
        &self,
        current: &str,
        limit: i64,
    ) -> Result<Vec<(OrganizationId, WrappedKey)>> {
        let mut reader = self.store.reader().await?;
        let rows: Vec<(OrganizationId, i32, String, Vec<u8>, bool)> = self
            .store
            .query_as(
                "select org_id, number, kek_id, wrapped, staged from organization_keys
                 where kek_id <> $1 order by org_id, number limit $2",
            )
            .bind(current)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(organization, number, kek_id, wrapped, staged)| {
                let key = WrappedKey {
                    number,
                    kek_id,
                    wrapped,
                    staged,
                };
                (organization, key)
            })
            .collect())
    }

    /// Rows of the index that another pepper than `current` made, behind `after`. Of sessions and
    /// log-in addresses nothing is kept that a new fingerprint could be made from: the former end
    /// within a day, the latter are made anew by the next log-in.
    pub async fn secrets_not_found_by(
        &self,
        current: &str,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<IndexedSecret>> {
        let mut reader = self.store.reader().await?;
        let rows = self
            .store
            .query_as(
                "select s.hmac, s.kind, s.org_id,
                        coalesce(o.row_id, u.row_id, i.row_id) as row_id,
                        coalesce(o.secret_sealed, u.secret_sealed, i.token_sealed) as sealed
                 from secret_index s
                 left join organizations o on s.kind = 'organization' and o.id = s.object_id
                 left join users u
                     on s.kind = 'user' and u.org_id = s.org_id and u.id = s.object_id
                 left join instances i
                     on s.kind = 'instance' and i.org_id = s.org_id and i.id = s.object_id
                 where s.pepper_id <> $1 and s.hmac > $2
                   and s.kind in ('organization', 'user', 'instance')
                 order by s.hmac limit $3",
            )
            .bind(current)
            .bind(after)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(rows)
    }

    /// Gives index rows, by their old HMAC, the one of the pepper `current`.
    pub async fn reindex(&self, current: &str, old: &[&[u8]], new: &[&[u8]]) -> Result<()> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                store
                    .query(
                        "update secret_index as s set hmac = n.new, pepper_id = $1
                         from unnest($2::bytea[], $3::bytea[]) as n (old, new)
                         where s.hmac = n.old",
                    )
                    .bind(current)
                    .bind(old)
                    .bind(new)
                    .execute(&mut *transaction)
                    .await?;
                Ok((transaction, ()))
            })
            .await
    }

    /// Removes index rows that have no owner.
    pub async fn unindex(&self, hmacs: &[&[u8]]) -> Result<()> {
        if hmacs.is_empty() {
            return Ok(());
        }
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                store
                    .query("delete from secret_index where hmac = any($1)")
                    .bind(hmacs)
                    .execute(&mut *transaction)
                    .await?;
                Ok((transaction, ()))
            })
            .await
    }

    /// What other peppers than `current` made and nobody can make again: fingerprints of sessions
    /// of exchanges that are over, idempotency keys and sessions whose day is over, connect links that have ended; and log-in
    /// addresses, which the next log-in writes again.
    pub async fn drop_spent_fingerprints(&self, current: &str) -> Result<()> {
        let store = self.store;
        for statement in [
            "update exchanges set session_hmac = null, session_pepper_id = null
             where session_pepper_id <> $1 and state not in ('intent', 'answered')",
            "delete from idempotency_keys
             where pepper_id <> $1 and expires_at <= clock_timestamp()",
            "delete from keyed_calls
             where pepper_id <> $1 and expires_at <= clock_timestamp()",
            "delete from secret_index as s
             where s.pepper_id <> $1 and s.kind = 'session'
               and not exists (select 1 from sessions e
                               where e.org_id = s.org_id and e.id = s.object_id
                                 and e.expires_at > clock_timestamp())",
            "delete from secret_index where pepper_id <> $1 and kind = 'login'",
            "delete from secret_index as s
             where s.pepper_id <> $1 and s.kind in ('connect_link', 'connect_state')
               and not exists (select 1 from connect_links l
                               where l.org_id = s.org_id and l.id = s.object_id
                                 and l.expires_at > clock_timestamp())",
        ] {
            store
                .transaction(|mut transaction| async move {
                    store
                        .query(statement)
                        .bind(current)
                        .execute(&mut *transaction)
                        .await?;
                    Ok((transaction, ()))
                })
                .await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedValue")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Resealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resealed")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for IndexedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexedSecret")
            .field("kind", &self.kind)
            .field("org_id", &self.org_id)
            .finish_non_exhaustive()
    }
}
