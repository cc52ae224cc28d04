//! Calls that a caller writes, to the vendor's own API: `/proxy/…`.
//!
//! What speaks of a vendor is data: `elements/*/cases/passthrough.json`, which `cases` reads.

mod again;
mod bodies;
mod cases;
mod endings;
mod headers;
mod paths;
mod refusals;
pub mod renewal;
pub mod vendor;

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{Caller, TestOptions, TestServer};
use vendor::Vendor;

pub const PROXY: &str = "/elements/api-v2/proxy";

/// A server with an element of the tests' own: a password in a header, a key in the query.
pub struct Place {
    pub server: TestServer,
    pub vendor: Vendor,
    pub instance: Value,
    /// Names the instance by its token.
    pub header: String,
    _definitions: TempDir,
}

impl Place {
    pub async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, TestOptions::default()).await
    }

    pub async fn start_with(database: TestDatabase, options: TestOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("passage")).expect("a folder");
        let file = folder.path().join("passage/element.json");
        std::fs::write(file, definition().to_string()).expect("a file");
        let vendor = Vendor::start().await;
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(vendor.url.clone()),
            ..options
        };
        let server = TestServer::start_with(database, options).await;
        let instance = server.create(&server.admin, &body("ours")).await;
        let header = by_token(&server.admin, &instance);
        vendor.seen();
        Self {
            server,
            vendor,
            instance,
            header,
            _definitions: folder,
        }
    }

    pub fn request(&self, method: &str, below: &str) -> reqwest::RequestBuilder {
        self.server
            .request(method, &format!("{PROXY}{below}"))
            .header("authorization", &self.header)
    }

    pub async fn call(&self, method: &str, below: &str) -> Answer {
        Answer::of(self.request(method, below)).await
    }

    /// A request written by hand, for what no client sends; gives all that comes until the end.
    async fn raw(&self, method: &str, below: &str, headers: &str) -> String {
        let head = format!(
            "{method} {PROXY}{below} HTTP/1.1\r\nhost: bunsen.example\r\nconnection: close\r\n\
             authorization: {}\r\n{headers}\r\n",
            self.header
        );
        let mut stream = self.connect().await;
        stream.write_all(head.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(20), read).await;
        read.expect("an end").expect("an answer");
        String::from_utf8(answer).expect("text")
    }

    async fn connect(&self) -> TcpStream {
        let address = self.server.url.trim_start_matches("http://");
        TcpStream::connect(address).await.expect("connected")
    }
}

pub fn by_token(caller: &Caller, instance: &Value) -> String {
    caller.with_token(instance["token"].as_str().expect("a token"))
}

pub fn body(name: &str) -> Value {
    json!({"element": {"key": "passage"}, "name": name,
           "configuration": {"site": "acme", "word": "5ecret-word", "key": "5ecret-key"}})
}

fn definition() -> Value {
    let entry = |id: i64, key: &str, kind: &str| json!({"id": id, "key": key, "name": key, "type": kind, "required": true});
    let mut base = entry(9_100_004, "base.url", "TEXTFIELD_1000");
    base["defaultValue"] = json!("https://{site}.passage.example/base");
    json!({
        "id": 9100, "name": "Passage", "key": "passage", "hub": "crm",
        "authentication": {"type": "custom"},
        "configuration": [
            entry(9_100_001, "site", "TEXTFIELD_128"),
            entry(9_100_002, "word", "PASSWORD"),
            entry(9_100_003, "key", "PASSWORD"),
            base,
        ],
        "parameters": [
            {"id": 9_100_005, "name": "key", "vendorName": "key", "type": "configuration",
             "vendorType": "query", "source": "request"},
            {"id": 9_100_006, "name": "application/vnd.passage+json", "vendorName": "Accept",
             "type": "value", "vendorType": "header", "source": "request"},
        ],
        "resources": [
            {"id": 9_100_007, "method": "GET", "path": "/me", "vendorPath": "/me",
             "type": "provisionAuthValidation"},
        ],
        "bunsen": {
            "hosts": ["*.passage.example"],
            "groups": [{"name": "custom", "title": "A word",
                        "authenticate": {"headers": {"X-Word": "{config.word}"}}}],
        },
    })
}
