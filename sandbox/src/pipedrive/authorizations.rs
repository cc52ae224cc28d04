//! The legacy log-in: e-mail and password in a form, one entry with an API token for each company.

use serde_json::{Value, json};

use super::errors;
use super::front::Outcome;
use super::ok;
use super::world::{Membership, User, World, now};
use crate::form::Form;
use crate::vendor::Call;

/// Every failed log-in looks alike; only the state tells a locked user from a wrong password.
pub fn create(world: &mut World, call: &Call) -> Outcome {
    if world.habits.authorizations_retired {
        return Err(errors::retired());
    }
    let form = Form::of(call).ok_or_else(errors::not_a_form)?;
    let field = |name: &str| form.get(name).unwrap_or_default();
    let Some(id) = by_password(world, field("email"), field("password")) else {
        return Ok(errors::failed_login(world.habits.failed_login_status));
    };
    let user = &world.users[&id];
    let memberships = user.memberships.iter();
    let entries: Vec<Value> = memberships
        .filter(|membership| !membership.deactivated)
        .filter_map(|membership| entry(world, user, membership))
        .collect();
    let data = if entries.is_empty() && world.habits.empty_as_null {
        Value::Null
    } else {
        Value::Array(entries)
    };
    let profile = json!({ "id": user.id, "name": user.name, "email": user.email });
    Ok(ok(&json!({
        "success": true,
        "data": data,
        "additional_data": { "user": { "profile": profile } },
    })))
}

/// The id of the user whose address and password these are.
pub fn by_password(world: &mut World, email: &str, password: &str) -> Option<u64> {
    let mut users = world.users.values_mut();
    let user = users.find(|user| user.email.eq_ignore_ascii_case(email));
    admitted(user?, password)
}

/// The user's id if the password opens; counts what fails.
fn admitted(user: &mut User, password: &str) -> Option<u64> {
    if user.locked {
        return None;
    }
    if user.password == password {
        user.failed_logins = 0;
        user.last_login = Some(now());
        return Some(user.id);
    }
    user.failed_logins += 1;
    user.locked = user
        .lock_after
        .is_some_and(|most| user.failed_logins >= most);
    None
}

/// A closed company is listed as well (unverified).
fn entry(world: &World, user: &User, membership: &Membership) -> Option<Value> {
    let company = world.companies.get(&membership.company)?;
    let info = json!({ "id": company.id, "name": company.name, "domain": company.domain });
    Some(json!({
        "user_id": user.id,
        "company_id": company.id,
        "api_token": membership.api_token,
        "add_time": membership.added,
        "company": { "info": info },
    }))
}
