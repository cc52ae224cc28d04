//! Records of the stock modules: create, list, read, change, delete, and what is linked to a record.
//!
//! Which fields a module requires and what the limits of a list are is the site's, so none is refused here but a missing
//! name (unverified). Filters of lists are not simulated: a call with one is refused, so that nobody takes the whole list
//! for its answer.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::sites::Site;
use super::token::Outcome;
use crate::answer;
use crate::form::Form;
use crate::vendor::Call;

pub type Record = Map<String, Value>;

/// So many records one site holds.
const MOST: usize = 20_000;
/// Of a page that says no size.
const PAGE: usize = 20;
/// `max_list_limit` of a stock site (the figure is unverified).
const LARGEST_PAGE: usize = 1000;

/// Module, and the name of the link that leads to it from another module.
const MODULES: [(&str, &str); 10] = [
    ("Accounts", "accounts"),
    ("Contacts", "contacts"),
    ("Leads", "leads"),
    ("Opportunities", "opportunities"),
    ("Campaigns", "campaigns"),
    ("Cases", "cases"),
    ("Tasks", "tasks"),
    ("Calls", "calls"),
    ("Meetings", "meetings"),
    ("Notes", "notes"),
];

/// Members that the site writes alone; what a caller sends for them counts for nothing.
const OWN: [&str; 11] = [
    "id",
    "date_entered",
    "date_modified",
    "modified_user_id",
    "modified_by_name",
    "created_by",
    "created_by_name",
    "deleted",
    "_acl",
    "_module",
    "assigned_user_name",
];

/// The records of one site.
#[derive(Debug, Default)]
pub struct Records {
    by_module: BTreeMap<&'static str, Vec<Record>>,
    /// Module and id of both ends, the one that was asked for the link first.
    links: Vec<[(&'static str, String); 2]>,
}

/// What a call of a session's user is about.
#[derive(Debug)]
pub struct Visit<'a> {
    pub call: &'a Call,
    pub made: Made<'a>,
    pub parameters: &'a [&'a str],
}

/// Who writes, and when, as records have it.
#[derive(Debug)]
pub struct Made<'a> {
    pub by: &'a str,
    pub at: String,
}

impl Visit<'_> {
    fn module(&self) -> Result<&'static str, Refusal> {
        let named = self.parameters.first().copied().unwrap_or_default();
        let module = MODULES.iter().find(|(module, _)| *module == named);
        Ok(module.ok_or(Refusal::NOT_FOUND)?.0)
    }

    fn id(&self) -> &str {
        self.parameters.get(1).copied().unwrap_or_default()
    }

    fn linked_module(&self) -> Result<&'static str, Refusal> {
        let named = self.parameters.get(2).copied().unwrap_or_default();
        let link = MODULES.iter().find(|(_, link)| *link == named);
        Ok(link.ok_or(Refusal::NOT_FOUND)?.0)
    }

    fn linked_id(&self) -> &str {
        self.parameters.get(3).copied().unwrap_or_default()
    }

    fn body(&self) -> Result<Record, Refusal> {
        match serde_json::from_slice(&self.call.body) {
            Ok(Value::Object(mut members)) => {
                members.retain(|name, _| !OWN.contains(&name.as_str()));
                Ok(members)
            }
            _ => Err(Refusal::UNREADABLE),
        }
    }
}

impl Records {
    fn of(&self, module: &str) -> &[Record] {
        self.by_module.get(module).map_or(&[], Vec::as_slice)
    }

    fn get(&self, module: &str, id: &str) -> Result<&Record, Refusal> {
        let mut records = self.of(module).iter();
        let found = records.find(|record| record["id"] == id);
        found.ok_or(Refusal::NO_RECORD)
    }

