//! Simulators against the vendors' official descriptions, read from the folder that `BUNSEN_VENDOR_SPECS` names.
//!
//! Every call that a test checks must stand in the description: path, method, parameters, status, and every member of
//! the body. Where the vendor's service is known to differ from its description, `tests/exceptions.json` says so with
//! the fact; an exception that no call needs fails. The descriptions are never copied into the repository: without the
//! variable these tests print that they were skipped.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::Reply;
use crate::pattern::fits;

const VARIABLE: &str = "BUNSEN_VENDOR_SPECS";

/// One entry of `tests/exceptions.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    vendor: String,
    /// Method and path as the description would write them.
    call: String,
    deviations: Vec<String>,
    /// Where the vendor fact stands, and what it says.
    fact: String,
}

/// One vendor's simulator, and where it was found to differ.
#[derive(Debug)]
pub struct Described {
    vendor: &'static str,
    folder: PathBuf,
    /// Call and deviation.
    found: BTreeSet<(String, String)>,
}

/// An official description: Swagger 2 or OpenAPI 3.
#[derive(Debug)]
pub struct Document(Value);

impl Described {
    /// Nothing, and a line that says so, when there is no folder to read from.
    pub fn of(vendor: &'static str) -> Option<Self> {
        let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
            // Not by the print macros, whose lines the test harness swallows.
            let line =
                format!("skipped: {VARIABLE} names no folder with the description of {vendor}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            return None;
        };
        let folder = PathBuf::from(folder);
        let found = BTreeSet::new();
        Some(Self {
            vendor,
            folder,
            found,
        })
    }

    pub fn file(&self, name: &str) -> Document {
        let path = self.folder.join(name);
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Document(serde_json::from_slice(&text).expect("a description is JSON"))
    }

    /// Compares one exchange. `call` is method and path with its placeholders, `parameters` are place and name of what
    /// was sent: `query count`, `form grant_type`, `header x-api-token`.
    pub fn check(&mut self, document: &Document, call: &str, parameters: &[&str], reply: &Reply) {
        let mut deviations = BTreeSet::new();
        match document.operation(call) {
            None => {
                deviations.insert(String::from("path"));
            }
            Some(operation) => {
                document.parameters(operation, parameters, &mut deviations);
                document.answer(&operation["responses"], reply, &mut deviations);
            }
        }
        let deviations = deviations.into_iter();
        self.found
            .extend(deviations.map(|deviation| (call.to_owned(), deviation)));
    }

    /// What a test found itself; nothing lists it, so it fails with the rest.
    pub fn note(&mut self, call: &str, deviation: String) {
        self.found.insert((call.to_owned(), deviation));
    }

    /// Compares the body of a call with what the description says of it.
    pub fn request(&mut self, document: &Document, call: &str, body: &Value) {
        let schema = "/requestBody/content/application~1json/schema";
        let Some(schema) = document
            .operation(call)
            .and_then(|operation| operation.pointer(schema))
        else {
            let deviation = String::from("request");
            self.found.insert((call.to_owned(), deviation));
            return;
        };
        let mut deviations = BTreeSet::new();
        document.compare(schema, body, &mut deviations);
        let deviations = deviations.into_iter();
        self.found
            .extend(deviations.map(|deviation| (call.to_owned(), format!("request {deviation}"))));
    }

    /// Fails unless the exceptions are exactly what was found. In exceptions `*` stands for any run of characters.
    pub fn finish(self) {
        let own = exceptions().into_iter();
        let own = own.filter(|exception| exception.vendor == self.vendor);
        let listed: Vec<(String, String)> = own
            .flat_map(|exception| {
                let call = exception.call;
                let deviations = exception.deviations.into_iter();
                deviations.map(move |deviation| (call.clone(), deviation))
            })
            .collect();
        let covers = |(call, deviation): &(String, String), (found, what): &(String, String)| {
            fits(call, found) && fits(deviation, what)
        };
        let unlisted: Vec<_> = self
            .found
            .iter()
            .filter(|found| !listed.iter().any(|listed| covers(listed, found)))
            .collect();
        assert!(
            unlisted.is_empty(),
            "{} differs from its description: {unlisted:#?}",
            self.vendor
        );
        let needless: Vec<_> = listed
            .iter()
            .filter(|listed| !self.found.iter().any(|found| covers(listed, found)))
            .collect();
        assert!(
            needless.is_empty(),
            "exceptions of {} that no call needs any more: {needless:#?}",
            self.vendor
        );
    }
}

fn exceptions() -> Vec<Exception> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exceptions.json");
    let text = fs::read(path).expect("the exceptions");
    serde_json::from_slice(&text).expect("exceptions as described.rs declares them")
}

impl Document {
    pub fn operation(&self, call: &str) -> Option<&Value> {
        let (method, path) = call.split_once(' ').expect("method and path");
        self.0["paths"].get(path)?.get(method.to_ascii_lowercase())
    }

