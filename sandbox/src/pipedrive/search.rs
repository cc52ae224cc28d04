//! Searches: `itemSearch` over several kinds, and those of one kind.

use serde_json::{Value, json};

use super::errors;
use super::front::Outcome;
use super::ok;
use super::resources::{DEALS, FILES, LEADS, ORGANIZATIONS, PERSONS, PRODUCTS, STAGES};
use super::visit::{self, Version, Visit};
use crate::records::{Record, is, link, text};

/// Kind, table, and what is searched: the name of the field, the member that holds it.
type Kind = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const KINDS: &[Kind] = &[
    (
        "deal",
        DEALS,
        &[("title", "title"), ("custom_fields", "custom_fields")],
    ),
    (
        "person",
        PERSONS,
        &[
            ("name", "name"),
            ("email", "emails"),
            ("phone", "phones"),
            ("custom_fields", "custom_fields"),
        ],
    ),
    (
        "organization",
        ORGANIZATIONS,
        &[
            ("name", "name"),
            ("address", "address"),
            ("custom_fields", "custom_fields"),
        ],
    ),
    (
        "product",
        PRODUCTS,
        &[
            ("name", "name"),
            ("code", "code"),
            ("custom_fields", "custom_fields"),
        ],
    ),
    (
        "lead",
        LEADS,
        &[("title", "title"), ("custom_fields", "custom_fields")],
    ),
    ("file", FILES, &[("name", "name")]),
];

/// Every kind, or those of `item_types`.
pub fn items(visit: &mut Visit<'_>) -> Outcome {
    let wanted = visit
        .query
        .filled("item_types")
        .map(|names| names.split(',').map(str::to_owned).collect::<Vec<String>>());
    let unknown = wanted.iter().flatten().any(|name| {
        !matches!(name.as_str(), "mail_attachment" | "project")
            && !KINDS.iter().any(|(kind, ..)| kind == name)
    });
    if unknown {
        return Err(errors::invalid("item_types is not valid"));
    }
    let kinds = KINDS.iter().filter(|(kind, ..)| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.iter().any(|name| name == kind))
    });
    let kinds: Vec<&str> = kinds.map(|(kind, ..)| *kind).collect();
    search(visit, &kinds)
}

/// Those of one table.
pub fn of_one(visit: &mut Visit<'_>) -> Outcome {
    let kind = KINDS
        .iter()
        .find(|(_, table, _)| *table == visit.resource.table);
    let kind = kind.map_or("deal", |(kind, ..)| *kind);
    search(visit, &[kind])
}

