//! DocuSign: the limits of an account, and accounts that let nobody in.

use http::Method;
use serde_json::json;

use crate::client::start;
use crate::docusign::{ACCOUNT, DEMO, LOGIN, legacy, new_token, with_token};
use crate::docusign_accounts::{SAMPLE, change};

#[tokio::test]
async fn the_limit_headers_count_the_account() {
    let sandbox = start().await;
    change(
        &sandbox,
        SAMPLE,
        json!({ "limit_total": 3000, "burst_total": 200 }),
    )
    .await;
    let token = new_token(&sandbox, DEMO).await;
    for (path, left) in [
        (ACCOUNT, 2999),
        (LOGIN, 2998),
        ("/restapi/v2/accounts/1", 2997),
    ] {
        let reply = with_token(&sandbox, DEMO, path, &token).await;
        let now = jiff::Timestamp::now().as_second();
        let number = |name: &str| {
            reply
                .header(name)
                .expect("a header")
                .parse::<i64>()
                .expect("a number")
        };
        assert_eq!(
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining")),
            (3000, left),
            "{path}"
        );
        assert_eq!(
            (
                number("x-burstlimit-limit"),
                number("x-burstlimit-remaining")
            ),
            (200, left - 2800)
        );
        let reset = number("x-ratelimit-reset");
        assert!(
            reset % 3600 == 0 && (1..=3600).contains(&(reset - now)),
            "{reset}"
        );
        assert_eq!(
            reply.header("x-docusign-tracetoken").map(str::len),
            Some(36)
        );
        assert!(reply.header("x-docusign-node").is_some());
    }
    // Nobody's account: nothing to tell of but the trace.
    let reply = sandbox.call(Method::GET, DEMO, ACCOUNT).answer().await;
    assert!(reply.header("x-ratelimit-limit").is_none());
    assert!(reply.header("x-docusign-tracetoken").is_some());
    let other = with_token(&sandbox, DEMO, "/restapi/v2/accounts/998084", &token).await;
    assert_eq!(other.header("x-ratelimit-limit"), Some("1000000000"));
}

#[tokio::test]
async fn too_many_calls_are_refused_when_switched_on() {
    let sandbox = start().await;
    let path = "/restapi/v2.1/accounts/998083";
    let call = async || legacy(&sandbox, DEMO, path).answer().await;
    change(&sandbox, SAMPLE, json!({ "limit_total": 2 })).await;
    for _ in 0..4 {
        assert_eq!(call().await.status, 200);
    }
    change(&sandbox, SAMPLE, json!({ "limit_enforced": true })).await;
    assert_eq!(
        (call().await.status.as_u16(), call().await.status.as_u16()),
        (200, 200)
    );
    let body = json!({
        "errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED",
        "message": "The maximum number of hourly API invocations has been exceeded. The hourly limit is 2.",
    });
    let reply = call().await;
    assert_eq!(reply.parts(), (400, body.clone()));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert!(reply.header("retry-after").is_none());
    change(
        &sandbox,
        SAMPLE,
        json!({ "limit_status": 429, "limit_total": 0 }),
    )
    .await;
    assert_eq!(call().await.status, 429);
    change(
        &sandbox,
        SAMPLE,
        json!({ "limit_total": 100, "burst_total": 0 }),
    )
    .await;
    let reply = call().await;
    assert_eq!(
        reply.json()["errorCode"],
        "BURST_APIINVOCATION_LIMIT_EXCEEDED"
    );
    assert_eq!(
        legacy(&sandbox, DEMO, "/restapi/v2/accounts/998084")
            .answer()
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_fault_of_too_many_calls_is_the_vendors_own() {
    let sandbox = start().await;
    let rule = json!({ "kind": "rate_limited", "host": DEMO, "retry_after": 90, "count": 2 });
    sandbox.fault(rule).await;
    change(&sandbox, SAMPLE, json!({ "limit_total": 3000 })).await;
    let now = jiff::Timestamp::now().as_second();
    let reply = legacy(&sandbox, DEMO, ACCOUNT).answer().await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json()["errorCode"],
        "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"
    );
    let reset: i64 = reply
        .header("x-ratelimit-reset")
        .expect("a header")
        .parse()
        .expect("seconds");
    assert!((90..=100).contains(&(reset - now)), "{reset}");
    assert_eq!(
        (
            reply.header("x-ratelimit-limit"),
            reply.header("x-ratelimit-remaining")
        ),
        (Some("3000"), Some("0"))
    );
    let reply = legacy(&sandbox, DEMO, LOGIN).answer().await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("x-ratelimit-limit")),
        (400, None)
    );
    let after = legacy(&sandbox, DEMO, ACCOUNT).answer().await;
    assert_eq!(after.header("x-ratelimit-remaining"), Some("2998"));
}

#[tokio::test]
async fn an_account_can_keep_everybody_out() {
    let sandbox = start().await;
    for code in [
        "USER_LACKS_PERMISSIONS",
        "ACCOUNT_LACKS_PERMISSIONS",
        "USER_LACKS_MEMBERSHIP",
        "USER_NOT_ACCOUNT_ADMIN",
    ] {
        for status in [400, 403] {
            change(
                &sandbox,
                SAMPLE,
                json!({ "refusal": code, "refusal_status": status }),
            )
            .await;
            let reply = legacy(&sandbox, DEMO, ACCOUNT).answer().await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["errorCode"]),
                (status, &json!(code))
            );
        }
    }
    assert_eq!(legacy(&sandbox, DEMO, LOGIN).answer().await.status, 200);
    change(&sandbox, SAMPLE, json!({ "refusal": "" })).await;
    assert_eq!(legacy(&sandbox, DEMO, ACCOUNT).answer().await.status, 200);
}
