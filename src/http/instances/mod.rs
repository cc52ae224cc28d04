//! `/instances`: create, list, count, read, change, switch, delete; most of it also below
//! `/elements/{keyOrId}` and by the element token alone.

mod list;
mod routes;
mod settings;
mod traces;
mod wire;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, shortened};
use crate::error::Result;
use crate::http::auth::{InstanceCaller, OrgCaller, OrgCallerIgnoringElement};
use crate::http::description::{
    IdempotencyKey, InstanceFilter, NewInstance, NewInstanceOfElement, Paging,
};
use crate::http::idempotency::KeyedBody;
use crate::http::json::Json;
use crate::http::path;
use crate::http::query::Query;
use crate::ids::InstanceId;
use crate::provisioning::{self, InstanceRequest, Who};

pub use list::{answer as answer_list, with_page_headers};
pub use routes::register;
pub use wire::Instance;
use wire::answer;

// What answers mean, where several operations say the same.
const NO_ELEMENT: &str = "No such element; `message` suggests the nearest key.";
const NO_INSTANCE: &str = "No such instance, or none that you may see.";
const NO_INSTANCE_OF_ELEMENT: &str = "No such element, or no such instance of it.";
const NONE_FOUND: &str = "No instance matches. An empty list is a 404 here.";
const KEY_TAKEN: &str = "The `Idempotency-Key` was used with another body, or the call that used it is still running \
     (then with `Retry-After`).";
const CHANGED_MEANWHILE: &str =
    "The instance was changed by another call meanwhile; read it and try again.";
const VENDOR_FORBIDS: &str = "The vendor forbids it; its own words are in `providerMessage`.";
const VENDOR_THROTTLES: &str =
    "The vendor takes no more calls for now; with its `Retry-After` if it sent one.";
const VENDOR_FAILS: &str = "The vendor cannot be reached, or answered with what nobody can use; `message` says at \
     which step and what to check.";

/// Create an instance
///
/// Checks the body, logs in at the vendor with the given credentials and stores the instance only if
/// the vendor accepts them. The answer holds the element token for later calls.
#[utoipa::path(
    post,
    path = "/elements/api-v2/instances",
    operation_id = "createInstance",
    params(IdempotencyKey),
    request_body = NewInstance,
    responses(
        (status = 200, description = "The new instance, secrets masked.", body = wire::Instance),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 404, description = NO_ELEMENT),
        (status = 409, description = KEY_TAKEN),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn create(
    State(app): State<App>,
    OrgCallerIgnoringElement(caller): OrgCallerIgnoringElement,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let key = request.key("POST /instances".to_owned());
    traces::created(&app, who(&caller), None, request.body, key).await
}

/// Create an instance of this element
///
/// As `POST /instances`, but the path names the element and `element` in the body is ignored.
#[utoipa::path(
    post,
    path = "/elements/api-v2/elements/{keyOrId}/instances",
    operation_id = "createInstanceOfElement",
    params(IdempotencyKey),
    request_body = NewInstanceOfElement,
    responses(
        (status = 200, description = "The new instance, secrets masked.", body = wire::Instance),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 404, description = NO_ELEMENT),
        (status = 409, description = KEY_TAKEN),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn create_for_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    let key = request.key(format!("POST /elements/{element}/instances"));
    traces::created(&app, who(&caller), Some(element), request.body, key).await
}

/// List the instances of your account
///
/// By ascending id. An `Element` part of the header is ignored here: the list is never narrowed to it.
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances",
    operation_id = "listInstances",
    params(InstanceFilter, Paging),
    responses(
        (status = 200, description = "Instances.", body = Vec<wire::Instance>),
        (status = 404, description = NONE_FOUND),
    )
)]
pub async fn list(
    State(app): State<App>,
    OrgCallerIgnoringElement(caller): OrgCallerIgnoringElement,
    query: Query,
) -> Result<Response> {
    list::answer(&app, &caller, caller.account, None, &query).await
}

