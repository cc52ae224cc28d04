//! `/elements/oauthProxies`: proxies, read by everybody of the organization and changed by its
//! administrators; and the address of ours that vendors send browsers back to.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::configuration::MASK;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::clients::secret;
use crate::app::{App, shortened};
use crate::clients::ClientToKeep;
use crate::clients::proxies::{self, Proxy, Wanted};
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::instances::with_page_headers;
use crate::http::json::{Json, JsonBody};
use crate::http::query::Query;
use crate::http::{connect, dates, path};
use crate::ids::{OrganizationId, Secret};

/// A proxy that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OauthProxyToKeep {
    /// Unique in the organization.
    #[schema(example = "shared callback")]
    name: Option<String>,
    /// Id of a client that pages and creates by this proxy use, where they give none.
    api_key: Option<String>,
    /// Its secret; absent or masked: as it is stored.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, format = Password)]
    api_secret: Option<Secret>,
    /// Further entries of a configuration that go with the client: an object, or its JSON text.
    #[schema(value_type = Option<Map<String, Value>>)]
    configuration: Option<Value>,
    /// In place of those there are.
    #[schema(example = json!(["https://app.example.com/**"]))]
    application_urls: Option<Vec<String>>,
}

/// A proxy
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OauthProxy {
    id: i64,
    name: String,
    /// To be registered at the vendor.
    callback_url: String,
    /// Where browsers may go on to.
    application_urls: Vec<String>,
    /// For users of the default account.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    /// Masked; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_secret: Option<&'static str>,
    #[schema(format = DateTime)]
    created_date: String,
}

const NO_ADMINISTRATOR: &str = "You are not an administrator of the organization.";
const NO_PROXY: &str = "No such proxy of your organization.";
const TAKEN: &str = "A proxy of this name exists already.";

/// Make an OAuth proxy
///
/// One address of this server, registered at a vendor, that several applications share. For
/// administrators of the organization.
#[utoipa::path(
    post,
    path = "/elements/api-v2/elements/oauthProxies",
    operation_id = "createOauthProxy",
    request_body = OauthProxyToKeep,
    responses(
        (status = 200, description = "The proxy.", body = OauthProxy),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 409, description = TAKEN),
    )
)]
pub async fn make(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(given): JsonBody<OauthProxyToKeep>,
) -> Result<Response> {
    administrator(&caller)?;
    let made = proxies::make(&app, caller.organization, &wanted(given)?).await?;
    answer(&app, &caller, vec![made])
        .await
        .map(|mut all| Json(all.remove(0)).into_response())
}

/// List the OAuth proxies
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/oauthProxies",
    operation_id = "listOauthProxies",
    responses((status = 200, description = "Proxies.", body = Vec<OauthProxy>))
)]
pub async fn list(State(app): State<App>, caller: OrgCaller) -> Result<Response> {
    let all = proxies::list(&app, caller.organization).await?;
    let all = answer(&app, &caller, all).await?;
    let count = all.len();
    Ok(with_page_headers(Json(all).into_response(), count, None))
}

/// Read an OAuth proxy
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/oauthProxies/{id}",
    operation_id = "getOauthProxy",
    responses(
        (status = 200, description = "The proxy.", body = OauthProxy),
        (status = 404, description = NO_PROXY),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    let found = proxies::read(&app, caller.organization, number(&id)?).await?;
    answer(&app, &caller, vec![found])
        .await
        .map(|mut all| Json(all.remove(0)).into_response())
}

/// Change an OAuth proxy
///
/// What is not named stays. For administrators of the organization.
#[utoipa::path(
    put,
    path = "/elements/api-v2/elements/oauthProxies/{id}",
    operation_id = "changeOauthProxy",
    request_body = OauthProxyToKeep,
    responses(
        (status = 200, description = "The proxy.", body = OauthProxy),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = NO_PROXY),
        (status = 409, description = TAKEN),
    )
)]
pub async fn change(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    JsonBody(given): JsonBody<OauthProxyToKeep>,
) -> Result<Response> {
    administrator(&caller)?;
    let id = number(&id)?;
    let changed = proxies::change(&app, caller.organization, id, &wanted(given)?).await?;
    answer(&app, &caller, vec![changed])
        .await
        .map(|mut all| Json(all.remove(0)).into_response())
}

