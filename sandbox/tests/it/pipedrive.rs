//! Pipedrive: the legacy log-in, tokens, hosts and refusals.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Call, Reply, Running, example, start};
use crate::described::Described;
use crate::freshdesk::{keys, set};

pub const API: &str = "api.pipedrive.com";
pub const ME: &str = "/v1/users/me";
pub const ADMIN: &str = "5a6d0a1e000000000000000000000000000000a1";
pub const FIRST: &str = "5a6d0a1e000000000000000000000000000000b1";
pub const SECOND: &str = "5a6d0a1e000000000000000000000000000000b2";
const LOGIN: &str = "/v1/authorizations";
const FORM: &str = "application/x-www-form-urlencoded";

fn login_call(sandbox: &Running, host: &str, path: &str, email: &str, password: &str) -> Call {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("email", email)
        .append_pair("password", password);
    sandbox
        .call(Method::POST, host, path)
        .body(FORM, &form.finish())
}

pub async fn login(sandbox: &Running, email: &str, password: &str) -> Reply {
    login_call(sandbox, API, LOGIN, email, password)
        .answer()
        .await
}

pub async fn me(sandbox: &Running, host: &str, token: &str) -> Reply {
    let call = sandbox.call(Method::GET, host, ME);
    call.header("x-api-token", token).answer().await
}

pub fn unauthorized() -> (u16, Value) {
    (
        401,
        json!({ "success": false, "error": "unauthorized access", "errorCode": 401 }),
    )
}

pub fn failed_login(status: u16) -> (u16, Value) {
    (
        status,
        json!({ "success": false, "error": "unauthorized access", "errorCode": 401, "data": null }),
    )
}

pub fn general(status: u16, error: &str) -> (u16, Value) {
    let info = "Please check developers.pipedrive.com for more information about Pipedrive API.";
    (
        status,
        json!({ "success": false, "error": error, "error_info": info, "data": null, "additional_data": null }),
    )
}

