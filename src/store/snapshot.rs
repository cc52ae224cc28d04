//! All rows of the database as they are at one moment, for a backup.
//!
//! Tables are found in the catalogue, so that one of a later version is not forgotten. What belongs
//! to running servers alone stays behind.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::PgConnection;

use super::retry::has_code;
use super::{Store, Transaction};
use crate::error::{Error, Result};

/// The list of migrations, which a restore makes anew; leases and what is left of budgets;
/// what servers tell each other, some of it in numbers of transactions that mean nothing in another database; and the request log,
/// which may be larger than everything else, ends by itself, and stands in partitions whose bounds
/// no backup knows.
pub const LEFT_BEHIND: &[&str] = &[
    "_sqlx_migrations",
    "budgets",
    "caller_caches",
    "key_holders",
    "leases",
    "login_traces",
    "request_log",
    "revocations",
];

/// Of these tables, which rows are carried. A running request belongs to a server.
const PARTLY_CARRIED: &[(&str, &str)] = &[("idempotency_keys", "state = 'done'")];

/// What text of every kind of value depends on, for writing as for reading. No limit of the
/// database's own may cut a long copy.
pub(super) const PLAIN_TEXT: &str = "set local datestyle = 'ISO, YMD';
    set local intervalstyle = 'postgres';
    set local timezone = 'UTC';
    set local bytea_output = 'hex';
    set local extra_float_digits = 3;
    set local statement_timeout = 0;
    set local lock_timeout = 0;
    set local idle_in_transaction_session_timeout = 0";

/// A table with what a copy of it needs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TableShape {
    pub name: String,
    pub columns: Vec<String>,
    /// Tables that its foreign keys lead to.
    needs: Vec<String>,
}

/// The last id that an identity column gave.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize, serde::Deserialize)]
pub struct LastId {
    pub table: String,
    pub column: String,
    pub last: i64,
}

/// A migration that made the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    pub version: i64,
    pub checksum: Vec<u8>,
}

/// A key of the keyring, as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownKey {
    pub key_id: String,
    #[sqlx(rename = "use")]
    pub use_: String,
    pub check_value: Vec<u8>,
    pub retired: bool,
}

/// A transaction that sees the database as it was when it began, and changes nothing.
#[derive(Debug)]
pub struct Snapshot {
    transaction: Transaction,
}

impl Store {
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let begin = "begin isolation level repeatable read, read only";
        let mut transaction = self.pool().begin_with(begin).await?;
        sqlx::raw_sql(PLAIN_TEXT).execute(&mut *transaction).await?;
        Ok(Snapshot { transaction })
    }

    pub async fn version_of_postgres(&self) -> Result<i32> {
        Ok(self.postgres_version().await?)
    }
}

