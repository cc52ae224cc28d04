//! Links, as applications ask for them.

use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::connect::{self, LinkRequest};
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::json::{Json, JsonBody};
use crate::http::{dates, path};
use crate::ids::InstanceId;
use crate::provisioning::Who;

/// A link to the connect page.
#[derive(ToSchema)]
#[schema(as = NewConnectLink)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `LinkRequest` reads")]
pub struct NewLink {
    /// Key of the one element that may be connected.
    element: Option<String>,
    /// Keys of several; without both the person may choose among all.
    elements: Option<Vec<String>>,
    /// An instance of yours that is to be connected again; id and token stay.
    instance_id: Option<i64>,
    /// Name of the new instance; without it the element's.
    name: Option<String>,
    /// Tags of the new instance.
    tags: Option<Vec<String>>,
    /// Configuration that you set: the person reads what is no secret and changes nothing of it. Put
    /// the id and secret of your OAuth client here.
    configuration: Option<Map<String, Value>>,
    /// Where the browser goes in the end, with `status`, `instanceId` and `state`. Its origin must be
    /// among `returnOrigins`.
    return_url: Option<String>,
    /// Given back with `returnUrl`: check it there.
    state: Option<String>,
    /// Seconds until the link ends, 3600 at most; without it 600.
    expires_in: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectLink {
    id: i64,
    /// For the person's browser. Whoever has it may connect an account for you: give it to nobody else.
    url: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectOutcome {
    id: i64,
    /// `pending`, `connected`, `failed` (the last attempt; there may be another) or `expired`.
    status: &'static str,
    /// Once connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    instance_id: Option<InstanceId>,
    /// Why the last attempt failed, as the person was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Make a link to the connect page
///
/// Opened in a browser it lets a person connect an account of theirs. Works once.
#[utoipa::path(
    post,
    path = "/elements/api-v2/connect/links",
    operation_id = "createConnectLink",
    request_body = NewLink,
    responses(
        (status = 200, description = "The link.", body = ConnectLink),
        (status = 404, description = "No such element, or no such instance of yours."),
    )
)]
pub async fn make(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(request): JsonBody<LinkRequest>,
) -> Result<Json<ConnectLink>> {
    let made = connect::make(&app, who(&caller), request).await?;
    Ok(Json(ConnectLink {
        id: made.id,
        url: format!("{}{}", app.outside().public_url, made.path.reveal()),
        expires_at: dates::second(made.expires_at),
    }))
}

/// Read what came of a link
///
/// For a week after it has ended. The instance's token is read with `GET /instances/{id}`.
#[utoipa::path(
    get,
    path = "/elements/api-v2/connect/links/{id}",
    operation_id = "getConnectLink",
    responses(
        (status = 200, description = "How it stands.", body = ConnectOutcome),
        (status = 404, description = "No such link of yours."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Json<ConnectOutcome>> {
    let number = path::id(&id)
        .ok_or_else(|| Error::NotFound(format!("No connect link found with ID {id}")))?;
    let outcome = connect::outcome(&app, who(&caller), number).await?;
    Ok(Json(ConnectOutcome {
        id: outcome.id,
        status: match outcome.state {
            connect::State::Pending => "pending",
            connect::State::Connected => "connected",
            connect::State::Failed => "failed",
            connect::State::Expired => "expired",
        },
        instance_id: outcome.instance,
        message: outcome.message,
        expires_at: dates::second(outcome.expires_at),
    }))
}

fn who(caller: &OrgCaller) -> Who {
    caller.who()
}
