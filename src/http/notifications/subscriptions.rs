//! Where applications want to hear of notifications.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::configuration::MASK;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{cut, who};
use crate::app::App;
use crate::error::Result;
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::description::Paging;
use crate::http::instances::with_page_headers;
use crate::http::json::{Json, JsonBody};
use crate::http::path;
use crate::http::query::Query;
use crate::ids::SubscriptionId;
use crate::notifications::{self, NewSubscription};
use crate::store;

const NO_SUBSCRIPTION: &str = "No such subscription of yours.";

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    id: i64,
    /// `webhook`.
    channel: String,
    topics: Vec<String>,
    config: SubscriptionConfig,
    /// `false`: nothing is delivered until what is queued is released.
    active: bool,
    /// Why it was switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    inactive_reason: Option<String>,
    #[schema(format = DateTime)]
    created_date: String,
}

#[derive(Serialize, ToSchema)]
struct SubscriptionConfig {
    url: String,
    /// What deliveries are signed with. Shown by the call that makes the subscription, and masked
    /// ever after.
    #[schema(example = "********")]
    secret: String,
}

impl Subscription {
    pub fn masked(row: store::Subscription) -> Self {
        Self::new(row, MASK)
    }

    fn new(row: store::Subscription, secret: &str) -> Self {
        Self {
            id: row.id.0,
            channel: row.channel,
            topics: row.topics,
            config: SubscriptionConfig {
                url: row.url,
                secret: secret.to_owned(),
            },
            active: row.active,
            inactive_reason: row.inactive_reason,
            created_date: dates::second(row.created_at),
        }
    }
}

/// Make a subscription
///
/// Of an administrator it hears of all accounts of the organization, of everybody else of the own
/// account. Each delivery is a POST of the notification, with a member `delivery` besides that says
/// which and when; `Elements-Webhook-Signature` is `sha256=` and the Base64 of HMAC-SHA256 over the
/// body's bytes under the secret. It may come twice, and in any order.
#[utoipa::path(
    post,
    path = "/elements/api-v2/notifications/subscriptions",
    operation_id = "createNotificationSubscription",
    request_body = NewSubscription,
    responses(
        (status = 200, description = "The subscription, with its secret.", body = Subscription),
        (status = 409, description = "There are as many as there may be."),
    )
)]
pub async fn make(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(new): JsonBody<NewSubscription>,
) -> Result<Json<Subscription>> {
    let (made, secret) = notifications::subscribe(&app, who(&caller), new).await?;
    Ok(Json(Subscription::new(made, secret.reveal())))
}

/// List subscriptions
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications/subscriptions",
    operation_id = "listNotificationSubscriptions",
    params(Paging),
    responses((status = 200, description = "Subscriptions, by id.", body = Vec<Subscription>))
)]
pub async fn list(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    query.refuse_where()?;
    let after = SubscriptionId(query.next_page()?.unwrap_or_default());
    let limit = query.page_size()?;
    let who = who(&caller);
    let organization = app.store().org(who.organization);
    let found = organization.subscriptions(who.scope(), after, limit + 1);
    let mut found = found.await?;
    let next = cut(&mut found, limit, |last| last.id.0);
    let count = found.len();
    let found: Vec<Subscription> = found.into_iter().map(Subscription::masked).collect();
    Ok(with_page_headers(Json(found).into_response(), count, next))
}

/// Read a subscription
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications/subscriptions/{id}",
    operation_id = "getNotificationSubscription",
    responses(
        (status = 200, description = "The subscription.", body = Subscription),
        (status = 404, description = NO_SUBSCRIPTION),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Json<Subscription>> {
    let who = who(&caller);
    let organization = app.store().org(who.organization);
    let number = subscription_id(&id)?;
    let found = organization.subscription(number, who.scope()).await?;
    let found = found.ok_or_else(|| notifications::no_subscription(&id))?;
    Ok(Json(Subscription::masked(found)))
}

/// Delete a subscription
///
/// With what is still to be delivered to it.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/notifications/subscriptions/{id}",
    operation_id = "deleteNotificationSubscription",
    responses(
        (status = 200, description = "It is gone."),
        (status = 404, description = NO_SUBSCRIPTION),
    )
)]
pub async fn remove(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    notifications::unsubscribe(&app, who(&caller), subscription_id(&id)?).await?;
    Ok(StatusCode::OK)
}

pub fn subscription_id(text: &str) -> Result<SubscriptionId> {
    let id = path::id(text).map(SubscriptionId);
    id.ok_or_else(|| notifications::no_subscription(text))
}
