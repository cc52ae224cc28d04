//! Groups of agents: read, create, update, delete.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::accounts::{Account, Group, now};
use super::errors::{Mistake, Refusal};
use super::input::Fields;
use super::ok;
use super::v2::{Outcome, Visit};
use crate::answer;

const WAITING_TIMES: &[&str] = &["30m", "1h", "2h", "4h", "8h", "12h", "1d", "2d", "3d"];

/// Rows of the list lack `agent_ids`.
pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let rows: Vec<Value> = visit
        .account
        .groups
        .values()
        .map(|group| {
            let mut row = json!(group);
            if let Some(row) = row.as_object_mut() {
                row.remove("agent_ids");
            }
            row
        })
        .collect();
    visit
        .query
        .page(&rows, &visit.account.host(), &visit.call.path)
}

pub fn one(visit: &mut Visit<'_>) -> Outcome {
    let group = visit.account.groups.get(&visit.id()?);
    Ok(ok(group.ok_or(Refusal::NotFound)?))
}

pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let body = visit.body()?;
    let now = now();
    let mut group = Group {
        id: 0,
        name: String::new(),
        description: None,
        business_hour_id: None,
        escalate_to: None,
        unassigned_for: None,
        agent_ids: Vec::new(),
        auto_ticket_assign: 0,
        created_at: now.clone(),
        updated_at: now,
    };
    apply(visit.account, &mut group, body)?;
    group.id = visit.account.next_id();
    let location = format!(
        "https://{}/api/v2/groups/{}",
        visit.account.host(),
        group.id
    );
    let mut answer = answer::json(StatusCode::CREATED, &group);
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    store(visit.account, group);
    Ok(answer)
}

/// Only the fields that were sent change.
pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let group = visit.account.groups.get(&visit.id()?);
    let mut group = group.ok_or(Refusal::NotFound)?.clone();
    apply(visit.account, &mut group, visit.body()?)?;
    group.updated_at = now();
    let answer = ok(&group);
    store(visit.account, group);
    Ok(answer)
}

pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let removed = visit.account.groups.remove(&visit.id()?);
    removed.ok_or(Refusal::NotFound)?;
    visit.account.refresh_memberships();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn store(account: &mut Account, group: Group) {
    account.groups.insert(group.id, group);
    account.refresh_memberships();
}

fn apply(account: &Account, group: &mut Group, body: Map<String, Value>) -> Result<(), Refusal> {
    let mut fields = Fields::new(body);
    if let Some(name) = fields.text("name") {
        group.name = name.unwrap_or_default();
    }
    if group.name.trim().is_empty() {
        fields.mistake(Mistake::missing("name"));
    }
    if let Some(description) = fields.text("description") {
        group.description = description;
    }
    if let Some(business_hour) = fields.number("business_hour_id") {
        group.business_hour_id = business_hour;
    }
    if let Some(agent) = fields.number("escalate_to") {
        group.escalate_to = agent;
    }
    if let Some(waiting) = fields.text("unassigned_for") {
        if waiting
            .as_deref()
            .is_some_and(|text| !WAITING_TIMES.contains(&text))
        {
            fields.mistake(Mistake::not_one_of("unassigned_for", WAITING_TIMES));
        }
        group.unassigned_for = waiting;
    }
    if let Some(agents) = fields.numbers("agent_ids") {
        group.agent_ids = agents.unwrap_or_default();
        group.agent_ids.sort_unstable();
        group.agent_ids.dedup();
    }
    if let Some(assign) = fields.number("auto_ticket_assign") {
        group.auto_ticket_assign = assign.unwrap_or_default();
        if group.auto_ticket_assign > 1 {
            fields.mistake(Mistake::not_one_of("auto_ticket_assign", &["0", "1"]));
        }
    }
    for (field, ids) in [
        ("agent_ids", group.agent_ids.as_slice()),
        ("escalate_to", group.escalate_to.as_slice()),
    ] {
        if ids.iter().any(|id| !account.agents.contains_key(id)) {
            let message = format!("There is no agent matching the given {field}");
            fields.mistake(Mistake::new(field, "invalid_value", message));
        }
    }
    fields.finish()?;
    let mut others = account.groups.values().filter(|other| other.id != group.id);
    if others.any(|other| other.name.eq_ignore_ascii_case(&group.name)) {
        let mistake = Mistake::new("name", "duplicate_value", "It should be a unique value");
        return Err(Refusal::Fields(StatusCode::CONFLICT, vec![mistake]));
    }
    Ok(())
}
