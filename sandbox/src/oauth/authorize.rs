//! The log-in and consent page: what an application asks for, who allows it, and the way back to the application.

use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::page::{self, Entered};
use super::{Provider, Realm};
use crate::answer::{self, Answer};
use crate::form::Form;
use crate::vendor::Call;

/// What the query of an authorize call says.
#[derive(Debug)]
pub struct Request {
    query: Form,
    pub client_id: String,
    redirect_uri: String,
}

/// What the user is to allow.
#[derive(Debug, Default)]
pub struct Asked {
    pub scopes: Vec<String>,
    /// A PKCE challenge, by S256.
    pub challenge: Option<String>,
}

/// Why there is nothing to allow.
#[derive(Debug)]
pub enum Refused {
    /// Told to the user: the application cannot be trusted with it.
    Page(&'static str),
    /// Told to the application: an `error` of OAuth with a description.
    Application(&'static str, &'static str),
}

impl Request {
    pub fn read(query: &str) -> Self {
        let query = Form::query(query);
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        Self {
            client_id: text("client_id"),
            redirect_uri: text("redirect_uri"),
            query,
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.filled(name)
    }

    /// The redirect URI with these members, and `state` just as it was sent, if it was.
    fn way_back(&self, members: &[(&str, &str)]) -> Result<String, &'static str> {
        let mut url = Url::parse(&self.redirect_uri).map_err(|_| UNREGISTERED)?;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(members);
            if let Some(state) = self.query.get("state") {
                pairs.append_pair("state", state);
            }
        }
        Ok(url.to_string())
    }
}

const UNKNOWN: &str = "No application is registered with this client_id.";
const UNREGISTERED: &str = "The redirect_uri is not registered for this application.";

/// Everything that is wrong with a request before the user has a say; an application is told by redirect, but only
/// at an address that it registered.
fn checked<W: Provider>(world: &W, realm: Realm, request: &Request) -> Result<Asked, Refused> {
    let application = world.oauth().application(&request.client_id);
    let known = application.filter(|_| world.admits(realm, &request.client_id));
    let application = known.ok_or(Refused::Page(UNKNOWN))?;
    if !application.takes_redirect(&request.redirect_uri) {
        return Err(Refused::Page(UNREGISTERED));
    }
    world.check(realm, request)
}

/// The page: shown by GET, and by POST with what the user entered.
pub fn answer<W: Provider>(world: &mut W, call: &Call, realm: Realm) -> Answer {
    let request = Request::read(call.query.as_deref().unwrap_or_default());
    let asked = match checked(world, realm, &request) {
        Ok(asked) => asked,
        Err(Refused::Page(message)) => return page::refused(&W::LOOK, message),
        Err(Refused::Application(error, description)) => {
            let members = [("error", error), ("error_description", description)];
            return redirected::<W>(request.way_back(&members));
        }
    };
    let show = |world: &W, status, message, entered: Entered<'_>| {
        page::form(world, &request, &asked, status, message, &entered)
    };
    if call.method != Method::POST {
        let email = request.get("login_hint").unwrap_or_default();
        return show(world, StatusCode::OK, None, Entered { email, place: "" });
    }
    let form = Form::of(call).unwrap_or_else(|| Form::query(""));
    let text = |name: &str| form.get(name).unwrap_or_default();
    let entered = Entered {
        email: text("email"),
        place: text("place"),
    };
    match text("decision") {
        "deny" => redirected::<W>(declined(world, &request)),
        "allow" => {
            let place = form.filled("place");
            match world.log_in(
                realm,
                &request.client_id,
                entered.email,
                text("password"),
                place,
            ) {
                Ok(subject) => redirected::<W>(allowed(world, realm, &request, asked, &subject)),
                Err(message) => show(world, StatusCode::UNAUTHORIZED, Some(message), entered),
            }
        }
        _ => show(world, StatusCode::BAD_REQUEST, None, entered),
    }
}

/// What pressing a button leads to, without browser and password; the error says what the page would say.
pub fn decide<W: Provider>(
    world: &mut W,
    realm: Realm,
    query: &str,
    subject: &str,
    allow: bool,
) -> Result<String, &'static str> {
    let request = Request::read(query);
    match checked(world, realm, &request) {
        Ok(asked) if allow => allowed(world, realm, &request, asked, subject),
        Ok(_) => declined(world, &request),
        Err(Refused::Page(message)) => Err(message),
        Err(Refused::Application(error, description)) => {
            request.way_back(&[("error", error), ("error_description", description)])
        }
    }
}

fn allowed<W: Provider>(
    world: &mut W,
    realm: Realm,
    request: &Request,
    asked: Asked,
    subject: &str,
) -> Result<String, &'static str> {
    let now = world.clock().now();
    let oauth = world.oauth_mut();
    oauth.consent(&request.client_id, subject, &asked.scopes);
    let code = oauth.code(
        now,
        realm,
        &request.client_id,
        &request.redirect_uri,
        subject,
        asked,
    );
    request.way_back(&[("code", &code)])
}

fn declined<W: Provider>(world: &W, request: &Request) -> Result<String, &'static str> {
    request.way_back(&world.denial())
}

fn redirected<W: Provider>(location: Result<String, &'static str>) -> Answer {
    let location = match location.map(HeaderValue::try_from) {
        Ok(Ok(location)) => location,
        Ok(Err(_)) => return page::refused(&W::LOOK, UNREGISTERED),
        Err(message) => return page::refused(&W::LOOK, message),
    };
    let mut answer = answer::empty(StatusCode::FOUND);
    answer.headers_mut().insert(LOCATION, location);
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
