//! Files: uploaded in multipart bodies, listed, fetched as octets.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::errors::{self};
use super::front::Outcome;
use super::ok;
use super::resources::{ACTIVITIES, DEALS, FILES, ORGANIZATIONS, PERSONS, PRODUCTS};
use super::shape;
use super::visit::{self, Page, Visit};
use super::world;
use crate::answer;
use crate::records::order::{self, Key};
use crate::records::{Record, is, link, multipart, text};

/// What a file may belong to, at most one of them.
pub const LINKS: &[(&str, &str)] = &[
    ("deal_id", DEALS),
    ("person_id", PERSONS),
    ("org_id", ORGANIZATIONS),
    ("product_id", PRODUCTS),
    ("activity_id", ACTIVITIES),
];
/// Names that answers carry beside the numbers.
const NAMES: &[(&str, &str, &str, &str)] = &[
    ("deal_name", "deal_id", DEALS, "title"),
    ("person_name", "person_id", PERSONS, "name"),
    ("org_name", "org_id", ORGANIZATIONS, "name"),
    ("product_name", "product_id", PRODUCTS, "name"),
];
const LARGEST_PAGE: usize = 100;

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let rows: Vec<Record> = visit
        .store()
        .rows(FILES)
        .filter(|row| !is(row, "is_deleted"))
        .cloned()
        .collect();
    page(visit, rows)
}

pub fn page(visit: &mut Visit<'_>, rows: Vec<Record>) -> Outcome {
    let mut rows: Vec<&Record> = rows.iter().collect();
    let sort = visit.query.filled("sort").unwrap_or("id ASC");
    let (member, direction) = sort.split_once(' ').unwrap_or((sort, "ASC"));
    let key = Key {
        member: member.to_owned(),
        descending: direction.eq_ignore_ascii_case("DESC"),
    };
    order::sort(&mut rows, &[key], order::Ties::ById);
    let (start, limit) = visit.page(LARGEST_PAGE)?;
    let to = start.saturating_add(limit).min(rows.len());
    let shown = rows[start.min(to)..to]
        .iter()
        .map(|row| shown(visit, row))
        .collect();
    Ok(ok(&visit::v1_list(
        shown,
        Some(Page {
            start,
            limit,
            more: to < rows.len(),
        }),
        None,
    )))
}

fn shown(visit: &Visit<'_>, row: &Record) -> Value {
    let mut shown = row.clone();
    shown.retain(|name, _| !name.starts_with('~') && name != "is_deleted");
    for (name, member, table, of) in NAMES {
        let linked = link(row, member).and_then(|id| visit.store().get(table, id));
        shown.insert(
            (*name).to_owned(),
            linked.map_or(Value::Null, |linked| linked[*of].clone()),
        );
    }
    for name in ["add_time", "update_time"] {
        shown.insert(
            name.to_owned(),
            json!(shape::time(text(row, name).unwrap_or_default())),
        );
    }
    let id = link(row, "id").unwrap_or_default();
    let url = format!(
        "https://{}.pipedrive.com/v1/files/{id}/download",
        visit.company().domain
    );
    shown.insert(String::from("url"), json!(url));
    shown.insert(String::from("active_flag"), json!(!is(row, "is_deleted")));
    Value::Object(shown)
}

pub fn show(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(
        &json!({ "success": true, "data": shown(visit, visit.record()?) }),
    ))
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let parts = multipart::parts(visit.call)
        .ok_or_else(|| errors::invalid("Content must be multipart/form-data."))?;
    let parts = parts.map_err(errors::invalid)?;
    let file = parts
        .iter()
        .find(|part| part.name == "file" && part.file_name.is_some());
    let file = file.ok_or_else(|| errors::invalid("file must be given"))?;
    let name = file.file_name.clone().unwrap_or_default();
    let mut record = record(&name, file.bytes.len(), visit.user);
    let mut links = 0;
    for (member, table) in LINKS {
        let Some(part) = parts.iter().find(|part| part.name == *member) else {
            continue;
        };
        let id = part
            .text()
            .trim()
            .parse()
            .ok()
            .filter(|id| visit.store().has(table, *id));
        let id =
            id.ok_or_else(|| errors::invalid(&format!("{member}: there is no such record")))?;
        record.insert((*member).to_owned(), json!(id));
        links += 1;
    }
    if let Some(lead) = parts.iter().find(|part| part.name == "lead_id") {
        record.insert(String::from("lead_id"), json!(lead.text()));
        links += 1;
    }
    if links > 1 {
        return Err(errors::invalid("A file can belong to one record only."));
    }
    let kind = file
        .content_type
        .clone()
        .unwrap_or_else(|| String::from("application/octet-stream"));
    record.insert(String::from("~content_type"), json!(kind));
    let bytes = file.bytes.clone();
    let id = store(visit, record, bytes)?;
    let record = visit
        .store()
        .get(FILES, id)
        .ok_or_else(|| visit.not_found())?;
    Ok(ok(
        &json!({ "success": true, "data": shown(visit, record) }),
    ))
}

fn store(visit: &mut Visit<'_>, record: Record, bytes: Bytes) -> Result<u64, errors::Refusal> {
    let store = visit.store_mut()?;
    let id = store.insert(FILES, record).map_err(visit::full)?;
    if let Err(full) = store.keep_file(FILES, id, bytes) {
        store.remove(FILES, id);
        return Err(visit::full(full));
    }
    Ok(id)
}

/// A file that belongs to nothing yet.
pub fn record(name: &str, size: usize, user: u64) -> Record {
    let now = world::held_now();
    let record = json!({
        "user_id": user, "deal_id": null, "person_id": null, "org_id": null, "product_id": null, "activity_id": null,
        "lead_id": null, "add_time": now, "update_time": now, "file_name": format!("stored_{name}"), "file_size": size,
        "inline_flag": false, "remote_location": "s3", "remote_id": null, "cid": null, "s3_bucket": null,
        "mail_message_id": null, "mail_template_id": null, "lead_name": null, "name": name, "description": null,
    });
    record.as_object().cloned().unwrap_or_default()
}

/// The vendor takes a form here.
pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let mut record = visit.record()?.clone();
    let body = visit.body()?;
    for name in ["name", "description"] {
        if let Some(value) = body.get(name) {
            record.insert(name.to_owned(), value.clone());
        }
    }
    record.insert(String::from("update_time"), json!(world::held_now()));
    let id = visit.number(0)?;
    visit.store_mut()?.replace(FILES, id, record);
    show(visit)
}

pub fn download(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.number(0)?;
    let record = visit.record()?;
    let bytes = visit
        .store()
        .file(FILES, id)
        .filter(|_| !is(record, "is_deleted"));
    let bytes = bytes.ok_or_else(|| visit.not_found())?.clone();
    let mut answer = answer::typed(StatusCode::OK, "application/octet-stream", bytes);
    let name: String =
        url::form_urlencoded::byte_serialize(text(record, "name").unwrap_or_default().as_bytes())
            .collect();
    if let Ok(disposition) = format!("attachment; filename*=UTF-8''{name}").parse() {
        answer
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    if let Some(kind) = text(record, "~content_type").and_then(|kind| kind.parse().ok()) {
        answer.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Ok(answer)
}
