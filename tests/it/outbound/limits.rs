//! Answers that are too large, too slow, cut, packed wrongly or not HTTP at all.

use std::io::Write;
use std::time::{Duration, Instant};

use bunsen::outbound::{SendError, Settings, Step as Reached, VendorRoute};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Method};
use tokio::net::TcpListener;

use super::server::{Server, Step};
use super::{PUBLIC, call, eventually, get, outbound, routed_to};

const LIMIT: usize = 64 * 1024;

fn sized(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut reply =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    reply.extend_from_slice(body);
    reply
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test]
async fn a_redirect_is_a_reply_like_any_other() {
    let aim = Server::answering(sized("200 OK", "", b"")).await;
    let headers = format!("location: {}/next\r\n", aim.origin());
    for status in [
        "301 Moved",
        "302 Found",
        "303 Other",
        "307 Again",
        "308 For Good",
    ] {
        let server = Server::answering(sized(status, &headers, b"moved")).await;
        let reply = call(&server).await.expect("a reply");
        assert_eq!(reply.status.as_str(), &status[..3]);
        assert_eq!(reply.headers["location"], format!("{}/next", aim.origin()));
        assert_eq!(reply.body, "moved");
    }
    assert_eq!(aim.connections(), 0);
}

#[tokio::test]
async fn failures_of_the_vendor_are_replies_and_not_repeated() {
    for status in [
        "401 No",
        "404 No",
        "429 Later",
        "500 Oh",
        "503 Later",
        "421 Misdirected",
    ] {
        let server = Server::answering(sized(status, "retry-after: 1\r\n", b"{}")).await;
        let reply = call(&server).await.expect("a reply");
        assert_eq!(reply.status.as_str(), &status[..3]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read_whole() {
    let body = vec![b'x'; LIMIT];
    let server = Server::answering(sized("200 OK", "", &body)).await;
    assert_eq!(call(&server).await.expect("a reply").body, body);

    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in body.chunks(1000) {
        write!(chunked, "{:x}\r\n", piece.len()).expect("memory");
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let server = Server::answering(chunked).await;
    assert_eq!(call(&server).await.expect("a reply").body, body);
}

#[tokio::test]
async fn an_announced_length_over_the_limit_ends_the_call_before_the_body() {
    for length in [(LIMIT + 1).to_string(), "1000000000000000".into()] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        let server = Server::start(vec![Step::Send(head.into()), Step::Hold]).await;
        let started = Instant::now();
        let outcome = call(&server).await;
        assert!(
            matches!(outcome, Err(SendError::TooLarge { limit: LIMIT, .. })),
            "{outcome:?}"
        );
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "it waited for a body"
        );
        eventually("closing the connection", || server.abandoned() == 1).await;
    }
}

#[tokio::test]
async fn an_unannounced_length_is_counted() {
    let chunk = [b"400\r\n".as_slice(), &[b'x'; 0x400], b"\r\n"].concat();
    for (head, piece) in [
        ("transfer-encoding: chunked", chunk),
        ("connection: close", vec![b'x'; 1024]),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
        let server = Server::start(vec![
            Step::Send(head.into()),
            Step::Repeat(piece, Duration::ZERO),
        ])
        .await;
        let outcome = call(&server).await;
        assert!(
            matches!(outcome, Err(SendError::TooLarge { .. })),
            "{outcome:?}"
        );
        eventually("closing the connection", || server.abandoned() == 1).await;
    }
}

#[tokio::test]
async fn a_packed_answer_is_unpacked_and_counted_unpacked() {
    let text = b"{\"name\":\"Ada\"}".repeat(100);
    let gzip = "content-encoding: gzip\r\n";
    let server = Server::answering(sized("200 OK", gzip, &packed(&text))).await;
    let reply = call(&server).await.expect("a reply");
    assert_eq!(reply.body, text);
    assert!(!reply.headers.contains_key("content-encoding"));

    let bomb = packed(&vec![0; 200 * LIMIT]);
    assert!(bomb.len() < LIMIT);
    let server = Server::answering(sized("200 OK", gzip, &bomb)).await;
    let outcome = call(&server).await;
    assert!(
        matches!(outcome, Err(SendError::TooLarge { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_unpacked_is_malformed() {
    let gzip = "content-encoding: gzip\r\n";
    let mut broken = packed(&[7; 5000]);
    broken[15] ^= 0xff;
    let mut wrong_checksum = packed(b"some text");
    let end = wrong_checksum.len() - 6;
    wrong_checksum[end] ^= 0xff;
    for (headers, body) in [
        (gzip, b"{\"not\":\"packed\"}".to_vec()),
        (gzip, broken),
        (gzip, wrong_checksum),
        ("content-encoding: br\r\n", vec![1, 2, 3]),
        ("content-encoding: gzip, gzip\r\n", packed(&packed(b"x"))),
    ] {
        let server = Server::answering(sized("200 OK", headers, &body)).await;
        let outcome = call(&server).await;
        assert!(
            matches!(outcome, Err(SendError::Malformed { .. })),
            "{headers}{body:?}{outcome:?}"
        );
    }
    let half = packed(&[7; 5000]);
    let half = &half[..half.len() / 2];
    let server = Server::answering(sized("200 OK", gzip, half)).await;
    let outcome = call(&server).await;
    assert!(
        matches!(outcome, Err(SendError::Malformed { .. })),
        "{outcome:?}"
    );

    let announced = format!("HTTP/1.1 200 OK\r\n{gzip}content-length: 9999\r\n\r\n");
    let announced = [announced.as_bytes(), half].concat();
    let server = Server::start(vec![Step::Send(announced), Step::Close]).await;
    let outcome = call(&server).await;
    assert!(matches!(outcome, Err(SendError::Cut { .. })), "{outcome:?}");
}

#[tokio::test]
async fn replies_without_a_body_may_announce_one() {
    let head = "content-encoding: gzip\r\ncontent-length: 99999999\r\n\r\n";
    for status in ["204 None", "304 Same"] {
        let server = Server::answering(format!("HTTP/1.1 {status}\r\n{head}")).await;
        assert!(call(&server).await.expect("a reply").body.is_empty());
    }
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{head}")).await;
    let mut request = get("https://acme.vendor.example/");
    request.method = Method::HEAD;
    let reply = outbound(routed_to(&server)).send(request, &PUBLIC).await;
    assert!(reply.expect("a reply").body.is_empty());
}

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
        let mut request = get("https://acme.vendor.example/");
        request.method = method;
        let total = outbound(settings(5000, 200));
        let outcome = total.send(request.clone(), &PUBLIC).await;
        let Err(error @ SendError::TimedOut { sent: false, .. }) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(!error.vendor_may_have_seen_it());
        let connect = outbound(settings(200, 5000));
        let outcome = connect.send(request, &PUBLIC).await;
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
    let server = Server::start(vec![Step::Close]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let plain = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.readable().await;
        }
    });
    drop(server);
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
    let reply = sized("200 OK", "", b"{}");
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

#[tokio::test]
async fn what_is_not_http_is_malformed() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    for (what, bytes) in [
        ("HTTP/0.9", b"<html>hello</html>\r\n\r\n".to_vec()),
        ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
        (
            "HTTP/2 in plain text",
            b"\0\0\0\x04\0\0\0\0\0\r\n\r\n".to_vec(),
        ),
        ("a status that is none", b"HTTP/1.1 9x9 OK\r\n\r\n".to_vec()),
        (
            "a header that is none",
            format!("{ok}no colon\r\n\r\n").into_bytes(),
        ),
        ("a bare NUL", format!("{ok}x: a\0b\r\n\r\n").into_bytes()),
        (
            "two lengths",
            format!("{ok}content-length: 1\r\ncontent-length: 2\r\n\r\nxx").into(),
        ),
        (
            "a wrong length",
            format!("{ok}content-length: -1\r\n\r\nxx").into_bytes(),
        ),
        ("500 headers", format!("{ok}{many}\r\n").into_bytes()),
        (
            "a wrong chunk",
            format!("{ok}transfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
        ),
    ] {
        let server = Server::start(vec![Step::Send(bytes), Step::Hold]).await;
        let outcome = call(&server).await;
        assert!(
            matches!(outcome, Err(SendError::Malformed { .. })),
            "{what}: {outcome:?}"
        );
        assert_eq!(server.requests().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_not_collected() {
    let line = vec![b'x'; 16 * 1024];
    let header = [b"x: ".as_slice(), &line, b"\r\n"].concat();
    for (what, first, again) in [
        ("status line", b"HTTP/1.1 200 ".to_vec(), line.clone()),
        (
            "one header",
            b"HTTP/1.1 200 OK\r\nx: ".to_vec(),
            line.clone(),
        ),
        ("headers", b"HTTP/1.1 200 OK\r\n".to_vec(), header),
    ] {
        let server =
            Server::start(vec![Step::Send(first), Step::Repeat(again, Duration::ZERO)]).await;
        let outcome = call(&server).await;
        assert!(
            matches!(outcome, Err(SendError::Malformed { .. })),
            "{what}: {outcome:?}"
        );
        eventually("closing the connection", || server.abandoned() == 1).await;
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

#[tokio::test]
async fn no_error_and_no_debug_form_repeats_what_may_be_secret() {
    let scripts = [
        vec![Step::Close],
        vec![Step::Send(b"marked-garbage\r\n\r\n".to_vec()), Step::Close],
        vec![Step::Send(sized(
            "200 OK",
            "content-encoding: gzip\r\n",
            b"marked-body",
        ))],
        vec![Step::Send(
            b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n".to_vec(),
        )],
        vec![Step::Send(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: marked\r\n\r\n".to_vec(),
        )],
        vec![Step::Send(
            b"HTTP/1.1 200 OK\r\nmarked header\r\n\r\n".to_vec(),
        )],
        vec![Step::Hold],
    ];
    for script in scripts {
        let server = Server::start(script).await;
        let outbound = outbound(Settings {
            total_timeout: Duration::from_millis(500),
            ..routed_to(&server)
        });
        let mut request = get("https://acme.vendor.example/marked-path?marked=query");
        request.method = Method::POST;
        request.body = "marked-body".into();
        let secret = HeaderValue::from_static("marked-header");
        request.headers.insert("authorization", secret);
        assert!(!format!("{request:?}").contains("marked"));
        let error = outbound.send(request, &PUBLIC).await.expect_err("an error");
        let texts = [
            error.to_string(),
            format!("{error:?}"),
            format!("{outbound:?}"),
        ];
        for text in texts {
            assert!(!text.contains("marked"), "{text}");
        }
        assert!(error.to_string().contains("acme.vendor.example"), "{error}");
    }
}
