//! How much of its answers an organization has kept for it. What there is, is counted now and then;
//! in between each server counts what it adds itself, so that the limits are not exact.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::Store;

/// Calls with a key that are remembered of one organization.
const MOST_CALLS: u64 = 100_000;
/// Bytes of their answers; beyond it only that they are done is kept.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// How long a count is good.
const COUNTED_FOR: Duration = Duration::from_secs(30);
/// Organizations whose counts are remembered.
const REMEMBERED: u64 = 10_000;
/// Seconds until it is worth asking again.
const RETRY_AFTER: u64 = 60;

/// What is kept of each organization, as far as this server knows.
#[derive(Debug)]
pub struct Rooms(Cache<OrganizationId, Arc<OnceCell<Room>>>);

#[derive(Debug)]
struct Room {
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Default for Rooms {
    fn default() -> Self {
        let counts = Cache::builder().max_capacity(REMEMBERED);
        Self(counts.time_to_live(COUNTED_FOR).build())
    }
}

impl Rooms {
    /// Counts one call more.
    ///
    /// # Errors
    /// 429 where the organization has as many as are remembered.
    pub async fn one_more(&self, store: &Store, organization: OrganizationId) -> Result<()> {
        let cell = self.0.get_with(organization, Arc::default);
        let room = Self::counted(&cell, store, organization).await?;
        // With the call's own row.
        if room.calls.fetch_add(1, Ordering::Relaxed) > MOST_CALLS {
            return Err(Error::OverBudget {
                message: format!(
                    "This organization has made {MOST_CALLS} calls with an Idempotency-Key within 24 \
                     hours, which is all that are remembered; send the call without one, or later."
                ),
                retry_after: RETRY_AFTER,
            });
        }
        Ok(())
    }

    /// Whether an answer of so many bytes may be kept; then it counts.
    pub async fn takes(&self, store: &Store, organization: OrganizationId, bytes: usize) -> bool {
        let cell = self.0.get_with(organization, Arc::default);
        let Ok(room) = Self::counted(&cell, store, organization).await else {
            // Nobody loses an answer for a count.
            return true;
        };
        let bytes = bytes as u64;
        let kept = room.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = kept + bytes <= MOST_BYTES;
        if !fits {
            room.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    async fn counted<'r>(
        cell: &'r OnceCell<Room>,
        store: &Store,
        organization: OrganizationId,
    ) -> Result<&'r Room> {
        let count = async || {
            let (calls, bytes) = store.org(organization).kept_calls().await?;
            Ok(Room {
                calls: AtomicU64::new(calls),
                bytes: AtomicU64::new(bytes),
            })
        };
        cell.get_or_try_init(count).await
    }
}
