//! What OpenAPI 2.0 demands of a document, as far as generators of clients rely on it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const TYPES: &[&str] = &["string", "number", "integer", "boolean", "array"];
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch"];

/// Everything that is wrong, each with its place.
pub fn mistakes(document: &Value) -> Vec<String> {
    let mut check = Check {
        document,
        mistakes: Vec::new(),
    };
    check.whole();
    check.mistakes
}

struct Check<'a> {
    document: &'a Value,
    mistakes: Vec<String>,
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Check<'_> {
    fn wrong(&mut self, place: &str, what: impl std::fmt::Display) {
        self.mistakes.push(format!("{place}: {what}"));
    }

    /// An object with no other members than these and extensions.
    fn known(&mut self, place: &str, value: &Value, allowed: &[&str]) {
        if !value.is_object() {
            self.wrong(place, "must be an object");
        }
        for (name, _) in members(value) {
            if !allowed.contains(&name.as_str()) && !name.starts_with("x-") {
                self.wrong(place, format!("unknown member {name:?}"));
            }
        }
    }

    fn text(&mut self, place: &str, value: &Value) {
        if !value.is_string() {
            self.wrong(place, "must be a text");
        }
    }

    fn whole(&mut self) {
        let document = self.document;
        let allowed = [
            "swagger",
            "info",
            "host",
            "basePath",
            "schemes",
            "consumes",
            "produces",
            "paths",
            "definitions",
            "parameters",
            "responses",
            "securityDefinitions",
            "security",
            "tags",
            "externalDocs",
        ];
        self.known("document", document, &allowed);
        if document["swagger"] != "2.0" {
            self.wrong("swagger", "must be \"2.0\"");
        }
        self.text("info.title", &document["info"]["title"]);
        self.text("info.version", &document["info"]["version"]);
        let host = document["host"].as_str().unwrap_or("/");
        if host.is_empty() || host.contains(['/', '{', '}', ' ', '\\']) {
            self.wrong("host", format!("{host:?} is no host"));
        }
        if !document["basePath"]
            .as_str()
            .is_some_and(|path| path.starts_with('/'))
        {
            self.wrong("basePath", "must begin with /");
        }
        for scheme in items(&document["schemes"]) {
            if !matches!(scheme.as_str(), Some("http" | "https" | "ws" | "wss")) {
                self.wrong("schemes", scheme);
            }
        }
        let mut tags = BTreeSet::new();
        for tag in items(&document["tags"]) {
            self.known("tags", tag, &["name", "description", "externalDocs"]);
            if !tags.insert(tag["name"].as_str()) {
                self.wrong("tags", format!("{tag} stands twice"));
            }
        }
        for (name, schema) in members(&document["definitions"]) {
            self.schema(&format!("definitions.{name}"), schema);
        }
        self.paths();
    }

    fn paths(&mut self) {
        let document = self.document;
        if !document["paths"].is_object() {
            self.wrong("paths", "is missing");
        }
        let mut patterns = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (path, item) in members(&document["paths"]) {
            let segments = path.split('/');
            let pattern: Vec<&str> = segments
                .map(|segment| {
                    if segment.starts_with('{') {
                        "{}"
                    } else {
                        segment
                    }
                })
                .collect();
            if !path.starts_with('/') || !patterns.insert(pattern) {
                self.wrong(path, "does not begin with /, or equals another path");
            }
            for (method, operation) in members(item) {
                let place = format!("{method} {path}");
                if !METHODS.contains(&method.as_str()) {
                    self.wrong(&place, "is no method");
                    continue;
                }
                self.operation(&place, path, operation);
                let id = operation["operationId"].as_str();
                if id.is_none_or(|id| id.is_empty() || !ids.insert(id)) {
                    self.wrong(&place, format!("needs an id of its own: {id:?}"));
                }
            }
        }
    }

    fn operation(&mut self, place: &str, path: &str, operation: &Value) {
        let allowed = [
            "tags",
            "summary",
            "description",
            "externalDocs",
            "operationId",
            "consumes",
            "produces",
            "parameters",
            "responses",
            "schemes",
            "deprecated",
            "security",
        ];
        self.known(place, operation, &allowed);
        let mut seen = BTreeSet::new();
        let mut places = Vec::new();
        let mut variables = BTreeSet::new();
        for parameter in items(&operation["parameters"]) {
            let name = parameter["name"].as_str().unwrap_or_default();
            let at = parameter["in"].as_str().unwrap_or_default();
            if name.is_empty() || !seen.insert((name, at)) {
                self.wrong(
                    place,
                    format!("parameter {name:?} in {at} stands twice, or has no name"),
                );
            }
            places.push(at);
            if at == "path" {
                variables.insert(name);
            }
            self.parameter(&format!("{place} {name}"), parameter, operation);
        }
        let bodies = places.iter().filter(|at| **at == "body").count();
        if bodies > 1 || (bodies == 1 && places.contains(&"formData")) {
            self.wrong(place, "has more than one body");
        }
        let segments = path.split('/').filter_map(|segment| {
            segment
                .strip_prefix('{')
                .and_then(|segment| segment.strip_suffix('}'))
        });
        let wanted: BTreeSet<&str> = segments.collect();
        if wanted != variables {
            self.wrong(
                place,
                format!("declares {variables:?}, and the path has {wanted:?}"),
            );
        }
        if members(&operation["responses"]).next().is_none() {
            self.wrong(place, "has no answers");
        }
        for (status, response) in members(&operation["responses"]) {
            let place = format!("{place} {status}");
            let number = status.len() == 3 && status.parse::<u16>().is_ok();
            if !number && status != "default" {
                self.wrong(&place, "is no status");
            }
            self.known(
                &place,
                response,
                &["description", "schema", "headers", "examples"],
            );
            self.text(&format!("{place} description"), &response["description"]);
            for (name, header) in members(&response["headers"]) {
                self.known(
                    &place,
                    header,
                    &["type", "format", "items", "description", "default"],
                );
                self.kind(&format!("{place} {name}"), header, TYPES);
            }
            match response.get("schema") {
                Some(schema) if schema["type"] == "file" => {
                    self.known(&place, schema, &["type", "title", "description", "format"]);
                }
                Some(schema) => self.schema(&place, schema),
                None => {}
            }
        }
    }

    fn parameter(&mut self, place: &str, parameter: &Value, operation: &Value) {
        let at = parameter["in"].as_str().unwrap_or_default();
        if at == "body" {
            self.known(
                place,
                parameter,
                &["name", "in", "description", "required", "schema"],
            );
            self.schema(place, &parameter["schema"]);
            return;
        }
        if !matches!(at, "query" | "header" | "path" | "formData") {
            self.wrong(place, format!("cannot be in {at:?}"));
        }
        let allowed = [
            "name",
            "in",
            "description",
            "required",
            "type",
            "format",
            "allowEmptyValue",
            "items",
            "collectionFormat",
            "default",
            "maximum",
            "minimum",
            "maxLength",
            "minLength",
            "pattern",
            "enum",
        ];
        self.known(place, parameter, &allowed);
        if at == "path" && parameter["required"] != true {
            self.wrong(place, "must be required");
        }
        if parameter["type"] == "file" {
            let form = items(&operation["consumes"]).any(|kind| kind == "multipart/form-data");
            if at != "formData" || !form {
                self.wrong(place, "a file needs a form of several parts");
            }
            return;
        }
        self.kind(place, parameter, TYPES);
    }

    fn kind(&mut self, place: &str, value: &Value, allowed: &[&str]) {
        let kind = value["type"].as_str().unwrap_or_default();
        if !allowed.contains(&kind) {
            self.wrong(place, format!("cannot be of type {:?}", value["type"]));
        }
        if kind == "array" && !value["items"].is_object() {
            self.wrong(place, "needs items");
        }
    }

    fn schema(&mut self, place: &str, schema: &Value) {
        if let Some(reference) = schema.get("$ref") {
            let name = reference
                .as_str()
                .and_then(|text| text.strip_prefix("#/definitions/"));
            let definitions: Option<&Map<String, Value>> = self.document["definitions"].as_object();
            let there = definitions
                .zip(name)
                .is_some_and(|(all, name)| all.contains_key(name));
            if !there || schema.as_object().is_some_and(|members| members.len() > 1) {
                self.wrong(
                    place,
                    format!("{reference} leads nowhere, or does not stand alone"),
                );
            }
            return;
        }
        let allowed = [
            "format",
            "title",
            "description",
            "default",
            "multipleOf",
            "maximum",
            "exclusiveMaximum",
            "minimum",
            "exclusiveMinimum",
            "maxLength",
            "minLength",
            "pattern",
            "maxItems",
            "minItems",
            "uniqueItems",
            "maxProperties",
            "minProperties",
            "required",
            "enum",
            "additionalProperties",
            "type",
            "items",
            "allOf",
            "properties",
            "discriminator",
            "readOnly",
            "xml",
            "externalDocs",
            "example",
        ];
        self.known(place, schema, &allowed);
        if schema.get("type").is_some() {
            let allowed: Vec<&str> = TYPES.iter().copied().chain(["object"]).collect();
            self.kind(place, schema, &allowed);
        }
        for member in ["title", "description", "format"] {
            if schema.get(member).is_some_and(|value| !value.is_string()) {
                self.wrong(place, format!("{member} must be a text"));
            }
        }
        if let Some(required) = schema.get("required") {
            let names: BTreeSet<&str> = items(required).filter_map(Value::as_str).collect();
            let count = required.as_array().map_or(0, Vec::len);
            let there = names
                .iter()
                .all(|name| schema["properties"].get(name).is_some());
            if count == 0 || names.len() != count || !there {
                self.wrong(
                    place,
                    format!("required {required} names what is not there, or nothing"),
                );
            }
        }
        for (name, property) in members(&schema["properties"]) {
            self.schema(&format!("{place}.{name}"), property);
        }
        if let Some(items) = schema.get("items") {
            self.schema(&format!("{place}[]"), items);
        }
    }
}
