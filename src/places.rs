//! Places that organizations share: whoever holds fewest gets the next free one, and whoever holds
//! some leaves more of them free the more it holds. So a few that take all they can never take all.
//!
//! Organizations that wait are kept in the order in which they are served, so that a choice costs the
//! same however many wait; and of one organization only so many do.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ids::OrganizationId;

/// Cheap to clone; all clones share their places.
#[derive(Debug, Clone)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: usize,
    each: usize,
    state: Mutex<State>,
}

/// Of one organization, at once.
const MOST_WAITING: usize = 256;

#[derive(Debug, Default)]
struct State {
    /// Organizations that hold some, and no others.
    held: HashMap<OrganizationId, usize>,
    taken: usize,
    /// In the order in which they came; of organizations that wait, and no others.
    waiting: HashMap<OrganizationId, VecDeque<Waiting>>,
    /// By what they hold and who of them came first.
    order: BTreeSet<Rank>,
    came: u64,
}

type Rank = (usize, u64, OrganizationId);

#[derive(Debug)]
struct Waiting {
    number: u64,
    given: oneshot::Sender<Place>,
}

/// Takes who waits out of the queue when nobody waits any more.
struct Wait<'p> {
    inner: &'p Inner,
    organization: OrganizationId,
    number: u64,
}

/// Why there is no place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The organization itself holds all that it may, so many.
    Own(usize),
    /// So many of the organization wait already.
    Queue(usize),
    /// Others hold them.
    All,
}

/// Given back when dropped.
#[derive(Debug)]
pub struct Place {
    /// `None`: it never came to whom it was meant for, and is given back already.
    of: Option<Arc<Inner>>,
    organization: OrganizationId,
}

impl Places {
    /// So many in all, and of those so many for one organization; one at least.
    pub fn new(all: usize, each: usize) -> Self {
        Self(Arc::new(Inner {
            all: all.max(1),
            each: each.max(1),
            state: Mutex::default(),
        }))
    }

    /// A place, now or within `patience`.
    ///
    /// # Errors
    /// [`Full`].
    pub async fn enter(
        &self,
        organization: OrganizationId,
        patience: Duration,
    ) -> Result<Place, Full> {
        let (given, place) = oneshot::channel();
        let _wait = Wait {
            number: self.0.state().wait(organization, given)?,
            inner: &self.0,
            organization,
        };
        // Whoever came before goes before, if it may have one at all.
        self.0.give();
        match tokio::time::timeout(patience, place).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.full(organization)),
        }
    }

    fn full(&self, organization: OrganizationId) -> Full {
        let state = self.0.state();
        match state.held.get(&organization) {
            Some(held) if *held >= self.0.each => Full::Own(*held),
            _ => Full::All,
        }
    }
}

