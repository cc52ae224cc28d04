//! Pipedrive: what control calls make and change: locks, tokens, users and companies.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Running, start};
use crate::pipedrive::{
    ADMIN, API, FIRST, SECOND, change, failed_login, general, login, me, unauthorized,
};

pub const COMPANY: &str = "pipedrive/companies/22";
pub const MEMBERSHIP: &str = "pipedrive/users/12/companies/22";
pub const EMAIL: &str = "several@sample.com";

pub async fn status(sandbox: &Running, token: &str) -> u16 {
    me(sandbox, API, token).await.status.as_u16()
}

#[tokio::test]
async fn wrong_passwords_in_a_row_lock_the_user_when_switched_on() {
    let sandbox = start().await;
    let user = "pipedrive/users/12";
    for _ in 0..20 {
        assert_eq!(login(&sandbox, EMAIL, "wrong").await.status, 401);
    }
    assert_eq!(login(&sandbox, EMAIL, "password").await.status, 200);
    change(&sandbox, user, json!({ "lock_after": 2 })).await;
    for (password, status) in [
        ("wrong", 401),
        ("password", 200),
        ("wrong", 401),
        ("wrong", 401),
    ] {
        assert_eq!(login(&sandbox, EMAIL, password).await.status, status);
    }
    assert_eq!(
        login(&sandbox, EMAIL, "password").await.parts(),
        failed_login(401)
    );
    // The lock is the password's: tokens stay.
    assert_eq!(status(&sandbox, FIRST).await, 200);
    let shown = change(&sandbox, user, json!({ "locked": false, "lock_after": 0 })).await;
    assert_eq!(
        (&shown["failed_logins"], &shown["lock_after"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(login(&sandbox, EMAIL, "password").await.status, 200);
    change(&sandbox, user, json!({ "locked": true })).await;
    assert_eq!(
        login(&sandbox, EMAIL, "password").await.parts(),
        failed_login(401)
    );
}

#[tokio::test]
async fn a_new_token_kills_the_old_one_and_a_new_password_does_not() {
    let sandbox = start().await;
    change(
        &sandbox,
        "pipedrive/users/12",
        json!({ "password": "new", "name": "Renamed" }),
    )
    .await;
    assert_eq!(
        me(&sandbox, API, FIRST).await.json()["data"]["name"],
        "Renamed"
    );
    assert_eq!(login(&sandbox, EMAIL, "password").await.status, 401);
    change(&sandbox, MEMBERSHIP, json!({ "api_token": "new-token" })).await;
    assert_eq!(me(&sandbox, API, FIRST).await.parts(), unauthorized());
    assert_eq!(
        (
            status(&sandbox, "new-token").await,
            status(&sandbox, SECOND).await
        ),
        (200, 200)
    );
    let body = login(&sandbox, EMAIL, "new").await.json();
    assert_eq!(body["data"][0]["api_token"], "new-token");
    // Without a token in the body the vendor makes one.
    let reply = sandbox.control(Method::PUT, MEMBERSHIP, json!({})).await;
    let token = reply.json()["api_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    assert_eq!(token.len(), 40);
    assert_eq!(
        (
            status(&sandbox, "new-token").await,
            status(&sandbox, &token).await
        ),
        (401, 200)
    );
    let body = login(&sandbox, EMAIL, "new").await.json();
    assert_eq!(
        (
            &body["data"][0]["company_id"],
            &body["data"][1]["api_token"]
        ),
        (&json!(23), &json!(token))
    );
}

#[tokio::test]
async fn memberships_are_switched_off_forbidden_blocked_and_ended() {
    let sandbox = start().await;
    change(&sandbox, MEMBERSHIP, json!({ "forbidden": true })).await;
    let reply = me(&sandbox, API, FIRST).await;
    assert_eq!(
        reply.parts(),
        general(403, "You do not have permissions to do this.")
    );
    change(&sandbox, MEMBERSHIP, json!({ "blocked": true })).await;
    let reply = me(&sandbox, API, FIRST).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (403, Some("text/html; charset=utf-8"))
    );
    assert!(reply.header("x-ratelimit-limit").is_none());
    change(
        &sandbox,
        MEMBERSHIP,
        json!({ "blocked": false, "forbidden": false, "deactivated": true }),
    )
    .await;
    assert_eq!(me(&sandbox, API, FIRST).await.parts(), unauthorized());
    let body = login(&sandbox, EMAIL, "password").await.json();
    assert_eq!(
        (&body["data"][0]["company_id"], &body["data"][1]),
        (&json!(23), &Value::Null)
    );
    change(
        &sandbox,
        MEMBERSHIP,
        json!({ "deactivated": false, "admin": true }),
    )
    .await;
    assert_eq!(me(&sandbox, API, FIRST).await.json()["data"]["is_admin"], 1);
    assert_eq!(
        sandbox
            .control(Method::DELETE, MEMBERSHIP, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        (
            status(&sandbox, FIRST).await,
            status(&sandbox, SECOND).await
        ),
        (401, 200)
    );
    assert_eq!(
        sandbox
            .control(Method::DELETE, MEMBERSHIP, Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_closed_company_is_402() {
    let sandbox = start().await;
    change(&sandbox, COMPANY, json!({ "closed": true })).await;
    let reply = me(&sandbox, API, FIRST).await;
    assert_eq!(
        reply.parts(),
        general(402, "The company account is not open.")
    );
    assert_eq!(status(&sandbox, SECOND).await, 200);
    let body = login(&sandbox, EMAIL, "password").await.json();
    assert_eq!(body["data"].as_array().map(Vec::len), Some(2));
    change(&sandbox, COMPANY, json!({ "closed": false })).await;
    assert_eq!(status(&sandbox, FIRST).await, 200);
}

#[tokio::test]
async fn a_retired_log_in_is_410_and_tokens_stay() {
    let sandbox = start().await;
    let retired = json!({ "authorizations_retired": true });
    sandbox
        .control(Method::PUT, "pipedrive/habits", retired)
        .await;
    let reply = login(&sandbox, EMAIL, "password").await;
    assert_eq!(
        reply.parts(),
        general(410, "This endpoint is no longer available.")
    );
    assert_eq!(status(&sandbox, FIRST).await, 200);
    let shown = sandbox
        .control(Method::GET, "pipedrive/habits", Value::Null)
        .await
        .json();
    assert_eq!(
        shown,
        json!({ "failed_login_status": 401, "empty_as_null": false, "authorizations_retired": true, "denied_error": "user_denied", "v1_retired": false })
    );
}

#[tokio::test]
async fn companies_and_users_come_and_go() {
    let sandbox = start().await;
    let company = json!({ "domain": "acme-1", "name": "Acme", "plan": "growth", "seats": 2, "country": "DE" });
    let made = sandbox
        .control(Method::POST, "pipedrive/companies", company)
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["burst_total"], &made["daily_total"]),
        (&json!(40), &json!(120_000))
    );
    let company = made["id"].as_u64().expect("an id");
    let user =
        json!({ "email": "new@acme.example", "password": "p&=+ä", "companies": [company, 22] });
    let user = sandbox
        .control(Method::POST, "pipedrive/users", user)
        .await
        .json();
    let body = login(&sandbox, "new@acme.example", "p&=+ä").await.json();
    let token = body["data"][0]["api_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    assert_eq!(user["companies"][0]["api_token"], json!(token));
    let data = me(&sandbox, "acme-1.pipedrive.com", &token).await.json()["data"].clone();
    assert_eq!(
        (&data["company_name"], &data["company_country"]),
        (&json!("Acme"), &json!("DE"))
    );
    change(
        &sandbox,
        &format!("pipedrive/companies/{company}"),
        json!({ "domain": "moved" }),
    )
    .await;
    assert_eq!(
        me(&sandbox, "acme-1.pipedrive.com", &token).await.status,
        404
    );
    assert_eq!(
        me(&sandbox, "moved.pipedrive.com", &token).await.json()["data"]["company_domain"],
        "moved"
    );
    let path = format!("pipedrive/companies/{company}");
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        (
            status(&sandbox, &token).await,
            me(&sandbox, "moved.pipedrive.com", &token)
                .await
                .status
                .as_u16()
        ),
        (401, 404)
    );
    let path = format!("pipedrive/users/{}", user["id"]);
    assert_eq!(
        sandbox
            .control(Method::GET, &path, Value::Null)
            .await
            .json()["companies"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        sandbox
            .control(Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        login(&sandbox, "new@acme.example", "p&=+ä").await.status,
        401
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
async fn bad_control_calls_say_what_is_wrong() {
    let sandbox = start().await;
    let (post, patch, put) = (Method::POST, Method::PATCH, Method::PUT);
    for (method, path, body, status, word) in [
        (
            &put,
            "pipedrive/habits",
            json!({ "failed_login_status": 403 }),
            400,
            "failed_login_status",
        ),
        (&put, "pipedrive/habits", json!({ "x": 1 }), 400, "x"),
        (&post, "pipedrive/companies", json!({}), 400, "domain"),
        (
            &post,
            "pipedrive/companies",
            json!({ "domain": "A" }),
            400,
            "domain",
        ),
        (
            &post,
            "pipedrive/companies",
            json!({ "domain": "api" }),
            400,
            "domain",
        ),
        (
            &post,
            "pipedrive/companies",
            json!({ "domain": "oauth" }),
            400,
            "domain",
        ),
        (
            &post,
            "pipedrive/companies",
            json!({ "domain": "sample" }),
            409,
            "domain",
        ),
        (
            &post,
            "pipedrive/companies",
            json!({ "id": 22, "domain": "new" }),
            409,
            "id",
        ),
        (
            &post,
            "pipedrive/companies",
            json!({ "domain": "new", "plan": "gold" }),
            400,
            "gold",
        ),
        (&patch, COMPANY, json!({ "id": 5 }), 400, "id"),
        (
            &patch,
            COMPANY,
            json!({ "domain": "second" }),
            409,
            "domain",
        ),
        (&patch, "pipedrive/companies/5", json!({}), 404, "company"),
        (&post, "pipedrive/users", json!({}), 400, "email"),
        (
            &post,
            "pipedrive/users",
            json!({ "email": "Sample@sample.com" }),
            409,
            "email",
        ),
        (
            &post,
            "pipedrive/users",
            json!({ "id": 11, "email": "n@sample.com" }),
            409,
            "id",
        ),
        (
            &post,
            "pipedrive/users",
            json!({ "email": "n@sample.com", "companies": [5] }),
            400,
            "companies",
        ),
        (
            &patch,
            "pipedrive/users/12",
            json!({ "companies": [] }),
            400,
            "companies",
        ),
        (
            &patch,
            "pipedrive/users/12",
            json!({ "email": "sample@sample.com" }),
            409,
            "email",
        ),
        (&patch, "pipedrive/users/5", json!({}), 404, "user"),
        (
            &patch,
            MEMBERSHIP,
            json!({ "api_token": ADMIN }),
            409,
            "api_token",
        ),
        (
            &put,
            MEMBERSHIP,
            json!({ "api_token": "" }),
            400,
            "api_token",
        ),
        (
            &patch,
            "pipedrive/users/11/companies/23",
            json!({}),
            404,
            "company",
        ),
        (&post, "pipedrive/nothing", json!({}), 404, "control call"),
        (&put, "pipedrive/users", json!({}), 405, "GET, POST"),
    ] {
        let reply = sandbox.control(method.clone(), path, body).await;
        let message = reply.json()["message"].to_string();
        assert_eq!(reply.status, status, "{method} {path}: {message}");
        assert!(message.contains(word), "{method} {path}: {message}");
    }
    for (path, count) in [("pipedrive/companies", 2), ("pipedrive/users", 2)] {
        let rows = sandbox.control(Method::GET, path, Value::Null).await.json();
        assert_eq!(rows.as_array().map(Vec::len), Some(count), "{path}");
    }
    sandbox.control(Method::DELETE, COMPANY, Value::Null).await;
    assert_eq!(status(&sandbox, FIRST).await, 401);
    sandbox.control(Method::POST, "reset", Value::Null).await;
    assert_eq!(status(&sandbox, FIRST).await, 200);
}
