//! Freshdesk's limits: headers on every answer, counting per account, 429 when switched on.

use http::Method;
use serde_json::json;

use crate::client::{ME, Reply, SAMPLE, start};

const SAMPLE_ACCOUNT: &str = "freshdesk/accounts/sample";

fn remaining(reply: &Reply) -> u64 {
    let text = reply.header("x-ratelimit-remaining").expect("the header");
    text.parse().expect("a number")
}

#[tokio::test]
async fn the_headers_are_on_every_answer() {
    let sandbox = start().await;
    let v1 = json!({ "v1": true });
    let mut ids = Vec::new();
    let mut replies = vec![
        sandbox.get(ME).await,
        sandbox.call(Method::GET, SAMPLE, ME).answer().await,
        sandbox.get("/nothing").await,
        sandbox.admin(Method::POST, ME).answer().await,
        sandbox
            .admin(Method::GET, ME)
            .header("accept", "text/html")
            .answer()
            .await,
        sandbox.get("/api/v2/groups?per_page=101").await,
        sandbox.get("/agents.json").await,
    ];
    sandbox.control(Method::PATCH, SAMPLE_ACCOUNT, v1).await;
    replies.push(sandbox.get("/agents.json").await);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 401, 404, 405, 406, 400, 403, 200]);
    for reply in &replies {
        assert_eq!(reply.header("x-ratelimit-used-currentrequest"), Some("1"));
        let total = reply.header("x-ratelimit-total").expect("the total");
        assert!(total.parse::<u64>().is_ok());
        assert!(
            reply
                .header("x-freshdesk-api-version")
                .is_some_and(|text| text.starts_with("latest=v2; requested=v"))
        );
        ids.push(reply.header("x-request-id").expect("an id").to_owned());
    }
    assert_eq!(
        replies[0].header("x-freshdesk-api-version"),
        Some("latest=v2; requested=v2")
    );
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), replies.len());
}

#[tokio::test]
async fn invalid_calls_count_and_accounts_count_apart() {
    let sandbox = start().await;
    sandbox
        .control(
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "other" }),
        )
        .await;
    let start = remaining(&sandbox.get(ME).await);
    sandbox.get("/nothing").await;
    sandbox.call(Method::GET, SAMPLE, ME).answer().await;
    let other = sandbox.call(Method::GET, "other.freshdesk.com", ME);
    other
        .basic("sandbox-freshdesk-key-other", "X")
        .answer()
        .await;
    assert_eq!(remaining(&sandbox.get(ME).await), start - 3);
}

#[tokio::test]
async fn nothing_is_refused_until_the_limit_is_switched_on() {
    let sandbox = start().await;
    sandbox
        .control(Method::PATCH, SAMPLE_ACCOUNT, json!({ "limit_total": 2 }))
        .await;
    for expected in [1, 0, 0, 0] {
        let reply = sandbox.get(ME).await;
        assert_eq!((reply.status.as_u16(), remaining(&reply)), (200, expected));
    }
    sandbox
        .control(
            Method::PATCH,
            SAMPLE_ACCOUNT,
            json!({ "limit_enforced": true }),
        )
        .await;
    for _ in 0..2 {
        assert_eq!(sandbox.get(ME).await.status, 200);
    }
    let refused = sandbox.get(ME).await;
    assert_eq!((refused.status.as_u16(), remaining(&refused)), (429, 0));
    assert_eq!(refused.header("x-ratelimit-total"), Some("2"));
    let wait: u64 = refused
        .header("retry-after")
        .expect("a header")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let me = sandbox
        .control(
            Method::PATCH,
            SAMPLE_ACCOUNT,
            json!({ "limit_enforced": false }),
        )
        .await;
    assert_eq!(
        (me.status.as_u16(), sandbox.get(ME).await.status.as_u16()),
        (200, 200)
    );
}

#[tokio::test]
async fn plans_windows_and_odd_numbers_can_be_set() {
    let sandbox = start().await;
    for (plan, total) in [
        ("trial", "50"),
        ("growth", "200"),
        ("pro", "400"),
        ("enterprise", "700"),
    ] {
        sandbox
            .control(Method::PATCH, SAMPLE_ACCOUNT, json!({ "plan": plan }))
            .await;
        assert_eq!(
            sandbox.get(ME).await.header("x-ratelimit-total"),
            Some(total),
            "{plan}"
        );
    }
    let hourly = json!({ "limit_total": 0, "limit_window_seconds": 3600, "limit_enforced": true, "limit_decimal": true });
    sandbox.control(Method::PATCH, SAMPLE_ACCOUNT, hourly).await;
    let refused = sandbox.get(ME).await;
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0.0"));
    let wait: u64 = refused
        .header("retry-after")
        .expect("a header")
        .parse()
        .expect("seconds");
    assert!((3500..=3600).contains(&wait), "{wait}");
}
