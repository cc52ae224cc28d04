//! The fields endpoints: what fields there are, in v1 with numbers and keys, in v2 with codes; custom ones can be made.

use http::StatusCode;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::custom;
use super::errors::{self, Refusal};
use super::front::Outcome;
use super::ok;
use super::resources::{
    ACTIVITIES, CUSTOM_FIELDS, DEALS, LEADS, NOTES, ORGANIZATIONS, PERSONS, PRODUCTS,
};
use super::shape;
use super::visit::{self, Page, Version, Visit};
use super::world::{self, Company};
use crate::records::{Record, is_number, link, text};

/// A field of the vendor's own: key in v1, code in v2 and in records, name, type.
type Standard = (&'static str, &'static str, &'static str, &'static str);

const COMMON: &[Standard] = &[
    ("id", "id", "ID", "int"),
    ("add_time", "add_time", "Created", "date"),
    ("update_time", "update_time", "Updated", "date"),
    ("visible_to", "visible_to", "Visible to", "visible_to"),
];
const PERSON: &[Standard] = &[
    ("name", "name", "Name", "varchar"),
    ("first_name", "first_name", "First name", "varchar"),
    ("last_name", "last_name", "Last name", "varchar"),
    ("email", "emails", "Email", "varchar"),
    ("phone", "phones", "Phone", "phone"),
    ("org_id", "org_id", "Organization", "org"),
    ("owner_id", "owner_id", "Owner", "user"),
    ("label", "label_ids", "Label", "set"),
];
const ORGANIZATION: &[Standard] = &[
    ("name", "name", "Name", "varchar"),
    ("owner_id", "owner_id", "Owner", "user"),
    ("address", "address", "Address", "address"),
    ("label", "label_ids", "Label", "set"),
];
const DEAL: &[Standard] = &[
    ("title", "title", "Title", "varchar"),
    ("value", "value", "Value", "monetary"),
    ("currency", "currency", "Currency", "varchar"),
    ("user_id", "owner_id", "Owner", "user"),
    ("person_id", "person_id", "Contact person", "people"),
    ("org_id", "org_id", "Organization", "org"),
    ("pipeline", "pipeline_id", "Pipeline", "double"),
    ("stage_id", "stage_id", "Stage", "stage"),
    ("status", "status", "Status", "status"),
    (
        "expected_close_date",
        "expected_close_date",
        "Expected close date",
        "date",
    ),
    ("won_time", "won_time", "Won time", "date"),
    ("lost_time", "lost_time", "Lost time", "date"),
    (
        "lost_reason",
        "lost_reason",
        "Lost reason",
        "varchar_options",
    ),
    ("probability", "probability", "Probability", "int"),
    ("label", "label_ids", "Label", "set"),
];
const ACTIVITY: &[Standard] = &[
    ("subject", "subject", "Subject", "varchar"),
    ("type", "type", "Type", "varchar"),
    ("due_date", "due_date", "Due date", "date"),
    ("done", "done", "Done", "boolean"),
    ("user_id", "owner_id", "Assigned to user", "user"),
    ("org_id", "org_id", "Organization", "org"),
    ("person_id", "person_id", "Contact person", "people"),
    ("deal_id", "deal_id", "Deal", "deal"),
    ("note", "note", "Note", "text"),
];
const PRODUCT: &[Standard] = &[
    ("name", "name", "Name", "varchar"),
    ("code", "code", "Product code", "varchar"),
    ("unit", "unit", "Unit", "varchar"),
    ("tax", "tax", "Tax", "double"),
    ("owner_id", "owner_id", "Owner", "user"),
];
const NOTE: &[Standard] = &[
    ("content", "content", "Content", "text"),
    ("user_id", "owner_id", "User", "user"),
    ("deal_id", "deal_id", "Deal", "deal"),
    ("org_id", "org_id", "Organization", "org"),
    ("person_id", "person_id", "Person", "people"),
];

const NOTE_FORM: &[&str] = &[
    "id",
    "key",
    "name",
    "field_type",
    "active_flag",
    "edit_flag",
    "bulk_edit_allowed",
    "mandatory_flag",
];

/// Tables with their fields and the number of the first one.
const FORMS: &[(&str, &[Standard], u64)] = &[
    (PERSONS, PERSON, 9001),
    (ORGANIZATIONS, ORGANIZATION, 4001),
    (DEALS, DEAL, 12_401),
    (LEADS, DEAL, 12_401),
    (ACTIVITIES, ACTIVITY, 6001),
    (PRODUCTS, PRODUCT, 2001),
    (NOTES, NOTE, 7001),
];

/// A field, with where records hold it.
pub struct Known {
    pub member: String,
    pub kind: String,
    pub custom: bool,
}

fn standards(table: &str) -> (impl Iterator<Item = &'static Standard>, u64) {
    let form = FORMS.iter().find(|(known, ..)| *known == table);
    let (_, fields, first) = form.copied().unwrap_or((DEALS, &[], 1));
    (fields.iter().chain(COMMON), first)
}

