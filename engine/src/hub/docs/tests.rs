//! What the documents of the shipped elements do not show.

use serde_json::{Value, json};

use super::definitions::{Resolver, put};
use crate::element::tests::sample;
use crate::hub::{fields, ping};
use crate::request::tests::element;

#[test]
fn properties_stand_where_their_paths_lead() {
    let mut schema = json!({"type": "object", "properties": {}});
    let text = || json!({"type": "string"});
    put(
        &mut schema,
        "customer",
        json!({"type": "array", "items": {}}),
        false,
    );
    put(&mut schema, "customer.name", text(), true);
    put(
        &mut schema,
        "customer.name",
        json!({"type": "number"}),
        false,
    );
    put(&mut schema, "customer.seat.city", text(), false);
    assert_eq!(
        schema,
        json!({"type": "object", "required": ["customer"], "properties": {"customer": {
            "type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"},
                "seat": {"type": "object", "properties": {"city": {"type": "string"}}}}}}})
    );
}

#[test]
fn references_are_resolved_to_an_end() {
    let Value::Object(all) = json!({
        "man": {"type": "object", "properties": {"boss": {"$ref": "#/definitions/man"}, "home": {"$ref": "#/definitions/place"}}},
        "place": {"type": "string"},
    }) else {
        unreachable!()
    };
    let mut value = json!([{"$ref": "#/definitions/man"}, {"$ref": "#/definitions/nobody"}]);
    Resolver::new(&all).resolve(&mut value);
    assert_eq!(
        value,
        json!([{"type": "object", "properties": {"boss": {"$ref": "#/definitions/man"}, "home": {"type": "string"}}},
               {"$ref": "#/definitions/nobody"}])
    );
}

#[test]
fn references_do_not_grow_without_end() {
    // Each refers to all others ten times: in place of each other they are 10^8 values.
    let names: Vec<String> = (0..10).map(|number| format!("kind{number}")).collect();
    let all: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| {
            let others = names.iter().filter(|other| *other != name);
            let properties = others.map(|other| {
                let reference = json!({"$ref": format!("#/definitions/{other}")});
                (other.clone(), json!({"type": "array", "items": reference}))
            });
            let properties: serde_json::Map<String, Value> = properties.collect();
            (
                name.clone(),
                json!({"type": "object", "properties": properties}),
            )
        })
        .collect();
    let mut value = json!({"$ref": "#/definitions/kind0"});
    Resolver::new(&all).resolve(&mut value);
    let text = value.to_string();
    assert!(text.len() < 5_000_000, "{}", text.len());
    assert!(text.contains("$ref"), "what is too much stays a reference");
}

#[test]
fn wrapped_records_have_their_fields_inside() {
    let mut json = sample();
    json["objects"] = json!([{"name": "parcels", "fields": [{"name": "id", "type": "number", "readOnly": true}],
                              "bunsen": {"discovery": ["GET:/field-list"]}}]);
    json["resources"].as_array_mut().unwrap().extend([
        json!({"id": 90, "method": "POST", "path": "/parcels", "vendorPath": "/v", "type": "api", "bunsen": {"wrap": "box"}}),
        json!({"id": 91, "method": "GET", "path": "/field-list", "vendorPath": "/v", "type": "apiNoDocumentation",
               "bunsen": {"fields": {"name": "code", "initial": "lower", "custom": {"equals": {"own": ["true"]}}}}}),
    ]);
    let element = element(&json);
    let object = element.object("parcels").unwrap();
    let rule = element.resources[object.discovery[0]]
        .fields
        .as_ref()
        .unwrap();
    let mut found = fields::of(&element, object);
    let listed = [
        r#"{"code":"ID"}"#,
        r#"{"code":"SizeXL","own":true}"#,
        "[]",
        "{}",
    ];
    let listed = listed.iter().map(|item| item.as_bytes());
    fields::add(&mut found, &element, object, rule, listed);
    let shown: Vec<_> = found
        .iter()
        .map(|field| {
            (
                field.vendor_path.as_str(),
                field.custom,
                field.createable,
                field.updateable,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("box.id", false, false, false),
            ("box.sizeXL", true, true, false)
        ]
    );
}

#[test]
fn credentials_are_tried_by_the_call_that_is_best_for_it() {
    let call = |resources: &[Value]| {
        let mut json = sample();
        json["resources"]
            .as_array_mut()
            .unwrap()
            .extend(resources.iter().cloned());
        let element = element(&json);
        ping::call(&element, &element.groups[1]).map(|call| call.vendor_path.to_string())
    };
    let resource = |id: i64, path: &str, kind: &str, words: Value| json!({"id": id, "method": "GET", "path": path, "vendorPath": format!("/v{path}"), "type": kind, "bunsen": words});
    let named = resource(91, "/ping", "api", json!({}));
    let marked = resource(
        92,
        "/marked",
        "onProvision",
        json!({"ping": true, "groups": ["token"]}),
    );
    let other = resource(
        93,
        "/other",
        "onProvision",
        json!({"ping": true, "groups": ["password"]}),
    );
    assert_eq!(call(std::slice::from_ref(&other)), Some("/me".to_owned()));
    assert_eq!(call(&[named.clone(), other]), Some("/v/ping".to_owned()));
    assert_eq!(call(&[named, marked]), Some("/v/marked".to_owned()));
}
