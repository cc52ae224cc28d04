//! The routes of OAuth in the walk: they need more than a path.

use serde_json::{Value, json};

use super::BASE;
use crate::answer::Answer;
use crate::server::TestServer;

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

pub fn is_of_version_1(path: &str) -> bool {
    path.ends_with("/oauth/token")
}
