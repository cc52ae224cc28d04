//! What stands between one server and the simulated vendors: it loses answers, and writes down which server sent which
//! refresh token when, what the vendor gave for it, and whether that went out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use super::dice::Dice;
use crate::vendors::client;

/// Seconds that a server waits for a vendor.
pub const VENDOR_TIMEOUT: u64 = 2;

/// A refresh token, presented to the vendor once.
#[derive(Debug, Clone)]
pub struct Spend {
    pub server: usize,
    pub token: String,
    pub began: Instant,
    pub ended: Option<Instant>,
    /// What the vendor gave, whether or not that went out.
    pub successor: Option<String>,
    /// The vendor was asked.
    pub asked: bool,
    /// The whole answer went out in time.
    pub delivered: bool,
}

/// All of them, of every server, in their order.
pub type Ledger = Arc<Mutex<Vec<Spend>>>;

#[derive(Debug)]
pub struct Front {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: usize,
    vendors: String,
    client: reqwest::Client,
    ledger: Ledger,
    dice: Mutex<Dice>,
    cuts: AtomicBool,
}

/// What happens to one token call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Plain,
    /// The vendor is down, before it has seen anything.
    Down(StatusCode),
    /// The vendor takes its time, and answers in time.
    Slow,
    /// It has acted, and its answer breaks off.
    Cut,
    /// It has acted, and its answer comes when nobody waits any more.
    Late,
}

impl Front {
    pub async fn start(server: usize, vendors: &str, ledger: &Ledger, dice: Dice) -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared {
            server,
            vendors: vendors.to_owned(),
            client: client(),
            ledger: Arc::clone(ledger),
            dice: Mutex::new(dice),
            cuts: AtomicBool::new(false),
        });
        let router = Router::new()
            .fallback(pass_on)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Front { url, shared }
    }

    /// Whether token calls go wrong.
    pub fn cuts(&self, cuts: bool) {
        self.shared.cuts.store(cuts, Ordering::Relaxed);
    }
}

/// Of a call that spends one.
pub fn refresh_token(method: &Method, body: &[u8]) -> Option<String> {
    if method != Method::POST {
        return None;
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    let refreshes = form
        .get("grant_type")
        .is_some_and(|grant| grant == "refresh_token");
    refreshes
        .then(|| form.get("refresh_token").cloned())
        .flatten()
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let forward = request_to(&shared.client, &shared.vendors, &parts, &body);
    let Some(token) = refresh_token(&parts.method, &body) else {
        return answered(whole(forward).await);
    };
    let spend = Spending::begin(&shared, token);
    let fate = match shared.cuts.load(Ordering::Relaxed) {
        true => fate(&mut shared.dice.lock().expect("dice")),
        false => Fate::Plain,
    };
    if let Fate::Down(status) = fate {
        return (status, "<html>down</html>").into_response();
    }
    // The vendor does its work, whether or not the server still waits.
    let slow = matches!(fate, Fate::Slow);
    let writing = spend.clone();
    let asked = tokio::spawn(async move {
        if slow {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        writing.note(|spend| spend.asked = true);
        let answer = whole(forward).await;
        if let Some((_, body)) = &answer {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            let successor = body["refresh_token"].as_str().map(str::to_owned);
            writing.note(|spend| spend.successor = successor);
        }
        answer
    });
    let Some((head, body)) = asked.await.expect("the vendor is asked") else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    match fate {
        Fate::Late => {
            tokio::time::sleep(Duration::from_secs(VENDOR_TIMEOUT + 1)).await;
            with(head, body)
        }
        Fate::Cut => {
            let half = body.slice(..body.len() / 2);
            let pieces = [Ok(half), Err(std::io::Error::other("cut"))];
            let pieces = futures_util::stream::iter(pieces);
            with(head, Body::from_stream(pieces))
        }
        _ => {
            let last = spend.clone();
            // Polled once more when the bytes before have been taken.
            let end = futures_util::stream::once(async move {
                last.note(|spend| {
                    spend.delivered = true;
                    spend.ended = Some(Instant::now());
                });
                Ok::<_, Infallible>(Bytes::new())
            });
            let first = futures_util::stream::iter([Ok(body)]);
            let pieces = futures_util::StreamExt::chain(first, end);
            with(head, Body::from_stream(pieces))
        }
    }
}

fn fate(dice: &mut Dice) -> Fate {
    match dice.below(100) {
        0..3 => Fate::Cut,
        3..5 => Fate::Late,
        5..9 => Fate::Down(StatusCode::SERVICE_UNAVAILABLE),
        9..11 => Fate::Down(StatusCode::TOO_MANY_REQUESTS),
        11..30 => Fate::Slow,
        _ => Fate::Plain,
    }
}

type Head = (StatusCode, [(header::HeaderName, String); 1]);

async fn whole(request: reqwest::RequestBuilder) -> Option<(Head, Bytes)> {
    let answer = request.send().await.ok()?;
    let kind = answer.headers().get(header::CONTENT_TYPE)?;
    let kind = kind.to_str().ok()?.to_owned();
    let head = (answer.status(), [(header::CONTENT_TYPE, kind)]);
    Some((head, answer.bytes().await.ok()?))
}

fn with((status, headers): Head, body: impl IntoResponse) -> Response {
    (status, headers, body).into_response()
}

fn answered(answer: Option<(Head, Bytes)>) -> Response {
    match answer {
        Some((head, body)) => with(head, body),
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// The vendor's answer to the same call.
pub async fn forward(vendors: &str, parts: &Parts, body: &Bytes) -> Response {
    answered(whole(request_to(&client(), vendors, parts, body)).await)
}

fn request_to(
    client: &reqwest::Client,
    vendors: &str,
    parts: &Parts,
    body: &Bytes,
) -> reqwest::RequestBuilder {
    let path = parts.uri.path_and_query();
    let url = format!("{vendors}{}", path.map_or("/", |path| path.as_str()));
    let mut headers = parts.headers.clone();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_ENCODING);
    let request = client.request(parts.method.clone(), url);
    request.headers(headers).body(body.clone())
}

/// A line of the ledger.
#[derive(Debug, Clone)]
struct Spending {
    ledger: Ledger,
    line: usize,
}

impl Spending {
    fn begin(shared: &Shared, token: String) -> Self {
        let mut lines = shared.ledger.lock().expect("the ledger");
        lines.push(Spend {
            server: shared.server,
            token,
            began: Instant::now(),
            ended: None,
            successor: None,
            asked: false,
            delivered: false,
        });
        Self {
            ledger: Arc::clone(&shared.ledger),
            line: lines.len() - 1,
        }
    }

    fn note(&self, write: impl FnOnce(&mut Spend)) {
        let mut lines: MutexGuard<'_, Vec<Spend>> = self.ledger.lock().expect("the ledger");
        write(&mut lines[self.line]);
    }
}
