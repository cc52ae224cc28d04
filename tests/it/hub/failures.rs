//! What goes wrong, and who is told what.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Depot, by_token};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::TestOptions;
use crate::vendors::until;

#[database_test]
async fn what_is_not_there_is_told_with_what_is(database: TestDatabase) {
    let depot = Depot::start(database).await;
    for (method, path, status, part) in [
        ("GET", "/box", 404, "Did you mean /boxes?"),
        (
            "GET",
            "/hubs/crm/boxes/7/pictur",
            404,
            "Did you mean /boxes/{id}/picture?",
        ),
        (
            "GET",
            "/warehouses",
            404,
            "does not support the resource GET /warehouses.",
        ),
        ("GET", "/me", 404, "does not support"),
        ("PUT", "/boxes", 405, "use GET, HEAD, POST"),
        ("DELETE", "/hubs/crm/boxes", 405, "use GET, HEAD, POST"),
        ("POST", "/boxes/7", 405, "use DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/labels", 405, "use POST"),
    ] {
        let answer = depot.call(method, path).await;
        let error = answer.error(status);
        assert!(message(&error).contains(part), "{method} {path}: {error}");
        let allowed = answer.header("allow");
        assert_eq!(allowed.is_some(), status == 405, "{method} {path}");
        if let Some(allowed) = allowed {
            assert!(part.ends_with(allowed), "{allowed}");
        }
    }
    let browser = depot
        .request("OPTIONS", "/boxes")
        .header("origin", "https://x.example");
    assert_eq!(Answer::of(browser).await.status, 200);
    assert!(depot.vendor.seen().is_empty(), "nobody was asked");
}

#[database_test]
async fn bodies_that_are_not_what_they_should_be(database: TestDatabase) {
    let options = TestOptions {
        body_limit: 2000,
        ..TestOptions::default()
    };
    let depot = Depot::start_with(database, options).await;
    for (kind, body, status, part) in [
        ("application/json", "", 400, "missing"),
        ("application/json", "{}", 400, "missing"),
        ("application/json", "{\"a\": 1", 400, "ends too early"),
        (
            "application/json",
            "{\u{201c}a\u{201d}: 1}",
            400,
            "line 1, column 2 has the curly quote",
        ),
        (
            "application/json",
            "{\"a\": \n\n x}",
            400,
            "line 3, column 2",
        ),
        (
            "application/x-www-form-urlencoded",
            "a=1",
            400,
            "not valid JSON",
        ),
        ("text/plain", "{\"a\": 1}", 415, "text/plain"),
    ] {
        let request = depot.request("POST", "/boxes").header("content-type", kind);
        let error = Answer::of(request.body(body)).await.error(status);
        assert!(message(&error).contains(part), "{body}: {error}");
    }
    let broken = depot
        .request("POST", "/boxes")
        .header("content-type", "application/json");
    Answer::of(broken.body(vec![b'"', 0xff, b'"']))
        .await
        .error(400);
    let large = depot
        .send("POST", "/boxes", &json!({"a": "x".repeat(3000)}))
        .await;
    large.error(413);
    assert!(depot.vendor.seen().is_empty(), "nobody was asked");
}

#[database_test]
async fn what_the_vendor_says_is_handed_on(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let mut findings = Findings::default();
    for (status, ours, headers) in [
        (400, 400, vec![]),
        (403, 403, vec![]),
        (404, 404, vec![]),
        (409, 409, vec![]),
        (422, 400, vec![]),
        (429, 429, vec![("retry-after", "17")]),
        (500, 502, vec![]),
        (503, 502, vec![("retry-after", "17")]),
    ] {
        depot.vendor.forget();
        depot.vendor.will_say(
            "GET /base/boxes/7",
            status,
            &headers,
            "{\"message\": \"the vendor's own\"}",
        );
        let answer = depot.call("GET", "/boxes/7").await;
        let what = format!("the vendor's {status}");
        let Some(error) = findings.error(&what, &answer, ours) else {
            continue;
        };
        findings.check(error["providerMessage"] == "the vendor's own", || {
            format!("{what}: {error}")
        });
        let whose = match ours {
            400 | 404 | 409 => "caller",
            _ => "vendor",
        };
        findings.check(answer.header("elements-fault") == Some(whose), || {
            format!("{what}: {answer}")
        });
        findings.check(answer.header("elements-attempts") == Some("1"), || {
            format!("{what}: {answer}")
        });
        let said = answer.header("elements-vendor-status") == Some(status.to_string().as_str());
        findings.check(said, || format!("{what}: {answer}"));
        let wait = headers.first().map(|(_, value)| *value);
        findings.check(answer.header("retry-after") == wait, || {
            format!("{what}: {answer}")
        });
    }
    depot.vendor.forget();
    depot
        .vendor
        .will("GET /base/boxes/7", 200, &json!({"complaint": "full"}));
    let error = depot.call("GET", "/boxes/7").await.error(409);
    assert!(message(&error).contains("complains"), "{error}");
    depot.vendor.forget();
    depot.vendor.will_say(
        "GET /base/boxes/7",
        200,
        &[("content-type", "text/html")],
        "<html>hello</html>",
    );
    depot.call("GET", "/boxes/7").await.error(502);
    findings.none();
}

