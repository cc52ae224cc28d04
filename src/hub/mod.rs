//! Use case: a hub call, which is one of a resource that the instance's element describes.
//!
//! The engine says which resource a path means, what the vendor is asked and what of its answer the
//! caller gets; a list is asked for page by page, anything else link by link of its chain. Here the
//! calls are made, with tokens renewed on the way as for any call ([`Ready`]).

mod calls;
mod discovery;
pub mod form;
mod hooks;
pub mod keyed;
mod link;
mod pieces;

use bunsen_engine::element::shape::Origin;
use bunsen_engine::element::{Element, Group, Resource, Source};
use bunsen_engine::hub::hook::Said;
use bunsen_engine::hub::{Caller, Lost, Mistake, Route, TokenKey, Walk, links};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde::de::IgnoredAny;
use tracing::Instrument as _;

use crate::app::App;
use crate::error::{Error, Result};
use crate::headers;
use crate::ids::{InstanceId, OrganizationId};
use crate::outbound::{self, Stream};
pub use crate::ready::Called;
use crate::ready::Ready;
use crate::shares;
use crate::slips;
use calls::Calls;
use form::Form;
use link::Link;

pub use discovery::{fields, try_credentials};

/// Configuration of an instance: whether members that are null are left out of records.
const LEAVE_OUT_NULLS: &str = "filter.response.nulls";

/// Which resource is called, with whose credentials.
#[derive(Debug)]
pub struct Found<'a> {
    ready: Ready<'a>,
    route: Route<'a>,
    /// That has led there.
    path: &'a str,
}

/// What a call brings to its resource.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Body,
    /// Of a call with an `Idempotency-Key`.
    pub mark: Option<keyed::Mark>,
}

/// What a caller sends.
pub enum Body {
    Whole(Bytes),
    /// A form with files, as it comes.
    Form(Stream),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole(..)",
            Self::Form(_) => "Form(..)",
        })
    }
}

/// What a caller gets.
#[derive(Debug)]
pub enum Content {
    Nothing,
    /// JSON.
    Record(Vec<u8>),
    List(List),
    /// Handed on as it comes.
    File(outbound::Answer),
    /// A file that a hook has seen.
    Held {
        headers: HeaderMap,
        body: Bytes,
    },
}

#[derive(Debug)]
pub struct List {
    /// A JSON array.
    pub json: Vec<u8>,
    pub count: usize,
    /// Of the whole list, where it is known and the caller wants to know.
    pub total: Option<u64>,
    /// The token of the next page.
    pub next: Option<String>,
    /// Conditions that the vendor could not be asked for.
    pub filtered: Option<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub content: Content,
    /// Another than 200, where a hook says so.
    pub status: Option<StatusCode>,
    /// That hooks and the definition want the caller to have.
    pub headers: HeaderMap,
    /// What was not done as it was asked for.
    pub notices: Vec<String>,
}

/// The resource that a path means, raw and with its leading slash, of those that the instance has.
///
/// # Errors
/// 404 and 405 where it has no such resource, 400 for a path that is no text; 401 and 403 for an
/// instance that needs its owner or is disabled.
pub async fn find<'a>(
    app: &'a App,
    organization: OrganizationId,
    id: InstanceId,
    method: &Method,
    path: &'a str,
) -> Result<Found<'a>> {
    let ready = Ready::known(app, organization, id).await?;
    let route = routed(&ready, method, path)?;
    Ok(Found { ready, route, path })
}

fn routed<'a>(ready: &Ready<'a>, method: &Method, path: &str) -> Result<Route<'a>> {
    let (element, group) = (ready.element, ready.group);
    let route = element.route(group, method, path);
    route.map_err(|lost| not_found(element, group, method, path, lost))
}

impl Found<'_> {
    /// Its answer is a file, in a form of the vendor's.
    pub fn is_file(&self) -> bool {
        self.route.resource.shape.raw
    }
}

/// Makes the call with the instance's credentials. `called` is filled in also when it fails. Where hooks
/// run it goes on when its caller is gone: what they make of an answer, a new token say, is stored.
///
/// # Errors
/// 400 for what the caller has to correct; 401 for an instance that needs its owner; what the vendor
/// refuses with its own words; 502 and 503 when there is no answer.
pub async fn call(app: &App, found: Found<'_>, call: Call, called: &mut Called) -> Result<Answer> {
    let (ready, resource) = (&found.ready, found.route.resource);
    // With a key it goes on anyway.
    if call.mark.is_some() || !ready.element.has_hooks_on_the_way(resource) {
        return made(app, found, call, called).await;
    }
    called.resource = named(resource);
    let (organization, id) = (ready.organization(), ready.id());
    let (method, path) = (call.method.clone(), found.path.to_owned());
    let work = to_its_end(app, called, |app, mut called| async move {
        let outcome = match find(&app, organization, id, &method, &path).await {
            Ok(found) => made(&app, found, call, &mut called).await,
            Err(error) => Err(error),
        };
        (outcome, called)
    });
    Box::pin(work).await
}

