//! List, show, make, change and delete: the same calls for every resource, in both API versions.

use http::StatusCode;
use serde_json::{Value, json};

use super::errors::{self, Refusal};
use super::filters;
use super::front::Outcome;
use super::resources::{self, DEALS, LEADS, Select, Selects};
use super::shape::Show;
use super::visit::{self, Page, Version, Visit};
use super::{bodies, deals, ok, world};
use crate::records::fields::blank;
use crate::records::order::{self, Key};
use crate::records::{Record, is, link, text, times};

/// Names that every list of v2 knows.
const V2_COMMON: &[&str] = &[
    "limit",
    "cursor",
    "sort_by",
    "sort_direction",
    "include_fields",
    "include_option_labels",
    "include_labels",
    "api_token",
];
const LARGEST_V1_PAGE: usize = 500;

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let selects = match visit.version {
        Version::One => visit.resource.v1_selects,
        Version::Two => {
            known(visit, visit.resource.v2_selects)?;
            visit.resource.v2_selects
        }
    };
    let rows = selected(visit, selects)?;
    match visit.version {
        Version::One => v1_page(visit, rows),
        Version::Two => v2_page(visit, rows),
    }
}

/// v2 refuses what it does not know; v1 passes over it.
fn known(visit: &Visit<'_>, selects: Selects) -> Result<(), Refusal> {
    let unknown = visit.query.pairs().iter().find(|(name, _)| {
        !V2_COMMON.contains(&name.as_str()) && !selects.iter().any(|(known, _)| known == name)
    });
    match unknown {
        Some((name, _)) => Err(errors::schema(&format!("{name}: is not allowed"))),
        None => Ok(()),
    }
}

/// The records that a call asks for, in the order of their numbers.
pub fn selected(visit: &Visit<'_>, selects: Selects) -> Result<Vec<Record>, Refusal> {
    let filter = match visit
        .query
        .filled("filter_id")
        .filter(|_| selects.iter().any(|(name, _)| *name == "filter_id"))
    {
        Some(id) => Some(filters::found(visit, id)?),
        None => None,
    };
    let mut rows: Vec<&Record> = visit.store().rows(visit.resource.table).collect();
    let deleted = visit.resource.table == DEALS && visit.query.filled("status").is_some();
    rows.retain(|row| {
        (deleted || !is(row, "is_deleted"))
            && !(visit.resource.table == LEADS && is(row, "is_archived"))
    });
    if visit.resource.table == DEALS {
        rows.retain(|row| !is(row, "is_archived"));
        if visit.query.get("owned_by_you") == Some("1") {
            rows.retain(|row| link(row, "owner_id") == Some(visit.user));
        }
    }
    for (name, select) in selects {
        let value = visit.query.filled(name);
        // A filter overrides the user.
        if filter.is_some() && matches!(*name, "user_id" | "owner_id" | "ids") {
            continue;
        }
        let fits = fits(visit, name, *select, value)?;
        rows.retain(|row| fits(row));
    }
    if let Some(filter) = filter {
        rows.retain(|row| filter.holds(visit.company(), visit.resource.table, row));
    }
    Ok(rows.into_iter().cloned().collect())
}

type Fits = Box<dyn Fn(&Record) -> bool>;

fn fits(
    visit: &Visit<'_>,
    name: &str,
    select: Select,
    value: Option<&str>,
) -> Result<Fits, Refusal> {
    let wrong = || match visit.version {
        Version::One => errors::invalid(&format!("{name} is not valid")),
        Version::Two => errors::schema(&format!("{name}: is not valid")),
    };
    let Some(value) = value.map(str::to_owned) else {
        let user = visit.user;
        return Ok(match select {
            Select::OwnerOrAll => Box::new(move |row| link(row, "owner_id") == Some(user)),
            _ => Box::new(|_| true),
        });
    };
    let moment = || times::held(&value).ok_or_else(wrong);
    Ok(match select {
        Select::Link(member) => {
            let id: u64 = value.parse().map_err(|_| wrong())?;
            Box::new(move |row| link(row, member) == Some(id))
        }
        Select::OwnerOrAll => {
            let id: u64 = value.parse().map_err(|_| wrong())?;
            Box::new(move |row| id == 0 || link(row, "owner_id") == Some(id))
        }
        Select::Text(member) => Box::new(move |row| text(row, member) == Some(&value)),
        Select::Flag(member) => {
            let wanted = match value.as_str() {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(wrong()),
            };
            Box::new(move |row| is(row, member) == wanted)
        }
        Select::Ids => {
            let ids: Option<Vec<u64>> = value.split(',').map(|id| id.trim().parse().ok()).collect();
            let ids = ids.filter(|ids| ids.len() <= 100).ok_or_else(wrong)?;
            Box::new(move |row| link(row, "id").is_some_and(|id| ids.contains(&id)))
        }
        Select::FirstLetter => Box::new(move |row| {
            text(row, "name")
                .is_some_and(|name| name.to_lowercase().starts_with(&value.to_lowercase()))
        }),
        Select::DealStatus => {
            let wanted: Vec<String> = value.split(',').map(str::to_owned).collect();
            if !wanted.iter().all(|one| {
                matches!(
                    one.as_str(),
                    "open" | "won" | "lost" | "deleted" | "all_not_deleted"
                )
            }) {
                return Err(wrong());
            }
            Box::new(move |row| {
                let deleted = is(row, "is_deleted");
                wanted.iter().any(|wanted| match wanted.as_str() {
                    "deleted" => deleted,
                    "all_not_deleted" => !deleted,
                    status => !deleted && text(row, "status") == Some(status),
                })
            })
        }
        Select::Since(member) => {
            let bound = moment()?;
            Box::new(move |row| text(row, member).is_some_and(|at| *at >= *bound))
        }
        Select::From(member) => {
            Box::new(move |row| text(row, member).is_some_and(|at| *at >= *value))
        }
        Select::Until(member) => {
            let bound = if value.len() == 10 { value } else { moment()? };
            Box::new(move |row| {
                text(row, member).is_some_and(|at| *at < *bound || at == bound && bound.len() == 10)
            })
        }
        Select::Filter | Select::Other => Box::new(|_| true),
    })
}

