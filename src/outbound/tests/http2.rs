//! The same promises over HTTP/2.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::vendor::Authority;
use super::*;
use crate::outbound::body::TrackedBody;
use crate::outbound::{Passing, Payload};

const HOST: &str = "crm.corp.example";

/// `/` answers, every other path never does.
async fn start(authority: &Authority, protocols: &[&[u8]], requests: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind((PRIVATE, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let acceptor = TlsAcceptor::from(authority.server_config(HOST, protocols));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.expect("a handshake");
            let requests = requests.clone();
            let service = hyper::service::service_fn(
                move |request: hyper::Request<hyper::body::Incoming>| {
                    requests.fetch_add(1, Ordering::SeqCst);
                    async move {
                        if request.uri().path() != "/" {
                            std::future::pending::<()>().await;
                        }
                        let version = format!("{:?}", request.version());
                        let body = TrackedBody::new(Bytes::from(version), Arc::default());
                        Ok::<_, Infallible>(hyper::Response::new(body))
                    }
                },
            );
            tokio::spawn(async move {
                let _ = Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_call_over_http2_is_answered_or_timed_out_as_sent() {
    let authority = Authority::new();
    let requests = Arc::new(AtomicUsize::new(0));
    let port = start(&authority, &[b"h2"], requests.clone()).await;
    let grants = [Grant::parse(&format!("{HOST}:{port}"), Some(authority.pem())).expect("a grant")];
    let names = NameServer::answering(&[&[PRIVATE]]);
    crate::outbound::install_crypto_provider();
    let settings = Settings {
        total_timeout: Duration::from_millis(1000),
        ..Settings::default()
    };
    let outbound = Outbound::with_resolver(settings, names.resolver.clone()).expect("settings");

    let reply = outbound
        .send(get(HOST, port), &with_grants(&grants))
        .await
        .expect("a reply");
    assert_eq!(reply.body, "HTTP/2.0");

    for body in ["", "{}"] {
        let mut request = get(HOST, port);
        request.method = Method::POST;
        request.url.set_path("/never");
        request.body = body.into();
        let outcome = outbound.send(request, &with_grants(&grants)).await;
        assert!(
            matches!(outcome, Err(SendError::TimedOut { sent: true, .. })),
            "{outcome:?}"
        );
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    assert_eq!(names.asked(), 1, "one connection for all of them");
}

/// By it a target goes as it is written, and trailers only where a header announces them.
#[tokio::test]
async fn what_is_handed_through_goes_by_the_old_version() {
    let authority = Authority::new();
    let port = start(&authority, &[b"h2", b"http/1.1"], Arc::default()).await;
    let grants = [Grant::parse(&format!("{HOST}:{port}"), Some(authority.pem())).expect("a grant")];
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound();
    let request = get(HOST, port);
    let passing = Passing {
        request: &request,
        target: "/",
        payload: Payload::Bytes(Bytes::new()),
    };
    let answer = outbound.pass(passing, &with_grants(&grants)).await;
    let body = answer.expect("an answer").body.collect().await;
    assert_eq!(body.expect("all of it").to_bytes(), "HTTP/1.1");
    let held = outbound.send(request, &with_grants(&grants)).await;
    assert_eq!(held.expect("a reply").body, "HTTP/2.0");
}
