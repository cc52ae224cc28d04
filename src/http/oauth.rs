//! `/elements/{keyOrId}/oauth/…`: where a person allows access. Public like the catalogue; what a
//! query holds goes into no log.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::element::Element;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Access;
use crate::http::auth::MaybeCaller;
use crate::http::elements::sees;
use crate::http::json::{Json, JsonBody};
use crate::http::query::Query;
use crate::provisioning::{self, BrowserPage};

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Access::Optional, routes!(url, url_by_body));
    add(Access::Optional, routes!(token));
}

/// What the page is asked for with. Further members are entries of the configuration that the
/// vendor's addresses are made of, as `siteAddress` for `site.address`.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `BrowserPage` reads")]
struct PageWords {
    /// The client's id at the vendor.
    #[param(example = "your-client-id")]
    #[schema(example = "your-client-id")]
    api_key: String,
    /// The client's secret.
    #[param(example = "your-client-secret")]
    #[schema(example = "your-client-secret")]
    api_secret: String,
    /// Where the vendor sends the browser back to.
    #[param(example = "https://app.example.com/callback")]
    #[schema(example = "https://app.example.com/callback")]
    callback_url: String,
    /// In place of the definition's.
    scope: Option<String>,
    /// Comes back with the code; absent: the element's key.
    state: Option<String>,
    /// The S256 challenge of a code verifier, for vendors that want one.
    code_challenge: Option<String>,
    /// OAuth 1: the token that `/oauth/token` answered.
    request_token: Option<String>,
    /// Which log-in, where an element has several with a browser.
    #[param(rename = "authentication.type")]
    #[schema(rename = "authentication.type")]
    authentication_type: Option<String>,
}

/// Where a person allows access
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuthorizationPage {
    /// The element's key.
    element: String,
    /// The address that a browser opens.
    oauth_url: String,
}

/// OAuth 1's token of the page, and the secret that goes with it
#[derive(Serialize, ToSchema)]
struct PageToken {
    /// For `requestToken` of `/oauth/url`, and `providerData.oauth_token` of the create.
    token: String,
    /// For `providerData.secret` of the create.
    secret: String,
}

const INCOMPLETE: &str = "Words are missing or wrong, or the element has no such log-in.";
const NO_ELEMENT: &str = "No such element; `message` suggests the nearest key.";

fn visible<'a>(app: &'a App, caller: &MaybeCaller, key_or_id: &str) -> Result<&'a Arc<Element>> {
    app.catalog()
        .get(key_or_id)
        .filter(|element| sees(caller, element))
        .ok_or_else(|| app.no_such_element(key_or_id, |element| sees(caller, element)))
}

/// Ask where a person allows access
///
/// The vendor's page, to be opened in a browser. What the vendor sends back is `providerData` of the
/// create.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/url",
    operation_id = "getAuthorizationPage",
    params(PageWords),
    responses(
        (status = 200, description = "The page.", body = AuthorizationPage),
        (status = 400, description = INCOMPLETE),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn url(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = visible(&app, &caller, &key_or_id)?;
    answer(&app, element, &BrowserPage::new(query.into_pairs()))
}

/// Ask where a person allows access, with a body
///
/// The same with the words in the body: a query may stand in somebody's log.
#[utoipa::path(
    post,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/url",
    operation_id = "askForAuthorizationPage",
    request_body = PageWords,
    responses(
        (status = 200, description = "The page.", body = AuthorizationPage),
        (status = 400, description = INCOMPLETE),
        (status = 404, description = NO_ELEMENT),
    )
)]
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
    Ok(Json(AuthorizationPage {
        element: element.key.clone(),
        oauth_url: url.into(),
    })
    .into_response())
}

/// Get a request token of OAuth 1
///
/// The vendor is asked for it. It goes into `/oauth/url`, and with its secret into the create.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/token",
    operation_id = "getRequestToken",
    params(PageWords),
    responses(
        (status = 200, description = "The token.", body = PageToken),
        (status = 400, description = INCOMPLETE),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn token(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = visible(&app, &caller, &key_or_id)?;
    let page = BrowserPage::new(query.into_pairs());
    let given = provisioning::request_token(&app, element, &page).await?;
    Ok(Json(PageToken {
        token: given.token.reveal().to_owned(),
        secret: given.secret.reveal().to_owned(),
    })
    .into_response())
}
