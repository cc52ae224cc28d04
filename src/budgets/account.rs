//! One budget as one server knows it: calls that it has leased and may make without asking anybody,
//! how long the vendor wants to be left alone, and who waits.
//!
//! A lease is good for a second at most: what it leaves goes back with the next, or on its own when
//! nobody calls any more, and what another server was told by the vendor is heard with it.

mod returning;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::queue::{Lane, Queue, Who};
use super::taken::Taken;
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
/// A lease of a long window is so many seconds' calls: a server that dies keeps no more than that.
const LEASED_SECONDS: f64 = 4.0;
/// How long an account is left alone at most without asking again, by its window: others may share it,
/// and whoever answers may mean one caller alone.
const HOLDS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(5 * 60)];

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
    /// Until when others know that it is held, or are being told.
    told_held: Option<Instant>,
    /// Calls of a window, as the vendor last said; and whether the others know.
    learned: Option<u64>,
    told: bool,
    /// The database was away: when calls were last given at the average pace, and what part of a call
    /// is left of that.
    alone: Option<Alone>,
    /// Somebody asks the database.
    leasing: bool,
    /// Somebody will give back what nobody calls for.
    returning: bool,
    queue: Queue<Waiting>,
}

/// Somebody whose turn has not come.
#[derive(Debug)]
struct Waiting {
    turn: oneshot::Sender<Taken>,
    weight: u64,
}

#[derive(Debug, Clone, Copy)]
struct Alone {
    at: Instant,
    due: f64,
}

/// Ends a lease whose task has broken.
struct Leasing {
    account: Arc<Account>,
    on: bool,
}

impl Drop for Leasing {
    fn drop(&mut self) {
        if self.on {
            let mut state = self.account.state();
            state.leasing = false;
            // Nobody serves those who wait; to be dropped is to be told.
            state.queue.retain(|_| false);
        }
    }
}

impl State {
    fn held(&self, now: Instant) -> Option<Duration> {
        let rest = self.held_until?.saturating_duration_since(now);
        (!rest.is_zero()).then_some(rest)
    }

    /// Makes a call of this weight out of what is leased.
    fn spend(&mut self, weight: u64, now: Instant) -> bool {
        let spends = self.left >= weight && now < self.good_until && self.held(now).is_none();
        if spends {
            self.left -= weight;
        }
        spends
    }

    /// What a call counts: never more than a window has, or it would wait for ever.
    fn weighed(&self, weight: u64, rule: Rule) -> u64 {
        weight.min(self.calls(rule)).max(1)
    }

    /// How long nothing is left for a call of this weight, as far as is known; no more than that is
    /// waited for.
    fn refused(&self, weight: u64, now: Instant) -> Option<Refused> {
        if let Some(rest) = self.held(now) {
            return Some(Refused::Held(rest));
        }
        let ends = match self.alone {
            Some(_) => self.good_until,
            None => self.window_ends,
        };
        let rest = ends.saturating_duration_since(now);
        let known = self.left < weight && self.empty && now < self.good_until && !rest.is_zero();
        known.then_some(Refused::Spent(rest))
    }

    fn hold(&mut self, until: Instant) {
        self.left = 0;
        self.held_until = self.held_until.max(Some(until));
    }

    /// Notes that the others are told; `false`: they are already.
    fn tells(&mut self, until: Instant) -> bool {
        // Answers of calls that were made side by side say the same.
        let news = |told| until > told + Duration::from_millis(500);
        let tells = self.told_held.is_none_or(news);
        if tells {
            self.told_held = Some(until);
        }
        tells
    }

    fn calls(&self, rule: Rule) -> u64 {
        self.learned.unwrap_or(rule.calls)
    }

