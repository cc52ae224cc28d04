//! Contacts: people with soft deletion, unique addresses and merging.

use http::StatusCode;
use serde_json::{Value, json};

use super::accounts::{Account, Agent};
use super::errors::{self, Mistake, Refusal};
use super::resources::{self, COMPANIES, CONTACT, CONTACTS, TICKETS};
use super::rows::{self, bare};
use super::v2::{Outcome, Visit};
use super::{attachments, ok};
use crate::answer;
use crate::records::fields::blank;
use crate::records::order::{self, Key};
use crate::records::{Record, is, link, text, times};

pub const FILTERS: &[&str] = &[
    "email",
    "mobile",
    "phone",
    "company_id",
    "state",
    "contact_type",
    "unique_external_id",
    "updated_since",
    "_updated_since",
    "page",
    "per_page",
];

const STATES: &[&str] = &["blocked", "deleted", "unverified", "verified"];
/// A contact without any of these could not be told from another.
const HANDLES: &[&str] = &[
    "email",
    "phone",
    "mobile",
    "twitter_id",
    "unique_external_id",
];
const UNIQUE: &[&str] = &["email", "twitter_id", "unique_external_id"];
/// Rows of lists do without them.
const NOT_IN_LISTS: &[&str] = &["tags", "avatar", "other_emails"];
const BLOCKED: &str = "~blocked";

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let query = &visit.query;
    let state = query.get("state");
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(errors::invalid(Mistake::not_one_of("state", STATES)));
    }
    let since = visit.since(&["updated_since", "_updated_since"])?;
    let company = match query.get("company_id") {
        Some(_) => Some(query.number("company_id", 0, usize::MAX)? as u64),
        None => None,
    };
    let fits = |record: &&Record| {
        let equals = |name: &str| {
            let wanted = query.get(name);
            wanted.is_none_or(|wanted| {
                text(record, name).is_some_and(|held| held.eq_ignore_ascii_case(wanted))
            })
        };
        let alive = match state {
            Some("deleted") => is(record, "deleted"),
            Some("blocked") => is(record, BLOCKED),
            state => {
                let kind = state.is_none_or(|state| is(record, "active") == (state == "verified"));
                !is(record, "deleted") && !is(record, BLOCKED) && kind
            }
        };
        alive
            && [
                "email",
                "mobile",
                "phone",
                "contact_type",
                "unique_external_id",
            ]
            .into_iter()
            .all(equals)
            && company.is_none_or(|company| link(record, "company_id") == Some(company))
            && since
                .as_deref()
                .is_none_or(|since| text(record, "updated_at").is_some_and(|at| at >= since))
    };
    let mut rows: Vec<&Record> = visit.account.records.rows(CONTACTS).filter(fits).collect();
    let key = Key {
        member: String::from("name"),
        descending: false,
    };
    order::sort(&mut rows, &[key], visit.ties);
    let rows: Vec<Record> = rows.into_iter().cloned().collect();
    rows::page(visit, CONTACTS, &rows, |_, row| {
        rows::without(bare(row), NOT_IN_LISTS)
    })
}

pub fn one(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(&bare(found(visit)?)))
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let (given, files, problems) = rows::collect(visit, CONTACT, true)?;
    let mut mistakes: Vec<Mistake> = problems.into_iter().map(rows::worded).collect();
    if HANDLES
        .iter()
        .all(|name| given.get(*name).is_none_or(Value::is_null))
    {
        let message = format!("Please fill at least 1 of {} fields.", HANDLES.join(", "));
        mistakes.push(Mistake::new("email", "missing_field", message));
    }
    rows::refuse(mistakes)?;
    unique(visit.account, &given, None)?;
    let mut record = blank(CONTACT);
    rows::merge(&mut record, given);
    rows::stamp(&mut record, true);
    let id = visit
        .account
        .records
        .insert(CONTACTS, record)
        .map_err(rows::full)?;
    attachments::avatar(visit, id, files)?;
    let shown = visit.account.records.get(CONTACTS, id).map(bare);
    Ok(rows::created(visit, &format!("contacts/{id}"), &shown))
}

pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let mut record = changeable(visit)?;
    let id = visit.id()?;
    let (given, files) = rows::read(visit, CONTACT, false)?;
    unique(visit.account, &given, Some(id))?;
    rows::merge(&mut record, given);
    rows::stamp(&mut record, false);
    visit.account.records.replace(CONTACTS, id, record);
    attachments::avatar(visit, id, files)?;
    one(visit)
}

/// Softly: the contact stays, and can be restored.
pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let mut record = changeable(visit)?;
    record.insert(String::from("deleted"), json!(true));
    rows::stamp(&mut record, false);
    visit.account.records.replace(CONTACTS, visit.id()?, record);
    rows::no_content()
}

/// For good. Those that are not deleted yet need `force=true`; what they get without is unverified.
pub fn hard_delete(visit: &mut Visit<'_>) -> Outcome {
    let forced = visit.query.get("force") == Some("true");
    if !forced && !is(found(visit)?, "deleted") {
        return Err(rows::frozen(visit));
    }
    found(visit)?;
    let id = visit.id()?;
    visit.account.records.remove(CONTACTS, id);
    visit
        .account
        .records
        .retain(TICKETS, |ticket| link(ticket, "requester_id") != Some(id));
    rows::no_content()
}

pub fn restore(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let record = visit.account.records.get_mut(CONTACTS, id);
    let record = record
        .filter(|record| is(record, "deleted"))
        .ok_or(Refusal::NotFound)?;
    record.remove("deleted");
    rows::stamp(record, false);
    rows::no_content()
}

/// By the beginning of a name or an address.
pub fn autocomplete(visit: &mut Visit<'_>) -> Outcome {
    let Some(term) = visit.query.get("term") else {
        return Err(errors::invalid(Mistake::missing("term")));
    };
    let term = term.to_lowercase();
    let alive = visit
        .account
        .records
        .rows(CONTACTS)
        .filter(|record| !is(record, "deleted"));
    let fits = |value: Option<&str>| {
        value.is_some_and(|value| {
            value
                .to_lowercase()
                .split(' ')
                .any(|word| word.starts_with(&term))
        })
    };
    let hits = alive.filter(|record| fits(text(record, "name")) || fits(text(record, "email")));
    let shown: Vec<Value> = hits
        .take(10)
        .map(|record| json!({ "id": record["id"], "name": record["name"] }))
        .collect();
    Ok(ok(&shown))
}

/// The others' tickets and addresses go to the primary one; they themselves are deleted.
pub fn merge(visit: &mut Visit<'_>) -> Outcome {
    let body = visit.body()?;
    let primary = body.get("primary_contact_id").and_then(Value::as_u64);
    let others = body.get("secondary_contact_ids").and_then(Value::as_array);
    let (Some(primary), Some(others)) = (primary, others) else {
        let missing = |name| Mistake::missing(name);
        return rows::refuse(vec![
            missing("primary_contact_id"),
            missing("secondary_contact_ids"),
        ])
        .map(|()| answer::empty(StatusCode::NO_CONTENT));
    };
    let others: Vec<u64> = others.iter().filter_map(Value::as_u64).collect();
    let records = &mut visit.account.records;
    let known = |id: &u64| {
        records
            .get(CONTACTS, *id)
            .is_some_and(|record| !is(record, "deleted"))
    };
    if !known(&primary)
        || others.is_empty()
        || !others.iter().all(known)
        || others.contains(&primary)
    {
        let message = "There are no records matching the ids";
        return Err(errors::invalid(Mistake::new(
            "secondary_contact_ids",
            "invalid_value",
            message,
        )));
    }
    let mut addresses = Vec::new();
    for id in &others {
        if let Some(record) = records.get_mut(CONTACTS, *id) {
            addresses.extend(text(record, "email").map(|email| json!(email)));
            record.insert(String::from("deleted"), json!(true));
            rows::stamp(record, false);
        }
    }
    if let Some(record) = records.get_mut(CONTACTS, primary) {
        if let Some(held) = record.get_mut("other_emails").and_then(Value::as_array_mut) {
            held.extend(addresses);
        }
        rows::stamp(record, false);
    }
    let moved: Vec<u64> = records
        .rows(TICKETS)
        .filter(|ticket| link(ticket, "requester_id").is_some_and(|id| others.contains(&id)))
        .filter_map(|ticket| link(ticket, "id"))
        .collect();
    for id in moved {
        if let Some(ticket) = records.get_mut(TICKETS, id) {
            ticket.insert(String::from("requester_id"), json!(primary));
        }
    }
    rows::no_content()
}