pub fn by_id(company: &Company, table: &'static str, id: u64) -> Option<Known> {
    let (mut fields, first) = standards(table);
    let place = id.checked_sub(first);
    if let Some((_, member, _, kind)) = place.and_then(|place| fields.nth(place as usize)) {
        let member = (*member).to_owned();
        return Some(Known {
            member,
            kind: (*kind).to_owned(),
            custom: false,
        });
    }
    let field = custom::of(company, table).find(|field| link(field, "id") == Some(id))?;
    let member = text(field, "key")?.to_owned();
    Some(Known {
        member,
        kind: text(field, "field_type")?.to_owned(),
        custom: true,
    })
}

/// All fields of a table in the form of the asked version.
fn all(visit: &Visit<'_>, version: Version) -> Vec<Value> {
    let table = visit.resource.table;
    let (fields, first) = standards(table);
    let company = visit.company();
    let mut shown = Vec::new();
    for (place, (key, member, name, kind)) in fields.enumerate() {
        let id = first + place as u64;
        shown.push(match version {
            Version::One => json!(first_form(
                id,
                key,
                name,
                kind,
                &Value::Null,
                "2020-01-01 00:00:00",
                false,
                place
            )),
            Version::Two => second_form(member, name, kind, &Value::Null, false),
        });
    }
    if table == NOTES {
        // Notes are told of in fewer words.
        for field in shown.iter_mut().filter_map(Value::as_object_mut) {
            field.retain(|name, _| NOTE_FORM.contains(&name.as_str()));
        }
    }
    for field in custom::of(company, table) {
        shown.push(custom_form(field, version, shown.len()));
    }
    shown
}

fn custom_form(field: &Record, version: Version, place: usize) -> Value {
    let part = |name: &str| text(field, name).unwrap_or_default();
    match version {
        Version::One => {
            let added = shape::time(part("add_time"));
            first_form(
                link(field, "id").unwrap_or_default(),
                part("key"),
                part("name"),
                part("field_type"),
                &field["options"],
                &added,
                true,
                place,
            )
        }
        Version::Two => second_form(
            part("key"),
            part("name"),
            part("field_type"),
            &field["options"],
            true,
        ),
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one for each thing that a field differs in"
)]
fn first_form(
    id: u64,
    key: &str,
    name: &str,
    kind: &str,
    options: &Value,
    added: &str,
    edit: bool,
    place: usize,
) -> Value {
    let mut shown = json!({
        "id": id, "key": key, "name": name, "order_nr": place + 1, "field_type": kind, "add_time": added, "update_time": added,
        "last_updated_by_user_id": null, "created_by_user_id": null, "active_flag": true, "edit_flag": edit,
        "index_visible_flag": true, "details_visible_flag": true, "add_visible_flag": !edit, "important_flag": false,
        "bulk_edit_allowed": true, "searchable_flag": edit, "filtering_allowed": true, "sortable_flag": true,
        "mandatory_flag": matches!(key, "name" | "title"),
    });
    if !options.is_null() {
        shown["options"] = options.clone();
    }
    shown
}

fn second_form(code: &str, name: &str, kind: &str, options: &Value, custom: bool) -> Value {
    json!({
        "field_name": name, "field_code": code, "field_type": kind, "options": options, "subfields": null,
        "is_custom_field": custom, "is_optional_response_field": false,
    })
}

/// What fields are told of on demand, and what then stands there. Activities and products have only
/// the first.
fn on_demand(visit: &Visit<'_>, rows: &mut [Value]) -> Result<(), Refusal> {
    let wanted = visit.query.filled("include_fields").unwrap_or_default();
    let table = visit.resource.table;
    for name in wanted.split(',').filter(|name| !name.is_empty()) {
        let more = [PERSONS, ORGANIZATIONS, DEALS].contains(&table);
        for field in rows.iter_mut() {
            let code = field["field_code"].as_str().unwrap_or_default();
            let told = match name {
                "ui_visibility" => {
                    json!({ "add_visible_flag": true, "details_visible_flag": true })
                }
                "important_fields" if more => json!({ "enabled": false, "stage_ids": [] }),
                "required_fields" if more => json!({ "enabled": matches!(code, "name" | "title") }),
                _ => {
                    return Err(errors::schema(&format!(
                        "include_fields: {name} is not a known field"
                    )));
                }
            };
            field[name] = told;
        }
    }
    Ok(())
}

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let mut rows = all(visit, visit.version);
    if visit.version == Version::Two {
        on_demand(visit, &mut rows)?;
        let limit = visit.limit()?;
        let from = visit
            .cursor()?
            .map_or(0, |(_, place)| place as usize)
            .min(rows.len());
        let to = (from + limit).min(rows.len());
        let cursor = (to < rows.len()).then(|| visit::cursor_after(&Value::Null, to as u64));
        let body = json!({ "success": true, "data": rows[from..to], "additional_data": { "next_cursor": cursor } });
        return Ok(ok(&body));
    }
    let (start, limit) = visit.page(500)?;
    let to = start.saturating_add(limit).min(rows.len());
    let page = Page {
        start,
        limit,
        more: to < rows.len(),
    };
    Ok(ok(&visit::v1_list(
        rows[start.min(to)..to].to_vec(),
        Some(page),
        None,
    )))
}