/// A connection that breaks is worth another try, where a second call harms nobody.
#[database_test]
async fn only_what_reads_is_tried_again(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    vendor.will_break("GET /base/boxes/7");
    vendor.will("GET /base/boxes/7", 200, &json!({"box": {"id": 7}}));
    let answer = depot.call("GET", "/boxes/7").await;
    assert_eq!(answer.success(), json!({"id": 7}));
    assert_eq!(answer.header("elements-attempts"), Some("2"));
    vendor.seen();
    for (method, path, call) in [
        ("POST", "/boxes", "POST /base/boxes"),
        ("PATCH", "/boxes/7", "PUT /base/boxes/7"),
        ("DELETE", "/boxes/7", "DELETE /base/boxes/7"),
    ] {
        vendor.will_break(call);
        let answer = depot.send(method, path, &json!({"name": "x"})).await;
        answer.error(502);
        assert_eq!(answer.header("elements-fault"), Some("network"));
        assert_eq!(vendor.seen().len(), 1, "{method}");
    }
    vendor.forget();
    vendor.will_break("GET /base/boxes/7");
    depot.call("GET", "/boxes/7").await.error(502);
    assert_eq!(vendor.seen().len(), 2, "twice, and no more");
}

#[database_test]
async fn a_vendor_that_does_not_answer_costs_no_connection(database: TestDatabase) {
    let options = TestOptions {
        vendor_timeout: Duration::from_secs(2),
        ..TestOptions::default()
    };
    let depot = Depot::start_with(database, options).await;
    depot.vendor.will_be_silent("GET /base/boxes/7");
    // More calls than there are connections, all of them waiting; and others go on.
    let calls = (0..100).map(|_| depot.call("GET", "/boxes/7"));
    let other = async {
        until("all of them wait", async || depot.vendor.count() == 100).await;
        let path = format!("{}/instances", super::BASE);
        let request = depot.server.request("GET", &path);
        let request = request.header("authorization", depot.server.admin.header());
        Answer::of(request).await.success();
    };
    let (waited, ()) = tokio::join!(futures_util::future::join_all(calls), other);
    for answer in waited {
        answer.error(502);
        assert_eq!(answer.header("elements-fault"), Some("network"));
        assert_eq!(
            answer.header("elements-attempts"),
            Some("1"),
            "patience ends once"
        );
    }
}

#[database_test]
async fn who_may_not_call(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot
        .vendor
        .will("GET /base/boxes/7", 200, &json!({"box": {"id": 7}}));
    let server = &depot.server;
    let token = depot.instance["token"].as_str().expect("a token");
    let get = async |header: String| {
        let request = server.request("GET", &format!("{}/boxes/7", super::BASE));
        Answer::of(request.header("authorization", header)).await
    };
    for header in [
        server.foreign.with_token(token),
        server.member.with_token(token),
        server.inactive.with_token(token),
        server.admin.header(),
        format!("Element {token}"),
    ] {
        get(header).await.error(401);
    }
    // The same path with the other organization's own instance is its own.
    let theirs = server.create(&server.foreign, &super::body("theirs")).await;
    depot.vendor.seen();
    let own = server
        .foreign
        .with_token(theirs["token"].as_str().expect("a token"));
    let answer = get(own).await;
    answer.success();
    let id = theirs["id"].to_string();
    assert_eq!(
        answer.header("elements-element-instance-id"),
        Some(id.as_str())
    );
    depot.vendor.seen();

    let id = depot.instance["id"].as_i64().expect("an id");
    let statement = "update instances set valid = false, invalid_reason = 'The vendor said no.', invalid_since = now() where id = $1";
    let done = sqlx::query(statement)
        .bind(id)
        .execute(&server.database.pool)
        .await;
    done.expect("an update");
    let invalid = server.create(&server.admin, &super::body("another")).await;
    let done = sqlx::query(statement)
        .bind(invalid["id"].as_i64())
        .execute(&server.database.pool)
        .await;
    done.expect("an update");
    depot.vendor.seen();
    let answer = get(by_token(server, &invalid)).await;
    let error = answer.error(401);
    assert!(message(&error).contains("The vendor said no."), "{error}");
    assert_eq!(answer.header("elements-fault"), Some("instance"));

    let disabled = server.create(&server.admin, &super::body("off")).await;
    server
        .set_disabled(disabled["id"].as_i64().expect("an id"), true)
        .await;
    depot.vendor.seen();
    let answer = get(by_token(server, &disabled)).await;
    answer.error(403);
    assert_eq!(answer.header("elements-fault"), Some("instance"));
    assert!(depot.vendor.seen().is_empty(), "nobody was asked");
}

/// A definition may name any header of the caller's; our own secrets are not among them.
#[database_test]
async fn the_callers_secrets_stay_here(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.vendor.will("GET /base/secrets", 200, &json!({}));
    let request = depot
        .request("GET", "/secrets")
        .header("x-mine", "mine")
        .header("cookie", "a=b");
    Answer::of(request).await.success();
    let seen = depot.vendor.one();
    assert_eq!(seen.header("x-mine"), Some("mine"));
    assert_eq!(
        (seen.header("x-theirs"), seen.header("cookie")),
        (None, None)
    );
}