/// The contact becomes an agent with the same address; the answer has both. Its details are unverified.
pub fn make_agent(visit: &mut Visit<'_>) -> Outcome {
    let record = changeable(visit)?;
    let Some(email) = text(&record, "email") else {
        let message = "Contact with email id can only be converted to agent";
        return Err(errors::invalid(Mistake::new(
            "email",
            "inconsistent_state",
            message,
        )));
    };
    let mut agent = Agent::new(visit.account.next_id(), email);
    agent.contact.name = text(&record, "name").unwrap_or_default().to_owned();
    let mut shown = bare(&record);
    shown.insert(String::from("agent"), json!(agent));
    visit.account.agents.insert(agent.id, agent.into());
    visit.account.records.remove(CONTACTS, visit.id()?);
    Ok(ok(&shown))
}

fn found<'a>(visit: &'a Visit<'_>) -> Result<&'a Record, Refusal> {
    let record = visit.account.records.get(CONTACTS, visit.id()?);
    record.ok_or(Refusal::NotFound)
}

/// Deleted and blocked ones are 405.
fn changeable(visit: &Visit<'_>) -> Result<Record, Refusal> {
    let record = found(visit)?;
    if is(record, "deleted") || is(record, BLOCKED) {
        return Err(rows::frozen(visit));
    }
    Ok(record.clone())
}

/// Deleted contacts keep their address, so it stays taken (unverified).
fn unique(account: &Account, given: &Record, own: Option<u64>) -> Result<(), Refusal> {
    for name in UNIQUE {
        let Some(wanted) = text(given, name) else {
            continue;
        };
        let agent = account
            .agents
            .values()
            .find(|agent| *name == "email" && agent.contact.email.eq_ignore_ascii_case(wanted));
        let mut others = account
            .records
            .rows(CONTACTS)
            .filter(|other| link(other, "id") != own);
        let other = others.find(|other| {
            let more = other
                .get("other_emails")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let mut more = more.filter_map(Value::as_str).filter(|_| *name == "email");
            text(other, name).is_some_and(|held| held.eq_ignore_ascii_case(wanted))
                || more.any(|held| held.eq_ignore_ascii_case(wanted))
        });
        let holder = agent
            .map(|agent| agent.id)
            .or(other.and_then(|other| link(other, "id")));
        if let Some(holder) = holder {
            return Err(rows::duplicate(name, holder, "user_id"));
        }
    }
    Ok(())
}

/// A contact that a ticket brought along. Nothing is checked here but room.
pub fn make(account: &mut Account, given: Record) -> Result<u64, Refusal> {
    let mut record = blank(resources::CONTACT);
    rows::merge(&mut record, given);
    rows::stamp(&mut record, true);
    account.records.insert(CONTACTS, record).map_err(rows::full)
}

/// The company behind a domain, as the vendor finds it for new contacts.
pub fn company_of(account: &Account, email: &str) -> Option<u64> {
    let (_, domain) = email.rsplit_once('@')?;
    let mut companies = account.records.rows(COMPANIES);
    let company = companies.find(|company| {
        let domains = company.get("domains").and_then(Value::as_array);
        domains.is_some_and(|domains| domains.iter().any(|own| *own == domain))
    });
    company.and_then(|company| link(company, "id"))
}

/// The bound that a parameter of time sets, in the held form.
pub fn bound(name: &str, value: &str) -> Result<String, Refusal> {
    times::held(value).ok_or_else(|| {
        let message = "It should be in the 'combined date and time ISO8601' format";
        errors::invalid(Mistake::new(name, "invalid_value", message))
    })
}
