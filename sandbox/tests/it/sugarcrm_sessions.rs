//! SugarCRM: the life of a session, and which sites, versions and paths are there.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, start};
use crate::sugarcrm::{
    SITE, V10, change, change_sample, log_in, password_grant, ping, refresh_grant, refused, token,
};

fn dead(reply: &Reply) {
    refused(reply, 401, "invalid_grant");
}

#[tokio::test]
async fn a_user_has_one_session_on_each_platform() {
    let sandbox = start().await;
    let (first, first_refresh) = log_in(&sandbox, &password_grant("custom_api")).await;
    let (elsewhere, _) = log_in(&sandbox, &password_grant("mobile")).await;
    let mut sarah = password_grant("custom_api");
    sarah["username"] = json!("sarah");
    let (of_sarah, _) = log_in(&sandbox, &sarah).await;
    assert_eq!(ping(&sandbox, &first).await.status, 200);

    let (second, _) = log_in(&sandbox, &password_grant("custom_api")).await;
    dead(&ping(&sandbox, &first).await);
    for alive in [&second, &elsewhere, &of_sarah] {
        assert_eq!(ping(&sandbox, alive).await.status, 200);
    }
    let old = token(&sandbox, &refresh_grant(&first_refresh, "custom_api"));
    refused(&old.answer().await, 400, "invalid_grant");
    // A log-in that fails takes nobody's session.
    let mut wrong = password_grant("custom_api");
    wrong["password"] = json!("wrong");
    token(&sandbox, &wrong).answer().await;
    assert_eq!(ping(&sandbox, &second).await.status, 200);
}

#[tokio::test]
async fn a_refresh_rotates_both_tokens() {
    let sandbox = start().await;
    let (access, refresh) = log_in(&sandbox, &password_grant("custom_api")).await;
    for (body, why) in [
        (refresh_grant(&refresh, "mobile"), "another platform"),
        (refresh_grant(&access, "custom_api"), "an access token"),
    ] {
        let reply = token(&sandbox, &body).answer().await;
        assert_eq!(reply.status, 400, "{why}");
    }
    let mut foreign = refresh_grant(&refresh, "custom_api");
    (foreign["client_id"], foreign["client_secret"]) = (json!("sugar"), json!(""));
    refused(
        &token(&sandbox, &foreign).answer().await,
        400,
        "invalid_grant",
    );

    let (new_access, new_refresh) = log_in(&sandbox, &refresh_grant(&refresh, "custom_api")).await;
    assert!(new_access != access && new_refresh != refresh);
    dead(&ping(&sandbox, &access).await);
    assert_eq!(ping(&sandbox, &new_access).await.status, 200);
    let again = token(&sandbox, &refresh_grant(&refresh, "custom_api"));
    refused(&again.answer().await, 400, "invalid_grant");
    // The one that was refused has not hurt the session.
    assert_eq!(ping(&sandbox, &new_access).await.status, 200);
}

#[tokio::test]
async fn it_is_written_down_which_refresh_token_was_spent_twice() {
    let sandbox = start().await;
    let (_, first) = log_in(&sandbox, &password_grant("custom_api")).await;
    let (_, second) = log_in(&sandbox, &refresh_grant(&first, "custom_api")).await;
    for dead in [&first, "unknown"] {
        let again = token(&sandbox, &refresh_grant(dead, "custom_api"));
        refused(&again.answer().await, 400, "invalid_grant");
    }
    let lost = json!({ "kind": "lost_answer", "host": SITE, "path": "*/oauth2/token", "count": 1 });
    sandbox.fault(lost).await;
    let cut = token(&sandbox, &refresh_grant(&second, "custom_api"));
    assert!(cut.send().await.is_err());
    let calls = change(&sandbox, Method::GET, "oauth/calls", Value::Null).await;
    let calls = calls.json();
    assert_eq!(
        calls["grant_types"],
        json!({
            "password": { "granted": 1, "refused": 0 },
            "refresh_token": { "granted": 2, "refused": 2 },
        })
    );
    let spends = calls["spends"].as_array().expect("a list").iter();
    let spends: Vec<(&Value, &Value)> = spends
        .map(|spend| (&spend["refresh_token"], &spend["outcome"]))
        .collect();
    let (rotated, reused) = (json!("rotated"), json!("reused"));
    let (first, second) = (json!(first), json!(second));
    assert_eq!(
        spends,
        [
            (&first, &rotated),
            (&first, &reused),
            (&json!("unknown"), &json!("unknown")),
            (&second, &rotated),
        ]
    );
    assert_eq!(calls["double_spends"], 1);
    change(&sandbox, Method::DELETE, "oauth/calls", Value::Null).await;
    let calls = change(&sandbox, Method::GET, "oauth/calls", Value::Null).await;
    assert_eq!(calls.json()["token_calls"], 0);
}

