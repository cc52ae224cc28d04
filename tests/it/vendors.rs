//! The simulated vendors as tests steer them: control calls, and a sandbox for tests of the real binary.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::server::{TestServer, examples};

/// Create bodies that work with the simulated vendors as they are: of each element the one that is
/// named after it alone, by key.
pub fn example_of_each() -> Vec<(String, Value)> {
    let of_element = |(name, body): (String, Value)| {
        let key = body["element"]["key"].as_str()?.to_owned();
        (name == format!("{key}.json")).then_some((key, body))
    };
    let found: Vec<_> = examples().into_iter().filter_map(of_element).collect();
    assert!(!found.is_empty(), "examples/instances has no files");
    found
}

/// One of them, for what does not depend on the vendor: the first whose log-in is a single call.
pub fn example() -> Value {
    let elements = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let one_call = |(key, _): &(String, Value)| {
        let path = elements.join(key).join("element.json");
        let text = std::fs::read_to_string(path).expect("a definition");
        let definition: Value = serde_json::from_str(&text).expect("JSON");
        let resources = definition["resources"].as_array().into_iter().flatten();
        resources
            .filter(|resource| {
                !matches!(
                    resource["type"].as_str(),
                    Some("api" | "apiNoDocumentation")
                )
            })
            .count()
            == 1
    };
    let (_, body) = example_of_each()
        .into_iter()
        .find(one_call)
        .expect("an element that logs in by one call");
    body
}

/// The example under another name.
pub fn example_named(name: &str) -> Value {
    let mut body = example();
    body["name"] = json!(name);
    body
}

/// A create body whose log-in ends any other of the same vendor session, and always means the same one; beside it the
/// element's definition.
pub fn session_example() -> (Value, Value) {
    let definition = |key: &str| -> Value {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("elements")
            .join(key)
            .join("element.json");
        let text = std::fs::read_to_string(path).expect("a definition");
        serde_json::from_str(&text).expect("JSON")
    };
    let found = examples().into_iter().find_map(|(_, body)| {
        let definition = definition(body["element"]["key"].as_str()?);
        let session = definition["bunsen"]["session"].as_array()?.clone();
        Some((body, definition, session))
    });
    let (mut body, definition, session) = found.expect("an element has vendor sessions");
    for key in session {
        let key = key.as_str().expect("a key");
        let given = &mut body["configuration"][key];
        if given.is_null() {
            *given = json!("always-the-same");
        }
    }
    (body, definition)
}

/// The key of the example's element.
pub fn element_key() -> String {
    let body = example();
    body["element"]["key"]
        .as_str()
        .expect("the example names its element")
        .to_owned()
}

/// The sandbox's control calls.
#[derive(Debug, Clone)]
pub struct Vendors {
    pub url: String,
    client: reqwest::Client,
}

impl Vendors {
    pub fn of(server: &TestServer) -> Vendors {
        Vendors {
            url: server.sandbox.clone(),
            client: server.client.clone(),
        }
    }

    /// A sandbox in this process; it ends with the test's runtime.
    pub async fn start() -> Vendors {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let sandbox = Arc::new(bunsen_sandbox::Sandbox::new(
            &bunsen_sandbox::Settings::default(),
        ));
        tokio::spawn(bunsen_sandbox::serve(
            listener,
            sandbox,
            std::future::pending(),
        ));
        Vendors {
            url,
            client: client(),
        }
    }

    /// One control call; panics when the sandbox does not take it.
    pub async fn control(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("the sandbox answers");
        let status = response.status();
        let text = response.text().await.expect("the sandbox's answer");
        assert!(
            status.is_success(),
            "{method} {path}: the sandbox answered {status} {text}"
        );
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub async fn reset(&self) {
        self.control("POST", "/_control/reset", None).await;
    }

    /// Lets every vendor misbehave in one way.
    pub async fn fault(&self, fault: Value) {
        self.control("POST", "/_control/faults", Some(&fault)).await;
    }

    /// Calls that vendors received since the last reset.
    pub async fn calls(&self) -> u64 {
        let count = self.control("GET", "/_control/journal/count", None).await;
        count["received"].as_u64().expect("a count")
    }

    /// Of those, the ones to paths like this one.
    pub async fn calls_to(&self, path: &str) -> u64 {
        let path = format!("/_control/journal/count?path={path}");
        let count = self.control("GET", &path, None).await;
        count["count"].as_u64().expect("a count")
    }

    /// Waits until the vendors have received so many calls.
    pub async fn wait_for_calls(&self, least: u64) {
        until("the vendor is called", async || self.calls().await >= least).await;
    }
}

/// A client for the real binary: no proxies, no redirects, bounded.
pub fn client() -> reqwest::Client {
    // Fails only when another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client")
}

/// Asks again and again, at most 20 seconds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
