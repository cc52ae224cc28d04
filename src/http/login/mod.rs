//! Log-in as clients know it: by JSON, by the form of the old console, and the pages around them.

mod form;
mod pages;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::Result;
use crate::http::auth::OrgCaller;
use crate::http::client::Client;
use crate::http::json::{Json, JsonBody};
use crate::http::{Access, dates};
use crate::ids::{AccountId, OrganizationId, Secret, UserId};
use crate::login::{self, LoggedIn};

/// Method, path, who may call.
pub fn routes() -> Vec<(&'static str, &'static str, Access, MethodRouter<App>)> {
    use Access::{Cookie, Page, Password, Platform};
    vec![
        (
            "POST",
            "/elements/api-v2/authentication",
            Password,
            post(authenticate),
        ),
        (
            "GET",
            "/elements/api-v2/authentication/secrets",
            Platform,
            get(secrets),
        ),
        (
            "POST",
            "/elements/api-v2/authentication/passwords",
            Platform,
            post(change_password),
        ),
        (
            "POST",
            "/elements/j_spring_security_check",
            Password,
            post(form::log_in),
        ),
        (
            "GET",
            "/elements/api-v1/ui/getSecrets",
            Cookie,
            get(form::secrets),
        ),
        ("GET", "/elements/jsp/login.jsp", Page, get(pages::login)),
        ("GET", "/elements/jsp/home.jsp", Page, get(pages::home)),
        ("GET", "/elements/api-docs", Page, get(pages::api_docs)),
        (
            "GET",
            "/elements/{picture}",
            Page,
            get(pages::picture).fallback(pages::nothing),
        ),
    ]
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    #[serde(deserialize_with = "secret")]
    password: Secret,
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(deserialize_with = "secret")]
    password: Secret,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authenticated {
    id: UserId,
    username: String,
    first_name: String,
    last_name: String,
    token: String,
    created_date: String,
    last_login_date: Option<String>,
    organization_id: OrganizationId,
    organization_name: String,
    account_id: AccountId,
    account_name: String,
    organization_admin: bool,
    account_admin: bool,
    sys_admin: bool,
    in_intelligence_role: bool,
    two_factor: bool,
    registered_for_two_factor: bool,
    roles: Vec<Value>,
}

async fn authenticate(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<Response> {
    let begun = login::log_in(&app, client.address, &given.username, given.password).await?;
    Ok(Json(wire(begun)).into_response())
}

async fn secrets(State(app): State<App>, caller: OrgCaller) -> Result<Response> {
    let (user, organization) = login::secrets(&app, caller.organization, caller.user).await?;
    Ok(Json(json!({
        "userSecret": user.reveal(),
        "organizationSecret": organization.reveal(),
    }))
    .into_response())
}

/// The answer holds a new session; every other one of the user has ended.
async fn change_password(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(given): JsonBody<NewPassword>,
) -> Result<Response> {
    let begun =
        login::change_password(&app, caller.organization, caller.user, given.password).await?;
    Ok(Json(wire(begun)).into_response())
}

fn wire(begun: LoggedIn) -> Authenticated {
    let LoggedIn { token, profile } = begun;
    let has = |role: &str| profile.user.roles.iter().any(|own| own == role);
    Authenticated {
        id: profile.user.id,
        token: token.reveal().to_owned(),
        created_date: dates::day(profile.user.created_at),
        last_login_date: profile.user.last_login_at.map(dates::day),
        organization_id: profile.organization.id,
        organization_name: profile.organization.name,
        account_id: profile.account.id,
        account_name: profile.account.name,
        organization_admin: has("org-admin"),
        account_admin: has("admin"),
        sys_admin: has("sys-admin"),
        in_intelligence_role: false,
        two_factor: false,
        registered_for_two_factor: false,
        roles: profile.user.roles.iter().map(|key| role(key)).collect(),
        username: profile.user.email,
        first_name: profile.user.first_name,
        last_name: profile.user.last_name,
    }
}

/// Roles are fixed; the numbers are ours.
fn role(key: &str) -> Value {
    let (id, name) = match key {
        "org-admin" => (1, "Organization Administrator"),
        "admin" => (2, "Account Administrator"),
        "org" => (3, "Organization User"),
        "default-user" => (4, "Default User"),
        other => (5, other),
    };
    json!({
        "id": id, "key": key, "name": name, "description": name, "active": true, "hide": false,
        "features": [], "privileges": [],
    })
}
