//! Connections between two reads. The driver's pool asks the database about every connection that
//! comes back, which is one more round trip per read. A read that came to its end leaves nothing to
//! ask about, so its connection lies here for the next one.
//!
//! What failed or was dropped in the middle goes back to the pool, and so does every connection now
//! and then, for the pool's tests and limits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgPool;
use sqlx::{Postgres, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a connection may stay away from its pool.
const AWAY: Duration = Duration::from_secs(30);
/// One that lay here for longer has to be asked whether it still lives.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Shelf(Arc<Inner>);

struct Inner {
    lying: Mutex<Vec<(Away, Instant)>>,
    /// As many as connections: who waits for one waits here, not at the pool, to which they seldom
    /// come back.
    permits: Arc<Semaphore>,
    /// Who is about to ask the pool.
    asking: AtomicUsize,
}

/// A connection, and since when it is away from its pool.
pub(super) struct Away {
    pub connection: PoolConnection<Postgres>,
    since: Instant,
}

impl Shelf {
    pub fn new(connections: u32) -> Self {
        let connections = usize::try_from(connections.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            lying: Mutex::default(),
            permits: Arc::new(Semaphore::new(connections)),
            asking: AtomicUsize::new(0),
        }))
    }

    /// The right to one connection; an error like the pool's own after `patience`.
    pub async fn permit(&self, patience: Duration) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        let permit = Arc::clone(&self.0.permits).acquire_owned();
        let permit = tokio::time::timeout(patience, permit).await;
        permit
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)
    }

    /// One from here, else from the pool.
    pub async fn connection(&self, pool: &PgPool) -> Result<Away, sqlx::Error> {
        // Counted before looking here: whoever puts a connection here looks at the number
        // afterwards, so either it is found or it is given back.
        let _asking = Asking::begin(&self.0.asking);
        if let Some(away) = self.take() {
            return Ok(away);
        }
        Ok(Away {
            connection: pool.acquire().await?,
            since: Instant::now(),
        })
    }

    /// Nothing that was asked on it is still to be answered.
    pub fn put(&self, away: Away, pool: &PgPool) {
        if away.since.elapsed() > AWAY {
            return;
        }
        self.lying().push((away, Instant::now()));
        if pool.is_closed() {
            self.clear();
        } else if self.0.asking.load(Ordering::SeqCst) > 0 {
            // Dropped outside the lock, into the pool.
            let one = self.lying().pop();
            drop(one);
        }
    }

    /// The one that was used last.
    fn take(&self) -> Option<Away> {
        let (away, since) = self.lying().pop()?;
        if since.elapsed() < TRUSTED_IDLE {
            return Some(away);
        }
        // Those below it lay here even longer. The pool asks them.
        self.clear();
        None
    }

    /// Gives all back to the pool.
    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.lying());
        drop(all);
    }

    pub fn len(&self) -> usize {
        self.lying().len()
    }

    fn lying(&self) -> MutexGuard<'_, Vec<(Away, Instant)>> {
        self.0.lying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts also who gives up.
struct Asking<'s>(&'s AtomicUsize);

impl<'s> Asking<'s> {
    fn begin(asking: &'s AtomicUsize) -> Self {
        asking.fetch_add(1, Ordering::SeqCst);
        Self(asking)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
