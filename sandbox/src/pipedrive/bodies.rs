//! Bodies as callers send them: from the names and forms of v1 to those of v2, and checked against a resource's fields.

use serde_json::{Map, Value, json};

use super::custom;
use super::errors::{self, Refusal};
use super::resources::{ACTIVITIES, USERS};
use super::visit::{Version, Visit};
use crate::records::fields::{Check, Fault, Field, Problem};
use crate::records::{Record, is};

/// A body in the names of v2, checked.
pub fn read(visit: &Visit<'_>, creating: bool) -> Result<Record, Refusal> {
    let mut body = visit.body()?;
    if visit.version == Version::One {
        body = renamed(visit, body);
    }
    checked(visit, body, creating)
}

fn checked(visit: &Visit<'_>, body: Map<String, Value>, creating: bool) -> Result<Record, Refusal> {
    checked_as(visit, visit.resource.fields, body, creating)
}

/// A body against fields that are not those of the call's resource.
pub fn checked_as(
    visit: &Visit<'_>,
    fields: &'static [Field],
    body: Map<String, Value>,
    creating: bool,
) -> Result<Record, Refusal> {
    let (store, users) = (visit.store(), &visit.world.users);
    let check = Check {
        fields,
        creating,
        lenient: visit.version == Version::One,
        forgiving: visit.version == Version::One,
        exists: &|table, id| match table {
            USERS => users.contains_key(&id),
            table => store
                .get(table, id)
                .is_some_and(|row| !is(row, "is_deleted")),
        },
    };
    let (given, mut problems) = check.read(body);
    if let Some(custom) = given.get("custom_fields").filter(|_| visit.resource.custom) {
        problems.extend(custom::problems(
            visit.company(),
            visit.resource.table,
            custom,
        ));
    }
    match problems.into_iter().next() {
        None => Ok(given),
        Some(problem) => Err(worded(visit, problem)),
    }
}

/// What is wrong first. All texts of v1 are unverified.
fn worded(visit: &Visit<'_>, problem: Problem) -> Refusal {
    let field = problem.field.as_str();
    let text = match &problem.fault {
        Fault::Missing if visit.version == Version::One => {
            return errors::invalid(visit.resource.missing);
        }
        Fault::Missing => format!("{field}: Required"),
        Fault::Unknown => format!("{field}: Unrecognized key"),
        Fault::Type(wanted) => format!("{field}: Expected {wanted}"),
        Fault::NotOneOf(values) => format!("{field}: must be one of {}", values.join(", ")),
        Fault::TooLong(most) => format!("{field}: must contain at most {most} characters"),
        Fault::NoSuch(table) => format!("{field}: no such record among {table}"),
        Fault::Form(form) => format!("{field}: is no {form}"),
    };
    match visit.version {
        Version::One => errors::invalid(&text),
        Version::Two => errors::schema(&text),
    }
}

/// From the names and forms of v1 to those of v2.
fn renamed(visit: &Visit<'_>, mut body: Map<String, Value>) -> Map<String, Value> {
    for (old, new) in visit.resource.v1_names {
        if let Some(value) = body.remove(*old) {
            body.insert((*new).to_owned(), value);
        }
    }
    if visit.resource.custom {
        custom::gather(visit.company(), visit.resource.table, &mut body);
    }
    for name in ["emails", "phones"] {
        if let Some(value) = body.remove(name) {
            body.insert(name.to_owned(), values(value));
        }
    }
    if let Some(label) = body.remove("label_ids") {
        let list = match label {
            Value::Number(_) => json!([label]),
            Value::String(list) => list
                .split(',')
                .filter_map(|id| id.trim().parse::<u64>().ok())
                .map(Value::from)
                .collect(),
            Value::Null => json!([]),
            other => other,
        };
        body.insert(String::from("label_ids"), list);
    }
    for name in ["address", "location"] {
        if let Some(Value::String(text)) = body.get(name) {
            let text = json!({ "value": text, "formatted_address": text });
            body.insert(name.to_owned(), text);
        }
    }
    if let Some(Value::Array(participants)) = body.get_mut("participants") {
        for participant in participants.iter_mut().filter_map(Value::as_object_mut) {
            let primary = participant.remove("primary_flag").unwrap_or(json!(false));
            participant.entry("primary").or_insert(primary);
        }
    } else if let Some(person) = body
        .get("person_id")
        .filter(|person| !person.is_null() && visit.resource.table == ACTIVITIES)
    {
        let participants = json!([{ "person_id": person, "primary": true }]);
        body.insert(String::from("participants"), participants);
    }
    body
}

/// A text, texts or objects: addresses and numbers come in all three forms.
fn values(value: Value) -> Value {
    let one = |value: Value, primary: bool| match value {
        Value::String(text) => json!({ "value": text, "primary": primary, "label": "work" }),
        mut other => {
            if let Some(members) = other.as_object_mut() {
                members.entry("primary").or_insert(json!(primary));
                members.entry("label").or_insert(json!("work"));
            }
            other
        }
    };
    match value {
        Value::Array(list) => list
            .into_iter()
            .enumerate()
            .map(|(place, value)| one(value, place == 0))
            .collect(),
        Value::Null => json!([]),
        value => json!([one(value, true)]),
    }
}
