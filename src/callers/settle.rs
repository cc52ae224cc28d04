//! Waits until a revocation has been heard by every server that may answer from memory.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use uuid::Uuid;

use super::LEASE;
use crate::error::Result;
use crate::store::{Revocation, Snapshot, Store};

/// Between two looks at what the others have acted upon.
const LOOK: Duration = Duration::from_millis(15);

/// For a command, which remembers nobody itself.
pub async fn settle(store: &Store, revocation: Revocation) {
    Hearing::default().wait(store, None, revocation).await;
}

/// What the others have acted upon, read once for all who wait.
#[derive(Debug, Default)]
pub(super) struct Hearing(Mutex<Option<Reading>>);

#[derive(Debug)]
struct Reading {
    begun: Instant,
    /// What each server with a lease has seen.
    seen: Vec<Snapshot>,
}

impl Hearing {
    /// No look at the others decides more than this: how early it may end. After a whole lease
    /// since the commit no server can believe what it read before, whatever the database says or
    /// if it says nothing at all.
    pub async fn wait(&self, store: &Store, own: Option<Uuid>, revocation: Revocation) {
        let committed = Instant::now();
        let heard = async {
            loop {
                match self.is_heard(store, own, &revocation, committed).await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => tracing::debug!(?error, "the other servers cannot be asked"),
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(LEASE, heard).await;
    }

    async fn is_heard(
        &self,
        store: &Store,
        own: Option<Uuid>,
        revocation: &Revocation,
        committed: Instant,
    ) -> Result<bool> {
        let mut last = self.0.lock().await;
        // A reading from before the commit knows nothing of a server that has come since.
        let usable = last
            .as_ref()
            .filter(|reading| reading.begun >= committed && reading.begun.elapsed() < LOOK);
        let reading = match usable {
            Some(reading) => reading,
            None => {
                let begun = Instant::now();
                let seen = store.caller_caches(own).await?;
                last.insert(Reading { begun, seen })
            }
        };
        Ok(reading.seen.iter().all(|seen| revocation.is_seen_by(seen)))
    }
}
