//! Every fault, seen from outside.

use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use http::Method;
use serde_json::{Value, json};

use crate::client::{ME, Running, start};

const RAW: &[u8] = b"GET /api/v2/agents/me HTTP/1.1\r\nHost: sample.freshdesk.com\r\n\r\n";

async fn received(sandbox: &Running) -> Value {
    let reply = sandbox
        .control(Method::GET, "journal/count", Value::Null)
        .await;
    reply.json()["received"].clone()
}

#[tokio::test]
async fn refuse_closes_without_an_answer_and_only_so_often() {
    let sandbox = start().await;
    let rule = sandbox
        .fault(json!({ "kind": "refuse", "count": 2 }))
        .await
        .json();
    assert_eq!(
        (&rule["left"], &rule["host"], &rule["path"]),
        (&json!(2), &json!("*"), &json!("*"))
    );
    assert!(sandbox.admin(Method::GET, ME).send().await.is_err());
    assert!(sandbox.raw(RAW).await.is_empty());
    assert_eq!(sandbox.get(ME).await.status, 200);
    assert_eq!(received(&sandbox).await, 3);
    let path = format!("faults/{}", rule["id"]);
    let rule = sandbox
        .control(Method::GET, &path, Value::Null)
        .await
        .json();
    assert_eq!((&rule["left"], &rule["applied"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn a_refused_call_changes_nothing_and_a_lost_answer_does() {
    let sandbox = start().await;
    let create = |name: &str| {
        let call = sandbox.admin(Method::POST, "/api/v2/groups");
        call.json(&json!({ "name": name })).send()
    };
    sandbox.fault(json!({ "kind": "refuse", "count": 1 })).await;
    assert!(create("refused").await.is_err());
    sandbox
        .fault(json!({ "kind": "lost_answer", "count": 1 }))
        .await;
    assert!(create("lost").await.is_err());
    let groups = sandbox.get("/api/v2/groups").await.json();
    assert_eq!(
        (groups.as_array().map(Vec::len), &groups[0]["name"]),
        (Some(1), &json!("lost"))
    );
}

#[tokio::test]
async fn rules_select_by_host_path_query_and_method() {
    let sandbox = start().await;
    let statuses = async |paths: &[&str]| {
        let mut statuses = Vec::new();
        for path in paths {
            statuses.push(sandbox.get(path).await.status.as_u16());
        }
        statuses
    };
    let paths = [ME, "/api/v2/account", "/api/v2/groups?page=2"];
    for (rule, expected) in [
        (json!({ "host": "other.freshdesk.com" }), [200, 200, 200]),
        (json!({ "host": "*.FRESHDESK.com" }), [503, 503, 503]),
        (json!({ "path": "/api/v2/agents/*" }), [503, 200, 200]),
        (json!({ "path": "*?page=2" }), [200, 200, 503]),
        (json!({ "method": "post" }), [200, 200, 200]),
        (
            json!({ "method": "get", "path": "*/account" }),
            [200, 503, 200],
        ),
    ] {
        let mut rule = rule;
        rule["kind"] = json!("status");
        rule["status"] = json!(503);
        sandbox.fault(rule.clone()).await;
        assert_eq!(statuses(&paths).await, expected, "{rule}");
        sandbox.control(Method::DELETE, "faults", Value::Null).await;
    }
}

#[tokio::test]
async fn the_oldest_rule_decides_and_can_be_taken_away() {
    let sandbox = start().await;
    let first = sandbox
        .fault(json!({ "kind": "status", "status": 500 }))
        .await
        .json();
    sandbox
        .fault(json!({ "kind": "status", "status": 503, "body": "later" }))
        .await;
    assert_eq!(sandbox.get(ME).await.status, 500);
    let path = format!("faults/{}", first["id"]);
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path, Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(
        sandbox
            .control(Method::GET, &path, Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(sandbox.get(ME).await.body, "later");
    let list = sandbox
        .control(Method::GET, "faults", Value::Null)
        .await
        .json();
    assert_eq!(
        (list.as_array().map(Vec::len), &list[0]["kind"]),
        (Some(1), &json!("status"))
    );
}

#[tokio::test]
async fn status_sends_what_it_was_given_with_the_vendors_headers() {
    let sandbox = start().await;
    let rule = json!({
        "kind": "status", "status": 418, "body": "{\"a\":1}", "content_type": "application/problem+json",
        "headers": { "x-extra": "yes" },
    });
    sandbox.fault(rule).await;
    let reply = sandbox.get(ME).await;
    assert_eq!(reply.parts(), (418, json!({ "a": 1 })));
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(reply.header("x-extra"), Some("yes"));
    assert!(reply.header("x-ratelimit-remaining").is_some());
    sandbox.control(Method::DELETE, "faults", Value::Null).await;
    sandbox
        .fault(json!({ "kind": "status", "status": 500 }))
        .await;
    let empty = sandbox.get(ME).await;
    assert_eq!((empty.body.len(), empty.header("content-type")), (0, None));
}

#[tokio::test]
async fn slow_waits_before_the_headers_and_adds_to_other_rules() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "slow", "milliseconds": 150 }))
        .await;
    sandbox
        .fault(json!({ "kind": "status", "status": 503, "count": 1 }))
        .await;
    for status in [503, 200] {
        let start = Instant::now();
        assert_eq!(sandbox.get(ME).await.status, status);
        assert!(start.elapsed() >= Duration::from_millis(150));
    }
}

#[tokio::test]
async fn many_calls_wait_at_the_same_time() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "slow", "milliseconds": 400 }))
        .await;
    let start = Instant::now();
    let calls: Vec<_> = (0..200)
        .map(|_| tokio::spawn(sandbox.admin(Method::GET, ME).send()))
        .collect();
    for call in calls {
        let reply = call.await.expect("a task").expect("an answer");
        assert_eq!(reply.status, 200);
    }
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn trickle_sends_the_true_body_in_pieces() {
    let sandbox = start().await;
    let truth = sandbox.get(ME).await;
    let rule = json!({ "kind": "trickle", "bytes": 100, "every_milliseconds": 30 });
    sandbox.fault(rule).await;
    let start = Instant::now();
    let reply = sandbox.get(ME).await;
    assert_eq!(reply.body, truth.body);
    assert_eq!(
        reply.header("content-length"),
        Some(truth.body.len().to_string().as_str())
    );
    let pieces = u32::try_from(truth.body.len().div_ceil(100)).expect("a few");
    assert!(start.elapsed() >= Duration::from_millis(30) * pieces);
}

