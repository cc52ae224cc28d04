//! An element with a list of every kind of paging, and a vendor that answers it.

mod bounds;
mod calls;
mod given;
mod plan;
mod routes;
mod slices;
mod tokens;
mod walks;

use std::cell::OnceCell;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value as Json, json};

use super::*;
use crate::configuration::Values;
use crate::element::tests::sample;
use crate::element::{Element, Resource};
use crate::reply::VendorReply;
use crate::request::Inputs;
use crate::request::tests::{element, values};

static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

fn parameter(id: i64, name: &str, from: &str, vendor: &str, to: &str) -> Json {
    json!({"id": id, "name": name, "type": from, "vendorName": vendor, "vendorType": to})
}

fn list(id: i64, path: &str, pages: [&str; 2], words: Json) -> Json {
    let mut filter = json!({"push": [
        {"field": "email", "operators": ["=", "IN"], "query": "mail"},
        {"field": "changed", "operators": [">", ">="], "query": "since", "as": "dateTime", "loose": true},
        {"field": "changed", "operators": ["<", "<="], "query": "until", "as": "dateTime", "loose": true},
        {"field": "state", "operators": ["="], "query": "state", "parameter": true},
        {"field": "id", "operators": ["="], "resource": "GET:/people/{id}"}
    ], "local": ["id", "n", "name", "changed", "custom.*"]});
    filter["push"]
        .as_array_mut()
        .unwrap()
        .extend(words["push"].as_array().cloned().unwrap_or_default());
    let mut resource = json!({
        "id": id, "method": "GET", "path": path, "vendorPath": format!("/v{path}"), "type": "api", "rootKey": "|data.rows",
        "parameters": [
            {"id": id + 1, "name": "page", "type": "query", "vendorName": pages[0], "vendorType": "query"},
            parameter(id + 2, "pageSize", "query", pages[1], "query"),
            parameter(id + 3, "nextPage", "query", "cursor", "query"),
            parameter(id + 4, "where", "query", "where", "no-op"),
            parameter(id + 5, "2000-01-01T00:00:00Z", "value", "since", "query")
        ],
        "bunsen": {"filter": filter}
    });
    for (name, value) in words.as_object().unwrap() {
        if name == "paging" || name == "order" {
            resource["bunsen"][name] = value.clone();
        } else if name != "push" {
            resource[name] = value.clone();
        }
    }
    resource
}

