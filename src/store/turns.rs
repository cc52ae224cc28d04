//! Connections of one organization at once: three quarters of the pool at most, so that whatever
//! its statements wait for (rows of its own that it locks, above all) the others are served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::OrganizationId;

/// Organizations after which those without a statement are dropped from the list.
const TIDY: usize = 1_000;

#[derive(Debug, Clone)]
pub(super) struct Turns {
    most: usize,
    all: Arc<Mutex<HashMap<OrganizationId, Weak<Semaphore>>>>,
}

impl Turns {
    /// For a pool of so many connections.
    pub fn new(connections: u32) -> Self {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        Self {
            most: connections.saturating_sub(connections.div_ceil(4)).max(1),
            all: Arc::default(),
        }
    }

    /// The turn to use one connection; an error like the pool's own after `patience`.
    pub async fn of(
        &self,
        organization: OrganizationId,
        patience: Duration,
    ) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        let turn = self.semaphore(organization).acquire_owned();
        let turn = tokio::time::timeout(patience, turn).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)
    }

    fn semaphore(&self, organization: OrganizationId) -> Arc<Semaphore> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&organization).and_then(Weak::upgrade) {
            return known;
        }
        if all.len() >= TIDY {
            all.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(self.most));
        all.insert(organization, Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_organization_does_not_get_the_last_quarter() {
        const NOW: Duration = Duration::from_millis(1);
        let (one, other) = (OrganizationId(1), OrganizationId(2));
        for (connections, most) in [(0, 1), (1, 1), (2, 1), (4, 3), (10, 7), (16, 12)] {
            let turns = Turns::new(connections);
            let mut held = Vec::new();
            for _ in 0..most {
                held.push(turns.of(one, NOW).await.expect("a turn"));
            }
            turns.of(one, NOW).await.expect_err("no turn is left");
            drop(turns.of(other, NOW).await.expect("another's turn"));
            held.pop();
            drop(turns.of(one, NOW).await.expect("a turn again"));
        }
    }

    #[tokio::test]
    async fn the_list_does_not_grow_with_organizations() {
        let turns = Turns::new(4);
        for id in 0..3 * TIDY as i64 {
            let turn = turns.of(OrganizationId(id), Duration::ZERO).await;
            drop(turn.expect("a turn"));
        }
        assert!(turns.all.lock().expect("a lock").len() <= TIDY);
    }
}