#[tokio::test]
async fn tokens_run_out_by_the_clock_that_control_moves() {
    let sandbox = start().await;
    let forward = |seconds: u64| {
        let body = json!({ "advance_seconds": seconds });
        change(&sandbox, Method::POST, "clock", body)
    };
    let (access, refresh) = log_in(&sandbox, &password_grant("custom_api")).await;
    forward(3500).await;
    assert_eq!(ping(&sandbox, &access).await.status, 200);
    let clock = forward(100).await.json();
    assert_eq!(clock["ahead_seconds"], 3600);
    dead(&ping(&sandbox, &access).await);
    let (access, refresh) = log_in(&sandbox, &refresh_grant(&refresh, "custom_api")).await;
    assert_eq!(ping(&sandbox, &access).await.status, 200);
    forward(1_209_600).await;
    let late = token(&sandbox, &refresh_grant(&refresh, "custom_api"));
    refused(&late.answer().await, 400, "invalid_grant");

    let short = json!({ "access_seconds": 60, "refresh_seconds": 120 });
    change_sample(&sandbox, short).await;
    let reply = token(&sandbox, &password_grant("custom_api"))
        .answer()
        .await
        .json();
    assert_eq!(
        (&reply["expires_in"], &reply["refresh_expires_in"]),
        (&json!(60), &json!(120))
    );
    sandbox.control(Method::POST, "reset", Value::Null).await;
    let clock = change(&sandbox, Method::GET, "clock", Value::Null).await;
    assert_eq!(clock.json()["ahead_seconds"], 0);
}

#[tokio::test]
async fn control_expires_and_ends_sessions() {
    let sandbox = start().await;
    let grant = password_grant("custom_api");
    let expire = |body: Value| {
        change(
            &sandbox,
            Method::POST,
            "sites/sample.sugarondemand.com/expire",
            body,
        )
    };
    let (access, refresh) = log_in(&sandbox, &grant).await;
    expire(Value::Null).await;
    dead(&ping(&sandbox, &access).await);
    let (access, refresh) = log_in(&sandbox, &refresh_grant(&refresh, "custom_api")).await;
    expire(json!({ "refresh_tokens": true })).await;
    dead(&ping(&sandbox, &access).await);
    let renewal = token(&sandbox, &refresh_grant(&refresh, "custom_api"));
    refused(&renewal.answer().await, 400, "invalid_grant");

    let (access, _) = log_in(&sandbox, &grant).await;
    let ended = change(
        &sandbox,
        Method::DELETE,
        &format!("sites/{SITE}/sessions"),
        Value::Null,
    )
    .await;
    assert_eq!(ended.json(), json!({ "ended": 1 }));
    dead(&ping(&sandbox, &access).await);
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let sandbox = start().await;
    let (access, refresh) = log_in(&sandbox, &password_grant("custom_api")).await;
    let (other, _) = log_in(&sandbox, &password_grant("mobile")).await;
    let call = sandbox.call(Method::POST, SITE, &format!("{V10}/oauth2/logout"));
    let reply = call.header("OAuth-Token", &access).answer().await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (200, json!({ "success": true }))
    );
    dead(&ping(&sandbox, &access).await);
    let renewal = token(&sandbox, &refresh_grant(&refresh, "custom_api"));
    refused(&renewal.answer().await, 400, "invalid_grant");
    assert_eq!(ping(&sandbox, &other).await.status, 200);
}

#[tokio::test]
async fn versions_up_to_the_sites_own_are_served() {
    let sandbox = start().await;
    let (access, _) = log_in(&sandbox, &password_grant("custom_api")).await;
    let get = |path: &str| {
        let call = sandbox.call(Method::GET, SITE, path);
        call.header("OAuth-Token", &access).answer()
    };
    for version in ["v10", "v11", "v11_3", "v11_24"] {
        assert_eq!(
            get(&format!("/rest/{version}/ping")).await.status,
            200,
            "{version}"
        );
    }
    for version in ["v9", "v11_25", "v12"] {
        let reply = get(&format!("/rest/{version}/ping")).await;
        refused(&reply, 301, "incorrect_version");
        assert_eq!(reply.header("location"), None);
    }
    change_sample(&sandbox, json!({ "version": "v10" })).await;
    refused(&get("/rest/v11/ping").await, 301, "incorrect_version");
    refused(&get("/rest/v10/Nowhere").await, 404, "not_found");
    refused(&get("/rest/ping").await, 404, "not_found");
    refused(&get("/rest/v10/oauth2/token").await, 404, "no_method");
    let page = get("/index.php").await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
    let time = get("/rest/v10/ping/whattimeisit").await.json();
    assert!(
        time.as_str()
            .is_some_and(|time| time.len() == 25 && time.ends_with("-04:00")),
        "{time}"
    );
    change_sample(&sandbox, json!({ "maintenance": true })).await;
    refused(&get("/rest/v10/ping").await, 503, "maintenance");
}

