//! `/instances`: create, list, read, delete; the same below `/elements/{keyOrId}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::http::auth::{OrgCaller, OrgCallerIgnoringElement};
use crate::http::dates;
use crate::http::json::{Json, JsonBody};
use crate::http::path;
use crate::http::query::{Query, page_token};
use crate::ids::{ElementId, InstanceId, UserId};
use crate::provisioning::{self, CreateInstance, Filter, InstanceView, Who};

const RETURNED_COUNT: HeaderName = HeaderName::from_static("elements-returned-count");
const WARNING: HeaderName = HeaderName::from_static("elements-error");
const NO_EVENTS_YET: HeaderValue = HeaderValue::from_static(
    "event.notification.enabled is kept, but this server delivers no events yet.",
);
const NEXT_PAGE: HeaderName = HeaderName::from_static("elements-next-page-token");

/// `POST /instances`: the body names the element.
pub async fn create(
    State(app): State<App>,
    OrgCallerIgnoringElement(caller): OrgCallerIgnoringElement,
    JsonBody(request): JsonBody<CreateInstance>,
) -> Result<Response> {
    let view = provisioning::create(&app, who(&caller), None, request).await?;
    Ok(answer(view))
}

/// `POST /elements/{keyOrId}/instances`: the path names the element.
pub async fn create_for_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    JsonBody(request): JsonBody<CreateInstance>,
) -> Result<Response> {
    let view = provisioning::create(&app, who(&caller), Some(key_or_id), request).await?;
    Ok(answer(view))
}

/// `GET /instances`: those of the caller's account, by id.
pub async fn list(
    State(app): State<App>,
    OrgCallerIgnoringElement(caller): OrgCallerIgnoringElement,
    query: Query,
) -> Result<Response> {
    answer_list(&app, &caller, None, &query).await
}

pub async fn list_of_element(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = app.element(&key_or_id)?.key.clone();
    answer_list(&app, &caller, Some(element), &query).await
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

/// One instance; with a warning when it asks for what is not there yet.
fn answer(view: InstanceView) -> Response {
    let wants_events = view
        .configuration
        .get("event.notification.enabled")
        .is_some_and(|value| value == "true");
    let mut response = Json(wire(view)).into_response();
    if wants_events {
        response.headers_mut().insert(WARNING, NO_EVENTS_YET);
    }
    response
}

async fn answer_list(
    app: &App,
    caller: &OrgCaller,
    element: Option<String>,
    query: &Query,
) -> Result<Response> {
    query.refuse_where()?;
    let limit = query.page_size()?;
    let filter = Filter {
        element,
        tags: query.all("tags"),
        search_text: query.get("searchText").map(str::to_owned),
        after: query.next_page()?.map(InstanceId),
        limit,
    };
    let hydrate = query.boolean("hydrate")?.unwrap_or(true);
    let page = provisioning::list(app, who(caller), filter).await?;
    if page.instances.is_empty() {
        return Err(Error::NotFound("No element instances found".into()));
    }
    let next = page
        .more
        .then(|| page.instances.last().map(|view| page_token(view.id.0)))
        .flatten();
    let instances: Vec<Instance> = page
        .instances
        .into_iter()
        .map(|view| {
            let mut instance = wire(view);
            if !hydrate {
                instance.configuration = None;
            }
            instance
        })
        .collect();
    let count = instances.len();
    Ok(with_page_headers(
        Json(instances).into_response(),
        count,
        next,
    ))
}

/// What every list answers beside its body.
pub fn with_page_headers(mut response: Response, count: usize, next: Option<String>) -> Response {
    let headers = response.headers_mut();
    headers.insert(RETURNED_COUNT, HeaderValue::from(count));
    if let Some(token) = next.and_then(|token| HeaderValue::try_from(token).ok()) {
        headers.insert(NEXT_PAGE, token);
    }
    response
}

fn who(caller: &OrgCaller) -> Who {
    Who {
        organization: caller.organization,
        account: caller.account,
        user: caller.user,
        admin: caller.admin,
    }
}

fn instance_id(text: &str) -> Result<InstanceId> {
    path::id(text)
        .map(InstanceId)
        .ok_or_else(|| provisioning::no_such_instance(shortened(text)))
}

/// An element instance as the wire has it: the union of what its clients read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    id: InstanceId,
    name: String,
    created_date: String,
    /// The element token, in clear: clients read it from create, get and list.
    token: String,
    element: Value,
    element_id: ElementId,
    tags: Vec<String>,
    provision_interactions: [Value; 0],
    valid: bool,
    disabled: bool,
    max_cache_size: u32,
    cache_time_to_live: u32,
    caching_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<serde_json::Map<String, Value>>,
    events_enabled: bool,
    trace_logging_enabled: bool,
    external_authentication: &'static str,
    user: Owner,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    id: UserId,
    email_address: String,
    first_name: String,
    last_name: String,
}

fn wire(view: InstanceView) -> Instance {
    Instance {
        id: view.id,
        name: view.name,
        created_date: dates::second(view.created_at),
        token: view.token.reveal().to_owned(),
        element: view.element,
        element_id: view.element_id,
        tags: view.tags,
        provision_interactions: [],
        valid: view.valid,
        disabled: view.disabled,
        max_cache_size: 0,
        cache_time_to_live: 0,
        caching_enabled: false,
        configuration: Some(view.configuration),
        events_enabled: false,
        trace_logging_enabled: false,
        external_authentication: view.external_authentication.as_str(),
        user: Owner {
            id: view.owner.id,
            email_address: view.owner.email,
            first_name: view.owner.first_name,
            last_name: view.owner.last_name,
        },
    }
}
