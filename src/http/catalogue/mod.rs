//! The catalogue's read side below one element: its parts, its export, the ways to log in.
//!
//! The definition's JSON is the answer; here it is only taken apart. Elements belong to nobody's
//! account yet, so what a caller's own additions would be is empty.

mod hubs;
mod metadata;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bunsen_engine::element::Element;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Access;
use crate::http::auth::OrgCaller;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::Query;

/// All are GET.
pub fn routes() -> Vec<(&'static str, Access, MethodRouter<App>)> {
    use Access::{Optional, Platform};
    vec![
        ("/elements/api-v2/hubs", Optional, get(hubs::list)),
        ("/elements/api-v2/hubs/keys", Optional, get(hubs::keys)),
        ("/elements/api-v2/hubs/{hub}", Optional, get(hubs::read)),
        (
            "/elements/api-v2/hubs/{hub}/elements",
            Optional,
            get(hubs::elements),
        ),
        (
            "/elements/api-v2/elements/metadata",
            Platform,
            get(metadata::list),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/metadata",
            Platform,
            get(metadata::read),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/configuration",
            Platform,
            get(configuration),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/parameters",
            Platform,
            get(parameters),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/hooks",
            Platform,
            get(hooks),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/hooks/{id}",
            Platform,
            get(hook),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/resources",
            Platform,
            get(resources),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/resources/{id}",
            Platform,
            get(resource),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/resources/{id}/parameters",
            Platform,
            get(resource_parameters),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/resources/{id}/hooks",
            Platform,
            get(resource_hooks),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/resources/{id}/hooks/{hookId}",
            Platform,
            get(resource_hook),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/resources/{id}/models",
            Platform,
            get(resource_model),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/objects",
            Platform,
            get(objects),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/objects/{id}",
            Platform,
            get(object),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/objects/{id}/fields",
            Platform,
            get(object_fields),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/objects/{id}/fields/{fieldId}",
            Platform,
            get(object_field),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/models",
            Platform,
            get(models),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/models/{id}",
            Platform,
            get(model),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/models/{id}/fields",
            Platform,
            get(model_fields),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/models/{id}/fields/{fieldId}",
            Platform,
            get(model_field),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/transformations",
            Platform,
            get(transformations),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/export",
            Platform,
            get(export),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/authentication-types",
            Platform,
            get(authentication_types),
        ),
        (
            "/elements/api-v2/elements/{keyOrId}/authentication-types/{type}/configurations",
            Platform,
            get(authentication_type),
        ),
    ]
}

/// A list of parts: member of the definition, and its name in messages.
struct Kind {
    member: &'static str,
    name: &'static str,
}

const HOOKS: Kind = Kind {
    member: "hooks",
    name: "hook",
};
const RESOURCES: Kind = Kind {
    member: "resources",
    name: "resource",
};
const OBJECTS: Kind = Kind {
    member: "objects",
    name: "object",
};
const MODELS: Kind = Kind {
    member: "models",
    name: "model",
};
const OBJECT_FIELDS: Kind = Kind {
    member: "fields",
    name: "field",
};
const MODEL_FIELDS: Kind = Kind {
    member: "modelFields",
    name: "field",
};

fn parts<'a>(parent: &'a Value, member: &str) -> &'a [Value] {
    parent
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// 404 for what is no number, too: no part has another id.
fn part<'a>(parent: &'a Value, kind: &Kind, id: &str) -> Result<&'a Value> {
    let number: Option<i64> = id.parse().ok();
    parts(parent, kind.member)
        .iter()
        .find(|part| number.is_some() && part.get("id").and_then(Value::as_i64) == number)
        .ok_or_else(|| Error::NotFound(format!("No {} found with ID {id}.", kind.name)))
}

fn list_of(parts: &[Value]) -> Response {
    with_page_headers(Json(parts).into_response(), parts.len(), None)
}

/// A list of which the caller may want only the own additions.
fn list_or_own(parts: &[Value], query: &Query) -> Result<Response> {
    let own_only = query.boolean("accountOnly")?.unwrap_or(false);
    Ok(list_of(if own_only { &[] } else { parts }))
}

async fn configuration(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    let definition = app.element(&key)?.catalogue_json();
    let entries = parts(definition, "configuration");
    Ok(Json(json!({"configuration": entries, "providerData": []})).into_response())
}

