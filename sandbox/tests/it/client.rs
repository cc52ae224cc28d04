//! A running sandbox, and calls to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bunsen_sandbox::{Sandbox, Settings, serve};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const SAMPLE: &str = "sample.freshdesk.com";
pub const ME: &str = "/api/v2/agents/me";

#[derive(Debug, Clone, Copy)]
pub struct Running {
    pub address: SocketAddr,
}

/// What came back: complete, or an error from `Call::send`.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug)]
pub struct Call {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

pub async fn start() -> Running {
    start_with(Settings::default()).await
}

pub async fn start_with(settings: Settings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let sandbox = Arc::new(Sandbox::new(&settings));
    tokio::spawn(serve(listener, sandbox, std::future::pending()));
    Running { address }
}

impl Running {
    /// A call to a host; without credentials and without any header but Host.
    pub fn call(&self, method: Method, host: &str, path: &str) -> Call {
        Call {
            address: self.address,
            method,
            path: path.to_owned(),
            headers: vec![(HOST.to_string(), host.to_owned())],
            body: Bytes::new(),
        }
    }

    /// A call of the seeded admin to the seeded account.
    pub fn admin(&self, method: Method, path: &str) -> Call {
        self.call(method, SAMPLE, path)
            .basic("sandbox-freshdesk-key", "X")
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.admin(Method::GET, path)
            .send()
            .await
            .expect("an answer")
    }

    pub async fn control(&self, method: Method, path: &str, body: Value) -> Reply {
        let host = self.address.to_string();
        let call = self.call(method, &host, &format!("/_control/{path}"));
        let call = if body.is_null() {
            call
        } else {
            call.json(&body)
        };
        call.send().await.expect("an answer to a control call")
    }

    pub async fn fault(&self, rule: Value) -> Reply {
        let reply = self.control(Method::POST, "faults", rule).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply
    }

    /// Writes bytes as they are and reads until the other side closes.
    pub async fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        stream.write_all(request).await.expect("a written request");
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(10), reading).await;
        read.expect("the sandbox closes").expect("an orderly end");
        answer
    }
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn basic(self, user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.header(AUTHORIZATION.as_str(), &format!("Basic {encoded}"))
    }

    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// On a connection of its own, so that closing it is seen.
    pub async fn send(self) -> Result<Reply, hyper::Error> {
        let stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).expect("a request");
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    pub async fn answer(self) -> Reply {
        self.send().await.expect("an answer")
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Status and body at once, for exact comparison.
    pub fn parts(&self) -> (u16, Value) {
        (self.status.as_u16(), self.json())
    }
}

/// The configuration in one of the examples, which must be for this element and hold exactly these keys.
pub fn example(name: &str, element: &str, keys: &[&str]) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/instances");
    let text = std::fs::read_to_string(folder.join(name)).expect("the example");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["element"]["key"], element, "{name}");
    let configuration = body["configuration"].as_object().expect("an object");
    let mut given: Vec<&str> = configuration.keys().map(String::as_str).collect();
    let mut wanted = keys.to_vec();
    given.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(given, wanted, "{name}");
    body["configuration"].clone()
}
