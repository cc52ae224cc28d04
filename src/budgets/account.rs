//! One budget as one server knows it: calls that it has leased and may make without asking anybody,
//! how long the vendor wants to be left alone, and who waits.
//!
//! A lease is good for a second at most: what it leaves goes back with the next, and what another
//! server was told by the vendor is heard with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::queue::{Lane, Queue, Who};
use crate::store::{BudgetKey, Leased, Spending, Store};

/// How long a call waits for its turn: longer than a window in which vendors count bursts.
pub const PATIENCE: Duration = Duration::from_millis(2500);
/// How long a lease, or the answer that there is nothing left, is believed.
const LEASE: Duration = Duration::from_secs(1);
/// For the statement; a database that is slower counts as away.
const SLOW: Duration = Duration::from_millis(700);
/// Before the database is asked once more, at least and, while somebody waits, at most: another server
/// may have given calls back, or have learned that there are more.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// Calls of one lease at most.
const LARGEST: u64 = 10_000;

/// So many calls in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub calls: u64,
    pub window: Duration,
}

/// Why a call was not let through; how long that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The vendor has said so.
    Held(Duration),
    /// The calls of the window are used up.
    Spent(Duration),
}

#[derive(Debug)]
pub struct Account {
    key: BudgetKey,
    rule: Rule,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Leased and not made yet, and until when that counts.
    left: u64,
    good_until: Instant,
    /// The last lease gave less than was asked for.
    empty: bool,
    window_ends: Instant,
    held_until: Option<Instant>,
    /// Calls of a window, as the vendor last said; and whether the others know.
    learned: Option<u64>,
    told: bool,
    /// Somebody asks the database.
    leasing: bool,
    queue: Queue<oneshot::Sender<()>>,
}

impl State {
    fn held(&self, now: Instant) -> Option<Duration> {
        let rest = self.held_until?.saturating_duration_since(now);
        (!rest.is_zero()).then_some(rest)
    }

    /// Makes one of the leased calls.
    fn spend(&mut self, now: Instant) -> bool {
        let spends = self.left > 0 && now < self.good_until && self.held(now).is_none();
        self.left -= u64::from(spends);
        spends
    }

    /// How long nothing is left, as far as is known; no more than that is waited for.
    fn refused(&self, now: Instant) -> Option<Refused> {
        if let Some(rest) = self.held(now) {
            return Some(Refused::Held(rest));
        }
        let rest = self.window_ends.saturating_duration_since(now);
        let known = self.left == 0 && self.empty && now < self.good_until && !rest.is_zero();
        known.then_some(Refused::Spent(rest))
    }

    /// Those whose turn it is go on.
    fn serve(&mut self, now: Instant) {
        while self.left > 0 && self.held(now).is_none() {
            let Some(waiting) = self.queue.pop() else {
                return;
            };
            // Whoever has gone takes nothing along.
            self.left -= u64::from(waiting.send(()).is_ok());
        }
    }

    /// `true`: nobody knew.
    fn hold(&mut self, until: Instant) -> bool {
        self.left = 0;
        let known = self.held_until;
        self.held_until = known.max(Some(until));
        // Answers of calls that were made side by side say the same.
        known.is_none_or(|known| until > known + Duration::from_millis(500))
    }
}

