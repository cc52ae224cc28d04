//! DocuSign: what control calls make and change: locks, expiry, revocation, keys, users and accounts.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, Running, start};
use crate::docusign::{
    ACCOUNT, DEMO, KEY, LOGIN, SANDBOX_KEY, USER, credentials, grant, invalid_token, legacy,
    new_token, refused, unknown_key, with_header, with_token, wrong_password,
};

pub const SAMPLE: &str = "docusign/accounts/998083";

pub async fn change(sandbox: &Running, path: &str, body: Value) -> Reply {
    let reply = sandbox.control(Method::PATCH, path, body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

async fn login(sandbox: &Running, password: &str) -> Reply {
    let value = credentials("sample@sample.com", password, KEY);
    with_header(sandbox, DEMO, &value).await
}

fn locked() -> (u16, Value) {
    refused(
        "USER_AUTHENTICATION_FAILED",
        "The user is locked because of too many failed attempts to log in.",
    )
}

#[tokio::test]
async fn wrong_passwords_in_a_row_lock_the_user_when_switched_on() {
    let sandbox = start().await;
    let user = format!("docusign/users/{USER}");
    for _ in 0..20 {
        assert_eq!(login(&sandbox, "wrong").await.parts(), wrong_password());
    }
    assert_eq!(login(&sandbox, "password").await.status, 200);
    change(&sandbox, &user, json!({ "lock_after": 3 })).await;
    for password in ["wrong", "wrong", "password", "wrong", "wrong"] {
        let status = if password == "wrong" { 401 } else { 200 };
        assert_eq!(login(&sandbox, password).await.status, status);
    }
    // The third in a row, in either form of log-in.
    assert_eq!(grant(&sandbox, DEMO, "wrong", KEY).await.status, 400);
    assert_eq!(login(&sandbox, "password").await.parts(), locked());
    let reply = grant(&sandbox, DEMO, "password", KEY).await;
    assert_eq!(reply.json()["error"], "user_authentication_failed");
    let shown = change(&sandbox, &user, json!({ "locked": false, "lock_after": 0 })).await;
    assert_eq!(
        (&shown.json()["failed_logins"], &shown.json()["lock_after"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(login(&sandbox, "password").await.status, 200);
    change(&sandbox, &user, json!({ "locked": true })).await;
    assert_eq!(login(&sandbox, "password").await.parts(), locked());
}

#[tokio::test]
async fn a_changed_password_ends_legacy_tokens_and_not_others() {
    let sandbox = start().await;
    let user = format!("docusign/users/{USER}");
    let token = new_token(&sandbox, DEMO).await;
    let oauth = json!({ "user": USER, "kind": "oauth", "token": "eyJ.a" });
    sandbox
        .control(Method::POST, "docusign/tokens", oauth)
        .await;
    change(&sandbox, &user, json!({ "name": "Renamed User" })).await;
    assert_eq!(
        with_token(&sandbox, DEMO, ACCOUNT, &token).await.status,
        200
    );
    change(&sandbox, &user, json!({ "password": "pa\\ss\"word" })).await;
    assert_eq!(
        with_token(&sandbox, DEMO, ACCOUNT, &token).await.parts(),
        invalid_token()
    );
    assert_eq!(
        with_token(&sandbox, DEMO, ACCOUNT, "eyJ.a").await.status,
        200
    );
    assert_eq!(login(&sandbox, "password").await.parts(), wrong_password());
    let body = login(&sandbox, "pa\\ss\"word").await.json();
    assert_eq!(body["loginAccounts"][0]["userName"], "Renamed User");
    change(&sandbox, &user, json!({ "password_login": false })).await;
    assert_eq!(
        login(&sandbox, "pa\\ss\"word").await.parts(),
        wrong_password()
    );
    assert_eq!(
        with_token(&sandbox, DEMO, ACCOUNT, "eyJ.a").await.status,
        200
    );
}

#[tokio::test]
async fn tokens_are_made_expired_and_revoked() {
    let sandbox = start().await;
    let made = async |body: Value| sandbox.control(Method::POST, "docusign/tokens", body).await;
    for (token, seconds) in [("past", -1), ("now", 0), ("future", 600)] {
        let body = json!({ "user": USER, "kind": "legacy", "token": token, "expires_in_seconds": seconds });
        assert_eq!(made(body).await.status, 201);
    }
    let works = async |token: &str| with_token(&sandbox, DEMO, LOGIN, token).await.status == 200;
    assert!(!works("past").await && !works("now").await && works("future").await);
    let oauth = made(json!({ "user": USER, "kind": "oauth" })).await.json();
    let expiry = oauth["expires_at"].as_i64().expect("seconds");
    let left = expiry - jiff::Timestamp::now().as_second();
    assert!((28_700..=28_800).contains(&left), "{left}");

    let (first, second) = (
        new_token(&sandbox, DEMO).await,
        new_token(&sandbox, DEMO).await,
    );
    let production = new_token(&sandbox, "www.docusign.net").await;
    let post =
        async |path: &str, body: Value| sandbox.control(Method::POST, path, body).await.parts();
    assert_eq!(
        post("docusign/tokens/expire", json!({ "token": first })).await,
        (200, json!({ "count": 1 }))
    );
    assert!(!works(&first).await && works(&second).await);
    assert_eq!(
        post("docusign/tokens/revoke", json!({ "user": USER })).await,
        (200, json!({ "count": 6 }))
    );
    assert!(!works(&second).await && !works("future").await);
    let www = with_token(&sandbox, "www.docusign.net", LOGIN, &production).await;
    assert_eq!(www.status, 200);
    assert_eq!(
        post("docusign/tokens/expire", json!({})).await.1["count"],
        7
    );
    let www = with_token(&sandbox, "www.docusign.net", LOGIN, &production).await;
    assert_eq!(www.parts(), invalid_token());
    let shown = sandbox
        .control(Method::GET, "docusign/tokens", Value::Null)
        .await
        .json();
    assert_eq!(
        (&shown[&second]["revoked"], &shown[&first]["kind"]),
        (&json!(true), &json!("legacy"))
    );
}

#[tokio::test]
async fn keys_are_switched_off_promoted_and_taken_away() {
    let sandbox = start().await;
    let value = credentials("sample@sample.com", "password", "new-key");
    let key = json!({ "key": "new-key" });
    let made = sandbox.control(Method::POST, "docusign/keys", key).await;
    assert_eq!(
        made.parts(),
        (
            201,
            json!({ "key": "new-key", "enabled": true, "environments": ["demo"] })
        )
    );
    let (demo, www) = (DEMO, "www.docusign.net");
    assert_eq!(with_header(&sandbox, demo, &value).await.status, 200);
    assert_eq!(
        with_header(&sandbox, www, &value).await.parts(),
        unknown_key()
    );
    let path = "docusign/keys/new-key";
    change(
        &sandbox,
        path,
        json!({ "environments": ["demo", "production"] }),
    )
    .await;
    assert_eq!(with_header(&sandbox, www, &value).await.status, 200);
    change(&sandbox, path, json!({ "enabled": false })).await;
    assert_eq!(
        with_header(&sandbox, demo, &value).await.parts(),
        unknown_key()
    );
    change(&sandbox, path, json!({ "enabled": true })).await;
    assert_eq!(with_header(&sandbox, demo, &value).await.status, 200);
    assert_eq!(
        sandbox
            .control(Method::DELETE, path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        with_header(&sandbox, demo, &value).await.parts(),
        unknown_key()
    );
    let keys = sandbox
        .control(Method::GET, "docusign/keys", Value::Null)
        .await
        .json();
    assert_eq!(keys[SANDBOX_KEY]["environments"], json!(["demo"]));
}

#[tokio::test]
async fn users_and_accounts_come_and_go() {
    let sandbox = start().await;
    let post = async |path: &str, body: Value| {
        let reply = sandbox.control(Method::POST, path, body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()
    };
    let account = post(
        "docusign/accounts",
        json!({ "site": "eu", "name": "Europe" }),
    )
    .await;
    let number = account["account_id"].as_u64().expect("a number");
    let user = json!({ "email": "new@sample.com", "password": "p", "environment": "production", "accounts": [number, 2_200_001] });
    let user = post("docusign/users", user).await;
    assert_eq!(user["default_account"], json!(number));
    let value = credentials("new@sample.com", "p", KEY);
    let listed = async || {
        let body = with_header(&sandbox, "www.docusign.net", &value)
            .await
            .json();
        let accounts = body["loginAccounts"].as_array().expect("a list").clone();
        let urls = accounts
            .iter()
            .map(|entry| (entry["baseUrl"].clone(), entry["isDefault"].clone()));
        urls.collect::<Vec<(Value, Value)>>()
    };
    let europe = json!(format!(
        "https://eu.docusign.net/restapi/v2/accounts/{number}"
    ));
    let second = json!("https://na2.docusign.net/restapi/v2/accounts/2200001");
    let (yes, no) = (json!("true"), json!("false"));
    assert_eq!(
        listed().await,
        [(europe.clone(), yes.clone()), (second.clone(), no.clone())]
    );
    let path = format!(
        "docusign/users/{}",
        user["user_id"].as_str().expect("an id")
    );
    change(&sandbox, &path, json!({ "default_account": 2_200_001 })).await;
    assert_eq!(
        listed().await,
        [(europe, no), (second.clone(), yes.clone())]
    );
    let path_of_account = format!("docusign/accounts/{number}");
    let shown = sandbox
        .control(Method::GET, &path_of_account, Value::Null)
        .await
        .json();
    assert_eq!(
        (&shown["site"], &shown["name"]),
        (&json!("eu"), &json!("Europe"))
    );
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path_of_account, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(listed().await, [(second, yes)]);
    change(&sandbox, &path, json!({ "accounts": [] })).await;
    assert_eq!(listed().await, []);
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        with_header(&sandbox, "www.docusign.net", &value)
            .await
            .parts(),
        wrong_password()
    );
    assert_eq!(
        sandbox
            .control(Method::GET, &path, Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn send_on_behalf_needs_a_common_account() {
    let sandbox = start().await;
    let colleague = json!({ "email": "colleague@sample.com", "accounts": [998_084] });
    sandbox
        .control(Method::POST, "docusign/users", colleague)
        .await;
    let stranger = json!({ "email": "stranger@sample.com" });
    sandbox
        .control(Method::POST, "docusign/users", stranger)
        .await;
    let value = |other: &str| {
        json!({ "Username": "sample@sample.com", "Password": "password", "IntegratorKey": KEY, "SendOnBehalfOf": other }).to_string()
    };
    let body = with_header(&sandbox, DEMO, &value("colleague@sample.com"))
        .await
        .json();
    assert_eq!(body["loginAccounts"][0]["email"], "colleague@sample.com");
    for other in ["stranger@sample.com", "nobody@sample.com"] {
        let reply = with_header(&sandbox, DEMO, &value(other)).await;
        assert_eq!(reply.status, 400, "{other}");
    }
}

#[tokio::test]
async fn bad_control_calls_say_what_is_wrong() {
    let sandbox = start().await;
    let (post, patch) = (Method::POST, Method::PATCH);
    let user = format!("docusign/users/{USER}");
    for (method, path, body, status, word) in [
        (&post, "docusign/keys", json!({}), 400, "key"),
        (&post, "docusign/keys", json!({ "key": KEY }), 409, "key"),
        (
            &post,
            "docusign/keys",
            json!({ "key": "k", "x": 1 }),
            400,
            "x",
        ),
        (&patch, "docusign/keys/nothing", json!({}), 404, "key"),
        (
            &patch,
            &*format!("docusign/keys/{KEY}"),
            json!({ "key": "k" }),
            400,
            "key",
        ),
        (
            &post,
            "docusign/accounts",
            json!({ "site": "a.b" }),
            400,
            "site",
        ),
        (
            &post,
            "docusign/accounts",
            json!({ "account_id": 0 }),
            400,
            "account_id",
        ),
        (
            &post,
            "docusign/accounts",
            json!({ "account_id": 998_083 }),
            409,
            "account_id",
        ),
        (&patch, SAMPLE, json!({ "site": "na2" }), 400, "site"),
        (
            &patch,
            SAMPLE,
            json!({ "limit_status": 500 }),
            400,
            "limit_status",
        ),
        (
            &patch,
            SAMPLE,
            json!({ "refusal": "NONSENSE" }),
            400,
            "refusal",
        ),
        (
            &patch,
            SAMPLE,
            json!({ "refusal_status": 500 }),
            400,
            "refusal_status",
        ),
        (&patch, "docusign/accounts/1", json!({}), 404, "account"),
        (&post, "docusign/users", json!({}), 400, "email"),
        (
            &post,
            "docusign/users",
            json!({ "email": "Sample@sample.com" }),
            409,
            "email",
        ),
        (
            &post,
            "docusign/users",
            json!({ "email": "n@sample.com", "user_id": USER }),
            409,
            "user_id",
        ),
        (
            &post,
            "docusign/users",
            json!({ "email": "n@sample.com", "accounts": [2_200_001] }),
            400,
            "accounts",
        ),
        (
            &patch,
            &*user,
            json!({ "default_account": 2_200_001 }),
            400,
            "default_account",
        ),
        (
            &patch,
            &*user,
            json!({ "environment": "production" }),
            400,
            "environment",
        ),
        (&patch, "docusign/users/nobody", json!({}), 404, "user"),
        (
            &post,
            "docusign/tokens",
            json!({ "user": "nobody", "kind": "oauth" }),
            400,
            "user",
        ),
        (
            &post,
            "docusign/tokens/expire",
            json!({ "tokens": 1 }),
            400,
            "tokens",
        ),
        (&post, "docusign/nothing", json!({}), 404, "control call"),
        (&Method::PUT, "docusign/users", json!({}), 405, "GET, POST"),
    ] {
        let reply = sandbox.control(method.clone(), path, body).await;
        let message = reply.json()["message"].to_string();
        assert_eq!(reply.status, status, "{method} {path}: {message}");
        assert!(message.contains(word), "{method} {path}: {message}");
    }
    // Nothing of it was kept, and a reset brings back what was there.
    assert_eq!(legacy(&sandbox, DEMO, ACCOUNT).answer().await.status, 200);
    sandbox.control(Method::DELETE, &user, Value::Null).await;
    assert_eq!(login(&sandbox, "password").await.parts(), wrong_password());
    sandbox.control(Method::POST, "reset", Value::Null).await;
    assert_eq!(login(&sandbox, "password").await.status, 200);
}
