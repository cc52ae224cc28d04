//! Request bodies: types, limits, verbs, what callers accept, and mistakes in JSON.

use bunsen_test_macros::database_test;
use futures_util::stream;
use serde_json::json;

use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use crate::vendors::{Vendors, example};

const INSTANCES: &str = "/elements/api-v2/instances";

fn post(
    server: &TestServer,
    content_type: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> reqwest::RequestBuilder {
    let request = server
        .request("POST", INSTANCES)
        .header("authorization", server.admin.header())
        .body(body);
    match content_type {
        Some(content_type) => request.header("content-type", content_type),
        None => request,
    }
}

async fn stored(server: &TestServer) -> i64 {
    sqlx::query_scalar("select count(*) from instances")
        .fetch_one(&server.database.pool)
        .await
        .expect("a count")
}

#[database_test]
async fn json_is_taken_under_every_usual_type(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let body = example().to_string();
    for content_type in [
        None,
        Some("application/json"),
        Some("application/json;charset=UTF-8"),
        Some("application/json; charset=utf-8"),
        Some("application/json; charset=\"utf-8\""),
        Some("Application/JSON"),
        // What `curl -d` sends when nobody says otherwise.
        Some("application/x-www-form-urlencoded"),
        Some("application/x-www-form-urlencoded; charset=UTF-8"),
    ] {
        let answer = Answer::of(post(&server, content_type, body.clone())).await;
        findings.status(&format!("{content_type:?}"), &answer, 200);
    }
    findings.none();
}

#[database_test]
async fn other_types_are_refused(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for content_type in [
        "text/plain",
        "application/xml",
        "text/json5",
        "multipart/form-data; boundary=x",
        "image/png",
        "nonsense",
    ] {
        let answer = Answer::of(post(&server, Some(content_type), example().to_string())).await;
        findings.error(content_type, &answer, 415);
    }
    findings.check(stored(&server).await == 0, || {
        "an instance was created".to_owned()
    });
    findings.none();
}

/// Some clients put a type on everything; without a body it means nothing.
#[database_test]
async fn a_type_without_body_is_ignored(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for content_type in ["text/plain", "application/xml", "application/json"] {
        let request = server
            .request("GET", "/elements/api-v2/organizations/me")
            .header("authorization", server.admin.header())
            .header("content-type", content_type);
        Answer::of(request).await.success();
    }
}

#[database_test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer(database: TestDatabase) {
    const LIMIT: usize = 4096;
    let options = TestOptions {
        body_limit: LIMIT,
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let mut findings = Findings::default();
    let text = example().to_string();
    let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    for (length, status) in [(LIMIT, 200), (LIMIT + 1, 413)] {
        let announced = Answer::of(post(&server, Some("application/json"), padded(length))).await;
        // Without a length in front, the server has to count.
        let pieces: Vec<Result<String, std::io::Error>> = padded(length)
            .as_bytes()
            .chunks(1000)
            .map(|piece| Ok(String::from_utf8_lossy(piece).into_owned()))
            .collect();
        let streamed = reqwest::Body::wrap_stream(stream::iter(pieces));
        let counted = Answer::of(post(&server, Some("application/json"), streamed)).await;
        for (what, answer) in [("announced", announced), ("streamed", counted)] {
            let what = format!("{length} bytes, {what}");
            match status {
                200 => findings.status(&what, &answer, 200),
                status => drop(findings.error(&what, &answer, status)),
            }
        }
    }
    findings.check(stored(&server).await == 2, || {
        "what is too long was created nevertheless".to_owned()
    });
    findings.none();
}

/// Closing at once on somebody who is still sending resets the connection, and the answer is lost with it.
#[database_test]
async fn who_sends_far_too_much_still_reads_the_answer(database: TestDatabase) {
    let options = TestOptions {
        body_limit: 4096,
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let mut findings = Findings::default();
    let body = "x".repeat(2 * 1024 * 1024);
    for attempt in 0..20 {
        let pieces: Vec<Result<String, std::io::Error>> =
            (0..100).map(|_| Ok("x".repeat(4096))).collect();
        let streamed = reqwest::Body::wrap_stream(stream::iter(pieces));
        for (what, body) in [("announced", body.clone().into()), ("streamed", streamed)] {
            let what = format!("{what}, attempt {attempt}");
            match post(&server, Some("application/json"), body).send().await {
                Ok(response) => drop(findings.error(&what, &Answer::read(response).await, 413)),
                Err(error) => findings.add(format!("{what}: no answer: {error:?}")),
            }
        }
    }
    findings.none();
}

#[database_test]
async fn a_wrong_verb_is_405_and_says_which_are_right(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for (method, path) in [
        ("POST", "/organizations/me"),
        ("DELETE", "/organizations/me"),
        ("PATCH", "/elements/keys"),
        ("POST", "/elements/keys/"),
        ("DELETE", "/users"),
        ("DELETE", "/accounts"),
        ("POST", "/instances/12"),
    ] {
        let request = server
            .request(method, &format!("/elements/api-v2{path}"))
            .header("authorization", server.admin.header());
        let answer = Answer::of(request).await;
        let what = format!("{method} {path}");
        findings.error(&what, &answer, 405);
        let allow = answer.header("allow").unwrap_or_default();
        findings.check(allow.contains("GET") && !allow.contains(method), || {
            format!("{what}: Allow must name the right verbs: {answer}")
        });
    }
    findings.none();
}

#[database_test]
async fn what_the_caller_accepts_is_respected(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let cases = [
        (None, 200),
        (Some("*/*"), 200),
        (Some("application/json"), 200),
        (Some("Application/JSON"), 200),
        (Some("application/json;charset=UTF-8"), 200),
        (Some("application/json; q=0.5, text/html"), 200),
        (Some("application/*"), 200),
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            200,
        ),
        (Some(""), 200),
        (Some("text/html"), 406),
        (Some("text/csv, application/xml"), 406),
        (Some("application/jsonp"), 406),
        (Some("image/*"), 406),
    ];
    for (accept, status) in cases {
        let mut request = server
            .request("GET", "/elements/api-v2/organizations/me")
            .header("authorization", server.admin.header());
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let answer = Answer::of(request).await;
        let what = format!("Accept {accept:?}");
        match status {
            200 => findings.status(&what, &answer, 200),
            status => drop(findings.error(&what, &answer, status)),
        }
    }
    findings.none();
}

/// Who could not read the answer must not have changed anything.
#[database_test]
async fn an_answer_that_cannot_be_met_creates_nothing(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let request = post(&server, Some("application/json"), example().to_string())
        .header("accept", "text/html");
    Answer::of(request).await.error(406);
    assert_eq!((stored(&server).await, vendors.calls().await), (0, 0));
}

#[database_test]
async fn a_body_that_is_no_json_object_is_400(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!(
        "{{\"name\":\"n\",\"configuration\":{}1{}}}",
        "{\"a\":".repeat(5_000),
        "}".repeat(5_000)
    );
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", b"".to_vec()),
        ("blank", b"  \n ".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("null", b"null".to_vec()),
        ("a text", b"\"text\"".to_vec()),
        ("a number", b"12".to_vec()),
        ("an array", b"[{}]".to_vec()),
        ("cut off", b"{\"name\":\"n\"".to_vec()),
        ("two objects", b"{\"name\":\"n\"}{\"name\":\"n\"}".to_vec()),
        ("form fields", b"name=n&element=x".to_vec()),
        ("XML", b"<instance/>".to_vec()),
        ("no UTF-8", b"{\"name\":\"\xff\xfe\"}".to_vec()),
        (
            "UTF-16",
            "\u{feff}{\"name\":\"n\"}"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        ("half a surrogate", b"{\"name\":\"\\ud800\"}".to_vec()),
        ("deep arrays", deep.into_bytes()),
        ("deep objects", nested.into_bytes()),
        (
            "a huge number",
            format!("{{\"name\":1{}}}", "0".repeat(500)).into_bytes(),
        ),
    ];
    for (what, body) in bodies {
        let answer = Answer::of(post(&server, Some("application/json"), body)).await;
        findings.error(what, &answer, 400);
    }
    findings.check(stored(&server).await == 0, || {
        "an instance was created".to_owned()
    });
    findings.none();
}

/// Text processors turn quotes into curly ones; the place of the first is what the caller needs.
#[database_test]
async fn curly_quotes_are_named_with_their_place(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for (what, body) in [
        ("double quotes", "{\n  \u{201c}name\u{201d}: \"n\"\n}"),
        ("single quotes", "{\n  \u{2018}name\u{2019}: \"n\"\n}"),
        (
            "after a good field",
            "{\"tags\":[],\n  \u{201c}name\u{201d}: \"n\"}",
        ),
    ] {
        let answer = Answer::of(post(&server, Some("application/json"), body)).await;
        let Some(error) = findings.error(what, &answer, 400) else {
            continue;
        };
        let text = message(&error).to_lowercase();
        findings.check(text.contains("quote"), || {
            format!("{what}: the message must speak of quotes: {text}")
        });
        findings.check(text.contains("line 2") && text.contains("column 3"), || {
            format!("{what}: the message must say line 2, column 3: {text}")
        });
    }
    findings.none();
}

/// Curly quotes inside of a text are text.
#[database_test]
async fn curly_quotes_in_a_text_are_fine(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut body = example();
    body["name"] = json!("the \u{201c}good\u{201d} desk");
    let created = server.create(&server.admin, &body).await;
    assert_eq!(created["name"], "the \u{201c}good\u{201d} desk");
}

/// Windows editors put a byte order mark in front.
#[database_test]
async fn a_byte_order_mark_is_not_the_callers_fault(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let answer = Answer::of(post(
        &server,
        Some("application/json"),
        format!("\u{feff}{}", example()),
    ))
    .await;
    assert!([200, 400].contains(&answer.status), "{answer}");
    if answer.status == 400 {
        let error = answer.error(400);
        assert!(
            message(&error).to_lowercase().contains("byte order mark"),
            "it must be named: {error}"
        );
    }
}

/// Postgres stores no NUL; that must not become our fault.
#[database_test]
async fn a_nul_character_is_never_a_server_fault(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let configuration_key = example()["configuration"]
        .as_object()
        .and_then(|map| map.keys().next().cloned())
        .expect("a key");
    for (what, pointer) in [
        ("name", "/name".to_owned()),
        ("tags", "/tags".to_owned()),
        (
            "configuration",
            format!("/configuration/{configuration_key}"),
        ),
        ("element", "/element/key".to_owned()),
    ] {
        let mut body = example();
        body["tags"] = json!(["tag"]);
        let place = body.pointer_mut(&pointer).expect("the example has it");
        *place = if what == "tags" {
            json!(["a\u{0}b"])
        } else {
            json!("a\u{0}b")
        };
        let answer = Answer::of(post(&server, Some("application/json"), body.to_string())).await;
        findings.check(answer.status < 500, || format!("{what}: {answer}"));
    }
    for path in [
        "/instances?searchText=%00",
        "/instances?tags%5B%5D=%00",
        "/instances?nextPage=%00",
        "/elements/%00",
        "/instances/%00",
        "/%00",
    ] {
        let request = server
            .request("GET", &format!("/elements/api-v2{path}"))
            .header("authorization", server.admin.header());
        let answer = Answer::of(request).await;
        findings.check((400..500).contains(&answer.status), || {
            format!("{path}: {answer}")
        });
        findings.error(path, &answer, answer.status);
    }
    findings.none();
}
