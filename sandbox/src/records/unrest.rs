//! What happens to a table while somebody pages through it: switched on by control calls, done after a page was served.

use serde::{Deserialize, Serialize};

/// So often, after a page of the table was served, one record changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unrest {
    pub table: String,
    pub change: Change,
    #[serde(default = "once")]
    pub times: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The first record after the page changes now, so that it moves where lists go by time of change.
    Touch,
    /// The first record of the page is deleted for good, so that all behind it move up.
    Remove,
    /// A copy of the first record of the page is made now.
    Copy,
}

fn once() -> u64 {
    1
}

impl super::Store {
    /// Does what is due after a page of a table: `served` are the numbers on it, `next` the first one behind it.
    pub fn stir(
        &mut self,
        table: &'static str,
        served: &[u64],
        next: Option<u64>,
        touched: &[(&str, &str)],
    ) {
        let due = |unrest: &&mut Unrest| unrest.table == table && unrest.times > 0;
        let Some(unrest) = self.unrest.iter_mut().find(due) else {
            return;
        };
        let meant = match unrest.change {
            Change::Touch => next,
            Change::Remove | Change::Copy => served.first().copied(),
        };
        let Some(id) = meant else {
            return;
        };
        unrest.times -= 1;
        let change = unrest.change;
        let mut record = match change {
            Change::Remove => {
                self.remove(table, id);
                return;
            }
            Change::Touch | Change::Copy => self.get(table, id).cloned().unwrap_or_default(),
        };
        for (member, value) in touched {
            record.insert((*member).to_owned(), (*value).into());
        }
        match change {
            Change::Touch => self.replace(table, id, record),
            // An account that is full has no room for the copy; nothing else is lost by that.
            _ => drop(self.insert(table, record)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Record, Store};

    fn store(change: Change) -> Store {
        let mut store = Store::default();
        for _ in 0..4 {
            assert!(store.insert("things", Record::new()).is_ok());
        }
        let table = String::from("things");
        store.unrest.push(Unrest {
            table,
            change,
            times: 1,
        });
        store
    }

    #[test]
    fn it_happens_as_often_as_asked_and_only_to_its_table() {
        let mut store = store(Change::Remove);
        store.stir("others", &[1, 2], Some(3), &[]);
        assert_eq!(store.rows("things").count(), 4);
        store.stir("things", &[1, 2], Some(3), &[]);
        assert!(!store.has("things", 1));
        store.stir("things", &[2, 3], Some(4), &[]);
        assert_eq!(store.rows("things").count(), 3);
    }

    #[test]
    fn the_next_record_is_touched_and_the_first_is_copied() {
        let mut touched = store(Change::Touch);
        touched.stir("things", &[1, 2], Some(3), &[("at", "now")]);
        assert_eq!(
            touched.get("things", 3).map(|row| &row["at"]),
            Some(&"now".into())
        );
        let mut copied = store(Change::Copy);
        copied.stir("things", &[1, 2], Some(3), &[("at", "now")]);
        assert_eq!(
            copied.get("things", 5).map(|row| &row["at"]),
            Some(&"now".into())
        );
    }
}
