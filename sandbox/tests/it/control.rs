//! The control calls: accounts, agents, state, journal.

use bunsen_sandbox::Settings;
use http::Method;
use serde_json::{Value, json};

use crate::client::{ME, SAMPLE, start, start_with};

#[tokio::test]
async fn health_says_what_is_simulated() {
    let sandbox = start().await;
    let body = sandbox
        .control(Method::GET, "health", Value::Null)
        .await
        .json();
    assert_eq!(body["status"], "ok");
    let vendors = body["vendors"].as_array().expect("a list");
    for vendor in ["freshdesk", "docusign", "pipedrive", "autotask", "sugarcrm"] {
        assert!(vendors.contains(&json!(vendor)), "{vendor}");
    }
    assert_eq!(body["journal"], true);
}

#[tokio::test]
async fn accounts_and_agents_come_and_go() {
    let sandbox = start().await;
    let account = json!({
        "subdomain": "acme", "name": "Acme", "plan": "pro",
        "agents": [{ "email": "boss@acme.example", "password": "secret:with:colons", "api_key": "key", "admin": true }],
    });
    let created = sandbox
        .control(Method::POST, "freshdesk/accounts", account)
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(
        (
            &created.json()["limit_total"],
            &created.json()["account_id"]
        ),
        (&json!(400), &json!(2))
    );
    let host = "acme.freshdesk.com";
    let boss = sandbox
        .call(Method::GET, host, "/api/v2/agents")
        .basic("boss@acme.example", "secret:with:colons");
    assert_eq!(boss.answer().await.json().as_array().map(Vec::len), Some(1));
    // Accounts share nothing.
    let foreign = sandbox
        .call(Method::GET, host, ME)
        .basic("sandbox-freshdesk-key", "X");
    assert_eq!(foreign.answer().await.status, 401);

    let agent = json!({ "email": "new@acme.example", "api_key": "new", "ticket_scope": 3, "occasional": true });
    let agent = sandbox
        .control(Method::POST, "freshdesk/accounts/acme/agents", agent)
        .await;
    assert_eq!(agent.status, 201);
    let me = || sandbox.call(Method::GET, host, ME).basic("new", "X");
    let shown = me().answer().await.json();
    assert_eq!(
        (&shown["ticket_scope"], &shown["occasional"]),
        (&json!(3), &json!(true))
    );
    let path = format!("freshdesk/accounts/acme/agents/{}", agent.json()["id"]);
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(me().answer().await.status, 401);
    assert_eq!(
        sandbox
            .control(Method::DELETE, "freshdesk/accounts/acme", Value::Null)
            .await
            .status,
        204
    );
    let gone = me().answer().await;
    assert_eq!(
        (gone.status.as_u16(), gone.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
}

#[tokio::test]
async fn an_account_without_agents_gets_an_admin() {
    let sandbox = start().await;
    sandbox
        .control(
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "load-1" }),
        )
        .await;
    for (user, password) in [
        ("sample@load-1.com", "password"),
        ("sandbox-freshdesk-key-load-1", "X"),
    ] {
        let call = sandbox
            .call(Method::GET, "load-1.freshdesk.com", "/api/v2/agents")
            .basic(user, password);
        assert_eq!(call.answer().await.status, 200);
    }
}

#[tokio::test]
async fn a_customers_host_name_belongs_to_one_account() {
    let sandbox = start().await;
    let own = json!({ "custom_host": "Help.acme.example" });
    let first = sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", own.clone())
        .await;
    assert_eq!(first.json()["custom_host"], "help.acme.example");
    let mut second = own.clone();
    second["subdomain"] = json!("second");
    let reply = sandbox
        .control(Method::POST, "freshdesk/accounts", second)
        .await;
    assert_eq!(reply.status, 409);
    let reply = sandbox
        .control(Method::GET, "freshdesk/accounts/second", Value::Null)
        .await;
    assert_eq!(reply.status, 404);
    let again = sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", own)
        .await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn wrong_control_calls_say_what_is_wrong() {
    let sandbox = start().await;
    let agents = "freshdesk/accounts/sample/agents";
    for (method, path, body, status, word) in [
        (
            Method::POST,
            "freshdesk/accounts",
            json!({}),
            400,
            "subdomain",
        ),
        (
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "No.Label" }),
            400,
            "No.Label",
        ),
        (
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "sample" }),
            409,
            "exists",
        ),
        (
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "x", "colour": 1 }),
            400,
            "colour",
        ),
        (
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "x", "plan": "gold" }),
            400,
            "gold",
        ),
        (
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "x", "custom_host": "y.freshdesk.com" }),
            400,
            "custom_host",
        ),
        (
            Method::PATCH,
            "freshdesk/accounts/sample",
            json!({ "v1_login_status": 500 }),
            400,
            "v1_login_status",
        ),
        (
            Method::PATCH,
            "freshdesk/accounts/sample",
            json!({ "agents": [] }),
            400,
            "agents",
        ),
        (
            Method::PATCH,
            "freshdesk/accounts/nobody",
            json!({}),
            404,
            "account",
        ),
        (Method::POST, agents, json!({}), 400, "email"),
        (
            Method::POST,
            agents,
            json!({ "email": "sample@sample.com" }),
            409,
            "email",
        ),
        (
            Method::POST,
            agents,
            json!({ "email": "x@y", "refusal": "mood" }),
            400,
            "refusal",
        ),
        (
            Method::PATCH,
            "freshdesk/accounts/sample/agents/7",
            json!({}),
            404,
            "agent",
        ),
        (
            Method::PUT,
            "freshdesk/accounts",
            json!({}),
            405,
            "GET, POST",
        ),
        (Method::GET, "nothing", Value::Null, 404, "nothing"),
        (Method::GET, "freshdesk/nothing", Value::Null, 404, "README"),
        (Method::POST, "health", Value::Null, 405, "GET"),
        (Method::GET, "journal?colour=1", Value::Null, 400, "colour"),
    ] {
        let reply = sandbox.control(method.clone(), path, body).await;
        let message = reply.json()["message"].to_string();
        assert_eq!(reply.status, status, "{method} {path}: {message}");
        assert!(message.contains(word), "{method} {path}: {message}");
    }
    let state = sandbox
        .control(Method::GET, "freshdesk/accounts", Value::Null)
        .await
        .json();
    assert_eq!(state.as_object().map(serde_json::Map::len), Some(1));
}

