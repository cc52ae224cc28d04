//! How v1 shows records: linked ones as objects with the number in `value`, times without zone, counters, custom fields
//! flat among the rest.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::custom;
use super::resources::{
    ACTIVITIES, DEAL_PRODUCTS, DEALS, FILES, NOTES, ORGANIZATIONS, PERSONS, Resource,
};
use super::world::{Company, User as Member};
use crate::records::{Record, is, link, text};

/// What stands in a member of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Show {
    Same(&'static str),
    Time(&'static str),
    /// With `T`, `Z` and milliseconds, as leads have it.
    Milliseconds(&'static str),
    Text(&'static str),
    Not(&'static str),
    User(&'static str),
    Person(&'static str),
    Organization(&'static str),
    /// A linked record's member.
    NameOf(&'static str, &'static str, &'static str),
    /// The same in an object.
    NamedBy(&'static str, &'static str, &'static str),
    UserName(&'static str),
    /// The user who wrote it.
    Writer(&'static str),
    Count(&'static str),
    FirstLetter(&'static str),
    /// A part of an address.
    Part(&'static str, &'static str),
    First(&'static str),
    Joined(&'static str),
    Participants,
    Company,
    Mail,
    Zero,
    No,
    Null,
}

/// Name, table of what is counted, member that links it, what of it counts.
type Counter = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Record) -> bool,
);

const COUNTS: &[Counter] = &[
    ("activities_count", ACTIVITIES, "", |_| true),
    ("done_activities_count", ACTIVITIES, "", |row| {
        is(row, "done")
    }),
    ("undone_activities_count", ACTIVITIES, "", |row| {
        !is(row, "done")
    }),
    ("files_count", FILES, "", |_| true),
    ("notes_count", NOTES, "", |_| true),
    ("open_deals_count", DEALS, "", |row| row["status"] == "open"),
    ("closed_deals_count", DEALS, "", |row| {
        row["status"] != "open"
    }),
    ("won_deals_count", DEALS, "", |row| row["status"] == "won"),
    ("lost_deals_count", DEALS, "", |row| row["status"] == "lost"),
    ("people_count", PERSONS, "org_id", |_| true),
    ("products_count", DEAL_PRODUCTS, "deal_id", |_| true),
];

/// A counter's name, and the member that links what it counts.
type Counted = (&'static str, &'static str);

/// Shows the records of one answer; counters are counted once for all of them.
pub struct Shower<'a> {
    pub company: &'a Company,
    pub users: &'a BTreeMap<u64, Member>,
    counted: RefCell<HashMap<Counted, HashMap<u64, u64>>>,
    related: RefCell<BTreeMap<&'static str, Map<String, Value>>>,
}

impl<'a> Shower<'a> {
    pub fn new(company: &'a Company, users: &'a BTreeMap<u64, Member>) -> Self {
        Self {
            company,
            users,
            counted: RefCell::default(),
            related: RefCell::default(),
        }
    }

    pub fn v1(&self, resource: &Resource, record: &Record) -> Value {
        let mut shown = Map::new();
        for (name, show) in resource.v1_shape {
            shown.insert((*name).to_owned(), self.member(resource, record, *show));
        }
        if resource.custom {
            custom::flat(self.company, resource.table, record, &mut shown);
        }
        Value::Object(shown)
    }

    /// As held, without what is the simulator's own.
    pub fn v2(&self, resource: &Resource, record: &Record, includes: &[String]) -> Value {
        let mut shown: Map<String, Value> = record
            .iter()
            .filter(|(name, _)| !name.starts_with('~'))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if resource.custom {
            shown.insert(
                String::from("custom_fields"),
                custom::nested(self.company, resource.table, record),
            );
        }
        if resource.v2_includes.contains(&"attendees")
            && !includes.iter().any(|name| name == "attendees")
        {
            shown.remove("attendees");
        }
        for name in includes {
            let counter = COUNTS.iter().find(|(known, ..)| known == name);
            let value = match counter {
                Some((known, ..)) => self.member(resource, record, Show::Count(known)),
                None if name.ends_with("_count") => json!(0),
                None => shown.get(name).cloned().unwrap_or_default(),
            };
            shown.insert(name.clone(), value);
        }
        Value::Object(shown)
    }

    /// What answers carry beside the records: the linked ones that were shown.
    pub fn related(&self) -> Value {
        json!(*self.related.borrow())
    }

    fn member(&self, resource: &Resource, record: &Record, show: Show) -> Value {
        let held = |name: &str| record.get(name).cloned().unwrap_or_default();
        let linked = |name: &str, table: &str| {
            link(record, name).and_then(|id| self.company.records.get(table, id))
        };
        match show {
            Show::Same(name) => held(name),
            Show::Time(name) => text(record, name).map_or(Value::Null, |at| json!(time(at))),
            Show::Milliseconds(name) => {
                text(record, name).map_or(Value::Null, |at| json!(at.replace('Z', ".000Z")))
            }
            Show::Text(name) => match held(name) {
                Value::Null => Value::Null,
                value => json!(value.to_string()),
            },
            Show::Not(name) => json!(!is(record, name)),
            Show::User(name) => self.expanded("user", link(record, name)),
            Show::Person(name) => self.expanded("person", link(record, name)),
            Show::Organization(name) => self.expanded("organization", link(record, name)),
            Show::NameOf(name, table, member) => {
                linked(name, table).map_or(Value::Null, |row| row[member].clone())
            }
            Show::NamedBy(name, table, member) => {
                linked(name, table).map_or(Value::Null, |row| json!({ member: row[member] }))
            }
            Show::UserName(name) => {
                let user = link(record, name).and_then(|id| self.users.get(&id));
                user.map_or(Value::Null, |user| json!(user.name))
            }
            Show::Writer(name) => {
                let user = link(record, name).and_then(|id| self.users.get(&id));
                user.map_or(Value::Null, |user| json!({ "email": user.email, "icon_url": null, "is_you": true, "name": user.name }))
            }
            Show::Count(name) => json!(self.count(resource, record, name)),
            Show::FirstLetter(name) => {
                let first = text(record, name).and_then(|text| text.chars().next());
                first.map_or(Value::Null, |first| json!(first.to_lowercase().to_string()))
            }
            Show::Part(name, part) => record
                .get(name)
                .map_or(Value::Null, |address| address[part].clone()),
            Show::First(name) => held(name)[0].clone(),
            Show::Joined(name) => joined(&held(name)),
            Show::Participants => {
                let participants = held("participants");
                let rows = participants.as_array().into_iter().flatten();
                rows.map(|row| json!({ "person_id": row["person_id"], "primary_flag": row["primary"] == true })).collect()
            }
            Show::Company => json!(self.company.id),
            Show::Mail => json!(format!(
                "{}+{}{}@pipedrivemail.com",
                self.company.domain,
                resource.table,
                held("id").to_string().trim_matches('"')
            )),
            Show::Zero => json!(0),
            Show::No => json!(false),
            Show::Null => Value::Null,
        }
    }

    /// A linked record with its number in `value`; the same with `id` goes to what is related.
    fn expanded(&self, kind: &'static str, id: Option<u64>) -> Value {
        let Some(id) = id else {
            return Value::Null;
        };
        let row = match kind {
            "person" => self.company.records.get(PERSONS, id),
            "organization" => self.company.records.get(ORGANIZATIONS, id),
            _ => None,
        };
        let mut object = match (kind, row) {
            ("user", _) => {
                let user = self.users.get(&id);
                json!({
                    "name": user.map(|user| &user.name), "email": user.map(|user| &user.email), "has_pic": 0, "pic_hash": null,
                    "active_flag": user.is_some(),
                })
            }
            (_, None) => return Value::Null,
            ("person", Some(row)) => json!({
                "active_flag": !is(row, "is_deleted"), "name": row["name"], "email": row["emails"], "phone": row["phones"],
                "owner_id": row["owner_id"],
            }),
            (_, Some(row)) => json!({
                "name": row["name"], "people_count": self.counted(PERSONS, "org_id", "people_count", |_| true, id),
                "owner_id": row["owner_id"], "address": row["address"]["value"], "active_flag": !is(row, "is_deleted"),
                "cc_email": format!("{}@pipedrivemail.com", self.company.domain),
            }),
        };
        let mut related = object.clone();
        related["id"] = json!(id);
        self.related
            .borrow_mut()
            .entry(kind)
            .or_default()
            .insert(id.to_string(), related);
        object["value"] = json!(id);
        object
    }

    fn count(&self, resource: &Resource, record: &Record, name: &'static str) -> u64 {
        let Some((_, table, member, counts)) = COUNTS.iter().find(|(known, ..)| *known == name)
        else {
            return 0;
        };
        let member = match (*member, resource.table) {
            ("", PERSONS) => "person_id",
            ("", ORGANIZATIONS) => "org_id",
            ("", _) => "deal_id",
            (member, _) => member,
        };
        let id = link(record, "id").unwrap_or_default();
        self.counted(table, member, name, *counts, id)
    }

    fn counted(
        &self,
        table: &'static str,
        member: &'static str,
        name: &'static str,
        counts: fn(&Record) -> bool,
        id: u64,
    ) -> u64 {
        let mut counted = self.counted.borrow_mut();
        let by_id = counted.entry((name, member)).or_insert_with(|| {
            let mut by_id = HashMap::new();
            for row in self.company.records.rows(table) {
                if let Some(id) =
                    link(row, member).filter(|_| !is(row, "is_deleted") && counts(row))
                {
                    *by_id.entry(id).or_default() += 1;
                }
            }
            by_id
        });
        by_id.get(&id).copied().unwrap_or_default()
    }
}

/// The vendor's time format in v1: UTC, without a sign for it.
pub fn time(held: &str) -> String {
    held.replace('T', " ").trim_end_matches('Z').to_owned()
}

/// Numbers of a list with commas; nothing for none.
pub fn joined(list: &Value) -> Value {
    let entries: Vec<String> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect();
    match entries.is_empty() {
        true => Value::Null,
        false => json!(entries.join(",")),
    }
}
