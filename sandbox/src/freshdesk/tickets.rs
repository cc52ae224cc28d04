//! Tickets: requesters that are found or made, the window of the list, the trash, embedded records.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::accounts::{Account, now};
use super::errors::{self, Mistake, Refusal};
use super::resources::{COMPANIES, CONTACTS, CONVERSATIONS, OUTBOUND, TICKET, TICKETS};
use super::rows::{self, Credits, bare};
use super::v2::{Outcome, Visit};
use super::{attachments, contacts, ok};
use crate::records::fields::blank;
use crate::records::multipart::Part;
use crate::records::order::{self, Key};
use crate::records::{Record, is, link, text, times};

pub const FILTERS: &[&str] = &[
    "filter",
    "requester_id",
    "email",
    "unique_external_id",
    "company_id",
    "updated_since",
    "order_by",
    "order_type",
    "include",
    "page",
    "per_page",
];
const VIEWS: &[&str] = &["new_and_my_open", "watching", "spam", "deleted"];
const ORDERS: &[&str] = &["created_at", "due_by", "updated_at", "status"];
/// The list goes no further than this page.
const LAST_PAGE: usize = 300;
/// Without `updated_since` the list shows what was created in so many seconds.
const WINDOW_SECONDS: i64 = 30 * 86_400;
/// What finds a requester, and what only helps to make one.
const REQUESTERS: &[&str] = &[
    "requester_id",
    "phone",
    "email",
    "twitter_id",
    "facebook_id",
    "unique_external_id",
];
const INPUTS: &[&str] = &[
    "name",
    "email",
    "phone",
    "facebook_id",
    "twitter_id",
    "unique_external_id",
    "lookup_parameter",
    "parent_id",
    "related_ticket_ids",
    "internal_agent_id",
    "internal_group_id",
];
const NOT_IN_LISTS: &[&str] = &[
    "description",
    "description_text",
    "structured_description",
    "attachments",
    "ticket_cc_emails",
];
const STATS: &str = "~stats";

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let includes = includes(visit, &["requester", "stats", "description", "company"])?;
    let query = &visit.query;
    let one_of = |name: &str, known: &[&str]| match query.get(name) {
        Some(value) if !known.contains(&value) => {
            Err(errors::invalid(Mistake::not_one_of(name, known)))
        }
        value => Ok(value.map(str::to_owned)),
    };
    let view = one_of("filter", VIEWS)?;
    let order_by = one_of("order_by", ORDERS)?.unwrap_or_else(|| String::from("created_at"));
    let descending = one_of("order_type", &["asc", "desc"])?.is_none_or(|order| order == "desc");
    query.number("page", 1, LAST_PAGE)?;
    let number = |name: &str| match query.get(name) {
        Some(_) => query.number(name, 0, usize::MAX).map(|id| Some(id as u64)),
        None => Ok(None),
    };
    let (mut requester, company) = (number("requester_id")?, number("company_id")?);
    for name in ["email", "unique_external_id"] {
        if let Some(wanted) = query.get(name) {
            // Nobody has the number 0, so an unknown address finds nothing.
            requester = Some(person(visit.account, name, wanted).unwrap_or_default());
        }
    }
    let since = visit.since(&["updated_since"])?;
    let oldest = times::shown(Timestamp::now().as_second() - WINDOW_SECONDS);
    let me = visit.agent.id;
    let fits = |record: &&Record| {
        let wanted = match view.as_deref() {
            Some("deleted") => is(record, "deleted"),
            Some("spam") => is(record, "spam") && !is(record, "deleted"),
            view => {
                let mine = link(record, "responder_id").is_none_or(|agent| agent == me)
                    && record["status"] == 2;
                let watched = link(record, "responder_id") == Some(me);
                !is(record, "deleted")
                    && !is(record, "spam")
                    && (view != Some("new_and_my_open") || mine)
                    && (view != Some("watching") || watched)
            }
        };
        let at = |name: &str, bound: &str| text(record, name).is_some_and(|at| at >= bound);
        wanted
            && requester.is_none_or(|id| link(record, "requester_id") == Some(id))
            && company.is_none_or(|id| link(record, "company_id") == Some(id))
            && since.as_deref().map_or_else(
                || at("created_at", &oldest),
                |since| at("updated_at", since),
            )
    };
    let mut rows: Vec<&Record> = visit.account.records.rows(TICKETS).filter(fits).collect();
    order::sort(
        &mut rows,
        &[Key {
            member: order_by,
            descending,
        }],
        visit.ties,
    );
    let rows: Vec<Record> = rows.into_iter().cloned().collect();
    let mut answer = rows::page(visit, TICKETS, &rows, |visit, row| {
        let mut shown = shown(row);
        let described = includes.iter().any(|name| name == "description");
        for name in NOT_IN_LISTS
            .iter()
            .filter(|name| !described || !name.starts_with("description"))
        {
            shown.remove(*name);
        }
        embed(visit.account, row, &includes, &mut shown);
        Value::Object(shown)
    })?;
    answer
        .extensions_mut()
        .insert(Credits(1 + 2 * includes.len() as u64));
    Ok(answer)
}

