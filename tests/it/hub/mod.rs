//! Hub calls over HTTP: of shipped elements against their simulated vendors, and of an element of the
//! tests' own against a vendor that answers what it is told to.
//!
//! What speaks of a vendor's own resources is data beside its element.

mod calls;
mod failures;
mod files;
mod given;
mod keyed;
mod logged;
mod remembered;
mod renewal;
mod shipped;
pub mod vendor;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use vendor::Vendor;

const BASE: &str = "/elements/api-v2";

/// A server with an element of the tests' own.
struct Depot {
    server: TestServer,
    vendor: Vendor,
    instance: Value,
    /// Names the instance by its token.
    header: String,
    _definitions: TempDir,
}

impl Depot {
    async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, TestOptions::default()).await
    }

    async fn start_with(database: TestDatabase, options: TestOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("depot")).expect("a folder");
        let file = folder.path().join("depot/element.json");
        std::fs::write(file, definition().to_string()).expect("a file");
        let vendor = Vendor::start().await;
        vendor.will("GET /base/me", 200, &json!({"id": 1}));
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(vendor.url.clone()),
            ..options
        };
        let server = TestServer::start_with(database, options).await;
        let instance = server.create(&server.admin, &body("ours")).await;
        let header = by_token(&server, &instance);
        vendor.seen();
        Self {
            server,
            vendor,
            instance,
            header,
            _definitions: folder,
        }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.server
            .request(method, &format!("{BASE}{path}"))
            .header("authorization", &self.header)
    }

    async fn call(&self, method: &str, path: &str) -> Answer {
        Answer::of(self.request(method, path)).await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(method, path).json(body)).await
    }
}

fn by_token(server: &TestServer, instance: &Value) -> String {
    let token = instance["token"].as_str().expect("a token");
    server.admin.with_token(token)
}

fn body(name: &str) -> Value {
    json!({"element": {"key": "depot"}, "name": name,
           "configuration": {"site": "acme", "word": "5ecret-word"}})
}

/// A hook that makes something at the vendor before the call.
const WRITES_ASIDE: &str = "const call = require('https').request({method: 'POST', hostname: 'acme.depot.example', path: '/base/side'}, (answer) => { answer.resume(); answer.on('end', () => done({})); }); call.on('error', (error) => { throw error; }); call.end();";

fn parameter(name: &str, from: &str, vendor: &str, to: &str) -> Value {
    json!({"name": name, "type": from, "vendorName": vendor, "vendorType": to})
}

fn resource(method: &str, path: &str, vendor: &str, words: Value) -> Value {
    let mut resource = json!({"method": method, "path": path, "vendorPath": vendor, "type": "api"});
    let members = resource.as_object_mut().expect("an object");
    members.extend(words.as_object().expect("an object").clone());
    resource
}