/// List your account's instances of this element
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/instances",
    operation_id = "listInstancesOfElement",
    params(InstanceFilter, Paging),
    responses(
        (status = 200, description = "Instances.", body = Vec<wire::Instance>),
        (status = 404, description = "No such element, or no instance of it."),
    )
)]
pub async fn list_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    list::answer(&app, &caller, caller.account, Some(element), &query).await
}

/// Read an instance
///
/// Those of your account; an administrator of the organization reads them all.
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/{id}",
    operation_id = "getInstance",
    responses(
        (status = 200, description = "The instance.", body = wire::Instance),
        (status = 404, description = NO_INSTANCE),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = instance_id(&id)?;
    let view = provisioning::read(&app, who(&caller), id, None).await?;
    Ok(answer(view))
}

/// Read an instance of this element
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/instances/{id}",
    operation_id = "getInstanceOfElement",
    responses(
        (status = 200, description = "The instance.", body = wire::Instance),
        (status = 404, description = NO_INSTANCE_OF_ELEMENT),
    )
)]
pub async fn read_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path((key_or_id, id)): Path<(String, String)>,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    let id = instance_id(&id)?;
    let view = provisioning::read(&app, who(&caller), id, Some(&element)).await?;
    Ok(answer(view))
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceCount)]
struct Count {
    /// Of all elements together.
    total_instances: i64,
    /// By the element's key.
    element_instances: BTreeMap<String, i64>,
}

/// Count the instances of your account
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/count",
    operation_id = "countInstances",
    responses((status = 200, description = "How many there are, in all and by element.", body = Count))
)]
pub async fn count(State(app): State<App>, caller: OrgCaller) -> Result<Response> {
    let counts = provisioning::count(&app, who(&caller)).await?;
    let answer = Count {
        total_instances: counts.values().sum(),
        element_instances: counts,
    };
    Ok(Json(answer).into_response())
}

/// Change an instance
///
/// What the body leaves out stays as it is, by `PUT` as by `PATCH`. A whole instance as it was read
/// can be sent back: what only the server sets is ignored, and a masked secret (`********`) stays the
/// secret it is. When credentials or the log-in change, the vendor is asked first; when it refuses,
/// nothing changes.
#[utoipa::path(
    method(put, patch),
    path = "/elements/api-v2/instances/{id}",
    operation_id = "updateInstance",
    request_body = InstanceRequest,
    responses(
        (status = 200, description = "The instance as it is now.", body = wire::Instance),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 404, description = NO_INSTANCE),
        (status = 409, description = CHANGED_MEANWHILE),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn update(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    method: Method,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let id = instance_id(&id)?;
    let key = request.key(format!("{method} /instances/{id}"));
    let view = provisioning::update(&app, who(&caller), id, None, request.body, key).await?;
    Ok(answer(view))
}

/// Change an instance of this element
///
/// As `PUT /instances/{id}`.
#[utoipa::path(
    put,
    path = "/elements/api-v2/elements/{keyOrId}/instances/{id}",
    operation_id = "replaceInstanceOfElement",
    request_body = InstanceRequest,
    responses(
        (status = 200, description = "The instance as it is now.", body = wire::Instance),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 404, description = NO_INSTANCE_OF_ELEMENT),
        (status = 409, description = CHANGED_MEANWHILE),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn update_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path((key_or_id, id)): Path<(String, String)>,
    method: Method,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    let id = instance_id(&id)?;
    let key = request.key(format!("{method} /elements/{element}/instances/{id}"));
    let (who, body) = (who(&caller), request.body);
    let view = provisioning::update(&app, who, id, Some(element), body, key).await?;
    Ok(answer(view))
}