async fn parameters(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    Ok(list_of(parts(
        app.element(&key)?.catalogue_json(),
        "parameters",
    )))
}

async fn hooks(State(app): State<App>, _: OrgCaller, Path(key): Path<String>) -> Result<Response> {
    Ok(list_of(parts(
        app.element(&key)?.catalogue_json(),
        HOOKS.member,
    )))
}

async fn hook(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let hook = part(app.element(&key)?.catalogue_json(), &HOOKS, &id)?;
    Ok(Json(hook).into_response())
}

async fn resources(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
    query: Query,
) -> Result<Response> {
    let definition = app.element(&key)?.catalogue_json();
    list_or_own(parts(definition, RESOURCES.member), &query)
}

async fn resource(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let resource = part(app.element(&key)?.catalogue_json(), &RESOURCES, &id)?;
    Ok(Json(resource).into_response())
}

async fn resource_parameters(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let resource = part(app.element(&key)?.catalogue_json(), &RESOURCES, &id)?;
    Ok(list_of(parts(resource, "parameters")))
}

async fn resource_hooks(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let resource = part(app.element(&key)?.catalogue_json(), &RESOURCES, &id)?;
    Ok(list_of(parts(resource, HOOKS.member)))
}

async fn resource_hook(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id, hook)): Path<(String, String, String)>,
) -> Result<Response> {
    let resource = part(app.element(&key)?.catalogue_json(), &RESOURCES, &id)?;
    Ok(Json(part(resource, &HOOKS, &hook)?).into_response())
}

/// A resource has one model at most.
async fn resource_model(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let resource = part(app.element(&key)?.catalogue_json(), &RESOURCES, &id)?;
    match resource.get("model") {
        Some(model) if model.is_object() => Ok(Json(model).into_response()),
        _ => Err(Error::NotFound("No model found".into())),
    }
}

async fn objects(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
    query: Query,
) -> Result<Response> {
    let definition = app.element(&key)?.catalogue_json();
    list_or_own(parts(definition, OBJECTS.member), &query)
}

async fn object(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let object = part(app.element(&key)?.catalogue_json(), &OBJECTS, &id)?;
    Ok(Json(object).into_response())
}

async fn object_fields(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let object = part(app.element(&key)?.catalogue_json(), &OBJECTS, &id)?;
    Ok(list_of(parts(object, OBJECT_FIELDS.member)))
}

async fn object_field(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id, field)): Path<(String, String, String)>,
) -> Result<Response> {
    let object = part(app.element(&key)?.catalogue_json(), &OBJECTS, &id)?;
    Ok(Json(part(object, &OBJECT_FIELDS, &field)?).into_response())
}

async fn models(State(app): State<App>, _: OrgCaller, Path(key): Path<String>) -> Result<Response> {
    Ok(list_of(parts(
        app.element(&key)?.catalogue_json(),
        MODELS.member,
    )))
}

async fn model(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let model = part(app.element(&key)?.catalogue_json(), &MODELS, &id)?;
    Ok(Json(model).into_response())
}

async fn model_fields(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Response> {
    let model = part(app.element(&key)?.catalogue_json(), &MODELS, &id)?;
    Ok(list_of(parts(model, MODEL_FIELDS.member)))
}

async fn model_field(
    State(app): State<App>,
    _: OrgCaller,
    Path((key, id, field)): Path<(String, String, String)>,
) -> Result<Response> {
    let model = part(app.element(&key)?.catalogue_json(), &MODELS, &id)?;
    Ok(Json(part(model, &MODEL_FIELDS, &field)?).into_response())
}

/// Sample mappings that come with the element.
async fn transformations(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    let definition = app.element(&key)?.catalogue_json();
    Ok(list_of(parts(definition, "defaultTransformations")))
}

/// The definition as it loads again; with `extendedOnly` without the element's own resources.
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

async fn authentication_types(
    State(app): State<App>,
    _: OrgCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    let element = app.element(&key)?;
    let options: Vec<Value> = element
        .groups
        .iter()
        .map(|group| json!({"value": group.name, "description": group.title}))
        .collect();
    let founding = &element.founding_group().name;
    Ok(Json(json!({"defaultValue": founding, "options": options})).into_response())
}

/// What a form for this way to log in asks for.
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
    let entries: Vec<Value> = parts(element.catalogue_json(), "configuration")
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
