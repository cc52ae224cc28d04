//! What people see. Every answer is a page, failures too.

use std::collections::BTreeMap;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::browser::{self, Browser};
use super::show::{self, Choose, Form, Frame, Leave, Message};
use crate::app::App;
use crate::connect::{
    self, Back, Done, Given, Opened, Opening, Returned, Submitted, Told, WalkPlace,
};
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::http::query::Query;
use crate::ids::{OrganizationId, Secret};
use crate::shares::Call;

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
        (status = 200, description = "A page.", body = String, content_type = "text/html"),
        (status = 404, description = "No such link; a page.", body = String, content_type = "text/html"),
        (status = 410, description = "The link has ended; a page.", body = String, content_type = "text/html"),
    )
)]
pub async fn start(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    query: Query,
) -> Response {
    let browser = Browser::of(&app, &headers);
    let shown = async {
        let opened = match opened(&app, &token).await? {
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
        (status = 200, description = "A page that leads to the vendor's.", body = String, content_type = "text/html"),
        (status = 303, description = "Connected."),
        (status = 400, description = "Something needs to be corrected; the page again.", body = String, content_type = "text/html"),
        (status = 403, description = "The form is not of this browser; a page.", body = String, content_type = "text/html"),
        (status = 404, description = "No such link; a page.", body = String, content_type = "text/html"),
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
        let opened = match opened(&app, &token).await? {
            Ok(opened) => opened,
            Err(response) => return Ok(response),
        };
        let (given, proof) = browser::form(request).await?;
        let browser = Browser::of(&app, &headers);
        if browser.is_new() {
            return Ok(without_cookie(&app, &opened).await?);
        }
        connect::check_form_token(&app, &browser.secret, &opened.token, &proof)?;
        let outcome = connect::submit(&app, &opened, &given, &browser.secret, client.address).await;
        let wrong = match outcome {
            Ok(Submitted::Connected) => return Ok(to_the_end(&opened.token)),
            Ok(Submitted::Leave(url)) => {
                return leave(&app, &opened, &given.element, url.into()).await;
            }
            Ok(Submitted::Missing(keys)) => Wrong::missing(keys),
            Ok(Submitted::OtherAccount(changes)) => Wrong {
                changes,
                ..Wrong::default()
            },
            Err(error) => {
                let element = opened.element(&app, &given.element)?;
                let told = logged(connect::told(element, &error), &error);
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
    ),
    responses(
        (status = 200, description = "Access was not allowed; a page.", body = String, content_type = "text/html"),
        (status = 303, description = "Connected."),
        (status = 403, description = "Another browser set out; a page.", body = String, content_type = "text/html"),
        (status = 404, description = "Nobody set out with this state; a page.", body = String, content_type = "text/html"),
    )
)]
pub async fn callback(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    query: Query,
) -> Response {
    let secret = |name: &str| query.get(name).map(Secret::new);
    let returned = Returned {
        state: secret("state"),
        code: secret("code"),
        error: query.get("error").map(str::to_owned),
        description: query.get("error_description").map(str::to_owned),
    };
    let browser = Browser::known(&app, &headers);
    let answered = async {
        let back = connect::come_back(&app, browser.as_ref(), returned, client.address).await?;
        Ok(match back {
            Back::Connected(token) => to_the_end(&token),
            Back::Used(done) => finished(&app, *done, &Secret::new("")).await?,
            Back::Expired(organization) => expired(&app, organization, &Secret::new("")).await?,
            Back::Denied(opened, place, said) => denied(&app, &opened, &place, said).await?,
            Back::Failed(opened, place, error) => {
                let element = opened.element(&app, &place.element)?;
                let told = logged(connect::told(element, &error), &error);
                again(&app, &opened, &place, told).await?
            }
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
        (status = 404, description = "No such link; a page.", body = String, content_type = "text/html"),
    )
)]
pub async fn done(State(app): State<App>, Path(token): Path<String>) -> Response {
    let shown = async {
        Ok(match opened(&app, &token).await? {
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
        (status = 404, description = "There is none.", body = String, content_type = "text/html"),
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
        (status = 404, description = "There is none.", body = String, content_type = "text/html"),
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

/// What is wrong with a form that is shown again.
#[derive(Default)]
struct Wrong {
    told: Option<Told>,
    changes: Vec<(String, String, String)>,
}

impl Wrong {
    fn missing(keys: Vec<String>) -> Self {
        let told = Told {
            status: 400,
            title: "Something is missing".to_owned(),
            text: "Fill in the marked fields.".to_owned(),
            fields: keys
                .into_iter()
                .map(|key| (key, "Fill this in.".to_owned()))
                .collect(),
            said: None,
        };
        Self {
            told: Some(told),
            ..Self::default()
        }
    }
}

/// The link, or the page to show in place of its own.
async fn opened(app: &App, token: &str) -> Result<Result<Box<Opened>, Response>> {
    let token = Secret::new(token);
    Ok(match connect::open(app, &token).await? {
        Opening::Ready(opened) => {
            Call::current().enter(app.shares(), opened.organization())?;
            Ok(opened)
        }
        Opening::Used(done) => Err(finished(app, *done, &token).await?),
        Opening::Expired(organization) => Err(expired(app, organization, &token).await?),
        Opening::Unknown => Err(no_link(app)),
    })
}

async fn organization(app: &App, token: &str) -> Result<Option<OrganizationId>> {
    Ok(match connect::open(app, &Secret::new(token)).await? {
        Opening::Ready(opened) => Some(opened.organization()),
        Opening::Used(done) => Some(done.organization),
        Opening::Expired(organization) => Some(organization),
        Opening::Unknown => None,
    })
}

async fn frame(app: &App, opened: &Opened) -> Result<Frame> {
    Frame::of(app, opened.organization(), &opened.token).await
}

async fn choose(app: &App, opened: &Opened) -> Result<Response> {
    let offers: Vec<_> = opened.elements(app).into_iter().map(show::offer).collect();
    if offers.is_empty() {
        let message = Message {
            frame: frame(app, opened).await?,
            title: "There is nothing to connect here".to_owned(),
            text: "The link names nothing that can be connected on a page. Tell whoever sent you \
                   here."
                .to_owned(),
            said: None,
            good: false,
            next: None,
            cancel: opened.cancel_url(),
        };
        return Ok(show::page(404, &message));
    }
    let frame = frame(app, opened).await?;
    let page = Choose {
        title: "What would you like to connect?".to_owned(),
        frame,
        offers,
        cancel: opened.cancel_url(),
    };
    Ok(show::page(200, &page))
}

async fn form(
    app: &App,
    opened: &Opened,
    given: &Given,
    browser: &Browser,
    wrong: Wrong,
) -> Result<Response> {
    let element = opened.element(app, &given.element)?;
    let ways = connect::ways(app, opened, element);
    let asked = ways.iter().find(|way| way.name == given.way);
    let Some(way) = asked.or(ways.first()).cloned() else {
        return Err(Error::NotFound("This cannot be connected here.".into()));
    };
    let group = opened.group_of_way(app, element, &way.name)?;
    let mut form = connect::form(opened, element, group, &given.values);
    let mut told = wrong.told;
    if let Some(told) = &mut told {
        for field in &mut form.fields {
            let error = told.fields.iter().find(|(key, _)| *key == field.key);
            field.error = error.map(|(_, text)| text.clone());
        }
        // What no field of this page can mend is not promised to be marked.
        told.fields
            .retain(|(key, _)| form.fields.iter().any(|field| field.key == *key));
    }
    let status = match (&told, wrong.changes.is_empty()) {
        (Some(told), _) => told.status,
        (None, false) => 409,
        (None, true) => 200,
    };
    let offer = show::offer(element);
    let verb = if opened.is_reconnect() {
        "Reconnect"
    } else {
        "Connect"
    };
    let page = Form {
        title: format!("{verb} your {} account", offer.name),
        others: !opened.is_reconnect() && opened.elements(app).len() > 1,
        reconnect: opened.is_reconnect(),
        frame: frame(app, opened).await?,
        scopes: opened.scopes(element, group),
        form_token: connect::form_token(app, &browser.secret, &opened.token),
        fields: form.fields,
        fixed: form.fixed,
        changes: wrong.changes,
        cancel: opened.cancel_url(),
        offer,
        ways,
        way,
        told,
    };
    Ok(show::page(status, &page))
}

async fn leave(app: &App, opened: &Opened, element: &str, url: String) -> Result<Response> {
    let offer = show::offer(opened.element(app, element)?);
    let page = Leave {
        frame: frame(app, opened).await?,
        title: format!("On to {}", offer.name),
        text: format!(
            "You sign in at {} itself, and come back here afterwards.",
            offer.name
        ),
        label: format!("Continue to {}", offer.name),
        url,
        done: false,
    };
    Ok(show::page(200, &page))
}

async fn denied(
    app: &App,
    opened: &Opened,
    place: &WalkPlace,
    said: Option<String>,
) -> Result<Response> {
    let offer = show::offer(opened.element(app, &place.element)?);
    let told = Told {
        status: 200,
        title: "Access was not allowed".to_owned(),
        text: format!(
            "Nothing has been connected, and nothing has been stored. If you did not mean to \
             decline at {}, try again.",
            offer.name
        ),
        fields: Vec::new(),
        said,
    };
    again(app, opened, place, told).await
}

async fn again(app: &App, opened: &Opened, place: &WalkPlace, told: Told) -> Result<Response> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("element", &place.element)
        .append_pair("login", &place.way)
        .finish();
    let next = format!("/connect/{}?{query}", opened.token.reveal());
    let page = Message {
        frame: frame(app, opened).await?,
        title: told.title,
        text: told.text,
        said: told.said,
        good: false,
        next: Some((next, "Try again".to_owned())),
        cancel: opened.cancel_url(),
    };
    Ok(show::page(told.status, &page))
}

async fn without_cookie(app: &App, opened: &Opened) -> Result<Response> {
    let next = format!("/connect/{}", opened.token.reveal());
    let page = Message {
        frame: frame(app, opened).await?,
        title: "Cookies are needed".to_owned(),
        text: "To protect you, this page remembers your browser for an hour. Allow cookies for \
               this site, then try again."
            .to_owned(),
        said: None,
        good: false,
        next: Some((next, "Try again".to_owned())),
        cancel: opened.cancel_url(),
    };
    Ok(show::page(403, &page))
}

async fn finished(app: &App, done: Done, token: &Secret) -> Result<Response> {
    let frame = Frame::of(app, done.organization, token).await?;
    let name = frame.name().to_owned();
    let title = "Your account is connected".to_owned();
    Ok(match done.return_url {
        Some(url) => show::page(
            200,
            &Leave {
                frame,
                title,
                text: format!("{name} can work with it now."),
                url,
                label: format!("Back to {name}"),
                done: true,
            },
        ),
        None => show::page(
            200,
            &Message {
                frame,
                title,
                text: format!("{name} can work with it now. You can close this page."),
                said: None,
                good: true,
                next: None,
                cancel: None,
            },
        ),
    })
}

async fn expired(app: &App, organization: OrganizationId, token: &Secret) -> Result<Response> {
    let frame = Frame::of(app, organization, token).await?;
    let name = frame.name().to_owned();
    let page = Message {
        frame,
        title: "This link has ended".to_owned(),
        text: format!(
            "Links like this one work only for a short while, to protect you. Go back to {name} and \
             start again."
        ),
        said: None,
        good: false,
        next: None,
        cancel: None,
    };
    Ok(show::page(410, &page))
}

fn no_link(app: &App) -> Response {
    show::unknown(
        app,
        "This link does not work",
        "Perhaps it was cut off on the way, or it has ended. Go back to the application and start \
         again.",
        404,
    )
}

/// What no part of a link can tell better.
fn failed(app: &App, error: &Error) -> Response {
    let (status, title) = match error {
        Error::NotFound(_) => return no_link(app),
        Error::Forbidden(_) => (403, "This cannot be done from here"),
        Error::TooManyAttempts { .. } => (429, "Too many attempts"),
        Error::TooLarge { .. } => (413, "That is too much text"),
        Error::UnsupportedMediaType(_) => (415, "This cannot be read"),
        Error::RequestTimeout => (408, "That took too long"),
        Error::Invalid(_) => (400, "This cannot be read"),
        _ => {
            let text = "The trouble is on our side. Try again in a few minutes.";
            logged((), error);
            return show::unknown(app, "This does not work at the moment", text, 503);
        }
    };
    show::unknown(app, title, &error.to_string(), status)
}

/// The page does not tell the cause, so the log does.
fn logged<T>(told: T, error: &Error) -> T {
    if let Error::Internal(cause) = error {
        tracing::error!(%cause, "a connect page failed inside");
    }
    told
}

fn to_the_end(token: &Secret) -> Response {
    see_other(&format!("/connect/{}/done", token.reveal()))
}

/// To a path of ours.
fn see_other(path: &str) -> Response {
    match HeaderValue::try_from(path) {
        Ok(path) => (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response(),
        Err(error) => Error::internal(error).into_response(),
    }
}