impl Snapshot {
    /// `None`: the database has no schema of ours.
    pub async fn migrations(&mut self) -> Result<Option<Vec<AppliedMigration>>> {
        let rows: Result<Vec<(i64, Vec<u8>)>, sqlx::Error> =
            sqlx::query_as("select version, checksum from _sqlx_migrations order by version")
                .fetch_all(&mut *self.transaction)
                .await;
        match rows {
            Ok(rows) => Ok(Some(
                rows.into_iter()
                    .map(|(version, checksum)| AppliedMigration { version, checksum })
                    .collect(),
            )),
            Err(error) if has_code(&error, &["42P01"]) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The tables to carry; each behind those that its foreign keys lead to.
    pub async fn tables(&mut self) -> Result<Vec<TableShape>> {
        let mut tables = shapes(&mut self.transaction).await?;
        tables.retain(|table| !LEFT_BEHIND.contains(&table.name.as_str()));
        in_order(tables)
    }

    /// Every key that the rows may need; in a schema without rotation none was retired.
    pub async fn keys(&mut self, retirement: bool) -> Result<Vec<KnownKey>> {
        let statement = match retirement {
            true => {
                "select key_id, use, check_value, retired_at is not null as retired
                 from key_checks order by key_id"
            }
            false => {
                "select key_id, use, check_value, false as retired
                 from key_checks order by key_id"
            }
        };
        let keys = sqlx::query_as(statement);
        Ok(keys.fetch_all(&mut *self.transaction).await?)
    }

    /// `production`, `sandbox`, or `None` before the first `serve`.
    pub async fn mode(&mut self) -> Result<Option<String>> {
        let mode = sqlx::query_scalar("select mode from server_stamp");
        Ok(mode.fetch_optional(&mut *self.transaction).await?)
    }

    /// The rows of a table in the text form of `COPY`: one line each.
    pub async fn rows(
        &mut self,
        table: &TableShape,
    ) -> Result<BoxStream<'_, Result<bytes::Bytes>>> {
        let columns = quoted_list(&table.columns);
        let condition = PARTLY_CARRIED
            .iter()
            .find(|(name, _)| *name == table.name)
            .map_or_else(String::new, |(_, condition)| format!(" where {condition}"));
        let name = quoted(&table.name);
        let statement = format!("copy (select {columns} from {name}{condition}) to stdout");
        let rows = self.transaction.copy_out_raw(&statement).await?;
        Ok(rows.map_err(Error::from).boxed())
    }

    /// Read last: a sequence stands outside of transactions, so it is not behind any row then.
    pub async fn last_ids(&mut self) -> Result<Vec<LastId>> {
        let last: Vec<LastId> = sqlx::query_as(
            "with sequences as materialized (
                 select s.oid, t.relname::text as table_name, a.attname::text as column_name
                 from pg_class s
                 join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid
                     and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
                 join pg_class t on t.oid = d.refobjid
                 join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
                 join pg_namespace n on n.oid = t.relnamespace
                 where s.relkind = 'S' and n.nspname = current_schema())
             select table_name as table, column_name as column,
                    pg_sequence_last_value(oid) as last
             from sequences where pg_sequence_last_value(oid) is not null
             order by 1, 2",
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        Ok(last)
    }
}

/// All ordinary tables of the schema.
pub(super) async fn shapes(connection: &mut PgConnection) -> Result<Vec<TableShape>> {
    let tables = sqlx::query_as(
        "select c.relname::text as name,
                array(select a.attname::text from pg_attribute a
                      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                        and a.attgenerated = ''
                      order by a.attnum) as columns,
                array(select distinct f.relname::text
                      from pg_constraint k join pg_class f on f.oid = k.confrelid
                      where k.conrelid = c.oid and k.contype = 'f' and f.oid <> c.oid) as needs
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition
         order by c.relname",
    );
    Ok(tables.fetch_all(connection).await?)
}

fn in_order(mut tables: Vec<TableShape>) -> Result<Vec<TableShape>> {
    let mut ordered: Vec<TableShape> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |table: &TableShape| {
            let mut others = tables.iter().filter(|other| other.name != table.name);
            others.any(|other| table.needs.contains(&other.name))
        };
        let (waiting, ready): (Vec<_>, Vec<_>) =
            tables.iter().cloned().partition(|table| waits(table));
        if ready.is_empty() {
            return Err(Error::internal("foreign keys of tables lead in a circle"));
        }
        ordered.extend(ready);
        tables = waiting;
    }
    Ok(ordered)
}

pub(super) fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    quoted.join(", ")
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str, needs: &[&str]) -> TableShape {
        TableShape {
            name: name.to_owned(),
            columns: Vec::new(),
            needs: needs.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_table_stands_behind_those_it_needs() {
        let tables = vec![
            shape("c", &["b", "elsewhere"]),
            shape("b", &["a"]),
            shape("a", &[]),
        ];
        let ordered = in_order(tables).expect("no circle");
        let names: Vec<&str> = ordered.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(in_order(vec![shape("a", &["b"]), shape("b", &["a"])]).is_err());
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(quoted("a\"; drop table b"), "\"a\"\"; drop table b\"");
    }
}
