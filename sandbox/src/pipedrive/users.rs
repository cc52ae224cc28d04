//! Users of a company. Their records are the world's, so that log-ins and tokens know them.

use http::StatusCode;
use serde_json::{Value, json};

use super::errors::{self, Refusal};
use super::front::Outcome;
use super::ok;
use super::visit::{self, Visit};
use super::world::{self, Company, Membership, User, World, new_token};
use crate::records::fields::is_email;

pub fn me(world: &World, user: u64, company: u64) -> Outcome {
    let company = world.companies.get(&company).ok_or(Refusal::Unauthorized)?;
    let found = world.users.get(&user).ok_or(Refusal::Unauthorized)?;
    let mut data = shown(found, company, user);
    data["is_admin"] = json!(u8::from(is_admin(found, company.id)));
    data["company_id"] = json!(company.id);
    data["company_name"] = json!(company.name);
    data["company_domain"] = json!(company.domain);
    data["company_country"] = json!(company.country);
    data["company_industry"] = json!(company.industry);
    data["language"] = json!({ "language_code": "en", "country_code": "US" });
    Ok(ok(&json!({ "success": true, "data": data })))
}

fn membership(user: &User, company: u64) -> Option<&Membership> {
    let mut memberships = user.memberships.iter();
    memberships.find(|membership| membership.company == company)
}

fn is_admin(user: &User, company: u64) -> bool {
    membership(user, company).is_some_and(|membership| membership.admin)
}

fn shown(user: &User, company: &Company, me: u64) -> Value {
    let admin = is_admin(user, company.id);
    let active = membership(user, company.id).is_some_and(|membership| !membership.deactivated);
    let last_login = user.last_login.as_ref().unwrap_or(&user.created);
    let access = json!({ "app": "global", "admin": admin, "permission_set_id": "5a6d0a1e-0000-4000-8000-000000000001" });
    json!({
        "id": user.id,
        "name": user.name,
        "default_currency": "EUR",
        "locale": "en_US",
        "lang": 1,
        "email": user.email,
        "phone": null,
        "activated": true,
        "last_login": last_login,
        "created": user.created,
        "modified": user.modified,
        "has_created_company": admin,
        "access": [access],
        "active_flag": active,
        "timezone_name": "Europe/Tallinn",
        "timezone_offset": "+02:00",
        "role_id": 1,
        "icon_url": null,
        "is_you": user.id == me,
        "is_deleted": false,
    })
}

fn members<'a>(visit: &'a Visit<'_>) -> impl Iterator<Item = &'a User> {
    let company = visit.company;
    let users = visit.world.users.values();
    users.filter(move |user| membership(user, company).is_some())
}

/// All of them: this list has no pages.
pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let rows = members(visit).map(|user| shown(user, visit.company(), visit.user));
    Ok(ok(&visit::v1_list(rows.collect(), None, None)))
}

pub fn find(visit: &mut Visit<'_>) -> Outcome {
    let term = visit
        .query
        .filled("term")
        .ok_or_else(|| errors::invalid("term must be given"))?;
    let term = term.to_lowercase();
    let by_email = visit.query.get("search_by_email") == Some("1");
    let hits = members(visit).filter(|user| {
        let held = if by_email { &user.email } else { &user.name };
        held.to_lowercase().contains(&term)
    });
    let rows = hits.map(|user| shown(user, visit.company(), visit.user));
    Ok(ok(&visit::v1_list(rows.collect(), None, None)))
}

/// The words of 403 and 404 are short here.
fn short(status: StatusCode, error: &str) -> Refusal {
    Refusal::Said(status, json!({ "success": false, "error": error }))
}

fn found(visit: &Visit<'_>) -> Result<u64, Refusal> {
    let missing = || short(StatusCode::NOT_FOUND, "User not found or not accessible.");
    let id = visit.number(0).map_err(|_| missing())?;
    let user = visit
        .world
        .users
        .get(&id)
        .filter(|user| membership(user, visit.company).is_some());
    user.map(|user| user.id).ok_or_else(missing)
}

pub fn show(visit: &mut Visit<'_>) -> Outcome {
    answer(visit, found(visit)?)
}

fn answer(visit: &Visit<'_>, id: u64) -> Outcome {
    let user = &visit.world.users[&id];
    Ok(ok(
        &json!({ "success": true, "data": shown(user, visit.company(), visit.user) }),
    ))
}

fn admin_only(visit: &Visit<'_>) -> Result<(), Refusal> {
    let caller = visit.world.users.get(&visit.user);
    if caller.is_some_and(|user| is_admin(user, visit.company)) {
        return Ok(());
    }
    Err(short(
        StatusCode::FORBIDDEN,
        "You do not have permissions to do this.",
    ))
}

/// An address that another company's user has brings that user in.
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    admin_only(visit)?;
    let body = visit.body()?;
    let email = body
        .get("email")
        .and_then(Value::as_str)
        .filter(|email| is_email(email));
    let email = email.ok_or_else(|| errors::invalid("email must be given"))?;
    let known = visit
        .world
        .users
        .values()
        .find(|user| user.email.eq_ignore_ascii_case(email));
    let id = known.map(|user| user.id);
    if known.is_some_and(|user| membership(user, visit.company).is_some()) {
        return Err(errors::invalid("User with this email already exists"));
    }
    let id = id.unwrap_or_else(|| visit.world.next_id());
    let company = visit.company;
    let mut membership = Membership::new(company, new_token());
    membership.deactivated = body
        .get("active_flag")
        .is_some_and(|flag| *flag == false || *flag == 0);
    let user = visit
        .world
        .users
        .entry(id)
        .or_insert_with(|| User::new(id, email));
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        user.name = name.to_owned();
    }
    user.memberships.push(membership);
    visit.world.index();
    answer(visit, id)
}

/// Nothing but `active_flag` can be changed; everything else is passed over.
pub fn update(visit: &mut Visit<'_>) -> Outcome {
    admin_only(visit)?;
    let id = found(visit)?;
    let active = match visit.body()?.get("active_flag") {
        Some(Value::Bool(active)) => *active,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(Value::String(text)) => matches!(text.as_str(), "1" | "true"),
        _ => return Err(errors::invalid("active_flag must be given")),
    };
    let company = visit.company;
    if let Some(membership) = visit.world.membership(id, company) {
        membership.deactivated = !active;
    }
    if let Some(user) = visit.world.users.get_mut(&id) {
        user.modified = world::now();
    }
    answer(visit, id)
}
