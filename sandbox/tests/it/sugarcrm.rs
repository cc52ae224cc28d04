//! SugarCRM: logging in, using a session, and every refusal of a log-in.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Call, Reply, Running, example, start};

pub const SITE: &str = "sample.sugarondemand.com";
pub const V10: &str = "/rest/v10";

pub fn refusal(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    assert!(body["error_message"].is_string(), "{body}");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2));
    let label = body["error"].as_str().expect("a label");
    (reply.status.as_u16(), label.to_owned())
}

pub fn refused(reply: &Reply, status: u16, label: &str) {
    assert_eq!(refusal(reply), (status, label.to_owned()));
}

/// What the founding configuration asks with.
pub fn password_grant(platform: &str) -> Value {
    json!({
        "grant_type": "password", "client_id": "sandbox-sugarcrm-key", "client_secret": "sandbox-sugarcrm-secret",
        "username": "admin", "password": "password", "platform": platform,
    })
}

pub fn refresh_grant(token: &str, platform: &str) -> Value {
    json!({
        "grant_type": "refresh_token", "refresh_token": token, "platform": platform,
        "client_id": "sandbox-sugarcrm-key", "client_secret": "sandbox-sugarcrm-secret",
    })
}

pub fn token(sandbox: &Running, body: &Value) -> Call {
    let path = format!("{V10}/oauth2/token");
    sandbox.call(Method::POST, SITE, &path).json(body)
}

/// Tokens of a new session: access and refresh.
pub async fn log_in(sandbox: &Running, body: &Value) -> (String, String) {
    let reply = token(sandbox, body).answer().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let text = |name: &str| body[name].as_str().expect("a token").to_owned();
    (text("access_token"), text("refresh_token"))
}

pub async fn ping(sandbox: &Running, access: &str) -> Reply {
    let call = sandbox.call(Method::GET, SITE, &format!("{V10}/ping"));
    call.header("OAuth-Token", access).answer().await
}

pub async fn change(sandbox: &Running, method: Method, path: &str, body: Value) -> Reply {
    let reply = sandbox
        .control(method, &format!("sugarcrm/{path}"), body)
        .await;
    assert!(reply.status.is_success(), "{reply:?}");
    reply
}

pub async fn change_sample(sandbox: &Running, body: Value) {
    change(sandbox, Method::PATCH, &format!("sites/{SITE}"), body).await;
}

#[tokio::test]
async fn a_password_gets_a_session_in_the_documented_form() {
    let sandbox = start().await;
    let reply = token(&sandbox, &password_grant("custom_api"))
        .answer()
        .await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    let mut keys: Vec<&str> = body
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    let expected = [
        "access_token",
        "download_token",
        "expires_in",
        "refresh_expires_in",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        (
            &body["expires_in"],
            &body["refresh_expires_in"],
            &body["token_type"],
            &body["scope"]
        ),
        (
            &json!(3600),
            &json!(1_209_600),
            &json!("bearer"),
            &Value::Null
        )
    );
    let access = body["access_token"].as_str().expect("a token");
    let pong = ping(&sandbox, access).await;
    assert_eq!((pong.status.as_u16(), pong.json()), (200, json!("pong")));
}

#[tokio::test]
async fn forms_the_built_in_client_and_no_platform_are_fine() {
    let sandbox = start().await;
    let form =
        "grant_type=password&client_id=sugar&client_secret=&username=sarah&password=password";
    let call = sandbox.call(Method::POST, SITE, &format!("{V10}/oauth2/token"));
    let reply = call
        .body("application/x-www-form-urlencoded", form)
        .answer()
        .await;
    assert_eq!(reply.status, 200);
    let sessions = change(
        &sandbox,
        Method::GET,
        &format!("sites/{SITE}/sessions"),
        Value::Null,
    )
    .await;
    let session = &sessions.json()[0];
    assert_eq!(
        (
            &session["user_id"],
            &session["platform"],
            &session["client_id"]
        ),
        (&json!("seed_sarah_id"), &json!("base"), &json!("sugar"))
    );
}

