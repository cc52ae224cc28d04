//! What needs a name server of our own: resolving, rebinding, TLS and grants. Loopback is
//! refused without exception, so these tests give two of its addresses another meaning:
//! `PUBLIC` counts as public and `PRIVATE` as one on a private network.

mod egress;
mod grants;
mod http2;
mod pass;
mod resolving;
mod sessions;
mod vendor;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bunsen_engine::element::HostRule;
use bunsen_engine::request::VendorRequest;
use http::{HeaderMap, Method};
use tokio::net::TcpListener;
use url::Url;

use super::address::{self, Forbidden};
use super::resolve::Resolver;
use super::{Destination, EgressProxy, Grant, Outbound, SendError, Settings};

const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 10));
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 20));
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn classify(address: IpAddr) -> Option<Forbidden> {
    match address {
        PUBLIC => None,
        PRIVATE => Some(Forbidden {
            why: "private network",
            grantable: true,
        }),
        other => address::classify(other),
    }
}

/// A name server that gives one answer after the other to whatever is asked, and the last one
/// for ever. An empty answer is a name that does not exist.
struct NameServer {
    asked: Arc<AtomicUsize>,
    resolver: Resolver,
}

impl NameServer {
    fn answering(answers: &[&[IpAddr]]) -> Self {
        let answers: Vec<Vec<IpAddr>> = answers.iter().map(|answer| answer.to_vec()).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let lookup = move |_| {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            let answer = answers.get(turn).or(answers.last()).cloned();
            let answer = answer.unwrap_or_default();
            let found = match answer.is_empty() {
                true => Err(io::Error::other("no such name")),
                false => Ok(answer),
            };
            Box::pin(std::future::ready(found)) as _
        };
        Self {
            asked,
            resolver: Resolver {
                lookup: Arc::new(lookup),
                classify,
                granted: None,
            },
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn outbound(&self) -> Outbound {
        self.outbound_by(None)
    }

    fn outbound_by(&self, egress: Option<EgressProxy>) -> Outbound {
        super::install_crypto_provider();
        let settings = Settings {
            egress,
            total_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
            ..Settings::default()
        };
        Outbound::with_resolver(settings, self.resolver.clone()).expect("settings")
    }
}

fn get(host: &str, port: u16) -> VendorRequest {
    VendorRequest {
        method: Method::GET,
        url: Url::parse(&format!("https://{host}:{port}/")).expect("a URL"),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    }
}

fn with_grants(grants: &[Grant]) -> Destination<'_> {
    Destination {
        element: "crmdesk",
        hosts: &HostRule::Public,
        grants,
    }
}

fn refused_address(outcome: &Result<impl std::fmt::Debug, SendError>) -> Option<&'static str> {
    match outcome {
        Err(SendError::Refused(super::Refusal {
            reason: super::Reason::Address(why),
            ..
        })) => Some(why),
        _ => None,
    }
}

/// A vendor's listener, and one on loopback with the same port on which nobody may call.
async fn listener_and_trap(address: IpAddr) -> (TcpListener, Trap) {
    for _ in 0..100 {
        let listener = TcpListener::bind((address, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // Another test may have the same port there.
        if let Ok(trap) = TcpListener::bind((LOOPBACK, port)).await {
            return (listener, Trap(trap));
        }
    }
    panic!("no port is free on both addresses");
}

struct Trap(TcpListener);

impl Trap {
    async fn start() -> Self {
        Self(TcpListener::bind((LOOPBACK, 0)).await.expect("a port"))
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("an address").port()
    }

    /// Whoever connected is in the queue by now, since the calls have ended.
    async fn assert_untouched(self) {
        let waiting = tokio::time::timeout(Duration::from_millis(50), self.0.accept()).await;
        assert!(waiting.is_err(), "something connected");
    }
}
