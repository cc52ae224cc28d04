//! `/notifications`: what an organization is told, and where its applications want to hear of it.

mod deliveries;
mod subscriptions;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::http::Access::{self, Platform};
use crate::http::auth::OrgCaller;
use crate::http::description::Paging;
use crate::http::instances::with_page_headers;
use crate::http::json::{Json, JsonBody};
use crate::http::path;
use crate::http::query::{Query, page_token};
use crate::ids::NotificationId;
use crate::notifications::{self, Notification, Told, Who};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("elements-total-count");
const NO_NOTIFICATION: &str = "No such notification of yours.";

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Platform, routes!(list));
    add(Platform, routes!(tell));
    add(Platform, routes!(read));
    add(Platform, routes!(remove));
    add(Platform, routes!(acknowledge));
    add(Platform, routes!(subscriptions::list));
    add(Platform, routes!(subscriptions::make));
    add(Platform, routes!(subscriptions::read));
    add(Platform, routes!(subscriptions::remove));
    add(Platform, routes!(deliveries::search));
    add(Platform, routes!(deliveries::release));
    add(Platform, routes!(deliveries::list));
    add(Platform, routes!(deliveries::read));
}

/// What you tell your own subscriptions.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewNotification {
    /// Subscriptions to it are told. Topics that begin with `instance.` are the server's own.
    #[schema(max_length = 100, example = "nightly-sync")]
    topic: Option<String>,
    /// `low` (if absent), `medium` or `high`.
    #[schema(example = "low")]
    severity: Option<String>,
    #[schema(max_length = 100, example = "scheduler")]
    from: Option<String>,
    #[schema(max_length = 10_000, example = "The nightly sync is through.")]
    message: Option<String>,
}

/// List notifications
///
/// Newest first; of your own account, for administrators of all accounts. Kept for 30 days.
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications",
    operation_id = "listNotifications",
    params(
        ("topics[]" = Vec<String>, Query, style = Form, explode,
            description = "Which topics: `topics[]=a&topics[]=b`. Needed.",
            example = json!(["instance.needs_owner"])),
        Paging,
    ),
    responses(
        (status = 200, description = "Notifications.", body = Vec<Notification>,
            headers(("Elements-Total-Count" = i64, description = "How many there are in all, counted up to 20,000."))),
    )
)]
async fn list(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    query.refuse_where()?;
    let topics = query.all("topics");
    let (before, limit) = (query.next_page()?, query.page_size()?);
    if topics.is_empty() {
        return Err(Error::Invalid(
            "Query parameter 'topics[]' is missing, as in topics[]=instance.needs_owner.".into(),
        ));
    }
    let who = who(&caller);
    let organization = app.store().org(who.organization);
    // One more than asked for tells whether there is another page.
    let (mut found, total) = organization
        .notifications(&topics, who.scope(), before.map(NotificationId), limit + 1)
        .await?;
    let next = cut(&mut found, limit, |last| last.id.0);
    let count = found.len();
    let found: Vec<Notification> = found.into_iter().map(Into::into).collect();
    let mut response = with_page_headers(Json(found).into_response(), count, next);
    let headers = response.headers_mut();
    headers.insert(TOTAL_COUNT, HeaderValue::from(total));
    Ok(response)
}

/// Tell your subscriptions something
#[utoipa::path(
    post,
    path = "/elements/api-v2/notifications",
    operation_id = "createNotification",
    request_body = NewNotification,
    responses(
        (status = 200, description = "The notification.", body = Notification),
        (status = 409, description = "Your organization has as many as it may: 200,000."),
    )
)]
async fn tell(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(given): JsonBody<NewNotification>,
) -> Result<Json<Notification>> {
    let told = Told {
        topic: given.topic,
        severity: given.severity,
        from: given.from,
        message: given.message,
    };
    notifications::tell(&app, who(&caller), told)
        .await
        .map(Json)
}

/// Read a notification
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications/{id}",
    operation_id = "getNotification",
    responses(
        (status = 200, description = "The notification.", body = Notification),
        (status = 404, description = NO_NOTIFICATION),
    )
)]
async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Json<Notification>> {
    let id = notification_id(&id)?;
    notifications::read(&app, who(&caller), id).await.map(Json)
}

/// Delete a notification
///
/// What was not delivered of it yet is not delivered any more.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/notifications/{id}",
    operation_id = "deleteNotification",
    responses(
        (status = 200, description = "It is gone."),
        (status = 404, description = NO_NOTIFICATION),
    )
)]
async fn remove(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    notifications::forget(&app, who(&caller), notification_id(&id)?).await?;
    Ok(StatusCode::OK)
}

/// Say that a notification was read
#[utoipa::path(
    put,
    path = "/elements/api-v2/notifications/{id}/acknowledge",
    operation_id = "acknowledgeNotification",
    responses(
        (status = 200, description = "The notification.", body = Notification),
        (status = 404, description = NO_NOTIFICATION),
    )
)]
async fn acknowledge(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Json<Notification>> {
    let id = notification_id(&id)?;
    notifications::acknowledge(&app, who(&caller), id)
        .await
        .map(Json)
}

fn notification_id(text: &str) -> Result<NotificationId> {
    path::id(text).map(NotificationId).ok_or_else(|| {
        Error::NotFound(format!(
            "No notification found with ID {}.",
            shortened(text)
        ))
    })
}

fn who(caller: &OrgCaller) -> Who {
    Who {
        organization: caller.organization,
        account: caller.account,
        user: caller.user,
        admin: caller.admin,
    }
}

/// Takes away what is beyond the page; gives the token of the next one, if there is one.
fn cut<T>(found: &mut Vec<T>, limit: i64, position: impl Fn(&T) -> i64) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if found.len() <= limit {
        return None;
    }
    found.truncate(limit);
    found.last().map(|last| page_token(position(last)))
}
