//! Connections: accept, serve, stop gracefully.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Sandbox;

/// How long answers under way may take once the stop was asked for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until `stop` is ready, then lets answers under way finish.
///
/// hyper is driven directly, because a fault must be able to close a connection without an answer.
pub async fn serve(
    listener: TcpListener,
    sandbox: Arc<Sandbox>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stopping, stopped) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, Arc::clone(&sandbox), stopped.clone()));
                }
                Err(error) if broken_before_accepted(&error) => {}
                Err(error) => {
                    // Out of file descriptors, most likely: connections under way will give some back.
                    tracing::warn!(%error, "cannot accept a connection; trying again");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    drop(stopped);
    stopping.send_replace(());
    if tokio::time::timeout(PATIENCE, stopping.closed())
        .await
        .is_err()
    {
        tracing::warn!("stopped with answers under way");
    }
    Ok(())
}

fn broken_before_accepted(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn connection(stream: TcpStream, sandbox: Arc<Sandbox>, mut stopped: watch::Receiver<()>) {
    // Without it, small answers wait for the caller's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(|request| sandbox.receive(request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Faults and callers that hang up end here too; neither is news.
        tracing::debug!(%error, "connection ended");
    }
}
