//! Log-in as clients know it: by JSON, by the form of the old console, and the pages around them.

mod form;
mod pages;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::http::auth::OrgCaller;
use crate::http::client::Client;
use crate::http::json::{Json, JsonBody};
use crate::http::{Access, dates};
use crate::ids::{AccountId, OrganizationId, Secret, UserId};
use crate::login::{self, LoggedIn};

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    use Access::{Cookie, Page, Password, Platform};
    add(Password, routes!(authenticate));
    add(Platform, routes!(secrets));
    add(Platform, routes!(change_password));
    add(Password, routes!(form::log_in));
    add(Cookie, routes!(form::secrets));
    add(Page, routes!(pages::login));
    add(Page, routes!(pages::home));
    add(Page, routes!(pages::api_docs));
    let (schemas, paths, picture) = routes!(pages::picture);
    add(Page, (schemas, paths, picture.fallback(pages::nothing)));
}

#[derive(Deserialize, ToSchema)]
struct Credentials {
    /// The e-mail address.
    #[schema(example = "ann@example.com")]
    username: String,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    password: Secret,
}

#[derive(Deserialize, ToSchema)]
struct NewPassword {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, example = "Another-1-of-your-own")]
    password: Secret,
}

const WRONG_PASSWORD: &str = "No such user, a wrong password, or a user who may not log in.";
const TOO_MANY_ATTEMPTS: &str = "Too many wrong attempts; `Retry-After` says when to try again.";

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A session that has begun, and whose it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
struct Authenticated {
    #[schema(value_type = i64)]
    id: UserId,
    /// The e-mail address.
    username: String,
    first_name: String,
    last_name: String,
    /// For `Authorization: Bearer …`; lasts 24 hours.
    token: String,
    #[schema(format = Date)]
    created_date: String,
    #[schema(required, format = Date)]
    last_login_date: Option<String>,
    #[schema(value_type = i64)]
    organization_id: OrganizationId,
    organization_name: String,
    #[schema(value_type = i64)]
    account_id: AccountId,
    account_name: String,
    organization_admin: bool,
    account_admin: bool,
    sys_admin: bool,
    in_intelligence_role: bool,
    two_factor: bool,
    registered_for_two_factor: bool,
    roles: Vec<Role>,
}

#[derive(Serialize, ToSchema)]
struct Role {
    id: i64,
    key: String,
    name: String,
    description: String,
    active: bool,
    hide: bool,
    /// Always empty.
    #[schema(value_type = Vec<String>)]
    features: [&'static str; 0],
    /// Always empty.
    #[schema(value_type = Vec<String>)]
    privileges: [&'static str; 0],
}

/// Both secrets of a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Secrets {
    user_secret: String,
    organization_secret: String,
}

/// Log in
///
/// The `token` of the answer serves as `Authorization: Bearer …` wherever user and organization
/// secret do, for 24 hours.
#[utoipa::path(
    post,
    path = "/elements/api-v2/authentication",
    operation_id = "logIn",
    request_body = Credentials,
    responses(
        (status = 200, description = "The session.", body = Authenticated),
        (status = 401, description = WRONG_PASSWORD),
        (status = 429, description = TOO_MANY_ATTEMPTS),
    )
)]
async fn authenticate(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<Response> {
    let begun = login::log_in(&app, client.address, &given.username, given.password).await?;
    Ok(Json(wire(begun)).into_response())
}

/// Read your own secrets
#[utoipa::path(
    get,
    path = "/elements/api-v2/authentication/secrets",
    operation_id = "getSecrets",
    responses((status = 200, description = "User and organization secret.", body = Secrets))
)]
async fn secrets(State(app): State<App>, caller: OrgCaller) -> Result<Response> {
    let (user, organization) = login::secrets(&app, caller.organization, caller.user).await?;
    let secrets = Secrets {
        user_secret: user.reveal().to_owned(),
        organization_secret: organization.reveal().to_owned(),
    };
    Ok(Json(secrets).into_response())
}

/// Set another password
///
/// For the calling user. The answer holds a new session; every other one of the user has ended.
#[utoipa::path(
    post,
    path = "/elements/api-v2/authentication/passwords",
    operation_id = "changePassword",
    request_body = NewPassword,
    responses((status = 200, description = "The new session.", body = Authenticated))
)]
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
fn role(key: &str) -> Role {
    let (id, name) = match key {
        "org-admin" => (1, "Organization Administrator"),
        "admin" => (2, "Account Administrator"),
        "org" => (3, "Organization User"),
        "default-user" => (4, "Default User"),
        other => (5, other),
    };
    Role {
        id,
        key: key.to_owned(),
        name: name.to_owned(),
        description: name.to_owned(),
        active: true,
        hide: false,
        features: [],
        privileges: [],
    }
}
