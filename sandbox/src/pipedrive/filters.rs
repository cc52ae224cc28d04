//! Filters of the customer's: made of conditions on fields by their numbers, held against records.

use std::cmp::Ordering;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::errors::{self, Refusal};
use super::front::Outcome;
use super::metadata;
use super::ok;
use super::resources::{ACTIVITIES, DEALS, FILTERS, LEADS, ORGANIZATIONS, PERSONS, PRODUCTS};
use super::shape;
use super::visit::{self, Visit};
use super::world::{self, Company};
use crate::records::order;
use crate::records::{Record, text};

/// Type of a filter, table of records, word of conditions.
const TYPES: &[(&str, &str, &str)] = &[
    ("deals", DEALS, "deal"),
    ("leads", LEADS, "lead"),
    ("org", ORGANIZATIONS, "organization"),
    ("people", PERSONS, "person"),
    ("products", PRODUCTS, "product"),
    ("activity", ACTIVITIES, "activity"),
];
const MOST: usize = 16;
const COMPARISONS: &[&str] = &["=", "!=", ">", "<", ">=", "<=", "IS NULL", "IS NOT NULL"];
const TEXTS: &[&str] = &[
    "=",
    "!=",
    "IS NULL",
    "IS NOT NULL",
    "LIKE '%$%'",
    "LIKE '$%'",
    "NOT LIKE '$%'",
];
const CHOICES: &[&str] = &["=", "!=", "IS NULL", "IS NOT NULL"];
const SETS: &[&str] = &[
    "=",
    "!=",
    "IS NULL",
    "IS NOT NULL",
    "contains",
    "not_contains",
];

/// A filter that is held against records: all of the first group and any of the second.
pub struct Filter {
    table: &'static str,
    all: Vec<Map<String, Value>>,
    any: Vec<Map<String, Value>>,
}

pub fn found(visit: &Visit<'_>, id: &str) -> Result<Filter, Refusal> {
    let missing = || errors::said(StatusCode::NOT_FOUND, "Filter not found");
    let id: u64 = id
        .parse()
        .map_err(|_| errors::invalid("filter_id must be a number"))?;
    let record = visit.store().get(FILTERS, id).ok_or_else(missing)?;
    let kind = text(record, "type").unwrap_or_default();
    let (_, table, _) = TYPES
        .iter()
        .find(|(known, ..)| *known == kind)
        .ok_or_else(missing)?;
    let conditions = &record["conditions"];
    let group = |glue: &str| {
        let groups = conditions["conditions"].as_array().into_iter().flatten();
        let own = groups.filter(|group| group["glue"] == glue);
        own.filter_map(|group| group["conditions"].as_array())
            .flatten()
            .filter_map(Value::as_object)
            .cloned()
            .collect()
    };
    let filter = Filter {
        table,
        all: group("and"),
        any: group("or"),
    };
    if *table != visit.resource.table {
        return Err(errors::invalid("filter_id: the filter is of another type"));
    }
    Ok(filter)
}

impl Filter {
    pub fn holds(&self, company: &Company, table: &'static str, record: &Record) -> bool {
        let holds = |condition: &Map<String, Value>| {
            condition_holds(company, self.table, condition, record)
        };
        table == self.table
            && self.all.iter().all(holds)
            && (self.any.is_empty() || self.any.iter().any(holds))
    }
}

fn condition_holds(
    company: &Company,
    table: &'static str,
    condition: &Map<String, Value>,
    record: &Record,
) -> bool {
    let id = number(&condition["field_id"]).unwrap_or_default();
    let Some(field) = metadata::by_id(company, table, id) else {
        return false;
    };
    let extra = condition.get("extra_value").and_then(Value::as_str);
    let held = match field.custom {
        true => record
            .get("custom_fields")
            .map_or(Value::Null, |fields| fields[&field.member].clone()),
        false => record.get(&field.member).cloned().unwrap_or_default(),
    };
    let held = match (held, extra) {
        (Value::Object(parts), Some(part)) if !part.is_empty() => {
            parts.get(part).cloned().unwrap_or_default()
        }
        (Value::Object(parts), _) => parts
            .get("value")
            .or(parts.get("amount"))
            .cloned()
            .unwrap_or_default(),
        (other, _) => other,
    };
    let value = condition.get("value").cloned().unwrap_or_default();
    let operator = condition
        .get("operator")
        .and_then(Value::as_str)
        .unwrap_or_default();
    compare(&held, operator, &value)
}

