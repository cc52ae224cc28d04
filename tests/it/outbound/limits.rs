//! Answers that are too large, packed wrongly, or not HTTP at all.

use std::io::Write;
use std::time::{Duration, Instant};

use super::server::{Server, Step};
use super::{PUBLIC, call, eventually, get, outbound, routed_to};
use bunsen::outbound::{SendError, Settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Method};

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
