//! Calls that end otherwise than with the vendor's whole answer.

use std::time::{Duration, Instant};

use bunsen::shares::Limits;
use bunsen_test_macros::database_test;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{Place, by_token};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::server::TestOptions;
use crate::vendors::{Vendors, example, until};

#[database_test]
async fn a_vendor_that_is_slow_or_gone_is_told_in_words(database: TestDatabase) {
    let options = TestOptions {
        vendor_timeout: Duration::from_millis(500),
        ..TestOptions::default()
    };
    let place = Place::start_with(database, options).await;
    let began = Instant::now();
    let error = place
        .call("GET", "/slow?milliseconds=20000")
        .await
        .error(502);
    for part in [
        "Passage",
        "acme.passage.example",
        "0.5 s",
        "site",
        "not known",
    ] {
        assert!(message(&error).contains(part), "{part}: {error}");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    // It accepts a body and says nothing: time runs from the last piece.
    let large = place.request("POST", "/slow?milliseconds=20000");
    Answer::of(large.body(vec![0; 900_000])).await.error(502);
    // The head came, and then nothing more: what was announced is not there.
    let response = place.request("GET", "/stall").send().await.expect("a head");
    assert_eq!(response.status(), 200);
    response.bytes().await.expect_err("the rest never comes");
    // Slowly is no failure, as long as it gets on.
    let answer = place.call("GET", "/trickle?bytes=163840").await;
    assert_eq!((answer.status, answer.text.len()), (200, 163_840));
}

#[database_test]
async fn whatever_happens_on_the_way_is_told_in_words(database: TestDatabase) {
    let server = crate::server::TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let made = server.create(&server.admin, &example()).await;
    let header = by_token(&server.admin, &made);
    for (fault, words) in [
        (
            json!({"kind": "refuse"}),
            "ended the connection without answering",
        ),
        (
            json!({"kind": "lost_answer"}),
            "ended the connection without answering",
        ),
    ] {
        vendors.reset().await;
        vendors.fault(fault.clone()).await;
        let request = server.request("GET", &format!("{}/any", super::PROXY));
        let error = Answer::of(request.header("authorization", &header)).await;
        let error = error.error(502);
        assert!(message(&error).contains(words), "{fault}: {error}");
        assert!(message(&error).contains("passthrough"), "{fault}: {error}");
    }
    // What a hub call would not take is the caller's to judge here.
    for (fault, status) in [
        (json!({"kind": "html"}), 200),
        (json!({"kind": "invalid_json"}), 200),
        (
            json!({"kind": "redirect", "location": "https://elsewhere.example/"}),
            302,
        ),
        (json!({"kind": "status", "status": 503, "body": "{}"}), 503),
    ] {
        vendors.reset().await;
        vendors.fault(fault.clone()).await;
        let request = server.request("GET", &format!("{}/any", super::PROXY));
        let answer = Answer::of(request.header("authorization", &header)).await;
        assert_eq!(answer.status, status, "{fault}: {answer}");
        assert_eq!(vendors.calls().await, 1, "{fault}");
    }
    // Announced and not sent: the caller must not take the half for the whole.
    vendors.reset().await;
    vendors.fault(json!({"kind": "cut"})).await;
    let request = server
        .request("GET", &format!("{}/any", super::PROXY))
        .header("authorization", &header);
    if let Ok(response) = request.send().await {
        response.bytes().await.expect_err("it was cut");
    }
}

#[database_test]
async fn who_hangs_up_ends_the_call_and_gives_its_place_back(database: TestDatabase) {
    let options = TestOptions {
        // Half of them for one account.
        shares: Limits {
            calls: 2,
            bytes: 8 * 1024 * 1024,
        },
        ..TestOptions::default()
    };
    let place = Place::start_with(database, options).await;
    // Before the head, and in the middle of an answer.
    let begun = place.vendor.begun();
    let waiting = place
        .request("GET", "/deaf")
        .timeout(Duration::from_secs(20));
    let waiting = tokio::spawn(waiting.send());
    until("the vendor is asked", async || place.vendor.begun() > begun).await;
    let error = place.call("GET", "/things").await.error(429);
    assert!(message(&error).contains("--organization-calls"), "{error}");
    waiting.abort();
    until("there is room again", async || {
        place.call("GET", "/things").await.status == 200
    })
    .await;
    let dropped = place.vendor.dropped();
    let mut begun = None;
    // The place of the call before may be free only a moment after its answer is there.
    until("an answer has begun", async || {
        let answer = place.request("GET", "/trickle?bytes=100000000").send();
        let answer = answer.await.expect("a head");
        let goes_on = answer.status() == 200;
        begun = Some(answer);
        goes_on
    })
    .await;
    place.call("GET", "/things").await.error(429);
    drop(begun);
    until("the vendor's answer is not read on", async || {
        place.vendor.dropped() > dropped
    })
    .await;
    until("there is room again", async || {
        place.call("GET", "/things").await.status == 200
    })
    .await;
}

#[database_test]
async fn a_body_that_breaks_off_is_not_taken_for_a_whole_one(database: TestDatabase) {
    let place = Place::start(database).await;
    for written in [10_000, 90_000] {
        let whole = place.vendor.whole();
        let mut stream = place.connect().await;
        let head = format!(
            "POST {}/count HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-length: 100000\r\n\r\n",
            super::PROXY,
            place.header
        );
        stream.write_all(head.as_bytes()).await.expect("written");
        stream
            .write_all(&vec![b'x'; written])
            .await
            .expect("written");
        drop(stream);
        let answer = place.call("GET", "/count").await;
        assert_eq!(answer.status, 200);
        assert_eq!(place.vendor.whole(), whole + 1, "{written}");
        assert_eq!(place.vendor.one().method, "GET", "{written}");
    }
}

/// A server that is told to stop answers what it has begun.
#[database_test]
async fn a_stop_waits_for_answers_that_are_on_their_way(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = server.create(&user, &example()).await;
    let header = format!(
        "{user}, Element {}",
        made["token"].as_str().expect("a token")
    );
    site.vendors
        .fault(json!({"kind": "slow", "milliseconds": 1500}))
        .await;
    let before = site.vendors.calls().await;
    let call = tokio::spawn(Answer::of(server.request("GET", "/proxy/api/any", &header)));
    site.vendors.wait_for_calls(before + 1).await;
    server.signal(Signal::TERM);
    let answer = call.await.expect("an answer");
    assert!(
        answer.header("elements-element-instance-id").is_some(),
        "{answer}"
    );
    let output = server.ended().await;
    assert!(output.status.success());
}
