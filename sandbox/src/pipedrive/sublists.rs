//! What belongs to a record: its activities, deals, people, files, mails and products; and what changed recently.

use serde_json::{Value, json};

use super::columns::DEAL_PRODUCT;
use super::errors::{self, Refusal};
use super::front::Outcome;
use super::resources::{
    self, ACTIVITY_RESOURCE, DEAL_PRODUCTS, DEAL_RESOURCE, DEALS, FILES, MAIL_MESSAGES,
    MAIL_THREADS, NOTE_RESOURCE, ORGANIZATION_RESOURCE, PERSON_RESOURCE, PRODUCT_RESOURCE,
    PRODUCTS, Resource, STAGE_RESOURCE,
};
use super::visit::{self, Page, Version, Visit};
use super::{bodies, files, ok, rows, shape, world};
use crate::answer;
use crate::records::fields::blank;
use crate::records::order;
use crate::records::{Record, is, link, text, times};

/// The member that links to a record of the call's resource.
fn linking(visit: &Visit<'_>) -> &'static str {
    match visit.resource.table {
        resources::PERSONS => "person_id",
        resources::ORGANIZATIONS => "org_id",
        PRODUCTS => "product_id",
        _ => "deal_id",
    }
}

/// The linked records of another resource, in its own form.
fn linked(
    visit: &mut Visit<'_>,
    resource: &'static Resource,
    fits: impl Fn(&Record) -> bool,
) -> Outcome {
    let id = link(visit.record()?, "id");
    let member = linking(visit);
    let own = visit
        .store()
        .rows(resource.table)
        .filter(|row| link(row, member) == id && !is(row, "is_deleted") && fits(row));
    let found: Vec<Record> = own.cloned().collect();
    let (start, limit) = visit.page(500)?;
    let to = start.saturating_add(limit).min(found.len());
    let shower = visit.shower();
    let shown = found[start.min(to)..to]
        .iter()
        .map(|row| shower.v1(resource, row))
        .collect();
    let page = Page {
        start,
        limit,
        more: to < found.len(),
    };
    Ok(ok(&visit::v1_list(
        shown,
        Some(page),
        Some(shower.related()),
    )))
}

pub fn activities(visit: &mut Visit<'_>) -> Outcome {
    let done = visit.query.filled("done").map(|done| done == "1");
    let without = visit.query.filled("exclude").unwrap_or_default().to_owned();
    linked(visit, &ACTIVITY_RESOURCE, |row| {
        let excluded = without.split(',').any(|id| row["id"] == id);
        !excluded && done.is_none_or(|done| is(row, "done") == done)
    })
}

pub fn deals(visit: &mut Visit<'_>) -> Outcome {
    linked(visit, &DEAL_RESOURCE, |_| true)
}

pub fn persons(visit: &mut Visit<'_>) -> Outcome {
    linked(visit, &PERSON_RESOURCE, |_| true)
}

pub fn files(visit: &mut Visit<'_>) -> Outcome {
    let id = link(visit.record()?, "id");
    let member = linking(visit);
    let own = visit
        .store()
        .rows(FILES)
        .filter(|row| link(row, member) == id && !is(row, "is_deleted"));
    let own: Vec<Record> = own.cloned().collect();
    files::page(visit, own)
}

/// Mails come wrapped: what it is, when it was, and the mail.
pub fn mails(visit: &mut Visit<'_>) -> Outcome {
    let id = link(visit.record()?, "id");
    let member = linking(visit);
    let own = visit
        .store()
        .rows(MAIL_MESSAGES)
        .filter(|row| link(row, &format!("~{member}")) == id);
    let shown: Vec<Value> = own
        .map(|row| json!({ "object": "mailMessage", "timestamp": shape::time(text(row, "message_time").unwrap_or_default()), "data": bare(row) }))
        .collect();
    paged(visit, shown)
}

fn bare(row: &Record) -> Record {
    let members = row.iter().filter(|(name, _)| !name.starts_with('~'));
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn paged(visit: &Visit<'_>, rows: Vec<Value>) -> Outcome {
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

/// `folder` must be named.
pub fn threads(visit: &mut Visit<'_>) -> Outcome {
    let folder = visit.query.filled("folder").unwrap_or_default().to_owned();
    if !matches!(folder.as_str(), "inbox" | "drafts" | "sent" | "archive") {
        return Err(errors::invalid(
            "folder must be one of inbox, drafts, sent, archive",
        ));
    }
    let rows = visit.store().rows(MAIL_THREADS);
    let own = rows.filter(|row| {
        row["folders"]
            .as_array()
            .is_some_and(|folders| folders.iter().any(|own| *own == folder))
    });
    let shown: Vec<Value> = own.map(|row| json!(bare(row))).collect();
    let (start, limit) = visit.page(500)?;
    let to = start.saturating_add(limit).min(shown.len());
    Ok(ok(&visit::v1_list(
        shown[start.min(to)..to].to_vec(),
        None,
        None,
    )))
}

pub fn thread(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(
        &json!({ "success": true, "data": bare(visit.record()?) }),
    ))
}

/// A form, as all of mail is.
pub fn update_thread(visit: &mut Visit<'_>) -> Outcome {
    let given = bodies::read(visit, false)?;
    let id = visit.number(0)?;
    let mut record = visit.record()?.clone();
    for (name, value) in given {
        let value = value
            .as_bool()
            .map_or(value, |truth| json!(u8::from(truth)));
        record.insert(name, value);
    }
    record.insert(
        String::from("update_time"),
        json!(world::held_now().replace('Z', ".000Z")),
    );
    visit.store_mut()?.replace(MAIL_THREADS, id, record);
    thread(visit)
}

/// The answer has more than others (unverified beyond these).
pub fn delete_thread(visit: &mut Visit<'_>) -> Outcome {
    visit.record()?;
    let id = visit.number(0)?;
    visit.store_mut()?.remove(MAIL_THREADS, id);
    Ok(ok(
        &json!({ "success": true, "statusCode": 2000, "statusText": "OK", "service": "MailThreads", "data": { "id": id } }),
    ))
}

/// The products of a deal; v1 and v2 name some members differently.
pub fn products(visit: &mut Visit<'_>) -> Outcome {
    let deal = link(visit.record()?, "id");
    let rows = visit
        .store()
        .rows(DEAL_PRODUCTS)
        .filter(|row| link(row, "deal_id") == deal);
    let rows: Vec<Record> = rows.cloned().collect();
    attached(visit, rows)
}

/// Those of several deals at once, v2 only.
pub fn products_of_deals(visit: &mut Visit<'_>) -> Outcome {
    let ids = visit
        .query
        .filled("deal_ids")
        .ok_or_else(|| errors::schema("deal_ids: Required"))?;
    let ids: Vec<u64> = ids
        .split(',')
        .filter_map(|id| id.trim().parse().ok())
        .collect();
    let rows = visit
        .store()
        .rows(DEAL_PRODUCTS)
        .filter(|row| link(row, "deal_id").is_some_and(|id| ids.contains(&id)));
    let rows: Vec<Record> = rows.cloned().collect();
    attached(visit, rows)
}

fn attached(visit: &Visit<'_>, rows: Vec<Record>) -> Outcome {
    if visit.version == Version::One {
        return paged(visit, rows.iter().map(attachment_v1).collect());
    }
    let limit = visit.limit()?;
    let after = visit.cursor()?.map_or(0, |(_, id)| id);
    let mut sorted: Vec<&Record> = rows.iter().collect();
    order::sort(&mut sorted, &[], order::Ties::ById);
    sorted.retain(|row| rows::number(row) > after);
    let served = &sorted[..limit.min(sorted.len())];
    let last = served.last().filter(|_| sorted.len() > limit);
    let cursor = last.map(|last| visit::cursor_after(&Value::Null, rows::number(last)));
    Ok(ok(
        &json!({ "success": true, "data": served, "additional_data": { "next_cursor": cursor } }),
    ))
}

fn attachment_v1(row: &Record) -> Value {
    let mut shown = row.clone();
    for (two, one) in [("is_enabled", "enabled_flag"), ("update_time", "last_edit")] {
        let value = shown.remove(two).unwrap_or_default();
        shown.insert(one.to_owned(), value);
    }
    for name in ["add_time", "last_edit"] {
        let at = shape::time(text(&shown, name).unwrap_or_default());
        shown.insert(name.to_owned(), json!(at));
    }
    shown.insert(String::from("active_flag"), json!(true));
    for name in [
        "billing_frequency",
        "billing_frequency_cycles",
        "billing_start_date",
    ] {
        shown.remove(name);
    }
    Value::Object(shown)
}

/// What v1 answers to a change lacks the place in the row.
fn without_place(row: &Record) -> Value {
    let mut shown = attachment_v1(row);
    if let Some(members) = shown.as_object_mut() {
        members.remove("order_nr");
    }
    shown
}

pub fn attach(visit: &mut Visit<'_>) -> Outcome {
    let deal = visit.record()?.clone();
    let given = attachment(visit, true)?;
    let mut record = blank(DEAL_PRODUCT);
    let now = json!(world::held_now());
    record.insert(String::from("add_time"), now);
    record.insert(String::from("deal_id"), deal["id"].clone());
    record.insert(String::from("currency"), deal["currency"].clone());
    record.extend(given);
    record.insert(
        String::from("order_nr"),
        json!(visit.store().rows(DEAL_PRODUCTS).count() + 1),
    );
    priced(visit, &mut record);
    let id = visit
        .store_mut()?
        .insert(DEAL_PRODUCTS, record.clone())
        .map_err(visit::full)?;
    record.insert(String::from("id"), json!(id));
    worth(visit, &deal)?;
    let (status, data) = match visit.version {
        Version::One => (200, without_place(&record)),
        Version::Two => (201, json!(record)),
    };
    let status = http::StatusCode::from_u16(status).unwrap_or_default();
    Ok(answer::json(
        status,
        &json!({ "success": true, "data": data }),
    ))
}

fn attachment(visit: &Visit<'_>, creating: bool) -> Result<Record, Refusal> {
    let mut body = visit.body()?;
    if let Some(enabled) = body
        .remove("enabled_flag")
        .filter(|_| visit.version == Version::One)
    {
        body.insert(String::from("is_enabled"), enabled);
    }
    bodies::checked_as(visit, DEAL_PRODUCT, body, creating)
}

fn priced(visit: &Visit<'_>, record: &mut Record) {
    let number = |name: &str| record.get(name).and_then(Value::as_f64).unwrap_or_default();
    let gross = number("item_price") * number("quantity");
    let discount = match text(record, "discount_type") {
        Some("amount") => number("discount"),
        _ => gross * number("discount") / 100.0,
    };
    let name = link(record, "product_id").and_then(|id| visit.store().get(PRODUCTS, id));
    let name = name.map_or(Value::Null, |product| product["name"].clone());
    record.insert(String::from("sum"), json!(gross - discount));
    record.insert(String::from("name"), name);
    record.insert(String::from("update_time"), json!(world::held_now()));
}

/// A deal with products is worth what these are.
fn worth(visit: &mut Visit<'_>, deal: &Record) -> Result<(), Refusal> {
    let id = link(deal, "id").unwrap_or_default();
    let rows = visit
        .store()
        .rows(DEAL_PRODUCTS)
        .filter(|row| link(row, "deal_id") == Some(id));
    let sum: f64 = rows.filter_map(|row| row["sum"].as_f64()).sum();
    if let Some(deal) = visit.store_mut()?.get_mut(DEALS, id) {
        deal.insert(String::from("value"), json!(sum));
        deal.insert(String::from("update_time"), json!(world::held_now()));
    }
    Ok(())
}

fn attachment_id(visit: &Visit<'_>) -> Result<u64, Refusal> {
    let deal = link(visit.record()?, "id");
    let id = visit.number(1)?;
    let own = visit
        .store()
        .get(DEAL_PRODUCTS, id)
        .filter(|row| link(row, "deal_id") == deal);
    own.map(|_| id).ok_or_else(|| visit.not_found())
}

pub fn change_attached(visit: &mut Visit<'_>) -> Outcome {
    let id = attachment_id(visit)?;
    let given = attachment(visit, false)?;
    let mut record = visit
        .store()
        .get(DEAL_PRODUCTS, id)
        .cloned()
        .unwrap_or_default();
    record.extend(given);
    priced(visit, &mut record);
    let data = match visit.version {
        Version::One => without_place(&record),
        Version::Two => json!(record),
    };
    visit.store_mut()?.replace(DEAL_PRODUCTS, id, record);
    let deal = visit.record()?.clone();
    worth(visit, &deal)?;
    Ok(ok(&json!({ "success": true, "data": data })))
}

pub fn detach(visit: &mut Visit<'_>) -> Outcome {
    let id = attachment_id(visit)?;
    visit.store_mut()?.remove(DEAL_PRODUCTS, id);
    let deal = visit.record()?.clone();
    worth(visit, &deal)?;
    Ok(ok(&json!({ "success": true, "data": { "id": id } })))
}

/// Kinds of recents with the resource that shows them.
const RECENT: &[(&str, &Resource)] = &[
    ("activity", &ACTIVITY_RESOURCE),
    ("deal", &DEAL_RESOURCE),
    ("note", &NOTE_RESOURCE),
    ("organization", &ORGANIZATION_RESOURCE),
    ("person", &PERSON_RESOURCE),
    ("product", &PRODUCT_RESOURCE),
    ("stage", &STAGE_RESOURCE),
];
/// They reach back so far.
const REACH_SECONDS: i64 = 31 * 86_400;

/// What changed since a moment, of several kinds at once, oldest change first.
pub fn recents(visit: &mut Visit<'_>) -> Outcome {
    let since = visit.query.filled("since_timestamp").and_then(times::read);
    let since = since.ok_or_else(|| errors::invalid("since_timestamp must be given"))?;
    let oldest = jiff::Timestamp::now().as_second() - REACH_SECONDS;
    let bound = times::shown(since.max(oldest));
    let kinds = visit.query.filled("items").map(str::to_owned);
    let wanted = |kind: &str| {
        kinds
            .as_ref()
            .is_none_or(|kinds| kinds.split(',').any(|name| name == kind))
    };
    let mut found: Vec<(&str, &'static Resource, &Record)> = Vec::new();
    for (kind, resource) in RECENT.iter().filter(|(kind, _)| wanted(kind)) {
        let rows = visit.store().rows(resource.table);
        let rows =
            rows.filter(|row| text(row, "update_time").is_some_and(|at| at >= bound.as_str()));
        found.extend(rows.map(|row| (*kind, *resource, row)));
    }
    found.sort_by(|left, right| text(left.2, "update_time").cmp(&text(right.2, "update_time")));
    let (start, limit) = visit.page(500)?;
    let to = start.saturating_add(limit).min(found.len());
    let shower = visit.shower();
    let served = &found[start.min(to)..to];
    let shown: Vec<Value> = served
        .iter()
        .map(|(kind, resource, row)| json!({ "item": kind, "id": row["id"], "data": shower.v1(resource, row) }))
        .collect();
    let last = served
        .last()
        .and_then(|(_, _, row)| text(row, "update_time"))
        .map(shape::time);
    let mut body = visit::v1_list(
        shown,
        Some(Page {
            start,
            limit,
            more: to < found.len(),
        }),
        None,
    );
    body["additional_data"]["since_timestamp"] = json!(shape::time(&bound));
    body["additional_data"]["last_timestamp_on_page"] = json!(last);
    Ok(ok(&body))
}