pub async fn change(sandbox: &Running, path: &str, body: Value) -> Value {
    let reply = sandbox.control(Method::PATCH, path, body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn the_log_in_lists_a_token_for_each_company() {
    let sandbox = start().await;
    let reply = login(&sandbox, "several@sample.com", "password").await;
    let body = reply.json();
    let time = body["data"][0]["add_time"]
        .as_str()
        .expect("a time")
        .to_owned();
    assert!(time.len() == 19 && !time.contains('T'), "{time}");
    assert_eq!(
        reply.parts(),
        (
            200,
            json!({
                "success": true,
                "data": [
                    {
                        "user_id": 12,
                        "company_id": 22,
                        "api_token": FIRST,
                        "add_time": time,
                        "company": { "info": { "id": 22, "name": "Sample", "domain": "sample" } },
                    },
                    {
                        "user_id": 12,
                        "company_id": 23,
                        "api_token": SECOND,
                        "add_time": time,
                        "company": { "info": { "id": 23, "name": "Sample Second", "domain": "second" } },
                    },
                ],
                "additional_data": { "user": { "profile": {
                    "id": 12, "name": "Sample User", "email": "several@sample.com",
                } } },
            })
        )
    );
}

#[tokio::test]
async fn the_log_in_is_the_same_at_every_host_and_below_both_prefixes() {
    let sandbox = start().await;
    for (host, path) in [
        (API, "/v1/authorizations"),
        (API, "/v1/authorizations?api_token=null"),
        (API, "/api/v1/authorizations"),
        ("sample.pipedrive.com", "/v1/authorizations"),
        ("second.pipedrive.com", "/api/v1/authorizations"),
    ] {
        let call = login_call(&sandbox, host, path, "Sample@Sample.com", "password");
        let body = call.answer().await.json();
        assert_eq!(body["data"][0]["api_token"], ADMIN, "{host}{path}");
        assert_eq!(body["data"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn failed_log_ins_look_alike() {
    let sandbox = start().await;
    for (email, password) in [
        ("sample@sample.com", "Password"),
        ("sample@sample.com", ""),
        ("nobody@sample.com", "password"),
        ("", ""),
    ] {
        let reply = login(&sandbox, email, password).await;
        assert_eq!(reply.parts(), failed_login(401), "{email} {password}");
    }
    let habits = json!({ "failed_login_status": 200 });
    sandbox
        .control(Method::PUT, "pipedrive/habits", habits)
        .await;
    let reply = login(&sandbox, "sample@sample.com", "wrong").await;
    assert_eq!(reply.parts(), failed_login(200));
    let call = sandbox.call(Method::POST, API, LOGIN);
    let body = json!({ "email": "sample@sample.com", "password": "password" });
    let reply = call.json(&body).answer().await;
    assert_eq!(
        reply.parts(),
        general(400, "Content must be form-urlencoded.")
    );
    let reply = sandbox.call(Method::POST, API, LOGIN).answer().await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_user_without_company_gets_an_empty_list_or_null() {
    let sandbox = start().await;
    let user = json!({ "email": "alone@sample.com", "password": "p" });
    let made = sandbox.control(Method::POST, "pipedrive/users", user).await;
    assert_eq!(made.status, 201, "{made:?}");
    let data = async || {
        let reply = login(&sandbox, "alone@sample.com", "p").await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["success"]),
            (200, &json!(true))
        );
        reply.json()["data"].clone()
    };
    assert_eq!(data().await, json!([]));
    let null = json!({ "empty_as_null": true });
    sandbox.control(Method::PUT, "pipedrive/habits", null).await;
    assert_eq!(data().await, Value::Null);
    // One who is switched off everywhere is in the same place.
    let path = "pipedrive/users/11/companies/22";
    change(&sandbox, path, json!({ "deactivated": true })).await;
    let body = login(&sandbox, "sample@sample.com", "password")
        .await
        .json();
    assert_eq!(body["data"], Value::Null);
}

#[tokio::test]
async fn the_token_goes_in_the_header_or_in_the_query() {
    let sandbox = start().await;
    for path in ["/v1/users/me", "/api/v1/users/me"] {
        for host in [API, "sample.pipedrive.com"] {
            let query = format!("{path}?api_token={ADMIN}");
            let reply = sandbox.call(Method::GET, host, &query).answer().await;
            assert_eq!(reply.json()["data"]["id"], 11, "{host}{path}");
            let call = sandbox.call(Method::GET, host, path);
            let reply = call.header("X-Api-Token", ADMIN).answer().await;
            assert_eq!(reply.json()["data"]["id"], 11, "{host}{path}");
        }
    }
    // The header decides.
    let call = sandbox.call(Method::GET, API, &format!("{ME}?api_token={ADMIN}"));
    let reply = call.header("x-api-token", FIRST).answer().await;
    assert_eq!(reply.json()["data"]["id"], 12);
    let call = sandbox.call(Method::GET, API, &format!("{ME}?api_token={ADMIN}"));
    let reply = call.header("x-api-token", "wrong").answer().await;
    assert_eq!(reply.parts(), unauthorized());
}

#[tokio::test]
async fn without_a_good_token_it_is_401() {
    let sandbox = start().await;
    let reply = sandbox.call(Method::GET, API, ME).answer().await;
    assert_eq!(reply.parts(), unauthorized());
    for token in ["", "null", "5A6D0A1E000000000000000000000000000000A1"] {
        assert_eq!(
            me(&sandbox, API, token).await.parts(),
            unauthorized(),
            "{token}"
        );
    }
    let call = sandbox.call(Method::GET, API, ME);
    let reply = call
        .header("authorization", &format!("Bearer {ADMIN}"))
        .answer()
        .await;
    let invalid = json!({ "success": false, "error": "Invalid token: access_token is invalid", "errorCode": 401 });
    assert_eq!(reply.parts(), (401, invalid));
    // A token is one company's.
    assert_eq!(
        me(&sandbox, "second.pipedrive.com", SECOND).await.status,
        200
    );
    assert_eq!(
        me(&sandbox, "second.pipedrive.com", FIRST).await.parts(),
        unauthorized()
    );
}

#[tokio::test]
async fn the_user_comes_with_the_company_of_the_token() {
    let sandbox = start().await;
    let reply = me(&sandbox, API, SECOND).await;
    let body = reply.json();
    assert_eq!(
        (reply.status.as_u16(), &body["success"]),
        (200, &json!(true))
    );
    let data = &body["data"];
    assert_eq!(
        keys(data),
        set(&[
            "id",
            "name",
            "default_currency",
            "locale",
            "lang",
            "email",
            "phone",
            "activated",
            "last_login",
            "created",
            "modified",
            "has_created_company",
            "access",
            "active_flag",
            "timezone_name",
            "timezone_offset",
            "role_id",
            "icon_url",
            "is_you",
            "is_deleted",
            "is_admin",
            "company_id",
            "company_name",
            "company_domain",
            "company_country",
            "company_industry",
            "language",
        ])
    );
    assert_eq!(
        (
            &data["id"],
            &data["company_id"],
            &data["company_domain"],
            &data["is_admin"]
        ),
        (&json!(12), &json!(23), &json!("second"), &json!(0))
    );
    let first = me(&sandbox, API, FIRST).await.json();
    assert_eq!(
        (&first["data"]["id"], &first["data"]["company_domain"]),
        (&json!(12), &json!("sample"))
    );
    assert_eq!(me(&sandbox, API, ADMIN).await.json()["data"]["is_admin"], 1);
}

#[tokio::test]
async fn paths_methods_and_hosts_that_do_not_exist() {
    let sandbox = start().await;
    for path in [
        "/",
        "/users/me",
        "/v1/",
        "/v1/users/me/",
        "/v2/users/me",
        "/api/v2/users/me",
        "/oauth/token",
    ] {
        let call = sandbox
            .call(Method::GET, API, path)
            .header("x-api-token", ADMIN);
        assert_eq!(
            call.answer().await.parts(),
            general(404, "Unknown method."),
            "{path}"
        );
    }
    for (method, path, allow) in [(Method::GET, LOGIN, "POST"), (Method::PUT, ME, "GET")] {
        let reply = sandbox.call(method, API, path).answer().await;
        assert_eq!(reply.parts(), general(405, "Method not allowed."));
        assert_eq!(reply.header("allow"), Some(allow));
    }
    let reply = me(&sandbox, "nobody.pipedrive.com", ADMIN).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
    for host in ["pipedrive.com", "a.b.pipedrive.com", "-a.pipedrive.com"] {
        assert_eq!(me(&sandbox, host, ADMIN).await.status, 421, "{host}");
    }
}

#[tokio::test]
async fn the_examples_log_in() {
    let sandbox = start().await;
    let keys = ["pipedrive.email", "pipedrive.password"];
    let given = example("pipedrive.json", "pipedrive", &keys);
    let text = |key: &str| given[key].as_str().expect("a text");
    let reply = login(&sandbox, text(keys[0]), text(keys[1])).await;
    assert_eq!(reply.json()["data"][0]["api_token"], ADMIN);
    let key = "pipedrive.api.token";
    let given = example("pipedrive-api-token.json", "pipedrive", &[key]);
    let reply = me(&sandbox, API, given[key].as_str().expect("a text")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn calls_and_answers_are_as_described() {
    let Some(mut described) = Described::of("pipedrive") else {
        return;
    };
    let sandbox = start().await;
    let (me_call, login_description) = ("GET /users/me", "POST /authorizations");
    for file in [
        "pipedrive-openapi-v1-2026-01.json",
        "pipedrive-openapi-v1-2026-08.json",
    ] {
        let document = described.file(file);
        let reply = me(&sandbox, API, FIRST).await;
        assert_eq!(reply.status, 200);
        described.check(&document, me_call, &["header x-api-token"], &reply);
        let by_query = format!("{ME}?api_token={ADMIN}");
        let reply = sandbox.call(Method::GET, API, &by_query).answer().await;
        described.check(&document, me_call, &["query api_token"], &reply);
        let reply = sandbox.call(Method::GET, API, ME).answer().await;
        described.check(&document, me_call, &[], &reply);
        let reply = login(&sandbox, "sample@sample.com", "password").await;
        described.check(
            &document,
            login_description,
            &["form email", "form password"],
            &reply,
        );
        // What a call costs stands in the description as well.
        let before = daily_left(&me(&sandbox, API, ADMIN).await);
        let spent = before - daily_left(&me(&sandbox, API, ADMIN).await);
        assert_eq!(
            document.operation(me_call).expect("the call")["x-token-cost"],
            json!(spent)
        );
        for (path, body) in [
            (
                "pipedrive/users/12/companies/22",
                json!({ "forbidden": true }),
            ),
            ("pipedrive/companies/22", json!({ "closed": true })),
            (
                "pipedrive/companies/22",
                json!({ "closed": false, "limit_enforced": true, "daily_total": 0 }),
            ),
        ] {
            change(&sandbox, path, body).await;
            let reply = me(&sandbox, API, FIRST).await;
            assert!(reply.status.is_client_error());
            described.check(&document, me_call, &["header x-api-token"], &reply);
        }
        sandbox.control(Method::POST, "reset", Value::Null).await;
    }
    described.finish();
}

pub fn daily_left(reply: &Reply) -> u64 {
    let text = reply
        .header("x-daily-ratelimit-token-remaining")
        .expect("the header");
    text.parse().expect("a number")
}
