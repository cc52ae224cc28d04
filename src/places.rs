//! Places that organizations share: whoever holds fewest gets the next free one, and whoever holds
//! some leaves more of them free the more it holds. So a few that take all they can never take all.

use std::collections::HashMap;
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

#[derive(Debug, Default)]
struct State {
    /// Organizations that hold some, and no others.
    held: HashMap<OrganizationId, usize>,
    taken: usize,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    organization: OrganizationId,
    given: oneshot::Sender<Place>,
}

/// Why there is no place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The organization itself holds all that it may, so many.
    Own(usize),
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
        self.0.state().waiting.push(Waiting {
            organization,
            given,
        });
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
                let Some(next) = state.next(self.all, self.each) else {
                    return;
                };
                state.taken += 1;
                *state.held.entry(next.organization).or_default() += 1;
                let organization = next.organization;
                let of = Some(Arc::clone(self));
                (next, Place { of, organization })
            };
            // Who has given up meanwhile leaves it to the next.
            if let Err(mut unwanted) = next.given.send(place) {
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
    fn next(&mut self, all: usize, each: usize) -> Option<Waiting> {
        self.waiting.retain(|waiting| !waiting.given.is_closed());
        let free = all.saturating_sub(self.taken);
        let held = |waiting: &Waiting| {
            let held = self.held.get(&waiting.organization);
            held.copied().unwrap_or_default()
        };
        let may = |held: usize| held < each && held < free;
        let places = self.waiting.iter().map(held).enumerate();
        let (first, _) = places
            .filter(|(_, held)| may(*held))
            .min_by_key(|(at, held)| (*held, *at))?;
        Some(self.waiting.remove(first))
    }

    fn give_back(&mut self, organization: OrganizationId) {
        self.taken -= 1;
        if let Some(held) = self.held.get_mut(&organization) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&organization);
            }
        }
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
            while places.0.state().waiting.len() < many {
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
}
