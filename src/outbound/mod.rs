//! The only HTTP client: one call to a vendor, with every limit in it.
//!
//! Order of one call: the guard judges the URL (`guard`), an operator's route may carry it
//! elsewhere (`route`) or a proxy stand in between (`egress`), otherwise names are resolved without the addresses that may not be
//! reached (`resolve`, `address`), a client is taken (`client`, `tls`), the answer is read up to
//! the cap, or handed on as it comes (`pass`). Nothing is retried, no redirect is followed, no header and no body is logged, and
//! dropping the future ends the call: whoever must not lose an answer spawns it.

mod address;
mod body;
mod client;
mod egress;
mod error;
mod grant;
mod guard;
mod pass;
mod resolve;
mod route;
// Only Linux gives a process all of 127.0.0.0/8, which stands for the internet there.
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod tls;
mod unpack;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::VendorRequest;
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use url::{Position, Url};

use crate::meters;
use body::{Progress, TrackedBody};
use client::{Clients, Versions, Way};
use guard::Permit;
use resolve::Resolver;
use route::Origin;
use unpack::{NotUnpacked, Unpacker};

pub use address::is_forbidden;
pub use body::{AnswerBody, BoxError, Payload, Stream};
pub use egress::EgressProxy;
pub use error::{OutboundError, SendError, Step};
pub use grant::Grant;
pub use guard::{Destination, Reason, Refusal, check_url};
pub use pass::{Answer, Passing};
pub use route::VendorRoute;
pub use tls::install_crypto_provider;

/// What the operator decides about calls to vendors.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The first that matches wins.
    pub routes: Vec<VendorRoute>,
    /// Where every call goes that no route takes.
    pub sandbox: Option<Url>,
    /// By which everything goes that has no route and no grant.
    pub egress: Option<EgressProxy>,
    /// From the first byte asked of the name server to the last byte of the answer.
    pub total_timeout: Duration,
    pub connect_timeout: Duration,
    /// Bytes of one answer's body at most, unpacked.
    pub body_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            sandbox: None,
            egress: None,
            total_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            body_limit: 16 * 1024 * 1024,
        }
    }
}

/// The way out. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    routes: Vec<VendorRoute>,
    sandbox: Option<Origin>,
    total_timeout: Duration,
    connect_timeout: Duration,
    body_limit: usize,
    clients: Clients,
    /// For calls that are handed through.
    passing: Clients,
}

/// Belong to the connection or to this client, never to a definition or a tenant: with their
/// own `Host`, lengths or codings they could make one call look like another to the vendor.
const OURS: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
    "keep-alive",
    "proxy-connection",
    "http2-settings",
];

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("bunsen/", env!("CARGO_PKG_VERSION")));
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

impl Outbound {
    pub fn new(settings: Settings) -> Result<Self, OutboundError> {
        Self::with_resolver(settings, Resolver::new())
    }

    /// One call takes so long at most.
    pub fn total_timeout(&self) -> Duration {
        self.0.total_timeout
    }

    /// Bytes of an answer that are held at most.
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// A vendor's URL as a person's browser can open it: the simulated vendors answer below their
    /// own host for every vendor's that no route leads elsewhere.
    pub fn for_browser(&self, url: &Url) -> Url {
        let host = url.host_str().unwrap_or_default();
        let mut routes = self.0.routes.iter();
        let routed = routes.any(|route| route.origin_for(host).is_some());
        let sandbox = self.0.sandbox.as_ref().filter(|_| !routed);
        sandbox
            .and_then(|sandbox| sandbox.stand_in(url))
            .unwrap_or_else(|| url.clone())
    }

    fn with_resolver(settings: Settings, resolver: Resolver) -> Result<Self, OutboundError> {
        let sandbox = settings
            .sandbox
            .map(Origin::new)
            .transpose()
            .map_err(|wrong| OutboundError(format!("--sandbox (BUNSEN_SANDBOX): {wrong}")))?;
        let clients = |versions| {
            let egress = settings.egress.as_ref();
            Clients::new(versions, settings.connect_timeout, resolver.clone(), egress)
        };
        Ok(Self(Arc::new(Inner {
            routes: settings.routes,
            sandbox,
            total_timeout: settings.total_timeout,
            connect_timeout: settings.connect_timeout,
            body_limit: settings.body_limit,
            clients: clients(Versions::All)?,
            passing: clients(Versions::One)?,
        })))
    }

