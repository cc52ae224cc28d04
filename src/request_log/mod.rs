//! The request log: what was called by whom, and what came of it, written behind the answers.
//!
//! Rows wait in memory, in the form in which the database takes them, and leave it in batches. The
//! memory has a bound: when the database does not keep up, successful reads are dropped and counted,
//! while a write or a failure waits before its answer goes out. A server that is killed loses what
//! waits, which is less than a second's rows.

mod days;
pub mod writer;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::meters;
use crate::store::{NewRequest, RequestBatch};

/// How long a write or a failure waits for room before its answer goes out nevertheless.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Rows that do not wait for the next moment to be written.
const LARGE_BATCH: usize = 2048;

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// For how many days rows are kept; 0: there is no log.
    pub days: u32,
    /// Bytes of one day at most, its indexes included.
    pub day_bytes: u64,
    /// Of a hundred successful reads, how many are logged.
    pub reads: u8,
    /// Rows that may wait.
    pub queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            days: 30,
            day_bytes: 4 * 1024 * 1024 * 1024,
            reads: 100,
            queue: 16_384,
        }
    }
}

/// What a day still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    All,
    /// Three quarters are used: successful reads are left out.
    NoReads,
    Nothing,
}

/// Where rows wait. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RequestLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    waiting: Mutex<RequestBatch>,
    /// A large batch has come together.
    grown: Notify,
    /// The rows that waited are on their way.
    emptied: Notify,
    /// [`Room`] of today.
    today: AtomicU8,
}

impl RequestLog {
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            waiting: Mutex::default(),
            grown: Notify::new(),
            emptied: Notify::new(),
            today: AtomicU8::new(0),
        }))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn is_on(&self) -> bool {
        self.0.settings.days > 0
    }

    /// Rows that wait now.
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a call is a read that went well, which nobody waits for.
    pub fn may_drop(method: &str, status: u16) -> bool {
        status < 400 && matches!(method, "GET" | "HEAD" | "OPTIONS")
    }

    /// Comes back when there is room for a row, or after a few seconds: for calls whose row must not
    /// be dropped, before they are answered. Holds nothing meanwhile.
    pub async fn room(&self) {
        if !self.is_on() || !self.is_full() {
            return;
        }
        let room = async {
            loop {
                let emptied = self.0.emptied.notified();
                tokio::pin!(emptied);
                emptied.as_mut().enable();
                if !self.is_full() {
                    return;
                }
                emptied.await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_WAIT, room).await;
    }

    fn is_full(&self) -> bool {
        self.len() >= self.0.settings.queue
    }

    /// Puts a row where it waits, or counts why not.
    pub fn add(&self, row: &NewRequest<'_>) {
        if !self.is_on() {
            return;
        }
        let Settings { queue, reads, .. } = self.0.settings;
        let may_drop = Self::may_drop(row.method, row.status);
        let today = self.today();
        if today == Room::Nothing || (may_drop && today == Room::NoReads) {
            return meters::request_unlogged("day", 1);
        }
        if may_drop && reads < 100 && rand::random_range(0..100) >= reads {
            return meters::request_unlogged("sampled", 1);
        }
        // Who has waited for room may find none again: all that are answered at once come at once.
        let most = if may_drop { queue } else { queue * 2 };
        let mut waiting = self.waiting();
        if waiting.len() >= most {
            drop(waiting);
            return meters::request_unlogged("full", 1);
        }
        waiting.push(row);
        let grown = waiting.len() >= LARGE_BATCH.min(queue);
        drop(waiting);
        if grown {
            self.0.grown.notify_one();
        }
    }

    fn take(&self) -> RequestBatch {
        let batch = std::mem::take(&mut *self.waiting());
        self.0.emptied.notify_waiters();
        batch
    }

    fn waiting(&self) -> MutexGuard<'_, RequestBatch> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn today(&self) -> Room {
        match self.0.today.load(Ordering::Relaxed) {
            0 => Room::All,
            1 => Room::NoReads,
            _ => Room::Nothing,
        }
    }

    /// How large today's rows are by now.
    fn measured(&self, bytes: u64) {
        let most = self.0.settings.day_bytes;
        let room = if bytes >= most {
            Room::Nothing
        } else if bytes >= most / 4 * 3 {
            Room::NoReads
        } else {
            Room::All
        };
        if room != self.today() {
            tracing::warn!(
                ?room,
                bytes,
                "the request log of today has come to a limit, or left it"
            );
        }
        self.0.today.store(room as u8, Ordering::Relaxed);
    }
}
