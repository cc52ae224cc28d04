//! A vendor that shows what it was sent, and answers as the path asks it to.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::net::TcpListener;

/// One call as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }
}

#[derive(Debug, Default)]
struct World {
    seen: Vec<Seen>,
    /// Calls that have begun, and those of them whose bodies came to their end.
    begun: usize,
    whole: usize,
    /// Streams of answers that were dropped before their end.
    dropped: usize,
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

    /// The calls since the last time, without those of the log-in.
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut self.world().seen);
        seen.retain(|call| call.target != "/base/me?key=5ecret-key");
        seen
    }

    /// The one call since the last time.
    pub fn one(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    pub fn begun(&self) -> usize {
        self.world().begun
    }

    pub fn whole(&self) -> usize {
        self.world().whole
    }

    pub fn dropped(&self) -> usize {
        self.world().dropped
    }
}

/// Says when it is dropped before it was told that all is well.
struct Watched(Arc<Mutex<World>>, bool);

impl Watched {
    fn ended(&mut self) {
        self.1 = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.1 {
            self.0.lock().expect("the world").dropped += 1;
        }
    }
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    world.lock().expect("the world").begun += 1;
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let number = |name: &str| -> usize {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let mut found = pairs.filter(|(key, _)| key == name);
        found
            .next()
            .map_or(0, |(_, value)| value.parse().expect("a number"))
    };
    if path == "/base/deaf" {
        std::future::pending::<()>().await;
    }
    let mut received = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let data = frame.into_data().unwrap_or_default();
        length += data.len();
        // Large ones are only counted.
        if length <= 256 * 1024 {
            received.extend_from_slice(&data);
        }
    }
    {
        let mut world = world.lock().expect("the world");
        world.whole += 1;
        world.seen.push(Seen {
            method: parts.method.to_string(),
            target: parts.uri.to_string(),
            headers: parts.headers.clone(),
            body: received,
        });
    }
    match path.as_str() {
        "/base/me" => axum::Json(json!({"id": 1})).into_response(),
        "/base/count" => length.to_string().into_response(),
        "/base/status" => status(number("code")),
        "/base/stream" => stream(
            world,
            number("bytes"),
            number("announced") > 0,
            Duration::ZERO,
        ),
        "/base/trickle" => stream(world, number("bytes"), true, Duration::from_millis(100)),
        "/base/stall" => {
            // One piece, and then nothing more.
            let first = futures_util::stream::iter([Ok::<_, std::io::Error>("some")]);
            let body = Body::from_stream(first.chain(futures_util::stream::pending()));
            ([(header::CONTENT_LENGTH, "4000")], body).into_response()
        }
        "/base/slow" => {
            let wait = Duration::from_millis(number("milliseconds") as u64);
            tokio::time::sleep(wait).await;
            "late".into_response()
        }
        "/base/odd" => odd(),
        _ => {
            let shown = json!({"method": parts.method.as_str(), "target": parts.uri.to_string()});
            axum::Json(shown).into_response()
        }
    }
}

fn status(code: usize) -> Response {
    let status = StatusCode::from_u16(code as u16).expect("a status");
    let body = match code {
        204 | 304 => Body::empty(),
        _ => Body::from("<p>the vendor's own</p>"),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("77"));
    headers.insert(
        header::LOCATION,
        HeaderValue::from_static("https://elsewhere.example/next"),
    );
    response
}

/// Everything that must not cross, and some that must.
fn odd() -> Response {
    let mut response = "odd".into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        ("set-cookie", "session=1"),
        ("set-cookie", "other=2"),
        ("strict-transport-security", "max-age=1"),
        ("access-control-allow-origin", "https://vendor.example"),
        ("elements-request-id", "invented"),
        ("elements-total-count", "7"),
        ("bunsen-mode", "invented"),
        ("etag", "\"1\""),
        ("link", "<https://a.example>; rel=next"),
        ("x-rate-limit", "9"),
        ("cache-control", "max-age=5"),
    ] {
        headers.append(name, HeaderValue::from_static(value));
    }
    response
}

fn stream(world: Arc<Mutex<World>>, bytes: usize, announced: bool, pause: Duration) -> Response {
    const PIECE: usize = 16 * 1024;
    let watched = Watched(world, false);
    let pieces =
        futures_util::stream::unfold((0, watched), move |(sent, mut watched)| async move {
            if sent >= bytes {
                watched.ended();
                return None;
            }
            tokio::time::sleep(pause).await;
            let piece = PIECE.min(bytes - sent);
            let data = Bytes::from(vec![b'x'; piece]);
            Some((Ok::<_, std::io::Error>(data), (sent + piece, watched)))
        });
    let mut response = Body::from_stream(pieces).into_response();
    if announced {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    response
}
