//! Rows of a backup brought into an empty database, in one transaction: the schema as it was then,
//! the rows, the ids, and the migrations that came since.

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};

use super::migrate::{MigrateError, known_migrations, migrator};
use super::snapshot::{LastId, PLAIN_TEXT, TableShape, quoted, quoted_list, shapes};
use super::{Store, Transaction};
use crate::error::{Error, Result};

/// Counters that a server compares with what it saw before. A restored one must be ahead of all
/// that any server has seen, also after the backup: the seconds since 1970 are, since it grows by
/// far less than one in a second.
const EPOCHS: &[&str] = &["insert into key_epoch as k (epoch)
     values (extract(epoch from clock_timestamp())::bigint)
     on conflict (only_one) do update set epoch = greatest(excluded.epoch, k.epoch + 1)"];

/// A restore that has begun; dropped without [`Restoration::finish`] it leaves nothing.
#[derive(Debug)]
pub struct Restoration {
    // The connection goes back to the pool before the pool goes.
    transaction: Transaction,
    pool: PgPool,
    tables: Vec<TableShape>,
}

/// Why the database cannot take a backup.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(
        "a restore needs an empty database, and this one has tables already: {}. Give another one \
         (for the private Postgres: another --data-dir, or move `pg` and `pg.password` away)",
        .0.join(", ")
    )]
    NotEmpty(Vec<String>),
    #[error("the schema of the backup could not be made; nothing was kept")]
    Schema(#[from] MigrateError),
    #[error("the database did not take the backup; nothing was kept")]
    Database(#[source] Error),
    #[error("{0}; nothing was kept")]
    Rows(String),
}

impl From<Error> for RestoreError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::Error> for RestoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Store {
    /// Makes the schema of these migrations, all of which this version must know.
    pub async fn begin_restore(&self, versions: &[i64]) -> Result<Restoration, RestoreError> {
        // A connection of its own, for the reason that `migrate` has.
        let options = (*self.pool().connect_options())
            .clone()
            .statement_cache_capacity(64);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        let mut transaction = pool.begin().await?;
        sqlx::raw_sql(PLAIN_TEXT).execute(&mut *transaction).await?;
        let there = described(&mut transaction).await?;
        if !there.is_empty() {
            return Err(RestoreError::NotEmpty(there));
        }
        Self::create_leases_in(&mut transaction).await?;
        let wanted = known_migrations().into_iter();
        let wanted = wanted.filter(|migration| versions.contains(&migration.version));
        run(&mut transaction, wanted.collect()).await?;
        let tables = shapes(&mut transaction).await?;
        Ok(Restoration {
            transaction,
            pool,
            tables,
        })
    }

    /// For the planner, which knows nothing of rows that came at once. Without it everything works,
    /// more slowly until the database has looked by itself.
    pub async fn analyze(&self) -> Result<()> {
        let mut reader = self.reader().await?;
        sqlx::raw_sql("analyze").execute(&mut *reader).await?;
        Ok(())
    }
}

impl Restoration {
    /// Whether the schema has this table; another one of the backup is none of ours.
    pub fn has(&self, table: &str) -> bool {
        self.tables.iter().any(|known| known.name == table)
    }

    /// Copies the rows that `next` gives, until it gives none. Gives their number.
    pub async fn load(
        &mut self,
        table: &str,
        columns: &[String],
        mut next: impl FnMut() -> Result<Option<Vec<u8>>, RestoreError>,
    ) -> Result<u64, RestoreError> {
        let known = self.tables.iter().find(|known| known.name == table);
        let known = known
            .ok_or_else(|| RestoreError::Rows(format!("the schema has no table '{table}'")))?;
        if let Some(other) = columns.iter().find(|name| !known.columns.contains(name)) {
            return Err(RestoreError::Rows(format!(
                "the table '{table}' has no column '{other}'"
            )));
        }
        let name = quoted(table);
        let statement = format!("copy {name} ({}) from stdin", quoted_list(columns));
        let connection: &mut PgConnection = &mut self.transaction;
        let mut copy = connection.copy_in_raw(&statement).await?;
        loop {
            match next() {
                Ok(Some(rows)) => drop(copy.send(rows).await?),
                Ok(None) => return Ok(copy.finish().await?),
                Err(error) => {
                    copy.abort("the backup cannot be read").await?;
                    return Err(error);
                }
            }
        }
    }

    /// Ids go on behind the last one, epochs run ahead, newer migrations follow; then all of it
    /// becomes true at once.
    pub async fn finish(mut self, last: &[LastId]) -> Result<(), RestoreError> {
        let last: Vec<&LastId> = last.iter().filter(|last| self.has(&last.table)).collect();
        for LastId {
            table,
            column,
            last,
        } in last
        {
            sqlx::query("select setval(pg_get_serial_sequence($1, $2), $3)")
                .bind(quoted(table))
                .bind(column)
                .bind(last)
                .execute(&mut *self.transaction)
                .await?;
        }
        run(&mut self.transaction, known_migrations()).await?;
        for epoch in EPOCHS {
            sqlx::query(*epoch).execute(&mut *self.transaction).await?;
        }
        sqlx::Connection::clear_cached_statements(&mut *self.transaction).await?;
        self.transaction.commit().await?;
        self.pool.close().await;
        Ok(())
    }
}

async fn run(
    connection: &mut PgConnection,
    migrations: Vec<sqlx::migrate::Migration>,
) -> Result<(), RestoreError> {
    migrator(migrations)
        .run_direct(None, connection, false)
        .await
        .map_err(|error| RestoreError::Schema(error.into()))
}

/// What stands in the schema, with its rows where there are some. The leases are made by whoever
/// looks first, and say nothing.
async fn described(connection: &mut PgConnection) -> Result<Vec<String>> {
    let names: Vec<(String, String)> = sqlx::query_as(
        "select c.relname::text, c.relkind::text
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = current_schema() and c.relkind in ('r', 'p', 'v', 'm', 'f')
           and c.relname <> 'leases'
         order by c.relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut described = Vec::new();
    for (name, kind) in names {
        let rows: i64 = match kind.as_str() {
            "r" | "p" => {
                // No more than it takes to say that there are many.
                let count = format!(
                    "select count(*) from (select 1 from {} limit 1000) as few",
                    quoted(&name)
                );
                sqlx::query_scalar(sqlx::AssertSqlSafe(count))
                    .fetch_one(&mut *connection)
                    .await?
            }
            _ => 0,
        };
        described.push(match rows {
            0 => name,
            1 => format!("{name} (1 row)"),
            1000 => format!("{name} (1000 rows or more)"),
            rows => format!("{name} ({rows} rows)"),
        });
    }
    Ok(described)
}