fn compare(held: &Value, operator: &str, wanted: &Value) -> bool {
    let empty = held.is_null() || *held == "" || held.as_array().is_some_and(Vec::is_empty);
    match operator {
        "IS NULL" => return empty,
        "IS NOT NULL" => return !empty,
        "!=" | "NOT LIKE '$%'" | "not_contains" if empty => return true,
        _ if empty => return false,
        _ => {}
    }
    if let Some(entries) = held.as_array() {
        let any = |operator| {
            entries
                .iter()
                .any(|entry| compare(entry.get("value").unwrap_or(entry), operator, wanted))
        };
        return match operator {
            "!=" | "not_contains" => !any("="),
            "contains" => any("="),
            "NOT LIKE '$%'" => !any("LIKE '$%'"),
            operator => any(operator),
        };
    }
    let (left, right) = (plain(held).to_lowercase(), plain(wanted).to_lowercase());
    match operator {
        "LIKE '%$%'" => return left.contains(&right),
        "LIKE '$%'" => return left.starts_with(&right),
        "NOT LIKE '$%'" => return !left.starts_with(&right),
        _ => {}
    }
    // Times are compared by their day: a condition knows no time of day.
    let day = right.len() == 10 && left.len() == 20 && left.ends_with('z');
    let left = if day { left[..10].to_owned() } else { left };
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => order::compare(&json!(left), &json!(right)),
    };
    match operator {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        _ => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        other => other.to_string(),
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let kind = visit.query.filled("type").map(str::to_owned);
    if kind
        .as_ref()
        .is_some_and(|kind| !TYPES.iter().any(|(known, ..)| known == kind))
    {
        return Err(errors::invalid("type is not valid"));
    }
    let rows = visit.store().rows(FILTERS);
    let rows = rows.filter(|row| kind.is_none() || text(row, "type") == kind.as_deref());
    let shown = rows.map(|row| {
        let mut shown = shown(row);
        shown.remove("conditions");
        Value::Object(shown)
    });
    Ok(ok(&visit::v1_list(shown.collect(), None, None)))
}

fn shown(record: &Record) -> Record {
    let mut shown = record.clone();
    for name in ["add_time", "update_time"] {
        if let Some(at) = text(record, name) {
            shown.insert(name.to_owned(), json!(shape::time(at)));
        }
    }
    shown
}

pub fn show(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(
        &json!({ "success": true, "data": shown(visit.record()?) }),
    ))
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let body = visit.body()?;
    let Some(name) = body
        .get("name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
    else {
        return Err(errors::invalid("name must be given"));
    };
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    let known = TYPES.iter().find(|(known, ..)| *known == kind);
    let (_, table, _) = known.ok_or_else(|| errors::invalid("type is not valid"))?;
    let conditions = body.get("conditions").unwrap_or(&Value::Null);
    check(visit.company(), table, conditions)?;
    let now = world::held_now();
    let record = json!({
        "name": name, "filter_code": null, "is_editable": true, "active_flag": true, "type": kind, "temporary_flag": false,
        "user_id": visit.user, "add_time": now, "update_time": now, "visible_to": 1, "last_used_time": null,
        "custom_view_id": null, "conditions": conditions,
    });
    let record = record.as_object().cloned().unwrap_or_default();
    let id = visit
        .store_mut()?
        .insert(FILTERS, record)
        .map_err(visit::full)?;
    let record = visit
        .store()
        .get(FILTERS, id)
        .ok_or_else(|| visit.not_found())?;
    Ok(ok(&json!({ "success": true, "data": shown(record) })))
}

pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let mut record = visit.record()?.clone();
    let body = visit.body()?;
    let kind = text(&record, "type").unwrap_or_default();
    let table = TYPES
        .iter()
        .find(|(known, ..)| *known == kind)
        .map_or(DEALS, |(_, table, _)| table);
    let conditions = body
        .get("conditions")
        .ok_or_else(|| errors::invalid("conditions must be given"))?;
    check(visit.company(), table, conditions)?;
    record.insert(String::from("conditions"), conditions.clone());
    if let Some(name) = body.get("name") {
        record.insert(String::from("name"), name.clone());
    }
    record.insert(String::from("update_time"), json!(world::held_now()));
    let answer = ok(&json!({ "success": true, "data": shown(&record) }));
    let id = visit.number(0)?;
    visit.store_mut()?.replace(FILTERS, id, record);
    Ok(answer)
}

/// Two groups, one `and`, one `or`, at most sixteen conditions, operators by the fields' types. The texts are unverified.
fn check(company: &Company, table: &'static str, conditions: &Value) -> Result<(), Refusal> {
    let wrong = |text: &str| Err(errors::invalid(text));
    let groups = conditions["conditions"].as_array();
    let glues: Vec<&str> = groups
        .into_iter()
        .flatten()
        .filter_map(|group| group["glue"].as_str())
        .collect();
    if conditions["glue"] != "and" || !matches!(glues.as_slice(), ["and", "or"] | ["or", "and"]) {
        return wrong("conditions must hold one group with glue and, and one with glue or");
    }
    let rows: Vec<&Value> = groups
        .into_iter()
        .flatten()
        .filter_map(|group| group["conditions"].as_array())
        .flatten()
        .collect();
    if rows.len() > MOST {
        return wrong("conditions: at most 16 are allowed");
    }
    for row in rows {
        let object = row["object"].as_str().unwrap_or_default();
        if !TYPES
            .iter()
            .any(|(_, own, word)| *word == object && *own == table)
        {
            return wrong("conditions: the object does not fit the type of the filter");
        }
        let field = number(&row["field_id"]).and_then(|id| metadata::by_id(company, table, id));
        let Some(field) = field else {
            return wrong("conditions: there is no such field_id");
        };
        let operators = match field.kind.as_str() {
            "int" | "double" | "monetary" | "date" | "daterange" | "time" | "timerange" => {
                COMPARISONS
            }
            "set" => SETS,
            "enum" | "user" | "people" | "org" | "deal" | "product" | "status" | "visible_to"
            | "pipeline" | "stage" | "boolean" | "activity" | "lead" => CHOICES,
            _ => TEXTS,
        };
        let operator = row["operator"].as_str().unwrap_or_default();
        if !operators.contains(&operator) {
            return wrong("conditions: the operator does not fit the type of the field");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_compare_as_documented() {
        for (held, operator, wanted) in [
            (json!("Acme Inc"), "=", json!("acme inc")),
            (json!("Acme Inc"), "LIKE '%$%'", json!("e i")),
            (json!("Acme"), "LIKE '$%'", json!("ac")),
            (json!("Acme"), "NOT LIKE '$%'", json!("cm")),
            (json!(10), ">", json!("9")),
            (json!(null), "IS NULL", json!(null)),
            (json!(null), "!=", json!("x")),
            (json!("2026-03-05T23:00:00Z"), "=", json!("2026-03-05")),
            (json!("2026-03-05T23:00:00Z"), "<", json!("2026-03-06")),
            (json!([1, 2]), "contains", json!("2")),
            (json!([{ "value": "a@b.c" }]), "=", json!("A@b.c")),
            (json!([1]), "not_contains", json!(2)),
        ] {
            assert!(
                compare(&held, operator, &wanted),
                "{held} {operator} {wanted}"
            );
        }
        for (held, operator, wanted) in [
            (json!("Acme"), "=", json!("Acm")),
            (json!(null), "=", json!("")),
            (json!(null), ">", json!(1)),
            (json!(9), ">", json!(10)),
            (json!([1]), "!=", json!(1)),
        ] {
            assert!(
                !compare(&held, operator, &wanted),
                "{held} {operator} {wanted}"
            );
        }
    }
}
