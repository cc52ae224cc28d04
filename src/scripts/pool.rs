//! Which child runs whose script. A child serves one organization, and is ended when another needs
//! its place; of all places, one organization gets a part, and who has none gets the next one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::child::{Child, Nursery};
use super::converse::Fitness;
use super::{ScriptError, Settings};
use crate::ids::OrganizationId;
use crate::places::{self, Full, Places};

/// A child is replaced after so many runs, whatever it may have gathered.
const RUNS: u32 = 1000;

#[derive(Debug)]
pub(super) struct Pool {
    settings: Settings,
    nursery: OnceLock<Nursery>,
    /// A busy child each.
    places: Places,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The longest idle first.
    idle: VecDeque<Idle>,
    /// Those that run something.
    busy: usize,
    /// Somebody looks after the idle ones.
    watched: bool,
}

#[derive(Debug)]
struct Idle {
    organization: OrganizationId,
    since: Instant,
    child: Child,
    runs: u32,
}

/// A child for one run. Dropped without [`Place::give_back`], the child ends.
#[derive(Debug)]
pub(super) struct Place {
    pool: Arc<Pool>,
    organization: OrganizationId,
    child: Option<Child>,
    runs: u32,
    /// Counted as running.
    busy: bool,
    /// Given back last: whoever gets it finds the child idle or gone.
    place: Option<places::Place>,
}

impl Pool {
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            places: Places::new(settings.children, settings.per_organization),
            settings,
            nursery: OnceLock::new(),
            state: Mutex::default(),
        })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn children(&self) -> usize {
        let state = self.state();
        state.idle.len() + state.busy
    }

    /// Waits for a place.
    pub async fn place(
        self: &Arc<Self>,
        organization: OrganizationId,
    ) -> Result<Place, ScriptError> {
        let place = self.places.enter(organization, self.settings.queue).await;
        let place = place.map_err(|full| match full {
            Full::Own(running) => ScriptError::OverShare(running),
            Full::Queue(waiting) => ScriptError::LongQueue(waiting),
            Full::All => ScriptError::Busy,
        })?;
        let found = {
            let mut state = self.state();
            let found = state.take(organization, self.settings.children);
            state.busy += 1;
            found
        };
        let mut place = Place {
            pool: Arc::clone(self),
            organization,
            child: None,
            runs: 0,
            busy: true,
            place: Some(place),
        };
        match found {
            Some(idle) => {
                place.runs = idle.runs;
                place.child = Some(idle.child);
            }
            None => {
                let started = tokio::time::timeout(self.settings.queue, self.start());
                place.child = Some(started.await.map_err(|_| ScriptError::Busy)??);
            }
        }
        Ok(place)
    }

    async fn start(&self) -> Result<Child, ScriptError> {
        let unable = |error: std::io::Error| ScriptError::Unable(error.to_string());
        let Settings {
            program, limits, ..
        } = &self.settings;
        if self.nursery.get().is_none() {
            let nursery = Nursery::new(program.clone(), limits.memory).map_err(unable)?;
            // Another call may have been quicker; a nursery without children just ends.
            let _ = self.nursery.set(nursery);
        }
        match self.nursery.get() {
            Some(nursery) => nursery.child(limits.output).await.map_err(unable),
            None => Err(ScriptError::Busy),
        }
    }

    /// Ends children that have been idle for so long.
    pub fn end_idle(&self, longest: Duration) {
        let ended: Vec<Idle> = {
            let mut state = self.state();
            let old = state
                .idle
                .iter()
                .take_while(|idle| idle.since.elapsed() >= longest);
            let count = old.count();
            state.idle.drain(..count).collect()
        };
        drop(ended);
    }

    /// One task looks after idle children for as long as there are some.
    fn watch(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.watched, true) {
            return;
        }
        let (pool, longest) = (Arc::downgrade(self), self.settings.idle);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(longest / 2).await;
                let Some(pool) = pool.upgrade() else {
                    return;
                };
                pool.end_idle(longest);
                let mut state = pool.state();
                if state.idle.is_empty() {
                    state.watched = false;
                    return;
                }
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked left it as it was between two runs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The organization's own idle child, the warmest one; else room for a new one is made.
    fn take(&mut self, organization: OrganizationId, children: usize) -> Option<Idle> {
        let own = self
            .idle
            .iter()
            .rposition(|idle| idle.organization == organization);
        if let Some(at) = own {
            return self.idle.remove(at);
        }
        while self.idle.len() + self.busy >= children && self.idle.pop_front().is_some() {}
        None
    }
}

impl Place {
    /// The child, until it is given back.
    pub fn child(&mut self) -> Option<&mut Child> {
        self.child.as_mut()
    }

    /// To run another script of the same organization, if the child still can.
    pub fn give_back(mut self, fitness: Fitness) {
        let Some(child) = self.child.take() else {
            return;
        };
        let runs = self.runs + 1;
        if fitness != Fitness::Fit || runs >= RUNS {
            return;
        }
        let idle = Idle {
            organization: self.organization,
            since: Instant::now(),
            child,
            runs,
        };
        let pool = Arc::clone(&self.pool);
        let mut state = pool.state();
        // At once, so that the child never counts twice.
        state.busy -= 1;
        self.busy = false;
        state.idle.push_back(idle);
        pool.watch(&mut state);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Before its place is free for another.
        self.child = None;
        if self.busy {
            self.pool.state().busy -= 1;
        }
        self.place = None;
    }
}