    fn insert(
        &mut self,
        module: &'static str,
        mut record: Record,
        made: &Made<'_>,
    ) -> Result<String, Refusal> {
        if self.by_module.values().map(Vec::len).sum::<usize>() >= MOST {
            return Err(Refusal::FULL);
        }
        let person = module == "Contacts" || module == "Leads";
        let wanted = if person { "last_name" } else { "name" };
        // A case without a name is taken.
        if module != "Cases" && !record.get(wanted).is_some_and(Value::is_string) {
            return Err(Refusal::NO_NAME);
        }
        let id = uuid::Uuid::new_v4().to_string();
        record.insert(String::from("id"), json!(id));
        if person {
            let parts = ["first_name", "last_name"].map(|part| record.get(part));
            let parts = parts.into_iter().flatten().filter_map(Value::as_str);
            let name = parts.collect::<Vec<_>>().join(" ");
            record.insert(String::from("name"), json!(name));
        }
        for (name, value) in [
            ("date_entered", json!(made.at)),
            ("created_by", json!(made.by)),
            ("deleted", json!(false)),
            ("_acl", json!({ "fields": {} })),
            ("_module", json!(module)),
        ] {
            record.insert(name.to_owned(), value);
        }
        touch(&mut record, made);
        self.by_module.entry(module).or_default().push(record);
        Ok(id)
    }

    /// Ids of the records of `other` that are linked to this one.
    fn linked(&self, module: &str, id: &str, other: &str) -> Vec<&str> {
        let near = |end: &(&str, String)| end.0 == module && end.1 == id;
        let ends = self.links.iter().filter_map(|[one, two]| {
            let far = if near(one) { two } else { one };
            (near(one) || near(two)).then_some(far)
        });
        ends.filter(|far| far.0 == other)
            .map(|far| far.1.as_str())
            .collect()
    }
}

fn touch(record: &mut Record, made: &Made<'_>) {
    record.insert(String::from("date_modified"), json!(made.at));
    record.insert(String::from("modified_user_id"), json!(made.by));
}

fn ok(body: &Value) -> Outcome {
    Ok(answer::json(StatusCode::OK, body))
}

/// One page; a list that is sorted by nothing comes in the order of the records' making (unverified).
fn page(records: &[&Record], call: &Call) -> Outcome {
    let query = Form::query(call.query.as_deref().unwrap_or_default());
    let filtered = |(name, _): &(String, String)| name.starts_with("filter") || name == "q";
    if query.pairs().iter().any(filtered) {
        return Err(Refusal::NO_FILTER);
    }
    let number = |name: &str, usual: usize| match query.filled(name) {
        Some(text) => text.parse().map_err(|_| Refusal::NO_NUMBER),
        None => Ok(usual),
    };
    let offset = number("offset", 0)?;
    let size = number("max_num", PAGE)?.clamp(1, LARGEST_PAGE);
    let mut sorted = records.to_vec();
    for key in query.filled("order_by").unwrap_or_default().rsplit(',') {
        let (field, direction) = key.split_once(':').unwrap_or((key, "ASC"));
        let text = |record: &Record| record.get(field).map(Value::to_string);
        if direction.eq_ignore_ascii_case("desc") {
            sorted.sort_by_key(|record| std::cmp::Reverse(text(record)));
        } else {
            sorted.sort_by_key(|record| text(record));
        }
    }
    let end = offset.saturating_add(size);
    let next = if end < sorted.len() {
        json!(end)
    } else {
        json!(-1)
    };
    let page: Vec<&&Record> = sorted.iter().skip(offset).take(size).collect();
    ok(&json!({ "next_offset": next, "records": page }))
}

pub fn list(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let all: Vec<&Record> = site.records.of(visit.module()?).iter().collect();
    page(&all, visit.call)
}

pub fn count(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let count = site.records.of(visit.module()?).len();
    ok(&json!({ "record_count": count }))
}

pub fn create(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let module = visit.module()?;
    let id = site.records.insert(module, visit.body()?, &visit.made)?;
    ok(&json!(site.records.get(module, &id)?))
}

pub fn read(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    ok(&json!(site.records.get(visit.module()?, visit.id())?))
}

