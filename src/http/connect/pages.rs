//! What people see. Every answer is a page, failures too.

use std::collections::BTreeMap;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::answers::{
    Wrong, again, choose, denied, expired, failed, finished, foreign, form, leave, logged, no_link,
    opened, organization, see_other, to_the_end, without_cookie,
};
use super::browser::{self, Browser};
use super::described::{LinkPages, VendorPages};
use super::show;
use crate::app::App;
use crate::connect::{self, Back, Given, Opened, Returned, Submitted, Told};
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::http::query::Query;
use crate::ids::Secret;

static STYLE: &str = include_str!("style.css");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");

/// The style of connect pages
#[utoipa::path(
    get,
    path = "/connect/style.css",
    operation_id = "showConnectStyle",
    responses((status = 200, description = "A style sheet.", body = String, content_type = "text/css"))
)]
pub async fn style() -> Response {
    let kept = HeaderValue::from_static("public, max-age=300");
    (
        [(header::CONTENT_TYPE, CSS), (header::CACHE_CONTROL, kept)],
        STYLE,
    )
        .into_response()
}

/// The connect page of a link
#[utoipa::path(
    get,
    path = "/connect/{token}",
    operation_id = "showConnectPage",
    params(
        ("element" = Option<String>, Query, description = "What is to be connected."),
        ("login" = Option<String>, Query, description = "The way to sign in, by the name of its group of credentials."),
    ),
    responses(
        (status = 200, description = "A page.", body = String, content_type = "text/html",
            headers(("Set-Cookie" = String, description = "What ties the form to the browser."))),
        LinkPages,
    )
)]
pub async fn start(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    query: Result<Query>,
) -> Response {
    let browser = Browser::of(&app, &headers);
    let shown = async {
        let query = query?;
        let known = Browser::known(&app, &headers);
        let opened = match opened(&app, &token, known.as_ref()).await? {
            Ok(opened) => opened,
            Err(response) => return Ok(response),
        };
        let elements = opened.elements(&app);
        let chosen = match (query.get("element"), elements.as_slice()) {
            (Some(key), _) => Some(opened.element(&app, key)?.key.clone()),
            (None, [only]) => Some(only.key.clone()),
            (None, _) => None,
        };
        match chosen {
            Some(element) => {
                let given = Given {
                    element,
                    way: query.get("login").unwrap_or_default().to_owned(),
                    values: BTreeMap::new(),
                    other_account: false,
                };
                form(&app, &opened, &given, &browser, Wrong::default()).await
            }
            None => choose(&app, &opened).await,
        }
    };
    let mut response = shown.await.unwrap_or_else(|error| failed(&app, &error));
    if response.status() != StatusCode::OK {
        return response;
    }
    match browser.set(response.headers_mut()) {
        Ok(()) => response,
        Err(error) => failed(&app, &error),
    }
}

/// Connect, with what a person has typed
#[utoipa::path(
    post,
    path = "/connect/{token}",
    operation_id = "submitConnectPage",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page that leads to the vendor's, or tells that the link has done its work.", body = String, content_type = "text/html"),
        (status = 303, description = "Connected."),
        (status = 408, description = "The form did not arrive in time; a page.", body = String, content_type = "text/html"),
        (status = 413, description = "That is too much text; a page.", body = String, content_type = "text/html"),
        VendorPages,
    )
)]
pub async fn submit(
    State(app): State<App>,
    Path(token): Path<String>,
    client: Client,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let answered = async {
        let known = Browser::known(&app, &headers);
        let opened = match opened(&app, &token, known.as_ref()).await? {
            Ok(opened) => opened,
            Err(response) => return Ok(response),
        };
        let (given, proof) = browser::form(&app, request).await?;
        let browser = Browser::of(&app, &headers);
        if browser.is_new() {
            return without_cookie(&app, &opened).await;
        }
        connect::check_form_token(&app, &browser.secret, &opened.token, &proof)?;
        let outcome = connect::submit(&app, &opened, &given, &browser.secret, client.address).await;
        let wrong = match outcome {
            Ok(Submitted::Connected) => return Ok(to_the_end(&opened.token)),
            Ok(Submitted::Leave(url)) => {
                return leave(&app, &opened, &given.element, url.into()).await;
            }
            Ok(Submitted::Mistaken(fields)) => Wrong::mistaken(fields),
            Ok(Submitted::OtherAccount(changes)) => Wrong {
                changes,
                ..Wrong::default()
            },
            Err(error) => {
                let told = tell(&app, &opened, &given.element, &given.way, &error)?;
                Wrong {
                    told: Some(told),
                    ..Wrong::default()
                }
            }
        };
        form(&app, &opened, &given, &browser, wrong).await
    };
    answered.await.unwrap_or_else(|error| failed(&app, &error))
}

fn tell(app: &App, opened: &Opened, element: &str, way: &str, error: &Error) -> Result<Told> {
    let element = opened.element(app, element)?;
    let group = opened.group_of_way(app, element, way)?;
    let told = connect::told(element, group.needs_person(), error);
    Ok(logged(told, error))
}

