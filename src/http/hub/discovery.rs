//! What every instance can be asked about itself, whatever its definition describes: whether its
//! credentials work, which objects it has, which fields they have, and how they are called. A
//! disabled instance answers, too.

use std::collections::BTreeMap;

use axum::response::Response;
use bunsen_engine::element::Element;
use bunsen_engine::hub::docs::Part;
use bunsen_engine::hub::fields::Shown;
use http::request::Parts;
use http::{HeaderName, Method};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::called;
use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::http::auth::InstanceCaller;
use crate::http::documents::{Asked, document};
use crate::http::instances::with_page_headers;
use crate::http::query::Query;
use crate::hub::{self, Called};

/// Its answer is ours, whatever the definition calls for it.
pub const PING: &str = "/ping";

const VERSION: HeaderName = HeaderName::from_static("elements-version");
/// The version of answers in which objects are listed in detail.
const DETAILED: &str = "helium";

/// Whether the path, without its hub, is one of these.
pub fn describes(method: &Method, resource: &str) -> bool {
    method == Method::GET && question(resource).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question<'a> {
    Ping,
    Objects,
    Metadata(&'a str),
    Docs(&'a str),
}

fn question(resource: &str) -> Option<Question<'_>> {
    let mut segments = resource.trim_start_matches('/').split('/');
    let words = (segments.next()?, segments.next(), segments.next());
    if segments.next().is_some() {
        return None;
    }
    match words {
        ("ping", None, None) => Some(Question::Ping),
        ("objects", None, None) => Some(Question::Objects),
        ("objects", Some(name), Some("metadata")) => Some(Question::Metadata(name)),
        ("objects", Some(name), Some("docs")) => Some(Question::Docs(name)),
        _ => None,
    }
}

/// The answer to such a call.
pub async fn answer(
    app: &App,
    caller: &InstanceCaller,
    parts: &Parts,
    resource: &str,
    called: &mut Called,
) -> Result<Response> {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let element = element(app, caller)?;
    match question(resource) {
        Some(Question::Ping) => ping(app, caller, called).await,
        Some(Question::Objects) => Ok(objects(element, parts)),
        Some(Question::Metadata(name)) => {
            metadata(app, caller, element, name, &query, called).await
        }
        Some(Question::Docs(name)) => docs(app, caller, element, name, &query, called).await,
        None => {
            let key = &caller.element_key;
            Err(hub::no_such_resource(key, &parts.method, resource, None))
        }
    }
}

fn element<'a>(app: &'a App, caller: &InstanceCaller) -> Result<&'a Element> {
    let found = app.catalog().get(&caller.element_key);
    found.map(|element| &**element).ok_or_else(|| {
        Error::NotFound(format!(
            "The element '{}' of this instance is not in the catalogue any more.",
            caller.element_key
        ))
    })
}

fn answered(value: &Value) -> Response {
    called::json_response(value.to_string().into_bytes())
}

async fn ping(app: &App, caller: &InstanceCaller, called: &mut Called) -> Result<Response> {
    let organization = caller.caller.organization;
    hub::try_credentials(app, organization, caller.instance, called).await?;
    Ok(answered(&json!({
        "dateTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "endpoint": caller.element_key,
        "valid": true,
    })))
}

fn objects(element: &Element, parts: &Parts) -> Response {
    let version = parts.headers.get(VERSION);
    let detailed =
        version.is_some_and(|version| version.as_bytes().eq_ignore_ascii_case(DETAILED.as_bytes()));
    let listed: Vec<Value> = match detailed {
        true => element.listed_objects(),
        false => element
            .object_names()
            .into_iter()
            .map(Value::from)
            .collect(),
    };
    let count = listed.len();
    with_page_headers(answered(&Value::Array(listed)), count, None)
}

async fn metadata(
    app: &App,
    caller: &InstanceCaller,
    element: &Element,
    name: &str,
    query: &Query,
    called: &mut Called,
) -> Result<Response> {
    let custom_only = query.boolean("customFieldsOnly")?.unwrap_or(false);
    let with_path = query.boolean("includePath")?.unwrap_or(true);
    let name = decoded(name)?;
    let object = element
        .object(&name)
        .ok_or_else(|| no_such_object(element, &name))?;
    let (organization, id) = (caller.caller.organization, caller.instance);
    let mut found = hub::fields(app, organization, id, (element, object), called).await?;
    if custom_only {
        found.fields.retain(|field| field.custom);
    }
    if !with_path {
        for field in &mut found.fields {
            field.path = None;
        }
    }
    let fields = serde_json::to_value(&found.fields).map_err(Error::internal)?;
    let mut response = answered(&json!({"fields": fields}));
    called::notice(response.headers_mut(), &found.notices);
    Ok(response)
}

async fn docs(
    app: &App,
    caller: &InstanceCaller,
    element: &Element,
    name: &str,
    query: &Query,
    called: &mut Called,
) -> Result<Response> {
    let asked = Asked::read(app, query)?;
    let name = decoded(name)?;
    let object = element
        .object(&name)
        .ok_or_else(|| no_such_object(element, &name))?;
    let mut live: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    let mut notices = Vec::new();
    if asked.discovery {
        let (organization, id) = (caller.caller.organization, caller.instance);
        let found = hub::fields(app, organization, id, (element, object), called).await?;
        live.insert(object.name.clone(), found.fields);
        notices = found.notices;
    }
    // Credentials decide little about an object, and finding out which they are costs a look.
    let whole = document(element, None, &asked, &live, Part::Object(&object.name));
    let whole = whole.ok_or_else(|| no_such_object(element, &name))?;
    let mut response = answered(&whole);
    called::notice(response.headers_mut(), &notices);
    Ok(response)
}

fn decoded(name: &str) -> Result<String> {
    let name = percent_decode_str(name).decode_utf8().map_err(|_| {
        Error::Invalid(
            "The path holds percent-encoded bytes that are not UTF-8; encode text as UTF-8.".into(),
        )
    })?;
    Ok(name.into_owned())
}

fn no_such_object(element: &Element, name: &str) -> Error {
    Error::NotFound(format!(
        "Element '{}' has no object '{}'; GET /objects lists them.",
        element.key,
        shortened(name).escape_debug()
    ))
}
