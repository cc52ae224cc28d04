//! Which readings of the database are too old to be believed.
//!
//! A counter goes up with everything that is forgotten. A reading takes the counter's value before
//! it begins, and is believed while its organization has not been forgotten at a higher value. So
//! nothing has to be searched and removed, and a reading that comes in late is simply old.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::ids::OrganizationId;

/// Organizations kept apart; beyond that all are forgotten together.
const MOST: usize = 10_000;

/// When a reading of the database began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began(u64);

#[derive(Debug, Default)]
pub(super) struct Forgotten {
    counter: AtomicU64,
    floors: RwLock<Floors>,
}

#[derive(Debug, Default)]
struct Floors {
    everybody: u64,
    organizations: HashMap<OrganizationId, u64>,
}

impl Forgotten {
    pub fn begin(&self) -> Began {
        Began(self.counter.load(Ordering::SeqCst))
    }

    pub fn believes(&self, organization: OrganizationId, began: Began) -> bool {
        let floors = self.floors.read().unwrap_or_else(PoisonError::into_inner);
        let floor = floors.organizations.get(&organization).copied();
        began.0 >= floors.everybody.max(floor.unwrap_or(0))
    }

    pub fn forget(&self, organization: Option<OrganizationId>) {
        let mut floors = self.floors.write().unwrap_or_else(PoisonError::into_inner);
        let floor = self.counter.fetch_add(1, Ordering::SeqCst) + 1;
        match organization {
            Some(organization) if floors.organizations.len() < MOST => {
                floors.organizations.insert(organization, floor);
            }
            _ => {
                floors.organizations.clear();
                floors.everybody = floor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: OrganizationId = OrganizationId(1);
    const OTHER: OrganizationId = OrganizationId(2);

    #[test]
    fn what_was_read_before_is_not_believed_after() {
        let forgotten = Forgotten::default();
        let before = forgotten.begin();
        assert!(forgotten.believes(ONE, before));
        forgotten.forget(Some(ONE));
        let after = forgotten.begin();
        assert!(!forgotten.believes(ONE, before));
        assert!(forgotten.believes(OTHER, before), "another tenant's stays");
        assert!(forgotten.believes(ONE, after));
        forgotten.forget(None);
        assert!(!forgotten.believes(ONE, after) && !forgotten.believes(OTHER, after));
        assert!(forgotten.believes(ONE, forgotten.begin()));
    }

    #[test]
    fn many_organizations_do_not_take_more_and_more_room() {
        let forgotten = Forgotten::default();
        let before = forgotten.begin();
        for id in 0..=2 * MOST as i64 {
            forgotten.forget(Some(OrganizationId(id)));
        }
        let floors = forgotten.floors.read().expect("a lock");
        assert!(floors.organizations.len() <= MOST);
        drop(floors);
        for id in [0, 5, MOST as i64, 2 * MOST as i64] {
            assert!(!forgotten.believes(OrganizationId(id), before));
        }
    }
}
