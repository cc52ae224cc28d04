//! The document as a contract: whether an answer is what it says of that route and status. Stricter than what it says to
//! clients: where it does not allow further members in so many words, there may be none.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings};
use crate::server::TestServer;

/// What a client looks for beside the body.
const HEADERS: [&str; 4] = ["elements-", "retry-after", "bunsen-mode", "set-cookie"];

pub struct Contract {
    pub document: Value,
    components: Value,
    /// By method and path, names taken out: `{}`.
    operations: BTreeMap<(String, String), Value>,
    validators: RefCell<BTreeMap<String, Validator>>,
    seen: RefCell<BTreeSet<(String, String, u16)>>,
}

impl Contract {
    pub async fn of(server: &TestServer) -> Self {
        let answer = Answer::of(server.request("GET", "/openapi.json")).await;
        Self::new(answer.success())
    }

    pub fn new(document: Value) -> Self {
        let mut operations = BTreeMap::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let method = method.to_uppercase();
                let key = (method, bare(path));
                operations.insert(key, operation.clone());
            }
        }
        let mut components = document["components"].clone();
        close(&mut components["schemas"], false);
        Self {
            components,
            operations,
            document,
            validators: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    /// Nothing may be there that is not described, not even where definitions of others may hold more.
    pub fn closed(mut self) -> Self {
        close(&mut self.components["schemas"], true);
        self
    }

    pub fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let operations = self.operations.iter();
        operations.map(|((method, path), operation)| (method.as_str(), path.as_str(), operation))
    }

    /// `path` from the root of the server, with `{}` for names.
    pub fn operation(&self, method: &str, path: &str) -> &Value {
        let key = (method.to_owned(), path.to_owned());
        let operation = self.operations.get(&key);
        operation.unwrap_or_else(|| panic!("{method} {path} is not described"))
    }

    /// Whether this status was answered on this route.
    pub fn has_seen(&self, method: &str, path: &str, status: u16) -> bool {
        let key = (method.to_owned(), path.to_owned(), status);
        self.seen.borrow().contains(&key)
    }

    /// The value, or what it refers to.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            None => value,
            Some(reference) => {
                let pointer = reference
                    .strip_prefix('#')
                    .expect("a reference in the document");
                let target = self.document.pointer(pointer);
                target.unwrap_or_else(|| panic!("{reference} refers to nothing"))
            }
        }
    }

    /// Why this value is not of this type.
    pub fn misfits(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut validators = self.validators.borrow_mut();
        let validator = validators.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({"allOf": [schema], "components": self.components});
            jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&whole)
                .unwrap_or_else(|error| panic!("{schema}: {error}"))
        });
        let errors = validator.iter_errors(value);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    /// `path` from the root of the server, with `{}` for names.
    pub fn check(
        &self,
        what: &str,
        method: &str,
        path: &str,
        answer: &Answer,
        findings: &mut Findings,
    ) {
        let place = format!("{what}: {method} {path}");
        let key = (method.to_owned(), path.to_owned());
        let Some(operation) = self.operations.get(&key) else {
            return findings.add(format!("{place}: is not described"));
        };
        let status = answer.status.to_string();
        let Some(described) = operation["responses"].get(&status) else {
            return findings.add(format!("{place}: {status} is not described: {answer}"));
        };
        let described = self.resolved(described);
        self.seen.borrow_mut().insert((key.0, key.1, answer.status));
        self.check_headers(&place, described, answer, findings);
        self.check_body(&place, described, answer, findings);
    }

    fn check_headers(
        &self,
        place: &str,
        described: &Value,
        answer: &Answer,
        findings: &mut Findings,
    ) {
        let empty = json!({});
        let headers = described.get("headers").unwrap_or(&empty);
        let headers = headers.as_object().expect("headers");
        let names: BTreeSet<String> = headers.keys().map(|name| name.to_lowercase()).collect();
        for name in answer.headers.keys().map(|name| name.as_str()) {
            let told = HEADERS.iter().any(|start| name.starts_with(start));
            findings.check(!told || names.contains(name), || {
                format!("{place}: the header {name} is not described")
            });
        }
        for (name, header) in headers {
            let header = self.resolved(header);
            let Some(value) = answer.header(&name.to_lowercase()) else {
                let required = header["required"] == true;
                findings.check(!required, || {
                    format!("{place}: the header {name} is missing")
                });
                continue;
            };
            let value = match header["schema"]["type"].as_str() {
                Some("integer") => json!(value.parse::<i64>().ok()),
                _ => json!(value),
            };
            for misfit in self.misfits(&header["schema"], &value) {
                findings.add(format!("{place}: the header {name}{misfit}"));
            }
        }
    }

    fn check_body(&self, place: &str, described: &Value, answer: &Answer, findings: &mut Findings) {
        let kind = answer.header("content-type").unwrap_or_default();
        let media = kind.split(';').next().unwrap_or_default().trim();
        let contents = described["content"].as_object();
        let Some(contents) = contents.filter(|contents| !contents.is_empty()) else {
            return findings.check(answer.text.is_empty(), || {
                format!("{place}: the body is not described: {answer}")
            });
        };
        let Some(content) = contents.get(media) else {
            return findings.add(format!("{place}: the type {media:?} is not described"));
        };
        if media == "application/json" {
            for misfit in self.misfits(&content["schema"], &answer.json()) {
                let misfit: String = misfit.chars().take(300).collect();
                findings.add(format!("{place}: {}{misfit}", answer.status));
            }
        }
    }
}

/// `/elements/{keyOrId}` as `/elements/{}`.
fn bare(path: &str) -> String {
    let parts = path.split('{').map(|part| match part.split_once('}') {
        Some((_, rest)) => format!("}}{rest}"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("{")
}

/// Takes back the freedom that clients must leave to later versions.
fn close(schema: &mut Value, entirely: bool) {
    match schema {
        Value::Object(members) => {
            let described = members.get("properties").is_some_and(Value::is_object);
            let open = members.get("additionalProperties") == Some(&json!(true));
            if described && (entirely || !open) {
                members.insert("additionalProperties".into(), json!(false));
            }
            members
                .values_mut()
                .for_each(|member| close(member, entirely));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, entirely)),
        _ => {}
    }
}

#[test]
fn the_contract_fires() {
    let (catalog, _) = bunsen::elements::load(None).expect("the elements are right");
    let contract = Contract::new(bunsen::http::openapi(&catalog));
    let schema = json!({"$ref": "#/components/schemas/Error"});
    let id = "0123456789abcdef01234567";
    let fits = |value: Value| contract.misfits(&schema, &value).is_empty();
    assert!(fits(json!({"requestId": id, "message": "m"})));
    assert!(fits(
        json!({"requestId": id, "message": "m", "providerMessage": "p"})
    ));
    for wrong in [
        json!({"requestId": id}),
        json!({"requestId": "short", "message": "m"}),
        json!({"requestId": id, "message": 1}),
        json!({"requestId": id, "message": "m", "providerMessage": null}),
        json!({"requestId": id, "message": "m", "status": 400}),
        json!([]),
    ] {
        assert!(!fits(wrong.clone()), "{wrong}");
    }
}