fn search(visit: &mut Visit<'_>, kinds: &[&str]) -> Outcome {
    let exact = visit.query.get("exact_match") == Some("true")
        || visit.query.get("exact_match") == Some("1");
    let term = visit
        .query
        .filled("term")
        .unwrap_or_default()
        .to_lowercase();
    let least = if exact { 1 } else { 2 };
    if term.chars().count() < least {
        return Err(match visit.version {
            Version::One => errors::invalid("term must be at least 2 characters long"),
            Version::Two => errors::schema("term: must contain at least 2 characters"),
        });
    }
    let fields: Option<Vec<String>> = visit
        .query
        .filled("fields")
        .map(|names| names.split(',').map(str::to_owned).collect());
    let number = |name: &str| {
        visit
            .query
            .filled(name)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let (person, organization) = (number("person_id"), number("organization_id"));
    let status = visit.query.filled("status");
    let mut hits = Vec::new();
    for (kind, table, members) in KINDS.iter().filter(|(kind, ..)| kinds.contains(kind)) {
        let organization_member = if *table == LEADS {
            "organization_id"
        } else {
            "org_id"
        };
        for row in visit.store().rows(table) {
            let alive = !is(row, "is_deleted")
                && person.is_none_or(|id| link(row, "person_id") == Some(id))
                && organization.is_none_or(|id| link(row, organization_member) == Some(id))
                && status.is_none_or(|status| text(row, "status") == Some(status));
            let asked = members.iter().filter(|(name, _)| {
                fields
                    .as_ref()
                    .is_none_or(|fields| fields.iter().any(|field| field == name))
            });
            let mut texts = Vec::new();
            for (_, member) in asked {
                gather(&row[*member], &mut texts);
            }
            let fits = |held: &String| {
                if exact {
                    *held == term
                } else {
                    held.contains(&term)
                }
            };
            if alive && texts.iter().any(fits) {
                let whole = texts.contains(&term);
                hits.push(json!({ "result_score": if whole { 1.0 } else { 0.5 }, "item": item(visit, kind, row) }));
            }
        }
    }
    let score = |hit: &Value| hit["result_score"].as_f64().unwrap_or_default();
    hits.sort_by(|left, right| score(right).total_cmp(&score(left)));
    answer(visit, kinds.len() > 1, hits)
}

fn answer(visit: &Visit<'_>, several: bool, hits: Vec<Value>) -> Outcome {
    let data = |rows: &[Value]| match several {
        true => json!({ "items": rows, "related_items": [] }),
        false => json!({ "items": rows }),
    };
    if visit.version == Version::Two {
        let limit = visit.limit()?;
        let from = visit
            .cursor()?
            .map_or(0, |(_, place)| place as usize)
            .min(hits.len());
        let to = (from + limit).min(hits.len());
        let cursor = (to < hits.len()).then(|| visit::cursor_after(&Value::Null, to as u64));
        let body = json!({ "success": true, "data": data(&hits[from..to]), "additional_data": { "next_cursor": cursor } });
        return Ok(ok(&body));
    }
    let (start, limit) = visit.page(500)?;
    let to = start.saturating_add(limit).min(hits.len());
    let more = to < hits.len();
    let mut pagination =
        json!({ "start": start, "limit": limit, "more_items_in_collection": more });
    if more {
        pagination["next_start"] = json!(to);
    }
    let rows = &hits[start.min(to)..to];
    Ok(ok(
        &json!({ "success": true, "data": data(rows), "additional_data": { "pagination": pagination } }),
    ))
}

fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.to_lowercase()),
        Value::Array(entries) => entries.iter().for_each(|entry| gather(entry, texts)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "label")
            .for_each(|(_, entry)| gather(entry, texts)),
        _ => {}
    }
}

fn item(visit: &Visit<'_>, kind: &str, row: &Record) -> Value {
    let named = |member: &str, table: &str| {
        let linked = link(row, member).and_then(|id| visit.store().get(table, id));
        linked.map_or(
            Value::Null,
            |linked| json!({ "id": linked["id"], "name": linked["name"] }),
        )
    };
    let values = |member: &str| -> Value {
        let entries = row
            .get(member)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        entries.map(|entry| entry["value"].clone()).collect()
    };
    let custom: Value = {
        let mut texts = Vec::new();
        gather(row.get("custom_fields").unwrap_or(&Value::Null), &mut texts);
        json!(texts)
    };
    let owner = json!({ "id": row.get("owner_id") });
    match kind {
        "person" => json!({
            "id": row["id"], "type": kind, "name": row["name"], "phones": values("phones"), "emails": values("emails"),
            "visible_to": row["visible_to"], "owner": owner, "organization": named("org_id", ORGANIZATIONS), "custom_fields": custom,
            "notes": [],
        }),
        "organization" => json!({
            "id": row["id"], "type": kind, "name": row["name"], "address": row["address"]["value"], "visible_to": row["visible_to"],
            "owner": owner, "custom_fields": custom, "notes": [],
        }),
        "deal" => json!({
            "id": row["id"], "type": kind, "title": row["title"], "value": row["value"], "currency": row["currency"],
            "status": row["status"], "visible_to": row["visible_to"], "owner": owner, "stage": named("stage_id", STAGES),
            "person": named("person_id", PERSONS), "organization": named("org_id", ORGANIZATIONS), "custom_fields": custom,
            "notes": [], "is_archived": row["is_archived"],
        }),
        "product" => json!({
            "id": row["id"], "type": kind, "name": row["name"], "code": row["code"], "visible_to": row["visible_to"], "owner": owner,
            "custom_fields": custom,
        }),
        "lead" => json!({
            "id": row["id"], "type": kind, "title": row["title"], "owner": owner, "person": named("person_id", PERSONS),
            "organization": named("organization_id", ORGANIZATIONS), "custom_fields": custom, "notes": [],
            "is_archived": row["is_archived"], "visible_to": row["visible_to"],
        }),
        _ => json!({ "id": row["id"], "type": kind, "name": row["name"] }),
    }
}
