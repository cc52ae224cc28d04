//! What every answer has, whatever made it: request id, CORS, mode, error body; and the log line.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use tracing::field::Empty;
use tracing::{Instrument, Level};

use crate::app::App;
use crate::error::Error;
use crate::http::called::Note;
use crate::http::client::Client;
use crate::http::drain;
use crate::http::error::render;
use crate::http::passthrough;
use crate::http::path::Unreadable;
use crate::http::request_id::RequestId;
use crate::hub::Called;
use crate::meters;
use crate::shares::Call;

const REQUEST_ID: HeaderName = HeaderName::from_static("elements-request-id");
const MODE: HeaderName = HeaderName::from_static("bunsen-mode");

/// Order and spelling are part of the wire: a client compares the whole value.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Elements-Returned-Count, Elements-Total-Count, Elements-Request-Id, \
     Elements-Next-Page-Token, Elements-Trace-Id, Elements-Error, Content-Disposition",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
const ALLOWED: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, Elements-Version, Elements-Async-Request, \
     Elements-Async-Callback-Url, Elements-Schedule-Request, Elements-Formula-Instance-Id, \
     Element-Instances, Elements-User-Password, Elements-User-NewPassword, \
     Elements-As-Team-Member, Idempotency-Key",
);

/// One line per request, under a name of its own for filters: `--log info,access=off`.
macro_rules! log {
    ($level:expr, $method:ident, $route:ident, $status:ident, $took:ident, $address:ident) => {
        tracing::event!(
            target: "access",
            $level,
            method = %$method,
            route = $route,
            status = $status.as_u16(),
            duration_ms = $took.as_secs_f64() * 1000.0,
            client = $address.map(tracing::field::display),
            "answered"
        )
    };
}

/// Wraps the whole router, its fallback included.
pub async fn envelope(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    // A graceful stop waits for every call that has begun.
    let _running = app.work().token();
    let _counted = meters::request();
    let request_id = RequestId::new();
    let method = request.method().clone();
    let origin = request.headers().get(header::ORIGIN).cloned();
    // The route as registered, never the path: paths may hold e-mail addresses.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched
        .as_ref()
        .map_or(meters::NO_ROUTE, MatchedPath::as_str);
    let client = request.extensions().get::<Client>().copied();
    request.extensions_mut().insert(request_id);
    let note = Note::begin(&app, &request, request_id);
    if let Some(note) = &note {
        request.extensions_mut().insert(note.clone());
    }
    // The organization is written down where the caller becomes known.
    let span = tracing::info_span!("request", id = request_id.as_str(), org.id = Empty);
    let version = request.version();
    let unreadable = request.extensions().get::<Unreadable>().is_some();

    // Who asks before sending does not send what was refused, and must not be told to.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let (body, leftover) = drain::watch(body, note.clone());
    let request = Request::from_parts(parts, body);
    // Held until the answer is gone, and by what goes on behind it.
    let call = Call::default();
    let response = if method == Method::OPTIONS && !is_for_vendor(route, request.headers()) {
        preflight()
    } else if unreadable {
        let why = "The path holds percent-encoded bytes that are not UTF-8; encode text as UTF-8.";
        Error::Invalid(why.into()).into_response()
    } else {
        let answered = call.clone().scope(next.run(request));
        answered.instrument(span.clone()).await
    };
    let mut response = render(response, &request_id);
    response.extensions_mut().insert(call);
    if response.status().is_client_error() && !asks_first {
        Box::pin(leftover.drain()).await;
    }
    finish(response.headers_mut(), &request_id, origin, &app);
    if app.is_stopping() && version < Version::HTTP_2 {
        // The next call shall go to a server that stays. HTTP/2 has a frame for that.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    let status = response.status();
    if let Some(note) = note {
        let called = response.extensions_mut().remove::<Called>();
        note.answered(status, called).await;
        response.extensions_mut().insert(note);
    }
    let took = started.elapsed();
    meters::answered(&method, route, status, took);
    let address = client.map(|client| client.address);
    let _entered = span.entered();
    if is_a_probe(route) && status.is_success() {
        log!(Level::DEBUG, method, route, status, took, address);
    } else {
        log!(Level::INFO, method, route, status, took, address);
    }
    response
}

/// Asked every few seconds, for ever.
fn is_a_probe(route: &str) -> bool {
    route.starts_with("/health/") || route == "/metrics"
}

/// What a browser asks before a call has no credentials; with them it is the vendor who is asked.
fn is_for_vendor(route: &str, headers: &HeaderMap) -> bool {
    route.starts_with(passthrough::PREFIX) && headers.contains_key(header::AUTHORIZATION)
}

/// A browser asks before it sends credentials, so this needs none.
fn preflight() -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    response
}

fn finish(headers: &mut HeaderMap, id: &RequestId, origin: Option<HeaderValue>, app: &App) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if let Some(origin) = origin {
        // Any origin may call with the secrets it knows. Not with our cookie: without the header
        // that allows credentials no browser shows such an answer to a script.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    // Nothing is kept by anybody, save what says otherwise.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if app.is_sandbox() {
        headers.insert(MODE, HeaderValue::from_static("sandbox"));
    }
}