#[tokio::test]
async fn reset_brings_back_the_seed() {
    let sandbox = start().await;
    let seed = |mut state: Value| {
        // Times of the seed are those of the reset.
        state["freshdesk"]["accounts"]["sample"]["agents"] = Value::Null;
        state["freshdesk"]["accounts"]["sample"]["limit_used"] = Value::Null;
        state
    };
    let before = seed(
        sandbox
            .control(Method::GET, "state", Value::Null)
            .await
            .json(),
    );
    sandbox
        .control(
            Method::POST,
            "freshdesk/accounts",
            json!({ "subdomain": "acme" }),
        )
        .await;
    sandbox
        .admin(Method::POST, "/api/v2/groups")
        .json(&json!({ "name": "x" }))
        .answer()
        .await;
    sandbox.fault(json!({ "kind": "refuse" })).await;
    assert_ne!(
        seed(
            sandbox
                .control(Method::GET, "state", Value::Null)
                .await
                .json()
        ),
        before
    );
    assert_eq!(
        sandbox
            .control(Method::POST, "reset", Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        seed(
            sandbox
                .control(Method::GET, "state", Value::Null)
                .await
                .json()
        ),
        before
    );
    assert_eq!(
        sandbox
            .control(Method::GET, "faults", Value::Null)
            .await
            .json(),
        json!([])
    );
    let count = sandbox
        .control(Method::GET, "journal/count", Value::Null)
        .await
        .json();
    assert_eq!(count, json!({ "received": 0, "count": 0 }));
}

#[tokio::test]
async fn the_journal_holds_what_was_sent_to_vendors() {
    let sandbox = start().await;
    let call = sandbox.admin(Method::POST, "/api/v2/groups?x=%20y");
    call.header("x-mark", "one")
        .header("x-mark", "two")
        .json(&json!({ "name": "ä" }))
        .answer()
        .await;
    sandbox.get(ME).await;
    sandbox
        .call(Method::GET, "nobody.freshdesk.com", "/x")
        .answer()
        .await;
    sandbox
        .call(Method::GET, "api.vendor.example", "/x")
        .answer()
        .await;

    let journal = sandbox
        .control(Method::GET, "journal", Value::Null)
        .await
        .json();
    assert_eq!(
        (&journal["received"], &journal["count"]),
        (&json!(4), &json!(4)),
        "also what was sent to a host that nobody serves"
    );
    let first = &journal["calls"][0];
    assert_eq!(first["method"], "POST");
    assert_eq!(first["host"], SAMPLE);
    assert_eq!(first["path"], "/api/v2/groups");
    assert_eq!(first["query"], "x=%20y");
    assert_eq!(
        first["headers"]["authorization"],
        json!(["Basic c2FuZGJveC1mcmVzaGRlc2sta2V5Olg="])
    );
    assert_eq!(first["headers"]["x-mark"], json!(["one", "two"]));
    assert_eq!(first["body"], json!({ "name": "ä" }).to_string());
    assert_eq!(journal["calls"][1]["query"], Value::Null);

    let count = async |query: &str| {
        let reply = sandbox
            .control(Method::GET, &format!("journal/count?{query}"), Value::Null)
            .await;
        reply.json()["count"].clone()
    };
    assert_eq!(count("host=sample.*").await, 2);
    assert_eq!(count("path=/api/v2/*&method=get").await, 1);
    assert_eq!(count("after=2").await, 2);
    let last = sandbox
        .control(Method::GET, "journal?limit=1", Value::Null)
        .await
        .json();
    assert_eq!(
        (
            last["calls"].as_array().map(Vec::len),
            &last["calls"][0]["number"]
        ),
        (Some(1), &json!(4))
    );
    assert_eq!(
        sandbox
            .control(Method::DELETE, "journal", Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(count("").await, 0);
}

#[tokio::test]
async fn bodies_that_are_no_text_are_shown_in_base64() {
    let sandbox = start().await;
    let request = b"POST /x HTTP/1.1\r\nHost: sample.freshdesk.com\r\nConnection: close\r\nContent-Length: 2\r\n\r\n\xff\xfe";
    sandbox.raw(request).await;
    let journal = sandbox
        .control(Method::GET, "journal", Value::Null)
        .await
        .json();
    assert_eq!(journal["calls"][0]["body_base64"], "//4=");
}

#[tokio::test]
async fn without_a_journal_calls_are_only_counted() {
    let settings = Settings {
        journal: false,
        ..Settings::default()
    };
    let sandbox = start_with(settings).await;
    sandbox.get(ME).await;
    let journal = sandbox
        .control(Method::GET, "journal", Value::Null)
        .await
        .json();
    assert_eq!(journal, json!({ "received": 1, "count": 0, "calls": [] }));
}
