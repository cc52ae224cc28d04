//! The catalogue's read side below one element: its parts, its export, the ways to log in.
//!
//! The definition's JSON is the answer; here it is only taken apart. Elements belong to nobody's
//! account yet, so what a caller's own additions would be is empty.

mod hubs;
mod metadata;
mod parts;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::element::Element;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Access;
use crate::http::auth::OrgCaller;
use crate::http::description;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::Query;

pub use hubs::name as hub_name;

const NO_ELEMENT: &str = "No such element; `message` suggests the nearest key.";

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    use Access::{Optional, Platform};
    add(Optional, routes!(hubs::list));
    add(Optional, routes!(hubs::keys));
    add(Optional, routes!(hubs::read));
    add(Optional, routes!(hubs::elements));
    add(Platform, routes!(metadata::list));
    add(Platform, routes!(metadata::read));
    add(Platform, routes!(configuration));
    add(Platform, routes!(export));
    add(Platform, routes!(authentication_types));
    add(Platform, routes!(authentication_type));
    for part in parts::ALL {
        add(Platform, part.route());
    }
}

/// The members of a list in a definition.
fn list<'a>(parent: &'a Value, member: &str) -> &'a [Value] {
    parent
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn list_of(parts: &[Value]) -> Response {
    with_page_headers(Json(parts).into_response(), parts.len(), None)
}

/// List the configuration entries of an element
///
/// What an instance of it is made with.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/configuration",
    operation_id = "listElementConfiguration",
    responses(
        (status = 200, description = "The entries.", body = description::ElementConfiguration),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn configuration(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    let definition = app.element(&key)?.catalogue_json();
    let entries = list(definition, "configuration");
    Ok(Json(json!({"configuration": entries, "providerData": []})).into_response())
}

/// Export an element
///
/// The definition as it loads again, without secret defaults.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/export",
    operation_id = "exportElement",
    params(("extendedOnly" = Option<bool>, Query, description = "`true` leaves out the element's own parts.")),
    responses(
        (status = 200, description = "The definition.", body = description::Element),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn export(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
    query: Query,
) -> Result<Response> {
    let export = app.element(&key)?.export_json();
    if query.boolean("extendedOnly")?.unwrap_or(false) {
        let mut additions = export.clone();
        for member in ["resources", "parameters", "hooks", "objects", "models"] {
            if let Some(parts) = additions.get_mut(member) {
                *parts = json!([]);
            }
        }
        return Ok(Json(additions).into_response());
    }
    Ok(Json(export).into_response())
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuthenticationTypes {
    /// The one that is meant when a create names none and gives the entries of none.
    default_value: String,
    options: Vec<AuthenticationType>,
}

#[derive(Serialize, ToSchema)]
struct AuthenticationType {
    /// For the configuration entry `authentication.type`.
    value: String,
    description: String,
}

/// List the ways to log in
///
/// Groups of credentials, of which an instance has one.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/authentication-types",
    operation_id = "listAuthenticationTypes",
    responses(
        (status = 200, description = "The ways, the usual one first.", body = AuthenticationTypes),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn authentication_types(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    let element = app.element(&key)?;
    let options = element.groups.iter().map(|group| AuthenticationType {
        value: group.name.clone(),
        description: group.title.clone(),
    });
    Ok(Json(AuthenticationTypes {
        default_value: element.founding_group().name.clone(),
        options: options.collect(),
    })
    .into_response())
}

/// List what one way to log in asks for
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/authentication-types/{type}/configurations",
    operation_id = "listConfigurationOfAuthenticationType",
    responses(
        (status = 200, description = "Entries for a form.", body = Vec<description::ConfigurationEntry>),
        (status = 404, description = "No such element, or no such way to log in."),
    )
)]
async fn authentication_type(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, kind)): Path<(String, String)>,
) -> Result<Response> {
    let element = app.element(&key)?;
    if element.group(&kind).is_none() {
        let kind = kind.escape_debug();
        let message = format!("No authentication type '{kind}' found");
        return Err(Error::NotFound(message));
    }
    let entries: Vec<Value> = list(element.catalogue_json(), "configuration")
        .iter()
        .filter(|entry| asked_for(element, entry, &kind))
        .cloned()
        .collect();
    Ok(list_of(&entries))
}

fn asked_for(element: &Element, entry: &Value, kind: &str) -> bool {
    let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
    element.entry(key).is_some_and(|entry| {
        let shown = !(entry.internal || entry.hide_from_console || entry.group_control);
        match &entry.group {
            Some(group) => group == kind && !entry.internal,
            None => shown,
        }
    })
}
