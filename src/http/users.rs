//! `/users`: those of the caller's account, or of the organization for its administrators.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::description::{Inactive, Paging};
use crate::http::filter::Field;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::path;
use crate::http::query::{Query, page_token};
use crate::ids::UserId;
use crate::store;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct User {
    #[schema(value_type = i64)]
    id: UserId,
    #[schema(format = Date)]
    created_date: String,
    first_name: String,
    last_name: String,
    full_name: String,
    email: String,
    active: bool,
    /// `1970-01-01` if never.
    #[schema(format = Date)]
    last_login_date: String,
    /// Never the password.
    password: &'static str,
    // Constants that old clients read.
    account_expired: bool,
    account_locked: bool,
    credentials_expired: bool,
    email_valid: bool,
    account_non_expired: bool,
    account_non_locked: bool,
    credentials_non_expired: bool,
    enabled: bool,
}

const FILTERED_BY: &[Field] = &[
    Field::Text("email"),
    Field::Text("firstName"),
    Field::Text("lastName"),
];

/// List users
///
/// By id: those of your account, or of the organization for its administrators.
#[utoipa::path(
    get,
    path = "/elements/api-v2/users",
    operation_id = "listUsers",
    params(
        Inactive,
        Paging,
        ("where" = Option<String>, Query, example = "email='ann@example.com'",
            description = "Filter by `email`, `firstName` and `lastName`."),
    ),
    responses(
        (status = 200, description = "Users.", body = Vec<User>),
        (status = 404, description = "No user matches. An empty list is a 404 here."),
    )
)]
pub async fn list(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    let wanted = query.wanted(FILTERED_BY)?;
    let limit = query.page_size()?;
    let filter = store::UserFilter {
        account: (!caller.admin).then_some(caller.account),
        emails: wanted.values("email"),
        first_names: wanted.values("firstName"),
        last_names: wanted.values("lastName"),
        include_inactive: query.boolean("includeInactive")?.unwrap_or(false),
        after: query.next_page()?.map(UserId),
        limit: limit + 1,
    };
    let mut users = app.store().org(caller.organization).users(&filter).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = users.len() > wanted;
    users.truncate(wanted);
    let next = more
        .then(|| users.last().map(|user| page_token(user.id.0)))
        .flatten();
    if users.is_empty() {
        return Err(Error::NotFound("No users found".into()));
    }
    let users: Vec<User> = users.into_iter().map(wire).collect();
    let count = users.len();
    Ok(with_page_headers(Json(users).into_response(), count, next))
}

/// Read a user
///
/// Digits are an id, anything else an e-mail address.
#[utoipa::path(
    get,
    path = "/elements/api-v2/users/{emailOrId}",
    operation_id = "getUser",
    responses(
        (status = 200, description = "The user.", body = User),
        (status = 404, description = "No such user, or none that you may see."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(email_or_id): Path<String>,
) -> Result<Response> {
    let store = app.store().org(caller.organization);
    let found = match path::id(&email_or_id) {
        Some(id) => store.user(UserId(id)).await?,
        // No text in the database can hold a NUL, so nobody has such an address.
        None if email_or_id.contains('\0') => None,
        None => store.user_by_email(&email_or_id).await?,
    };
    let user = found
        .filter(|user| caller.admin || user.account_id == caller.account)
        .ok_or_else(|| Error::NotFound("No user found with this ID or e-mail address.".into()))?;
    Ok(Json(wire(user)).into_response())
}

fn wire(user: store::User) -> User {
    User {
        id: user.id,
        created_date: dates::day(user.created_at),
        full_name: format!("{} {}", user.first_name, user.last_name),
        first_name: user.first_name,
        last_name: user.last_name,
        email: user.email,
        active: user.active,
        last_login_date: user
            .last_login_at
            .map_or_else(|| "1970-01-01".into(), dates::day),
        password: "secured",
        account_expired: false,
        account_locked: false,
        credentials_expired: false,
        email_valid: true,
        account_non_expired: true,
        account_non_locked: true,
        credentials_non_expired: true,
        enabled: true,
    }
}