    /// What the average pace of a window gives since it was last asked for, and at the first time one
    /// call or a second's.
    fn paced(&mut self, rule: Rule, now: Instant) -> u64 {
        let pace = pace(self.calls(rule), rule.window);
        let due = match self.alone {
            None => pace.max(1.0),
            Some(Alone { at, due }) => {
                let since = now.saturating_duration_since(at).as_secs_f64();
                (due + since * pace).min((LEASED_SECONDS * pace).max(1.0))
            }
        };
        self.alone = Some(Alone {
            at: now,
            due: due.fract(),
        });
        due as u64
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
                told_held: None,
                learned: None,
                told: true,
                alone: None,
                leasing: false,
                returning: false,
                queue: Queue::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls of a window as far as is known.
    pub fn calls(&self) -> u64 {
        self.state().calls(self.rule)
    }

    /// Makes one call of this weight, or waits a moment for it. Nothing but a lock while the lease lasts.
    pub async fn take(
        self: &Arc<Self>,
        store: &Store,
        lane: Lane,
        who: Who,
        weight: u64,
    ) -> Result<Taken, Refused> {
        let mut turn = {
            let mut state = self.state();
            let now = Instant::now();
            let weight = state.weighed(weight, self.rule);
            if state.queue.is_empty() && state.spend(weight, now) {
                return Ok(Taken::of(self, weight));
            }
            match state.refused(weight, now) {
                Some(refused @ (Refused::Held(rest) | Refused::Spent(rest))) if rest > PATIENCE => {
                    return Err(refused);
                }
                _ => {}
            }
            let (sender, turn) = oneshot::channel();
            let waiting = Waiting {
                turn: sender,
                weight,
            };
            if !state.queue.push(lane, who, waiting) {
                return Err(Refused::Spent(PATIENCE));
            }
            if !state.leasing {
                state.leasing = true;
                tokio::spawn(Arc::clone(self).lease(store.clone()));
            }
            turn
        };
        if let Ok(Ok(taken)) = tokio::time::timeout(PATIENCE, &mut turn).await {
            return Ok(taken);
        }
        // It may have come at the last moment.
        if let Ok(taken) = turn.try_recv() {
            return Ok(taken);
        }
        let state = self.state();
        let refused = state.refused(state.weighed(weight, self.rule), Instant::now());
        Err(refused.unwrap_or(Refused::Spent(PATIENCE)))
    }

    /// Gives a call back that was not made; when the lease has ended, with the next one.
    pub fn give_back(self: &Arc<Self>, weight: u64) {
        let mut state = self.state();
        let now = Instant::now();
        if now < state.window_ends {
            state.left += weight;
            self.serve(&mut state, now);
        }
    }

    /// Those whose turn it is go on. Nobody overtakes a call that counts more than is left yet, or it
    /// would never be made.
    fn serve(self: &Arc<Self>, state: &mut State, now: Instant) {
        while state.held(now).is_none() {
            let next = state.queue.next();
            let Some(weight) = next.filter(|next| next.weight <= state.left) else {
                return;
            };
            let weight = weight.weight;
            let Some(waiting) = state.queue.pop() else {
                return;
            };
            match waiting.turn.send(Taken::of(self, weight)) {
                Ok(()) => state.left -= weight,
                // Whoever has gone takes nothing along, so that nothing comes back.
                Err(mut taken) => taken.made(),
            }
        }
    }

    /// Those go whose turn will not come while anybody is patient; what is left is enough for some.
    fn give_up(self: &Arc<Self>, state: &mut State, now: Instant) {
        while !state.queue.is_empty() {
            let held = state.held(now).is_some();
            let left = state.left;
            // To be dropped is to be told.
            state
                .queue
                .retain(|waiting| !held && waiting.weight <= left);
            self.serve(state, now);
        }
    }

    /// While somebody waits.
    async fn lease(self: Arc<Self>, store: Store) {
        let account = Arc::clone(&self);
        let mut leasing = Leasing { account, on: true };
        self.lease_on(&store).await;
        // From here on another one may run.
        leasing.on = false;
        self.give_back_later(&store).await;
    }

    async fn lease_on(self: &Arc<Self>, store: &Store) {
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
            if let Some(pause) = self.leased(asked, spending, leased) {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// What to ask for; `None`: nobody waits any more.
    fn wanted(&self) -> Option<Spending> {
        let mut state = self.state();
        state.queue.retain(|waiting| !waiting.turn.is_closed());
        let waiting: u64 = state.queue.items().map(|waiting| waiting.weight).sum();
        let next = state.queue.next().map_or(0, |waiting| waiting.weight);
        if waiting == 0 {
            state.leasing = false;
            return None;
        }
        let now = Instant::now();
        let left = std::mem::take(&mut state.left);
        let back = if now < state.window_ends { left } else { 0 };
        let calls = state.calls(self.rule);
        // So little that it does not matter who has it, so much that the database is seldom asked.
        let some = (LEASED_SECONDS * pace(calls, self.rule.window)) as u64;
        let chunk = (calls / 8).min(some).clamp(1, LARGEST);
        let told = std::mem::replace(&mut state.told, true);
        Some(Spending {
            calls: self.rule.calls,
            window: self.rule.window,
            learned: state.learned.filter(|_| !told),
            wanted: chunk.max(waiting.min(calls / 4)).max(next),
            back,
        })
    }

    /// What the database said; `None`: it is away, and each server goes on at the pace that the
    /// window has on average. Who waits is served; how long to pause before the next question.
    fn leased(
        self: &Arc<Self>,
        asked: Instant,
        spending: Spending,
        leased: Option<Leased>,
    ) -> Option<Duration> {
        let mut state = self.state();
        let now = Instant::now();
        // What has come back since.
        let came_back = if now < state.window_ends {
            state.left
        } else {
            0
        };
        match leased {
            Some(leased) => {
                state.alone = None;
                state.left = came_back + leased.calls;
                state.empty = leased.calls < spending.wanted;
                state.window_ends = asked + leased.window_left;
                state.good_until = asked + LEASE.min(leased.window_left);
                if state.told {
                    state.learned = leased.learned.or(state.learned);
                }
                if let Some(held) = leased.held {
                    state.hold(asked + held);
                    state.tells(asked + held);
                }
            }
            None => {
                state.left = came_back + spending.back + state.paced(self.rule, now);
                state.empty = true;
                state.good_until = asked + LEASE;
                // What was leased counts as long as it did.
                state.window_ends = state.window_ends.max(state.good_until);
                state.told = state.learned.is_none();
            }
        }
        self.serve(&mut state, now);
        if state.queue.is_empty() {
            return None;
        }
        let next = state.queue.next().map_or(1, |waiting| waiting.weight);
        let (Refused::Held(rest) | Refused::Spent(rest)) = state.refused(next, now)?;
        if rest > PATIENCE {
            self.give_up(&mut state, now);
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

    /// So many calls are left, by the vendor's own count. Until the window ends as far as is known,
    /// where there are none.
    pub fn remaining(&self, calls: u64) -> Option<Duration> {
        let mut state = self.state();
        state.left = state.left.min(calls);
        let rest = state.window_ends.saturating_duration_since(Instant::now());
        (calls == 0 && !rest.is_zero()).then_some(rest)
    }

    /// The vendor wants to be left alone for so long: by this server from now on, by the others as
    /// soon as they lease again; within bounds.
    pub fn hold(self: &Arc<Self>, store: &Store, wait: Duration) {
        let [short, long] = HOLDS;
        let wait = wait.min(self.rule.window.clamp(short, long));
        let until = Instant::now() + wait;
        {
            let mut state = self.state();
            state.hold(until);
            if !state.tells(until) {
                return;
            }
        }
        let (account, store) = (Arc::clone(self), store.clone());
        tokio::spawn(async move {
            if let Err(error) = store.hold_calls(&account.key, wait).await {
                tracing::warn!(%error, "other servers could not be told to leave a vendor alone");
                // By the next answer that says so.
                let mut state = account.state();
                if state.told_held == Some(until) {
                    state.told_held = None;
                }
            }
        });
    }
}

/// Calls of a second, where a window's are spread evenly.
fn pace(calls: u64, window: Duration) -> f64 {
    calls as f64 / window.as_secs_f64().max(1.0)
}

#[cfg(test)]
mod tests;
