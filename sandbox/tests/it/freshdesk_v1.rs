//! Freshdesk v1: refused by new accounts, alive on old ones.

use http::Method;
use serde_json::json;

use crate::client::{SAMPLE, start};

const SAMPLE_ACCOUNT: &str = "freshdesk/accounts/sample";

#[tokio::test]
async fn new_accounts_refuse_v1() {
    let sandbox = start().await;
    for path in [
        "/agents.json",
        "/helpdesk/tickets/filter/all_tickets?format=json",
        "/ticket_fields.xml",
    ] {
        let reply = sandbox.get(path).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (403, &json!("access_denied")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn old_accounts_ask_for_a_login_in_their_own_way() {
    let sandbox = start().await;
    for status in [403, 200] {
        let old = json!({ "v1": true, "v1_login_status": status });
        sandbox.control(Method::PATCH, SAMPLE_ACCOUNT, old).await;
        let call = sandbox
            .call(Method::GET, SAMPLE, "/agents.json")
            .basic("sample@sample.com", "wrong");
        assert_eq!(
            call.answer().await.parts(),
            (status, json!({ "require_login": true }))
        );
        let none = sandbox
            .call(Method::GET, SAMPLE, "/helpdesk/tickets.json")
            .answer()
            .await;
        assert_eq!(none.parts(), (status, json!({ "require_login": true })));
    }
    // v2 stays as it is.
    let v2 = sandbox
        .call(Method::GET, SAMPLE, "/api/v2/agents/me")
        .answer()
        .await;
    assert_eq!(v2.status, 401);
}

#[tokio::test]
async fn old_accounts_answer_with_wrappers() {
    let sandbox = start().await;
    sandbox
        .control(Method::PATCH, SAMPLE_ACCOUNT, json!({ "v1": true }))
        .await;
    let agents = sandbox.get("/agents.json").await.json();
    let agent = &agents[0]["agent"];
    for key in [
        "id",
        "available",
        "occasional",
        "ticket_permission",
        "user_id",
    ] {
        assert!(agent.get(key).is_some(), "{key}");
    }
    assert_eq!(agent["user"]["email"], "sample@sample.com");
    let one = sandbox
        .get(&format!("/agents/{}.json", agent["id"]))
        .await
        .json();
    assert_eq!(one, agents[0]);
    let found = sandbox
        .get("/agents.json?query=email%20is%20agent@sample.com")
        .await
        .json();
    assert_eq!(found[0]["agent"]["user"]["email"], "agent@sample.com");
    assert_eq!(sandbox.get("/agents.json?page=2").await.json(), json!([]));
    let fields = sandbox.get("/ticket_fields.json").await.json();
    assert_eq!(fields[0]["ticket_field"]["name"], "requester");
    let ordinary = sandbox
        .call(Method::GET, SAMPLE, "/agents.json")
        .basic("sandbox-freshdesk-agent-key", "X");
    assert_eq!(
        ordinary.answer().await.parts(),
        (403, json!({ "access_denied": true }))
    );
    assert_eq!(sandbox.get("/nothing.json").await.status, 404);
}

#[tokio::test]
async fn too_many_calls_are_403_with_retry_after() {
    let sandbox = start().await;
    let strict = json!({ "v1": true, "limit_total": 0, "limit_enforced": true });
    sandbox.control(Method::PATCH, SAMPLE_ACCOUNT, strict).await;
    let reply = sandbox.get("/agents.json").await;
    assert_eq!(reply.status, 403);
    assert!(reply.header("retry-after").is_some());
}