fn definition() -> Value {
    let entry =
        |key: &str, kind: &str| json!({"key": key, "name": key, "type": kind, "required": true});
    let mut base = entry("base.url", "TEXTFIELD_1000");
    base["defaultValue"] = json!("https://{site}.depot.example/base");
    let mut largest = entry("pagination.max", "TEXTFIELD_32");
    largest["defaultValue"] = json!("3");
    let id = || parameter("id", "path", "id", "path");
    let by_body = || json!({"name": "body", "type": "body", "vendorName": "body", "vendorType": "body", "required": true});
    let pages = || {
        [
            parameter("page", "query", "page", "query"),
            parameter("pageSize", "query", "size", "query"),
            parameter("where", "query", "where", "no-op"),
            parameter("orderBy", "query", "orderBy", "no-op"),
            parameter("fields", "query", "fields", "no-op"),
        ]
    };
    let filter = json!({"push": [{"field": "name", "operators": ["="], "query": "called"},
                                 {"field": "id", "operators": ["="], "resource": "GET:/boxes/{id}"}],
                        "local": ["id", "weight"]});
    // Filled by an answer.
    let mut visits = entry("visits.token", "PASSWORD");
    visits["required"] = json!(false);
    let mut definition = json!({
        "id": 9200, "name": "Depot", "key": "depot", "hub": "crm",
        "authentication": {"type": "custom"},
        "configuration": [entry("site", "TEXTFIELD_128"), entry("word", "PASSWORD"), visits, base, largest],
        "parameters": [],
        "resources": [
            {"method": "GET", "path": "/me", "vendorPath": "/me", "type": "provisionAuthValidation"},
            resource("GET", "/boxes", "/boxes", json!({"rootKey": "|rows", "parameters": pages(),
                "bunsen": {"filter": filter, "paging": {"type": "page", "total": "all"}}})),
            // The vendor answers an id alone: what is made is read again.
            resource("POST", "/boxes", "/boxes", json!({"parameters": [by_body()], "nextResource": "GET:/boxes-made"})),
            resource("GET", "/boxes-made", "/boxes/{made}", json!({"type": "apiNoDocumentation", "rootKey": "|box",
                "parameters": [parameter("id", "prevBodyField", "made", "path")]})),
            resource("GET", "/boxes/{id}", "/boxes/{id}", json!({"rootKey": "|box", "parameters": [id()]})),
            resource("PATCH", "/boxes/{id}", "/boxes/{id}", json!({"vendorMethod": "PUT", "rootKey": "box|box", "parameters": [id(), by_body()]})),
            resource("DELETE", "/boxes/{id}", "/boxes/{id}", json!({"parameters": [id()]})),
            resource("GET", "/boxes/{id}/picture", "/pictures/{id}", json!({"parameters": [id()], "response": {"contentType": "image/png"}})),
            resource("POST", "/boxes/{id}/papers", "/papers", json!({"rootKey": "|paper", "parameters": [
                parameter("id", "path", "box", "multipart"), parameter("en", "value", "language", "multipart"),
                {"name": "file", "type": "multipart", "vendorName": "content", "vendorType": "multipart", "required": true},
                parameter("paper", "body", "data", "multipart")]})),
            resource("POST", "/labels", "/labels", json!({"parameters": [parameter("colour", "form", "color", "form"), parameter("text", "form", "text", "form")]})),
            resource("GET", "/secrets", "/secrets", json!({"parameters": [parameter("Authorization", "header", "X-Theirs", "header"), parameter("X-Mine", "header", "X-Mine", "header")]})),
            resource("GET", "/users", "/people", json!({})),
            resource("PUT", "/seals/{id}", "/seals/{id}", json!({"parameters": [id(), by_body()], "bunsen": {"once": "a seal on the box"}})),
            resource("POST", "/labels-of/{id}", "/labels-of/{id}", json!({"parameters": [id(), by_body()]})),
            resource("POST", "/marks", "/marks", json!({"parameters": [by_body()], "bunsen": {"repeatable": true}})),
            // Two that write, one after the other.
            resource("POST", "/stacks", "/stacks", json!({"parameters": [by_body()], "nextResource": "POST:/stacked"})),
            resource("POST", "/stacked", "/stacks/{made}/boxes", json!({"type": "apiNoDocumentation",
                "parameters": [parameter("id", "prevBodyField", "made", "path"), by_body()]})),
            resource("POST", "/hooked", "/hooked", json!({"parameters": [by_body()],
                "hooks": [{"type": "postRequest", "mimeType": "application/javascript", "body": "throw new Error('no');"}]})),
            resource("POST", "/denied", "/denied", json!({"parameters": [by_body()],
                "hooks": [{"type": "postRequest", "mimeType": "application/javascript", "body": "done({response_status_code: 404});"}]})),
            resource("POST", "/sided", "/sided", json!({"parameters": [by_body()],
                "hooks": [{"type": "preRequest", "mimeType": "application/javascript", "body": WRITES_ASIDE}]})),
        ],
        "bunsen": {
            "hosts": ["*.depot.example"],
            "groups": [{"name": "custom", "title": "A word",
                        "authenticate": {"headers": {"X-Word": "{config.word}"}}}],
            "fault": [{"when": {"status": [200], "present": ["complaint"]}, "status": 409, "message": "The depot complains."}],
        },
    });
    definition["objects"] = given::objects();
    let resources = definition["resources"].as_array_mut();
    resources.expect("a list").extend(given::resources());
    number(&mut definition, &mut 9_200_000);
    definition
}

/// Every part gets an id of its own.
fn number(part: &mut Value, next: &mut i64) {
    for list in ["configuration", "parameters", "resources", "hooks"] {
        for member in part[list].as_array_mut().into_iter().flatten() {
            *next += 1;
            member["id"] = json!(*next);
            if list == "resources" {
                number(member, next);
            }
        }
    }
}
