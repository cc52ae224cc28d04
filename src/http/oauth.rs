//! `/elements/{keyOrId}/oauth/…`: where a person allows access. Public like the catalogue; what a
//! query holds goes into no log.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bunsen_engine::element::Element;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Access;
use crate::http::auth::MaybeCaller;
use crate::http::elements::sees;
use crate::http::json::{Json, JsonBody};
use crate::http::query::Query;
use crate::provisioning::{self, BrowserPage};

/// Method, path, handler; all of them for everybody.
pub fn routes() -> Vec<(&'static str, &'static str, Access, MethodRouter<App>)> {
    use Access::Optional;
    const URL: &str = "/elements/api-v2/elements/{keyOrId}/oauth/url";
    vec![
        ("GET", URL, Optional, get(url)),
        ("POST", URL, Optional, post(url_by_body)),
        (
            "GET",
            "/elements/api-v2/elements/{keyOrId}/oauth/token",
            Optional,
            get(token),
        ),
    ]
}

fn visible<'a>(app: &'a App, caller: &MaybeCaller, key_or_id: &str) -> Result<&'a Arc<Element>> {
    app.catalog()
        .get(key_or_id)
        .filter(|element| sees(caller, element))
        .ok_or_else(|| app.no_such_element(key_or_id, |element| sees(caller, element)))
}

/// The address that a person's browser opens.
async fn url(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = visible(&app, &caller, &key_or_id)?;
    answer(&app, element, &BrowserPage::new(query.into_pairs()))
}

/// The same with the words in the body: a query may stand in somebody's log.
async fn url_by_body(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response> {
    let element = visible(&app, &caller, &key_or_id)?;
    let mut words = Vec::new();
    for (name, value) in body {
        words.push(match value {
            Value::Null => continue,
            Value::String(text) if text.contains('\0') => {
                let name = name.escape_debug();
                return Err(Error::Invalid(format!(
                    "'{name}' holds a NUL character; remove it."
                )));
            }
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        });
    }
    answer(&app, element, &BrowserPage::new(words))
}

fn answer(app: &App, element: &Element, page: &BrowserPage) -> Result<Response> {
    let url = provisioning::page_in_browser(app, element, page)?;
    Ok(Json(json!({"element": element.key, "oauthUrl": url.as_str()})).into_response())
}

/// OAuth 1's request token.
async fn token(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = visible(&app, &caller, &key_or_id)?;
    let page = BrowserPage::new(query.into_pairs());
    let given = provisioning::request_token(&app, element, &page).await?;
    let answer = json!({"token": given.token.reveal(), "secret": given.secret.reveal()});
    Ok(Json(answer).into_response())
}
