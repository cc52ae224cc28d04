//! Products, time entries, satisfaction ratings, and changes of many tickets at once.

use http::StatusCode;
use serde_json::{Value, json};

use super::errors::{self, Mistake, Refusal};
use super::ok;
use super::resources::{
    CONVERSATIONS, PRODUCTS, RATING, RATING_INPUT, RATINGS, TICKET, TICKETS, TIME_ENTRIES,
    TIME_ENTRY,
};
use super::rows::{self, bare};
use super::tickets;
use super::v2::{Outcome, Visit};
use crate::answer;
use crate::records::fields::{Check, blank};
use crate::records::{Record, is, is_number, link, text};

pub const TIME_FILTERS: &[&str] = &[
    "company_id",
    "agent_id",
    "executed_after",
    "executed_before",
    "billable",
    "page",
    "per_page",
];
pub const RATING_FILTERS: &[&str] = &["created_since", "user_id", "page", "per_page"];
pub const JOBS: &str = "jobs";

pub fn products(visit: &mut Visit<'_>) -> Outcome {
    every(visit, PRODUCTS, |_| true)
}

pub fn product(visit: &mut Visit<'_>) -> Outcome {
    let record = visit.account.records.get(PRODUCTS, visit.id()?);
    Ok(ok(&bare(record.ok_or(Refusal::NotFound)?)))
}

fn every(visit: &mut Visit<'_>, table: &'static str, fits: impl Fn(&Record) -> bool) -> Outcome {
    let rows: Vec<Record> = visit
        .account
        .records
        .rows(table)
        .filter(|row| fits(row))
        .cloned()
        .collect();
    rows::page(visit, table, &rows, |_, row| json!(bare(row)))
}

/// Those of a ticket, all on one page.
pub fn of_ticket(visit: &mut Visit<'_>, table: &'static str) -> Outcome {
    tickets::found(visit)?;
    let ticket = visit.id()?;
    let own = visit
        .account
        .records
        .rows(table)
        .filter(|row| link(row, "ticket_id") == Some(ticket));
    Ok(ok(&own.map(bare).collect::<Vec<Record>>()))
}

pub fn ticket_times(visit: &mut Visit<'_>) -> Outcome {
    of_ticket(visit, TIME_ENTRIES)
}

pub fn ticket_ratings(visit: &mut Visit<'_>) -> Outcome {
    of_ticket(visit, RATINGS)
}

pub fn times(visit: &mut Visit<'_>) -> Outcome {
    let (after, before) = (
        visit.since(&["executed_after"])?,
        visit.since(&["executed_before"])?,
    );
    let query = &visit.query;
    let equals = |row: &Record, name: &str| {
        query
            .get(name)
            .is_none_or(|wanted| is_number(&row[name], wanted))
    };
    let records = visit.account.records.rows(TIME_ENTRIES);
    let fits = |row: &&Record| {
        let at = text(row, "executed_at").unwrap_or_default();
        ["company_id", "agent_id", "billable"]
            .iter()
            .all(|name| equals(row, name))
            && after.as_deref().is_none_or(|bound| at >= bound)
            && before.as_deref().is_none_or(|bound| at <= bound)
    };
    let rows: Vec<Record> = records.filter(fits).cloned().collect();
    rows::page(visit, TIME_ENTRIES, &rows, |_, row| json!(bare(row)))
}

pub fn create_time(visit: &mut Visit<'_>) -> Outcome {
    let ticket = tickets::changeable(visit)?;
    let (given, _) = rows::read(visit, TIME_ENTRY, true)?;
    let mut record = blank(TIME_ENTRY);
    let now = super::accounts::now();
    record.insert(String::from("agent_id"), json!(visit.agent.id));
    record.insert(String::from("executed_at"), json!(now));
    record.insert(String::from("start_time"), json!(now));
    rows::merge(&mut record, given);
    record.insert(String::from("ticket_id"), ticket["id"].clone());
    record.insert(String::from("company_id"), ticket["company_id"].clone());
    rows::stamp(&mut record, true);
    let id = visit
        .account
        .records
        .insert(TIME_ENTRIES, record.clone())
        .map_err(rows::full)?;
    record.insert(String::from("id"), json!(id));
    Ok(rows::created(visit, &format!("time_entries/{id}"), &record))
}

pub fn update_time(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let record = visit.account.records.get(TIME_ENTRIES, id);
    let mut record = record.ok_or(Refusal::NotFound)?.clone();
    let (given, _) = rows::read(visit, TIME_ENTRY, false)?;
    rows::merge(&mut record, given);
    rows::stamp(&mut record, false);
    let answer = ok(&bare(&record));
    visit.account.records.replace(TIME_ENTRIES, id, record);
    Ok(answer)
}

