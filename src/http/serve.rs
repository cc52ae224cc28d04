//! The accept loop: what `axum::serve` does, with time limits for clients that do not finish their
//! headers, and connections that end gracefully.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::http::client::Client;
use crate::http::path::NormalisePath;

/// For the whole head of a request, and so for how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// After an accept that failed because the process has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop`; then accepts nothing more and returns when the last call has been answered.
pub async fn serve(
    listener: TcpListener,
    service: NormalisePath<Router>,
    stop: impl Future<Output = ()>,
) {
    let mut connections = Builder::new(TokioExecutor::new());
    connections
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    connections.http2().timer(TokioTimer::new());
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
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
        let connection = connections
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
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
