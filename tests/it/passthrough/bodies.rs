//! Bodies are handed on as they come, in both directions, and nothing holds them.

use std::time::Duration;

use bunsen_test_macros::database_test;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Place;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::TestOptions;
use crate::vendors::until;

const MIB: usize = 1024 * 1024;

fn pieces(count: usize) -> reqwest::Body {
    let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]));
    reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
}

#[database_test]
async fn large_bodies_pass_in_both_directions(database: TestDatabase) {
    let options = TestOptions {
        body_limit: 64 * MIB,
        // What is handed on is not held, and this is for what is.
        vendor_body_limit: 64 * 1024,
        ..TestOptions::default()
    };
    let place = Place::start_with(database, options).await;
    let whole = place.request("POST", "/count").body(vec![b'x'; 20 * MIB]);
    assert_eq!(Answer::of(whole).await.text, (20 * MIB).to_string());
    let seen = place.vendor.one();
    assert_eq!(seen.header("content-length"), Some("20971520"));
    let chunked = place.request("POST", "/count").body(pieces(320));
    assert_eq!(Answer::of(chunked).await.text, (20 * MIB).to_string());
    let seen = place.vendor.one();
    assert_eq!(seen.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen.header("content-length"), None);

    for announced in [0, 1] {
        let path = format!("/stream?bytes={}&announced={announced}", 20 * MIB);
        let response = place.request("GET", &path).send().await.expect("an answer");
        let length = (announced == 1).then_some(20 * MIB as u64);
        assert_eq!(response.content_length(), length);
        let bytes = response.bytes().await.expect("all of it");
        assert_eq!(bytes.len(), 20 * MIB);
    }
}

#[database_test]
async fn small_bodies_arrive_with_their_length(database: TestDatabase) {
    let place = Place::start(database).await;
    let chunked = place.request("PUT", "/count").body(pieces(1));
    assert_eq!(Answer::of(chunked).await.text, "65536");
    let seen = place.vendor.one();
    assert_eq!(seen.header("content-length"), Some("65536"));
    // A body where most have none.
    let answer = Answer::of(place.request("GET", "/count").body("abc")).await;
    assert_eq!(answer.text, "3");
    let answer = Answer::of(place.request("DELETE", "/count").body("abc")).await;
    assert_eq!(answer.text, "3");
    place.vendor.seen();
    let packed = vec![0x1f, 0x8b, 0, 1, 2, 255];
    let request = place
        .request("POST", "/count")
        .header("content-encoding", "gzip");
    assert_eq!(Answer::of(request.body(packed.clone())).await.text, "6");
    let seen = place.vendor.one();
    assert_eq!(
        (seen.header("content-encoding"), &seen.body),
        (Some("gzip"), &packed)
    );
}

#[database_test]
async fn a_body_over_the_limit_is_refused(database: TestDatabase) {
    let options = TestOptions {
        body_limit: 128 * 1024,
        ..TestOptions::default()
    };
    let place = Place::start_with(database, options).await;
    let announced = place
        .request("POST", "/count")
        .body(vec![0; 128 * 1024 + 1]);
    Answer::of(announced).await.error(413);
    assert!(place.vendor.seen().is_empty(), "nobody was asked");
    // What does not say how long it is has begun to go when it is found out.
    let whole = place.vendor.whole();
    let chunked = place.request("POST", "/count").body(pieces(3));
    Answer::of(chunked).await.error(413);
    assert_eq!(place.vendor.whole(), whole, "a cut body is no whole one");
    let exact = place.request("POST", "/count").body(pieces(2));
    assert_eq!(Answer::of(exact).await.text, (128 * 1024).to_string());
}

/// The first piece is there while the vendor is still at the second.
#[database_test]
async fn pieces_of_an_answer_do_not_wait_for_each_other(database: TestDatabase) {
    let place = Place::start(database).await;
    let response = place.request("GET", "/stall").send().await.expect("a head");
    assert_eq!(response.status(), 200);
    let mut pieces = response.bytes_stream();
    let first = pieces.next().await.expect("a piece").expect("bytes");
    assert_eq!(first, "some");
}

/// The same for the caller's own.
#[database_test]
async fn a_body_that_takes_its_time_is_waited_for(database: TestDatabase) {
    let options = TestOptions {
        vendor_timeout: Duration::from_millis(700),
        ..TestOptions::default()
    };
    let place = Place::start_with(database, options).await;
    let mut stream = place.connect().await;
    let head = format!(
        "POST {}/count HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-length: 100000\r\n\
         connection: close\r\n\r\n",
        super::PROXY,
        place.header
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let begun = place.vendor.begun();
    stream.write_all(&[b'x'; 50_000]).await.expect("written");
    until("the vendor gets the first half", async || {
        place.vendor.begun() > begun
    })
    .await;
    // Longer than the vendor may stand still: it is not the vendor who does.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stream.write_all(&[b'x'; 50_000]).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("100000"), "{answer}");
}
