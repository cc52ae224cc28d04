//! `/hubs`: the families of elements. Which there are is data, in `hubs.json` beside this file;
//! what an added definition names beyond that is a hub as long as the definition is there.

use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::metadata::{Callable, documented};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::MaybeCaller;
use crate::http::description;
use crate::http::elements::sees;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::Query;

/// A family of elements.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct Hub {
    id: i64,
    key: String,
    name: String,
    description: String,
    active: bool,
    /// What can be called in it; only with `hydrate=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Callable>, required = false)]
    resources: Option<Vec<Callable>>,
}

static KNOWN: LazyLock<Vec<Hub>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("hubs.json")).expect("a test reads this file")
});

/// What people call it.
pub fn name(key: &str) -> String {
    let known = KNOWN.iter().find(|hub| hub.key == key);
    known.map_or_else(|| key.to_owned(), |hub| hub.name.clone())
}

/// The known hubs and those that elements name, by key.
fn hubs(app: &App, caller: &MaybeCaller) -> Vec<Hub> {
    let mut hubs = KNOWN.clone();
    for element in app.catalog().iter().filter(|e| sees(caller, e)) {
        if !hubs.iter().any(|hub| hub.key == element.hub) {
            let last = hubs.iter().map(|hub| hub.id).max().unwrap_or(0);
            hubs.push(Hub {
                id: last + 1,
                key: element.hub.clone(),
                name: element.hub.clone(),
                description: format!("Elements of the hub {}.", element.hub),
                active: true,
                resources: None,
            });
        }
    }
    hubs.sort_by(|one, other| one.key.cmp(&other.key));
    hubs
}

fn hub(app: &App, caller: &MaybeCaller, key: &str) -> Result<Hub> {
    hubs(app, caller)
        .into_iter()
        .find(|hub| hub.key == key)
        .ok_or_else(|| {
            let key = key.escape_debug();
            Error::NotFound(format!("No hub found with key '{key}'."))
        })
}

/// List the hubs
#[utoipa::path(
    get,
    path = "/elements/api-v2/hubs",
    operation_id = "listHubs",
    params(("hydrate" = Option<bool>, Query, description = "`true` adds what can be called in each.")),
    responses((status = 200, description = "Hubs.", body = Vec<Hub>))
)]
pub async fn list(State(app): State<App>, caller: MaybeCaller, query: Query) -> Result<Response> {
    let hydrate = query.boolean("hydrate")?.unwrap_or(false);
    let mut hubs = hubs(&app, &caller);
    if hydrate {
        for hub in &mut hubs {
            hub.resources = Some(resources(&app, &caller, &hub.key));
        }
    }
    let count = hubs.len();
    Ok(with_page_headers(Json(hubs).into_response(), count, None))
}

/// List the keys of the hubs
#[utoipa::path(
    get,
    path = "/elements/api-v2/hubs/keys",
    operation_id = "listHubKeys",
    responses((status = 200, description = "Keys.", body = Vec<String>))
)]
pub async fn keys(State(app): State<App>, caller: MaybeCaller) -> Result<Response> {
    let keys: Vec<String> = hubs(&app, &caller).into_iter().map(|hub| hub.key).collect();
    let count = keys.len();
    Ok(with_page_headers(Json(keys).into_response(), count, None))
}

/// Read a hub
#[utoipa::path(
    get,
    path = "/elements/api-v2/hubs/{hub}",
    operation_id = "getHub",
    responses(
        (status = 200, description = "The hub.", body = Hub),
        (status = 404, description = "No such hub."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    Ok(Json(hub(&app, &caller, &key)?).into_response())
}

/// List the elements of a hub
#[utoipa::path(
    get,
    path = "/elements/api-v2/hubs/{hub}/elements",
    operation_id = "listElementsOfHub",
    responses(
        (status = 200, description = "Elements.", body = Vec<description::Element>),
        (status = 404, description = "No such hub."),
    )
)]
pub async fn elements(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key): Path<String>,
) -> Result<Response> {
    let hub = hub(&app, &caller, &key)?;
    let elements: Vec<&Value> = app
        .catalog()
        .iter()
        .filter(|element| sees(&caller, element) && element.hub == hub.key)
        .map(|element| element.catalogue_json())
        .collect();
    let count = elements.len();
    Ok(with_page_headers(
        Json(elements).into_response(),
        count,
        None,
    ))
}

/// What every element has, then what the hub's elements add; each once.
fn resources(app: &App, caller: &MaybeCaller, key: &str) -> Vec<Callable> {
    let mut resources: Vec<Callable> = [
        ("ping", "Whether the instance works at the vendor."),
        ("objects", "The names of the objects there are."),
    ]
    .into_iter()
    .map(|(path, description)| Callable {
        method: "GET".to_owned(),
        path: format!("/hubs/{key}/{path}"),
        description: Some(description.to_owned()),
    })
    .collect();
    for element in app.catalog().iter().filter(|e| sees(caller, e)) {
        if element.hub != key {
            continue;
        }
        for resource in documented(element) {
            let same =
                |other: &Callable| other.method == resource.method && other.path == resource.path;
            if !resources.iter().any(same) {
                resources.push(resource);
            }
        }
    }
    resources
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_known_hubs_have_the_ids_that_were_seen() {
        let id = |key: &str| KNOWN.iter().find(|hub| hub.key == key).map(|hub| hub.id);
        for (key, expected) in [
            ("messaging", 1),
            ("documents", 4),
            ("crm", 11),
            ("marketing", 12),
            ("helpdesk", 14),
        ] {
            assert_eq!(id(key), Some(expected), "{key}");
        }
        let ids: BTreeSet<i64> = KNOWN.iter().map(|hub| hub.id).collect();
        let keys: BTreeSet<&str> = KNOWN.iter().map(|hub| hub.key.as_str()).collect();
        assert_eq!((ids.len(), keys.len()), (KNOWN.len(), KNOWN.len()));
        assert!(keys.contains("humancapital") && keys.contains("erp"));
    }
}
