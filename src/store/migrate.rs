//! Brings the schema to this version, under a lease so that servers may start at once.
//!
//! Everything pending is one transaction whose last statement is a claim to the lease: a server
//! that lost the lease on the way (a long pause) cannot commit. That transaction also keeps all
//! statements on one server connection, whatever pooler stands between.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, SqlSafeStr as _};
use uuid::Uuid;

use super::Store;
use super::retry::has_code;
use super::snapshot::AppliedMigration;
use crate::error::{Error, Result};

/// Version, description, text. Only ever added to.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "first light",
        include_str!("../../migrations/0001_first_light.sql"),
    ),
    (
        3,
        "sessions",
        include_str!("../../migrations/0003_sessions.sql"),
    ),
    (
        4,
        "key rotation",
        include_str!("../../migrations/0004_key_rotation.sql"),
    ),
    (
        5,
        "exchange journal",
        include_str!("../../migrations/0005_exchange_journal.sql"),
    ),
    (
        6,
        "revocations",
        include_str!("../../migrations/0006_revocations.sql"),
    ),
    (
        9,
        "connect",
        include_str!("../../migrations/0009_connect.sql"),
    ),
    (
        10,
        "renewal",
        include_str!("../../migrations/0010_renewal.sql"),
    ),
    (
        11,
        "notifications",
        include_str!("../../migrations/0011_notifications.sql"),
    ),
    (
        12,
        "oauth clients",
        include_str!("../../migrations/0012_oauth_clients.sql"),
    ),
    (
        13,
        "request log",
        include_str!("../../migrations/0013_request_log.sql"),
    ),
    (
        15,
        "renewal room",
        include_str!("../../migrations/0015_renewal_room.sql"),
    ),
    (
        16,
        "fair and forgiving",
        include_str!("../../migrations/0016_fair_and_forgiving.sql"),
    ),
    (
        17,
        "budgets",
        include_str!("../../migrations/0017_budgets.sql"),
    ),
    (
        18,
        "keyed calls",
        include_str!("../../migrations/0018_keyed_calls.sql"),
    ),
    (
        19,
        "credential checks",
        include_str!("../../migrations/0019_credential_checks.sql"),
    ),
];

const LEASE: &str = "migrate";
/// How long the others wait after a server died at it. Short is safe: the commit asks again.
const LEASE_TIME: Duration = Duration::from_secs(10);
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Why the schema could not be brought to this version.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the schema of the database could not be changed; nothing of it was kept")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the schema of the database could not be read or changed")]
    Database(#[source] Error),
}

impl From<Error> for MigrateError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What became of one attempt under the lease.
enum Attempt {
    Done,
    /// The lease went to another server meanwhile; nothing was kept.
    LeaseLost,
}

