//! The request log: rows written in batches, read by search, kept in one partition per day of UTC.

mod days;
mod rows;
mod search;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::Store;
use super::retry::has_code;
use crate::error::Error;

pub use days::RequestDay;
pub use rows::{NewRequest, RequestBatch};
pub use search::{LoggedRequest, RequestFilter, RequestPosition};

/// For a new connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a batch that the database took or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Stored,
    /// A day has no partition yet; nothing was kept.
    NoPartition,
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The database is away, or has no room for us now: another try may succeed.
    #[error("the database does not take the request log now")]
    Passing(#[source] sqlx::Error),
    #[error("the database refuses these rows of the request log")]
    Lasting(#[source] sqlx::Error),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        let lasting = match &error {
            sqlx::Error::Database(refused) => {
                // Connections, resources, operators at work, conflicts.
                let passing = ["08", "40", "53", "55", "57"];
                let code = refused.code().unwrap_or_default();
                // A full disk does not become empty by waiting for it with memory.
                code == "53100" || !passing.iter().any(|class| code.starts_with(class))
            }
            _ => false,
        };
        match lasting {
            true => Self::Lasting(error),
            false => Self::Passing(error),
        }
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        match error {
            Error::Internal(cause) => match cause.downcast::<sqlx::Error>() {
                Ok(error) => (*error).into(),
                Err(cause) => Self::Lasting(sqlx::Error::Configuration(cause)),
            },
            // The server is busy.
            error => Self::Passing(sqlx::Error::Configuration(error.into())),
        }
    }
}

/// What the log is written on, opened with its first row. A copy that fails, or is dropped in the
/// middle, leaves a connection that nobody can use any more: it is taken out here, and put back only
/// after its work is done.
#[derive(Clone, Default)]
pub(super) struct LogConnection(Arc<Mutex<Option<PgConnection>>>);

impl LogConnection {
    fn take(&self) -> Option<PgConnection> {
        self.kept().take()
    }

    fn put(&self, connection: PgConnection) {
        *self.kept() = Some(connection);
    }

    fn kept(&self) -> MutexGuard<'_, Option<PgConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn close(&self) {
        let kept = self.take();
        if let Some(connection) = kept {
            let _ = connection.close().await;
        }
    }
}

impl Store {
    /// Writes all of a batch, or nothing. A batch may be written again when nobody knows what became
    /// of it: rows that are there already are not doubled.
    pub async fn write_requests(&self, batch: &RequestBatch) -> Result<Written, WriteError> {
        let mut connection = match self.log.take() {
            Some(connection) => connection,
            None => {
                let options = self.pool().connect_options();
                let connecting = PgConnection::connect_with(&options);
                let connecting = tokio::time::timeout(PATIENCE, connecting).await;
                connecting.map_err(|_| sqlx::Error::PoolTimedOut)??
            }
        };
        let written = copy(&mut connection, batch).await;
        match written {
            Ok(()) => self.log.put(connection),
            Err(error) if has_code(&error, &["23514"]) => return Ok(Written::NoPartition),
            Err(error) if has_code(&error, &["23505"]) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Written::Stored)
    }
}

async fn copy(connection: &mut PgConnection, batch: &RequestBatch) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // What a killed server may lose, a killed database may, too.
    sqlx::raw_sql("set local synchronous_commit = off")
        .execute(&mut *transaction)
        .await?;
    let mut copy = transaction.copy_in_raw(rows::STATEMENT).await?;
    for piece in batch.pieces() {
        copy.send(piece).await?;
    }
    copy.finish().await?;
    transaction.commit().await
}