fn v1_page(visit: &mut Visit<'_>, rows: Vec<Record>) -> Outcome {
    let keys = v1_keys(visit)?;
    let ties = visit.store_mut()?.ties();
    let mut rows: Vec<&Record> = rows.iter().collect();
    order::sort(&mut rows, &keys, ties);
    let (start, limit) = match visit.resource.paged {
        true => visit.page(LARGEST_V1_PAGE)?,
        false => (0, rows.len().max(1)),
    };
    let to = start.saturating_add(limit).min(rows.len());
    let from = start.min(to);
    let shower = visit.shower();
    let shown: Vec<Value> = rows[from..to]
        .iter()
        .map(|row| shower.v1(visit.resource, row))
        .collect();
    let page = visit.resource.paged.then_some(Page {
        start,
        limit,
        more: to < rows.len(),
    });
    let related = visit.related().then(|| shower.related());
    let answer = ok(&visit::v1_list(shown, page, related));
    stir(visit, &rows[from..to], rows.get(to).copied())?;
    Ok(answer)
}

/// `field ASC, field2 DESC`, by the names of v1.
fn v1_keys(visit: &Visit<'_>) -> Result<Vec<Key>, Refusal> {
    let mut keys = Vec::new();
    for part in visit
        .query
        .filled("sort")
        .unwrap_or_default()
        .split(',')
        .filter(|part| !part.trim().is_empty())
    {
        let (name, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), "ASC"));
        let shown = visit
            .resource
            .v1_shape
            .iter()
            .find(|(known, _)| *known == name);
        let member = shown.and_then(|(_, show)| match show {
            Show::Same(member)
            | Show::Time(member)
            | Show::Milliseconds(member)
            | Show::Text(member)
            | Show::User(member)
            | Show::Person(member)
            | Show::Organization(member) => Some(*member),
            _ => None,
        });
        let descending = match direction.trim().to_ascii_uppercase().as_str() {
            "ASC" => false,
            "DESC" => true,
            _ => {
                return Err(errors::invalid(&format!(
                    "sort: {direction} is neither ASC nor DESC"
                )));
            }
        };
        let member =
            member.ok_or_else(|| errors::invalid(&format!("sort: {name} cannot be sorted by")))?;
        keys.push(Key {
            member: member.to_owned(),
            descending,
        });
    }
    Ok(keys)
}

pub fn v2_page(visit: &mut Visit<'_>, rows: Vec<Record>) -> Outcome {
    let member = visit.query.filled("sort_by").unwrap_or("id").to_owned();
    if !visit.resource.v2_sorts.contains(&member.as_str()) {
        return Err(errors::schema(&format!(
            "sort_by: must be one of {}",
            visit.resource.v2_sorts.join(", ")
        )));
    }
    let descending = match visit.query.filled("sort_direction") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(errors::schema("sort_direction: must be one of asc, desc")),
    };
    let (limit, includes) = (visit.limit()?, visit.includes()?);
    let mut rows: Vec<&Record> = rows.iter().collect();
    let keys = [Key {
        member: member.clone(),
        descending,
    }];
    order::sort(&mut rows, &keys, order::Ties::ById);
    if let Some((value, id)) = visit.cursor()? {
        rows.retain(|row| {
            let order = order::compare(&row[&member], &value);
            let order = if descending { order.reverse() } else { order };
            order.then(number(row).cmp(&id)).is_gt()
        });
    }
    let served = &rows[..limit.min(rows.len())];
    let shower = visit.shower();
    let shown: Vec<Value> = served
        .iter()
        .map(|row| shower.v2(visit.resource, row, &includes))
        .collect();
    let last = served.last().filter(|_| rows.len() > limit);
    let cursor = last.map(|last| visit::cursor_after(&last[&member], number(last)));
    let body =
        json!({ "success": true, "data": shown, "additional_data": { "next_cursor": cursor } });
    let answer = ok(&body);
    stir(visit, served, rows.get(limit).copied())?;
    Ok(answer)
}

