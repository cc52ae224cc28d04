//! A vendor that answers what a test tells it to, and shows what it was sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

/// One call as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method and path.
    pub call: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

#[derive(Debug, Clone)]
enum Reply {
    Text {
        status: u16,
        headers: Vec<(&'static str, &'static str)>,
        body: String,
    },
    /// A slice of so many rows, by `page` and `size`.
    Rows(usize),
    /// The connection ends.
    Nothing,
    Silence,
}

#[derive(Debug, Default)]
struct World {
    replies: HashMap<String, Vec<Reply>>,
    seen: Vec<Seen>,
    /// Calls that are answered when there is a permit.
    held: HashMap<String, Arc<Semaphore>>,
    /// Pieces of the one answer that a test sends by hand.
    file: Option<mpsc::Receiver<Vec<u8>>>,
}

#[derive(Debug, Clone)]
pub struct Vendor {
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Vendor {
    pub async fn start() -> Vendor {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Vendor { url, world }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the world")
    }

    fn add(&self, call: &str, reply: Reply) {
        let mut world = self.world();
        world
            .replies
            .entry(call.to_owned())
            .or_default()
            .push(reply);
    }

    /// The answer to this call, after those that were told before; the last one stays.
    pub fn will(&self, call: &str, status: u16, body: &Value) {
        let json = [("content-type", "application/json")];
        self.will_say(call, status, &json, &body.to_string());
    }

    pub fn will_say(
        &self,
        call: &str,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) {
        let reply = Reply::Text {
            status,
            headers: headers.to_vec(),
            body: body.to_owned(),
        };
        self.add(call, reply);
    }

    pub fn will_list(&self, call: &str, rows: usize) {
        self.add(call, Reply::Rows(rows));
    }

    pub fn will_break(&self, call: &str) {
        self.add(call, Reply::Nothing);
    }

    pub fn will_be_silent(&self, call: &str) {
        self.add(call, Reply::Silence);
    }

    /// This call is answered, with whatever was told, when a permit is added.
    pub fn holds(&self, call: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.world().held.insert(call.to_owned(), gate.clone());
        gate
    }

    /// Calls since the last time that they were looked at.
    pub fn count(&self) -> usize {
        self.world().seen.len()
    }

    /// What comes through this is the body of the next call of `/base/pictures/1`.
    pub fn by_hand(&self) -> mpsc::Sender<Vec<u8>> {
        let (pieces, file) = mpsc::channel(1);
        self.world().file = Some(file);
        pieces
    }

    pub fn forget(&self) {
        *self.world() = World::default();
    }

    /// The calls since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.world().seen)
    }

    /// The one call since the last time.
    pub fn one(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
}

pub fn row(id: usize) -> Value {
    json!({"id": id, "name": format!("box {id}"), "weight": id % 3, "lid": null})
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec());
    let call = format!("{} {}", parts.method, parts.uri.path());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let (reply, file, gate) = {
        let mut world = world.lock().expect("the world");
        world.seen.push(Seen {
            call: call.clone(),
            query: query.clone(),
            headers: parts.headers.clone(),
            body: body.unwrap_or_else(|_| b"cut off".to_vec()),
        });
        let replies = world.replies.entry(call.clone()).or_default();
        let reply = match replies.len() {
            0 => None,
            1 => Some(replies[0].clone()),
            _ => Some(replies.remove(0)),
        };
        let file = (call == "GET /base/pictures/1").then(|| world.file.take());
        (reply, file.flatten(), world.held.get(&call).cloned())
    };
    if let Some(gate) = gate {
        let permit = gate.acquire().await.expect("a gate that stays");
        permit.forget();
    }
    if let Some(file) = file {
        let pieces = futures_util::stream::unfold(file, |mut file| async move {
            let piece = file.recv().await?;
            Some((Ok::<_, std::io::Error>(piece), file))
        });
        let kind = [(header::CONTENT_TYPE, "image/png")];
        return (kind, Body::from_stream(pieces)).into_response();
    }
    match reply {
        None => (
            StatusCode::NOT_FOUND,
            axum::Json(json!({"message": "no such box"})),
        )
            .into_response(),
        Some(Reply::Silence) => std::future::pending().await,
        Some(Reply::Nothing) => {
            let broken =
                futures_util::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("broken"))]);
            let length = [(header::CONTENT_LENGTH, "9")];
            (length, Body::from_stream(broken)).into_response()
        }
        Some(Reply::Rows(all)) => {
            let number = |name: &str| -> usize {
                let mut pairs = url::form_urlencoded::parse(query.as_bytes());
                let found = pairs.find(|(key, _)| key == name);
                found.map_or(1, |(_, value)| value.parse().expect("a number"))
            };
            let (page, size) = (number("page"), number("size"));
            let rows = (1..=all).skip((page - 1) * size).take(size).map(row);
            let rows: Vec<Value> = rows.collect();
            axum::Json(json!({"rows": rows, "all": all})).into_response()
        }
        Some(Reply::Text {
            status,
            headers,
            body,
        }) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let mut response = (status, body).into_response();
            response.headers_mut().remove(header::CONTENT_TYPE);
            for (name, value) in headers {
                let name = HeaderName::from_static(name);
                response
                    .headers_mut()
                    .append(name, HeaderValue::from_static(value));
            }
            response
        }
    }
}