/// In a task that the caller's hanging up does not cut. It counts as the caller's as long as it runs.
async fn to_its_end<T, W, F>(app: &App, called: &mut Called, work: W) -> Result<T>
where
    T: Send + 'static,
    W: FnOnce(App, Called) -> F,
    F: Future<Output = (Result<T>, Called)> + Send + 'static,
{
    let work = work(app.clone(), called.clone());
    let work = shares::Call::current().scope(work);
    let task = app.work().spawn(work.in_current_span());
    let (outcome, made) = task.await.map_err(Error::internal)?;
    *called = made;
    outcome
}

async fn made(app: &App, found: Found<'_>, call: Call, called: &mut Called) -> Result<Answer> {
    let Found {
        mut ready,
        mut route,
        path,
    } = found;
    let group = &ready.group.name;
    let is_form = matches!(call.body, Body::Form(_));
    if is_form {
        route.resource = ready.element.for_form(route.resource);
    }
    called.resource = named(route.resource);
    takes(ready.element, route.resource, is_form)?;
    let (body, mut form) = match call.body {
        Body::Whole(body) => (body, None),
        Body::Form(form) => {
            let form = Box::pin(Form::begin(app, &call.headers, form)).await?;
            // What has changed while it came counts.
            ready = Ready::known(app, ready.organization(), ready.id()).await?;
            (Bytes::new(), Some(form))
        }
    };
    let ready = ready.unspent().await?;
    let element = ready.element;
    // Another way to log in may have other resources.
    if ready.group.name != *group {
        route = routed(&ready, &call.method, path)?;
        if is_form {
            route.resource = element.for_form(route.resource);
        }
        called.resource = named(route.resource);
        takes(element, route.resource, is_form)?;
    }
    let resource = route.resource;
    let leave = ready.large(body.len()).await;
    let chain = leave.work(|| links(element, resource, &body));
    if form.is_none() && chain.iter().any(|link| reads_json(element, link)) {
        ready.large(body.len()).await.work(|| check_json(&body))?;
    }
    // Whatever a definition names, the caller's secrets stay here.
    let headers = headers::for_vendor(call.headers);
    let caller = Caller::new(route, call.query, &headers, body);
    for link in &chain {
        caller.check(element, link).map_err(told)?;
    }
    let context = format!("{} {}", ready.organization(), ready.id());
    let key = resource
        .shape
        .is_list()
        .then(|| token_key(&ready, context.as_bytes()))
        .transpose()?;
    let mut calls = Calls::new(ready, called).await?;
    calls.mark = call.mark;
    match key {
        Some(key) => list(calls, resource, &caller, &key).await,
        None => chained(calls, &chain, &caller, form.as_mut()).await,
    }
}

fn named(resource: &Resource) -> String {
    format!("{} {}", resource.method, resource.path)
}

/// # Errors
/// 415 for a form where the resource takes none, and the other way round.
fn takes(element: &Element, resource: &Resource, form: bool) -> Result<()> {
    match (form, element.sends_parts(resource)) {
        (false, true) => Err(form::not_taken("multipart/form-data")),
        (true, false) => Err(form::not_taken("application/json")),
        _ => Ok(()),
    }
}

async fn list<'a>(
    mut calls: Calls<'a, '_>,
    resource: &'a Resource,
    caller: &Caller<'_>,
    key: &TokenKey,
) -> Result<Answer> {
    let element = calls.element();
    let walk = Walk::new(element, resource, calls.values(), caller, key).map_err(told)?;
    let mut walk = walk.holding_at_most(calls.limits().bytes);
    // What has been read until then is a page, if not a full one.
    while !calls.are_used_up() {
        match calls.make(&mut Link::Page(&mut walk), caller).await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) if walk.may_stop() => walk.stop(calls.waits(error)?),
            Err(error) => return Err(error),
        }
    }
    let page = walk.finish(key).map_err(told)?;
    let nulls = keeps_nulls(&calls);
    let size = page.records.iter().map(Bytes::len).sum();
    let write = || {
        // They have been read as text before.
        let records = page.records.iter();
        let records = records.map(|record| std::str::from_utf8(record).unwrap_or_default());
        let shape = &resource.shape;
        shape.write_page(records, nulls, page.wish.fields.as_ref())
    };
    let json = calls.ready().large(size).await.work(write);
    let wants_total = caller
        .query
        .iter()
        .any(|(name, value)| name == "returnCount" && value.trim().eq_ignore_ascii_case("true"));
    let content = Content::List(List {
        json,
        count: page.records.len(),
        total: page.total.filter(|_| wants_total),
        next: page.next,
        filtered: page.filtered,
    });
    Ok(answer(content, page.notices, calls))
}