    /// Follows a reference within the document, if it is one.
    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        let Some(reference) = value["$ref"].as_str() else {
            return value;
        };
        let target = reference
            .strip_prefix('#')
            .and_then(|path| self.0.pointer(path));
        self.resolved(target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    fn parameters(&self, operation: &Value, sent: &[&str], deviations: &mut BTreeSet<String>) {
        let mut declared = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = self.resolved(parameter);
            let place = match parameter["in"].as_str().unwrap_or_default() {
                "formData" => "form",
                place => place,
            };
            let text = format!("{place} {}", parameter["name"].as_str().unwrap_or_default());
            if parameter["required"] == true && place != "path" && !sent.contains(&text.as_str()) {
                deviations.insert(format!("missing {text}"));
            }
            declared.insert(text);
        }
        let form = "/requestBody/content/application~1x-www-form-urlencoded/schema/properties";
        let fields = operation.pointer(form).and_then(Value::as_object);
        for name in fields.into_iter().flat_map(Map::keys) {
            declared.insert(format!("form {name}"));
        }
        // A credential is declared by its scheme, not among the parameters.
        for scheme in operation["security"].as_array().into_iter().flatten() {
            for name in scheme.as_object().into_iter().flat_map(Map::keys) {
                let scheme = &self.0["components"]["securitySchemes"][name];
                if let (Some(place), Some(name)) = (scheme["in"].as_str(), scheme["name"].as_str())
                {
                    declared.insert(format!("{place} {name}"));
                }
            }
        }
        let undeclared = sent.iter().filter(|text| !declared.contains(**text));
        deviations.extend(undeclared.map(|text| (*text).to_owned()));
    }

    /// A status that the description leaves out is compared with the first described answer of its kind.
    fn answer(&self, responses: &Value, reply: &Reply, deviations: &mut BTreeSet<String>) {
        let status = reply.status.as_u16();
        let described = responses.get(status.to_string()).or_else(|| {
            deviations.insert(format!("status {status}"));
            let mut others = responses.as_object()?.iter();
            let alike = |code: &str| code.starts_with(['4', '5']) == (status >= 400);
            others.find(|(code, _)| alike(code)).map(|(_, other)| other)
        });
        let described = described.map(|described| self.resolved(described));
        let page = reply.header("content-type");
        if page.is_some_and(|content_type| content_type.starts_with("text/html")) {
            // Of a page no more is described than that it is one.
            if described
                .and_then(|described| described.pointer("/content/text~1html"))
                .is_none()
            {
                deviations.insert(String::from("page"));
            }
            return;
        }
        let schema = described.and_then(|described| {
            let content = described.pointer("/content/application~1json/schema");
            content.or_else(|| described.get("schema"))
        });
        let body = (!reply.body.is_empty()).then(|| reply.json());
        match (schema, body) {
            (None, None) => {}
            (None, Some(_)) => {
                deviations.insert(String::from("body"));
            }
            (Some(_), None) => {
                deviations.insert(String::from("no body"));
            }
            (Some(schema), Some(body)) => self.compare(schema, &body, deviations),
        }
    }

    /// Numbers of rows are left out of places, so that many rows make one deviation.
    fn compare(&self, schema: &Value, body: &Value, deviations: &mut BTreeSet<String>) {
        for error in self.validator(schema).iter_errors(body) {
            let path = error.instance_path().to_string();
            let names = path.split('/').map(|name| match name.parse::<usize>() {
                Ok(_) => "*",
                Err(_) => name,
            });
            let place = names.collect::<Vec<&str>>().join("/");
            let missing = body.pointer(&path).is_some_and(Value::is_null);
            deviations.insert(match missing {
                true => format!("null {place}"),
                false => format!("value {place}: {error}"),
            });
        }
        self.undeclared(&[schema], body, "", deviations);
    }

    /// The schema with what it refers to, in words that a JSON Schema validator knows.
    fn validator(&self, schema: &Value) -> Validator {
        let mut root = json!({ "allOf": [plain(schema)] });
        let mut waiting = references(schema);
        let mut known = BTreeSet::new();
        while let Some(reference) = waiting.pop_first() {
            if !known.insert(reference.clone()) {
                continue;
            }
            let target = self.resolved(&json!({ "$ref": reference })).clone();
            waiting.append(&mut references(&target));
            let mut place = &mut root;
            for name in reference.trim_start_matches("#/").split('/') {
                place = &mut place[name];
            }
            *place = plain(&target);
        }
        let options = jsonschema::draft4::options().should_validate_formats(false);
        options.build(&root).expect("a schema")
    }

