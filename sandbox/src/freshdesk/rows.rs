//! What all resources share: reading bodies against their fields, wording what is wrong, pages of records, 201 and 204.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::accounts::{Account, now};
use super::errors::{self, Mistake, Refusal};
use super::resources::{AGENTS, CONTACTS, GROUPS};
use super::v2::{Outcome, Visit};
use crate::answer;
use crate::records::fields::{Check, Fault, Field, Problem};
use crate::records::multipart::{self, Part};
use crate::records::{Full, Record};

/// A member with this sign before its name is the simulator's, never shown.
const HIDDEN: char = '~';

/// The call costs so much more than one, as an extension of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Credits(pub u64);

/// A body's fields in their held form, and the files that came along.
pub fn read(
    visit: &Visit<'_>,
    fields: &'static [Field],
    creating: bool,
) -> Result<(Record, Vec<Part>), Refusal> {
    let (given, files, problems) = collect(visit, fields, creating)?;
    refuse(problems.into_iter().map(worded).collect())?;
    Ok((given, files))
}

/// The same with what is wrong, for resources that have more to say.
pub fn collect(
    visit: &Visit<'_>,
    fields: &'static [Field],
    creating: bool,
) -> Result<(Record, Vec<Part>, Vec<Problem>), Refusal> {
    let (body, files, lenient) = match multipart::parts(visit.call) {
        None => (visit.body()?, Vec::new(), false),
        Some(parts) => {
            let parts = parts.map_err(|_| errors::invalid_body())?;
            let (files, texts): (Vec<Part>, Vec<Part>) =
                parts.into_iter().partition(|part| part.file_name.is_some());
            (tree(&texts), files, true)
        }
    };
    let account = &visit.account;
    let check = Check {
        fields,
        creating,
        lenient,
        forgiving: false,
        exists: &|table, id| exists(account, table, id),
    };
    let (given, problems) = check.read(body);
    Ok((given, files, problems))
}

/// Agents are people too: they may be meant where a contact is.
fn exists(account: &Account, table: &'static str, id: u64) -> bool {
    match table {
        AGENTS => account.agents.contains_key(&id),
        GROUPS => account.groups.contains_key(&id),
        CONTACTS => account.records.has(CONTACTS, id) || account.agents.contains_key(&id),
        _ => account.records.has(table, id),
    }
}

/// `name[]` makes lists, `name[key]` dictionaries.
fn tree(parts: &[Part]) -> Map<String, Value> {
    let mut body = Map::new();
    for part in parts {
        let text = json!(part.text());
        match part
            .name
            .strip_suffix(']')
            .and_then(|name| name.split_once('['))
        {
            None => drop(body.insert(part.name.clone(), text)),
            Some((name, "")) => match body.entry(name).or_insert_with(|| json!([])) {
                Value::Array(list) => list.push(text),
                other => *other = text,
            },
            Some((name, key)) => {
                let entry = body.entry(name).or_insert_with(|| json!({}));
                if let Value::Object(members) = entry {
                    members.insert(key.to_owned(), text);
                }
            }
        }
    }
    body
}

/// The vendor's words. Those for lengths, formats and unknown records are unverified.
pub fn worded(problem: Problem) -> Mistake {
    let field = problem.field.as_str();
    match problem.fault {
        Fault::Missing => Mistake::missing(field),
        Fault::Unknown => Mistake::unknown(field),
        Fault::Type(wanted) => Mistake::wrong_type(
            field,
            match wanted {
                "string" => "String",
                "integer" => "Positive Integer",
                "number" => "Number",
                "boolean" => "Boolean",
                "array" => "Array",
                _ => "key/value pair",
            },
        ),
        Fault::NotOneOf(values) => {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            Mistake::not_one_of(field, &values)
        }
        Fault::TooLong(most) => {
            let message = format!("It should have a maximum of {most} characters");
            Mistake::new(field, "invalid_value", message)
        }
        Fault::NoSuch(table) => {
            let message = format!(
                "There is no {} matching the given {field}",
                table.trim_end_matches('s')
            );
            Mistake::new(field, "invalid_value", message)
        }
        Fault::Form(form) => {
            let message = format!("It should be in the 'valid {form}' format");
            Mistake::new(field, "invalid_value", message)
        }
    }
}

pub fn refuse(mistakes: Vec<Mistake>) -> Result<(), Refusal> {
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Fields(StatusCode::BAD_REQUEST, mistakes)),
    }
}

/// 409: another record has the value already.
pub fn duplicate(field: &str, id: u64, kind: &str) -> Refusal {
    let mut mistake = Mistake::new(field, "duplicate_value", "It should be a unique value");
    // Unverified.
    mistake.additional_info = Some(json!({ kind: id }));
    Refusal::Fields(StatusCode::CONFLICT, vec![mistake])
}

/// 405: the record is not in a state to be changed.
pub fn frozen(visit: &Visit<'_>) -> Refusal {
    Refusal::WrongMethod {
        used: visit.call.method.to_string(),
        allow: String::from("GET"),
    }
}

/// A record without what is the simulator's.
pub fn bare(record: &Record) -> Record {
    let members = record.iter().filter(|(name, _)| !name.starts_with(HIDDEN));
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

pub fn without(mut record: Record, names: &[&str]) -> Value {
    for name in names {
        record.remove(*name);
    }
    Value::Object(record)
}

/// What was given goes over what stood there; dictionaries are merged, since only sent keys change.
pub fn merge(record: &mut Record, given: Record) {
    for (name, value) in given {
        match (record.get_mut(&name), value) {
            (Some(Value::Object(held)), Value::Object(members)) => held.extend(members),
            (_, value) => drop(record.insert(name, value)),
        }
    }
}

pub fn stamp(record: &mut Record, creating: bool) {
    let now = json!(now());
    if creating {
        record.insert(String::from("created_at"), now.clone());
    }
    record.insert(String::from("updated_at"), now);
}

/// 201 with the place of what was made.
pub fn created(visit: &Visit<'_>, path: &str, body: &impl Serialize) -> answer::Answer {
    let mut answer = answer::json(StatusCode::CREATED, body);
    let location = format!("https://{}/api/v2/{path}", visit.account.host());
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

pub fn no_content() -> Outcome {
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// The sandbox itself has no room, in the vendor's form so that callers can read it.
pub fn full(Full(text): Full) -> Refusal {
    Refusal::Bare(
        StatusCode::INSUFFICIENT_STORAGE,
        json!({ "code": "sandbox_is_full", "message": text }),
    )
}

/// One page of records, shown each in its way; afterwards happens what a control call asked for.
pub fn page(
    visit: &mut Visit<'_>,
    table: &'static str,
    rows: &[Record],
    show: impl Fn(&Visit<'_>, &Record) -> Value,
) -> Outcome {
    let (from, to) = visit.query.range(rows.len())?;
    let shown: Vec<Value> = rows[from..to].iter().map(|row| show(visit, row)).collect();
    let (host, path) = (visit.account.host(), visit.call.path.as_str());
    let answer = visit.query.answer(&shown, to < rows.len(), &host, path)?;
    let ids = |rows: &[Record]| {
        rows.iter()
            .filter_map(|row| row["id"].as_u64())
            .collect::<Vec<u64>>()
    };
    let next = rows.get(to).and_then(|row| row["id"].as_u64());
    let now = now();
    let touched = [("updated_at", now.as_str())];
    visit
        .account
        .records
        .stir(table, &ids(&rows[from..to]), next, &touched);
    Ok(answer)
}
