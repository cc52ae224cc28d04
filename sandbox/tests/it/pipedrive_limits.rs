//! Pipedrive: the calls of a token and the budget of a company.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::client::{Reply, start};
use crate::pipedrive::{ADMIN, API, FIRST, ME, SECOND, change, daily_left, login, me};
use crate::pipedrive_companies::{COMPANY, EMAIL, MEMBERSHIP, status};

fn number(reply: &Reply, name: &str) -> u64 {
    let text = reply.header(name).unwrap_or_else(|| panic!("{name}"));
    text.parse().expect("a number")
}

#[tokio::test]
async fn the_limit_headers_tell_of_token_and_company() {
    let sandbox = start().await;
    change(&sandbox, COMPANY, json!({ "plan": "lite", "seats": 1 })).await;
    let (first, second) = (
        me(&sandbox, API, FIRST).await,
        me(&sandbox, API, FIRST).await,
    );
    for (reply, left) in [(&first, 29_998), (&second, 29_996)] {
        assert_eq!(number(reply, "x-ratelimit-limit"), 20);
        assert!((1..=2).contains(&number(reply, "x-ratelimit-reset")));
        assert_eq!(number(reply, "x-daily-ratelimit-token-limit"), 30_000);
        assert_eq!(daily_left(reply), left);
    }
    assert_eq!(number(&first, "x-ratelimit-remaining"), 19);
    // The window is the token's, the budget the company's; refusals are told of as well.
    let other = me(&sandbox, API, ADMIN).await;
    assert_eq!(
        (number(&other, "x-ratelimit-remaining"), daily_left(&other)),
        (19, 29_994)
    );
    change(&sandbox, MEMBERSHIP, json!({ "forbidden": true })).await;
    let refused = me(&sandbox, API, FIRST).await;
    assert_eq!(
        (refused.status.as_u16(), daily_left(&refused)),
        (403, 29_992)
    );
    for reply in [
        login(&sandbox, EMAIL, "password").await,
        me(&sandbox, API, "wrong").await,
    ] {
        assert!(reply.header("x-ratelimit-limit").is_none());
    }
    for (plan, burst, daily) in [
        ("growth", 40, 60_000),
        ("premium", 100, 150_000),
        ("ultimate", 120, 210_000),
    ] {
        let shown = change(&sandbox, COMPANY, json!({ "plan": plan })).await;
        assert_eq!(
            (&shown["burst_total"], &shown["daily_total"]),
            (&json!(burst), &json!(daily))
        );
    }
}

#[tokio::test]
async fn too_many_calls_are_429_when_switched_on() {
    let sandbox = start().await;
    let over = json!({ "success": false, "error": "request over limit", "errorCode": 429 });
    change(
        &sandbox,
        COMPANY,
        json!({ "burst_total": 1, "daily_total": 1 }),
    )
    .await;
    assert_eq!(
        (status(&sandbox, FIRST).await, status(&sandbox, FIRST).await),
        (200, 200)
    );
    change(
        &sandbox,
        COMPANY,
        json!({ "limit_enforced": true, "daily_total": 1000 }),
    )
    .await;
    assert_eq!(status(&sandbox, FIRST).await, 200);
    let reply = me(&sandbox, API, FIRST).await;
    assert_eq!(reply.parts(), (429, over.clone()));
    assert_eq!(number(&reply, "x-ratelimit-remaining"), 0);
    assert_eq!(status(&sandbox, ADMIN).await, 200);
    // Two quiet seconds open the window again; refused calls keep it shut.
    let open = async {
        while status(&sandbox, FIRST).await != 200 {
            tokio::time::sleep(Duration::from_millis(2100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), open)
        .await
        .expect("an open window");
    change(
        &sandbox,
        COMPANY,
        json!({ "burst_total": 100, "daily_total": 3 }),
    )
    .await;
    assert_eq!(
        (status(&sandbox, FIRST).await, status(&sandbox, FIRST).await),
        (200, 429)
    );
    let reply = me(&sandbox, API, ADMIN).await;
    assert_eq!((reply.parts(), daily_left(&reply)), ((429, over), 0));
    assert_eq!(status(&sandbox, SECOND).await, 200);
}

#[tokio::test]
async fn the_fault_of_too_many_calls_is_the_vendors_own() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "rate_limited", "path": ME, "retry_after": 7 }))
        .await;
    change(&sandbox, COMPANY, json!({ "plan": "lite", "seats": 1 })).await;
    let reply = me(&sandbox, API, FIRST).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (429, Some("7"))
    );
    assert_eq!(reply.json()["error"], "request over limit");
    assert_eq!(
        (number(&reply, "x-ratelimit-limit"), daily_left(&reply)),
        (20, 29_998)
    );
    let nobody = sandbox.call(Method::GET, API, ME).answer().await;
    assert_eq!(
        (nobody.status.as_u16(), nobody.header("x-ratelimit-limit")),
        (429, None)
    );
}
