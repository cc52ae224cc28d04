//! An instance as JSON, and what goes beside it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::json::Json;
use crate::http::{dates, description};
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
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    #[schema(value_type = i64)]
    id: InstanceId,
    name: String,
    /// UTC, with seconds.
    #[schema(format = DateTime)]
    created_date: String,
    /// The element token, in clear: clients read it from create, get and list.
    token: String,
    /// The element as its catalogue entry begins; its configuration, hooks and resources are not repeated.
    #[schema(value_type = description::Element)]
    #[serde(serialize_with = "shared")]
    pub element: Arc<Value>,
    #[schema(value_type = i64)]
    element_id: ElementId,
    tags: Vec<String>,
    /// Always empty.
    #[schema(value_type = Vec<Value>)]
    provision_interactions: [Value; 0],
    /// `false` once the vendor refuses the stored credentials.
    valid: bool,
    /// What the owner has to know to make it valid again. Absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    invalid_since: Option<String>,
    /// Why the session could not be renewed for some time, which is nothing that its owner could mend:
    /// the vendor does not take the application (the OAuth client, its key), is away, or its answer was
    /// lost. Absent while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    renewal_problem: Option<String>,
    /// When the vendor session was renewed last. Absent where it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_renewal: Option<String>,
    /// When it is renewed next; tokens that do not end by time have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_renewal: Option<String>,
    /// Hub calls are refused.
    disabled: bool,
    max_cache_size: u32,
    cache_time_to_live: u32,
    caching_enabled: bool,
    /// Every value is a text or null, secrets are `********`. Absent from lists with `hydrate=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = std::collections::BTreeMap<String, Option<String>>, required = false)]
    configuration: Option<serde_json::Map<String, Value>>,
    /// Always `false`: this server delivers no events yet.
    events_enabled: bool,
    trace_logging_enabled: bool,
    /// `none` or `initial`.
    external_authentication: &'static str,
    user: Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Vec<Value>>,
}

/// Whose secret made the instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceOwner)]
struct Owner {
    #[schema(value_type = i64)]
    id: UserId,
    email_address: String,
    first_name: String,
    last_name: String,
}

fn shared<S: Serializer>(value: &Arc<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.serialize(serializer)
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
        invalid_since: view.invalid_since.map(dates::second),
        renewal_problem: view.renewal_problem,
        last_renewal: view.last_renewal.map(dates::second),
        next_renewal: view.next_renewal.map(dates::second),
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
        objects: view.objects,
    }
}
