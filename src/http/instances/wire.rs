//! An instance as JSON, and what goes beside it.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::http::dates;
use crate::http::json::Json;
use crate::ids::{ElementId, InstanceId, UserId};
use crate::provisioning::InstanceView;

/// The entry that asks for events.
pub const EVENTS: &str = "event.notification.enabled";

const WARNING: HeaderName = HeaderName::from_static("elements-error");
const NO_EVENTS_YET: HeaderValue = HeaderValue::from_static(
    "event.notification.enabled is kept, but this server delivers no events yet.",
);

/// One instance; with a warning when it asks for what is not there yet.
pub fn answer(view: InstanceView) -> Response {
    let asked_for = view
        .configuration
        .as_ref()
        .and_then(|configuration| configuration.get(EVENTS))
        .cloned();
    warned(asked_for.as_ref(), Json(wire(view)).into_response())
}

/// The answer, with the warning when `events` asks for them.
pub fn warned(events: Option<&Value>, mut response: Response) -> Response {
    if events.is_some_and(|value| value == "true") {
        response.headers_mut().insert(WARNING, NO_EVENTS_YET);
    }
    response
}

/// An element instance as the wire has it: the union of what its clients read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    id: InstanceId,
    name: String,
    created_date: String,
    /// The element token, in clear: clients read it from create, get and list.
    token: String,
    pub element: Value,
    element_id: ElementId,
    tags: Vec<String>,
    provision_interactions: [Value; 0],
    valid: bool,
    /// What has to be done; only where `valid` is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_reason: Option<String>,
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

pub fn wire(view: InstanceView) -> Instance {
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
        invalid_reason: view.invalid_reason,
        disabled: view.disabled,
        max_cache_size: 0,
        cache_time_to_live: 0,
        caching_enabled: false,
        configuration: view.configuration,
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
