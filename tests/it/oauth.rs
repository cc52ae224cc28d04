//! Log-ins where a person allows access in a browser, and those by a private key, against a vendor
//! of the tests' own.

mod clients;
mod codes;
mod keys;
mod pages;
mod proxies;
mod public;
mod repeated;
mod revoked;
pub mod simulated;
mod tokens;
mod traces;
mod vendor;
mod version_1;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use vendor::Vendor;

const BASE: &str = "/elements/api-v2";
const CALLBACK: &str = "https://app.example/back";

struct Place {
    server: TestServer,
    vendor: Vendor,
    _definitions: TempDir,
}

impl Place {
    async fn start(database: TestDatabase) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, definition) in [tidepost(), by_key(), version_1(), polite()]
            .iter()
            .enumerate()
        {
            let key = definition["key"].as_str().expect("a key");
            let mut definition = definition.clone();
            number_parts(&mut definition, 9_000_000 + 1000 * number as i64);
            std::fs::create_dir(folder.path().join(key)).expect("a folder");
            let file = folder.path().join(key).join("element.json");
            std::fs::write(file, definition.to_string()).expect("a file");
        }
        let vendor = Vendor::start().await;
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(vendor.url.clone()),
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, options).await;
        Place {
            server,
            vendor,
            _definitions: folder,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.server.request(method, &format!("{BASE}{path}"));
        let request = request.header("authorization", self.server.admin.header());
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Without a header.
    async fn open(&self, path: &str) -> Answer {
        Answer::of(self.server.request("GET", &format!("{BASE}{path}"))).await
    }

    async fn create(&self, body: &Value) -> Answer {
        self.call("POST", "/instances", Some(body)).await
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from instances")
            .fetch_one(&self.server.database.pool)
            .await
            .expect("a count")
    }

    async fn generation(&self, instance: &Value) -> i64 {
        sqlx::query_scalar("select generation from instances where id = $1")
            .bind(instance["id"].as_i64().expect("an id"))
            .fetch_one(&self.server.database.pool)
            .await
            .expect("a generation")
    }
}

/// An application of ours at the vendor.
fn application() -> Value {
    json!({"site.address": "acme.tidepost.example", "oauth.api.key": "app",
           "oauth.api.secret": "app-secret", "oauth.callback.url": CALLBACK})
}

fn body(element: &str, configuration: Value, provider_data: Value) -> Value {
    json!({"element": {"key": element}, "name": "by the browser", "configuration": configuration,
           "providerData": provider_data})
}

fn entry(key: &str, default: Option<&str>) -> Value {
    let kind = if key.contains("secret") || key.contains("private") || key.contains("user.") {
        "PASSWORD"
    } else {
        "TEXTFIELD_1000"
    };
    let mut entry = json!({"key": key, "name": key, "type": kind});
    if let Some(default) = default {
        entry["defaultValue"] = json!(default);
    }
    entry
}

/// As the platform exports one: nothing says how tokens are got but the reserved keys.
fn tidepost() -> Value {
    json!({
        "id": 9001, "name": "Tidepost", "key": "tidepost", "hub": "crm",
        "authentication": {"type": "oauth2"},
        "configuration": [
            entry("base.url", Some("https://{site.address}/v3")),
            entry("oauth.authorization.url", Some("https://{site.address}/authorize")),
            entry("oauth.token.url", Some("https://login.tidepost.example/token")),
            entry("oauth.token.revoke_url", Some("https://login.tidepost.example/revoke")),
            entry("oauth.scope", Some("read")),
            entry("site.address", None),
            entry("oauth.api.key", None),
            entry("oauth.api.secret", None),
            entry("oauth.callback.url", None),
            entry("oauth.user.token", None),
            entry("oauth.user.refresh_token", None),
            entry("oauth.user.refresh_interval", Some("3600")),
            entry("oauth.user.refresh_time", None),
        ],
        "resources": [
            {"method": "GET", "path": "/me", "vendorPath": "/me", "type": "provisionAuthValidation"}
        ]
    })
}

fn by_key() -> Value {
    let mut definition = tidepost();
    definition["id"] = json!(9002);
    definition["key"] = json!("tidekey");
    let entries = definition["configuration"].as_array_mut().expect("entries");
    entries.push(entry("tide.user", None));
    entries.push(entry("tide.private.key", None));
    definition["resources"].as_array_mut().expect("resources").extend([
        json!({"method": "GET", "path": "/consent", "vendorPath": "{oauth.authorization.url}", "type": "oauthOnAuthroizeUrl",
               "parameters": [{"name": "client_id", "vendorName": "client_id", "type": "query", "vendorType": "query"}]}),
        json!({"method": "POST", "path": "/log-in", "vendorPath": "{oauth.token.url}", "type": "oauthOnTokenExchange",
               "parameters": [
                   {"name": "urn:ietf:params:oauth:grant-type:jwt-bearer", "vendorName": "grant_type", "type": "value", "vendorType": "form"},
                   {"name": "assertion", "vendorName": "assertion", "type": "query", "vendorType": "form", "required": true},
                   {"name": "oauth.user.token", "vendorName": "access_token", "type": "configuration", "vendorType": "bodyField", "source": "response", "required": true}],
               "bunsen": {"fault": [{"when": {"equals": {"error": ["consent_required"]}}, "status": 401, "message": "Open once:", "authorize": true}]}}),
    ]);
    definition["bunsen"] = json!({"hosts": [".tidepost.example"], "groups": [{
        "name": "oauth2", "title": "Private key", "authenticate": {"headers": {"Authorization": "Bearer {config.oauth.user.token}"}},
        "oauth": {"grant": "jwtBearer", "assertion": {"issuer": "{config.oauth.api.key}", "subject": "{config.tide.user}",
            "audience": "login.tidepost.example", "key": "tide.private.key"}}}]});
    definition
}

fn version_1() -> Value {
    let mut definition = tidepost();
    definition["id"] = json!(9003);
    definition["key"] = json!("tideold");
    definition["authentication"] = json!({"type": "oauth1"});
    let entries = definition["configuration"].as_array_mut().expect("entries");
    entries[2] = entry(
        "oauth.token.url",
        Some("https://login.tidepost.example/access"),
    );
    entries.push(entry(
        "oauth.request.url",
        Some("https://login.tidepost.example/request"),
    ));
    entries.push(entry("oauth.user.token.secret", None));
    definition
}

/// Refuses tokens with status 200, and says so in its body.
fn polite() -> Value {
    let mut definition = tidepost();
    definition["id"] = json!(9004);
    definition["key"] = json!("tidepolite");
    definition["bunsen"] = json!({"fault": [
        {"when": {"status": [200], "equals": {"error": ["session"]}}, "status": 401, "message": "Not any more."}]});
    definition
}

/// Ids for every part.
fn number_parts(definition: &mut Value, first: i64) {
    let mut next = first;
    let mut number = |part: &mut Value| {
        next += 1;
        part["id"] = json!(next);
    };
    let parts = |value: &mut Value, list: &str| -> Vec<Value> {
        value[list].as_array().cloned().unwrap_or_default()
    };
    for list in ["configuration", "resources"] {
        let mut numbered = parts(definition, list);
        for part in &mut numbered {
            number(part);
            let mut inner = parts(part, "parameters");
            inner.iter_mut().for_each(&mut number);
            if !inner.is_empty() {
                part["parameters"] = inner.into();
            }
        }
        definition[list] = numbered.into();
    }
}

fn with(value: &Value, more: Value) -> Value {
    let mut members: Map<String, Value> = value.as_object().expect("an object").clone();
    members.extend(more.as_object().expect("an object").clone());
    members.into()
}