#[tokio::test]
async fn cut_announces_all_and_sends_half() {
    let sandbox = start().await;
    let whole = sandbox.get("/api/v2/settings/helpdesk").await.body.len();
    sandbox.fault(json!({ "kind": "cut" })).await;
    let call = sandbox.admin(Method::GET, ME);
    assert!(call.send().await.is_err());
    let request = "GET /api/v2/settings/helpdesk HTTP/1.1\r\nHost: sample.freshdesk.com\r\nAuthorization: Basic c2FuZGJveC1mcmVzaGRlc2sta2V5Olg=\r\n\r\n";
    let answer = sandbox.raw(request.as_bytes()).await;
    let text = String::from_utf8(answer).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        head.to_lowercase()
            .contains(&format!("content-length: {whole}")),
        "{head}"
    );
    assert_eq!(body.len(), whole / 2);
    // An answer without a body gets one to cut.
    assert!(sandbox.admin(Method::GET, "/nothing").send().await.is_err());
}

#[tokio::test]
async fn huge_is_valid_json_of_that_size() {
    let sandbox = start().await;
    for (announced, size) in [(true, 300_000), (false, 300_001)] {
        let rule = json!({ "kind": "huge", "bytes": size, "announced": announced, "count": 1 });
        sandbox.fault(rule).await;
        let reply = sandbox.get(ME).await;
        assert_eq!((reply.status.as_u16(), reply.body.len()), (200, size));
        assert!(reply.json()["padding"].is_string());
        let length = announced.then(|| size.to_string());
        assert_eq!(reply.header("content-length"), length.as_deref());
    }
}

