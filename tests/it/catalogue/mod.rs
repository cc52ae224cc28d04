//! The catalogue's read side over HTTP, with exports of another platform among the definitions.

mod hubs;
mod lists;
mod parts;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};

/// Definitions as an owner would bring them.
pub fn exports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/exports")
}

fn export_file(key: &str) -> Value {
    let path = exports().join(key).join("element.json");
    let text = std::fs::read_to_string(path).expect("readable");
    serde_json::from_str(&text).expect("JSON")
}

async fn server(database: TestDatabase) -> TestServer {
    let options = TestOptions {
        elements: Some(exports()),
        ..TestOptions::default()
    };
    TestServer::start_with(database, options).await
}

async fn get(server: &TestServer, path: &str, authorization: Option<&str>) -> Answer {
    let mut request = server.request("GET", &format!("/elements/api-v2{path}"));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    Answer::of(request).await
}

async fn known(server: &TestServer, path: &str) -> Answer {
    get(server, path, Some(&server.member.header())).await
}

/// The value of this member in every entry of a list.
fn column(list: &Value, member: &str) -> Vec<String> {
    let entries = list.as_array().expect("a list");
    let values = entries.iter().map(|entry| match &entry[member] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    values.collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
