//! Companies: unique names, deletion for good.

use serde_json::{Value, json};

use super::accounts::Account;
use super::errors::{self, Mistake, Refusal};
use super::ok;
use super::resources::{COMPANIES, COMPANY, CONTACTS, TICKETS};
use super::rows::{self, bare};
use super::v2::{Outcome, Visit};
use crate::records::fields::blank;
use crate::records::order::{self, Key};
use crate::records::{Record, link, text};

pub const FILTERS: &[&str] = &["updated_since", "page", "per_page"];

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let since = visit.since(&["updated_since"])?;
    let fits = |record: &&Record| {
        since
            .as_deref()
            .is_none_or(|since| text(record, "updated_at").is_some_and(|at| at >= since))
    };
    let mut rows: Vec<&Record> = visit.account.records.rows(COMPANIES).filter(fits).collect();
    let key = Key {
        member: String::from("name"),
        descending: false,
    };
    order::sort(&mut rows, &[key], visit.ties);
    let rows: Vec<Record> = rows.into_iter().cloned().collect();
    rows::page(visit, COMPANIES, &rows, |_, row| json!(bare(row)))
}

pub fn one(visit: &mut Visit<'_>) -> Outcome {
    let record = visit.account.records.get(COMPANIES, visit.id()?);
    Ok(ok(&bare(record.ok_or(Refusal::NotFound)?)))
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let (given, _) = rows::read(visit, COMPANY, true)?;
    unique(visit.account, &given, None)?;
    let mut record = blank(COMPANY);
    rows::merge(&mut record, given);
    rows::stamp(&mut record, true);
    let id = visit
        .account
        .records
        .insert(COMPANIES, record.clone())
        .map_err(rows::full)?;
    record.insert(String::from("id"), json!(id));
    Ok(rows::created(
        visit,
        &format!("companies/{id}"),
        &bare(&record),
    ))
}

pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let record = visit.account.records.get(COMPANIES, id);
    let mut record = record.ok_or(Refusal::NotFound)?.clone();
    let (given, _) = rows::read(visit, COMPANY, false)?;
    unique(visit.account, &given, Some(id))?;
    rows::merge(&mut record, given);
    rows::stamp(&mut record, false);
    let answer = ok(&bare(&record));
    visit.account.records.replace(COMPANIES, id, record);
    Ok(answer)
}

/// Final; contacts and tickets stay without it.
pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let records = &mut visit.account.records;
    records.remove(COMPANIES, id).ok_or(Refusal::NotFound)?;
    for table in [CONTACTS, TICKETS] {
        let members = records
            .rows(table)
            .filter(|record| link(record, "company_id") == Some(id));
        let members: Vec<u64> = members.filter_map(|record| link(record, "id")).collect();
        for member in members {
            if let Some(record) = records.get_mut(table, member) {
                record.insert(String::from("company_id"), Value::Null);
            }
        }
    }
    rows::no_content()
}

/// By the beginnings of words, regardless of case, never inside of them.
pub fn autocomplete(visit: &mut Visit<'_>) -> Outcome {
    let Some(name) = visit.query.get("name") else {
        return Err(errors::invalid(Mistake::missing("name")));
    };
    let name = name.to_lowercase();
    let fits = |record: &&Record| {
        let held = text(record, "name").unwrap_or_default().to_lowercase();
        let mut words = held.split(|letter: char| !letter.is_alphanumeric());
        held.starts_with(&name) || words.any(|word| !word.is_empty() && word.starts_with(&name))
    };
    let hits = visit.account.records.rows(COMPANIES).filter(fits);
    let hits: Vec<Value> = hits
        .take(20)
        .map(|record| json!({ "id": record["id"], "name": record["name"] }))
        .collect();
    Ok(ok(&json!({ "companies": hits })))
}

fn unique(account: &Account, given: &Record, own: Option<u64>) -> Result<(), Refusal> {
    let Some(name) = text(given, "name") else {
        return Ok(());
    };
    let mut others = account
        .records
        .rows(COMPANIES)
        .filter(|other| link(other, "id") != own);
    let other = others.find(|other| {
        text(other, "name").is_some_and(|held| held.to_lowercase() == name.to_lowercase())
    });
    match other.and_then(|other| link(other, "id")) {
        Some(id) => Err(rows::duplicate("name", id, "company_id")),
        None => Ok(()),
    }
}
