//! What an element can do, in short: `/elements/metadata` and `/elements/{keyOrId}/metadata`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::element::{Element, ResourceKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Result;
use crate::http::auth::OrgCaller;
use crate::http::description::{ElementMetadata, Expanded, Paging};
use crate::http::elements;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::Query;

/// What can be called in a hub.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = HubResource)]
pub struct Callable {
    pub method: String,
    pub path: String,
    #[schema(required)]
    pub description: Option<String>,
}

/// List what the elements can do
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/metadata",
    operation_id = "listElementMetadata",
    params(Expanded, Paging),
    responses((status = 200, description = "By key.", body = Vec<ElementMetadata>))
)]
pub async fn list(State(app): State<App>, _: OrgCaller, query: Query) -> Result<Response> {
    let expand = query.boolean("expand")?.unwrap_or(false);
    let active = app.catalog().iter().filter(|element| element.active);
    let (page, next) = elements::page(&query, active)?;
    let page: Vec<Value> = page.into_iter().map(|e| metadata(e, expand)).collect();
    let count = page.len();
    Ok(with_page_headers(Json(page).into_response(), count, next))
}

/// Read what an element can do
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/metadata",
    operation_id = "getElementMetadata",
    params(Expanded),
    responses(
        (status = 200, description = "The element in short.", body = ElementMetadata),
        (status = 404, description = "No such element; `message` suggests the nearest key."),
    )
)]
pub async fn read(
    State(app): State<App>,
    _: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let expand = query.boolean("expand")?.unwrap_or(false);
    Ok(Json(metadata(app.element(&key_or_id)?, expand)).into_response())
}

fn metadata(element: &Element, expand: bool) -> Value {
    let definition = element.catalogue_json();
    let own = |member: &str| definition.get(member).filter(|value| !value.is_null());
    let own_or = |member: &str, default: Value| own(member).cloned().unwrap_or(default);
    let mut metadata = json!({
        "id": element.id,
        "name": element.name,
        "key": element.key,
        "description": own("description"),
        // Whatever the definition could do: this server delivers no events yet.
        "events": {"supported": false, "methods": []},
    });
    let (true, Some(members)) = (expand, metadata.as_object_mut()) else {
        return metadata;
    };
    let flag = |member: &str| own_or(member, json!(false));
    for (member, value) in [
        ("image", own_or("image", Value::Null)),
        ("displayOrder", own_or("displayOrder", json!(0))),
        ("active", json!(element.active)),
        ("beta", flag("beta")),
        ("extended", flag("extended")),
        ("transformations", flag("transformationsEnabled")),
        ("elementType", own_or("elementType", json!("element"))),
        (
            "normalizedPaging",
            json!(element.entry("pagination.type").is_some()),
        ),
        ("swaggerValidated", json!(false)),
        ("cloneable", flag("cloneable")),
        (
            "authenticationType",
            own_or("authenticationType", Value::Null),
        ),
        (
            "defaultAuthentication",
            json!(element.founding_group().name),
        ),
        ("discovery", json!({})),
        (
            "bulk",
            json!({
                "upload": flag("bulkUploadEnabled"),
                "download": flag("bulkDownloadEnabled"),
            }),
        ),
        ("usage", json!({})),
        ("api", json!({})),
        ("resources", json!(documented(element))),
        ("hub", json!(element.hub)),
    ] {
        members.insert(member.into(), value);
    }
    metadata
}

/// What callers may use, without what only runs while an instance is made.
pub fn documented(element: &Element) -> Vec<Callable> {
    element
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Api)
        .map(|resource| Callable {
            method: resource.method.to_string(),
            path: format!("/hubs/{}{}", element.hub, resource.path),
            description: resource.description.clone(),
        })
        .collect()
}