impl Inner {
    /// Hands out what is free, to those that hold fewest, and of those to who waits longest.
    fn give(self: &Arc<Self>) {
        loop {
            let (next, place) = {
                let mut state = self.state();
                let Some((organization, given)) = state.next(self.all, self.each) else {
                    return;
                };
                state.taken += 1;
                state.ranked(organization, |state| {
                    *state.held.entry(organization).or_default() += 1;
                });
                let of = Some(Arc::clone(self));
                (given, Place { of, organization })
            };
            // Who has given up meanwhile leaves it to the next.
            if let Err(mut unwanted) = next.send(place) {
                unwanted.of = None;
                self.state().give_back(unwanted.organization);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The number of who waits from now on.
    fn wait(
        &mut self,
        organization: OrganizationId,
        given: oneshot::Sender<Place>,
    ) -> Result<u64, Full> {
        let number = self.came;
        self.came += 1;
        self.ranked(organization, |state| {
            let queue = state.waiting.entry(organization).or_default();
            if queue.len() >= MOST_WAITING {
                return Err(Full::Queue(queue.len()));
            }
            queue.push_back(Waiting { number, given });
            Ok(number)
        })
    }

    fn leave(&mut self, organization: OrganizationId, number: u64) {
        self.ranked(organization, |state| {
            let Some(queue) = state.waiting.get_mut(&organization) else {
                return;
            };
            let at = queue.binary_search_by_key(&number, |waiting| waiting.number);
            if let Ok(at) = at {
                queue.remove(at);
            }
        });
    }

    /// Who is served next, if anybody may be: where those that hold fewest may not, nobody may.
    fn next(
        &mut self,
        all: usize,
        each: usize,
    ) -> Option<(OrganizationId, oneshot::Sender<Place>)> {
        let (held, _, organization) = *self.order.first()?;
        let free = all.saturating_sub(self.taken);
        if held >= each || held >= free {
            return None;
        }
        let first = self.ranked(organization, |state| {
            state.waiting.get_mut(&organization)?.pop_front()
        });
        first.map(|waiting| (organization, waiting.given))
    }

    fn give_back(&mut self, organization: OrganizationId) {
        self.taken -= 1;
        self.ranked(organization, |state| {
            if let Some(held) = state.held.get_mut(&organization) {
                *held -= 1;
                if *held == 0 {
                    state.held.remove(&organization);
                }
            }
        });
    }

    /// Changes what decides when an organization is served.
    fn ranked<T>(
        &mut self,
        organization: OrganizationId,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if let Some(rank) = self.rank(organization) {
            self.order.remove(&rank);
        }
        let changed = change(self);
        match self.rank(organization) {
            Some(rank) => drop(self.order.insert(rank)),
            None => drop(self.waiting.remove(&organization)),
        }
        changed
    }

    fn rank(&self, organization: OrganizationId) -> Option<Rank> {
        let first = self.waiting.get(&organization)?.front()?;
        let held = self.held.get(&organization).copied().unwrap_or_default();
        Some((held, first.number, organization))
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.inner.state().leave(self.organization, self.number);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(inner) = self.of.take() {
            inner.state().give_back(self.organization);
            inner.give();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_millis(1);

    fn organization(number: i64) -> OrganizationId {
        OrganizationId(number)
    }

    fn waiting(places: &Places) -> usize {
        let state = places.0.state();
        assert_eq!(state.order.len(), state.waiting.len());
        state.waiting.values().map(VecDeque::len).sum()
    }

    /// All that it gets at once.
    async fn all(places: &Places, number: i64) -> Vec<Place> {
        let mut held = Vec::new();
        while let Ok(place) = places.enter(organization(number), NOW).await {
            held.push(place);
        }
        held
    }

    #[tokio::test]
    async fn a_few_that_take_all_they_can_leave_some() {
        let places = Places::new(16, 4);
        let mut held = Vec::new();
        for number in 1..=4 {
            held.push(all(&places, number).await);
        }
        let got: Vec<usize> = held.iter().map(Vec::len).collect();
        assert_eq!(got, [4, 4, 4, 2]);
        let fifth = places.enter(organization(5), NOW).await;
        let fifth = fifth.expect("a place for one that holds none");
        let full = places.enter(organization(1), NOW).await;
        assert_eq!(full.expect_err("it holds four"), Full::Own(4));
        drop((held, fifth));
        let state = places.0.state();
        assert!(state.held.is_empty() && state.waiting.is_empty() && state.taken == 0);
        assert!(state.order.is_empty());
    }

    #[tokio::test]
    async fn a_small_number_is_used() {
        let places = Places::new(1, 1);
        let one = places.enter(organization(1), NOW).await.expect("a place");
        let full = places.enter(organization(2), NOW).await;
        assert_eq!(full.expect_err("there is one"), Full::All);
        drop(one);
        drop(places.enter(organization(2), NOW).await.expect("a place"));
    }

    #[tokio::test]
    async fn the_next_one_is_for_who_holds_none() {
        const LONG: Duration = Duration::from_secs(60);
        let places = Places::new(2, 2);
        let mut held = vec![
            places.enter(organization(1), NOW).await.expect("the first"),
            places.enter(organization(2), NOW).await.expect("the last"),
        ];
        let ask = |number: i64| {
            let places = places.clone();
            tokio::spawn(async move { places.enter(organization(number), LONG).await })
        };
        let waits = async |many: usize| {
            while waiting(&places) < many {
                tokio::task::yield_now().await;
            }
        };
        let again = ask(1);
        waits(1).await;
        let gone = ask(3);
        waits(2).await;
        let newcomer = ask(4);
        waits(3).await;
        gone.abort();
        let _ = gone.await;
        drop(held.pop());
        let newcomer = newcomer.await.expect("it runs").expect("a place");
        assert_eq!(
            newcomer.organization,
            organization(4),
            "before who came first"
        );
        assert!(!again.is_finished());
        drop((newcomer, held));
        again.await.expect("it runs").expect("a place in the end");
    }

    #[tokio::test]
    async fn so_many_of_one_organization_wait() {
        const LONG: Duration = Duration::from_secs(60);
        let places = Places::new(1, 1);
        let one = places.enter(organization(1), NOW).await.expect("a place");
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..MOST_WAITING {
            let places = places.clone();
            all.spawn(async move { places.enter(organization(1), LONG).await.map(drop) });
        }
        while waiting(&places) < MOST_WAITING {
            tokio::task::yield_now().await;
        }
        let full = places.enter(organization(1), LONG).await;
        assert_eq!(full.expect_err("a long queue"), Full::Queue(MOST_WAITING));
        // Of another one somebody may wait, and is served first.
        let other = places.clone();
        let other = tokio::spawn(async move { other.enter(organization(2), LONG).await });
        while waiting(&places) == MOST_WAITING {
            tokio::task::yield_now().await;
        }
        drop(one);
        let other = other.await.expect("it runs").expect("a place");
        assert_eq!(waiting(&places), MOST_WAITING);
        drop(other);
        while let Some(served) = all.join_next().await {
            served.expect("it runs").expect("a place in the end");
        }
        assert_eq!(waiting(&places), 0);
    }
}
