//! The API's description: valid, complete, and true to what the server answers (`walk/described.rs` goes through the
//! routes).

mod answers;
pub mod contract;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::TestServer;
use contract::Contract;

fn document() -> Value {
    let (catalog, _) = bunsen::elements::load(None).expect("the elements are right");
    bunsen::http::openapi(&catalog)
}

/// Calls `see` with every object that has this member.
fn with_member<'a>(value: &'a Value, member: &str, see: &mut impl FnMut(&'a Value)) {
    match value {
        Value::Object(members) => {
            if members.contains_key(member) {
                see(value);
            }
            members
                .values()
                .for_each(|inner| with_member(inner, member, see));
        }
        Value::Array(items) => items.iter().for_each(|item| with_member(item, member, see)),
        _ => {}
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let contract = Contract::new(document());
    let described: BTreeSet<(String, String)> = contract.document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("operations").keys();
            methods.map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let served: BTreeSet<(String, String)> = bunsen::http::routes()
        .into_iter()
        .map(|route| (route.method.to_owned(), route.path))
        .collect();
    assert_eq!(described, served);
    assert!(served.len() > 70, "{}", served.len());
}

/// By the structures of a crate that is not ours.
#[test]
fn the_document_reads_as_openapi() {
    let text = document().to_string();
    let spec = oas3::from_json(&text).expect("an OpenAPI 3.1 document");
    assert_eq!(
        spec.validate_version().expect("a version").to_string(),
        "3.1.0"
    );
    let count = spec.operations().count();
    assert_eq!(count, bunsen::http::routes().len());
}

#[test]
fn references_ids_and_parameters_are_sound() {
    let document = document();
    let mut findings = Findings::default();
    with_member(&document["paths"], "$ref", &mut |value| {
        refers(&document, value, &mut findings)
    });
    with_member(&document["components"], "$ref", &mut |value| {
        refers(&document, value, &mut findings);
    });
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let schemes = &document["components"]["securitySchemes"];
    let mut ids = BTreeMap::new();
    for (method, path, operation) in Contract::new(document.clone()).operations() {
        let place = format!("{method} {path}");
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let is_name = id.starts_with(char::is_lowercase)
            && id.chars().all(|sign| sign.is_ascii_alphanumeric());
        findings.check(is_name, || format!("{place}: operationId {id:?}"));
        if let Some(other) = ids.insert(id.clone(), place.clone()) {
            findings.add(format!("{id} is {place} and {other}"));
        }
        let summary = operation["summary"].as_str().unwrap_or_default();
        findings.check(!summary.is_empty() && !summary.ends_with('.'), || {
            format!("{place}: summary {summary:?}")
        });
        findings.check(tags.contains(&&operation["tags"][0]), || {
            format!("{place}: tags")
        });
        for way in operation["security"].as_array().expect("security") {
            for name in way.as_object().expect("a way").keys() {
                findings.check(schemes.get(name).is_some(), || format!("{place}: {name}"));
            }
        }
        let parameters = operation["parameters"].as_array().expect("parameters");
        let mut names = BTreeSet::new();
        for parameter in parameters {
            let name = parameter["name"].to_string();
            findings.check(parameter["description"].is_string(), || {
                format!("{place}: {name} is not explained")
            });
            findings.check(parameter["schema"].is_object(), || {
                format!("{place}: {name} has no type")
            });
            findings.check(
                parameter["in"] != "path" || parameter["required"] == true,
                || format!("{place}: {name}"),
            );
            findings.check(
                names.insert((parameter["in"].to_string(), name.clone())),
                || format!("{place}: {name} twice"),
            );
        }
        let in_path = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .count();
        findings.check(in_path == path.matches("{}").count(), || {
            format!("{place}: {in_path} names in the path")
        });
        let responses = &operation["responses"];
        let succeeds = ["200", "303"]
            .iter()
            .any(|status| responses.get(status).is_some());
        findings.check(succeeds, || format!("{place}: no success"));
        for (status, answer) in operation["responses"].as_object().expect("answers") {
            let described = answer.get("$ref").is_some() || answer["description"].is_string();
            findings.check(described, || format!("{place}: {status} is not explained"));
        }
    }
    findings.none();
}

fn refers(document: &Value, value: &Value, findings: &mut Findings) {
    let reference = value["$ref"].as_str().unwrap_or_default();
    let target = reference
        .strip_prefix('#')
        .and_then(|pointer| document.pointer(pointer));
    findings.check(target.is_some(), || {
        format!("{reference:?} refers to nothing")
    });
}

/// Types that nothing refers to are left over; every one is a schema; every example is of its type.
#[test]
fn types_are_used_and_their_examples_fit() {
    let contract = Contract::new(document());
    let document = &contract.document;
    let mut findings = Findings::default();
    let mut used = BTreeSet::new();
    with_member(document, "$ref", &mut |value| {
        used.insert(value["$ref"].as_str().expect("a reference").to_owned());
    });
    for (kind, parts) in document["components"].as_object().expect("components") {
        for (name, part) in parts.as_object().expect("parts") {
            if kind != "securitySchemes" {
                let reference = format!("#/components/{kind}/{name}");
                findings.check(used.contains(&reference), || {
                    format!("nothing refers to {reference}")
                });
            }
            if kind != "schemas" {
                continue;
            }
            findings.check(jsonschema::draft202012::meta::is_valid(part), || {
                format!("{name} is no schema")
            });
            for example in part["examples"].as_array().into_iter().flatten() {
                for misfit in contract.misfits(part, example) {
                    findings.add(format!("the example of {name}{misfit}"));
                }
            }
            for (member, schema) in part["properties"].as_object().into_iter().flatten() {
                if let Some(example) = schema.get("example") {
                    for misfit in contract.misfits(schema, example) {
                        findings.add(format!("the example of {name}.{member}{misfit}"));
                    }
                }
            }
        }
    }
    for (method, path, operation) in contract.operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if let Some(example) = parameter.get("example") {
                for misfit in contract.misfits(&parameter["schema"], example) {
                    findings.add(format!(
                        "{method} {path}: the example of {}{misfit}",
                        parameter["name"]
                    ));
                }
            }
        }
    }
    findings.none();
}