impl Store {
    /// Applies what is pending. Waits while another server does. A database that is ahead of
    /// this version is fine: migrations suit the version before them.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        // Also lets a user without the right to create tables start on a finished schema.
        if self.is_current().await? {
            return Ok(());
        }
        self.create_leases().await?;
        let holder = Uuid::new_v4();
        let mut pause = FIRST_LOOK;
        loop {
            if self.try_lease(LEASE, holder, LEASE_TIME).await? {
                let attempt = self.attempt(holder).await;
                let released = self.release(LEASE, holder).await;
                match attempt? {
                    Attempt::Done => return Ok(released?),
                    Attempt::LeaseLost => continue,
                }
            }
            if pause < LONGEST_PAUSE {
                pause *= 2;
            } else {
                tracing::info!("waiting for another server to finish its migrations");
            }
            tokio::time::sleep(pause).await;
            if self.is_current().await? {
                return Ok(());
            }
        }
    }

    /// Whether every migration is there, as this version knows it.
    async fn is_current(&self) -> Result<bool> {
        let mut reader = self.reader().await?;
        let applied = self
            .query_as::<(i64, Vec<u8>, bool)>(
                "select version, checksum, success from _sqlx_migrations",
            )
            .fetch_all(&mut *reader)
            .await;
        let applied = match applied {
            Ok(applied) => applied,
            // No such table: a new database.
            Err(error) if has_code(&error, &["42P01"]) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let applied: BTreeMap<i64, (Vec<u8>, bool)> = applied
            .into_iter()
            .map(|(version, checksum, success)| (version, (checksum, success)))
            .collect();
        Ok(known_migrations().iter().all(|migration| {
            applied
                .get(&migration.version)
                .is_some_and(|(checksum, success)| *success && *checksum == *migration.checksum)
        }))
    }

    /// Migrates while renewing the lease.
    async fn attempt(&self, holder: Uuid) -> Result<Attempt, MigrateError> {
        tokio::select! {
            attempt = self.apply(holder) => attempt,
            () = self.renew_until_lost(holder) => Ok(Attempt::LeaseLost),
        }
    }

    async fn renew_until_lost(&self, holder: Uuid) {
        loop {
            tokio::time::sleep(LEASE_TIME / 3).await;
            match self.try_lease(LEASE, holder, LEASE_TIME).await {
                Ok(true) => {}
                Ok(false) => return,
                // The last renewal may well last until the next; the commit decides.
                Err(error) => tracing::warn!(?error, "the migration lease was not renewed"),
            }
        }
    }

    async fn apply(&self, holder: Uuid) -> Result<Attempt, MigrateError> {
        // A connection of its own: the migrator names its statements whatever the setting, so
        // here they must be kept and closed, and a cancelled migration must end with it.
        let options = (*self.pool().connect_options())
            .clone()
            .statement_cache_capacity(64);
        let mut connection = sqlx::PgConnection::connect_with(&options).await?;
        let mut transaction = connection.begin().await?;
        let migrator = migrator(known_migrations());
        // `run` would do the same, in a future that cannot move between threads.
        if let Err(error) = migrator.run_direct(None, &mut *transaction, false).await {
            return match error {
                sqlx::migrate::MigrateError::Execute(cause)
                | sqlx::migrate::MigrateError::ExecuteMigration(cause, _)
                    if is_passing_database(&cause) =>
                {
                    Ok(Attempt::LeaseLost)
                }
                error => Err(error.into()),
            };
        }
        let claimed = sqlx::query(
            "update leases set expires_at = clock_timestamp() + make_interval(secs => $3)
             where name = $1 and holder = $2",
        )
        .bind(LEASE)
        .bind(holder)
        .bind(LEASE_TIME.as_secs_f64())
        .execute(&mut *transaction)
        .await?;
        if claimed.rows_affected() == 0 {
            return Ok(Attempt::LeaseLost);
        }
        sqlx::Connection::clear_cached_statements(&mut *transaction).await?;
        transaction.commit().await?;
        let _ = connection.close().await;
        Ok(Attempt::Done)
    }
}

fn is_passing_database(error: &sqlx::Error) -> bool {
    has_code(error, &["40001", "40P01"])
}

/// Runs these migrations where they are missing.
pub(super) fn migrator(migrations: Vec<Migration>) -> Migrator {
    let mut migrator = Migrator::with_migrations(migrations);
    // Not the migrator's own lock, which belongs to a session.
    migrator.set_locking(false).set_ignore_missing(true);
    migrator
}

/// Whether this version has a migration of this number and this text; `None`: none of this number.
pub fn knows_migration(applied: &AppliedMigration) -> Option<bool> {
    let migrations = known_migrations();
    let known = migrations
        .iter()
        .find(|known| known.version == applied.version)?;
    Some(*known.checksum == *applied.checksum)
}

pub(super) fn known_migrations() -> Vec<Migration> {
    MIGRATIONS
        .iter()
        .map(|(version, description, sql)| {
            let sql = sql.into_sql_str();
            Migration::new(
                *version,
                (*description).into(),
                MigrationType::Simple,
                sql,
                false,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_embedded_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is in the repository")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .into_string()
                    .expect("plain name")
            })
            .collect();
        files.sort();
        let embedded: Vec<String> = MIGRATIONS
            .iter()
            .map(|(version, description, _)| {
                format!("{version:04}_{}.sql", description.replace(' ', "_"))
            })
            .collect();
        assert_eq!(embedded, files);
    }
}