/// Change the instance of the token
///
/// As `PUT /instances/{id}`.
#[utoipa::path(
    method(put, patch),
    path = "/elements/api-v2/instances",
    operation_id = "updateInstanceByToken",
    request_body = InstanceRequest,
    responses(
        (status = 200, description = "The instance as it is now.", body = wire::Instance),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 409, description = CHANGED_MEANWHILE),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn update_by_token(
    State(app): State<App>,
    InstanceCaller {
        caller, instance, ..
    }: InstanceCaller,
    method: Method,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let key = request.key(format!("{method} /instances/{instance}"));
    let view = provisioning::update(&app, who(&caller), instance, None, request.body, key).await?;
    Ok(answer(view))
}

/// Delete an instance
///
/// Its token is void from now on.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/instances/{id}",
    operation_id = "deleteInstance",
    responses(
        (status = 200, description = "Deleted; the body is empty."),
        (status = 404, description = NO_INSTANCE),
    )
)]
pub async fn delete(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    provisioning::delete(&app, who(&caller), instance_id(&id)?, None).await?;
    Ok(StatusCode::OK)
}

/// Delete an instance of this element
#[utoipa::path(
    delete,
    path = "/elements/api-v2/elements/{keyOrId}/instances/{id}",
    operation_id = "deleteInstanceOfElement",
    responses(
        (status = 200, description = "Deleted; the body is empty."),
        (status = 404, description = NO_INSTANCE_OF_ELEMENT),
    )
)]
pub async fn delete_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path((key_or_id, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let element = app.element(&key_or_id)?.key.clone();
    provisioning::delete(&app, who(&caller), instance_id(&id)?, Some(element)).await?;
    Ok(StatusCode::OK)
}

/// Delete the instance of the token
///
/// And with it the token.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/instances",
    operation_id = "deleteInstanceByToken",
    responses((status = 200, description = "Deleted; the body is empty."))
)]
pub async fn delete_by_token(State(app): State<App>, token: InstanceCaller) -> Result<StatusCode> {
    provisioning::delete(&app, who(&token.caller), token.instance, None).await?;
    Ok(StatusCode::OK)
}

/// Enable an instance
///
/// Again is fine.
#[utoipa::path(
    put,
    path = "/elements/api-v2/instances/{id}/enabled",
    operation_id = "enableInstance",
    responses(
        (status = 200, description = "Enabled; the body is empty."),
        (status = 404, description = NO_INSTANCE),
    )
)]
pub async fn enable(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&caller), instance_id(&id)?, false).await?;
    Ok(StatusCode::OK)
}

/// Disable an instance
///
/// Hub calls with its token are refused from now on. Again is fine.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/instances/{id}/enabled",
    operation_id = "disableInstance",
    responses(
        (status = 200, description = "Disabled; the body is empty."),
        (status = 404, description = NO_INSTANCE),
    )
)]
pub async fn disable(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&caller), instance_id(&id)?, true).await?;
    Ok(StatusCode::OK)
}

/// Enable the instance of the token
///
/// A disabled instance's token still does this.
#[utoipa::path(
    put,
    path = "/elements/api-v2/instances/enabled",
    operation_id = "enableInstanceByToken",
    responses((status = 200, description = "Enabled; the body is empty."))
)]
pub async fn enable_by_token(State(app): State<App>, token: InstanceCaller) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&token.caller), token.instance, false).await?;
    Ok(StatusCode::OK)
}

/// Disable the instance of the token
#[utoipa::path(
    delete,
    path = "/elements/api-v2/instances/enabled",
    operation_id = "disableInstanceByToken",
    responses((status = 200, description = "Disabled; the body is empty."))
)]
pub async fn disable_by_token(State(app): State<App>, token: InstanceCaller) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&token.caller), token.instance, true).await?;
    Ok(StatusCode::OK)
}

fn who(caller: &OrgCaller) -> Who {
    caller.who()
}

/// Ids are digits only; anything else does not exist.
pub fn instance_id(text: &str) -> Result<InstanceId> {
    path::id(text)
        .map(InstanceId)
        .ok_or_else(|| provisioning::no_such_instance(shortened(text)))
}