fn definition() -> Json {
    let mut json = sample();
    json["configuration"].as_array_mut().unwrap().push(json!(
        {"id": 9, "key": "pagination.max", "name": "Page", "type": "TEXTFIELD_32", "defaultValue": "{\"default\": 7, \"peopleNotes\": 3}"}
    ));
    let one = |id: i64, method: &str, words: Json| {
        let mut resource = json!({
            "id": id, "method": method, "path": "/hubs/crm/people/{id}", "vendorPath": "/v/people/{person}", "type": "api",
            "rootKey": "|data", "parameters": [parameter(id + 1, "id", "path", "person", "path")]
        });
        let merged = resource.as_object_mut().unwrap();
        merged.extend(words.as_object().unwrap().clone());
        resource
    };
    let by_body = |id: i64| json!({"id": id, "name": "body", "type": "body", "vendorName": "body", "vendorType": "body", "required": true});
    json["resources"].as_array_mut().unwrap().extend([
        list(1000, "/people", ["page", "size"], json!({"paging": {"total": "total"}, "order": {"query": "sort", "direction": "way", "fields": ["n"]}})),
        list(1010, "/linked", ["page", "size"], json!({"push": [{"field": "name", "operators": ["="], "resource": "GET:/people/{id}", "by": "GET:/people-named/{name}"}],
            "paging": {"link": true, "max": 11}, "order": {"query": "sort", "fields": ["n", "name"]}})),
        list(1020, "/orders", ["start", "limit"], json!({"paging": {"type": "offset", "more": "paging.more"}})),
        list(1030, "/events", ["page", "limit"], json!({"nextPageKey": "paging.next"})),
        list(1040, "/kinds", ["page", "limit"], json!({"paginationType": "VENDOR_NOT_SUPPORTED"})),
        one(1100, "GET", json!({})),
        json!({"id": 1190, "method": "GET", "path": "/people-named/{name}", "vendorPath": "/v/named", "type": "apiNoDocumentation", "rootKey": "|named",
               "parameters": [parameter(1191, "name", "path", "text", "query")]}),
        one(1110, "PATCH", json!({"vendorMethod": "PUT", "rootKey": "person.own|data", "bunsen": {"wrap": "man"}, "parameters": [
            parameter(1111, "id", "path", "person", "path"), by_body(1112),
            {"id": 1113, "name": "id", "type": "path", "vendorName": "links[0].of", "vendorType": "bodyField", "vendorDataType": "integer"},
            parameter(1114, "true", "value", "links[0].main", "bodyField"),
        ]})),
        one(1120, "DELETE", json!({})),
        json!({"id": 1130, "method": "POST", "path": "/people", "vendorPath": "/v/people", "type": "api", "parameters": [by_body(1131),
            {"id": 1132, "name": "X-Source", "type": "header", "vendorName": "X-From", "vendorType": "header"},
            {"id": 1133, "name": "folder", "type": "query", "vendorName": "dir", "vendorType": "query", "required": true}
        ]}),
        json!({"id": 1140, "method": "GET", "path": "/people/recent", "vendorPath": "/v/recent", "type": "api", "rootKey": "items[*].item"}),
        json!({"id": 1152, "method": "GET", "path": "/{objectName}/{id}/{childName}", "vendorPath": "/v/some", "type": "apiNoDocumentation",
            "bunsen": {"only": ["/wares/{id}/parts", "/makers/{id}/wares"]}}),
        json!({"id": 1150, "method": "GET", "path": "/{objectName}/{id}", "vendorPath": "/v/any", "type": "apiNoDocumentation",
            "bunsen": {"only": ["/things/{id}"]}}),
        json!({"id": 1160, "method": "GET", "path": "/files/{id}", "vendorPath": "/v/file", "type": "api", "response": {"contentType": "application/octet-stream"}}),
        json!({"id": 1170, "method": "GET", "path": "/odata", "vendorPath": "/v/odata", "type": "api", "parameters": [
            {"id": 1171, "name": "where", "type": "query", "vendorName": "converter:toODataFilter", "vendorType": "query"}]}),
        json!({"id": 1180, "method": "GET", "path": "/pairs", "vendorPath": "/v/pairs", "type": "api", "parameters": [
            {"id": 1181, "name": "where", "type": "query", "vendorName": "where", "vendorType": "query", "converter": "toQueryParameters"}]}),
    ]);
    // Every list is held against the element's own converter otherwise.
    json["parameters"].as_array_mut().unwrap().pop();
    json
}

static ELEMENT: LazyLock<Arc<Element>> = LazyLock::new(|| element(&definition()));

fn effective() -> Values {
    let stored = values(&ELEMENT, &[("site", "acme"), ("token", "secret-token")]);
    ELEMENT.effective(&ELEMENT.groups[1], &stored)
}

fn route(method: &str, path: &str) -> Result<Route<'static>, Lost> {
    let method: Method = method.parse().unwrap();
    let element: &'static Element = &ELEMENT;
    element.route(&element.groups[1], &method, path)
}

fn resource(method: &str, path: &str) -> &'static Resource {
    route(method, path).unwrap().resource
}

fn caller(method: &str, path: &str, query: &str, body: &str) -> Caller<'static> {
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    let body = Bytes::from(body.to_owned());
    Caller::new(
        route(method, path).unwrap(),
        query.collect(),
        &NO_HEADERS,
        body,
    )
}

fn with_inputs<T>(run: impl FnOnce(&Inputs<'_>) -> T) -> T {
    let values = effective();
    run(&Inputs {
        configuration: &values,
        previous: None,
        request: None,
        now: 0,
    })
}

fn reply(status: u16, body: impl Into<Bytes>) -> VendorReply {
    VendorReply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

fn key() -> TokenKey {
    TokenKey::new(&[7; 32], "instance 1")
}
