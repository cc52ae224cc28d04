//! One connection from its first request to its end, in HTTP/1.1 or HTTP/2.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::{Service, ServiceExt};

use crate::http::client::{Client, Trusted};
use crate::http::path::NormalisePath;

/// For the whole head of a request, and so for how long an idle connection is kept. Longer than
/// the minute after which balancers let go of theirs.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// What is left of a connection that was given up.
const LAST_FRAMES: Duration = Duration::from_secs(10);
/// Calls at once on one connection of HTTP/2.
const STREAMS: u32 = 128;
const HEADER_LIST: u32 = 64 * 1024;

/// What every connection is served with.
#[derive(Debug)]
pub struct Protocols {
    one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
    service: NormalisePath<Router>,
}

/// The other end, as far as the connection itself shows it.
#[derive(Debug, Clone)]
pub struct Peer {
    pub client: Client,
    /// The proxies to believe, if this is one of them.
    pub proxy: Option<Arc<Trusted>>,
}

impl Protocols {
    pub fn new(service: NormalisePath<Router>) -> Self {
        let mut one = http1::Builder::new();
        one.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        let mut two = http2::Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADER_LIST);
        Self { one, two, service }
    }

    /// Runs HTTP/1.1 until the client goes, or until `stop` and the call of that moment is done.
    pub async fn one(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: Peer,
        mut stop: watch::Receiver<()>,
    ) {
        let service = self.service.clone();
        let service = service.map_request(move |request| arrived(request, &peer));
        let connection = self
            .one
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let outcome = tokio::select! {
            outcome = &mut connection => outcome,
            _ = stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        ended(outcome);
    }

    /// Runs HTTP/2 until the client goes; `stop` is told to it, and the calls of that moment are
    /// finished. HTTP/2 has no time-out of its own for clients that do nothing.
    pub async fn two(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        mut stop: watch::Receiver<()>,
    ) {
        let activity = Arc::new(Activity::new());
        let (inner, noted) = (self.service.clone(), activity.clone());
        let service = tower::service_fn(move |request| {
            let begun = Running::begin(&noted);
            let answer = inner.clone().call(arrived(request, &peer));
            async move { answer.await.map(|response| watched(response, begun)) }
        });
        let connection = self
            .two
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let outcome = tokio::select! {
            outcome = &mut connection => outcome,
            _ = stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = activity.none_for(HEAD_TIMEOUT) => {
                connection.as_mut().graceful_shutdown();
                let rest = tokio::time::timeout(LAST_FRAMES, connection).await;
                rest.unwrap_or(Ok(()))
            }
        };
        ended(outcome);
    }
}

fn ended(outcome: Result<(), hyper::Error>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn arrived(mut request: Request<Incoming>, peer: &Peer) -> Request<Body> {
    let client = match &peer.proxy {
        Some(trusted) => trusted.client(peer.client, request.headers()),
        None => peer.client,
    };
    request.extensions_mut().insert(client);
    request.map(Body::new)
}

/// Handing on a piece of the answer is activity too, and an answer that nobody takes is none.
fn watched(response: Response<Body>, begun: Running) -> Response<Body> {
    let activity = begun.0.clone();
    drop(begun);
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            activity.touch();
            frame
        }))
    })
}

/// When something last happened on a connection.
#[derive(Debug)]
struct Activity {
    began: Instant,
    /// Milliseconds after `began`.
    last: AtomicU64,
    running: AtomicUsize,
}

impl Activity {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
            running: AtomicUsize::new(0),
        }
    }

    fn touch(&self) {
        let now = self.began.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Resolves when no handler has run and no answer moved for so long.
    async fn none_for(&self, patience: Duration) {
        loop {
            if self.running.load(Ordering::Relaxed) > 0 {
                self.touch();
            }
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let left = (last + patience).saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

/// A handler at work; also one whose client has reset the call.
struct Running(Arc<Activity>);

impl Running {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.running.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.touch();
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_at_work_is_no_idleness() {
        let activity = Arc::new(Activity::new());
        let running = Running::begin(&activity);
        let patience = Duration::from_millis(20);
        let given_up = tokio::time::timeout(10 * patience, activity.none_for(patience));
        assert!(given_up.await.is_err());
        drop(running);
        activity.none_for(patience).await;
        assert!(activity.began.elapsed() >= patience);
    }
}
