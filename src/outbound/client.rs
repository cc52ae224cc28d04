//! Builds the HTTP clients: one for the internet, one for the way by a proxy, one for
//! routed targets, one per grant.
//!
//! A client owns its connections, so what a grant allows, and whom its certificate authority
//! vouches for, cannot leak into calls that the grant does not cover: those have another client.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use moka::future::Cache;
use rustls::RootCertStore;

use super::egress::{Egress, EgressProxy};
use super::error::{OutboundError, SendError, Step};
use super::grant::Grant;
use super::resolve::Resolver;
use super::tls;

/// Grants in use at the same time that keep their connections; more still work.
const GRANTED_CLIENTS: u64 = 256;
const GRANTED_IDLE: Duration = Duration::from_secs(600);

/// Below the idle limits of common load balancers, so that they rarely close first.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);
const IDLE_CONNECTIONS_PER_HOST: usize = 64;

/// HTTP/2 header lists at most. HTTP/1 has the parser's own limits: 100 headers, 400 KiB.
const HEADER_LIST: u32 = 64 * 1024;

const USER_AGENT: &str = concat!("bunsen/", env!("CARGO_PKG_VERSION"));

pub(super) struct Clients {
    direct: reqwest::Client,
    routed: reqwest::Client,
    /// In the place of `direct`.
    egress: Option<Egress>,
    /// By host, port and certificate authority together: equal keys are the same permission.
    granted: Cache<Grant, reqwest::Client>,
    resolver: Resolver,
    connect_timeout: Duration,
}

impl Clients {
    pub(super) fn new(
        connect_timeout: Duration,
        resolver: Resolver,
        egress: Option<&EgressProxy>,
    ) -> Result<Self, OutboundError> {
        let direct = guarded(tls::public_roots(), resolver.clone(), connect_timeout)?;
        // The operator named the target, so it may be anywhere and without TLS; HTTP/1.1,
        // because there the Host header is free to stay the vendor's.
        let routed = common(tls::public_roots(), false, connect_timeout)?
            .http1_only()
            .build()
            .map_err(unusable)?;
        let egress = match egress {
            Some(proxy) => Some(Egress::new(
                // The proxy's own name is the operator's and may lead anywhere, so the guard's
                // resolver is not asked for it; no other name is resolved by this client.
                common(tls::public_roots(), true, connect_timeout)?
                    .https_only(true)
                    .proxy(proxy.proxy().map_err(unusable)?)
                    .build()
                    .map_err(unusable)?,
                resolver.clone(),
            )),
            None => None,
        };
        Ok(Self {
            direct,
            routed,
            egress,
            granted: Cache::builder()
                .max_capacity(GRANTED_CLIENTS)
                .time_to_idle(GRANTED_IDLE)
                .build(),
            resolver,
            connect_timeout,
        })
    }

    pub(super) fn direct(&self) -> reqwest::Client {
        self.direct.clone()
    }

    pub(super) fn egress(&self) -> Option<&Egress> {
        self.egress.as_ref()
    }

    pub(super) fn routed(&self) -> reqwest::Client {
        self.routed.clone()
    }

    pub(super) async fn granted(&self, grant: &Grant) -> Result<reqwest::Client, SendError> {
        let build = async {
            let mut roots = tls::public_roots();
            roots.add_parsable_certificates(tls::authorities(grant)?);
            let resolver = self.resolver.granting(&grant.host);
            guarded(roots, resolver, self.connect_timeout).map_err(|error| error.to_string())
        };
        self.granted
            .try_get_with_by_ref(grant, build)
            .await
            .map_err(|message: Arc<String>| SendError::NotSent {
                step: Step::Tls,
                message: message.to_string(),
            })
    }

    /// Lets the cache forget what is over its bound, which it otherwise does now and then.
    #[cfg(test)]
    pub(super) async fn settle(&self) {
        self.granted.run_pending_tasks().await;
    }

    #[cfg(test)]
    pub(super) fn granted_count(&self) -> usize {
        self.granted.iter().count()
    }
}

fn guarded(
    roots: RootCertStore,
    resolver: Resolver,
    connect_timeout: Duration,
) -> Result<reqwest::Client, OutboundError> {
    common(roots, true, connect_timeout)?
        .https_only(true)
        .dns_resolver(resolver)
        .build()
        .map_err(unusable)
}

fn common(
    roots: RootCertStore,
    http2: bool,
    connect_timeout: Duration,
) -> Result<reqwest::ClientBuilder, OutboundError> {
    let tls = tls::config(roots, http2).map_err(|error| OutboundError(error.to_string()))?;
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // A proxy from the environment would resolve and connect behind the guard's back.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Not even what HTTP/2 calls safe. What remains, below and not to be switched off, is
        // another connection for a call that a closed one had not begun to write.
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .tcp_nodelay(true)
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
        .http2_max_header_list_size(HEADER_LIST)
        .user_agent(USER_AGENT))
}

/// The client's builder only fails on its settings, never on the network.
fn unusable(error: reqwest::Error) -> OutboundError {
    OutboundError(format!("the HTTP client cannot be set up: {error}"))
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("granted", &self.granted.entry_count())
            .finish_non_exhaustive()
    }
}

/// A request's body that notes when a connection takes the request over.
///
/// HTTP/1 and HTTP/2 both ask `is_end_stream` exactly then, to decide how the head announces
/// the body, and nothing asks before. So as long as the note is not set, not a byte was sent.
pub(super) struct TrackedBody {
    bytes: Option<Bytes>,
    taken: Arc<AtomicBool>,
}

impl TrackedBody {
    pub(super) fn new(bytes: Bytes, taken: Arc<AtomicBool>) -> Self {
        Self {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            taken,
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.taken.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.taken.store(true, Ordering::Relaxed);
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