/// A record's number; a lead's stands in its text.
pub fn number(row: &Record) -> u64 {
    let id = row.get("id");
    id.and_then(|id| id.as_u64().or_else(|| visit::number_of(id.as_str()?)))
        .unwrap_or_default()
}

fn stir(visit: &mut Visit<'_>, served: &[&Record], next: Option<&Record>) -> Result<(), Refusal> {
    let ids: Vec<u64> = served.iter().map(|row| number(row)).collect();
    let now = world::held_now();
    let table = visit.resource.table;
    visit
        .store_mut()?
        .stir(table, &ids, next.map(number), &[("update_time", &now)]);
    Ok(())
}

pub fn show(visit: &mut Visit<'_>) -> Outcome {
    visit.one(200, visit.record()?)
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let given = bodies::read(visit, true)?;
    let id = make(visit, given)?;
    let record = visit
        .store()
        .get(visit.resource.table, id)
        .ok_or_else(|| visit.not_found())?;
    let (one, two) = visit.resource.created;
    visit.one(
        if visit.version == Version::One {
            one
        } else {
            two
        },
        record,
    )
}

/// Puts a checked record in.
pub fn make(visit: &mut Visit<'_>, given: Record) -> Result<u64, Refusal> {
    let resource = visit.resource;
    let mut record = blank(resource.fields);
    let now = json!(world::held_now());
    record.insert(String::from("add_time"), now.clone());
    record.insert(String::from("update_time"), now);
    record.insert(String::from("owner_id"), json!(visit.user));
    if !resource.fields.iter().any(|field| field.name == "owner_id") {
        record.remove("owner_id");
    }
    merge(&mut record, given);
    deals::settle(visit, &Record::new(), &mut record)?;
    let store = visit.store_mut()?;
    let id = store.insert(resource.table, record).map_err(visit::full)?;
    if resource.table == LEADS
        && let Some(record) = store.get_mut(LEADS, id)
    {
        record.insert(String::from("id"), json!(visit::lead_id(id)));
    }
    Ok(id)
}

pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let before = visit.record()?.clone();
    if is(&before, "is_deleted") {
        return Err(visit.not_found());
    }
    let given = bodies::read(visit, false)?;
    let mut record = before.clone();
    merge(&mut record, given);
    record.insert(String::from("update_time"), json!(world::held_now()));
    deals::settle(visit, &before, &mut record)?;
    let (table, id) = (visit.resource.table, visit.number(0)?);
    visit.store_mut()?.replace(table, id, record);
    show(visit)
}

/// Sent members replace; of custom fields those that were sent.
fn merge(record: &mut Record, given: Record) {
    for (name, value) in given {
        match (record.get_mut(&name), value) {
            (Some(Value::Object(held)), Value::Object(members)) if name == "custom_fields" => {
                held.extend(members)
            }
            (_, value) => drop(record.insert(name, value)),
        }
    }
}

pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let record = visit.record()?.clone();
    if is(&record, "is_deleted") {
        return Err(visit.not_found());
    }
    let id = visit.number(0)?;
    remove(visit, id)?;
    let data = match visit.resource.table {
        resources::NOTES => json!(true),
        resources::ACTIVITY_TYPES => {
            let record = visit
                .store()
                .get(visit.resource.table, id)
                .unwrap_or(&record);
            visit.shower().v1(visit.resource, record)
        }
        _ => json!({ "id": record["id"] }),
    };
    Ok(ok(&json!({ "success": true, "data": data })))
}

/// `?ids=1,2`: those that are there.
pub fn delete_many(visit: &mut Visit<'_>) -> Outcome {
    let ids = visit
        .query
        .filled("ids")
        .ok_or_else(|| errors::invalid("ids must be given"))?;
    let ids: Option<Vec<u64>> = ids.split(',').map(|id| id.trim().parse().ok()).collect();
    let mut ids = ids.ok_or_else(|| errors::invalid("ids must be numbers with commas"))?;
    ids.retain(|id| {
        visit
            .store()
            .get(visit.resource.table, *id)
            .is_some_and(|row| !is(row, "is_deleted"))
    });
    for id in &ids {
        remove(visit, *id)?;
    }
    Ok(ok(&json!({ "success": true, "data": { "id": ids } })))
}

fn remove(visit: &mut Visit<'_>, id: u64) -> Result<(), Refusal> {
    let (table, soft) = (visit.resource.table, visit.resource.soft);
    let store = visit.store_mut()?;
    match store.get_mut(table, id).filter(|_| soft) {
        Some(record) => {
            record.insert(String::from("is_deleted"), json!(true));
            record.insert(String::from("update_time"), json!(world::held_now()));
            if table == DEALS {
                record.insert(String::from("status"), json!("deleted"));
            }
        }
        None => drop(store.remove(table, id)),
    }
    Ok(())
}

/// 410: the vendor has taken this call of v1 away.
pub fn retired() -> Refusal {
    errors::said(
        StatusCode::GONE,
        "This endpoint is no longer available. Please use API v2.",
    )
}