#[tokio::test]
async fn html_redirect_and_broken_json_look_as_they_should() {
    let sandbox = start().await;
    sandbox.fault(json!({ "kind": "html", "count": 1 })).await;
    let page = sandbox.get(ME).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(page.body.starts_with(b"<!DOCTYPE html>"));

    for (status, location) in [(None, "https://evil.example/x"), (Some(308), "/elsewhere")] {
        let mut rule = json!({ "kind": "redirect", "location": location, "count": 1 });
        if let Some(status) = status {
            rule["status"] = json!(status);
        }
        sandbox.fault(rule).await;
        let reply = sandbox.get(ME).await;
        assert_eq!(reply.status, status.unwrap_or(302));
        assert_eq!(reply.header("location"), Some(location));
    }

    sandbox
        .fault(json!({ "kind": "invalid_json", "count": 1 }))
        .await;
    let broken = sandbox.get(ME).await;
    assert_eq!(
        broken.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(broken.status, 200);
    assert!(serde_json::from_slice::<Value>(&broken.body).is_err());
}

#[tokio::test]
async fn a_gzip_bomb_is_small_on_the_wire() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "gzip_bomb", "bytes": 8 * 1024 * 1024 }))
        .await;
    let reply = sandbox.get(ME).await;
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(
        reply.header("content-length"),
        Some(reply.body.len().to_string().as_str())
    );
    assert!(reply.body.len() < 64 * 1024, "{}", reply.body.len());
    let mut unpacked = Vec::new();
    let mut decoder = GzDecoder::new(reply.body.as_ref());
    decoder.read_to_end(&mut unpacked).expect("a gzip stream");
    assert!(unpacked.len() > 8 * 1024 * 1024);
}

#[tokio::test]
async fn rate_limited_is_the_vendors_own_refusal() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "rate_limited", "retry_after": 7, "count": 1 }))
        .await;
    let reply = sandbox.get(ME).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (429, Some("7"))
    );
    assert!(reply.header("x-ratelimit-total").is_some());
    sandbox
        .fault(json!({ "kind": "rate_limited", "count": 1 }))
        .await;
    let v1 = sandbox.get("/agents.json").await;
    assert_eq!(
        (v1.status.as_u16(), v1.header("retry-after")),
        (403, Some("34"))
    );
    assert_eq!(sandbox.get(ME).await.status, 200);
}

#[tokio::test]
async fn wrong_rules_are_refused_with_the_reason() {
    let sandbox = start().await;
    for (rule, word) in [
        (json!({}), "kind"),
        (json!({ "kind": "sulk" }), "sulk"),
        (json!({ "kind": "refuse", "times": 2 }), "times"),
        (json!({ "kind": "refuse", "count": -1 }), "-1"),
        (json!({ "kind": "slow" }), "milliseconds"),
        (json!({ "kind": "status", "status": 99 }), "status"),
        (
            json!({ "kind": "status", "status": 200, "headers": { "a b": "c" } }),
            "a b",
        ),
        (
            json!({ "kind": "redirect", "status": 200, "location": "/" }),
            "status",
        ),
        (json!({ "kind": "redirect" }), "location"),
        (json!({ "kind": "trickle", "bytes": 0 }), "bytes"),
        (json!([]), "object"),
    ] {
        let reply = sandbox.control(Method::POST, "faults", rule.clone()).await;
        let message = reply.json()["message"].to_string();
        assert_eq!(reply.status, 400, "{rule}");
        assert!(message.contains(word), "{rule}: {message}");
    }
}
