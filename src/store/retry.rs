//! Short write transactions, run again when the database asks for it.

use std::time::Duration;

use super::{Store, Transaction};
use crate::error::{Error, Result};

/// Tries in all. A conflict that outlives them is not one of timing.
const TRIES: u32 = 6;
/// Upper bound of the first pause; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

impl Store {
    /// Runs `work` in a transaction and commits. Serialization failures (40001) and deadlocks
    /// (40P01) run it again from the start, so it must do nothing but SQL.
    ///
    /// `work` owns the transaction and gives it back with its result: a borrow here would keep
    /// the futures of callers from moving between threads.
    pub async fn transaction<T, Work, Done>(&self, mut work: Work) -> Result<T>
    where
        Work: FnMut(Transaction) -> Done,
        Done: Future<Output = Result<(Transaction, T)>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut tried = 1;
        loop {
            let outcome = match work(self.begin().await?).await {
                Ok((transaction, value)) => {
                    let committed = transaction.commit().await;
                    committed.map(|()| value).map_err(Error::from)
                }
                // The transaction was dropped, which rolls it back.
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if tried < TRIES && is_passing(&error) => {
                    // Two that met once should not meet again.
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
                    pause *= 2;
                    tried += 1;
                }
                outcome => return outcome,
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
