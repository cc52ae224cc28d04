//! Examples out of data: create bodies that work in sandbox mode as they are, and for every other
//! element what its definition asks for.

use bunsen_engine::element::{Catalog, Element};
use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};

/// Elements of a large catalogue that get no example any more.
const MOST: usize = 50;

#[derive(RustEmbed)]
#[folder = "examples/instances/"]
struct Bodies;

/// A create body and the name it is told by.
#[derive(Debug)]
pub struct Example {
    pub name: String,
    pub body: Value,
}

/// The shipped examples first. Private elements are for those who are known.
pub fn creates(catalog: &Catalog) -> Vec<Example> {
    let public = |element: &Element| {
        element.active && element.catalogue_json().get("private") != Some(&Value::Bool(true))
    };
    let mut files: Vec<_> = Bodies::iter().collect();
    files.sort_by_key(|file| file.trim_end_matches(".json").to_owned());
    let mut examples: Vec<Example> = files
        .iter()
        .filter_map(|file| {
            let body: Value = serde_json::from_slice(&Bodies::get(file)?.data).ok()?;
            let element = catalog.get(body["element"]["key"].as_str()?)?;
            public(element).then(|| Example {
                name: file.trim_end_matches(".json").to_owned(),
                body,
            })
        })
        .collect();
    for element in catalog.iter().filter(|element| public(element)) {
        let known = examples
            .iter()
            .any(|example| example.body["element"]["key"] == element.key.as_str());
        if !known && examples.len() < MOST {
            examples.push(Example {
                name: element.key.clone(),
                body: asked_for(element),
            });
        }
    }
    examples
}

/// What the usual way to log in cannot do without, by the names of the entries.
fn asked_for(element: &Element) -> Value {
    let configuration: Map<String, Value> = element
        .missing(element.founding_group(), &Default::default())
        .into_iter()
        .map(|key| {
            let name = element.entry(key).map_or(key, |entry| &entry.name);
            (key.to_owned(), json!(format!("<{name}>")))
        })
        .collect();
    json!({
        "element": {"key": element.key},
        "name": format!("{} of customer 17", element.name),
        "tags": ["customer-17"],
        "configuration": configuration,
    })
}

/// What such a create answers, without the vendor.
pub fn instance(catalog: &Catalog, body: &Value) -> Option<Value> {
    let element = catalog.get(body["element"]["key"].as_str()?)?;
    let given = element.accept(body["configuration"].as_object()?).ok()?;
    let group = element.group_for(&given).ok()?;
    Some(json!({
        "id": 12,
        "name": body["name"],
        "createdDate": "2026-08-07T18:46:38Z",
        "token": "bm90IGEgcmVhbCB0b2tlbiwganVzdCBhbiBleGFtcGxlIQ==",
        "element": element.instance_json(),
        "elementId": element.id.0,
        "tags": body["tags"],
        "provisionInteractions": [],
        "valid": true,
        "disabled": false,
        "maxCacheSize": 0,
        "cacheTimeToLive": 0,
        "cachingEnabled": false,
        "configuration": element.shown(group, &given),
        "eventsEnabled": false,
        "traceLoggingEnabled": false,
        "externalAuthentication": "none",
        "user": {"id": 3, "emailAddress": "ann@example.com", "firstName": "Ann", "lastName": "Example"},
    }))
}