impl Account {
    pub fn new(key: BudgetKey, rule: Rule) -> Self {
        let now = Instant::now();
        Self {
            key,
            rule,
            state: Mutex::new(State {
                left: 0,
                good_until: now,
                empty: false,
                window_ends: now,
                held_until: None,
                learned: None,
                told: true,
                leasing: false,
                queue: Queue::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls of a window as far as is known.
    pub fn calls(&self) -> u64 {
        self.state().learned.unwrap_or(self.rule.calls)
    }

    /// Makes one call, or waits a moment for one. Nothing but a lock while the lease lasts.
    pub async fn take(
        self: &Arc<Self>,
        store: &Store,
        lane: Lane,
        who: Who,
    ) -> Result<(), Refused> {
        let mut turn = {
            let mut state = self.state();
            let now = Instant::now();
            if state.queue.is_empty() && state.spend(now) {
                return Ok(());
            }
            match state.refused(now) {
                Some(refused @ (Refused::Held(rest) | Refused::Spent(rest))) if rest > PATIENCE => {
                    return Err(refused);
                }
                _ => {}
            }
            let (sender, turn) = oneshot::channel();
            if !state.queue.push(lane, who, sender) {
                return Err(Refused::Spent(PATIENCE));
            }
            if !state.leasing {
                state.leasing = true;
                tokio::spawn(Arc::clone(self).lease(store.clone()));
            }
            turn
        };
        if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, &mut turn).await {
            return Ok(());
        }
        // It may have come at the last moment.
        if turn.try_recv().is_ok() {
            return Ok(());
        }
        let refused = self.state().refused(Instant::now());
        Err(refused.unwrap_or(Refused::Spent(PATIENCE)))
    }

    /// Gives one call back that was not made.
    pub fn give_back(&self) {
        let mut state = self.state();
        let now = Instant::now();
        if now < state.good_until && state.held(now).is_none() {
            state.left += 1;
            state.serve(now);
        }
    }

    /// While somebody waits.
    async fn lease(self: Arc<Self>, store: Store) {
        loop {
            let Some(spending) = self.wanted() else {
                return;
            };
            let asked = Instant::now();
            let leased = tokio::time::timeout(SLOW, store.lease_calls(&self.key, spending)).await;
            let leased = match leased {
                Ok(Ok(leased)) => Some(leased),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "calls of a budget could not be leased");
                    None
                }
                Err(_) => {
                    tracing::warn!("calls of a budget could not be leased in time");
                    None
                }
            };
            if let Some(pause) = self.leased(asked, spending.wanted, leased) {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// What to ask for; `None`: nobody waits any more.
    fn wanted(&self) -> Option<Spending> {
        let mut state = self.state();
        state.queue.retain(|waiting| !waiting.is_closed());
        let waiting = state.queue.len() as u64;
        if waiting == 0 {
            state.leasing = false;
            return None;
        }
        let now = Instant::now();
        let back = match now < state.window_ends {
            true => std::mem::take(&mut state.left),
            false => 0,
        };
        state.left = 0;
        let calls = state.learned.unwrap_or(self.rule.calls);
        // So little that it does not matter who has it, so much that the database is seldom asked.
        let chunk = (calls / 8).clamp(1, LARGEST);
        let told = std::mem::replace(&mut state.told, true);
        Some(Spending {
            calls: self.rule.calls,
            window: self.rule.window,
            learned: state.learned.filter(|_| !told),
            wanted: chunk.max(waiting.min(calls / 4)),
            back,
        })
    }

    /// What the database said; `None`: it is away, and each server goes on at the pace that the
    /// window has on average. Who waits is served; how long to pause before the next question.
    fn leased(&self, asked: Instant, wanted: u64, leased: Option<Leased>) -> Option<Duration> {
        let mut state = self.state();
        let now = Instant::now();
        match leased {
            Some(leased) => {
                state.left = leased.calls;
                state.empty = leased.calls < wanted;
                state.window_ends = asked + leased.window_left;
                state.good_until = asked + LEASE.min(leased.window_left);
                if state.told {
                    state.learned = leased.learned.or(state.learned);
                }
                if let Some(held) = leased.held {
                    state.hold(asked + held);
                }
            }
            None => {
                let calls = state.learned.unwrap_or(self.rule.calls);
                state.left = pace(calls, self.rule.window);
                state.empty = true;
                state.window_ends = asked + LEASE;
                state.good_until = asked + LEASE;
                state.told = state.learned.is_none();
            }
        }
        state.serve(now);
        if state.queue.is_empty() {
            return None;
        }
        let (Refused::Held(rest) | Refused::Spent(rest)) = state.refused(now)?;
        if rest > PATIENCE {
            // All of them would wait in vain; to be dropped is to be told.
            state.queue.retain(|_| false);
            return None;
        }
        Some(rest.clamp(PAUSE, LONGEST_PAUSE))
    }

    /// The vendor has said how many calls a window has.
    pub fn learned(&self, calls: u64) {
        let mut state = self.state();
        if state.learned != Some(calls) {
            state.learned = Some(calls);
            state.told = false;
            // There may be more than the last lease found.
            state.empty = false;
        }
    }

    /// So many calls are left, by the vendor's own count.
    pub fn remaining(&self, calls: u64) {
        let mut state = self.state();
        state.left = state.left.min(calls);
    }

    /// The vendor wants to be left alone for so long: by this server from now on, by the others as
    /// soon as they lease again.
    pub fn hold(self: &Arc<Self>, store: &Store, wait: Duration) {
        if !self.state().hold(Instant::now() + wait) {
            return;
        }
        let (account, store) = (Arc::clone(self), store.clone());
        tokio::spawn(async move {
            if let Err(error) = store.hold_calls(&account.key, wait).await {
                tracing::warn!(%error, "other servers could not be told to leave a vendor alone");
            }
        });
    }
}

/// Calls of a second, where a window's are spread evenly.
fn pace(calls: u64, window: Duration) -> u64 {
    (calls / window.as_secs().max(1)).max(1)
}