/// One create body per element at least, each as it stands in `examples/instances` and of the described type.
#[test]
fn every_element_has_an_example() {
    let contract = Contract::new(document());
    let post = &contract.document["paths"]["/elements/api-v2/instances"]["post"];
    let content = &post["requestBody"]["content"]["application/json"];
    let examples = content["examples"].as_object().expect("examples");
    for (file, body) in crate::server::examples() {
        let name = file.trim_end_matches(".json");
        assert_eq!(examples[name]["value"], body, "{name}");
        assert_eq!(
            contract.misfits(&content["schema"], &body),
            Vec::<String>::new(),
            "{name}"
        );
    }
    let (catalog, _) = bunsen::elements::load(None).expect("the elements are right");
    for element in catalog.iter() {
        let key = element.key.as_str();
        let shown = examples
            .values()
            .any(|example| example["value"]["element"]["key"] == key);
        assert!(shown, "{key}");
    }
}

#[database_test]
async fn the_document_is_sent_once(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let first = Answer::of(server.request("GET", "/openapi.json")).await;
    assert_eq!(first.success(), document(), "as the command prints it");
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    assert_eq!(
        first.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    let tag = first.header("etag").expect("a tag");
    let again = server
        .request("GET", "/openapi.json")
        .header("if-none-match", tag);
    let again = Answer::of(again).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), Some(tag));
    let other = server
        .request("GET", "/openapi.json")
        .header("if-none-match", "\"x\"");
    assert_eq!(Answer::of(other).await.status, 200);
    let head = Answer::of(server.request("HEAD", "/openapi.json")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[test]
fn a_catalogue_without_elements_is_described_too() {
    let document = bunsen::http::openapi(&bunsen_engine::element::Catalog::default());
    let body = &document["paths"]["/elements/api-v2/instances"]["post"]["requestBody"];
    assert_eq!(body["content"]["application/json"]["examples"], json!({}));
}

/// An element of the operator's own has no file here: its definition says what an example needs. Private ones are for
/// those who are known.
#[test]
fn added_elements_bring_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    for (key, private) in [("parceldesk", false), ("secretdesk", true)] {
        let id = if private { 10_100_000 } else { 10_000_000 };
        let definition = json!({
            "id": id, "name": "Parcel Desk", "key": key, "private": private,
            "configuration": [
                {"id": id + 1, "key": "base.url", "name": "Base URL", "type": "TEXTFIELD_1000",
                 "defaultValue": "https://api.vendor.example/v1"},
                {"id": id + 2, "key": "token", "name": "API token", "type": "PASSWORD", "required": true},
            ],
            "resources": [{"id": id + 3, "method": "GET", "path": "/check", "type": "provisionAuthValidation"}],
        });
        std::fs::create_dir(folder.path().join(key)).expect("a folder");
        std::fs::write(
            folder.path().join(key).join("element.json"),
            definition.to_string(),
        )
        .expect("a file");
    }
    let (catalog, _) =
        bunsen::elements::load(Some(folder.path())).expect("the definitions are right");
    let document = bunsen::http::openapi(&catalog);
    let post = &document["paths"]["/elements/api-v2/instances"]["post"];
    let examples = &post["requestBody"]["content"]["application/json"]["examples"];
    let body = &examples["parceldesk"]["value"];
    assert_eq!(body["configuration"], json!({"token": "<API token>"}));
    assert!(!document.to_string().contains("secretdesk"));
}
