//! `/elements/{keyOrId}/oauth/…`: where a person allows access. Public like the catalogue, save what
//! is stored for those who log in; what a query holds goes into no log.

mod clients;
mod proxies;

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
use crate::error::Result;
use crate::http::Access;
use crate::http::auth::{MaybeCaller, OrgCaller};
use crate::http::client::Client;
use crate::http::elements::sees;
use crate::http::json::{Json, JsonBody};
use crate::http::query::Query;
use crate::provisioning::{self, BrowserPage, Who};

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Access::Optional, routes!(url, url_by_body));
    add(Access::Optional, routes!(token));
    add(Access::Platform, routes!(default_url));
    add(
        Access::Platform,
        routes!(clients::keep, clients::read, clients::forget),
    );
    add(Access::Platform, routes!(proxies::make, proxies::list));
    add(
        Access::Platform,
        routes!(proxies::read, proxies::change, proxies::remove),
    );
    add(Access::Platform, routes!(proxies::allow, proxies::disallow));
    add(Access::Link, routes!(proxies::send_on));
}

/// What the page is asked for with. Further members are entries of the configuration that the
/// vendor's addresses are made of, as `siteAddress` for `site.address`.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `BrowserPage` reads")]
struct PageWords {
    /// The client's id at the vendor. May be missing, with the secret, where one is stored and the
    /// caller logs in.
    #[param(example = "your-client-id")]
    #[schema(example = "your-client-id")]
    api_key: Option<String>,
    /// The client's secret. A client that has none leaves it out, and sends `codeChallenge`.
    #[param(example = "your-client-secret")]
    #[schema(example = "your-client-secret")]
    api_secret: Option<String>,
    /// Where the vendor sends the browser back to. May be missing where it is stored with the client,
    /// and with a proxy.
    #[param(example = "https://app.example.com/callback")]
    #[schema(example = "https://app.example.com/callback")]
    callback_url: Option<String>,
    /// In place of the definition's.
    scope: Option<String>,
    /// Comes back with the code; absent: the element's key. With a proxy the application's address.
    state: Option<String>,
    /// The S256 challenge of a code verifier, for vendors that want one. Required of a client without a
    /// secret.
    code_challenge: Option<String>,
    /// OAuth 1: the token that `/oauth/token` answered.
    request_token: Option<String>,
    /// Which log-in, where an element has several with a browser.
    #[param(rename = "authentication.type")]
    #[schema(rename = "authentication.type")]
    authentication_type: Option<String>,
    /// `true`: by the OAuth proxy `oauthProxyName`, whose callback URL is then the page's.
    #[param(example = "true")]
    is_oauth_proxy: Option<String>,
    /// Name of a proxy of the organization, with `isOauthProxy`.
    oauth_proxy_name: Option<String>,
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

/// Where a person allows access to the stored client
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DefaultPage {
    /// The element's key.
    element: String,
    /// The address that a browser opens.
    oauth_url: String,
    configuration: DefaultPageConfiguration,
}

#[derive(Serialize, ToSchema)]
struct DefaultPageConfiguration {
    /// For `providerData.secret` of the create.
    secret: String,
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

const NOBODYS_PROXY: &str =
    "No or wrong secrets, or an OAuth proxy that nobody in particular asks for.";

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
        (status = 401, description = NOBODYS_PROXY),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn url(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    page(
        &app,
        &caller,
        &key_or_id,
        BrowserPage::new(query.into_pairs()),
    )
    .await
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
        (status = 401, description = NOBODYS_PROXY),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn url_by_body(
    State(app): State<App>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response> {
    page(&app, &caller, &key_or_id, BrowserPage::of_body(body)?).await
}

async fn page(
    app: &App,
    caller: &MaybeCaller,
    key_or_id: &str,
    page: BrowserPage,
) -> Result<Response> {
    let element = visible(app, caller, key_or_id)?;
    let url = provisioning::page_in_browser(app, who(caller), element, page).await?;
    Ok(Json(AuthorizationPage {
        element: element.key.clone(),
        oauth_url: url.into(),
    })
    .into_response())
}

fn who(caller: &MaybeCaller) -> Option<Who> {
    caller.0.as_ref().map(OrgCaller::who)
}

/// Ask where a person allows access to the stored client
///
/// With the client that an administrator or the operator keeps. `configuration.secret` of the answer
/// goes back with the code, as `providerData.secret` of the create, which needs neither the client's
/// id nor its secret.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/url/default",
    operation_id = "getDefaultAuthorizationPage",
    params(
        ("callbackUrl" = Option<String>, Query, description = "Where the vendor sends the browser back to, in place of what is stored with the client."),
        ("scope" = Option<String>, Query, description = "In place of what is stored, or the definition's."),
        ("state" = Option<String>, Query, description = "Comes back with the code; absent: the element's key."),
        ("authentication.type" = Option<String>, Query, description = "Which log-in, where an element has several with a browser."),
    ),
    responses(
        (status = 200, description = "The page.", body = DefaultPage),
        (status = 400, description = "No client is stored, words are missing or wrong, or the element has no such log-in."),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn default_url(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = app.element(&key_or_id)?;
    let page = BrowserPage::new(query.into_pairs());
    let (url, secret) = provisioning::default_page(&app, caller.who(), element, page).await?;
    Ok(Json(DefaultPage {
        element: element.key.clone(),
        oauth_url: url.into(),
        configuration: DefaultPageConfiguration {
            secret: secret.reveal().to_owned(),
        },
    })
    .into_response())
}

/// Get a request token of OAuth 1
///
/// The vendor is asked for it. It goes into `/oauth/url`, and with its secret into the create.
/// Without secrets so many are answered per address and quarter of an hour.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/token",
    operation_id = "getRequestToken",
    params(PageWords),
    responses(
        (status = 200, description = "The token.", body = PageToken),
        (status = 400, description = INCOMPLETE),
        (status = 404, description = NO_ELEMENT),
        (status = 429, description = "Too many from this address; `Retry-After` says when to try again."),
    )
)]
async fn token(
    State(app): State<App>,
    caller: MaybeCaller,
    client: Client,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let element = visible(&app, &caller, &key_or_id)?;
    if caller.0.is_none() {
        app.gate().strange(client.address).await?;
    }
    let page = BrowserPage::new(query.into_pairs());
    let given = provisioning::request_token(&app, who(&caller), element, page).await?;
    Ok(Json(PageToken {
        token: given.token.reveal().to_owned(),
        secret: given.secret.reveal().to_owned(),
    })
    .into_response())
}