    /// Members that no schema declares. A schema without any property declares an object of any kind.
    fn undeclared(
        &self,
        schemas: &[&Value],
        value: &Value,
        place: &str,
        deviations: &mut BTreeSet<String>,
    ) {
        let mut parts = Vec::new();
        for schema in schemas {
            self.parts(schema, &mut parts);
        }
        if let Some(rows) = value.as_array() {
            let items: Vec<&Value> = parts.iter().filter_map(|part| part.get("items")).collect();
            for row in rows {
                self.undeclared(&items, row, &format!("{place}/*"), deviations);
            }
        }
        let properties: Vec<&Map<String, Value>> = parts
            .iter()
            .filter_map(|part| part["properties"].as_object())
            .collect();
        let Some(members) = value.as_object().filter(|_| !properties.is_empty()) else {
            return;
        };
        for (name, member) in members {
            let declared: Vec<&Value> = properties.iter().filter_map(|map| map.get(name)).collect();
            // The keys of custom fields are every company's own.
            let custom = name
                .get(..40)
                .is_some_and(|key| key.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let place = format!("{place}/{}", if custom { "{custom field}" } else { name });
            if declared.is_empty() {
                deviations.insert(format!("member {place}"));
            } else {
                self.undeclared(&declared, member, &place, deviations);
            }
        }
    }

    /// The schema itself and everything it is put together from.
    fn parts<'d>(&'d self, schema: &'d Value, parts: &mut Vec<&'d Value>) {
        let schema = self.resolved(schema);
        parts.push(schema);
        for word in ["allOf", "anyOf", "oneOf"] {
            for part in schema[word].as_array().into_iter().flatten() {
                self.parts(part, parts);
            }
        }
    }
}

/// OpenAPI's `nullable` in the words of JSON Schema.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Array(entries) => entries.iter().map(plain).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let object: Map<String, Value> = members
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect();
            let object = Value::Object(object);
            if schema["nullable"] == true {
                return json!({ "anyOf": [{ "type": "null" }, object] });
            }
            object
        }
        other => other.clone(),
    }
}

fn references(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Array(entries) => entries.iter().flat_map(references).collect(),
        Value::Object(members) => {
            let deeper = members.values().flat_map(references);
            let own = schema["$ref"].as_str().map(str::to_owned);
            deeper.chain(own).collect()
        }
        _ => BTreeSet::new(),
    }
}

#[test]
fn every_exception_cites_a_fact_and_stands_once() {
    let mut seen = BTreeSet::new();
    for exception in exceptions() {
        let Exception {
            vendor,
            call,
            deviations,
            fact,
        } = exception;
        let (file, saying) = fact.split_once(": ").expect("a place and what it says");
        assert!(file.contains(".md") && saying.len() > 10, "{vendor} {call}");
        assert!(!deviations.is_empty(), "{vendor} {call}");
        for deviation in deviations {
            assert!(
                seen.insert((vendor.clone(), call.clone(), deviation.clone())),
                "{vendor} {call}: {deviation} stands twice"
            );
        }
    }
}

/// The checker itself, on a small description: what must be found is found.
#[test]
fn deviations_are_found() {
    let document = Document(json!({
        "definitions": {
            "thing": { "type": "object", "properties": {
                "name": { "type": "string", "nullable": true },
                "parts": { "type": "array", "items": { "$ref": "#/definitions/thing" } },
                "free": { "type": "object" },
            } },
        },
        "paths": { "/things": { "get": {
            "parameters": [
                { "in": "query", "name": "count" },
                { "in": "formData", "name": "key", "required": true },
            ],
            "responses": {
                "200": { "schema": { "$ref": "#/definitions/thing" } },
                "204": {},
                "400": { "schema": { "type": "object", "properties": { "message": {} } } },
            },
        } } },
    }));
    let deviations = |call: &str, sent: &[&str], status: u16, body: &str| {
        let mut described = Described {
            vendor: "none",
            folder: PathBuf::new(),
            found: BTreeSet::new(),
        };
        let reply = Reply {
            status: http::StatusCode::from_u16(status).expect("a status"),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        described.check(&document, call, sent, &reply);
        let found = described.found.into_iter();
        found.map(|(_, found)| found).collect::<Vec<String>>()
    };
    let get = "GET /things";
    let good = r#"{"name":null,"parts":[{"name":"a"}],"free":{"x":1}}"#;
    let none = Vec::<String>::new();
    assert_eq!(
        deviations(get, &["form key", "query count"], 200, good),
        none
    );
    assert_eq!(deviations(get, &["form key"], 204, ""), none);
    assert_eq!(deviations("GET /thing", &[], 200, good), ["path"]);
    assert_eq!(deviations("PUT /things", &[], 200, good), ["path"]);
    assert_eq!(
        deviations(get, &["query size"], 200, good),
        ["missing form key", "query size"]
    );
    let key = &["form key"];
    assert_eq!(
        deviations(get, key, 200, r#"{"nam":1,"parts":[{"x":1}]}"#),
        ["member /nam", "member /parts/*/x"]
    );
    let wrong = deviations(get, key, 200, r#"{"parts":[{"name":1}]}"#);
    assert!(wrong[0].starts_with("value /parts/*/name: "), "{wrong:?}");
    assert_eq!(deviations(get, key, 200, ""), ["no body"]);
    assert_eq!(deviations(get, key, 204, "{}"), ["body"]);
    assert_eq!(
        deviations(get, key, 401, r#"{"message":"no","more":1}"#),
        ["member /more", "status 401"]
    );
}