/// With what the last call has said beside its content.
fn answer(content: Content, mut notices: Vec<String>, calls: Calls<'_, '_>) -> Answer {
    notices.extend(calls.notices);
    let Said { status, headers } = calls.said;
    // Nothing of the kind is the usual case.
    let headers = match headers.is_empty() {
        true => headers,
        false => beside(headers),
    };
    Answer {
        content,
        status,
        headers,
        notices,
    }
}

/// Those that speak of the vendor's body say nothing of ours.
fn beside(headers: HeaderMap) -> HeaderMap {
    let mut headers = headers::for_caller(headers, StatusCode::OK);
    for name in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
    ] {
        headers.remove(name);
    }
    headers
}

/// The last link's answer is the caller's. Once something has been written, a link that only reads
/// must not make the call fail: its caller would write again.
async fn chained<'a>(
    mut calls: Calls<'a, '_>,
    chain: &[&'a Resource],
    caller: &Caller<'_>,
    mut form: Option<&mut Form>,
) -> Result<Answer> {
    let nulls = keeps_nulls(&calls);
    let mut content = Content::Nothing;
    let mut notices = Vec::new();
    let mut written = false;
    for (index, resource) in chain.iter().enumerate() {
        let mut link = Link::One {
            resource,
            nulls,
            last: index + 1 == chain.len(),
            // The first call brings it.
            form: form.take(),
        };
        match calls.make(&mut link, caller).await {
            Ok(made) => content = made.unwrap_or(Content::Nothing),
            Err(error) if written && resource.vendor_method.is_safe() => {
                notices.push(format!(
                    "It is done at the vendor; what was to be read afterwards could not be: {error}"
                ));
                break;
            }
            Err(error) => return Err(error),
        }
        written |= calls.has_written();
    }
    Ok(answer(content, notices, calls))
}

fn token_key(ready: &Ready<'_>, context: &[u8]) -> Result<TokenKey> {
    let mut secrets = ready.page_secrets();
    let first = secrets
        .next()
        .ok_or_else(|| Error::internal("an organization without a key"))?;
    let key = TokenKey::new(&first, context);
    Ok(secrets.fold(key, |key, older| key.or(&older)))
}

fn keeps_nulls(calls: &Calls<'_, '_>) -> bool {
    let value = calls.values().get(LEAVE_OUT_NULLS);
    value.is_some_and(|value| value.reveal().trim().eq_ignore_ascii_case("false"))
}

fn reads_json(element: &Element, resource: &Resource) -> bool {
    let mut parameters = element.parameters.iter().chain(&resource.parameters);
    parameters.any(|parameter| {
        matches!(
            parameter.source,
            Source::Request(Origin::Body | Origin::BodyField)
        )
    })
}

/// What is no JSON is told with its place; what is not there may not be needed.
fn check_json(body: &[u8]) -> Result<()> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        Error::Invalid(format!(
            "Request body is not valid UTF-8 (byte {}).",
            error.valid_up_to() + 1
        ))
    })?;
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Invalid(slips::wrong_json(text, &error))),
    }
}

fn told(mistake: Mistake) -> Error {
    Error::Invalid(mistake.0)
}

fn not_found(element: &Element, group: &Group, method: &Method, path: &str, lost: Lost) -> Error {
    match lost {
        Lost::Encoding => Error::Invalid(
            "The path holds percent-encoded bytes that are not UTF-8; encode text as UTF-8.".into(),
        ),
        Lost::Method(mut methods) => {
            // One stands for the other.
            for (one, other) in [(Method::PUT, Method::PATCH), (Method::PATCH, Method::PUT)] {
                if methods.contains(&one) && !methods.contains(&other) {
                    methods.push(other);
                    break;
                }
            }
            if methods.contains(&Method::GET) {
                methods.push(Method::HEAD);
            }
            methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
            let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
            Error::OtherMethod {
                allowed: names.join(", "),
            }
        }
        Lost::Path => {
            let near = element.nearest_path(group, path);
            no_such_resource(&element.key, method, path, near)
        }
    }
}

/// 404; `near` is what was probably meant.
pub fn no_such_resource(
    element_key: &str,
    method: &Method,
    path: &str,
    near: Option<&str>,
) -> Error {
    let hint = near.map_or_else(String::new, |near| format!(" Did you mean {near}?"));
    Error::NotFound(format!(
        "Element '{element_key}' does not support the resource {method} {path}.{hint}"
    ))
}
