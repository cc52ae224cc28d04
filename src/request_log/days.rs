//! Days of the log: made ahead, dropped when they are old.

use std::time::Duration;

use uuid::Uuid;

use super::RequestLog;
use crate::error::Result;
use crate::store::{RequestBatch, Store, WriteError};

const LEASE: &str = "request log days";
/// Far more than it takes; a server that died at it holds the others up for so long, and tomorrow's
/// partition is there by then.
const LEASE_TIME: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(600);
/// Days that one batch may need.
const MOST: usize = 32;
/// Days that are there before they begin.
const AHEAD: usize = 2;

/// For ever: one server at a time keeps the days in order.
pub(super) async fn keep(log: RequestLog, store: Store) {
    let holder = Uuid::new_v4();
    loop {
        if let Err(error) = keep_once(&log, &store, holder).await {
            // Whoever writes makes the day that its rows need.
            tracing::warn!(
                ?error,
                "the days of the request log could not be kept in order"
            );
        }
        tokio::time::sleep(EVERY.mul_f64(rand::random_range(0.8..1.0))).await;
    }
}

async fn keep_once(log: &RequestLog, store: &Store, holder: Uuid) -> Result<()> {
    if !store.try_lease(LEASE, holder, LEASE_TIME).await? {
        return Ok(());
    }
    let kept = in_order(store, log.settings().days).await;
    store.release(LEASE, holder).await?;
    kept
}

async fn in_order(store: &Store, keep: u32) -> Result<()> {
    let (there, today) = store.request_days().await?;
    let ahead = std::iter::successors(Some(today), |day| Some(day.tomorrow()));
    // Without a log there are none to come, and none but today's, which others may still write.
    let needed = if keep == 0 { 0 } else { 1 + AHEAD };
    for day in ahead.take(needed) {
        if !there.contains(&day) {
            store.add_request_day(day).await?;
        }
    }
    let oldest = today.before(keep);
    for day in there.into_iter().filter(|day| *day < oldest) {
        store.drop_request_day(day).await?;
        tracing::info!(day = %day.0, "a day of the request log was dropped");
    }
    Ok(())
}

/// Makes the days of these rows.
pub(super) async fn cover(store: &Store, batch: &RequestBatch) -> Result<(), WriteError> {
    // Rows wait for seconds, or while the database is away; more are a clock that was set again and
    // again.
    for day in batch.days().take(MOST) {
        store.add_request_day(day).await?;
    }
    Ok(())
}