pub fn show(visit: &mut Visit<'_>) -> Outcome {
    let wanted = visit.parameters.first().copied().unwrap_or_default();
    let name = if visit.version == Version::One {
        "id"
    } else {
        "field_code"
    };
    let field = all(visit, visit.version)
        .into_iter()
        .find(|field| match &field[name] {
            Value::String(code) => code == wanted,
            number => is_number(number, wanted),
        });
    let field = field.ok_or_else(|| no_field(visit))?;
    Ok(ok(&json!({ "success": true, "data": field })))
}

fn no_field(visit: &Visit<'_>) -> Refusal {
    match visit.version {
        Version::One => errors::said(StatusCode::NOT_FOUND, "Field not found"),
        Version::Two => errors::entity_not_found(),
    }
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let body = visit.body()?;
    let name = if visit.version == Version::One {
        "name"
    } else {
        "field_name"
    };
    let label = body
        .get(name)
        .and_then(Value::as_str)
        .filter(|label| !label.trim().is_empty());
    let kind = body
        .get("field_type")
        .and_then(Value::as_str)
        .filter(|kind| custom::TYPES.contains(kind));
    let (Some(label), Some(kind)) = (label, kind) else {
        let text = format!(
            "{name} and field_type must be given; field_type is one of {}",
            custom::TYPES.join(", ")
        );
        return Err(match visit.version {
            Version::One => errors::invalid(&text),
            Version::Two => errors::schema(&text),
        });
    };
    let labels = body
        .get("options")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let field = make(
        visit.resource.table,
        label,
        kind,
        labels.iter().filter_map(|option| option["label"].as_str()),
    );
    let store = visit.store_mut()?;
    let id = store.insert(CUSTOM_FIELDS, field).map_err(visit::full)?;
    if let Some(field) = store.get_mut(CUSTOM_FIELDS, id) {
        identify(field, id);
    }
    let field = visit
        .store()
        .get(CUSTOM_FIELDS, id)
        .ok_or_else(|| no_field(visit))?;
    Ok(ok(
        &json!({ "success": true, "data": custom_form(field, visit.version, 40) }),
    ))
}

/// A field without its number and key.
pub fn make<'l>(
    table: &str,
    label: &str,
    kind: &str,
    options: impl Iterator<Item = &'l str>,
) -> Record {
    let options: Vec<Value> = options
        .enumerate()
        .map(|(place, label)| json!({ "id": place + 1, "label": label }))
        .collect();
    let options = if matches!(kind, "enum" | "set") {
        json!(options)
    } else {
        Value::Null
    };
    let field = json!({ "~of": table, "name": label, "field_type": kind, "options": options, "add_time": world::held_now() });
    field.as_object().cloned().unwrap_or_default()
}

/// The key of forty hexadecimal digits follows from the number.
pub fn identify(field: &mut Record, id: u64) {
    let digest = digest(
        &SHA1_FOR_LEGACY_USE_ONLY,
        format!("sandbox field {id}").as_bytes(),
    );
    let key: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    field.insert(String::from("key"), json!(key));
}

/// The number of a custom field that a path means; those of the vendor's own cannot be changed.
fn custom_id(visit: &Visit<'_>) -> Result<u64, Refusal> {
    let wanted = visit.parameters.first().copied().unwrap_or_default();
    let field =
        custom::of(visit.company(), visit.resource.table).find(|field| match visit.version {
            Version::One => is_number(&field["id"], wanted),
            Version::Two => text(field, "key") == Some(wanted),
        });
    field
        .and_then(|field| link(field, "id"))
        .ok_or_else(|| no_field(visit))
}

pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let id = custom_id(visit)?;
    let body = visit.body()?;
    let name = if visit.version == Version::One {
        "name"
    } else {
        "field_name"
    };
    let label = body.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(label), Some(field)) = (label, visit.store_mut()?.get_mut(CUSTOM_FIELDS, id)) {
        field.insert(String::from("name"), json!(label));
    }
    let field = visit
        .store()
        .get(CUSTOM_FIELDS, id)
        .ok_or_else(|| no_field(visit))?;
    Ok(ok(
        &json!({ "success": true, "data": custom_form(field, visit.version, 40) }),
    ))
}

pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let id = custom_id(visit)?;
    let field = visit
        .store_mut()?
        .remove(CUSTOM_FIELDS, id)
        .ok_or_else(|| no_field(visit))?;
    let data = match visit.version {
        Version::One => json!({ "id": id }),
        Version::Two => custom_form(&field, Version::Two, 0),
    };
    Ok(ok(&json!({ "success": true, "data": data })))
}
