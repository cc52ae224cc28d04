//! Who waits for a call: interactive calls before background ones, of each lane one organization
//! after the other, of each organization one instance after the other. Whoever has many calls waiting
//! gets no more turns than who has one.

use std::collections::VecDeque;

use crate::ids::{InstanceId, OrganizationId};

/// Calls that wait at one budget, those of one organization among them, and of one instance.
const LONGEST: usize = 1024;
const LONGEST_OF_ONE: usize = 64;
const LONGEST_OF_INSTANCE: usize = LONGEST_OF_ONE / 2;

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
    /// `false`: too many wait already. For a call that somebody waits for, the last background one of
    /// those that are too many goes.
    pub fn push(&mut self, lane: Lane, who: Who, item: T) -> bool {
        let of_instance = |other: Who| other == who;
        let of_organization = |other: Who| other.organization == who.organization;
        let room = self.room(lane, LONGEST_OF_INSTANCE, of_instance)
            && self.room(lane, LONGEST_OF_ONE, of_organization)
            && self.room(lane, LONGEST, |_| true);
        if !room {
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

    /// Who would be next.
    pub fn next(&self) -> Option<&T> {
        front(&self.interactive).or_else(|| front(&self.background))
    }

    /// All who wait.
    pub fn items(&self) -> impl Iterator<Item = &T> {
        let rings = self.interactive.iter().chain(&self.background);
        let instances = rings.flat_map(|(_, instances)| instances);
        instances.flat_map(|(_, items)| items)
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

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.count(|_| true)
    }

    /// Whether one more of these may wait, perhaps in place of a background one.
    fn room(&mut self, lane: Lane, most: usize, counts: impl Fn(Who) -> bool) -> bool {
        if self.count(&counts) < most {
            return true;
        }
        lane == Lane::Interactive && displace(&mut self.background, counts)
    }

    fn count(&self, counts: impl Fn(Who) -> bool) -> usize {
        let rings = self.interactive.iter().chain(&self.background);
        let each = rings.flat_map(|(organization, instances)| {
            let of = |instance| Who {
                organization: *organization,
                instance,
            };
            instances.iter().map(move |(id, items)| (of(*id), items))
        });
        each.filter(|(who, _)| counts(*who))
            .map(|(_, items)| items.len())
            .sum()
    }
}

/// Drops the one of these whose turn would come last. `false`: there is none.
fn displace<T>(ring: &mut Ring<T>, counts: impl Fn(Who) -> bool) -> bool {
    let mut longest: Option<(usize, usize, usize)> = None;
    for (place, (organization, instances)) in ring.iter().enumerate() {
        for (index, (instance, items)) in instances.iter().enumerate() {
            let who = Who {
                organization: *organization,
                instance: *instance,
            };
            let known = longest.map_or(0, |(_, _, length)| length);
            if counts(who) && items.len() >= known {
                longest = Some((place, index, items.len()));
            }
        }
    }
    let Some((place, index, _)) = longest else {
        return false;
    };
    let (_, instances) = &mut ring[place];
    instances[index].1.pop_back();
    instances.retain(|(_, items)| !items.is_empty());
    ring.retain(|(_, instances)| !instances.is_empty());
    true
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

fn front<T>(ring: &Ring<T>) -> Option<&T> {
    let (_, instances) = ring.front()?;
    let (_, items) = instances.front()?;
    items.front()
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
        assert!(
            !queue.push(Lane::Interactive, who(1, 0), "x"),
            "nobody to displace"
        );
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

    #[test]
    fn one_instance_does_not_take_its_organizations_places() {
        let mut queue = Queue::default();
        for _ in 0..LONGEST_OF_INSTANCE {
            assert!(queue.push(Lane::Background, who(1, 10), "background"));
        }
        assert!(!queue.push(Lane::Background, who(1, 10), "background"));
        assert!(queue.push(Lane::Background, who(1, 11), "other"));
    }

    #[test]
    fn background_makes_room_for_people() {
        let mut queue = Queue::default();
        for number in 0..LONGEST_OF_ONE as i64 {
            assert!(queue.push(Lane::Background, who(1, number % 4), "background"));
        }
        assert!(!queue.push(Lane::Background, who(1, 9), "background"));
        for number in 0..LONGEST_OF_ONE as i64 {
            assert!(queue.push(Lane::Interactive, who(1, number % 4), "person"));
            assert_eq!(queue.len(), LONGEST_OF_ONE);
        }
        assert!(!queue.push(Lane::Interactive, who(1, 9), "person"));
        assert_eq!(all(&mut queue), ["person"; LONGEST_OF_ONE]);
    }
}
