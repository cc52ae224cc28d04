//! What is answered on a link's pages, once it is known how it stands.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::browser::Browser;
use super::show::{self, Choose, Form, Frame, Leave, Message};
use crate::app::App;
use crate::connect::{self, Difference, Done, Given, Opened, Opening, Told, WalkPlace};
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, Secret};
use crate::shares::Call;

/// What is wrong with a form that is shown again.
#[derive(Default)]
pub struct Wrong {
    pub told: Option<Told>,
    pub changes: Vec<Difference>,
    /// Shown on the way back from the vendor's page.
    pub returned: bool,
}

impl Wrong {
    pub fn mistaken(fields: Vec<(String, String)>) -> Self {
        let told = Told {
            status: 400,
            title: "Something is missing".to_owned(),
            text: "Look at the marked fields.".to_owned(),
            fields,
            said: None,
        };
        Self {
            told: Some(told),
            ..Self::default()
        }
    }
}

/// The link, or the page to show in place of its own.
pub async fn opened(
    app: &App,
    token: &str,
    browser: Option<&Secret>,
) -> Result<Result<Box<Opened>, Response>> {
    let token = Secret::new(token);
    Ok(match connect::open(app, &token).await? {
        Opening::Ready(opened) => {
            Call::current().enter(app.shares(), opened.organization(), opened.who().account)?;
            Ok(opened)
        }
        Opening::Used(done) => Err(finished(app, *done, &token, browser).await?),
        Opening::Expired(organization) => Err(expired(app, organization, &token).await?),
        Opening::Unknown => Err(no_link(app)),
    })
}

pub async fn organization(app: &App, token: &str) -> Result<Option<OrganizationId>> {
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

pub async fn choose(app: &App, opened: &Opened) -> Result<Response> {
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

pub async fn form(
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
        returned: wrong.returned,
        account: opened.account_name().map(str::to_owned),
        cancel: opened.cancel_url(),
        offer,
        ways,
        way,
        told,
    };
    Ok(show::page(status, &page))
}

pub async fn leave(app: &App, opened: &Opened, element: &str, url: String) -> Result<Response> {
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

pub async fn denied(
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

/// The answer is not that of the page that somebody was sent to.
pub async fn foreign(app: &App, opened: &Opened, place: &WalkPlace) -> Result<Response> {
    let offer = show::offer(opened.element(app, &place.element)?);
    let told = Told {
        status: 403,
        title: format!("This did not come from {}", offer.name),
        text: format!(
            "You were sent back here by another page than the one of {} that you were sent to. To \
             protect you, nothing has been connected.",
            offer.name
        ),
        fields: Vec::new(),
        said: None,
    };
    again(app, opened, place, told).await
}

pub async fn again(app: &App, opened: &Opened, place: &WalkPlace, told: Told) -> Result<Response> {
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

pub async fn without_cookie(app: &App, opened: &Opened) -> Result<Response> {
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

/// Where the application lies, and its own word for it, is for the browser that has connected; for
/// everybody else a used link has ended.
pub async fn finished(
    app: &App,
    done: Done,
    token: &Secret,
    browser: Option<&Secret>,
) -> Result<Response> {
    if done.has_ended_for(app, browser) {
        return expired(app, done.organization, token).await;
    }
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

pub async fn expired(app: &App, organization: OrganizationId, token: &Secret) -> Result<Response> {
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

pub fn no_link(app: &App) -> Response {
    show::unknown(
        app,
        "This link does not work",
        "Perhaps it was cut off on the way, or it has ended. Go back to the application and start \
         again.",
        404,
    )
}

/// What no part of a link can tell better.
pub fn failed(app: &App, error: &Error) -> Response {
    let (status, title) = match error {
        Error::NotFound(_) => return no_link(app),
        Error::Forbidden(_) => (403, "This cannot be done from here"),
        Error::TooManyAttempts { .. } => (429, "Too many attempts"),
        Error::OverShare(_) => (429, "Very busy at the moment"),
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
pub fn logged<T>(told: T, error: &Error) -> T {
    if let Error::Internal(cause) = error {
        tracing::error!(%cause, "a connect page failed inside");
    }
    told
}

pub fn to_the_end(token: &Secret) -> Response {
    see_other(&format!("/connect/{}/done", token.reveal()))
}

/// To a path of ours.
pub fn see_other(path: &str) -> Response {
    match HeaderValue::try_from(path) {
        Ok(path) => (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response(),
        Err(error) => Error::internal(error).into_response(),
    }
}
