//! An application that is told: takes down what arrives, and answers as the test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::vendors::until;

#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub id: String,
    signature: String,
    text: Vec<u8>,
}

impl Received {
    /// As the documentation tells receivers to do it.
    pub fn verified(&self, secret: &str) -> Value {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let expected = STANDARD.encode(hmac::sign(&key, &self.text));
        assert_eq!(self.signature, format!("sha256={expected}"));
        let body: Value = serde_json::from_slice(&self.text).expect("JSON");
        assert_eq!(body["delivery"]["id"], self.id.as_str());
        let sent: jiff::Timestamp = body["delivery"]["sentDate"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("a date");
        let age = jiff::Timestamp::now().duration_since(sent);
        assert!(age.as_secs().abs() < 60, "{age}");
        body
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.text).expect("UTF-8")
    }
}

/// What a path answers; without one, 204.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub after: Duration,
}

#[derive(Debug, Default)]
struct World {
    received: Vec<Received>,
    replies: HashMap<String, Reply>,
}

#[derive(Debug, Clone)]
pub struct Receiver {
    /// A flag of the server by which calls to `*.acorn.example` come here.
    pub route: String,
    world: Arc<Mutex<World>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            route: format!("*.acorn.example=http://{address}"),
            world,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the world")
    }

    pub fn reply(&self, path: &str, status: u16) {
        let reply = Reply {
            status,
            ..Reply::default()
        };
        self.reply_with(path, reply);
    }

    pub fn reply_with(&self, path: &str, reply: Reply) {
        self.world().replies.insert(path.to_owned(), reply);
    }

    pub fn received(&self, path: &str) -> Vec<Received> {
        let world = self.world();
        let all = world.received.iter();
        all.filter(|one| one.path == path).cloned().collect()
    }

    /// Waits until so many have arrived at the path; gives them all.
    pub async fn wait_for(&self, path: &str, count: usize) -> Vec<Received> {
        let what = format!("{path} has received {count}");
        until(&what, async || self.received(path).len() >= count).await;
        self.received(path)
    }
}

async fn answer(
    State(world): State<Arc<Mutex<World>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let path = uri.path().to_owned();
    let reply = {
        let mut world = world.lock().expect("the world");
        world.received.push(Received {
            path: path.clone(),
            id: header("elements-webhook-id"),
            signature: header("elements-webhook-signature"),
            text: body.to_vec(),
        });
        world.replies.get(&path).cloned()
    };
    let Some(reply) = reply else {
        return StatusCode::NO_CONTENT.into_response();
    };
    tokio::time::sleep(reply.after).await;
    let status = StatusCode::from_u16(reply.status).expect("a status");
    let mut response = (status, "what the receiver says").into_response();
    for (name, value) in reply.headers {
        let value = value.parse().expect("a header");
        response.headers_mut().insert(name, value);
    }
    response
}
