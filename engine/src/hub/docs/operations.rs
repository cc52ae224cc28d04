//! The calls of an element, each as one operation.

use serde_json::{Map, Value, json};

use super::definitions::{CREATE, ERROR, FIELDS, OBJECTS, PING, UPDATE, reference};
use crate::element::objects::{Object, Taken, camel};
use crate::element::shape::{Origin, PathSegment};
use crate::element::{Element, Group, Resource, ResourceKind};

pub struct Call<'a> {
    pub path: String,
    pub method: &'a str,
    pub id: String,
    /// `METHOD-path` with `-` for slashes.
    pub alias: String,
    pub tag: String,
    pub object: Option<&'a Object>,
    kind: Kind<'a>,
    /// Names of the path's variables, where another call of the path has named them first.
    variables: Vec<String>,
}

enum Kind<'a> {
    Of(&'a Resource),
    Ping,
    Objects,
    Metadata,
    Docs,
}

/// What every instance answers.
const OWN: [(&str, Kind<'static>); 4] = [
    ("/ping", Kind::Ping),
    ("/objects", Kind::Objects),
    ("/objects/{objectName}/metadata", Kind::Metadata),
    ("/objects/{objectName}/docs", Kind::Docs),
];

const STATUSES: &[(&str, &str)] = &[
    ("400", "The call is wrong; `message` says what to correct."),
    (
        "401",
        "A secret or the token is wrong, or the vendor refused the instance's credentials.",
    ),
    ("403", "The instance is disabled, or the vendor forbids it."),
    ("404", "There is nothing of this name or id."),
    ("405", "The path does not have this method."),
    ("406", "`Accept` asks for what is not to be had."),
    ("409", "It would clash with what the vendor has."),
    ("415", "The body is of a type that is not read."),
    ("500", "This server failed."),
    (
        "502",
        "The vendor cannot be reached, or answered with what nobody can use.",
    ),
];

/// Of calls that share a path and a method the first one counts, as it does when they are called.
pub fn of<'a>(element: &'a Element, group: Option<&Group>) -> Vec<Call<'a>> {
    let mut calls: Vec<Call<'a>> = Vec::new();
    let own = OWN.into_iter().map(|(path, kind)| {
        let segments = crate::element::shape::segments(path);
        (segments, "GET", kind, None, "platform".to_owned())
    });
    let declared = element.resources.iter().filter(|resource| {
        resource.kind == ResourceKind::Api
            && group.is_none_or(|group| {
                resource.groups.is_empty() || resource.groups.contains(&group.name)
            })
    });
    let declared = declared.map(|resource| {
        let object = element.object_of(resource);
        let first = resource.shape.path.iter().find_map(literal);
        let tag = first.unwrap_or("platform").to_owned();
        (
            resource.shape.path.clone(),
            resource.method.as_str(),
            Kind::Of(resource),
            object,
            tag,
        )
    });
    for (segments, method, kind, object, tag) in own.chain(declared) {
        // Two paths that differ only in the names of their variables are one.
        let same = calls
            .iter()
            .find(|call| pattern(&call.path) == pattern(&written(&segments)));
        let path = same.map_or_else(|| written(&segments), |same| same.path.clone());
        if calls
            .iter()
            .any(|call| call.path == path && call.method == method)
        {
            continue;
        }
        let alias = alias(method, &segments);
        let id = match &kind {
            Kind::Of(resource) => resource.described.operation.clone(),
            _ => None,
        };
        let mut id = id.unwrap_or_else(|| alias.clone());
        let mut number = 2;
        while calls.iter().any(|call| call.id == id) {
            id = format!(
                "{}-{number}",
                id.trim_end_matches(char::is_numeric).trim_end_matches('-')
            );
            number += 1;
        }
        let variables = crate::element::shape::segments(&path);
        let variables = variables.into_iter().filter_map(|segment| match segment {
            PathSegment::Variable(name) => Some(name),
            PathSegment::Literal(_) => None,
        });
        calls.push(Call {
            variables: variables.collect(),
            path,
            method,
            id,
            alias,
            tag,
            object,
            kind,
        });
    }
    calls
}