pub fn delete_time(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    visit
        .account
        .records
        .remove(TIME_ENTRIES, id)
        .ok_or(Refusal::NotFound)?;
    rows::no_content()
}

pub fn ratings(visit: &mut Visit<'_>) -> Outcome {
    let since = visit.since(&["created_since"])?;
    let user = visit.query.get("user_id").map(str::to_owned);
    every(visit, RATINGS, |row| {
        since
            .as_deref()
            .is_none_or(|since| text(row, "created_at").is_some_and(|at| at >= since))
            && user
                .as_ref()
                .is_none_or(|user| is_number(&row["user_id"], user))
    })
}

pub fn create_rating(visit: &mut Visit<'_>) -> Outcome {
    let ticket = tickets::changeable(visit)?;
    let (given, _) = rows::read(visit, RATING_INPUT, true)?;
    let mut record = blank(RATING);
    rows::merge(&mut record, given);
    for (name, from) in [
        ("user_id", "requester_id"),
        ("agent_id", "responder_id"),
        ("group_id", "group_id"),
        ("ticket_id", "id"),
    ] {
        record.insert(name.to_owned(), ticket[from].clone());
    }
    record.insert(String::from("survey_id"), json!(1));
    rows::stamp(&mut record, true);
    let id = visit
        .account
        .records
        .insert(RATINGS, record.clone())
        .map_err(rows::full)?;
    record.insert(String::from("id"), json!(id));
    Ok(rows::created(
        visit,
        &format!("satisfaction_ratings/{id}"),
        &record,
    ))
}

pub fn bulk_update(visit: &mut Visit<'_>) -> Outcome {
    let (ids, action) = bulk(visit)?;
    let properties = action
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let reply = action
        .get("reply")
        .and_then(|reply| text(reply.as_object()?, "body"));
    let account = &visit.account;
    let check = Check {
        fields: TICKET,
        creating: false,
        lenient: false,
        forgiving: false,
        exists: &|table, id| {
            account.agents.contains_key(&id)
                || account.groups.contains_key(&id)
                || account.records.has(table, id)
        },
    };
    let (given, problems) = check.read(properties);
    rows::refuse(problems.into_iter().map(rows::worded).collect())?;
    let mut notes = Vec::new();
    for id in ids {
        let record = visit.account.records.get(TICKETS, id);
        let Some(record) = record
            .filter(|record| !is(record, "deleted") && !is(record, "spam"))
            .cloned()
        else {
            continue;
        };
        notes.extend(reply.map(
            |reply| json!({ "ticket_id": id, "body": reply, "body_text": reply, "source": 0 }),
        ));
        let changed = tickets::changed(record, given.clone(), Vec::new());
        visit.account.records.replace(TICKETS, id, changed);
    }
    for note in notes {
        let mut record = blank(super::resources::CONVERSATION);
        rows::merge(&mut record, note.as_object().cloned().unwrap_or_default());
        rows::stamp(&mut record, true);
        visit
            .account
            .records
            .insert(CONVERSATIONS, record)
            .map_err(rows::full)?;
    }
    job(visit)
}

pub fn bulk_delete(visit: &mut Visit<'_>) -> Outcome {
    let (ids, _) = bulk(visit)?;
    for id in ids {
        if let Some(record) = visit.account.records.get_mut(TICKETS, id) {
            record.insert(String::from("deleted"), json!(true));
            rows::stamp(record, false);
        }
    }
    job(visit)
}

fn bulk(visit: &Visit<'_>) -> Result<(Vec<u64>, Record), Refusal> {
    let body = visit.body()?;
    let action = body.get("bulk_action").and_then(Value::as_object).cloned();
    let Some(action) = action else {
        return Err(errors::invalid(Mistake::missing("bulk_action")));
    };
    let ids = action
        .get("ids")
        .and_then(Value::as_array)
        .filter(|ids| !ids.is_empty());
    let ids: Option<Vec<u64>> = ids.and_then(|ids| ids.iter().map(Value::as_u64).collect());
    Ok((
        ids.ok_or_else(|| errors::invalid(Mistake::missing("ids")))?,
        action,
    ))
}

/// The work is done at once; the job that tells of it answers 202 (unverified).
fn job(visit: &mut Visit<'_>) -> Outcome {
    let id = visit
        .account
        .records
        .insert(JOBS, Record::new())
        .map_err(rows::full)?;
    let href = format!("https://{}/api/v2/jobs/{id}", visit.account.host());
    Ok(answer::json(
        StatusCode::ACCEPTED,
        &json!({ "job_id": id.to_string(), "href": href }),
    ))
}

pub fn show_job(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    visit
        .account
        .records
        .get(JOBS, id)
        .ok_or(Refusal::NotFound)?;
    Ok(ok(&json!({ "id": id.to_string(), "status": "COMPLETED" })))
}
