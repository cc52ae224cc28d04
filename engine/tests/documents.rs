//! The documents of the shipped elements: valid, whole, and with the fields that their objects have.

#[path = "support/swagger.rs"]
mod swagger;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bunsen_engine::element::{Catalog, Element, SourceFile};
use bunsen_engine::hub::docs::{Part, Wanted, document};
use bunsen_engine::hub::{fields, ping};
use serde_json::Value;

fn catalog() -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../elements");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = folders.filter_map(|folder| {
        let name = folder.file_name().into_string().unwrap();
        Some(SourceFile {
            path: format!("elements/{name}/element.json"),
            bytes: fs::read(folder.path().join("element.json")).ok()?,
        })
    });
    Catalog::load(files.collect(), Vec::new()).unwrap_or_else(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

fn of(element: &Element, basic: bool, resolve: bool, part: Part<'_>) -> Option<Value> {
    let wanted = Wanted {
        group: None,
        origin: "https://api.bunsen.example",
        basic,
        resolve,
        fields: &BTreeMap::new(),
        part,
    };
    document(element, &wanted)
}

fn valid(name: &str, document: &Value) {
    let mistakes = swagger::mistakes(document);
    assert!(mistakes.is_empty(), "{name}:\n{}", mistakes.join("\n"));
}

fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (path, method, operation))
        })
        .collect()
}

#[test]
fn every_document_is_valid() {
    for element in catalog().iter() {
        for (basic, resolve) in [(false, false), (true, false), (false, true), (true, true)] {
            let whole = of(element, basic, resolve, Part::All).unwrap();
            valid(&element.key, &whole);
            for (_, _, operation) in operations(&whole) {
                let id = operation["operationId"].as_str().unwrap();
                let one = of(element, basic, resolve, Part::Operation(id)).unwrap();
                valid(&format!("{} {id}", element.key), &one);
                assert_eq!(operations(&one).len(), 1, "{} {id}", element.key);
            }
        }
    }
}

#[test]
fn every_call_of_a_caller_is_in_it_once() {
    for element in catalog().iter() {
        let whole = of(element, false, false, Part::All).unwrap();
        let found = operations(&whole);
        for resource in &element.resources {
            let method = resource.method.as_str().to_lowercase();
            let count = found
                .iter()
                .filter(|(path, other, _)| **path == resource.path && **other == method)
                .count();
            let told = resource.kind == bunsen_engine::element::ResourceKind::Api;
            assert_eq!(
                count,
                usize::from(told),
                "{} {method} {}",
                element.key,
                resource.path
            );
        }
        for path in ["/ping", "/objects", "/objects/{objectName}/metadata"] {
            assert!(
                whole["paths"][path]["get"].is_object(),
                "{} {path}",
                element.key
            );
        }
    }
}

/// What clients of the platform read from each operation.
#[test]
fn operations_say_who_calls_and_how_they_fail() {
    for element in catalog().iter() {
        let whole = of(element, false, false, Part::All).unwrap();
        for (path, method, operation) in operations(&whole) {
            let place = format!("{} {method} {path}", element.key);
            let first = &operation["parameters"][0];
            assert_eq!(first["name"], "Authorization", "{place}");
            assert_eq!(
                (&first["in"], &first["required"]),
                (&"header".into(), &true.into()),
                "{place}"
            );
            for status in [
                "200", "400", "401", "403", "404", "405", "406", "409", "415", "500", "502",
            ] {
                assert!(
                    operation["responses"][status].is_object(),
                    "{place} {status}"
                );
            }
            let has_body = method != "delete";
            assert_eq!(
                operation["responses"]["200"]["schema"].is_object(),
                has_body,
                "{place}"
            );
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{place}");
        }
    }
}

#[test]
fn records_of_declared_objects_have_their_fields() {
    let mut seen = 0;
    for element in catalog().iter() {
        for object in element.objects.iter().filter(|object| object.declared) {
            let name = &object.name;
            let shown = fields::of(element, object);
            assert!(shown.iter().any(|field| !field.custom), "{name}");
            assert!(shown.iter().all(|field| !field.method.is_empty()), "{name}");
            // What is reached by the vendor's names alone stands in no document.
            let Some(document) = of(element, false, true, Part::Object(name)) else {
                continue;
            };
            seen += 1;
            for (path, method, operation) in operations(&document) {
                if method == "delete" {
                    continue;
                }
                let schema = &operation["responses"]["200"]["schema"];
                let record = schema.get("items").unwrap_or(schema);
                assert!(
                    record["properties"]
                        .as_object()
                        .is_some_and(|all| !all.is_empty()),
                    "{} {method} {path}",
                    element.key
                );
            }
        }
    }
    assert!(seen > 10, "{seen} have documents");
}

#[test]
fn nothing_unknown_has_a_document() {
    for element in catalog().iter() {
        assert_eq!(of(element, false, false, Part::Object("nonsense")), None);
        assert_eq!(of(element, false, false, Part::Operation("nonsense")), None);
        let one = of(element, false, false, Part::Operation("GET-objects")).unwrap();
        assert_eq!(operations(&one).len(), 1);
    }
}

#[test]
fn every_way_to_log_in_can_be_tried() {
    for element in catalog().iter() {
        for group in &element.groups {
            let call = ping::call(element, group);
            assert!(call.is_some(), "{} {}", element.key, group.name);
        }
    }
}
