//! What an element can be called with, as an OpenAPI 2.0 document for generators of clients.
//!
//! Paths are bare, so that `basePath` alone leads to them; every operation has an id of its own, the
//! header that says who calls, and the statuses that a call can have.

mod definitions;
mod operations;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use definitions::Resolver;
use operations::Call;

use super::fields::Shown;
use crate::element::objects::Object;
use crate::element::{Element, Group};

/// What a document is made for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Credentials of an instance; `None`: of all.
    pub group: Option<&'a Group>,
    /// Where this server is reached: `https://api.bunsen.example`.
    pub origin: &'a str,
    /// Without the fields of records.
    pub basic: bool,
    /// References are replaced by what they refer to.
    pub resolve: bool,
    /// Fields of objects in place of what the definition has.
    pub fields: &'a BTreeMap<String, Vec<Shown>>,
    pub part: Part<'a>,
}

/// Which calls a document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    All,
    /// The calls of one object.
    Object(&'a str),
    /// One call: its id, or `METHOD-path` with `-` for slashes.
    Operation(&'a str),
}

/// The objects that the calls take and answer; `None`: there are no such calls.
pub fn objects<'a>(
    element: &'a Element,
    group: Option<&Group>,
    part: Part<'_>,
) -> Option<Vec<&'a Object>> {
    let calls = calls(element, group, part)?;
    let mut objects: Vec<&Object> = Vec::new();
    for object in calls.iter().filter_map(|call| call.object) {
        if !objects.iter().any(|known| std::ptr::eq(*known, object)) {
            objects.push(object);
        }
    }
    Some(objects)
}

fn calls<'a>(element: &'a Element, group: Option<&Group>, part: Part<'_>) -> Option<Vec<Call<'a>>> {
    let mut calls = operations::of(element, group);
    let object = match part {
        Part::Object(name) => Some(&element.object(name)?.name),
        Part::All | Part::Operation(_) => None,
    };
    let is_about = |call: &Call<'_>| call.object.map(|o| &o.name) == object;
    // What is only listed below records of others is documented there.
    let alone = object.is_some_and(|_| !calls.iter().any(is_about));
    calls.retain(|call| match part {
        Part::All => true,
        Part::Object(_) if alone => {
            call.path.rsplit('/').next() == object.map(|name| name.as_str())
        }
        Part::Object(_) => is_about(call),
        Part::Operation(name) => call.id == name || call.alias == name,
    });
    (!calls.is_empty()).then_some(calls)
}

/// The document; `None`: it would have no calls.
pub fn document(element: &Element, wanted: &Wanted<'_>) -> Option<Value> {
    let calls = calls(element, wanted.group, wanted.part)?;
    let mut paths = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    for call in &calls {
        let item = paths.entry(call.path.clone()).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(call.method.to_lowercase(), call.operation(wanted.basic));
        }
        if !tags.contains(&call.tag.as_str()) {
            tags.push(&call.tag);
        }
    }
    let all = definitions::all(element, &calls, wanted);
    let mut paths = Value::Object(paths);
    let mut definitions = definitions::referred_to(&paths, &all);
    if wanted.resolve {
        let mut resolver = Resolver::new(&all);
        resolver.resolve(&mut paths);
        for (name, definition) in &mut definitions {
            resolver.within(definition, name);
        }
    }
    let (scheme, host) = wanted
        .origin
        .split_once("://")
        .unwrap_or(("https", wanted.origin));
    let tags = tags.iter().map(|tag| json!({"name": tag}));
    Some(json!({
        "swagger": "2.0",
        "info": {
            "title": element.name,
            "description": element.catalogue_json().get("description").and_then(Value::as_str).unwrap_or_default(),
            "version": "api-v2",
        },
        "host": host.split('/').next(),
        "schemes": [if scheme == "http" { "http" } else { "https" }],
        "basePath": "/elements/api-v2",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "definitions": definitions,
    }))
}
