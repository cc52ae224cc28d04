//! Builds the HTTP clients: one for the internet, one for the way by a proxy, one for
//! routed targets, one per grant.
//!
//! A client owns its connections, so what a grant allows, and whom its certificate authority
//! vouches for, cannot leak into calls that the grant does not cover: those have another client.
//! Calls that are handed through have clients of their own, which speak HTTP/1.1: one that is read
//! slowly holds up its own connection, and on a shared one it would hold up everybody's.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use moka::future::Cache;
use rustls::RootCertStore;
use tower::Service;

use super::body::TrackedBody;
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
/// So that the system notices a vendor that is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Hosts whose TLS sessions are gone on with: of all vendors together, some 4 KB each, and of what
/// is one host or a few.
const VENDORS_SESSIONS: usize = 6_000;
const FEW_SESSIONS: usize = 8;

/// HTTP/2 header lists at most. HTTP/1 has the parser's own limits: 100 headers, 400 KiB.
const HEADER_LIST: u32 = 64 * 1024;

type Direct = HttpsConnector<HttpConnector<Resolver>>;
type Tunnelled = HttpsConnector<Tunnel<Direct>>;

/// A client and its connections. Cheap to clone. It follows nothing, repeats nothing (save, on
/// another connection, a call that a closed one had not begun to write), unpacks nothing and adds
/// no header but `Host`.
#[derive(Clone)]
pub(super) enum Way {
    Straight(Arc<Client<Timed<Direct>, TrackedBody>>),
    ByProxy(Arc<Client<Timed<Tunnelled>, TrackedBody>>),
}

impl Way {
    pub(super) fn call(&self, request: Request<TrackedBody>) -> ResponseFuture {
        match self {
            Self::Straight(client) => client.request(request),
            Self::ByProxy(client) => client.request(request),
        }
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way(..)")
    }
}

/// What is spoken with vendors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// HTTP/2 where the vendor knows it.
    All,
    One,
}

pub(super) struct Clients {
    versions: Versions,
    direct: Way,
    routed: Way,
    /// In the place of `direct`.
    egress: Option<Egress>,
    /// By host, port and certificate authority together: equal keys are the same permission.
    granted: Cache<Grant, Way>,
    resolver: Resolver,
    connect_timeout: Duration,
}

impl Clients {
    pub(super) fn new(
        versions: Versions,
        connect_timeout: Duration,
        resolver: Resolver,
        egress: Option<&EgressProxy>,
    ) -> Result<Self, OutboundError> {
        let roots = tls::public_roots();
        let vendors = config(roots, VENDORS_SESSIONS)?;
        let direct = guarded(versions, vendors, resolver.clone(), connect_timeout);
        // The operator named the target, so it may be anywhere and without TLS; HTTP/1.1,
        // because there the Host header is free to stay the vendor's.
        let routed = HttpsConnectorBuilder::new()
            .with_tls_config(config(tls::public_roots(), FEW_SESSIONS)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(sockets(Resolver::anywhere()));
        let egress = match egress {
            Some(proxy) => Some(Egress::new(
                by_proxy(versions, proxy, connect_timeout)?,
                resolver.clone(),
            )),
            None => None,
        };
        Ok(Self {
            versions,
            direct,
            routed: Way::Straight(client(routed, connect_timeout)),
            egress,
            granted: Cache::builder()
                .max_capacity(GRANTED_CLIENTS)
                .time_to_idle(GRANTED_IDLE)
                .build(),
            resolver,
            connect_timeout,
        })
    }

    pub(super) fn direct(&self) -> Way {
        self.direct.clone()
    }

    pub(super) fn egress(&self) -> Option<&Egress> {
        self.egress.as_ref()
    }

    pub(super) fn routed(&self) -> Way {
        self.routed.clone()
    }

    pub(super) async fn granted(&self, grant: &Grant) -> Result<Way, SendError> {
        let build = async {
            let mut roots = tls::public_roots();
            roots.add_parsable_certificates(tls::authorities(grant)?);
            let resolver = self.resolver.granting(&grant.host);
            let config = config(roots, FEW_SESSIONS).map_err(|error| error.to_string())?;
            Ok::<_, String>(guarded(
                self.versions,
                config,
                resolver,
                self.connect_timeout,
            ))
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
    versions: Versions,
    config: rustls::ClientConfig,
    resolver: Resolver,
    connect_timeout: Duration,
) -> Way {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only();
    let connector = match versions {
        Versions::All => connector
            .enable_all_versions()
            .wrap_connector(sockets(resolver)),
        Versions::One => connector.enable_http1().wrap_connector(sockets(resolver)),
    };
    Way::Straight(client(connector, connect_timeout))
}

/// TLS to the vendor inside of a tunnel, and perhaps TLS to the proxy around it. The proxy's own
/// name is the operator's and may lead anywhere; no other name is resolved on this way.
fn by_proxy(
    versions: Versions,
    proxy: &EgressProxy,
    connect_timeout: Duration,
) -> Result<Way, OutboundError> {
    let to_proxy = HttpsConnectorBuilder::new()
        .with_tls_config(config(tls::public_roots(), FEW_SESSIONS)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(sockets(Resolver::anywhere()));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config(tls::public_roots(), VENDORS_SESSIONS)?)
        .https_only();
    let tunnel = proxy.tunnel(to_proxy)?;
    let connector = match versions {
        Versions::All => connector.enable_all_versions().wrap_connector(tunnel),
        Versions::One => connector.enable_http1().wrap_connector(tunnel),
    };
    Ok(Way::ByProxy(client(connector, connect_timeout)))
}

fn config(roots: RootCertStore, hosts: usize) -> Result<rustls::ClientConfig, OutboundError> {
    tls::config(roots, hosts).map_err(|error| OutboundError(error.to_string()))
}

fn sockets(resolver: Resolver) -> HttpConnector<Resolver> {
    let mut sockets = HttpConnector::new_with_resolver(resolver);
    sockets.enforce_http(false);
    sockets.set_nodelay(true);
    sockets.set_keepalive(Some(KEEP_ALIVE));
    sockets
}

fn client<C>(connector: C, connect_timeout: Duration) -> Arc<Client<Timed<C>, TrackedBody>>
where
    Timed<C>: hyper_util::client::legacy::connect::Connect + Clone,
{
    let client = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
        .http2_max_header_list_size(HEADER_LIST)
        .build(Timed {
            connector,
            limit: connect_timeout,
        });
    Arc::new(client)
}

/// Ends a connecting that takes too long: name server, TCP, proxy and TLS together.
#[derive(Debug, Clone)]
pub(super) struct Timed<C> {
    connector: C,
    limit: Duration,
}

/// Found again in the client's error by its type.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("connecting took too long")]
pub(super) struct TooSlow;

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<Box<dyn StdError + Send + Sync>>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = BoxFuture<'static, Result<C::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.limit, self.connector.call(target));
        Box::pin(async move {
            match connecting.await {
                Ok(outcome) => outcome.map_err(Into::into),
                Err(_) => Err(TooSlow.into()),
            }
        })
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("granted", &self.granted.entry_count())
            .finish_non_exhaustive()
    }
}
