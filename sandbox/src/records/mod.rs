//! Records with real state for vendors that have resources: tables, checked fields, order, pages, files and seeds.
//!
//! A vendor says in tables of data which fields a resource has and how it words refusals; nothing here knows a vendor.

pub mod fields;
pub mod multipart;
pub mod order;
pub mod seeds;
pub mod times;
pub mod unrest;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use unrest::Unrest;

/// One record as the vendor holds it, in the member names of its newest API.
pub type Record = Map<String, Value>;

/// So many records one account holds, unless a control call says otherwise.
pub const MOST: usize = 20_000;
/// So many bytes of files.
pub const MOST_BYTES: usize = 128 * 1024 * 1024;

/// The account holds as much as the sandbox lets it.
#[derive(Debug, PartialEq, Eq)]
pub struct Full(pub String);

/// The records of one account.
#[derive(Debug, Default)]
pub struct Store {
    tables: BTreeMap<&'static str, BTreeMap<u64, Record>>,
    last_ids: BTreeMap<&'static str, u64>,
    /// The bytes behind records that stand for files.
    files: BTreeMap<(&'static str, u64), Bytes>,
    /// The highest number of records; nothing means the usual one.
    pub most: Option<usize>,
    /// What happens behind a reader's back.
    pub unrest: Vec<Unrest>,
    /// Whether rows with equal sort keys come in another order with every call.
    pub shifting_ties: bool,
    calls: u64,
}

impl Store {
    /// The records of a table in the order of their ids.
    pub fn rows(&self, table: &str) -> impl Iterator<Item = &Record> {
        self.tables
            .get(table)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    pub fn get(&self, table: &str, id: u64) -> Option<&Record> {
        self.tables.get(table)?.get(&id)
    }

    pub fn get_mut(&mut self, table: &str, id: u64) -> Option<&mut Record> {
        self.tables.get_mut(table)?.get_mut(&id)
    }

    pub fn has(&self, table: &str, id: u64) -> bool {
        self.get(table, id).is_some()
    }

    /// The first number that a table gives; without it tables begin with 1.
    pub fn begin(&mut self, table: &'static str, first: u64) {
        self.last_ids.insert(table, first.saturating_sub(1));
    }

    pub fn next_id(&mut self, table: &'static str) -> u64 {
        let last = self.last_ids.entry(table).or_default();
        *last += 1;
        *last
    }

    /// Puts a new record in and gives it its number.
    pub fn insert(&mut self, table: &'static str, mut record: Record) -> Result<u64, Full> {
        self.room()?;
        let id = self.next_id(table);
        record.insert(String::from("id"), json!(id));
        self.tables.entry(table).or_default().insert(id, record);
        Ok(id)
    }

    /// Puts a record back under its number.
    pub fn replace(&mut self, table: &'static str, id: u64, record: Record) {
        self.tables.entry(table).or_default().insert(id, record);
    }

    pub fn remove(&mut self, table: &str, id: u64) -> Option<Record> {
        self.files
            .retain(|(own, number), _| *own != table || *number != id);
        self.tables.get_mut(table)?.remove(&id)
    }

    pub fn retain(&mut self, table: &str, keep: impl Fn(&Record) -> bool) {
        if let Some(rows) = self.tables.get_mut(table) {
            rows.retain(|_, record| keep(record));
        }
    }

    /// Keeps the bytes that belong to a record.
    pub fn keep_file(&mut self, table: &'static str, id: u64, bytes: Bytes) -> Result<(), Full> {
        let held: usize = self.files.values().map(Bytes::len).sum();
        if held + bytes.len() > MOST_BYTES {
            let text = format!("the sandbox keeps at most {MOST_BYTES} bytes of files per account");
            return Err(Full(text));
        }
        self.files.insert((table, id), bytes);
        Ok(())
    }

    pub fn file(&self, table: &'static str, id: u64) -> Option<&Bytes> {
        self.files.get(&(table, id))
    }

    /// A number that differs from call to call, for ties that shift.
    pub fn ties(&mut self) -> order::Ties {
        self.calls += 1;
        match self.shifting_ties {
            true => order::Ties::Shifting(self.calls),
            false => order::Ties::ById,
        }
    }

    /// How many records there are in each table, for the eyes of tests.
    pub fn counts(&self) -> Value {
        let tables = self.tables.iter();
        Value::Object(
            tables
                .map(|(name, rows)| ((*name).to_owned(), json!(rows.len())))
                .collect(),
        )
    }

    fn room(&self) -> Result<(), Full> {
        let most = self.most.unwrap_or(MOST);
        let held: usize = self.tables.values().map(BTreeMap::len).sum();
        if held < most {
            return Ok(());
        }
        Err(Full(format!(
            "the sandbox keeps at most {most} records per account; a control call raises it"
        )))
    }
}

/// A member as text; absent and null are the same.
pub fn text<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    record.get(name)?.as_str()
}

/// A member as the number of another record.
pub fn link(record: &Record, name: &str) -> Option<u64> {
    record.get(name)?.as_u64()
}

/// Whether a member is there and true.
pub fn is(record: &Record, name: &str) -> bool {
    record.get(name).is_some_and(|value| *value == true)
}

/// Whether this is the number that a path or a query means.
pub fn is_number(value: &Value, wanted: &str) -> bool {
    let number = value.as_u64();
    number.is_some_and(|number| wanted == number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Record {
        let mut record = Record::new();
        record.insert(String::from("name"), json!(name));
        record
    }

    #[test]
    fn tables_count_apart_and_numbers_are_never_given_twice() {
        let mut store = Store::default();
        store.begin("late", 100);
        assert_eq!(store.insert("early", named("a")), Ok(1));
        assert_eq!(store.insert("late", named("b")), Ok(100));
        assert_eq!(store.insert("late", named("c")), Ok(101));
        store.remove("late", 101);
        assert_eq!(store.insert("late", named("d")), Ok(102));
        assert_eq!(store.counts(), json!({ "early": 1, "late": 2 }));
        assert_eq!(
            store.get("late", 102).map(|row| &row["id"]),
            Some(&json!(102))
        );
    }

    #[test]
    fn a_full_account_says_so() {
        let mut store = Store {
            most: Some(1),
            ..Store::default()
        };
        assert_eq!(store.insert("a", named("a")), Ok(1));
        let full = store.insert("b", named("b"));
        assert!(full.is_err_and(|Full(text)| text.contains("at most 1 records")));
        let large = Bytes::from(vec![0; MOST_BYTES + 1]);
        assert!(store.keep_file("a", 1, large).is_err());
        assert!(store.file("a", 1).is_none());
    }
}
