//! Who calls, remembered: fingerprints of secrets and whose they are, so that a call by a known
//! caller reads no database before its own work. No secret is kept and nothing that was opened.
//!
//! What is remembered here may be revoked elsewhere, so three things hold together:
//!
//! - a server answers from memory only under a lease: a row that other servers see, renewed by
//!   [`Watch`] while it looks for revocations. When the lease is not renewed in time, whatever the
//!   reason, the server itself stops before the row does, and asks the database each time;
//! - whoever revokes ([`Callers::settle`], [`settle`] in a command) answers when every leased
//!   server has acted upon the revocation, or after the longest lease;
//! - what was read from the database before a revocation is never believed after it, however late
//!   it is put in: each entry carries the moment at which its reading began.
//!
//! Only callers that may do something are remembered; everything else is asked again. By itself an
//! entry ends after a minute, for changes that somebody makes in the tables by hand.

mod clock;
mod forgotten;
mod remembered;
mod settle;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::{Found, Owner, Revocation, Store};

pub use forgotten::Began;
use forgotten::Forgotten;
pub use remembered::Remembered;
use settle::Hearing;
pub use settle::settle;
pub use watch::Watch;

/// How long others may believe that a server answers from memory, from when the database took it
/// down. No revocation waits longer.
const LEASE: Duration = Duration::from_secs(2);
/// The server itself stops so much earlier, counted from before it asked.
const MARGIN: Duration = Duration::from_millis(400);
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Bytes of all entries, roughly: some 60 000 callers.
const KEPT_BYTES: u64 = 24 * 1024 * 1024;
/// How long a call waits for its look-up to begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Callers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Uuid,
    known: Cache<[u8; 32], (Began, Arc<Found>)>,
    forgotten: Forgotten,
    /// On [`clock::now`]; 0: not at all.
    trusted_until: AtomicU64,
    look_ups: Semaphore,
    hearing: Hearing,
}

impl Default for Callers {
    fn default() -> Self {
        Self::new(8)
    }
}

impl Callers {
    /// Asks the database for at most so many callers at once: strangers must not take all of its
    /// connections.
    pub fn new(look_ups: u32) -> Self {
        let known = Cache::builder()
            .max_capacity(KEPT_BYTES)
            .weigher(|_, (_, found): &(Began, Arc<Found>)| rough_size(found))
            .time_to_live(KEPT_FOR)
            .build();
        Self(Arc::new(Inner {
            server: Uuid::new_v4(),
            known,
            forgotten: Forgotten::default(),
            trusted_until: AtomicU64::new(0),
            look_ups: Semaphore::new(usize::try_from(look_ups.max(1)).unwrap_or(1)),
            hearing: Hearing::default(),
        }))
    }

    /// Whose this fingerprint is, if that is known and may be believed now.
    pub fn find(&self, hmac: &[u8; 32]) -> Option<Arc<Found>> {
        if !self.is_trusted() {
            return None;
        }
        let (began, found) = self.0.known.get(hmac)?;
        if !self.0.forgotten.believes(found.organization, began) {
            self.0.known.invalidate(hmac);
            return None;
        }
        Some(found)
    }

    /// To be taken before the database is read.
    pub fn begin(&self) -> Began {
        self.0.forgotten.begin()
    }

    /// Keeps what the database said, unless it is somebody who may not call, or this server could
    /// not answer from it anyway.
    pub fn remember(&self, began: Began, found: &Arc<Found>) {
        let Ok(hmac) = <[u8; 32]>::try_from(found.hmac.as_slice()) else {
            return;
        };
        if self.is_trusted() && found.may_call() && found.is_settled() {
            self.0.known.insert(hmac, (began, Arc::clone(found)));
        }
    }

    /// The turn to ask the database for an unknown caller.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        tokio::time::timeout(PATIENCE, self.0.look_ups.acquire())
            .await
            .map_err(|_| Error::Unavailable("Too many unknown callers at this moment; try again."))?
            .map_err(Error::internal)
    }

    /// Nothing read before now is believed: of one organization, or of all.
    fn forget(&self, organization: Option<OrganizationId>) {
        self.0.forgotten.forget(organization);
    }

    /// Returns when no server believes any more what was revoked; at once where nothing was.
    pub async fn settle(&self, store: &Store, revocation: impl Into<Option<Revocation>>) {
        let Some(revocation) = revocation.into() else {
            return;
        };
        self.forget(revocation.organization);
        let others = Some(self.0.server);
        self.0.hearing.wait(store, others, revocation).await;
    }

    fn is_trusted(&self) -> bool {
        clock::now() < self.0.trusted_until.load(Ordering::Acquire)
    }

    fn trust_until(&self, until: u64) {
        self.0.trusted_until.store(until, Ordering::Release);
    }
}

/// With what the cache keeps beside it.
fn rough_size(found: &Found) -> u32 {
    let owned = match &found.owner {
        Owner::Organization => 0,
        Owner::User(user) => user.roles.iter().map(|role| role.len() + 24).sum(),
        Owner::Instance(instance) => instance.element_key.len(),
    };
    u32::try_from(400 + owned).unwrap_or(u32::MAX)
}