    /// One call, at most one: nothing is retried and no redirect is followed here.
    pub async fn send(
        &self,
        request: VendorRequest,
        destination: &Destination<'_>,
    ) -> Result<VendorReply, SendError> {
        let started = Instant::now();
        let host = guard::shown_host(&request.url);
        let outcome = self.0.guarded_call(request, &host, destination).await;
        let status = outcome.as_ref().map(|reply| reply.status);
        note(status, &host, destination, started.elapsed());
        outcome
    }
}

/// One event and one count per call.
fn note(
    outcome: Result<StatusCode, &SendError>,
    host: &str,
    destination: &Destination<'_>,
    took: Duration,
) {
    let duration_ms = took.as_millis() as u64;
    let counted = match outcome {
        Ok(status) => meters::class(status),
        Err(error) => error.code(),
    };
    meters::vendor_called(destination.element, counted, took);
    match outcome {
        Ok(status) => {
            let status = status.as_u16();
            tracing::debug!(host, status, duration_ms, "the vendor answered");
        }
        Err(error) => {
            if let SendError::Refused(refusal) = error {
                meters::guard_refused(refusal.reason.code());
            }
            let outcome = error.code();
            tracing::debug!(host, outcome, duration_ms, "the vendor call failed");
        }
    }
}

impl Inner {
    async fn guarded_call(
        &self,
        request: VendorRequest,
        host: &str,
        destination: &Destination<'_>,
    ) -> Result<VendorReply, SendError> {
        let progress = Arc::new(Progress::default());
        let VendorRequest {
            method,
            url,
            mut headers,
            body,
        } = request;
        // Whoever asks for another coding gets an answer that is not unpacked.
        headers.insert(header::ACCEPT_ENCODING, GZIP);
        let head = Head {
            method,
            url: &url,
            target: &url[Position::BeforePath..Position::AfterQuery],
            headers,
        };
        let body = TrackedBody::new(body, progress.clone());
        let call = async {
            let (way, call) = self.prepare(&self.clients, head, body, destination).await?;
            self.exchange(&way, call, host, &progress).await
        };
        match tokio::time::timeout(self.total_timeout, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(SendError::TimedOut {
                host: host.to_owned(),
                after: self.total_timeout,
                sent: progress.is_taken(),
            }),
        }
    }

    /// The guard's judgement, then which client makes the call, and to where.
    async fn prepare(
        &self,
        clients: &Clients,
        head: Head<'_>,
        body: TrackedBody,
        destination: &Destination<'_>,
    ) -> Result<(Way, Request<TrackedBody>), SendError> {
        let permit = guard::check(head.url, destination)?;
        let unsendable = || {
            SendError::Refused(Refusal {
                host: permit.host.to_owned(),
                reason: Reason::Unsendable,
            })
        };
        // Neither is a call to a vendor's API: the first asks for a tunnel, the second for our
        // own headers back.
        if matches!(head.method, Method::CONNECT | Method::TRACE) {
            return Err(unsendable());
        }
        let mut headers = head.headers;
        for name in OURS {
            headers.remove(*name);
        }
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        if body.size_hint().exact() == Some(0)
            && matches!(head.method, Method::POST | Method::PUT | Method::PATCH)
        {
            // Some servers answer 411 to a POST that does not say that it has no body.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let (way, origin) = match self.origin_for(permit.host) {
            Some(origin) => {
                headers.insert(header::HOST, host_header(&permit).ok_or_else(unsendable)?);
                (clients.routed(), origin.as_str())
            }
            None => {
                let way = match (permit.grant, clients.egress()) {
                    (Some(grant), _) => Box::pin(clients.granted(grant)).await?,
                    (None, Some(egress)) => {
                        Box::pin(egress.check(permit.host)).await?;
                        egress.way.clone()
                    }
                    (None, None) => clients.direct(),
                };
                (way, &head.url[..Position::BeforePath])
            }
        };
        // By text, not by setters: path and query stay as they are, byte for byte.
        let mut call = Request::builder()
            .method(head.method)
            .uri(format!("{origin}{}", head.target))
            .body(body)
            .map_err(|_| unsendable())?;
        *call.headers_mut() = headers;
        Ok((way, call))
    }

