//! The accept loop: what `axum::serve` does, with limits for clients that do not finish their
//! headers, do not read their answers or only hold connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::http::client::Client;
use crate::http::path::NormalisePath;

/// For the whole head of a request, and so for how long an idle connection is kept. Longer than
/// the minute after which balancers let go of theirs.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// A client that takes nothing of its answer for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// After an accept that failed because the process has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);
/// Connections at once where the system sets no limit on open files.
const MOST_CONNECTIONS: u64 = 65_536;

/// Serves until `stop`; then accepts nothing more and returns when the last call has been answered.
///
/// HTTP/1.1 only: browsers and balancers speak HTTP/2 with TLS alone, and here is none.
pub async fn serve(
    listener: TcpListener,
    service: NormalisePath<Router>,
    stop: impl Future<Output = ()>,
) {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(places()));
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !is_the_clients(&error) {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(BREATH).await;
                }
                continue;
            }
        };
        // Small answers must not wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let client = Client {
            address: peer.ip(),
            https: false,
        };
        let service = service
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(client);
                request.map(Body::new)
            });
        let connection = protocol.serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(service),
        );
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
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
