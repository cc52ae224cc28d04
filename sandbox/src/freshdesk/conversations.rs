//! Notes and replies of tickets.

use serde_json::{Value, json};

use super::accounts::now;
use super::errors::Refusal;
use super::resources::{CONTACTS, CONVERSATION, CONVERSATIONS, NOTE, NOTE_CHANGE, REPLY, TICKETS};
use super::rows::{self};
use super::v2::{Outcome, Visit};
use super::{attachments, ok, tickets};
use crate::records::fields::blank;
use crate::records::{Record, is, link, text};

const REPLY_SOURCE: u64 = 0;
const NOTE_SOURCE: u64 = 2;

/// Oldest first.
pub fn list(visit: &mut Visit<'_>) -> Outcome {
    tickets::found(visit)?;
    let ticket = visit.id()?;
    let own = visit
        .account
        .records
        .rows(CONVERSATIONS)
        .filter(|row| link(row, "ticket_id") == Some(ticket));
    let rows: Vec<Record> = own.cloned().collect();
    rows::page(visit, CONVERSATIONS, &rows, |_, row| {
        json!(tickets::shown(row))
    })
}

/// Private unless it says otherwise. The answer tells who was notified, in place of to whom it went.
pub fn note(visit: &mut Visit<'_>) -> Outcome {
    let ticket = tickets::changeable(visit)?;
    let (given, files) = rows::read(visit, NOTE, true)?;
    let mut record = blank(CONVERSATION);
    let private = given
        .get("private")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    record.insert(String::from("private"), json!(private));
    record.insert(String::from("incoming"), json!(is(&given, "incoming")));
    record.insert(String::from("source"), json!(NOTE_SOURCE));
    let notified = given
        .get("notify_emails")
        .cloned()
        .unwrap_or_else(|| json!([]));
    record.insert(String::from("to_emails"), notified);
    made(
        visit,
        &ticket,
        given,
        record,
        files,
        ("notified_to", "file_size"),
    )
}

/// Mail to the requester.
pub fn reply(visit: &mut Visit<'_>) -> Outcome {
    let ticket = tickets::changeable(visit)?;
    let (given, files) = rows::read(visit, REPLY, true)?;
    let mut record = blank(CONVERSATION);
    record.insert(String::from("source"), json!(REPLY_SOURCE));
    for name in ["cc_emails", "bcc_emails"] {
        let copies = given.get(name).cloned().unwrap_or_else(|| json!([]));
        record.insert(name.to_owned(), copies);
    }
    let requester =
        link(&ticket, "requester_id").and_then(|id| visit.account.records.get(CONTACTS, id));
    let to = requester
        .and_then(|contact| text(contact, "email"))
        .into_iter();
    record.insert(String::from("to_emails"), to.collect());
    let own = format!("support@{}", visit.account.host());
    let from = given
        .get("from_email")
        .cloned()
        .unwrap_or_else(|| json!(own));
    record.insert(String::from("support_email"), from.clone());
    record.insert(String::from("from_email"), from);
    made(visit, &ticket, given, record, files, ("replied_to", "size"))
}

/// `words`: the answer's member for the receivers, and how it calls a file's length.
fn made(
    visit: &mut Visit<'_>,
    ticket: &Record,
    given: Record,
    mut record: Record,
    files: Vec<crate::records::multipart::Part>,
    words: (&str, &str),
) -> Outcome {
    let ticket_id = link(ticket, "id").ok_or(Refusal::NotFound)?;
    let body = text(&given, "body").unwrap_or_default();
    record.insert(String::from("body"), json!(body));
    record.insert(String::from("body_text"), json!(tickets::plain(body)));
    let writer = link(&given, "user_id").unwrap_or(visit.agent.id);
    record.insert(String::from("user_id"), json!(writer));
    record.insert(String::from("ticket_id"), json!(ticket_id));
    rows::stamp(&mut record, true);
    let files = attachments::keep(visit, files, Some(ticket_id), words.1)?;
    record.insert(String::from("attachments"), json!(files));
    let id = visit
        .account
        .records
        .insert(CONVERSATIONS, record)
        .map_err(rows::full)?;
    if let Some(ticket) = visit.account.records.get_mut(TICKETS, ticket_id) {
        ticket.insert(String::from("updated_at"), json!(now()));
    }
    let record = visit
        .account
        .records
        .get(CONVERSATIONS, id)
        .ok_or(Refusal::NotFound)?;
    let mut shown = tickets::shown(record);
    let receivers = shown.remove("to_emails").unwrap_or_default();
    shown.insert(words.0.to_owned(), receivers);
    Ok(rows::created(visit, &format!("conversations/{id}"), &shown))
}

/// Notes alone can be changed; how others are refused is unverified.
pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let record = visit.account.records.get(CONVERSATIONS, id);
    let mut record = record.ok_or(Refusal::NotFound)?.clone();
    if record["source"] != NOTE_SOURCE {
        return Err(rows::frozen(visit));
    }
    let (given, files) = rows::read(visit, NOTE_CHANGE, false)?;
    let files = attachments::keep(visit, files, link(&record, "ticket_id"), "file_size")?;
    if let Some(body) = text(&given, "body") {
        record.insert(String::from("body"), json!(body));
        record.insert(String::from("body_text"), json!(tickets::plain(body)));
    }
    if let Some(held) = record.get_mut("attachments").and_then(Value::as_array_mut) {
        held.extend(files);
    }
    record.insert(String::from("last_edited_at"), json!(now()));
    record.insert(String::from("last_edited_user_id"), json!(visit.agent.id));
    rows::stamp(&mut record, false);
    let answer = ok(&tickets::shown(&record));
    visit.account.records.replace(CONVERSATIONS, id, record);
    Ok(answer)
}

pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    visit
        .account
        .records
        .remove(CONVERSATIONS, id)
        .ok_or(Refusal::NotFound)?;
    rows::no_content()
}