    fn origin_for(&self, host: &str) -> Option<&Origin> {
        self.routes
            .iter()
            .find_map(|route| route.origin_for(host))
            .or(self.sandbox.as_ref())
    }

    async fn exchange(
        &self,
        way: &Way,
        call: Request<TrackedBody>,
        host: &str,
        progress: &Progress,
    ) -> Result<VendorReply, SendError> {
        let without_body = call.method() == Method::HEAD;
        let response = self.head(way, call, host, progress).await?;
        let (head, body) = response.into_parts();
        let (status, mut headers) = (head.status, head.headers);
        // These have no body whatever their headers announce.
        let without_body = without_body
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let body = if without_body {
            Bytes::new()
        } else {
            self.body(body, &mut headers, host).await?
        };
        if status.is_success() && !body.is_empty() && is_packed(&headers) {
            return Err(SendError::Malformed {
                message: format!("{host} packed its answer in a way that was not asked for"),
            });
        }
        Ok(VendorReply {
            status,
            headers,
            body,
        })
    }

    /// Sends, and waits for the answer's head.
    async fn head(
        &self,
        way: &Way,
        call: Request<TrackedBody>,
        host: &str,
        progress: &Progress,
    ) -> Result<Response<Incoming>, SendError> {
        way.call(call).await.map_err(|error| {
            error::before_head(&error, host, self.connect_timeout, progress.is_taken())
        })
    }

    /// The body up to the cap, counted as unpacked; with the headers that then say what it is.
    async fn body(
        &self,
        mut body: Incoming,
        headers: &mut HeaderMap,
        host: &str,
    ) -> Result<Bytes, SendError> {
        let limit = self.body_limit;
        let too_large = || SendError::TooLarge {
            host: host.to_owned(),
            limit,
        };
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        let not_unpacked = |why| match why {
            NotUnpacked::TooLarge => too_large(),
            NotUnpacked::Malformed => error::unpackable(host),
        };
        let packed = is_gzip(headers) && !body.is_end_stream();
        let mut unpacker = packed.then(|| Unpacker::new(limit));
        let mut first = Bytes::new();
        let mut joined: Option<BytesMut> = None;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| error::in_body(&error, host))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length += data.len();
            if length > limit {
                return Err(too_large());
            }
            if let Some(unpacker) = &mut unpacker {
                unpacker.push(&data).map_err(not_unpacked)?;
            } else if first.is_empty() {
                // Small ones arrive in one piece and are handed on without a copy.
                first = data;
            } else {
                let start = || BytesMut::from(first.as_ref());
                joined.get_or_insert_with(start).extend_from_slice(&data);
            }
        }
        let Some(unpacker) = unpacker else {
            return Ok(joined.map_or(first, BytesMut::freeze));
        };
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        unpacker.finish().map_err(not_unpacked)
    }
}

/// A call without its body.
struct Head<'a> {
    method: Method,
    /// Decides where it goes.
    url: &'a Url,
    /// Path and query as they are sent.
    target: &'a str,
    headers: HeaderMap,
}

/// The vendor's host as a call without a detour would name it.
fn host_header(permit: &Permit<'_>) -> Option<HeaderValue> {
    match permit.port {
        443 => HeaderValue::from_str(permit.host),
        port => HeaderValue::from_str(&format!("{}:{port}", permit.host)),
    }
    .ok()
}

/// Still packed after the client unpacked what it had asked for.
fn is_packed(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Packed once, as it was asked for.
fn is_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let gzip = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"gzip");
    codings.next().is_some_and(gzip) && codings.next().is_none()
}
