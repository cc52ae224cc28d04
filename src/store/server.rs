//! The tables of the database itself: which kind of server owns it, and which keys it knows.

use std::fmt;

use sqlx::PgConnection;

use super::Store;
use crate::error::{Error, Result};
use crate::ids::{KeyCheck, KeyUse};

/// The kind of server that owns a database. Simulated vendors must never meet real data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Production,
    Sandbox,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Store {
    /// The stamp; `None` until the first `serve`.
    pub async fn mode(&self) -> Result<Option<Mode>> {
        let mut reader = self.reader().await?;
        self.mode_in(&mut reader).await
    }

    pub async fn mode_in(&self, connection: &mut PgConnection) -> Result<Option<Mode>> {
        let stamp: Option<(String,)> = self
            .query_as("select mode from server_stamp")
            .fetch_optional(connection)
            .await?;
        match stamp.as_ref().map(|(mode,)| mode.as_str()) {
            None => Ok(None),
            Some("production") => Ok(Some(Mode::Production)),
            Some("sandbox") => Ok(Some(Mode::Sandbox)),
            Some(other) => Err(Error::internal(format!(
                "unknown mode '{other}' in server_stamp"
            ))),
        }
    }

    /// Stamps an unstamped database. Waits for a transaction that is about to do the same;
    /// `false`: there is a stamp already.
    pub async fn stamp(&self, connection: &mut PgConnection, mode: Mode) -> Result<bool> {
        let stamped = self
            .query("insert into server_stamp (mode) values ($1) on conflict do nothing")
            .bind(mode.as_str())
            .execute(connection)
            .await?;
        Ok(stamped.rows_affected() == 1)
    }

    /// Whether anybody's data is here.
    pub async fn has_organizations(&self, connection: &mut PgConnection) -> Result<bool> {
        let (exists,) = self
            .query_as("select exists (select 1 from organizations)")
            .fetch_one(connection)
            .await?;
        Ok(exists)
    }

    /// The keys that the database needs: retired ones are left out.
    pub async fn key_checks(&self) -> Result<Vec<KeyCheck>> {
        let mut reader = self.reader().await?;
        self.key_checks_in(&mut reader).await
    }

    pub async fn key_checks_in(&self, connection: &mut PgConnection) -> Result<Vec<KeyCheck>> {
        let rows: Vec<(String, String, Vec<u8>)> = self
            .query_as(
                "select key_id, use, check_value from key_checks
                 where retired_at is null order by key_id",
            )
            .fetch_all(connection)
            .await?;
        rows.into_iter()
            .map(|(key_id, use_, check_value)| {
                let use_ = match use_.as_str() {
                    "encrypt" => KeyUse::Encrypt,
                    "find" => KeyUse::Find,
                    other => {
                        return Err(Error::internal(format!("unknown use '{other}' of a key")));
                    }
                };
                Ok(KeyCheck {
                    key_id,
                    use_,
                    check_value,
                })
            })
            .collect()
    }

    /// Remembers keys; one that is known already stays as it is.
    pub async fn add_key_checks(
        &self,
        connection: &mut PgConnection,
        checks: &[KeyCheck],
    ) -> Result<()> {
        for check in checks {
            self.query(
                "insert into key_checks (key_id, use, check_value) values ($1, $2, $3)
                 on conflict do nothing",
            )
            .bind(check.key_id.as_str())
            .bind(check.use_.as_str())
            .bind(check.check_value.as_slice())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