#[tokio::test]
async fn both_headers_carry_a_session_the_newer_one_on_newer_sites() {
    let sandbox = start().await;
    let (access, _) = log_in(&sandbox, &password_grant("custom_api")).await;
    let bearer = format!("Bearer {access}");
    let me = |header: &str, value: &str| {
        let call = sandbox.call(Method::GET, SITE, &format!("{V10}/me"));
        call.header(header, value).answer()
    };
    for (header, value) in [("OAuth-Token", &access), ("Authorization", &bearer)] {
        let reply = me(header, value).await;
        let user = reply.json()["current_user"].clone();
        assert_eq!(
            (
                reply.status.as_u16(),
                &user["type"],
                &user["id"],
                &user["user_name"]
            ),
            (200, &json!("user"), &json!("1"), &json!("admin"))
        );
    }
    refused(
        &me("Authorization", &format!("Basic {access}")).await,
        401,
        "need_login",
    );
    change_sample(&sandbox, json!({ "version": "v11_2" })).await;
    refused(&me("Authorization", &bearer).await, 401, "need_login");
    change_sample(&sandbox, json!({ "version": "v11_3" })).await;
    assert_eq!(me("Authorization", &bearer).await.status, 200);
}

#[tokio::test]
async fn calls_without_a_live_session_are_401() {
    let sandbox = start().await;
    let bare = |method: Method, path: &str| {
        let call = sandbox.call(method, SITE, &format!("{V10}/{path}"));
        call.answer()
    };
    for (method, path) in [
        (Method::GET, "ping"),
        (Method::GET, "ping/whattimeisit"),
        (Method::GET, "me"),
        (Method::POST, "oauth2/logout"),
    ] {
        refused(&bare(method, path).await, 401, "need_login");
    }
    let reply = ping(&sandbox, "unknown").await;
    refused(&reply, 401, "invalid_grant");
    assert_eq!(
        reply.json()["error_message"],
        "The access token provided is invalid."
    );
}

#[tokio::test]
async fn wrong_users_clients_and_grants_are_refused_with_labels() {
    let sandbox = start().await;
    let with = |name: &str, value: Value| {
        let mut body = password_grant("custom_api");
        body[name] = value;
        body
    };
    for (body, status, label) in [
        (with("password", json!("wrong")), 401, "need_login"),
        (with("username", json!("nobody")), 401, "need_login"),
        (with("password", Value::Null), 401, "need_login"),
        (with("client_id", json!("unknown")), 400, "invalid_client"),
        (with("client_secret", json!("wrong")), 400, "invalid_client"),
        (with("client_id", json!("sugar")), 400, "invalid_client"),
        (
            with("grant_type", json!("implicit")),
            422,
            "invalid_parameter",
        ),
        (with("grant_type", Value::Null), 422, "missing_parameter"),
        (
            with("grant_type", json!("refresh_token")),
            422,
            "missing_parameter",
        ),
        (refresh_grant("unknown", "custom_api"), 400, "invalid_grant"),
        (json!([]), 422, "invalid_parameter"),
    ] {
        refused(&token(&sandbox, &body).answer().await, status, label);
    }
    let wrong = with("password", json!("wrong"));
    let text = token(&sandbox, &wrong).answer().await.json()["error_message"].clone();
    assert_eq!(text, "You must specify a valid username and password.");

    // Which status these two have is unverified, so it can be chosen.
    change_sample(&sandbox, json!({ "grant_refusal_status": 401 })).await;
    for (body, label) in [
        (with("client_id", json!("unknown")), "invalid_client"),
        (refresh_grant("unknown", "custom_api"), "invalid_grant"),
    ] {
        refused(&token(&sandbox, &body).answer().await, 401, label);
    }
}