/// Take away an OAuth proxy
///
/// With its client. Refused while instances use that, unless `force` is true: those can renew their
/// sessions no more. For administrators of the organization.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/elements/oauthProxies/{id}",
    operation_id = "deleteOauthProxy",
    params(("force" = Option<bool>, Query, description = "Also while instances use its client.")),
    responses(
        (status = 200, description = "It is gone; no body."),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = NO_PROXY),
        (status = 409, description = "Instances use its client; `message` says how many."),
    )
)]
pub async fn remove(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<()> {
    administrator(&caller)?;
    let force = query.boolean("force")?.unwrap_or(false);
    proxies::remove(&app, caller.organization, number(&id)?, force).await
}

/// Allow an application's address
///
/// A literal address, one in which `**` stands for anything, or a regular expression for the whole of
/// it. What stands for anything in a host never reaches beyond the host. For administrators of the
/// organization.
#[utoipa::path(
    post,
    path = "/elements/api-v2/elements/oauthProxies/{id}/applicationUrl",
    operation_id = "allowApplicationUrl",
    params(("applicationUrl" = String, Query, description = "The pattern.", example = "https://app.example.com/**")),
    responses(
        (status = 200, description = "It is allowed.", body = Value),
        (status = 400, description = "No pattern, or one that lets any host in."),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = NO_PROXY),
    )
)]
pub async fn allow(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response> {
    administrator(&caller)?;
    let pattern = pattern(&query)?;
    proxies::allow(&app, caller.organization, number(&id)?, pattern).await?;
    Ok(Json(Map::new()).into_response())
}

/// Allow an application's address no more
///
/// For administrators of the organization.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/elements/oauthProxies/{id}/applicationUrl",
    operation_id = "disallowApplicationUrl",
    params(("applicationUrl" = String, Query, description = "The pattern, as it was given.", example = "https://app.example.com/**")),
    responses(
        (status = 200, description = "It is allowed no more.", body = Value),
        (status = 400, description = "No pattern."),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = "No such proxy of your organization, or it has no such pattern."),
    )
)]
pub async fn disallow(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response> {
    administrator(&caller)?;
    let pattern = pattern(&query)?;
    proxies::disallow(&app, caller.organization, number(&id)?, pattern).await?;
    Ok(Json(Map::new()).into_response())
}

/// Where a vendor sends a browser back to
///
/// It goes on to the application whose address `state` is, with all that the vendor said, if the proxy
/// allows that address.
#[utoipa::path(
    get,
    path = "/oauth/proxies/{organization}/{id}/callback",
    operation_id = "sendOnFromOauthProxy",
    params(
        ("state" = String, Query, description = "The application's address."),
        ("code" = Option<String>, Query, description = "What the vendor gives."),
    ),
    responses(
        (status = 303, description = "To the application."),
        (status = 400, description = "The address is not allowed; a page.", body = String, content_type = "text/html"),
        (status = 404, description = "No such proxy; a page.", body = String, content_type = "text/html"),
    )
)]
pub async fn send_on(
    State(app): State<App>,
    Path((organization, id)): Path<(String, String)>,
    query: Query,
) -> Response {
    let words = query.into_pairs();
    let sent = match (path::id(&organization), path::id(&id)) {
        (Some(organization), Some(id)) => {
            proxies::send_on(&app, OrganizationId(organization), id, &words).await
        }
        _ => Err(proxies::no_such_proxy(&id)),
    };
    let (status, title, text) = match sent {
        Ok(url) => return on_to(url.as_str()),
        Err(Error::NotFound(_)) => (
            404,
            "There is nothing here",
            "Go back to the application and start again.".to_owned(),
        ),
        Err(Error::Invalid(told)) => (400, "You are not sent on", told),
        Err(error) => {
            tracing::warn!(%error, "a browser is not sent on");
            (
                503,
                "This does not work at the moment",
                "Try again in a few minutes.".to_owned(),
            )
        }
    };
    connect::bare_page(&app, title, &text, status)
}

/// The address holds a code: nobody is to keep it, or to tell the next one where it came from.
fn on_to(url: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(url) else {
        return Error::internal("a URL that is no header").into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn administrator(caller: &OrgCaller) -> Result<()> {
    caller.administers("change its OAuth proxies")
}

fn number(id: &str) -> Result<i64> {
    path::id(id).ok_or_else(|| proxies::no_such_proxy(shortened(id)))
}

fn pattern(query: &Query) -> Result<&str> {
    let given = query.get("applicationUrl").filter(|text| !text.is_empty());
    given.ok_or_else(|| {
        Error::Invalid("Missing required parameter: 'applicationUrl', the pattern.".into())
    })
}

fn wanted(given: OauthProxyToKeep) -> Result<Wanted> {
    let configuration = match given.configuration {
        Some(Value::String(text)) if !text.is_empty() => {
            serde_json::from_str(&text).map_err(|_| not_an_object())?
        }
        Some(Value::Object(entries)) => entries,
        None | Some(Value::Null | Value::String(_)) => Map::new(),
        Some(_) => return Err(not_an_object()),
    };
    let client = match given.api_key {
        Some(api_key) => Some(ClientToKeep {
            api_key,
            api_secret: given.api_secret,
            callback_url: None,
            scope: None,
            configuration,
        }),
        None if given.api_secret.is_some() => {
            let message = "'apiSecret' needs the 'apiKey' that it belongs to.";
            return Err(Error::Invalid(message.into()));
        }
        None => None,
    };
    Ok(Wanted {
        name: given.name,
        application_urls: given.application_urls,
        client,
    })
}

fn not_an_object() -> Error {
    Error::Invalid("'configuration' must be an object, or the JSON text of one.".into())
}

async fn answer(app: &App, caller: &OrgCaller, all: Vec<Proxy>) -> Result<Vec<OauthProxy>> {
    let organization = app.store().org(caller.organization);
    let account = organization.account(caller.account).await?;
    let default = account.is_some_and(|account| account.default_account);
    let wire = |Proxy {
                    proxy,
                    client,
                    callback_url,
                }: Proxy| OauthProxy {
        id: proxy.id,
        name: proxy.name,
        callback_url,
        application_urls: proxy.application_urls,
        api_secret: client
            .as_ref()
            .and_then(|client| client.has_secret.then_some(MASK)),
        api_key: client.filter(|_| default).map(|client| client.api_key),
        created_date: dates::second(proxy.created_at),
    };
    Ok(all.into_iter().map(wire).collect())
}