fn literal(segment: &PathSegment) -> Option<&str> {
    match segment {
        PathSegment::Literal(literal) => Some(literal.as_str()),
        PathSegment::Variable(_) => None,
    }
}

fn written(segments: &[PathSegment]) -> String {
    let written = segments.iter().map(|segment| match segment {
        PathSegment::Literal(literal) => format!("/{literal}"),
        PathSegment::Variable(name) => format!("/{{{name}}}"),
    });
    written.collect()
}

fn pattern(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| match segment.starts_with('{') {
            true => "{}",
            false => segment,
        });
    segments.collect::<Vec<_>>().join("/")
}

fn alias(method: &str, segments: &[PathSegment]) -> String {
    let mut alias = method.to_owned();
    for segment in segments {
        let (PathSegment::Literal(name) | PathSegment::Variable(name)) = segment;
        alias.push('-');
        alias.push_str(name);
    }
    alias
}

impl Call<'_> {
    /// The resource that the definition has for it.
    pub fn resource(&self) -> Option<&Resource> {
        match self.kind {
            Kind::Of(resource) => Some(resource),
            _ => None,
        }
    }

    pub fn operation(&self, basic: bool) -> Value {
        let mut operation = Map::new();
        let mut say = |member: &str, value: Value| operation.insert(member.to_owned(), value);
        say("operationId", json!(self.id));
        say("tags", json!([self.tag]));
        say("summary", json!(self.summary()));
        let parameters = self.parameters();
        let multipart = parameters
            .iter()
            .any(|parameter| parameter["type"] == "file");
        let form = parameters
            .iter()
            .any(|parameter| parameter["in"] == "formData");
        if multipart {
            say("consumes", json!(["multipart/form-data"]));
        } else if form {
            say("consumes", json!(["application/x-www-form-urlencoded"]));
        }
        if self.resource().is_some_and(|resource| resource.shape.raw) {
            say("produces", json!(["application/octet-stream"]));
        }
        say("parameters", Value::Array(parameters));
        say("responses", self.responses(basic));
        Value::Object(operation)
    }

    fn summary(&self) -> String {
        let own = match self.kind {
            Kind::Of(resource) => resource.description.clone(),
            Kind::Ping => Some("whether the credentials work".to_owned()),
            Kind::Objects => Some("kinds of records".to_owned()),
            Kind::Metadata => Some("fields of an object".to_owned()),
            Kind::Docs => Some("calls of an object, as such a document".to_owned()),
        };
        own.unwrap_or_else(|| format!("{} {}", self.method, self.path))
    }

    fn parameters(&self) -> Vec<Value> {
        let mut parameters = vec![json!({
            "name": "Authorization",
            "in": "header",
            "description": "User …, Organization …, Element …: who calls, and for which instance.",
            "type": "string",
            "required": true,
        })];
        for name in &self.variables {
            parameters.push(json!({
                "name": name,
                "in": "path",
                "description": "Of the path.",
                "type": "string",
                "required": true,
            }));
        }
        match self.kind {
            Kind::Of(resource) => self.of_resource(resource, &mut parameters),
            Kind::Objects => parameters.push(json!({
                "name": "Elements-Version",
                "in": "header",
                "description": "`Helium` answers a list of objects with `name`, `vendorName` and `type`.",
                "type": "string",
                "required": false,
            })),
            Kind::Metadata => parameters.extend([
                flag("customFieldsOnly", "Only fields that the vendor's customer has added."),
                flag("includePath", "`false` leaves out `path`."),
            ]),
            Kind::Docs => parameters.extend([
                flag("discovery", "The vendor is asked for the fields that it has."),
                flag("basic", "Without the fields of records."),
                flag("resolveReferences", "References are replaced by what they refer to."),
            ]),
            Kind::Ping => {}
        }
        parameters
    }

    fn of_resource(&self, resource: &Resource, parameters: &mut Vec<Value>) {
        let mut fields: Vec<&Taken> = Vec::new();
        let mut body = None;
        let takes = &resource.described.takes;
        let form = takes.iter().any(|taken| taken.origin == Origin::Form);
        let own: Vec<&String> = resource
            .shape
            .path
            .iter()
            .filter_map(|segment| match segment {
                PathSegment::Variable(name) => Some(name),
                PathSegment::Literal(_) => None,
            })
            .collect();
        for taken in takes {
            let place = match taken.origin {
                Origin::Header if taken.name.eq_ignore_ascii_case("authorization") => continue,
                Origin::Header => "header",
                Origin::Query => "query",
                Origin::Form => "formData",
                Origin::Path => {
                    let at = own.iter().position(|name| **name == taken.name);
                    let shown = at.and_then(|at| self.variables.get(at));
                    let known = shown.and_then(|name| {
                        parameters
                            .iter_mut()
                            .find(|p| p["in"] == "path" && p["name"] == **name)
                    });
                    if let (Some(known), Some(text)) = (known, &taken.description)
                        && let Some(known) = known.as_object_mut()
                    {
                        known.insert("description".to_owned(), json!(text));
                    }
                    continue;
                }
                Origin::Body => {
                    body = Some(taken);
                    continue;
                }
                Origin::BodyField => {
                    fields.push(taken);
                    continue;
                }
            };
            let known =
                |parameter: &Value| parameter["in"] == place && parameter["name"] == taken.name;
            if !parameters.iter().any(known) {
                parameters.push(parameter(taken, place));
            }
        }
        if resource.shape.is_list() {
            for name in ["page", "pageSize", "nextPage"] {
                if !parameters
                    .iter()
                    .any(|p| p["in"] == "query" && p["name"] == name)
                {
                    parameters.push(parameter(&query(name), "query"));
                }
            }
        }
        // A call has a form or a body.
        if !form && (body.is_some() || !fields.is_empty()) {
            let schema = match (body, fields.as_slice()) {
                (None, fields) => of_fields(fields),
                _ => self.request_schema(resource),
            };
            let required = body.map_or_else(
                || fields.iter().any(|field| field.required),
                |body| body.required,
            );
            parameters.push(json!({
                "name": "body",
                "in": "body",
                "description": body.and_then(|body| body.description.clone()).unwrap_or_else(|| "The record.".to_owned()),
                "required": required,
                "schema": schema,
            }));
        }
    }

    fn request_schema(&self, resource: &Resource) -> Value {
        if let Some(model) = &resource.described.request {
            return reference(model);
        }
        let Some(object) = self.object.filter(|object| !object.fields.is_empty()) else {
            return json!({"type": "object"});
        };
        let suffix = match self.method {
            "POST" => CREATE,
            _ => UPDATE,
        };
        reference(&format!("{}{suffix}", camel(&object.name)))
    }

    fn responses(&self, basic: bool) -> Value {
        let mut success =
            Map::from_iter([("description".to_owned(), json!("As it was asked for."))]);
        if let Some(schema) = self.answer_schema() {
            success.insert("schema".to_owned(), schema);
        }
        if self
            .resource()
            .is_some_and(|resource| resource.shape.is_list())
        {
            success.insert("headers".to_owned(), list_headers());
        }
        let mut responses = Map::from_iter([("200".to_owned(), Value::Object(success))]);
        for (status, meaning) in STATUSES {
            let mut failure = json!({"description": meaning});
            if !basic && let Some(failure) = failure.as_object_mut() {
                failure.insert("schema".to_owned(), reference(ERROR));
            }
            responses.insert((*status).to_owned(), failure);
        }
        Value::Object(responses)
    }

    fn answer_schema(&self) -> Option<Value> {
        let resource = match self.kind {
            Kind::Of(resource) => resource,
            Kind::Ping => return Some(reference(PING)),
            Kind::Objects => return Some(json!({"type": "array", "items": reference(OBJECTS)})),
            Kind::Metadata => return Some(reference(FIELDS)),
            Kind::Docs => return Some(json!({"type": "object"})),
        };
        if self.method == "DELETE" {
            return None;
        }
        if resource.shape.raw {
            return Some(json!({"type": "file"}));
        }
        if let Some(model) = &resource.described.answer {
            return Some(reference(model));
        }
        let record = match self.object.filter(|object| !object.fields.is_empty()) {
            Some(object) => reference(&camel(&object.name)),
            None => json!({"type": "object"}),
        };
        Some(match resource.shape.is_list() {
            true => json!({"type": "array", "items": record}),
            false => record,
        })
    }
}

