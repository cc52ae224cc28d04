//! Turns of organizations at the processors: of calls that want to get on, so many do at once as
//! there are threads to do it, of each organization one after another. So whoever asks for much waits
//! for itself, and everybody else's calls for one piece of its work at most.
//!
//! A turn is one poll: what waits for a vendor or for the database holds none, and however many do,
//! they cost no one a turn.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::available_parallelism;

use crate::ids::OrganizationId;

/// Cheap to clone; all clones share their turns.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    at_once: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Turns that are taken, or given to somebody who has not come yet.
    taken: usize,
    /// Of organizations that wait, and no others, in the order in which their calls came.
    waiting: HashMap<OrganizationId, VecDeque<Arc<Mutex<Place>>>>,
    /// Whose turn is next.
    round: VecDeque<OrganizationId>,
}

#[derive(Debug)]
enum Place {
    Waits(Waker),
    /// The turn is there.
    Given,
    /// Nobody waits any more.
    Gone,
}

/// One call, which takes its organization's turns.
#[derive(Debug)]
pub struct Taker {
    turns: Turns,
    organization: OrganizationId,
    place: Option<Arc<Mutex<Place>>>,
}

/// Given on when dropped.
#[derive(Debug)]
pub struct Turn<'t>(&'t Turns);

impl Default for Turns {
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, usize::from))
    }
}

impl Turns {
    fn new(at_once: usize) -> Self {
        Self(Arc::new(Inner {
            at_once,
            state: Mutex::default(),
        }))
    }

    pub fn taker(&self, organization: OrganizationId) -> Taker {
        Taker {
            turns: self.clone(),
            organization,
            place: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn is over.
    fn next(&self) {
        let mut state = self.state();
        while let Some(organization) = state.round.pop_front() {
            let Some(waiting) = state.waiting.get_mut(&organization) else {
                continue;
            };
            let first = waiting.pop_front();
            match waiting.is_empty() {
                true => drop(state.waiting.remove(&organization)),
                false => state.round.push_back(organization),
            }
            let Some(first) = first else {
                continue;
            };
            let mut place = lock(&first);
            if let Place::Waits(_) = *place
                && let Place::Waits(waker) = std::mem::replace(&mut *place, Place::Given)
            {
                drop((place, state));
                waker.wake();
                return;
            }
        }
        state.taken -= 1;
    }
}

fn lock(place: &Mutex<Place>) -> MutexGuard<'_, Place> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Taker {
    pub fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Turn<'_>> {
        if let Some(place) = &self.place {
            let mut place = lock(place);
            if let Place::Waits(waker) = &mut *place {
                waker.clone_from(context.waker());
                return Poll::Pending;
            }
            drop(place);
            self.place = None;
            return Poll::Ready(Turn(&self.turns));
        }
        let mut state = self.turns.state();
        if state.taken < self.turns.0.at_once {
            state.taken += 1;
            drop(state);
            return Poll::Ready(Turn(&self.turns));
        }
        let place = Arc::new(Mutex::new(Place::Waits(context.waker().clone())));
        self.place = Some(Arc::clone(&place));
        let organization = self.organization;
        let state = &mut *state;
        let waiting = state.waiting.entry(organization).or_insert_with(|| {
            state.round.push_back(organization);
            VecDeque::new()
        });
        waiting.push_back(place);
        Poll::Pending
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let Some(place) = &self.place else {
            return;
        };
        let was = std::mem::replace(&mut *lock(place), Place::Gone);
        if let Place::Given = was {
            self.turns.next();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.next();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const ONE: OrganizationId = OrganizationId(1);
    const OTHER: OrganizationId = OrganizationId(2);

    fn asks(taker: &mut Taker) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match taker.poll_turn(&mut context) {
            Poll::Ready(turn) => {
                // Kept: it is given on below.
                std::mem::forget(turn);
                true
            }
            Poll::Pending => false,
        }
    }

    #[test]
    fn organizations_take_turns() {
        let turns = Turns::new(1);
        let mut holder = turns.taker(ONE);
        assert!(asks(&mut holder));
        let mut ones: Vec<Taker> = (0..3).map(|_| turns.taker(ONE)).collect();
        for one in &mut ones {
            assert!(!asks(one));
        }
        let mut other = turns.taker(OTHER);
        assert!(!asks(&mut other));
        turns.next();
        let next: Vec<bool> = ones.iter_mut().map(asks).collect();
        assert_eq!(next, [true, false, false], "who waited longest");
        assert!(!asks(&mut other));
        turns.next();
        assert!(asks(&mut other), "the other one's, before the rest");
        turns.next();
        assert!(asks(&mut ones[1]));
        turns.next();
        assert!(asks(&mut ones[2]));
        turns.next();
        let state = turns.state();
        assert!(state.taken == 0 && state.waiting.is_empty() && state.round.is_empty());
    }

    #[test]
    fn a_turn_of_somebody_who_is_gone_goes_on() {
        let turns = Turns::new(1);
        assert!(asks(&mut turns.taker(ONE)));
        let mut takers: Vec<Taker> = (0..3).map(|_| turns.taker(ONE)).collect();
        for taker in &mut takers {
            assert!(!asks(taker));
        }
        let given = takers.remove(0);
        // One that waits, and one that has been given the turn.
        drop(takers.remove(0));
        turns.next();
        drop(given);
        assert!(asks(&mut takers[0]));
        turns.next();
        assert_eq!(turns.state().taken, 0);
        assert!(asks(&mut turns.taker(OTHER)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everybody_gets_on_and_no_more_than_so_many_at_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let turns = Turns::new(2);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all = tokio::task::JoinSet::new();
        for number in 0..200 {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            let mut taker = turns.taker(OrganizationId(number % 3));
            all.spawn(async move {
                for _ in 0..50 {
                    poll_fn(|context| {
                        taker.poll_turn(context).map(|_turn| {
                            let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(at_once, Ordering::SeqCst);
                            std::thread::yield_now();
                            now.fetch_sub(1, Ordering::SeqCst);
                        })
                    })
                    .await;
                    tokio::task::yield_now().await;
                }
            });
        }
        while let Some(one) = all.join_next().await {
            one.expect("no panic");
        }
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(turns.state().taken, 0);
    }
}