pub fn one(visit: &mut Visit<'_>) -> Outcome {
    let includes = includes(visit, &["conversations", "requester", "company", "stats"])?;
    let record = found(visit)?;
    let mut shown = shown(record);
    embed(visit.account, record, &includes, &mut shown);
    let credits = includes
        .iter()
        .map(|name| if name == "conversations" { 2 } else { 1 });
    let credits = Credits(1 + credits.sum::<u64>());
    let mut answer = ok(&shown);
    answer.extensions_mut().insert(credits);
    Ok(answer)
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let (given, files, problems) = rows::collect(visit, TICKET, true)?;
    let mut mistakes: Vec<Mistake> = problems.into_iter().map(rows::worded).collect();
    let has = |name: &&str| given.get(*name).is_some_and(|value| !value.is_null());
    let told = |mistakes: &[Mistake]| {
        mistakes
            .iter()
            .any(|mistake| REQUESTERS.contains(&mistake.field.as_str()))
    };
    if !REQUESTERS.iter().any(&has) && !told(&mistakes) {
        let message = format!(
            "One of the following fields is mandatory: {}",
            REQUESTERS.join(", ")
        );
        mistakes.push(Mistake::new("requester_id", "missing_field", message));
    } else if has(&"phone")
        && !REQUESTERS.iter().any(|name| *name != "phone" && has(name))
        && !has(&"name")
    {
        mistakes.push(Mistake::missing("name"));
    }
    for name in ["subject", "description"] {
        if given.get(name).is_some_and(|value| *value == "") {
            mistakes.push(Mistake::new(
                name,
                "invalid_value",
                "It should not be blank",
            ));
        }
    }
    due(&given, &mut mistakes);
    rows::refuse(mistakes)?;
    made(visit, given, files, "tickets")
}

/// Mail from us to somebody; the ticket is closed from the start.
pub fn outbound(visit: &mut Visit<'_>) -> Outcome {
    let (mut given, files) = rows::read(visit, OUTBOUND, true)?;
    given.entry("status").or_insert(json!(5));
    given.insert(String::from("source"), json!(10));
    given.insert(String::from("responder_id"), json!(visit.agent.id));
    made(visit, given, files, "tickets")
}

fn made(visit: &mut Visit<'_>, mut given: Record, files: Vec<Part>, path: &str) -> Outcome {
    let requester = requester(visit.account, &given)?;
    for name in INPUTS {
        given.remove(*name);
    }
    let mut record = blank(TICKET);
    rows::merge(&mut record, given);
    record.insert(String::from("requester_id"), json!(requester));
    let copies = record["cc_emails"].clone();
    record.insert(String::from("reply_cc_emails"), copies.clone());
    record.insert(String::from("ticket_cc_emails"), copies);
    if record["company_id"].is_null() {
        let company = visit
            .account
            .records
            .get(CONTACTS, requester)
            .and_then(|contact| link(contact, "company_id"));
        record.insert(String::from("company_id"), json!(company));
    }
    describe(&mut record);
    rows::stamp(&mut record, true);
    progress(&mut record);
    let answered = record.clone();
    if record["due_by"].is_null() {
        // The vendor fills these a moment later, by the account's policy.
        let soon = |hours: i64| json!(times::shown(Timestamp::now().as_second() + hours * 3600));
        record.insert(String::from("fr_due_by"), soon(24));
        record.insert(String::from("due_by"), soon(72));
    }
    let id = visit
        .account
        .records
        .insert(TICKETS, record)
        .map_err(rows::full)?;
    let files = match attachments::keep(visit, files, Some(id), "file_size") {
        Ok(files) => files,
        Err(refusal) => {
            visit.account.records.remove(TICKETS, id);
            return Err(refusal);
        }
    };
    if let Some(record) = visit.account.records.get_mut(TICKETS, id) {
        record.insert(String::from("attachments"), json!(files));
    }
    let mut shown = shown(&answered);
    shown.insert(String::from("id"), json!(id));
    shown.insert(String::from("attachments"), json!(files));
    Ok(rows::created(visit, &format!("{path}/{id}"), &shown))
}

pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let record = changeable(visit)?;
    let id = visit.id()?;
    let (given, files, problems) = rows::collect(visit, TICKET, false)?;
    let mut mistakes: Vec<Mistake> = problems.into_iter().map(rows::worded).collect();
    due(&given, &mut mistakes);
    rows::refuse(mistakes)?;
    let files = attachments::keep(visit, files, Some(id), "file_size")?;
    let record = changed(record, given, files);
    let answer = ok(&shown(&record));
    visit.account.records.replace(TICKETS, id, record);
    Ok(answer)
}

/// A ticket with what was given over it.
pub fn changed(mut record: Record, mut given: Record, files: Vec<Value>) -> Record {
    for name in INPUTS {
        given.remove(*name);
    }
    rows::merge(&mut record, given);
    describe(&mut record);
    rows::stamp(&mut record, false);
    progress(&mut record);
    if let Some(held) = record.get_mut("attachments").and_then(Value::as_array_mut) {
        held.extend(files);
    }
    record
}

/// To the trash.
pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let mut record = changeable(visit)?;
    record.insert(String::from("deleted"), json!(true));
    rows::stamp(&mut record, false);
    visit.account.records.replace(TICKETS, visit.id()?, record);
    rows::no_content()
}

pub fn restore(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let record = visit.account.records.get_mut(TICKETS, id);
    let record = record
        .filter(|record| is(record, "deleted"))
        .ok_or(Refusal::NotFound)?;
    record.remove("deleted");
    rows::stamp(record, false);
    rows::no_content()
}

pub fn found<'a>(visit: &'a Visit<'_>) -> Result<&'a Record, Refusal> {
    let record = visit.account.records.get(TICKETS, visit.id()?);
    record.ok_or(Refusal::NotFound)
}

/// Those in the trash and in spam are 405.
pub fn changeable(visit: &Visit<'_>) -> Result<Record, Refusal> {
    let record = found(visit)?;
    if is(record, "deleted") || is(record, "spam") {
        return Err(rows::frozen(visit));
    }
    Ok(record.clone())
}

pub fn shown(record: &Record) -> Record {
    let mut shown = bare(record);
    attachments::refresh(&mut shown);
    shown
}

fn includes(visit: &Visit<'_>, known: &[&str]) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = match visit.query.get("include") {
        Some(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        None => Vec::new(),
    };
    match names.iter().all(|name| known.contains(&name.as_str())) {
        true => Ok(names),
        false => Err(errors::invalid(Mistake::not_one_of("include", known))),
    }
}

fn embed(account: &Account, record: &Record, includes: &[String], shown: &mut Record) {
    let contact = link(record, "requester_id").and_then(|id| account.records.get(CONTACTS, id));
    for name in includes {
        let value = match name.as_str() {
            "requester" => {
                let part =
                    |name: &str| contact.map_or(Value::Null, |contact| contact[name].clone());
                json!({ "id": part("id"), "name": part("name"), "email": part("email"), "mobile": part("mobile"), "phone": part("phone") })
            }
            "company" => {
                let company =
                    link(record, "company_id").and_then(|id| account.records.get(COMPANIES, id));
                company.map_or_else(
                    || json!({}),
                    |company| json!({ "id": company["id"], "name": company["name"] }),
                )
            }
            "stats" => record.get(STATS).cloned().unwrap_or_default(),
            "conversations" => {
                let own = account
                    .records
                    .rows(CONVERSATIONS)
                    .filter(|row| link(row, "ticket_id") == link(record, "id"));
                own.take(10).map(|row| json!(self::shown(row))).collect()
            }
            _ => continue,
        };
        shown.insert(name.clone(), value);
    }
}

