//! A running server's part: it looks for revocations, forgets what they name, and renews its lease.
//!
//! The order is what makes it right. The lease is written first and a look follows; only after the
//! look may the server believe what it remembers, and only for as long as that lease. A revocation
//! that the look does not see was therefore committed while the lease stood in the database, where
//! whoever revokes finds it and waits.

use std::time::Duration;

use super::{Callers, LEASE, MARGIN, clock};
use crate::error::{Error, Result};
use crate::store::{Snapshot, Store};

/// Between two looks; about half of it is what a revocation waits for.
const BEAT: Duration = Duration::from_millis(100);
/// A lease is renewed when it is so old.
const RENEWED_AFTER: Duration = Duration::from_millis(600);
/// A beat that takes longer has lost its connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// Beats between two removals of what every server has seen.
const SWEEP: u32 = 300;

#[derive(Debug)]
pub struct Watch {
    store: Store,
    callers: Callers,
    /// Everything that it sees has been acted upon.
    seen: Snapshot,
    /// When the lease was asked for that stands in the database.
    renewed: u64,
    beats: u32,
    failing: bool,
}

impl Watch {
    /// The first lease. Callers that are known from before are forgotten.
    pub async fn begin(store: Store, callers: Callers) -> Result<Self> {
        store.sweep_revocations().await?;
        let look = store.look_for_revocations(None).await?;
        let mut watch = Self {
            store,
            callers,
            seen: look.snapshot,
            renewed: 0,
            beats: 0,
            failing: false,
        };
        watch.beat().await?;
        Ok(watch)
    }

    /// Until `stop`; then nobody waits for this server any more.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = &mut stop => break,
            }
            let beat = tokio::time::timeout(PATIENCE, self.beat()).await;
            let outcome = beat.unwrap_or_else(|_| Err(Error::internal("no answer in time")));
            if let Err(error) = &outcome
                && !self.failing
            {
                tracing::warn!(
                    ?error,
                    "revocations cannot be read: until they can, callers are looked up each time"
                );
            }
            self.failing = outcome.is_err();
        }
        self.callers.trust_until(0);
        let withdrawn = self.store.withdraw_caller_cache(self.callers.0.server);
        let _ = tokio::time::timeout(PATIENCE, withdrawn).await;
    }

    async fn beat(&mut self) -> Result<()> {
        if clock::now() >= clock::after(self.renewed, RENEWED_AFTER) {
            self.renew().await?;
        }
        let look = self.store.look_for_revocations(Some(&self.seen)).await?;
        if !self.callers.is_trusted() {
            // While there was no lease nobody waited for this server.
            self.callers.forget(None);
        }
        for organization in &look.revoked {
            self.callers.forget(*organization);
        }
        self.seen = look.snapshot;
        // Of the lease that was there before the look.
        let believed = clock::after(self.renewed, LEASE.saturating_sub(MARGIN));
        self.callers.trust_until(believed);
        if !look.revoked.is_empty() {
            self.renew().await?;
        }
        self.beats += 1;
        if self.beats.is_multiple_of(SWEEP) {
            self.store.sweep_revocations().await?;
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<()> {
        let begun = clock::now();
        self.store
            .announce_caller_cache(self.callers.0.server, &self.seen, LEASE)
            .await?;
        self.renewed = begun;
        Ok(())
    }
}
