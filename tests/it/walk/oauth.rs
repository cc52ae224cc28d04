//! The routes of OAuth in the walk: they need more than a path.

use serde_json::{Value, json};

use super::{BASE, Walk};
use crate::answer::{Answer, unknown_secret};
use crate::server::{Caller, TestServer};
use crate::vendors::{element_key, example_named};

pub const QUERY: &str = "?apiKey=k&apiSecret=s&callbackUrl=https%3A%2F%2Fapp.example%2Fback";

pub fn body() -> Value {
    json!({"apiKey": "k", "apiSecret": "s", "callbackUrl": "https://app.example/back"})
}

/// The first shipped element that has a page for a browser and asks for nothing else; its log-ins
/// are of version 2.
pub async fn element(server: &TestServer) -> String {
    let keys = Answer::of(server.request("GET", &format!("{BASE}/elements/keys"))).await;
    for key in keys.success().as_array().expect("a list") {
        let key = key.as_str().expect("a key");
        let path = format!("{BASE}/elements/{key}/oauth/url{QUERY}");
        if Answer::of(server.request("GET", &path)).await.status == 200 {
            return key.to_owned();
        }
    }
    panic!("no element has a page for a browser");
}

/// The name of what was written down while an instance of the caller's was made.
pub async fn trace(server: &TestServer, caller: &Caller) -> String {
    let mut body = example_named("traced");
    body["providerData"] = json!({"debug": true});
    let request = server.request("POST", &format!("{BASE}/instances"));
    let request = request.header("authorization", caller.header()).json(&body);
    let made = Answer::of(request).await;
    made.header("elements-trace-id")
        .expect("a trace")
        .to_owned()
}

pub const PATTERN: &str = "https://app.example/**";

/// Each call of the walk may have taken away what the next one needs: a stored client of the
/// organization, a proxy, a trace. Gives the path with those in it.
pub async fn prepare(walk: &Walk, caller: &Caller, path: &str) -> Option<String> {
    let server = &walk.server;
    let admin = match caller.organization_id == server.foreign.organization_id {
        true => &server.foreign,
        false => &server.admin,
    };
    let put = async |method: &str, path: &str, body: Value| {
        let request = server.request(method, &format!("{BASE}{path}"));
        let request = request.header("authorization", admin.header());
        Answer::of(request.json(&body)).await.success()
    };
    if path.ends_with("/oauth/url/default") || path.ends_with("/oauth/client") {
        let path = format!("/elements/{}/oauth/client", walk.in_browser);
        put("PUT", &path, client()).await;
    }
    if path.contains("/trace/{}") {
        let trace = &walk.traces[&caller.user_id];
        return Some(
            path.replacen("{}", &element_key(), 1)
                .replacen("{}", trace, 1),
        );
    }
    if path.contains("/oauthProxies/{}") {
        let body = json!({"name": unknown_secret(), "applicationUrls": [PATTERN]});
        let made = put("POST", "/elements/oauthProxies", body).await;
        return Some(path.replace("{}", &made["id"].to_string()));
    }
    None
}

pub fn client() -> Value {
    json!({"apiKey": "k", "apiSecret": "s", "callbackUrl": "https://app.example/back"})
}

pub fn is_of_version_1(path: &str) -> bool {
    path.ends_with("/oauth/token")
}
