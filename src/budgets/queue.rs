//! Who waits for a call: interactive calls before background ones, of each lane one organization
//! after the other, of each organization one instance after the other. Whoever has many calls waiting
//! gets no more turns than who has one.

use std::collections::VecDeque;

use crate::ids::{InstanceId, OrganizationId};

/// Calls that wait at one budget, and those of one organization among them.
const LONGEST: usize = 1024;
const LONGEST_OF_ONE: usize = 64;

/// How urgent a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    Background,
}

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub organization: OrganizationId,
    pub instance: InstanceId,
}

#[derive(Debug)]
pub(super) struct Queue<T> {
    interactive: Ring<T>,
    background: Ring<T>,
}

/// Those whose turn is next stand in front.
type Ring<T> = VecDeque<(OrganizationId, VecDeque<(InstanceId, VecDeque<T>)>)>;

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            interactive: Ring::new(),
            background: Ring::new(),
        }
    }
}

impl<T> Queue<T> {
    /// `false`: too many wait already.
    pub fn push(&mut self, lane: Lane, who: Who, item: T) -> bool {
        if self.len() >= LONGEST || self.of(who.organization) >= LONGEST_OF_ONE {
            return false;
        }
        let ring = match lane {
            Lane::Interactive => &mut self.interactive,
            Lane::Background => &mut self.background,
        };
        let instances = member(ring, who.organization);
        member(instances, who.instance).push_back(item);
        true
    }

    /// Whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        pop(&mut self.interactive).or_else(|| pop(&mut self.background))
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        for ring in [&mut self.interactive, &mut self.background] {
            for (_, instances) in ring.iter_mut() {
                for (_, items) in instances.iter_mut() {
                    items.retain(&keep);
                }
                instances.retain(|(_, items)| !items.is_empty());
            }
            ring.retain(|(_, instances)| !instances.is_empty());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.background.is_empty()
    }

    pub fn len(&self) -> usize {
        self.count(|_| true)
    }

    fn of(&self, organization: OrganizationId) -> usize {
        self.count(|other| other == organization)
    }

    fn count(&self, counts: impl Fn(OrganizationId) -> bool) -> usize {
        let rings = self.interactive.iter().chain(&self.background);
        rings
            .filter(|(organization, _)| counts(*organization))
            .flat_map(|(_, instances)| instances)
            .map(|(_, items)| items.len())
            .sum()
    }
}

/// The part of a ring that is this one's, at its end if it is new.
fn member<K: PartialEq, T: Default>(ring: &mut VecDeque<(K, T)>, key: K) -> &mut T {
    let known = ring.iter().position(|(other, _)| *other == key);
    let index = known.unwrap_or_else(|| {
        ring.push_back((key, T::default()));
        ring.len() - 1
    });
    &mut ring[index].1
}

fn pop<T>(ring: &mut Ring<T>) -> Option<T> {
    let (organization, mut instances) = ring.pop_front()?;
    let (instance, mut items) = instances.pop_front()?;
    let item = items.pop_front();
    if !items.is_empty() {
        instances.push_back((instance, items));
    }
    if !instances.is_empty() {
        ring.push_back((organization, instances));
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(organization: i64, instance: i64) -> Who {
        Who {
            organization: OrganizationId(organization),
            instance: InstanceId(instance),
        }
    }

    fn all(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn everybody_has_turns_and_people_come_first() {
        let mut queue = Queue::default();
        for (lane, organization, instance, name) in [
            (Lane::Background, 2, 20, "background"),
            (Lane::Interactive, 1, 10, "a1"),
            (Lane::Interactive, 1, 10, "a2"),
            (Lane::Interactive, 1, 10, "a3"),
            (Lane::Interactive, 1, 11, "other of a"),
            (Lane::Interactive, 2, 20, "b1"),
        ] {
            assert!(queue.push(lane, who(organization, instance), name));
        }
        let order = ["a1", "b1", "other of a", "a2", "a3", "background"];
        assert_eq!(all(&mut queue), order);
        assert!(queue.is_empty());
    }

    #[test]
    fn it_is_bounded_for_one_and_for_all() {
        let mut queue = Queue::default();
        for number in 0..LONGEST_OF_ONE {
            assert!(queue.push(Lane::Interactive, who(1, number as i64), "x"));
        }
        assert!(!queue.push(Lane::Background, who(1, 0), "x"));
        for organization in 2.. {
            if !queue.push(Lane::Interactive, who(organization, 1), "x") {
                break;
            }
        }
        assert_eq!(queue.len(), LONGEST);
        queue.retain(|_| false);
        assert!(queue.is_empty());
        assert!(queue.push(Lane::Interactive, who(1, 1), "x"));
    }
}
