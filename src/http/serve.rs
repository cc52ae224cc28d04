//! The accept loop: what `axum::serve` does, with limits for clients that do not finish their
//! handshake or their headers, do not read their answers or only hold connections.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::http::client::{Client, Trusted};
use crate::http::connection::{Peer, Protocols};
use crate::http::pace::{self, Paced};
use crate::http::path::NormalisePath;
use crate::http::tls::Tls;
use crate::meters;

/// After an accept that failed because the process has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);
/// Connections at once where the system sets no limit on open files.
const MOST_CONNECTIONS: u64 = 65_536;

/// How connections are taken.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// `None`: plain http.
    pub tls: Option<Tls>,
    pub trusted: Arc<Trusted>,
    /// `None`: as many as the limit of open files bears.
    pub most_connections: Option<usize>,
}

/// Serves until `stop`; then accepts nothing more and returns when the last call has been answered.
///
/// HTTP/2 by TLS alone, as browsers and balancers speak it.
pub async fn serve(
    listener: TcpListener,
    service: NormalisePath<Router>,
    front: Front,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(
        front.most_connections.unwrap_or_else(places),
    ));
    let taking = Taking {
        protocols: Arc::new(Protocols::new(service)),
        front,
        stop: watch::Sender::new(()),
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => taking.take(stream, peer.ip(), place.ok()),
            Err(error) => {
                if !is_the_clients(&error) {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
    // Who is in the queue by now has connected to a server that was there.
    while let Ok(place) = Arc::clone(&places).try_acquire_owned()
        && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
    {
        taking.take(stream, peer.ip(), Some(place));
    }
    drop(listener);
    let _ = taking.stop.send(());
    // Every connection holds a receiver.
    taking.stop.closed().await;
}

struct Taking {
    protocols: Arc<Protocols>,
    front: Front,
    stop: watch::Sender<()>,
}

impl Taking {
    fn take(&self, stream: TcpStream, peer: IpAddr, place: Option<OwnedSemaphorePermit>) {
        // Small answers must not wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let stream = Paced::new(stream, pace::PATIENCE);
        let tls = self.front.tls.clone();
        let peer = Peer {
            client: Client {
                address: peer,
                https: tls.is_some(),
            },
            proxy: (self.front.trusted.covers(peer)).then(|| self.front.trusted.clone()),
        };
        let (protocols, stop) = (self.protocols.clone(), self.stop.subscribe());
        tokio::spawn(async move {
            let _held = (place, meters::connection());
            let Some(tls) = tls else {
                return protocols.one(stream, peer, stop).await;
            };
            // Boxed: connections without TLS have no need of the room, and neither has this one of
            // room for both protocols.
            if let Some(stream) = Box::pin(tls.accept(stream)).await {
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Box::pin(protocols.two(stream, peer, stop)).await,
                    _ => Box::pin(protocols.one(stream, peer, stop)).await,
                }
            }
        });
    }
}

/// Connections at once. Each may need a second descriptor for the vendor, and some are for others.
fn places() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current;
    let places = descriptors.map_or(MOST_CONNECTIONS, |limit| limit / 2 - limit / 16);
    usize::try_from(places.clamp(64, MOST_CONNECTIONS)).unwrap_or(64)
}

/// The connection was gone before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
