//! Calls that end early: too slow, never sent, cut, or given up by the caller.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bunsen::outbound::{SendError, Settings, Step as Reached, VendorRoute};
use bunsen_engine::request::VendorRequest;
use http::{HeaderValue, Method};
use tokio::net::TcpListener;

use super::server::{Server, Step};
use super::{PUBLIC, call, eventually, get, outbound, routed_to};

#[tokio::test]
async fn slowness_anywhere_ends_at_the_total_limit() {
    let pause = Duration::from_millis(20);
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let sized = b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let scripts = [
        ("no answer", vec![Step::Hold]),
        (
            "slow status",
            vec![Step::Repeat(b"H".to_vec(), Duration::from_secs(9))],
        ),
        (
            "slow headers",
            vec![Step::Send(head), Step::Repeat(b"x".to_vec(), pause)],
        ),
        ("no body", vec![Step::Send(sized.clone()), Step::Hold]),
        (
            "slow body",
            vec![Step::Send(sized), Step::Repeat(b"x".to_vec(), pause)],
        ),
        (
            "slow chunks",
            vec![
                Step::Send(chunked),
                Step::Repeat(b"1\r\nx\r\n".to_vec(), pause),
            ],
        ),
    ];
    for (what, script) in scripts {
        let server = Server::start(script).await;
        let outbound = outbound(Settings {
            total_timeout: Duration::from_millis(300),
            ..routed_to(&server)
        });
        let started = Instant::now();
        let outcome = outbound
            .send(get("https://acme.vendor.example/"), &PUBLIC)
            .await;
        assert!(
            matches!(outcome, Err(SendError::TimedOut { sent: true, .. })),
            "{what}: {outcome:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(3), "{what}");
        assert_eq!(server.connections(), 1, "{what}");
    }
}

/// TLS to a server that accepts and says nothing: the limit ends before anything was sent.
#[tokio::test]
async fn what_was_not_sent_is_known_not_to_be() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let routes = vec![VendorRoute::parse(&format!("*=https://127.0.0.1:{port}")).expect("route")];
    let settings = |connect, total| Settings {
        routes: routes.clone(),
        connect_timeout: Duration::from_millis(connect),
        total_timeout: Duration::from_millis(total),
        ..Settings::default()
    };
    for method in [Method::GET, Method::POST] {
        let request = || VendorRequest {
            method: method.clone(),
            ..get("https://acme.vendor.example/")
        };
        let total = outbound(settings(5000, 200));
        let outcome = total.send(request(), &PUBLIC).await;
        let Err(error @ SendError::TimedOut { sent: false, .. }) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(!error.vendor_may_have_seen_it());
        let connect = outbound(settings(200, 5000));
        let outcome = connect.send(request(), &PUBLIC).await;
        let Err(
            error @ SendError::NotSent {
                step: Reached::Connect,
                ..
            },
        ) = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            error.to_string(),
            "no connection to acme.vendor.example within 0.2 s"
        );
    }
    drop(listener);
    let outcome = outbound(settings(2000, 2000))
        .send(get("https://acme.vendor.example/"), &PUBLIC)
        .await;
    let Err(
        error @ SendError::NotSent {
            step: Reached::Connect,
            ..
        },
    ) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(
        error.to_string().contains("refused the connection"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_such() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let plain = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.readable().await;
        }
    });
    let outbound = outbound(Settings {
        routes: vec![VendorRoute::parse(&format!("*=https://127.0.0.1:{plain}")).expect("route")],
        ..Settings::default()
    });
    let outcome = outbound
        .send(get("https://acme.vendor.example/"), &PUBLIC)
        .await;
    let Err(
        error @ SendError::NotSent {
            step: Reached::Tls, ..
        },
    ) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_cut_connection_is_not_repeated() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\"".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec();
    for script in [
        vec![Step::Close],
        vec![Step::Send(b"HTTP/1.1 2".to_vec()), Step::Close],
        vec![
            Step::Send(b"HTTP/1.1 200 OK\r\nx: y\r\n".to_vec()),
            Step::Close,
        ],
        vec![Step::Send(head), Step::Close],
        vec![Step::Send(chunked), Step::Close],
    ] {
        let server = Server::start(script).await;
        let outcome = call(&server).await;
        assert!(matches!(outcome, Err(SendError::Cut { .. })), "{outcome:?}");
        assert_eq!(server.requests().len(), 1);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_vendor_closed_does_not_fail_the_next_call() {
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let server = Server::start(vec![Step::Send(reply), Step::Close]).await;
    let outbound = outbound(routed_to(&server));
    for expected in 1..=5 {
        let reply = outbound
            .send(get("https://acme.vendor.example/"), &PUBLIC)
            .await;
        assert_eq!(reply.expect("a reply").body, "{}");
        assert_eq!(server.requests().len(), expected);
        // Long enough for the closing to arrive, which is the case meant here.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// HTTP allows any number of them; only the total limit ends it.
#[tokio::test]
async fn informational_answers_without_end_end_at_the_total_limit() {
    let server = Server::start(vec![Step::Repeat(
        b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        Duration::from_millis(1),
    )])
    .await;
    let outbound = outbound(Settings {
        total_timeout: Duration::from_millis(300),
        ..routed_to(&server)
    });
    let outcome = outbound
        .send(get("https://acme.vendor.example/"), &PUBLIC)
        .await;
    assert!(
        matches!(outcome, Err(SendError::TimedOut { sent: true, .. })),
        "{outcome:?}"
    );
    eventually("closing the connection", || server.abandoned() == 1).await;
}

#[tokio::test]
async fn dropping_the_future_ends_the_call() {
    let server = Server::start(vec![Step::Hold]).await;
    let outbound = outbound(routed_to(&server));
    let running = tokio::spawn(async move {
        outbound
            .send(get("https://acme.vendor.example/"), &PUBLIC)
            .await
    });
    eventually("the request", || server.requests().len() == 1).await;
    running.abort();
    eventually("closing the connection", || server.abandoned() == 1).await;
    assert_eq!(server.connections(), 1);
}

/// One event per call, with who, what came of it and how long it took, and nothing else.
#[tokio::test]
async fn a_call_is_logged_once_without_what_it_carries() {
    let reply = "HTTP/1.1 200 OK\r\nmarked: marked\r\ncontent-length: 6\r\n\r\nmarked";
    let server = Server::answering(reply).await;
    let outbound = outbound(routed_to(&server));
    let calls = async || {
        let mut request = get("https://acme.vendor.example/marked?marked");
        request.body = "marked".into();
        let secret = HeaderValue::from_static("marked");
        request.headers.insert("authorization", secret);
        outbound.send(request, &PUBLIC).await.expect("a reply");
        let request = get("https://u:marked@acme.vendor.example/marked");
        outbound.send(request, &PUBLIC).await.expect_err("refused");
    };
    // Once before: an event that another thread meets for the first time while this one
    // installs its subscriber can be taken for one that nobody wants.
    calls().await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    calls().await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    assert!(!text.contains("marked"), "{text}");
    let ours: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("bunsen::outbound"))
        .collect();
    let [answered, failed] = ours.as_slice() else {
        panic!("{text}");
    };
    assert!(answered.contains("DEBUG") && answered.contains("host=\"acme.vendor.example\""));
    assert!(answered.contains("status=200 duration_ms="), "{answered}");
    assert!(
        failed.contains("outcome=\"refused\" duration_ms="),
        "{failed}"
    );
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