#[tokio::test]
async fn any_host_that_control_declares_is_a_site() {
    let sandbox = start().await;
    let host = "crm.acme.example";
    let grant = json!({
        "grant_type": "password", "client_id": "sugar", "client_secret": "",
        "username": "boss", "password": "secret", "platform": "mobile",
    });
    let log_in = |host: &'static str, path: &'static str| {
        let call = sandbox.call(Method::POST, host, path);
        call.json(&grant).answer()
    };
    assert_eq!(log_in(host, "/rest/v10/oauth2/token").await.status, 421);
    let nobody = log_in("nobody.sugarondemand.com", "/rest/v10/oauth2/token").await;
    assert_eq!(
        (nobody.status.as_u16(), nobody.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );

    let users = json!([{ "user_name": "boss", "password": "secret" }]);
    let site = json!({ "host": host, "install_path": "/sugar", "users": users, "clients": { "sugar": "" } });
    change(&sandbox, Method::POST, "sites", site.clone()).await;
    assert_eq!(
        log_in(host, "/sugar/rest/v11/oauth2/token").await.status,
        200
    );
    assert_eq!(log_in(host, "/rest/v10/oauth2/token").await.status, 404);
    // Sites share nothing.
    let elsewhere = log_in(SITE, "/rest/v10/oauth2/token").await;
    refused(&elsewhere, 401, "need_login");

    for (method, path, body, status) in [
        (Method::POST, "sites", site, 409),
        (
            Method::POST,
            "sites",
            json!({ "host": "https://x.example" }),
            400,
        ),
        (Method::POST, "sites", json!({ "host": "localhost" }), 400),
        (
            Method::POST,
            "sites",
            json!({ "host": "a.b.sugarondemand.com" }),
            400,
        ),
        (
            Method::POST,
            "sites",
            json!({ "host": "b.example", "version": "v9" }),
            400,
        ),
        (
            Method::POST,
            "sites",
            json!({ "host": "b.example", "unknown": 1 }),
            400,
        ),
        (
            Method::PATCH,
            "sites/crm.acme.example",
            json!({ "host": "c.example" }),
            400,
        ),
        (
            Method::PATCH,
            "sites/crm.acme.example",
            json!({ "install_path": "sugar" }),
            400,
        ),
        (
            Method::PATCH,
            "sites/crm.acme.example",
            json!({ "grant_refusal_status": 500 }),
            400,
        ),
        (Method::PATCH, "sites/b.example", json!({}), 404),
        (
            Method::POST,
            "sites/crm.acme.example/users",
            json!({ "user_name": "BOSS" }),
            409,
        ),
        (Method::POST, "sites/crm.acme.example/users", json!({}), 400),
        (
            Method::PATCH,
            "sites/crm.acme.example/users/nobody",
            json!({}),
            404,
        ),
        (Method::POST, "clock", json!({}), 400),
        (Method::PUT, "clock", json!({}), 405),
        (Method::GET, "nothing", Value::Null, 404),
    ] {
        let reply = sandbox
            .control(method, &format!("sugarcrm/{path}"), body.clone())
            .await;
        assert_eq!(reply.status, status, "{path} {body}");
    }
    change(
        &sandbox,
        Method::DELETE,
        "sites/crm.acme.example/users/boss",
        Value::Null,
    )
    .await;
    refused(
        &log_in(host, "/sugar/rest/v10/oauth2/token").await,
        401,
        "need_login",
    );
    change(
        &sandbox,
        Method::DELETE,
        "sites/crm.acme.example",
        Value::Null,
    )
    .await;
    assert_eq!(
        log_in(host, "/sugar/rest/v10/oauth2/token").await.status,
        421
    );
}

#[tokio::test]
async fn a_proxy_refuses_too_many_calls_with_a_page() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "rate_limited", "retry_after": 5 }))
        .await;
    let reply = ping(&sandbox, "any").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (429, Some("5"))
    );
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}
