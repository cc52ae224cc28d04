//! The OpenAPI document out of the one list of routes.

use bunsen_engine::element::Catalog;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::complete::{FAMILIES, Operation, errors};
use super::examples::{self, Example};
use super::schemas;
use crate::http::error::Body as Failure;
use crate::http::{Registered, registered};

/// Headers, ways to prove who calls, and what no type of ours stands for.
const COMPONENTS: &str = include_str!("components.json");
const GUIDE: &str = include_str!("guide.md");
const LICENSE: &str = "Apache-2.0 OR MIT";

/// The whole API of a server with these elements, as OpenAPI 3.1.
pub fn document(catalog: &Catalog) -> Value {
    let creates = examples::creates(catalog);
    let element = creates
        .first()
        .and_then(|example| example.body["element"]["key"].as_str())
        .unwrap_or_default();
    let mut components: Value =
        serde_json::from_str(COMPONENTS).expect("every test of this module reads the file");
    components["responses"] = errors();
    let mut described = Map::new();
    described.insert("Error".to_owned(), json!(Failure::schema()));
    let mut paths: Map<String, Value> = Map::new();
    for Registered {
        routes,
        paths: written,
        schemas,
        ..
    } in registered()
    {
        for (name, schema) in schemas {
            described.insert(name, json!(schema));
        }
        let written = json!(written);
        for route in routes {
            let method = route.method.to_ascii_lowercase();
            let operation = written[&route.path][&method].clone();
            let complete = Operation::new(&route, element, operation).complete(&written);
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            item[method] = complete;
        }
    }
    if let Some(Value::Object(by_data)) = components.get_mut("schemas") {
        described.append(by_data);
    }
    described.append(&mut schemas::of_definitions());
    requests(&mut described);
    if let Some(create) = creates.first()
        && let Some(instance) = examples::instance(catalog, &create.body)
    {
        described["Instance"]["examples"] = json!([instance]);
    }
    components["schemas"] = Value::Object(described);
    put_examples(&mut paths, &creates, element);

    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bunsen",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Instances of elements, and the catalogue of elements.",
            "description": GUIDE,
            "license": {"name": LICENSE, "identifier": LICENSE},
        },
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "tags": FAMILIES.iter().map(|(name, description)| {
            json!({"name": name, "description": description})
        }).collect::<Vec<_>>(),
        "paths": paths,
        "components": components,
    })
}

/// A create takes what a change takes, and cannot do without some of it.
fn requests(schemas: &mut Map<String, Value>) {
    let mut create = schemas["InstanceRequest"].clone();
    create["description"] = json!(
        "A new instance. A whole instance as returned earlier is accepted, too: what only the server sets is ignored."
    );
    create["required"] = json!(["element", "name"]);
    let mut of_element = create.clone();
    of_element["required"] = json!(["name"]);
    for (schema, required) in [(&mut create, "element"), (&mut of_element, "name")] {
        not_null(schema, required);
        not_null(schema, "name");
    }
    schemas.insert("NewInstance".to_owned(), create);
    schemas.insert("NewInstanceOfElement".to_owned(), of_element);
    let change = &mut schemas["InstanceRequest"];
    change["description"] = json!(
        "What is to change; what is absent or null stays as it is. A whole instance as it was read is accepted, too."
    );
    change["examples"] =
        json!([{"name": "Support desk of customer 17", "tags": ["customer-17", "renewed"]}]);
}

/// A member that must be there is not null either.
fn not_null(schema: &mut Value, member: &str) {
    let member = &mut schema["properties"][member];
    if let Some(kind) = member["type"].as_array().and_then(|kinds| kinds.first()) {
        member["type"] = kind.clone();
    }
    if let Some(Value::Array(choices)) = member.as_object_mut().and_then(|m| m.remove("oneOf")) {
        let choice = choices.into_iter().find(|choice| choice["type"] != "null");
        *member = choice.unwrap_or_default();
    }
}

/// `element` is the one that examples of paths name.
fn put_examples(paths: &mut Map<String, Value>, creates: &[Example], element: &str) {
    for (path, names_element) in [
        ("/elements/api-v2/instances", true),
        ("/elements/api-v2/elements/{keyOrId}/instances", false),
    ] {
        let examples: Map<String, Value> = creates
            .iter()
            .filter(|example| names_element || example.body["element"]["key"] == element)
            .map(|example| {
                let mut body = example.body.clone();
                if let Some(members) = body.as_object_mut().filter(|_| !names_element) {
                    members.remove("element");
                }
                let told = json!({"summary": body["name"], "value": body});
                (example.name.clone(), told)
            })
            .collect();
        let content = &mut paths[path]["post"]["requestBody"]["content"]["application/json"];
        content["examples"] = Value::Object(examples);
    }
}
