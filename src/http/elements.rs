//! `/elements`: the catalogue's read side. Public, but a wrong credential is told.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::app::App;
use crate::error::Result;
use crate::http::auth::MaybeCaller;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::query::{Query, page_token};

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

/// `GET /elements/keys`: an array of strings; `pageSize` and `nextPage` page it.
pub async fn keys(State(app): State<App>, _: MaybeCaller, query: Query) -> Result<Response> {
    let size = usize::try_from(query.page_size()?).unwrap_or(usize::MAX);
    // Here a token holds how many keys came before.
    let start = match query.next_page()? {
        None => 0,
        Some(start) => usize::try_from(start).unwrap_or(usize::MAX),
    };
    let active = app.catalog().iter().filter(|element| element.active);
    let mut rest = active.map(|element| element.key.as_str()).skip(start);
    let keys: Vec<&str> = rest.by_ref().take(size).collect();
    let count = keys.len();
    let next = match (rest.next(), i64::try_from(start + count)) {
        (Some(_), Ok(end)) => Some(page_token(end)),
        _ => None,
    };
    Ok(with_page_headers(Json(keys).into_response(), count, next))
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