fn list_headers() -> Value {
    json!({
        "Elements-Returned-Count": {"type": "integer", "description": "Records of this page."},
        "Elements-Total-Count": {"type": "integer", "description": "Records in all, where it is known."},
        "Elements-Next-Page-Token": {"type": "string", "description": "For `nextPage`; absent on the last page."},
    })
}

fn flag(name: &str, description: &str) -> Value {
    json!({"name": name, "in": "query", "description": description, "type": "boolean", "required": false})
}

fn query(name: &str) -> Taken {
    Taken {
        name: name.to_owned(),
        origin: Origin::Query,
        data_type: None,
        description: None,
        required: false,
        multipart: false,
    }
}

fn parameter(taken: &Taken, place: &str) -> Value {
    let mut parameter = typed(taken.data_type.as_deref(), place == "formData", taken);
    let known = match taken.name.as_str() {
        "where" => "Conditions: `name = 'x' AND updated_at > '2026-01-31'`.",
        "orderBy" => "Fields with `asc` or `desc`, joined by commas.",
        "fields" => "Names of the fields to answer, joined by commas.",
        "page" => "Number of the page, from 1 on.",
        "pageSize" => "Records of a page.",
        "nextPage" => "The header `Elements-Next-Page-Token` of the page before.",
        _ => "",
    };
    let description = taken.description.as_deref().unwrap_or(known);
    if let Some(members) = parameter.as_object_mut() {
        members.insert("name".to_owned(), json!(taken.name));
        members.insert("in".to_owned(), json!(place));
        members.insert("required".to_owned(), json!(taken.required));
        members.insert("description".to_owned(), json!(description));
    }
    parameter
}

