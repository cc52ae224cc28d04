//! What scripts see of a call: JSON made of requests and answers, and names as people write them.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value as Json, json};
use url::Url;

use crate::ceql::{Condition, Test, parse};
use crate::element::shape::PathSegment;
use crate::element::{Element, Resource};
use crate::hub::{Caller, fields};
use crate::language::scalar_text;
use crate::request::Inputs;

/// Bytes of a text that may be a token.
const SHORTEST_HIDDEN: usize = 6;

pub(super) fn member(name: &str, value: impl Into<Json>) -> (String, Json) {
    (name.to_owned(), value.into())
}

pub(super) fn fixed(
    element: &Element,
    resource: &Resource,
    inputs: &Inputs<'_>,
    caller: &Caller<'_>,
) -> Map<String, Json> {
    let mut path = format!("/hubs/{}", element.hub);
    let mut literals = Vec::new();
    for segment in &resource.shape.path {
        path.push('/');
        match segment {
            PathSegment::Literal(text) => {
                literals.push(text.as_str());
                path.push_str(text);
            }
            PathSegment::Variable(name) => {
                let value = caller.path.iter().find(|(known, _)| known == name);
                path.push_str(value.map_or("", |(_, value)| value));
            }
        }
    }
    let path_variables: Map<String, Json> = caller
        .path
        .iter()
        .map(|(name, value)| member(name, value.as_str()))
        .collect();
    let object_name = path_variables.get("objectName").cloned();
    let object_name = object_name.or_else(|| literals.first().map(|name| Json::from(*name)));
    let query: Map<String, Json> = caller
        .query
        .iter()
        .map(|(name, value)| member(name, value.as_str()))
        .collect();
    let request_body = body(&caller.body);
    let previous = inputs.previous;
    Map::from_iter([
        member("request_method", resource.method.as_str()),
        member("request_path", path),
        member("request_path_variables", path_variables),
        member("request_expression", expression(caller)),
        member("request_parameters", query),
        member("request_headers", headers(caller.headers)),
        member("request_body_map", map_of(&request_body)),
        member("request_body", request_body),
        member(
            "request_previous_response",
            previous.map_or(Json::Null, |reply| body(&reply.body)),
        ),
        member(
            "request_previous_response_headers",
            previous.map_or(Json::Null, |reply| headers(&reply.headers)),
        ),
        member("object_name", object_name.unwrap_or_default()),
        member("meta_data", meta_data(element, resource, caller)),
    ])
}

/// The fields that the definition declares of the object, as `/objects/{name}/metadata` has them;
/// without those that only the vendor knows.
fn meta_data(element: &Element, resource: &Resource, caller: &Caller<'_>) -> Json {
    let named = caller.path.iter().find(|(name, _)| *name == "objectName");
    let object = match named {
        Some((_, name)) => element.object(name),
        None => element.object_of(resource),
    };
    object.map_or_else(
        || json!({}),
        |object| json!({"fields": fields::of(element, object)}),
    )
}

/// The conditions of `where`; null where there is none that can be read.
pub(super) fn expression(caller: &Caller<'_>) -> Json {
    let parsed = caller.query("where").and_then(|text| parse(text).ok());
    let condition = |condition: &Condition| {
        let value = match &condition.test {
            Test::Compare(_, value) => Json::from(value.text()),
            Test::Like(pattern) => Json::from(pattern.as_str()),
            Test::In(values) | Test::NotIn(values) => values
                .iter()
                .map(|value| Json::from(value.text()))
                .collect(),
            Test::IsNull | Test::IsNotNull => Json::Null,
        };
        json!({"attribute": condition.field, "operator": condition.test.operator(), "value": value})
    };
    parsed.map_or(Json::Null, |expression| {
        expression.conditions().into_iter().map(condition).collect()
    })
}

pub(super) fn body(bytes: &Bytes) -> Json {
    if bytes.is_empty() {
        return Json::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Json::from(String::from_utf8_lossy(bytes).into_owned()))
}

/// Only an object is one.
pub(super) fn map_of(body: &Json) -> Json {
    match body {
        Json::Object(_) => body.clone(),
        _ => Json::Null,
    }
}

pub(super) fn headers(headers: &HeaderMap) -> Json {
    let mut shown = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let text = match shown.get(&title(name)) {
            Some(Json::String(before)) => format!("{before}, {value}"),
            _ => value.into_owned(),
        };
        shown.insert(title(name), text.into());
    }
    Json::Object(shown)
}

/// `content-type` as `Content-Type`.
pub(super) fn title(name: &HeaderName) -> String {
    let mut begins = true;
    let letters = name.as_str().chars().map(|letter| {
        let shown = if begins {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        begins = letter == '-';
        shown
    });
    letters.collect()
}

pub(super) fn parameters(url: &Url) -> Json {
    let mut shown: Map<String, Json> = Map::new();
    for (name, value) in url.query_pairs() {
        let value = Json::from(value.into_owned());
        match shown.get_mut(name.as_ref()) {
            Some(Json::Array(all)) => all.push(value),
            Some(one) => *one = Json::Array(vec![one.take(), value]),
            None => drop(shown.insert(name.into_owned(), value)),
        }
    }
    Json::Object(shown)
}

pub(super) fn query_pairs(given: &Map<String, Json>) -> Vec<(String, String)> {
    let text = |value: &Json| scalar_text(value).unwrap_or_else(|| value.to_string());
    let mut pairs = Vec::new();
    for (name, value) in given {
        match value {
            Json::Null => {}
            Json::Array(all) => {
                pairs.extend(all.iter().map(|value| (name.clone(), text(value))));
            }
            value => pairs.push((name.clone(), text(value))),
        }
    }
    pairs
}

pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// The members of a body, or the fields of a form; null where it has none.
pub(super) fn fields(body: &Json, headers: &HeaderMap) -> Json {
    match body {
        Json::String(text) if is_form(headers) => {
            let pairs = url::form_urlencoded::parse(text.as_bytes());
            pairs
                .map(|(name, value)| member(&name, value.into_owned()))
                .collect::<Map<String, Json>>()
                .into()
        }
        body => map_of(body),
    }
}

/// Every text of it that may be a token.
pub(super) fn collect_texts(value: &Json, texts: &mut Vec<String>) {
    match value {
        Json::String(text) if text.len() >= SHORTEST_HIDDEN => texts.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Json::Object(members) => members.values().for_each(|item| collect_texts(item, texts)),
        _ => {}
    }
}
