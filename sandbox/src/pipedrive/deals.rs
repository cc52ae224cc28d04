//! What follows from what: stages and statuses of deals, people of activities, what notes and leads must belong to.

use serde_json::{Value, json};

use super::errors::{self, Refusal};
use super::resources::{
    ACTIVITIES, ACTIVITY_TYPES, DEALS, LEADS, NOTES, PERSONS, PIPELINES, PRODUCTS, STAGES,
};
use super::visit::{Version, Visit};
use super::world;
use crate::records::{Record, is, link, text};

/// Completes a record that is about to be stored; `before` is empty for a new one.
pub fn settle(visit: &Visit<'_>, before: &Record, record: &mut Record) -> Result<(), Refusal> {
    let creating = before.is_empty();
    let now = json!(world::held_now());
    let set =
        |record: &mut Record, name: &str, value: Value| drop(record.insert(name.to_owned(), value));
    match visit.resource.table {
        DEALS => deal(visit, before, record)?,
        PERSONS => {
            let name = text(record, "name").unwrap_or_default().to_owned();
            let (first, last) = name
                .rsplit_once(' ')
                .map_or((name.as_str(), Value::Null), |(first, last)| {
                    (first, json!(last))
                });
            set(record, "first_name", json!(first));
            set(record, "last_name", last);
        }
        ACTIVITIES => {
            if creating {
                set(record, "creator_user_id", json!(visit.user));
                if record["type"].is_null() {
                    set(record, "type", json!("call"));
                }
                if record["subject"].is_null() {
                    set(record, "subject", json!("Call"));
                }
            }
            let kind = text(record, "type").unwrap_or_default();
            let mut kinds = visit.store().rows(ACTIVITY_TYPES);
            if !kinds.any(|known| text(known, "key_string") == Some(kind)) {
                return Err(refused(visit, "type: no such activity type"));
            }
            let participants = record
                .get("participants")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let primary = participants
                .clone()
                .find(|row| row["primary"] == true)
                .or(participants.clone().next());
            let person = primary.map_or(Value::Null, |row| row["person_id"].clone());
            set(record, "person_id", person);
            if is(record, "done") != is(before, "done") || creating {
                let done = is(record, "done");
                set(
                    record,
                    "marked_as_done_time",
                    if done { now } else { Value::Null },
                );
            }
        }
        NOTES => {
            let links = ["lead_id", "deal_id", "person_id", "org_id", "project_id"];
            if links.iter().all(|name| record[*name].is_null()) {
                return Err(errors::invalid(visit.resource.missing));
            }
            if !creating {
                set(record, "last_update_user_id", json!(visit.user));
            }
        }
        LEADS => {
            if record["person_id"].is_null() && record["organization_id"].is_null() {
                return Err(errors::invalid(visit.resource.missing));
            }
            if creating {
                set(record, "creator_id", json!(visit.user));
            }
        }
        STAGES | PIPELINES if creating => {
            let others = visit.store().rows(visit.resource.table).count();
            set(record, "order_nr", json!(others + 1));
        }
        ACTIVITY_TYPES if creating => {
            let key: String = text(record, "name").unwrap_or_default().to_lowercase();
            let key: String = key
                .chars()
                .map(|letter| {
                    if letter.is_alphanumeric() {
                        letter
                    } else {
                        '_'
                    }
                })
                .collect();
            set(record, "key_string", json!(key));
        }
        PRODUCTS => {
            let id = visit.store().rows(PRODUCTS).count();
            let id = link(before, "id").unwrap_or(id as u64 + 1);
            if let Some(prices) = record.get_mut("prices").and_then(Value::as_array_mut) {
                for price in prices.iter_mut().filter_map(Value::as_object_mut) {
                    price.insert(String::from("product_id"), json!(id));
                    for (name, blank) in [
                        ("price", json!(0)),
                        ("currency", json!("EUR")),
                        ("cost", json!(0)),
                        ("direct_cost", Value::Null),
                        ("notes", json!("")),
                    ] {
                        price.entry(name).or_insert(blank);
                    }
                    price.remove("overhead_cost");
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn refused(visit: &Visit<'_>, text: &str) -> Refusal {
    match visit.version {
        Version::One => errors::invalid(text),
        Version::Two => errors::schema(text),
    }
}

fn deal(visit: &Visit<'_>, before: &Record, record: &mut Record) -> Result<(), Refusal> {
    let now = json!(world::held_now());
    let creating = before.is_empty();
    let changed = |record: &Record, name: &str| before.get(name) != record.get(name);
    let stage_given = changed(record, "stage_id") && !record["stage_id"].is_null();
    if stage_given {
        let stage = link(record, "stage_id").and_then(|id| visit.store().get(STAGES, id));
        let pipeline = stage.map_or(Value::Null, |stage| stage["pipeline_id"].clone());
        record.insert(String::from("pipeline_id"), pipeline);
    } else if creating || changed(record, "pipeline_id") {
        let wanted = link(record, "pipeline_id");
        let first = visit.store().rows(STAGES).find(|stage| {
            !is(stage, "is_deleted")
                && wanted.is_none_or(|id| link(stage, "pipeline_id") == Some(id))
        });
        let stage =
            first.ok_or_else(|| refused(visit, "pipeline_id: the pipeline has no stages"))?;
        record.insert(String::from("pipeline_id"), stage["pipeline_id"].clone());
        record.insert(String::from("stage_id"), stage["id"].clone());
    }
    if changed(record, "stage_id") && !creating {
        record.insert(String::from("stage_change_time"), now.clone());
    }
    let status = text(record, "status").unwrap_or("open").to_owned();
    if changed(record, "status") {
        record.insert(String::from("is_deleted"), json!(status == "deleted"));
        for (name, when) in [
            ("won_time", status == "won"),
            ("lost_time", status == "lost"),
            ("close_time", matches!(status.as_str(), "won" | "lost")),
        ] {
            let given = before.get(name) != record.get(name) && !record[name].is_null();
            let value = if given {
                record[name].clone()
            } else if when {
                now.clone()
            } else {
                Value::Null
            };
            record.insert(name.to_owned(), value);
        }
        if status != "lost" {
            record.insert(String::from("lost_reason"), Value::Null);
        }
    } else if is(record, "is_deleted") {
        record.insert(String::from("status"), json!("deleted"));
    }
    Ok(())
}