/// Back from a vendor's page
#[utoipa::path(
    get,
    path = "/connect/callback",
    operation_id = "returnToConnectPage",
    params(
        ("state" = Option<String>, Query, description = "What the vendor's page was given along."),
        ("code" = Option<String>, Query, description = "The vendor's authorization code."),
        ("error" = Option<String>, Query, description = "The vendor's error, in a word."),
        ("error_description" = Option<String>, Query, description = "The same in words."),
        ("iss" = Option<String>, Query, description = "Whom the answer comes from; compared where the element names the issuer."),
        ("oauth_token" = Option<String>, Query, description = "OAuth 1: the request token."),
        ("oauth_verifier" = Option<String>, Query, description = "OAuth 1: what proves that access was allowed."),
    ),
    responses(
        (status = 200, description = "Access was not allowed, or the link has done its work; a page.", body = String, content_type = "text/html"),
        (status = 303, description = "Connected."),
        VendorPages,
    )
)]
pub async fn callback(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    query: Result<Query>,
) -> Response {
    let query = match query {
        Ok(query) => query,
        Err(error) => return failed(&app, &error),
    };
    let secret = |name: &str| query.get(name).map(Secret::new);
    let returned = Returned {
        state: secret("state"),
        code: secret("code"),
        token: secret("oauth_token"),
        verifier: secret("oauth_verifier"),
        issuer: query.get("iss").map(str::to_owned),
        error: query.get("error").map(str::to_owned),
        description: query.get("error_description").map(str::to_owned),
    };
    let browser = Browser::known(&app, &headers);
    let answered = async {
        let back = connect::come_back(&app, browser.as_ref(), returned, client.address).await?;
        Ok(match back {
            Back::Connected(token) => to_the_end(&token),
            Back::Used(done) => finished(&app, *done, &Secret::new(""), browser.as_ref()).await?,
            Back::Expired(organization) => expired(&app, organization, &Secret::new("")).await?,
            Back::Denied(opened, place, said) => denied(&app, &opened, &place, said).await?,
            Back::Failed(opened, place, error) => {
                let told = tell(&app, &opened, &place.element, &place.way, &error)?;
                again(&app, &opened, &place, told).await?
            }
            Back::OtherAccount(opened, given, difference) => {
                let wrong = Wrong {
                    changes: vec![difference],
                    returned: true,
                    ..Wrong::default()
                };
                let browser = Browser::of(&app, &headers);
                form(&app, &opened, &given, &browser, wrong).await?
            }
            Back::Foreign(opened, place) => foreign(&app, &opened, &place).await?,
            Back::Over => show::unknown(
                &app,
                "This step is over",
                "This page has been opened before, or you have set out again since. Nothing was \
                 done twice. Go back to the application and open the link again.",
                409,
            ),
            Back::OtherBrowser => show::unknown(
                &app,
                "This was begun in another browser",
                "To protect you, a connection is finished in the browser in which it was begun. \
                 Open the link again here, and allow cookies for this site.",
                403,
            ),
            Back::Unknown => no_link(&app),
        })
    };
    answered.await.unwrap_or_else(|error| failed(&app, &error))
}

/// The last page of a link
#[utoipa::path(
    get,
    path = "/connect/{token}/done",
    operation_id = "showConnectEnd",
    responses(
        (status = 200, description = "A page that leads back to the application.", body = String, content_type = "text/html"),
        (status = 303, description = "There is something left to do."),
        LinkPages,
    )
)]
pub async fn done(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let browser = Browser::known(&app, &headers);
    let shown = async {
        Ok(match opened(&app, &token, browser.as_ref()).await? {
            Ok(opened) => see_other(&format!("/connect/{}", opened.token.reveal())),
            Err(response) => response,
        })
    };
    shown.await.unwrap_or_else(|error| failed(&app, &error))
}

/// The organization's logo
#[utoipa::path(
    get,
    path = "/connect/{token}/logo",
    operation_id = "showConnectLogo",
    responses(
        (status = 200, description = "A picture.", body = Vec<u8>, content_type = "image/*"),
        (status = 404, description = "There is none; a page.", body = String, content_type = "text/html"),
        (status = 503, description = "The trouble is on this side; a page.", body = String, content_type = "text/html"),
    )
)]
pub async fn logo(State(app): State<App>, Path(token): Path<String>) -> Response {
    let found = async {
        let Some(organization) = organization(&app, &token).await? else {
            return Ok(None);
        };
        app.store().org(organization).connect_logo().await
    };
    match found.await {
        Ok(Some(logo)) => match HeaderValue::try_from(logo.kind) {
            Ok(kind) => ([(header::CONTENT_TYPE, kind)], logo.bytes).into_response(),
            Err(error) => failed(&app, &Error::internal(error)),
        },
        Ok(None) => no_link(&app),
        Err(error) => failed(&app, &error),
    }
}

/// The organization's colour
#[utoipa::path(
    get,
    path = "/connect/{token}/brand.css",
    operation_id = "showConnectColor",
    responses(
        (status = 200, description = "A style sheet.", body = String, content_type = "text/css"),
        (status = 404, description = "There is none; a page.", body = String, content_type = "text/html"),
        (status = 503, description = "The trouble is on this side; a page.", body = String, content_type = "text/html"),
    )
)]
pub async fn brand_style(State(app): State<App>, Path(token): Path<String>) -> Response {
    let found = async {
        let Some(organization) = organization(&app, &token).await? else {
            return Ok(None);
        };
        Ok(connect::brand(&app, organization).await?.style)
    };
    match found.await {
        Ok(Some(style)) => ([(header::CONTENT_TYPE, CSS)], style).into_response(),
        Ok(None) => no_link(&app),
        Err(error) => failed(&app, &error),
    }
}