/// `due_by` wants `fr_due_by` before it, both in the future (unverified).
fn due(given: &Record, mistakes: &mut Vec<Mistake>) {
    let at = |name: &str| text(given, name);
    for (name, other) in [("due_by", "fr_due_by"), ("fr_due_by", "due_by")] {
        match (at(name), at(other)) {
            (Some(at), _) if at <= now().as_str() => {
                mistakes.push(Mistake::new(
                    name,
                    "invalid_value",
                    "It should be a future date",
                ));
            }
            (Some(_), None) => mistakes.push(Mistake::missing(other)),
            _ => {}
        }
    }
    if let (Some(due), Some(first)) = (at("due_by"), at("fr_due_by"))
        && first > due
    {
        let message = "It should not be later than due_by";
        mistakes.push(Mistake::new("fr_due_by", "invalid_value", message));
    }
}

/// The texts beside the markup.
fn describe(record: &mut Record) {
    let Some(markup) = text(record, "description").map(str::to_owned) else {
        return;
    };
    let plain = plain(&markup);
    let content =
        json!({ "description_contents": [{ "type": "text", "data": { "content": plain } }] });
    record.insert(String::from("description_text"), json!(plain));
    record.insert(String::from("structured_description"), content);
}

/// Markup without its tags.
pub fn plain(markup: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in markup.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    html_escape::decode_html_entities(&text).into_owned()
}

/// When what happened, by the ticket's status.
fn progress(record: &mut Record) {
    let status = record["status"].as_i64().unwrap_or(2);
    let at = record["updated_at"].clone();
    let mut stats = record.get(STATS).cloned().unwrap_or_else(|| {
        json!({
            "agent_responded_at": null, "requester_responded_at": null, "first_responded_at": null, "status_updated_at": null,
            "reopened_at": null, "resolved_at": null, "closed_at": null, "pending_since": null,
        })
    });
    if record.get("~status").is_none_or(|before| *before != status) {
        stats["status_updated_at"] = at.clone();
        let moment = |now: bool, held: &Value| if now { at.clone() } else { held.clone() };
        if record
            .get("~status")
            .is_some_and(|before| matches!(before.as_i64(), Some(4 | 5)))
            && !matches!(status, 4 | 5)
        {
            stats["reopened_at"] = at.clone();
        }
        stats["resolved_at"] = moment(matches!(status, 4 | 5), &Value::Null);
        stats["closed_at"] = moment(status == 5, &Value::Null);
        stats["pending_since"] = moment(status == 3, &Value::Null);
    }
    record.insert(String::from("~status"), json!(status));
    record.insert(STATS.to_owned(), stats);
}

/// The contact or agent with this value.
fn person(account: &Account, name: &str, wanted: &str) -> Option<u64> {
    let mut contacts = account
        .records
        .rows(CONTACTS)
        .filter(|contact| !is(contact, "deleted"));
    let contact = contacts
        .find(|contact| text(contact, name).is_some_and(|held| held.eq_ignore_ascii_case(wanted)));
    let agent = || {
        let mut agents = account.agents.values();
        let agent = agents
            .find(|agent| name == "email" && agent.contact.email.eq_ignore_ascii_case(wanted));
        agent.map(|agent| agent.id)
    };
    contact
        .and_then(|contact| link(contact, "id"))
        .or_else(agent)
}

/// Who asks: named by number, found by an address, or made of what came along.
fn requester(account: &mut Account, given: &Record) -> Result<u64, Refusal> {
    if let Some(id) = link(given, "requester_id") {
        return Ok(id);
    }
    let handles = [
        "email",
        "unique_external_id",
        "twitter_id",
        "facebook_id",
        "phone",
    ];
    for name in handles {
        if let Some(id) = text(given, name).and_then(|wanted| person(account, name, wanted)) {
            return Ok(id);
        }
    }
    let mut contact = Record::new();
    for name in handles.iter().chain(&["name"]) {
        if let Some(value) = given.get(*name) {
            contact.insert((*name).to_owned(), value.clone());
        }
    }
    if text(&contact, "name").is_none() {
        let handle = handles
            .iter()
            .find_map(|name| text(given, name))
            .unwrap_or_default();
        let name = handle.split('@').next().unwrap_or(handle).to_owned();
        contact.insert(String::from("name"), json!(name));
    }
    let company = text(given, "email").and_then(|email| contacts::company_of(account, email));
    contact.insert(String::from("company_id"), json!(company));
    contacts::make(account, contact)
}
