//! `/elements`: the catalogue's read side. Public, but a wrong credential is told.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::app::App;
use crate::error::Result;
use crate::http::auth::MaybeCaller;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::Query;

/// `GET /elements`: every active element, by key.
pub async fn list(State(app): State<App>, _: MaybeCaller, query: Query) -> Result<Response> {
    query.refuse_where()?;
    let elements: Vec<&Value> = app
        .catalog()
        .iter()
        .filter(|element| element.active)
        .map(|element| element.catalogue_json())
        .collect();
    let count = elements.len();
    Ok(with_page_headers(
        Json(elements).into_response(),
        count,
        None,
    ))
}

/// `GET /elements/keys`: an array of strings.
pub async fn keys(State(app): State<App>, _: MaybeCaller) -> Response {
    let keys: Vec<&str> = app
        .catalog()
        .iter()
        .filter(|element| element.active)
        .map(|element| element.key.as_str())
        .collect();
    let count = keys.len();
    with_page_headers(Json(keys).into_response(), count, None)
}

/// `GET /elements/{keyOrId}`: the whole definition.
pub async fn read(
    State(app): State<App>,
    _: MaybeCaller,
    Path(key_or_id): Path<String>,
) -> Result<Response> {
    let element = app.element(&key_or_id)?;
    Ok(Json(element.catalogue_json()).into_response())
}
