//! The legacy log-in: e-mail and password in a form, one entry with an API token for each company.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::errors;
use super::front::Outcome;
use super::ok;
use super::world::{Membership, User, World, now};
use crate::vendor::Call;

/// Every failed log-in looks alike; only the state tells a locked user from a wrong password.
pub fn create(world: &mut World, call: &Call) -> Outcome {
    if world.habits.authorizations_retired {
        return Err(errors::retired());
    }
    let essence = call.header("content-type").unwrap_or_default();
    let essence = essence.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(errors::not_a_form());
    }
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(&call.body);
        fields
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let (email, password) = (field("email"), field("password"));
    let mut users = world.users.values_mut();
    let user = users.find(|user| user.email.eq_ignore_ascii_case(&email));
    let Some(id) = user.and_then(|user| admitted(user, &password)) else {
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
