//! `/instances`: create, list, count, read, change, switch, delete; most of it also below
//! `/elements/{keyOrId}` and by the element token alone.

mod list;
mod routes;
mod settings;
mod wire;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde::Serialize;

use crate::app::{App, shortened};
use crate::error::Result;
use crate::http::auth::{InstanceCaller, OrgCaller, OrgCallerIgnoringElement};
use crate::http::idempotency::KeyedBody;
use crate::http::json::Json;
use crate::http::path;
use crate::http::query::Query;
use crate::ids::InstanceId;
use crate::provisioning::{self, InstanceRequest, Who};

pub use list::{answer as answer_list, with_page_headers};
pub use routes::register;
use wire::answer;

/// `POST /instances`: the body names the element.
pub async fn create(
    State(app): State<App>,
    OrgCallerIgnoringElement(caller): OrgCallerIgnoringElement,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let key = request.key("POST /instances".to_owned());
    let view = provisioning::create(&app, who(&caller), None, request.body, key).await?;
    Ok(answer(view))
}

/// `POST /elements/{keyOrId}/instances`: the path names the element.
pub async fn create_for_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    request: KeyedBody<InstanceRequest>,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    let key = request.key(format!("POST /elements/{element}/instances"));
    let view = provisioning::create(&app, who(&caller), Some(element), request.body, key).await?;
    Ok(answer(view))
}

/// `GET /instances`: those of the caller's account, by id.
pub async fn list(
    State(app): State<App>,
    OrgCallerIgnoringElement(caller): OrgCallerIgnoringElement,
    query: Query,
) -> Result<Response> {
    list::answer(&app, &caller, caller.account, None, &query).await
}

pub async fn list_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    list::answer(&app, &caller, caller.account, Some(element), &query).await
}

/// `GET /instances/{id}`.
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = instance_id(&id)?;
    let view = provisioning::read(&app, who(&caller), id, None).await?;
    Ok(answer(view))
}

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

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_instances: i64,
    /// By the element's key.
    element_instances: BTreeMap<String, i64>,
}

/// `GET /instances/count`: those of the caller's account.
pub async fn count(State(app): State<App>, caller: OrgCaller) -> Result<Response> {
    let counts = provisioning::count(&app, who(&caller)).await?;
    let answer = Count {
        total_instances: counts.values().sum(),
        element_instances: counts,
    };
    Ok(Json(answer).into_response())
}

/// `PUT` and `PATCH /instances/{id}`: what is absent stays as it is.
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

/// `PUT` and `PATCH /instances`: the instance of the token.
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

/// `DELETE /instances/{id}`: 200 with an empty body.
pub async fn delete(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    provisioning::delete(&app, who(&caller), instance_id(&id)?, None).await?;
    Ok(StatusCode::OK)
}

pub async fn delete_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path((key_or_id, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let element = app.element(&key_or_id)?.key.clone();
    provisioning::delete(&app, who(&caller), instance_id(&id)?, Some(element)).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /instances`: the instance of the token, and with it the token.
pub async fn delete_by_token(State(app): State<App>, token: InstanceCaller) -> Result<StatusCode> {
    provisioning::delete(&app, who(&token.caller), token.instance, None).await?;
    Ok(StatusCode::OK)
}

/// `PUT /instances/{id}/enabled`; again is fine.
pub async fn enable(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&caller), instance_id(&id)?, false).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /instances/{id}/enabled`: hub calls are refused from now on.
pub async fn disable(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&caller), instance_id(&id)?, true).await?;
    Ok(StatusCode::OK)
}

/// `PUT /instances/enabled`: a disabled instance's token still does this.
pub async fn enable_by_token(State(app): State<App>, token: InstanceCaller) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&token.caller), token.instance, false).await?;
    Ok(StatusCode::OK)
}

pub async fn disable_by_token(State(app): State<App>, token: InstanceCaller) -> Result<StatusCode> {
    provisioning::set_disabled(&app, who(&token.caller), token.instance, true).await?;
    Ok(StatusCode::OK)
}

fn who(caller: &OrgCaller) -> Who {
    Who {
        organization: caller.organization,
        account: caller.account,
        user: caller.user,
        admin: caller.admin,
    }
}

/// Ids are digits only; anything else does not exist.
fn instance_id(text: &str) -> Result<InstanceId> {
    path::id(text)
        .map(InstanceId)
        .ok_or_else(|| provisioning::no_such_instance(shortened(text)))
}
