//! Which headers cross, and which must not.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::Place;
use crate::answer::Answer;
use crate::database::TestDatabase;

#[database_test]
async fn the_instances_credentials_go_and_the_callers_stay(database: TestDatabase) {
    let place = Place::start(database).await;
    let request = place
        .request("POST", "/things")
        .header("cookie", "session=secret")
        .header("elements-version", "Helium")
        .header("element-instances", "7")
        .header("elements-user-password", "secret")
        .header("x-forwarded-for", "198.51.100.7")
        .header("forwarded", "for=198.51.100.7")
        .header("origin", "https://app.example")
        .header("referer", "https://app.example/page")
        .header("proxy-authorization", "Basic eDp5")
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "secret")
        .header("te", "trailers")
        .header("x-word", "somebody-else")
        .header("accept", "text/csv")
        .header("accept-encoding", "br, gzip")
        .header("accept-language", "nl")
        .header("content-type", "application/vnd.own; a=b")
        .header("idempotency-key", "once")
        .header("if-match", "\"7\"")
        .header("user-agent", "their own")
        .header("x-own", "one")
        .header("x-own", "two");
    let answer = Answer::of(request.body("body")).await;
    answer.success();
    let seen = place.vendor.one();
    let all = format!("{:?}", seen.headers);
    for part in [
        place.server.admin.user_secret.as_str(),
        &place.server.admin.organization_secret,
        place.instance["token"].as_str().expect("a token"),
        "secret\"",
        "198.51.100.7",
        "app.example",
        "Helium",
        "somebody-else",
    ] {
        assert!(!all.contains(part), "{part} went to the vendor: {all}");
    }
    for (name, value) in [
        ("host", "acme.passage.example"),
        ("x-word", "5ecret-word"),
        // The definition's own is for callers who say nothing.
        ("accept", "text/csv"),
        ("accept-encoding", "br, gzip"),
        ("accept-language", "nl"),
        ("content-type", "application/vnd.own; a=b"),
        ("content-length", "4"),
        ("idempotency-key", "once"),
        ("if-match", "\"7\""),
        ("user-agent", "their own"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}: {all}");
    }
    assert_eq!(seen.headers.get_all("x-own").iter().count(), 2);
    assert_eq!(
        (seen.method.as_str(), seen.body.as_slice()),
        ("POST", b"body".as_slice())
    );

    place.raw("GET", "/things", "").await;
    let seen = place.vendor.one();
    assert_eq!(seen.header("accept"), Some("application/vnd.passage+json"));
    assert!(
        seen.header("user-agent")
            .expect("one")
            .starts_with("bunsen/")
    );
    assert_eq!(seen.header("accept-encoding"), None);
    assert_eq!(seen.header("content-length"), None);
    assert_eq!(seen.header("transfer-encoding"), None);
}

#[database_test]
async fn what_comes_back_is_the_vendors_without_its_word_for_this_host(database: TestDatabase) {
    let place = Place::start(database).await;
    let request = place
        .request("GET", "/odd")
        .header("origin", "https://app.example");
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "odd"));
    for (name, value) in [
        ("etag", "\"1\""),
        ("link", "<https://a.example>; rel=next"),
        ("x-rate-limit", "9"),
        ("cache-control", "max-age=5"),
        ("content-type", "text/plain; charset=utf-8"),
        ("access-control-allow-origin", "https://app.example"),
        ("bunsen-mode", "sandbox"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let id = place.instance["id"].to_string();
    assert_eq!(
        answer.header("elements-element-instance-id"),
        Some(id.as_str())
    );
    assert_eq!(answer.header("elements-request-id").map(str::len), Some(24));
    assert_eq!(answer.header("elements-attempts"), Some("1"));
    assert_eq!(answer.header("elements-vendor-status"), Some("200"));
    for name in ["elements-vendor-time", "elements-own-time"] {
        let time = answer
            .header(name)
            .and_then(|time| time.parse::<f64>().ok());
        assert!(time.is_some_and(|time| time >= 0.0), "{name}");
    }
    for name in [
        "elements-fault",
        "set-cookie",
        "strict-transport-security",
        "elements-total-count",
    ] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

/// Failures and redirects too: they are for the caller to understand.
#[database_test]
async fn every_status_is_the_vendors(database: TestDatabase) {
    let place = Place::start(database).await;
    for code in [
        200, 201, 202, 302, 307, 400, 401, 403, 404, 405, 406, 409, 418, 422, 429, 500, 503,
    ] {
        let answer = place.call("GET", &format!("/status?code={code}")).await;
        assert_eq!(answer.status, code);
        assert_eq!(answer.text, "<p>the vendor's own</p>", "{code}");
        assert_eq!(answer.header("content-type"), Some("text/html"));
        assert_eq!(answer.header("retry-after"), Some("77"));
        let next = answer.header("location");
        assert_eq!(next, Some("https://elsewhere.example/next"), "{code}");
        assert_eq!(place.vendor.seen().len(), 1, "{code}: asked once");
    }
    for code in [204, 304] {
        let answer = place.call("GET", &format!("/status?code={code}")).await;
        assert_eq!((answer.status, answer.text.as_str()), (code, ""));
    }
}

#[database_test]
async fn every_method_is_the_vendors(database: TestDatabase) {
    let place = Place::start(database).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let answer = place.call(method, "/things").await.success();
        assert_eq!(answer["method"], method);
        let seen = place.vendor.one();
        let length = matches!(method, "POST" | "PUT" | "PATCH").then_some("0");
        assert_eq!(seen.header("content-length"), length, "{method}");
        assert_eq!(seen.header("transfer-encoding"), None, "{method}");
    }
    let answer = place.raw("HEAD", "/things", "").await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    let length = json!({"method": "HEAD", "target": "/base/things?key=5ecret-key"});
    let length = format!("content-length: {}", length.to_string().len());
    assert!(
        head.to_lowercase().contains(&length) && body.is_empty(),
        "{answer}"
    );
    assert_eq!(place.vendor.one().method, "HEAD");

    // A browser's question before a call, which names nobody, is answered here.
    let asked = place
        .server
        .request("OPTIONS", &format!("{}/things", super::PROXY))
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let asked = Answer::of(asked).await;
    assert_eq!(asked.status, 200);
    assert!(asked.header("access-control-allow-methods").is_some());
    for method in ["TRACE", "PROPFIND"] {
        let answer = place.raw(method, "/things", "").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    }
    assert!(place.vendor.seen().is_empty());
}