pub fn change(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let body = visit.body()?;
    let mut records = site
        .records
        .by_module
        .entry(visit.module()?)
        .or_default()
        .iter_mut();
    let record = records.find(|record| record["id"] == visit.id());
    let record = record.ok_or(Refusal::NO_RECORD)?;
    record.extend(body);
    touch(record, &visit.made);
    ok(&json!(record))
}

pub fn delete(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let (module, id) = (visit.module()?, visit.id());
    site.records.get(module, id)?;
    let held = &mut site.records;
    held.by_module
        .entry(module)
        .or_default()
        .retain(|record| record["id"] != id);
    held.links
        .retain(|ends| !ends.iter().any(|end| end.0 == module && end.1 == id));
    ok(&json!({ "id": id }))
}

pub fn linked(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let (module, other) = (visit.module()?, visit.linked_module()?);
    site.records.get(module, visit.id())?;
    let ids = site.records.linked(module, visit.id(), other);
    let records = ids.iter().filter_map(|id| site.records.get(other, id).ok());
    let records: Vec<&Record> = records.collect();
    page(&records, visit.call)
}

pub fn create_linked(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let (module, other) = (visit.module()?, visit.linked_module()?);
    site.records.get(module, visit.id())?;
    let new = site.records.insert(other, visit.body()?, &visit.made)?;
    let ends = [(module, visit.id().to_owned()), (other, new.clone())];
    site.records.links.push(ends);
    both(site, visit, &new)
}

/// Links a record that is there already.
pub fn link(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let (module, other) = (visit.module()?, visit.linked_module()?);
    site.records.get(module, visit.id())?;
    site.records.get(other, visit.linked_id())?;
    let known = site.records.linked(module, visit.id(), other);
    if !known.contains(&visit.linked_id()) {
        let ends = [
            (module, visit.id().to_owned()),
            (other, visit.linked_id().to_owned()),
        ];
        site.records.links.push(ends);
    }
    both(site, visit, visit.linked_id())
}

pub fn read_linked(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let other = is_linked(site, visit)?;
    ok(&json!(site.records.get(other, visit.linked_id())?))
}

/// The record itself stays.
pub fn unlink(site: &mut Site, visit: &Visit<'_>) -> Outcome {
    let other = is_linked(site, visit)?;
    let module = visit.module()?;
    let near = (module, visit.id().to_owned());
    let far = (other, visit.linked_id().to_owned());
    site.records
        .links
        .retain(|[one, two]| !((*one == near && *two == far) || (*one == far && *two == near)));
    both(site, visit, visit.linked_id())
}

fn is_linked(site: &Site, visit: &Visit<'_>) -> Result<&'static str, Refusal> {
    let (module, other) = (visit.module()?, visit.linked_module()?);
    let linked = site.records.linked(module, visit.id(), other);
    match linked.contains(&visit.linked_id()) {
        true => Ok(other),
        false => Err(Refusal::NO_RECORD),
    }
}

fn both(site: &Site, visit: &Visit<'_>, related: &str) -> Outcome {
    let record = site.records.get(visit.module()?, visit.id())?;
    let related = site.records.get(visit.linked_module()?, related)?;
    ok(&json!({ "record": record, "related_record": related }))
}

/// Enough accounts that a stock page does not hold them, with contacts below the first.
pub fn seeded() -> Records {
    let mut records = Records::default();
    for number in 1..=45_u64 {
        let made = Made {
            by: "1",
            at: format!("2026-01-05T08:{number:02}:00-04:00"),
        };
        let mut named = |module, body: Value| {
            let body = body.as_object().cloned().unwrap_or_default();
            records.insert(module, body, &made).unwrap_or_default()
        };
        let account = named(
            "Accounts",
            json!({ "name": format!("Account {number:02}"), "industry": "Banking" }),
        );
        let contact = named(
            "Contacts",
            json!({ "first_name": "Ann", "last_name": format!("Person {number:02}") }),
        );
        let ends = [("Accounts", account), ("Contacts", contact)];
        records.links.push(ends);
    }
    records
}
