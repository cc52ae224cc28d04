//! Leases: at most one server does a piece of work, by the database's clock.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Store;
use super::retry::has_code;
use crate::error::Result;

const CREATE: &str = "create table if not exists leases (
    name text primary key,
    holder uuid not null,
    expires_at timestamptz not null
)";

/// Tries to make the table; each loser of the race needs one more.
const TRIES: u32 = 20;

impl Store {
    /// Makes the table that guards the migrations. `if not exists` looks before it creates, so
    /// of two servers that look at the same moment one meets the other's entries in the
    /// catalogue (23505, 42P07, 42710) and has only to look again.
    pub(super) async fn create_leases(&self) -> Result<()> {
        let mut tried = 1;
        loop {
            match sqlx::raw_sql(CREATE).execute(self.pool()).await {
                Ok(_) => return Ok(()),
                Err(error)
                    if tried < TRIES
                        && has_code(&error, &["23505", "42P07", "42710", "40001", "40P01"]) =>
                {
                    tried += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The same in a transaction that brings everything else along.
    pub(super) async fn create_leases_in(connection: &mut PgConnection) -> Result<()> {
        sqlx::raw_sql(CREATE).execute(connection).await?;
        Ok(())
    }

    /// Takes the lease, or renews it for the one who has it. `false`: somebody else has it.
    ///
    /// The time counts from when the database answers, so a holder must stop `ttl` after it
    /// asked.
    pub async fn try_lease(&self, name: &str, holder: Uuid, ttl: Duration) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let taken = self
                .query(
                    "insert into leases (name, holder, expires_at)
                     values ($1, $2, clock_timestamp() + make_interval(secs => $3))
                     on conflict (name) do update
                         set holder = excluded.holder, expires_at = excluded.expires_at
                         where leases.holder = excluded.holder
                            or leases.expires_at <= clock_timestamp()",
                )
                .bind(name)
                .bind(holder)
                .bind(ttl.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, taken.rows_affected() == 1))
        })
        .await
    }

    /// Gives the lease back; nothing happens if it is another's by now.
    pub async fn release(&self, name: &str, holder: Uuid) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query("delete from leases where name = $1 and holder = $2")
                .bind(name)
                .bind(holder)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, ()))
        })
        .await
    }
}
