//! Files, which are nowhere as a whole.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::Depot;
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::TestOptions;

const PIECE: usize = 64 * 1024;

#[database_test]
async fn a_download_passes_as_it_comes(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let pieces = depot.vendor.by_hand();
    let request = depot.request("GET", "/hubs/crm/boxes/1/picture").send();
    let (response, ()) = tokio::join!(request, async {
        pieces.send(vec![b'a'; PIECE]).await.expect("taken");
    });
    let mut response = response.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    // The first piece is here while the vendor still has the others: far more than is held of an answer.
    let mut got = 0;
    let mut read = async |wanted: usize| {
        while got < wanted {
            let chunk = tokio::time::timeout(Duration::from_secs(10), response.chunk());
            let chunk = chunk.await.expect("in time").expect("a piece");
            got += chunk.expect("more").len();
        }
    };
    read(PIECE).await;
    for number in 2..=64 {
        pieces.send(vec![b'a'; PIECE]).await.expect("taken");
        read(number * PIECE).await;
    }
    drop(pieces);
    assert_eq!(response.chunk().await.expect("the end"), None);
}

#[database_test]
async fn a_file_is_whatever_it_is(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    let headers = [
        ("content-type", "text/html"),
        ("content-disposition", "attachment; filename=\"a.html\""),
        ("set-cookie", "theirs=1"),
        ("elements-attempts", "77"),
    ];
    vendor.will_say(
        "GET /base/pictures/7",
        201,
        &headers,
        "<html>no page</html>",
    );
    let answer = depot.call("GET", "/boxes/7/picture").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, "<html>no page</html>")
    );
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"a.html\"")
    );
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("elements-attempts"), Some("1"));
    vendor.will(
        "GET /base/pictures/8",
        404,
        &json!({"message": "no picture"}),
    );
    let error = depot.call("GET", "/boxes/8/picture").await.error(404);
    assert_eq!(error["providerMessage"], "no picture");
    vendor.will("GET /base/pictures/9", 500, &json!({"message": "tired"}));
    let error = depot.call("GET", "/boxes/9/picture").await.error(502);
    assert!(!message(&error).is_empty());
}

/// Name, file name, type and text of each part.
type Part = (String, Option<String>, Option<String>, Vec<u8>);

async fn parts(kind: &str, body: Vec<u8>) -> Vec<Part> {
    let boundary = multer::parse_boundary(kind).expect("a boundary");
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    let mut form = multer::Multipart::new(stream, boundary);
    let mut parts = Vec::new();
    while let Some(part) = form.next_field().await.expect("a form") {
        let name = part.name().expect("a name").to_owned();
        let file = part.file_name().map(str::to_owned);
        let kind = part.content_type().map(ToString::to_string);
        let text = part.bytes().await.expect("a part").to_vec();
        parts.push((name, file, kind, text));
    }
    parts
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (head, text) in parts {
        form.extend_from_slice(
            format!("--X\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        form.extend_from_slice(text);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(b"--X--\r\n");
    form
}

fn upload(depot: &Depot, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
    let request = depot.request("POST", "/hubs/crm/boxes/7/papers");
    let request = request.header("content-type", "multipart/form-data; boundary=X");
    request.body(body)
}

#[database_test]
async fn a_form_with_files_gets_the_vendors_names(database: TestDatabase) {
    let options = TestOptions {
        body_limit: 100 * 1024,
        ..TestOptions::default()
    };
    let depot = Depot::start_with(database, options).await;
    depot.vendor.will(
        "POST /base/papers",
        201,
        &json!({"paper": {"id": 3, "note": null}}),
    );
    // One is held, the other is handed on piece by piece.
    for length in [5, 200 * 1024] {
        let text = vec![0xf0; length];
        let body = form(&[
            ("name=\"paper\"", b"{\"a\": 1}"),
            ("name=\"unknown\"", b"left out"),
            (
                "name=\"file\"; filename=\"a %22b%22.png\"\r\nContent-Type: image/png",
                &text,
            ),
        ]);
        let answer = Answer::of(upload(&depot, body)).await;
        assert_eq!(answer.success(), json!({"id": 3}));
        let seen = depot.vendor.one();
        assert_eq!(seen.header("x-word"), Some("5ecret-word"));
        assert_eq!(
            seen.header("content-length").is_some(),
            length == 5,
            "{length}"
        );
        let kind = seen.header("content-type").expect("a type").to_owned();
        let text = |name: &str, text: &str| (name.to_owned(), None, None, text.as_bytes().to_vec());
        let file = (
            "content".to_owned(),
            Some("a %22b%22.png".to_owned()),
            Some("image/png".to_owned()),
            vec![0xf0; length],
        );
        let wanted = [
            text("box", "7"),
            text("language", "en"),
            text("data", "{\"a\": 1}"),
            file,
        ];
        assert_eq!(parts(&kind, seen.body).await, wanted, "{length}");
    }
}

#[database_test]
async fn forms_that_are_not_what_they_should_be(database: TestDatabase) {
    let options = TestOptions {
        form_limit: 1024 * 1024,
        ..TestOptions::default()
    };
    let depot = Depot::start_with(database, options).await;
    depot.vendor.will("POST /base/papers", 200, &json!({}));
    let long = vec![b'x'; 300 * 1024];
    let file: (&str, &[u8]) = ("name=\"file\"; filename=\"a\"", b"x");
    let mut cut = form(&[("name=\"file\"", &long)]);
    cut.truncate(200 * 1024);
    for (body, status, part) in [
        (form(&[("name=\"paper\"", b"{}")]), 400, "part 'file'"),
        (form(&[("name=\"paper\"", &long)]), 400, "part 'file'"),
        (
            b"no form at all".to_vec(),
            400,
            "not valid multipart/form-data",
        ),
        (cut, 400, "ends too early"),
        (
            form(&[("name=\"file\"", &vec![b'x'; 1024 * 1024])]),
            413,
            "larger",
        ),
    ] {
        let length = body.len();
        let answer = Answer::of(upload(&depot, body)).await;
        let error = answer.error(status);
        assert!(message(&error).contains(part), "{length}: {error}");
        assert_eq!(answer.header("elements-fault"), Some("caller"));
        // What was handed on is no whole form.
        for seen in depot.vendor.seen() {
            assert!(!seen.body.ends_with(b"--\r\n"), "{length}");
        }
    }
    let plain = depot
        .send("POST", "/boxes/7/papers", &json!({"a": 1}))
        .await;
    let error = plain.error(415);
    assert!(message(&error).contains("multipart/form-data"), "{error}");
    let without = depot
        .request("POST", "/boxes/7/papers")
        .header("content-type", "multipart/form-data");
    let error = Answer::of(without.body(form(&[file]))).await.error(400);
    assert!(message(&error).contains("boundary"), "{error}");
    let elsewhere = depot
        .request("POST", "/boxes")
        .header("content-type", "multipart/form-data; boundary=X");
    let error = Answer::of(elsewhere.body(form(&[file]))).await.error(415);
    assert!(message(&error).contains("application/json"), "{error}");
    // What was cut off may be noticed late.
    let seen = depot.vendor.seen();
    assert!(seen.iter().all(|seen| seen.body == b"cut off"), "{seen:?}");
}
