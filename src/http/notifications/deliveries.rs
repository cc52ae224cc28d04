//! What became of telling those who wanted to hear it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::subscriptions::{Subscription, subscription_id};
use super::{NO_NOTIFICATION, cut, notification_id, who};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::description::Paging;
use crate::http::filter::{Field, Wanted};
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::Query;
use crate::ids::AccountId;
use crate::notifications::{self, Notification};
use crate::store::{self, DeliveryFilter};

const FILTERED_BY: &[Field] = &[
    Field::Text("channel"),
    Field::Text("status"),
    Field::Text("config.url"),
];

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    notification_id: i64,
    subscription_id: i64,
    /// `created` (not tried yet), `delivered`, `retry` (failed, and tried again) or `queued` (waits
    /// until it is released).
    #[schema(example = "delivered")]
    status: String,
    #[schema(format = DateTime)]
    created_date: String,
    /// Of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    updated_date: Option<String>,
    attempts: i32,
    /// What came of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<Notification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<Subscription>,
}

#[derive(Serialize, ToSchema)]
pub struct Released {
    /// How many deliveries are sent again.
    released: u64,
}

/// Search deliveries
///
/// Newest first; to subscriptions of your own account, for administrators to all.
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications/subscriptions/deliveries",
    operation_id = "searchNotificationDeliveries",
    params(
        ("where" = Option<String>, Query, example = "status='queued'",
            description = "Filter by `channel`, `status` and `config.url`."),
        ("hydrate" = Option<bool>, Query,
            description = "`true` adds the notification and the subscription."),
        Paging,
    ),
    responses((status = 200, description = "Deliveries.", body = Vec<Delivery>))
)]
pub async fn search(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    let wanted = query.wanted(FILTERED_BY)?;
    let hydrate = query.boolean("hydrate")?.unwrap_or(false);
    let (before, limit) = (query.next_page()?, query.page_size()?);
    let who = who(&caller);
    let organization = app.store().org(who.organization);
    let filter = filter(&wanted, who.scope());
    let mut found = organization.deliveries(&filter, before, limit + 1).await?;
    let next = cut(&mut found, limit, |last| last.id);
    let count = found.len();
    let found: Vec<Delivery> = found.into_iter().map(|row| wire(row, hydrate)).collect();
    Ok(with_page_headers(Json(found).into_response(), count, next))
}

/// Send deliveries again
///
/// All that match, whether they were delivered or not; subscriptions that were switched off are
/// switched on.
#[utoipa::path(
    put,
    path = "/elements/api-v2/notifications/subscriptions/deliveries",
    operation_id = "releaseNotificationDeliveries",
    params(
        ("where" = String, Query, example = "channel='webhook' and status='queued'",
            description = "Filter by `channel`, `status` and `config.url`. Needed."),
    ),
    responses((status = 200, description = "They are sent.", body = Released))
)]
pub async fn release(
    State(app): State<App>,
    caller: OrgCaller,
    query: Query,
) -> Result<Json<Released>> {
    if query.get("where").is_none() {
        return Err(Error::Invalid(
            "Query parameter 'where' is missing, as in where=status='queued'.".into(),
        ));
    }
    let wanted = query.wanted(FILTERED_BY)?;
    let who = who(&caller);
    let organization = app.store().org(who.organization);
    let filter = filter(&wanted, who.scope());
    let released = organization.release_deliveries(&filter).await?;
    Ok(Json(Released { released }))
}

/// List the deliveries of a notification
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications/{id}/subscriptions/deliveries",
    operation_id = "listDeliveriesOfNotification",
    responses(
        (status = 200, description = "Deliveries, one for each subscription.", body = Vec<Delivery>),
        (status = 404, description = NO_NOTIFICATION),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = notification_id(&id)?;
    let found = notifications::deliveries(&app, who(&caller), id).await?;
    let count = found.len();
    let found: Vec<Delivery> = found.into_iter().map(|row| wire(row, false)).collect();
    Ok(with_page_headers(Json(found).into_response(), count, None))
}

/// Read the delivery of a notification to a subscription
#[utoipa::path(
    get,
    path = "/elements/api-v2/notifications/{id}/subscriptions/{subscriptionId}/deliveries",
    operation_id = "getDeliveryOfNotification",
    responses(
        (status = 200, description = "The delivery.", body = Delivery),
        (status = 404, description = "No such delivery of yours."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path((id, subscription)): Path<(String, String)>,
) -> Result<Json<Delivery>> {
    let (id, subscription) = (notification_id(&id)?, subscription_id(&subscription)?);
    let found = notifications::delivery(&app, who(&caller), id, subscription).await?;
    Ok(Json(wire(found, false)))
}

fn filter(wanted: &Wanted, account: Option<AccountId>) -> DeliveryFilter<'_> {
    DeliveryFilter {
        account,
        channels: wanted.values("channel"),
        statuses: wanted.values("status"),
        urls: wanted.values("config.url"),
        ..DeliveryFilter::default()
    }
}

fn wire(row: store::Delivery, hydrate: bool) -> Delivery {
    Delivery {
        notification_id: row.notification.id.0,
        subscription_id: row.subscription.id.0,
        status: row.status,
        created_date: dates::second(row.created_at),
        updated_date: row.updated_at.map(dates::second),
        attempts: row.attempts,
        outcome: row.outcome,
        notification: hydrate.then(|| row.notification.into()),
        subscription: hydrate.then(|| Subscription::masked(row.subscription)),
    }
}