#[tokio::test]
async fn unknown_platforms_are_refused_where_they_are_restricted() {
    let sandbox = start().await;
    let random = "k3Jd8fQ2mZ0pWx7B";
    log_in(&sandbox, &password_grant(random)).await;
    change_sample(&sandbox, json!({ "restrict_platforms": true })).await;
    refused(
        &token(&sandbox, &password_grant(random)).answer().await,
        422,
        "invalid_parameter",
    );
    for platform in ["base", "mobile", "portal"] {
        log_in(&sandbox, &password_grant(platform)).await;
    }
    change_sample(&sandbox, json!({ "platforms": ["base", random] })).await;
    log_in(&sandbox, &password_grant(random)).await;

    // What is the default hangs on the version.
    for (version, restricted) in [
        ("v10", false),
        ("v11", false),
        ("v11_1", true),
        ("v11_24", true),
    ] {
        let host = format!("{}.example", version.replace('_', "-"));
        let site = json!({ "host": host, "version": version });
        let made = change(&sandbox, Method::POST, "sites", site).await.json();
        assert_eq!(made["restrict_platforms"], restricted, "{version}");
    }
}

#[tokio::test]
async fn states_of_users_refuse_even_the_right_password() {
    let sandbox = start().await;
    let user = format!("sites/{SITE}/users/admin");
    let grant = password_grant("custom_api");
    let (_, refresh) = log_in(&sandbox, &grant).await;
    for state in [
        "password_expired",
        "locked_out",
        "external_login",
        "inactive",
    ] {
        change(&sandbox, Method::PATCH, &user, json!({ "refusal": state })).await;
        refused(&token(&sandbox, &grant).answer().await, 401, "need_login");
        if state != "inactive" {
            let renewal = token(&sandbox, &refresh_grant(&refresh, "custom_api"));
            refused(&renewal.answer().await, 401, "need_login");
        }
    }
    // An inactive user's sessions are over.
    let renewal = token(&sandbox, &refresh_grant(&refresh, "custom_api"));
    refused(&renewal.answer().await, 400, "invalid_grant");
    change(&sandbox, Method::PATCH, &user, json!({ "refusal": null })).await;
    log_in(&sandbox, &grant).await;
}

#[tokio::test]
async fn repeated_failures_lock_out_when_switched_on() {
    let sandbox = start().await;
    let right = password_grant("custom_api");
    let mut wrong = right.clone();
    wrong["password"] = json!("wrong");
    for _ in 0..5 {
        token(&sandbox, &wrong).answer().await;
    }
    log_in(&sandbox, &right).await;
    change_sample(&sandbox, json!({ "lock_after": 2 })).await;
    token(&sandbox, &wrong).answer().await;
    log_in(&sandbox, &right).await;
    for _ in 0..2 {
        refused(&token(&sandbox, &wrong).answer().await, 401, "need_login");
    }
    refused(&token(&sandbox, &right).answer().await, 401, "need_login");
    // Nobody else is.
    let mut other = right.clone();
    other["username"] = json!("sarah");
    log_in(&sandbox, &other).await;
    let user = format!("sites/{SITE}/users/admin");
    change(&sandbox, Method::PATCH, &user, json!({ "refusal": null })).await;
    log_in(&sandbox, &right).await;
}

#[tokio::test]
async fn the_shipped_example_logs_in_on_any_platform() {
    let sandbox = start().await;
    let keys = [
        "oauth.api.key",
        "oauth.api.secret",
        "oauth.callback.url",
        "site.url",
        "username",
        "password",
    ];
    let example = example("sugarcrmv2.json", "sugarcrmv2", &keys);
    assert_eq!(example["site.url"], SITE);
    let mut grant = password_grant("k3Jd8fQ2mZ0pWx7B");
    for (member, key) in [
        ("client_id", "oauth.api.key"),
        ("client_secret", "oauth.api.secret"),
        ("username", "username"),
        ("password", "password"),
    ] {
        grant[member] = example[key].clone();
    }
    log_in(&sandbox, &grant).await;
}
