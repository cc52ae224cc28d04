//! Custom fields: keys of forty hexadecimal digits, values in the form of each type, flat in v1 and nested in v2.

use serde_json::{Map, Value, json};

use super::resources::{CUSTOM_FIELDS, DEALS, LEADS, ORGANIZATIONS, PERSONS, USERS};
use super::shape::joined;
use super::world::Company;
use crate::records::fields::{Fault, Problem};
use crate::records::{Record, is, text, times};

/// Types of fields that callers may make.
pub const TYPES: &[&str] = &[
    "varchar",
    "varchar_auto",
    "text",
    "double",
    "phone",
    "date",
    "daterange",
    "time",
    "timerange",
    "set",
    "enum",
    "address",
    "monetary",
    "org",
    "people",
    "user",
];
/// Companions of flat values: type, its ending, the member of the nested value.
const COMPANIONS: &[(&str, &str, &str)] = &[
    ("monetary", "_currency", "currency"),
    ("daterange", "_until", "until"),
    ("timerange", "_until", "until"),
    ("timerange", "_timezone_id", "timezone_id"),
    ("time", "_timezone_id", "timezone_id"),
    ("address", "_locality", "locality"),
    ("address", "_country", "country"),
    ("address", "_postal_code", "postal_code"),
    ("address", "_formatted_address", "formatted_address"),
];

/// The custom fields of a resource. Leads inherit those of deals.
pub fn of<'a>(company: &'a Company, table: &'static str) -> impl Iterator<Item = &'a Record> {
    let table = if table == LEADS { DEALS } else { table };
    let fields = company.records.rows(CUSTOM_FIELDS);
    fields.filter(move |field| text(field, "~of") == Some(table) && !is(field, "is_deleted"))
}

fn composed(kind: &str) -> bool {
    COMPANIONS.iter().any(|(known, ..)| *known == kind)
}

/// v1: among the other members, with companions.
pub fn flat(
    company: &Company,
    table: &'static str,
    record: &Record,
    shown: &mut Map<String, Value>,
) {
    for field in of(company, table) {
        let (key, kind) = (
            text(field, "key").unwrap_or_default(),
            text(field, "field_type").unwrap_or_default(),
        );
        let value = record
            .get("custom_fields")
            .map_or(&Value::Null, |fields| &fields[key]);
        let plain = match kind {
            "enum" => {
                if value.is_null() {
                    Value::Null
                } else {
                    json!(value.to_string())
                }
            }
            "set" => joined(value),
            kind if composed(kind) => value["value"].clone(),
            _ => value.clone(),
        };
        shown.insert(key.to_owned(), plain);
        for (_, ending, member) in COMPANIONS.iter().filter(|(known, ..)| *known == kind) {
            shown.insert(format!("{key}{ending}"), value[*member].clone());
        }
    }
}

/// v2: all of them, null where nothing was given.
pub fn nested(company: &Company, table: &'static str, record: &Record) -> Value {
    let value = |key: &str| {
        record
            .get("custom_fields")
            .map_or(Value::Null, |fields| fields[key].clone())
    };
    let keys = of(company, table).filter_map(|field| text(field, "key"));
    Value::Object(keys.map(|key| (key.to_owned(), value(key))).collect())
}

/// Takes the custom fields out of a body of v1 and puts them where v2 has them.
pub fn gather(company: &Company, table: &'static str, body: &mut Map<String, Value>) {
    let mut gathered = Map::new();
    for field in of(company, table) {
        let (key, kind) = (
            text(field, "key").unwrap_or_default(),
            text(field, "field_type").unwrap_or_default(),
        );
        let mut value = body.remove(key);
        if kind == "set"
            && let Some(Value::String(list)) = &value
        {
            let ids = list
                .split(',')
                .filter_map(|id| id.trim().parse::<u64>().ok());
            value = Some(ids.map(Value::from).collect());
        }
        if kind == "enum"
            && let Some(Value::String(id)) = &value
        {
            value = Some(
                id.parse::<u64>()
                    .map_or(value.unwrap_or_default(), Value::from),
            );
        }
        if kind == "double"
            && let Some(Value::String(number)) = &value
        {
            value = Some(
                number
                    .parse::<f64>()
                    .map_or(value.unwrap_or_default(), Value::from),
            );
        }
        if composed(kind) {
            value = value.map(|value| match value {
                Value::Null => Value::Null,
                Value::String(number) if kind == "monetary" => {
                    json!({ "value": number.parse::<f64>().ok() })
                }
                value => json!({ "value": value }),
            });
            for (_, ending, member) in COMPANIONS.iter().filter(|(known, ..)| *known == kind) {
                if let Some(companion) = body.remove(&format!("{key}{ending}"))
                    && value.as_ref().is_none_or(|value| !value.is_null())
                {
                    let value = value.get_or_insert_with(|| json!({}));
                    value[*member] = companion;
                }
            }
        }
        if let Some(value) = value {
            gathered.insert(key.to_owned(), value);
        }
    }
    if !gathered.is_empty() {
        body.insert(String::from("custom_fields"), Value::Object(gathered));
    }
}

/// What is wrong with the custom fields of a body.
pub fn problems(company: &Company, table: &'static str, given: &Value) -> Vec<Problem> {
    let Some(members) = given.as_object() else {
        return vec![Problem {
            field: String::from("custom_fields"),
            fault: Fault::Type("object"),
        }];
    };
    let mut problems = Vec::new();
    for (key, value) in members {
        let field = of(company, table).find(|field| text(field, "key") == Some(key));
        let fault = match field {
            None => Some(Fault::Unknown),
            Some(_) if value.is_null() => None,
            Some(field) => wrong(company, field, value),
        };
        problems.extend(fault.map(|fault| Problem {
            field: format!("custom_fields.{key}"),
            fault,
        }));
    }
    problems
}

fn wrong(company: &Company, field: &Record, value: &Value) -> Option<Fault> {
    let unless = |good: bool, fault: Fault| (!good).then_some(fault);
    let options: Vec<u64> = field["options"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|option| option["id"].as_u64())
        .collect();
    let option = |id: &Value| id.as_u64().is_some_and(|id| options.contains(&id));
    let known = || Fault::NotOneOf(options.iter().map(u64::to_string).collect());
    let date = |value: &Value| value.as_str().is_some_and(times::is_date);
    let clock = |value: &Value| value.as_str().is_some_and(times::is_clock);
    let exists = |table| {
        value
            .as_u64()
            .is_some_and(|id| company.records.has(table, id))
    };
    match text(field, "field_type").unwrap_or_default() {
        "double" => unless(value.is_number(), Fault::Type("number")),
        "date" => unless(date(value), Fault::Form("date")),
        "daterange" => unless(
            date(&value["value"]) && date(&value["until"]),
            Fault::Form("date range"),
        ),
        "time" => unless(clock(&value["value"]), Fault::Form("time")),
        "timerange" => unless(
            clock(&value["value"]) && clock(&value["until"]),
            Fault::Form("time range"),
        ),
        "monetary" => unless(value["value"].is_number(), Fault::Type("object")),
        "address" => unless(value["value"].is_string(), Fault::Type("object")),
        "enum" => unless(option(value), known()),
        "set" => unless(
            value.as_array().is_some_and(|ids| ids.iter().all(option)),
            known(),
        ),
        "org" => unless(exists(ORGANIZATIONS), Fault::NoSuch(ORGANIZATIONS)),
        "people" => unless(exists(PERSONS), Fault::NoSuch(PERSONS)),
        "user" => unless(value.is_u64(), Fault::NoSuch(USERS)),
        _ => unless(value.is_string(), Fault::Type("string")),
    }
}
