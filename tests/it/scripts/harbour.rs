//! A definition with hooks around everything that happens to an instance, and its vendor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};

pub const BASE: &str = "/elements/api-v2";
pub const DUE: &str = "update instances set renewal_due_at = now(), renewal_claimed_until = null";

/// One call as the vendor has seen it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Header `x-global`, which the element's own hook sets.
    pub global: String,
    pub signed: String,
    pub form: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub struct World {
    seen: Vec<Seen>,
    codes: Vec<String>,
    refresh: Vec<String>,
    made: u32,
    /// What the vendor tells hooks to do.
    mode: String,
    /// `/v1/gate` answers.
    open: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Vendor(Arc<Mutex<World>>);

impl Vendor {
    pub async fn start() -> (Self, String) {
        let vendor = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(answer).with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (vendor, url)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("the world")
    }

    pub fn code(&self, code: &str) {
        self.world().codes.push(code.to_owned());
    }

    pub fn mode(&self, mode: &str) {
        mode.clone_into(&mut self.world().mode);
    }

    /// From now on `/v1/gate` answers.
    pub fn open(&self) {
        self.world().open = true;
    }

    /// Calls of one path since the start.
    pub fn calls(&self, path: &str) -> Vec<Seen> {
        let world = self.world();
        let seen = world.seen.iter().filter(|seen| seen.path == path);
        seen.cloned().collect()
    }

    /// Refresh tokens that are good.
    pub fn refresh_tokens(&self) -> Vec<String> {
        self.world().refresh.clone()
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
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let path = head.uri.path().to_owned();
    let mode = {
        let mut world = vendor.world();
        world.seen.push(Seen {
            method: head.method.to_string(),
            path: path.clone(),
            global: header("x-global"),
            signed: header("x-signed"),
            form: form.clone(),
        });
        world.mode.clone()
    };
    if path == "/v1/hold" {
        while vendor.world().mode.starts_with("hold") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        return axum::Json(json!({"held": true})).into_response();
    }
    if path == "/v1/gate" {
        while !vendor.world().open {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        return axum::Json(json!({"open": true})).into_response();
    }
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let mut world = vendor.world();
    let answer = match path.as_str() {
        "/token" => {
            let by_code = get("grant_type") == "authorization_code";
            let (known, given) = match by_code {
                true => (&mut world.codes, get("code")),
                false => (&mut world.refresh, get("refresh_token")),
            };
            let Some(at) = known.iter().position(|known| known == given) else {
                let refused = json!({"error": "invalid_grant"});
                return (StatusCode::BAD_REQUEST, axum::Json(refused)).into_response();
            };
            known.remove(at);
            world.made += 1;
            let (access, refresh) = (
                format!("access-{}", world.made),
                format!("refresh-{}", world.made),
            );
            world.refresh.push(refresh.clone());
            let tokens = json!({"access_token": access, "refresh_token": refresh,
                                "expires_in": 3600, "mode": mode});
            match by_code || mode.ends_with("wrapped") {
                true => json!({"data": tokens, "mode": mode}),
                false => tokens,
            }
        }
        "/v1/setup" => json!({"site": "north", "key": "s3cret-key", "mode": mode}),
        "/v1/file/text" => return ([("content-type", "text/csv")], "a,b").into_response(),
        "/v1/file/binary" => return vec![0xff_u8, 0xfe, 0, 1, 2, 3].into_response(),
        "/v1/me" => json!({"id": 1}),
        "/v1/gone" | "/revoke" => json!({"mode": mode}),
        _ => return (StatusCode::NOT_FOUND, path).into_response(),
    };
    axum::Json(answer).into_response()
}

fn hook(kind: &str, body: &str) -> Value {
    json!({"type": kind, "mimeType": "application/javascript", "body": body})
}

fn resource(
    method: &str,
    path: &str,
    vendor: &str,
    kind: &str,
    parameters: Value,
    hooks: Value,
) -> Value {
    json!({"method": method, "path": path, "vendorPath": vendor, "type": kind, "kind": "eb",
           "parameters": parameters, "hooks": hooks})
}

fn file(path: &str, vendor: &str, hooks: Value) -> Value {
    let mut file = resource("GET", path, vendor, "api", json!([]), hooks);
    file["response"] = json!({"contentType": "application/octet-stream"});
    file
}

fn value(text: &str, field: &str) -> Value {
    json!({"name": text, "type": "value", "vendorName": field, "vendorType": "form"})
}

fn given(name: &str) -> Value {
    json!({"name": name, "type": "query", "vendorName": name, "vendorType": "form"})
}

fn returned(key: &str, field: &str, required: bool) -> Value {
    json!({"name": key, "type": "configuration", "vendorName": field, "vendorType": "bodyField",
           "source": "response", "required": required})
}

fn tokens(grant: &str, what: &str) -> Value {
    json!([
        value(grant, "grant_type"), given(what),
        returned("oauth.user.token", "access_token", true),
        returned("oauth.user.refresh_token", "refresh_token", false),
        returned("oauth.user.refresh_interval", "expires_in", false),
        {"name": "oauth.user.refresh_time", "type": "configuration", "vendorType": "value",
         "source": "response", "bunsen": {"generate": "epochMillis"}}
    ])
}

pub fn definition() -> Value {
    let entry = |key: &str, kind: &str, default: Option<&str>| {
        let mut entry = json!({"key": key, "name": key, "type": kind});
        if let Some(default) = default {
            entry["defaultValue"] = json!(default);
        }
        entry
    };
    let unwraps = "
        if (response_body.mode.startsWith('hold')) {
          require('https').get('https://api.harbour.example/v1/hold', a => a.on('data', () => {}).on('end', () => done({response_body: response_body.data, configuration: {renewals: Number(configuration.renewals) + 1}})));
        } else if (response_body.mode === 'fail') {
          throw new Error('cannot read ' + (response_body.access_token || response_body.data.access_token) + ' of ' + request_parameters.code + ' with ' + request_parameters.client_secret);
        } else {
          done({response_body: response_body.data || response_body,
                configuration: {renewals: Number(configuration.renewals) + 1}});
        }";
    let mut definition = json!({
        "id": 9400, "name": "Harbour", "key": "harbour", "hub": "crm",
        "authentication": {"type": "oauth2"},
        "configuration": [
            entry("base.url", "TEXTFIELD_1000", Some("https://api.harbour.example/v1")),
            entry("oauth.authorization.url", "TEXTFIELD_1000", Some("https://login.harbour.example/allow")),
            entry("oauth.token.url", "TEXTFIELD_1000", Some("https://login.harbour.example/token")),
            entry("oauth.api.key", "TEXTFIELD_1000", None),
            entry("oauth.api.secret", "PASSWORD", None),
            entry("oauth.callback.url", "TEXTFIELD_1000", None),
            entry("oauth.user.token", "PASSWORD", None),
            entry("oauth.user.refresh_token", "PASSWORD", None),
            entry("oauth.user.refresh_interval", "TEXTFIELD_32", None),
            entry("oauth.user.refresh_time", "TEXTFIELD_32", None),
            entry("site.id", "TEXTFIELD_64", None),
            entry("site.key", "PASSWORD", None),
            entry("page", "TEXTFIELD_64", Some("plain")),
            entry("renewals", "TEXTFIELD_32", Some("-1")),
        ],
        "hooks": [
            hook("preRequest", "request_vendor_headers['X-Global'] = request_path; done({request_vendor_headers})"),
            hook("postRequest", "done(request_path.endsWith('/plain') ? {response_headers: {'X-Status': response_status_code, 'X-Body': String(response_body)}} : undefined)")
        ],
        "resources": [
            resource("GET", "/oauth-authorize", "https://login.harbour.example/allow", "oauthOnAuthroizeUrl", json!([]), json!([
                hook("preRequest", "done({continue: configuration.page === 'plain' ? true : false})"),
                {"type": "postRequest", "isLegacy": true, "body": "
                    var pages = {plain: response_body + '?client=' + request_parameters.client_id + '&state=theirs',
                                 elsewhere: 'https://evil.example/allow', http: 'http://login.harbour.example/',
                                 local: 'https://127.0.0.1/', text: 'no page', nothing: ''};
                    return {response_body: pages[configuration.page]};"}])),
            resource("POST", "/oauth-token-exchange", "https://login.harbour.example/token", "oauthOnTokenExchange",
                tokens("authorization_code", "code"), json!([
                hook("preRequest", "
                    request_vendor_headers['X-Signed'] = CE.md5(request_parameters.code);
                    done({request_vendor_headers, request_vendor_body_map: Object.assign({}, request_vendor_body_map, {audience: 'a b', secret: request_parameters.client_secret})})"),
                hook("postRequest", unwraps)])),
            resource("POST", "/oauth-token-refresh", "https://login.harbour.example/token", "oauthOnTokenRefresh",
                tokens("refresh_token", "refresh_token"), json!([hook("postRequest", unwraps)])),
            resource("GET", "/setup", "/setup", "onProvision", json!([]), json!([
                hook("postRequest", "
                    if (response_body.mode === 'no site') { throw new Error('no site for ' + configuration['oauth.user.token']); }
                    if (response_body.mode === 'too much') { done({configuration: {'site.key': 'x'.repeat(70000)}}); }
                    if (response_body.mode === 'elsewhere') { done({configuration: {'base.url': 'https://127.0.0.1/v1'}}); }
                    if (response_body.mode === 'told') { done({response_error: 'That site is closed.'}); }
                    done({configuration: {'site.id': response_body.site, 'site.key': response_body.key, session: 'h1dden'}})")])),
            resource("GET", "/local", "/never", "onProvision", json!([]), json!([
                hook("preRequest", "done({continue: false, response_body: {asked: false}})")])),
            resource("GET", "/check", "/me", "provisionAuthValidation", json!([]), json!([])),
            resource("POST", "/gone", "/gone", "onDelete", json!([value("x", "y")]), json!([
                hook("postRequest", "throw new Error('it does not let go')")])),
            resource("POST", "/oauth-token-revoke", "https://login.harbour.example/revoke", "oauthOnTokenRevoke",
                json!([{"name": "oauth.user.token", "type": "configuration", "vendorName": "token", "vendorType": "form"}]),
                json!([hook("preRequest", "done({request_vendor_body_map: {token: request_vendor_body_map.token, all: 'yes'}})")])),
            resource("GET", "/me", "/me", "api", json!([]), json!([])),
            file("/plain", "/file/text", json!([])),
            file("/shown", "/file/text", json!([hook("postRequest", "done({response_body: response_body.toUpperCase(), response_headers: {'X-Seen': response_headers['Content-Type']}})")])),
            file("/binary", "/file/binary", json!([hook("postRequest", "done({response_body: require('util') && response_body, response_headers: {'X-Base64': response_body}})")])),
            file("/cut", "/file/binary", json!([hook("postRequest", "done({response_body: response_body.slice(0, 4)})")])),
            file("/none", "/file/text", json!([hook("postRequest", "done({response_status_code: 404})")])),
            resource("GET", "/rotates", "/gate", "api", json!([]), json!([
                hook("postRequest", "done({configuration: {'site.id': 'rotated'}})")])),
            resource("GET", "/slow", "/me", "api", json!([]), json!([
                hook("postRequest", "require('https').get('https://api.harbour.example/v1/gate', a => a.on('data', () => {}).on('end', () => done({configuration: {'site.id': 'by the hook'}})))")])),
            resource("GET", "/replaces", "/me", "api", json!([]), json!([
                hook("preRequest", "done({configuration: {'site.key': 'brand-new-key'}})"),
                hook("preRequest", "done({configuration: {'site.key': 'newest-key'}, response_error: 'First s3cret-key, then ' + configuration['site.key'] + ', now newest-key.'})")])),
            resource("GET", "/hoards", "/me", "api", json!([]), json!([
                hook("postRequest", "done({configuration: {['kept ' + Object.keys(configuration).length]: 'x'.repeat(40000)}})")])),
        ],
        "bunsen": {"hosts": ["*.harbour.example"]}
    });
    number(&mut definition, &mut 9_400_000);
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

/// A folder with this definition alone.
pub fn folder(definition: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let key = definition["key"].as_str().expect("a key");
    let element = folder.path().join(key);
    std::fs::create_dir(&element).expect("a folder");
    std::fs::write(element.join("element.json"), definition.to_string()).expect("a file");
    folder
}

pub fn body(code: &str) -> Value {
    json!({"element": {"key": "harbour"}, "name": "ours", "providerData": {"code": code},
           "configuration": {"oauth.api.key": "app", "oauth.api.secret": "app-s3cret",
                             "oauth.callback.url": "https://app.example/back"}})
}

pub struct Place {
    pub server: TestServer,
    pub vendor: Vendor,
    _definitions: TempDir,
}

impl Place {
    pub async fn start(database: TestDatabase) -> Self {
        let folder = folder(&definition());
        let (vendor, url) = Vendor::start().await;
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(url),
            ..TestOptions::default()
        };
        Self {
            server: TestServer::start_with(database, options).await,
            vendor,
            _definitions: folder,
        }
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.server.request(method, &format!("{BASE}{path}"));
        let request = request.header("authorization", self.server.admin.header());
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub async fn create(&self, code: &str) -> Answer {
        self.vendor.code(code);
        self.call("POST", "/instances", Some(&body(code))).await
    }

    pub async fn read(&self, instance: &Value) -> Value {
        let path = format!("/instances/{}", instance["id"]);
        self.call("GET", &path, None).await.success()
    }

    /// A hub call of this instance.
    pub fn hub(&self, instance: &Value, path: &str) -> reqwest::RequestBuilder {
        let token = instance["token"].as_str().expect("a token");
        let request = self.server.request("GET", &format!("{BASE}{path}"));
        request.header("authorization", self.server.admin.with_token(token))
    }

    pub async fn count(&self, query: &'static str) -> i64 {
        let count = sqlx::query_scalar(query).fetch_one(&self.server.database.pool);
        count.await.expect("a count")
    }

    pub async fn execute(&self, statement: &'static str) {
        let done = sqlx::query(statement).execute(&self.server.database.pool);
        done.await.expect("a statement");
    }

    pub async fn stored(&self) -> i64 {
        self.count("select count(*) from instances").await
    }
}
