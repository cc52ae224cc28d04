//! The request log: what was called by whom, and what came of it, written behind the answers.
//!
//! Rows wait in memory, in the form in which the database takes them, and leave it in batches. The
//! memory has a bound: when the database does not keep up, successful reads are dropped and counted,
//! while a write or a failure waits before its answer goes out. A server that is killed loses what
//! waits, which is less than a second's rows.

mod days;
pub mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::meters;
use crate::places::{Full, Place, Places};
use crate::store::{NewRequest, RequestBatch};

/// How long a write or a failure waits for room before its answer goes out nevertheless.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Searches of one organization at once, and how long another one waits for its turn.
const SEARCHES_EACH: usize = 2;
const SEARCH_WAITS: Duration = Duration::from_secs(3);
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
    /// Searches at once: each holds a connection to the database, for seconds at worst.
    pub searches: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            days: 30,
            day_bytes: 4 * 1024 * 1024 * 1024,
            reads: 100,
            queue: 16_384,
            searches: 4,
        }
    }
}

/// What a day still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Organizations that have less of it, since they have used more than their part.
    over: RwLock<HashMap<OrganizationId, Room>>,
    searches: Places,
}

impl RequestLog {
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            waiting: Mutex::default(),
            grown: Notify::new(),
            emptied: Notify::new(),
            today: AtomicU8::new(0),
            over: RwLock::default(),
            searches: Places::new(settings.searches, SEARCHES_EACH),
        }))
    }

    /// The turn to search: searches never hold all connections, nor do those of one organization.
    ///
    /// # Errors
    /// 429 when the organization's own searches are under way, 503 when others are.
    pub async fn search(&self, organization: OrganizationId) -> Result<Place> {
        let place = self.0.searches.enter(organization, SEARCH_WAITS).await;
        place.map_err(|full| match full {
            Full::Own(running) => Error::OverShare(format!(
                "This organization has {running} searches of its calls under way on this server, \
                 which is its limit; try again when one is answered."
            )),
            Full::Queue(waiting) => Error::OverShare(format!(
                "This organization has {waiting} searches of its calls waiting for their turn on \
                 this server, which is its limit; try again when some are answered."
            )),
            Full::All => Error::Unavailable(
                "Other searches of the request log are under way on this server; try again.",
            ),
        })
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
        let leaves_out = |room| room == Room::Nothing || (may_drop && room == Room::NoReads);
        if leaves_out(self.today()) {
            return meters::request_unlogged("day", 1);
        }
        if leaves_out(self.room_of(row.organization)) {
            return meters::request_unlogged("organization", 1);
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

    fn room_of(&self, organization: OrganizationId) -> Room {
        let over = self.0.over.read().unwrap_or_else(PoisonError::into_inner);
        over.get(&organization).copied().unwrap_or(Room::All)
    }

    /// Above so many bytes of a day it matters whose they are.
    fn crowded(&self) -> u64 {
        self.0.settings.day_bytes / 4
    }

    /// How large today's rows are by now, and which part of them each organization has, if it matters.
    fn measured(&self, bytes: u64, parts: &[(OrganizationId, f64)]) {
        let most = self.0.settings.day_bytes;
        let free = most.saturating_sub(bytes) as f64;
        let alone = parts.len() <= 1;
        let rooms = parts.iter().filter_map(|(organization, part)| {
            let room = part_of(part * bytes as f64, free, alone);
            (room != Room::All).then_some((*organization, room))
        });
        let over = rooms.collect();
        *self.0.over.write().unwrap_or_else(PoisonError::into_inner) = over;
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

/// What is left for an organization that has used so many bytes of a day: the more it has, the more it
/// leaves free, so that there is room for others however late they come. While nobody else writes it
/// gets more.
fn part_of(used: f64, free: f64, alone: bool) -> Room {
    let (for_reads, for_all) = if alone { (3.0, 15.0) } else { (1.0, 3.0) };
    if used > free * for_all {
        Room::Nothing
    } else if used > free * for_reads {
        Room::NoReads
    } else {
        Room::All
    }
}
