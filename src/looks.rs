//! Looks that are taken behind callers' answers: of one thing one at a time, of one organization few, and
//! few in all. Who finds no room takes none: what is worth a look is asked about again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::{InstanceId, OrganizationId};

/// At once on this server, and of those of one organization.
const AT_ONCE: usize = 16;
const OF_ORGANIZATION: usize = 4;

type Of = (OrganizationId, InstanceId);

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Looks(Arc<Mutex<HashSet<Of>>>);

/// One that is taken, until dropped.
#[derive(Debug)]
pub struct Look {
    looks: Looks,
    of: Of,
}

impl Looks {
    /// `None`: one of this instance is under way, or as many as there may be.
    pub fn begin(&self, organization: OrganizationId, instance: InstanceId) -> Option<Look> {
        let of = (organization, instance);
        let mut under_way = self.under_way();
        let own = under_way.iter().filter(|(whose, _)| *whose == organization);
        if under_way.len() >= AT_ONCE || own.count() >= OF_ORGANIZATION || !under_way.insert(of) {
            return None;
        }
        Some(Look {
            looks: self.clone(),
            of,
        })
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<Of>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.looks.under_way().remove(&self.of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_under_way() {
        let looks = Looks::default();
        let begin = |organization, instance| {
            looks.begin(OrganizationId(organization), InstanceId(instance))
        };
        let one = begin(1, 1).expect("the first");
        assert!(begin(1, 1).is_none(), "of one instance one");
        let more: Vec<_> = (1..50).filter_map(|instance| begin(1, instance)).collect();
        assert_eq!(more.len() + 1, OF_ORGANIZATION);
        drop(one);
        let again = begin(1, 1).expect("there is room again");
        let all: Vec<_> = (2..50).filter_map(|other| begin(other, 1)).collect();
        assert_eq!(all.len(), AT_ONCE - OF_ORGANIZATION);
        drop((again, more, all));
        assert!(looks.under_way().is_empty());
    }
}