fn typed(data_type: Option<&str>, form: bool, taken: &Taken) -> Value {
    match data_type.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" if matches!(taken.name.as_str(), "page" | "pageSize") => {
            json!({"type": "integer", "format": "int32"})
        }
        "" if taken.multipart && taken.name == "file" => json!({"type": "file"}),
        "file" if form => json!({"type": "file"}),
        "integer" | "int" => json!({"type": "integer", "format": "int32"}),
        "long" => json!({"type": "integer", "format": "int64"}),
        "float" => json!({"type": "number", "format": "float"}),
        "double" | "number" => json!({"type": "number", "format": "double"}),
        "boolean" => json!({"type": "boolean"}),
        "date" => json!({"type": "string", "format": "date"}),
        "datetime" => json!({"type": "string", "format": "date-time"}),
        format @ ("password" | "byte" | "binary") => json!({"type": "string", "format": format}),
        _ => json!({"type": "string"}),
    }
}

/// A body that is only known by some of its fields.
fn of_fields(fields: &[&Taken]) -> Value {
    let mut schema = json!({"type": "object", "properties": {}});
    for field in fields {
        let leaf = typed(field.data_type.as_deref(), false, field);
        super::definitions::put(&mut schema, &field.name, leaf, field.required);
    }
    schema
}
