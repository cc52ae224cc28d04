//! What instances and elements say of themselves: whether credentials work, which objects there are,
//! which fields they have, and documents for generators of clients.

mod documents;
mod generated;
mod live;
mod shipped;
#[path = "../../../engine/tests/support/swagger.rs"]
mod swagger;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::hub::vendor::Vendor;
use crate::server::{TestOptions, TestServer};

const BASE: &str = "/elements/api-v2";

/// A server with an element of the tests' own, one instance of it, and its vendor.
struct Museum {
    server: TestServer,
    vendor: Vendor,
    instance: i64,
    /// Names the instance by its token.
    header: String,
    _definitions: TempDir,
}

impl Museum {
    async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, TestOptions::default()).await
    }

    async fn start_with(database: TestDatabase, options: TestOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("museum")).expect("a folder");
        let file = folder.path().join("museum/element.json");
        std::fs::write(file, definition().to_string()).expect("a file");
        let vendor = Vendor::start().await;
        vendor.will("GET /base/me", 200, &json!({"id": 1}));
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(vendor.url.clone()),
            ..options
        };
        let server = TestServer::start_with(database, options).await;
        let body = json!({"element": {"key": "museum"}, "name": "ours",
                          "configuration": {"site": "acme", "word": "5ecret-word"}});
        let instance = server.create(&server.admin, &body).await;
        let token = instance["token"].as_str().expect("a token");
        let header = server.admin.with_token(token);
        vendor.seen();
        Self {
            server,
            vendor,
            instance: instance["id"].as_i64().expect("an id"),
            header,
            _definitions: folder,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.get_as(path, Some(&self.header)).await
    }

    async fn get_as(&self, path: &str, header: Option<&str>) -> Answer {
        let mut request = self.server.request("GET", &format!("{BASE}{path}"));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        Answer::of(request).await
    }

    async fn detailed(&self, path: &str) -> Answer {
        let request = self.server.request("GET", &format!("{BASE}{path}"));
        let request = request
            .header("authorization", &self.header)
            .header("elements-version", "Helium");
        Answer::of(request).await
    }

    async fn disable(&self) {
        self.server.set_disabled(self.instance, true).await;
    }
}

fn definition() -> Value {
    let entry =
        |key: &str, kind: &str| json!({"key": key, "name": key, "type": kind, "required": true});
    let mut base = entry("base.url", "TEXTFIELD_1000");
    base["defaultValue"] = json!("https://{site}.museum.example/base");
    let parameter = |name: &str, from: &str, vendor: &str, to: &str| json!({"name": name, "type": from, "vendorName": vendor, "vendorType": to});
    let id = || parameter("id", "path", "id", "path");
    let body = || json!({"name": "body", "type": "body", "vendorName": "body", "vendorType": "body", "required": true});
    let resource = |method: &str, path: &str, vendor: &str, words: Value| {
        let mut resource =
            json!({"method": method, "path": path, "vendorPath": vendor, "type": "api"});
        let members = resource.as_object_mut().expect("an object");
        members.extend(words.as_object().expect("an object").clone());
        resource
    };
    let rule = json!({
        "name": "code", "names": {"Title": "title"}, "initial": "lower", "label": "said", "type": "kind",
        "types": {"number": "number", "flag": "boolean"},
        "required": {"equals": {"must": ["true"]}}, "readOnly": {"present": ["locked"]},
        "hidden": {"equals": {"shown": ["false"]}}, "skip": {"equals": {"kind": ["heading"]}},
        "custom": {"differs": {"origin": ["vendor"]}}, "customBelow": "more",
        "choices": {"at": "choices", "value": "id", "text": "text"},
    });
    let mut definition = json!({
        "id": 9300, "name": "Museum", "key": "museum", "hub": "crm", "description": "Pieces",
        "authentication": {"type": "custom"},
        "configuration": [entry("site", "TEXTFIELD_128"), entry("word", "PASSWORD"), base],
        "parameters": [parameter("word", "configuration", "X-Word", "header")],
        "resources": [
            {"method": "GET", "path": "/me", "vendorPath": "/me", "type": "provisionAuthValidation"},
            resource("GET", "/pieces", "/things", json!({"rootKey": "|rows", "operationId": "getPieces",
                "parameters": [parameter("page", "query", "page", "query"), parameter("pageSize", "query", "size", "query"),
                               parameter("where", "query", "where", "no-op")]})),
            resource("POST", "/pieces", "/things", json!({"parameters": [body()]})),
            resource("GET", "/pieces/{id}", "/things/{id}", json!({"parameters": [id()]})),
            // The same path by another name of its variable.
            resource("PATCH", "/pieces/{pieceId}", "/things/{id}", json!({"parameters": [parameter("pieceId", "path", "id", "path"), body()]})),
            resource("DELETE", "/pieces/{id}", "/things/{id}", json!({"parameters": [id()]})),
            resource("GET", "/pieces/{id}/picture", "/pictures/{id}", json!({"parameters": [id()], "response": {"contentType": "image/png"}})),
            resource("POST", "/pieces/{id}/picture", "/pictures/{id}", json!({"parameters": [id(), parameter("file", "multipart", "file", "multipart"), parameter("note", "multipart", "note", "multipart")]})),
            resource("GET", "/show-cases", "/cases", json!({"paginationType": "VENDOR_NOT_SUPPORTED", "model": {
                "name": "cases", "swagger": {
                    "cases": {"id": "cases", "type": "array", "items": {"$ref": "case"}},
                    "case": {"id": "case", "required": ["name", "nothing"], "properties": {
                        "name": {"type": "string"}, "since": {"type": "string", "format": "date-time"},
                        "place": {"type": "place"}, "within": {"$ref": "case"}}},
                    "place": {"properties": {"room": {"type": "integer"}}}}}})),
            resource("GET", "/{objectName}", "/{objectName}", json!({"type": "apiNoDocumentation", "rootKey": "|rows",
                "parameters": [parameter("objectName", "path", "objectName", "path"), parameter("pageSize", "query", "size", "query")],
                "bunsen": {"only": ["/things"]}})),
            resource("GET", "/fields-of/{objectName}", "/fields", json!({"type": "apiNoDocumentation",
                "rootKey": "|rows", "nextPageKey": "next",
                "parameters": [parameter("objectName", "path", "of", "query"), parameter("pageSize", "query", "size", "query"), parameter("nextPage", "query", "after", "query")],
                "bunsen": {"fields": rule}})),
        ],
        "objects": [{
            "name": "pieces", "vendorName": "things",
            "fields": [
                {"name": "id", "type": "number", "format": "int64", "primaryKey": true, "readOnly": true},
                {"name": "title", "type": "string", "required": true},
                {"name": "key", "type": "string", "response": false},
                {"name": "more", "type": "object"},
            ],
            "bunsen": {"discovery": ["GET:/fields-of/{objectName}"]},
        }],
    });
    let mut next = 9300 * 1000;
    for list in ["configuration", "parameters", "resources"] {
        number(&mut definition[list], &mut next);
    }
    definition
}

/// Every part has an id of its own.
fn number(parts: &mut Value, next: &mut i64) {
    for part in parts.as_array_mut().into_iter().flatten() {
        *next += 1;
        part["id"] = json!(*next);
        if part.get("parameters").is_some() {
            number(&mut part["parameters"], next);
        }
    }
}
