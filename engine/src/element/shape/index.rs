//! What is known of a record's members, by the vendor's names, so that a record is read once.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{Form, Lifted, Member, Slot};

/// Made once of a definition. Names that it speaks of have numbers; what is added to a record comes in
/// the definition's order.
#[derive(Debug, Default)]
pub struct Index {
    numbers: HashMap<String, usize>,
    /// By number: the member that is shown in another form under its own name.
    in_place: Vec<Option<usize>>,
    /// By member.
    pub members: Vec<Indexed>,
    pub added: Vec<Added>,
    /// The number of the object that members are lifted out of.
    pub lifted: Option<usize>,
    /// Of each slot: the number of its list, and what its items become.
    pub slots: Vec<(usize, Vec<Added>)>,
}

/// What is written for a member.
#[derive(Debug)]
pub struct Indexed {
    /// Names of the form's object, as they are written, with quotes and colon.
    pub keys: Vec<String>,
    /// Of each item of a list.
    pub inside: Index,
}

/// A member that the vendor's record has not.
#[derive(Debug)]
pub struct Added {
    pub number: usize,
    /// With quotes and colon.
    pub key: String,
    /// The number of what it is made of.
    pub of: usize,
    /// Which member it is.
    pub member: usize,
    /// The one of an object's parts that it is; `None`: the whole.
    pub part: Option<String>,
}

impl Index {
    pub fn of(members: &[Member], lifted: Option<&Lifted>, slots: &[Slot]) -> Self {
        let mut index = Self::default();
        for (position, member) in members.iter().enumerate() {
            index.members.push(Indexed {
                keys: member.members.iter().map(|name| key(name)).collect(),
                inside: Self::of(&member.inside, None, &[]),
            });
            if !member.is_shown() {
                continue;
            }
            let of = index.number_of(&member.of);
            if !member.is_in_place() {
                index.add(&member.name, of, position, None);
            } else if let Some(place) = index.in_place.get_mut(of) {
                place.get_or_insert(position);
            }
            let parts = member.members.iter().skip(1);
            for part in parts.filter(|_| member.form == Form::Parts) {
                let name = format!("{}_{part}", member.name);
                index.add(&name, of, position, Some(part.clone()));
            }
        }
        index.lifted = lifted.map(|lifted| index.number_of(&lifted.of));
        for (position, slot) in slots.iter().enumerate() {
            let list = index.number_of(&slot.list);
            let items = (1..=slot.count).map(|number| {
                let name = slot.named(number);
                Added {
                    number: index.number_of(&name),
                    key: key(&name),
                    of: list,
                    member: position,
                    part: None,
                }
            });
            let items = items.collect();
            index.slots.push((list, items));
        }
        index
    }

    /// How many names have numbers.
    pub fn names(&self) -> usize {
        self.in_place.len()
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// The member that is shown in another form under the name of this number.
    pub fn in_place(&self, number: usize) -> Option<usize> {
        self.in_place.get(number).copied().flatten()
    }

    fn number_of(&mut self, name: &str) -> usize {
        if let Some(number) = self.number(name) {
            return number;
        }
        let number = self.in_place.len();
        self.numbers.insert(name.to_owned(), number);
        self.in_place.push(None);
        number
    }

    fn add(&mut self, name: &str, of: usize, member: usize, part: Option<String>) {
        let number = self.number_of(name);
        self.added.push(Added {
            number,
            key: key(name),
            of,
            member,
            part,
        });
    }
}

/// A name as JSON has it before its value.
fn key(name: &str) -> String {
    format!("{}:", Json::from(name))
}
