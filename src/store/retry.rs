//! Short write transactions, run again when the database asks for it.

use std::time::Duration;

use sqlx::PgConnection;

use super::Store;
use crate::error::{Error, Result};

/// Tries in all. A conflict that outlives them is not one of timing.
const TRIES: u32 = 6;
/// Upper bound of the first pause; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Counts the tries of one short write transaction. It must do nothing but SQL.
///
/// A loop around it instead of a function that takes the transaction as a closure: such a closure's
/// future cannot be proved to be `Send`, and every caller here runs in a spawned task.
#[derive(Debug)]
pub(super) struct Tries {
    left: u32,
    pause: Duration,
}

impl Tries {
    pub fn new() -> Self {
        Self {
            left: TRIES,
            pause: FIRST_PAUSE,
        }
    }

    /// `None`: a serialization failure (40001) or deadlock (40P01), run it again from the start.
    pub async fn settle<T>(&mut self, outcome: Result<T>) -> Option<Result<T>> {
        self.left -= 1;
        match outcome {
            Err(error) if self.left > 0 && is_passing(&error) => {
                // Two that met once should not meet again.
                tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
                self.pause *= 2;
                None
            }
            outcome => Some(outcome),
        }
    }
}

impl Store {
    /// Runs `work` in a transaction and commits, with [`Tries`]. For commands; see there why not
    /// for requests.
    pub async fn transaction<T, Work>(&self, mut work: Work) -> Result<T>
    where
        Work: AsyncFnMut(&mut PgConnection) -> Result<T>,
    {
        let mut tries = Tries::new();
        loop {
            let outcome = async {
                let mut transaction = self.begin().await?;
                let value = work(&mut transaction).await?;
                transaction.commit().await?;
                Ok(value)
            };
            if let Some(settled) = tries.settle(outcome.await).await {
                return settled;
            }
        }
    }
}

/// Whether the same transaction may succeed when it is run again.
pub(crate) fn is_passing(error: &Error) -> bool {
    let Error::Internal(cause) = error else {
        return false;
    };
    cause
        .downcast_ref::<sqlx::Error>()
        .is_some_and(|error| has_code(error, &["40001", "40P01"]))
}

pub(super) fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| codes.contains(&code.as_ref()))
}

/// A unique constraint that a caller's value met becomes the caller's mistake.
pub(super) fn on_constraint(error: sqlx::Error, constraint: &str, mistake: &str) -> Error {
    match error.as_database_error() {
        Some(refused) if refused.constraint() == Some(constraint) => {
            Error::Conflict(mistake.to_owned())
        }
        _ => error.into(),
    }
}
