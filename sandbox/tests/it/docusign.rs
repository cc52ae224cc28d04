//! DocuSign: the legacy log-ins, tokens, the choice of accounts and sites, the cheap reads.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Call, Reply, Running, example, start};

pub const DEMO: &str = "demo.docusign.net";
pub const KEY: &str = "5a6d0a1e-0000-4000-8000-00000000d0c5";
pub const SANDBOX_KEY: &str = "5a6d0a1e-0000-4000-8000-0000000000de";
pub const USER: &str = "5a6d0a1e-0000-4000-9000-000000000001";
pub const LOGIN: &str = "/restapi/v2/login_information";
pub const ACCOUNT: &str = "/restapi/v2/accounts/998083";
const TOKEN: &str = "/restapi/v2/oauth2/token";
const REVOKE: &str = "/restapi/v2/oauth2/revoke";
const FORM: &str = "application/x-www-form-urlencoded";

pub fn credentials(user: &str, password: &str, key: &str) -> String {
    json!({ "Username": user, "Password": password, "IntegratorKey": key }).to_string()
}

/// A call with the legacy header of the seeded user.
pub fn legacy(sandbox: &Running, host: &str, path: &str) -> Call {
    let value = credentials("sample@sample.com", "password", KEY);
    let call = sandbox.call(Method::GET, host, path);
    call.header("x-docusign-authentication", &value)
}

pub async fn with_header(sandbox: &Running, host: &str, value: &str) -> Reply {
    let call = sandbox.call(Method::GET, host, LOGIN);
    let call = call.header("X-DocuSign-Authentication", value);
    call.answer().await
}

pub async fn grant(sandbox: &Running, host: &str, password: &str, key: &str) -> Reply {
    let form = format!(
        "grant_type=password&client_id={key}&username=sample%40sample.com&password={password}&scope=api"
    );
    let call = sandbox.call(Method::POST, host, TOKEN);
    call.body(FORM, &form).answer().await
}

pub async fn new_token(sandbox: &Running, host: &str) -> String {
    let reply = grant(sandbox, host, "password", KEY).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    body["access_token"].as_str().expect("a token").to_owned()
}

pub async fn with_token(sandbox: &Running, host: &str, path: &str, token: &str) -> Reply {
    let call = sandbox.call(Method::GET, host, path);
    let call = call.header("authorization", &format!("bearer {token}"));
    call.answer().await
}

pub async fn revoke(sandbox: &Running, host: &str, token: &str) -> Reply {
    let escaped: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let call = sandbox.call(Method::POST, host, REVOKE);
    call.body(FORM, &format!("token={escaped}")).answer().await
}

pub fn refused(code: &str, message: &str) -> (u16, Value) {
    (401, json!({ "errorCode": code, "message": message }))
}

pub fn no_key() -> (u16, Value) {
    refused(
        "PARTNER_AUTHENTICATION_FAILED",
        "The specified Integrator Key was not found or is disabled. An Integrator key was not specified.",
    )
}

pub fn unknown_key() -> (u16, Value) {
    refused(
        "PARTNER_AUTHENTICATION_FAILED",
        "The specified Integrator Key was not found or is disabled.",
    )
}

pub fn wrong_password() -> (u16, Value) {
    refused(
        "USER_AUTHENTICATION_FAILED",
        "One or both of Username and Password are invalid.",
    )
}

pub fn invalid_token() -> (u16, Value) {
    refused(
        "AUTHORIZATION_INVALID_TOKEN",
        "The access token provided is expired, revoked or malformed.",
    )
}

fn token_error(error: &str, description: &str) -> (u16, Value) {
    (
        400,
        json!({ "error": error, "error_description": description }),
    )
}

#[tokio::test]
async fn login_information_lists_the_accounts_with_their_hosts() {
    let sandbox = start().await;
    let reply = legacy(&sandbox, DEMO, LOGIN).answer().await;
    assert_eq!(
        reply.parts(),
        (
            200,
            json!({ "loginAccounts": [
                {
                    "accountId": "998083",
                    "baseUrl": "https://demo.docusign.net/restapi/v2/accounts/998083",
                    "email": "sample@sample.com",
                    "isDefault": "true",
                    "name": "Sample",
                    "siteDescription": "",
                    "userId": USER,
                    "userName": "Sample User",
                },
                {
                    "accountId": "998084",
                    "baseUrl": "https://demo.docusign.net/restapi/v2/accounts/998084",
                    "email": "sample@sample.com",
                    "isDefault": "false",
                    "name": "Sample Second",
                    "siteDescription": "",
                    "userId": USER,
                    "userName": "Sample User",
                },
            ] })
        )
    );
    // Production is another world, and its entry host hands out the account's own.
    let reply = legacy(&sandbox, "www.docusign.net", LOGIN).answer().await;
    let accounts = reply.json()["loginAccounts"].clone();
    assert_eq!(
        (&accounts[0]["baseUrl"], &accounts[1]["baseUrl"]),
        (
            &json!("https://www.docusign.net/restapi/v2/accounts/1100001"),
            &json!("https://na2.docusign.net/restapi/v2/accounts/2200001")
        )
    );
    assert_eq!(accounts[1]["isDefault"], "true");
    assert_ne!(accounts[0]["userId"], USER);
}

#[tokio::test]
async fn login_information_gives_more_only_when_asked() {
    let sandbox = start().await;
    let path = format!("{LOGIN}?include_account_id_guid=true&login_settings=all&api_password=true");
    let body = legacy(&sandbox, DEMO, &path).answer().await.json();
    let account = &body["loginAccounts"][0];
    assert_eq!(
        account["accountIdGuid"],
        "5a6d0a1e-0000-4000-a000-000000998083"
    );
    assert_eq!(account["loginUserSettings"][0]["name"], "canSendEnvelope");
    assert_eq!(account["loginAccountSettings"], json!([]));
    let api_password = body["apiPassword"].as_str().expect("a text");
    let value = credentials("sample@sample.com", api_password, KEY);
    assert_eq!(with_header(&sandbox, DEMO, &value).await.status, 200);
    let path = format!("{LOGIN}?include_account_id_guid=false&login_settings=none");
    let body = legacy(&sandbox, DEMO, &path).answer().await.json();
    assert!(body.get("apiPassword").is_none());
    assert_eq!(
        body["loginAccounts"][0].as_object().map(|map| map.len()),
        Some(8)
    );
}

#[tokio::test]
async fn the_header_is_json_or_xml_and_names_the_user_by_address_or_guid() {
    let sandbox = start().await;
    let xml = format!(
        "<DocuSignCredentials><Username>sample@sample.com</Username><Password>password</Password><IntegratorKey>{KEY}</IntegratorKey></DocuSignCredentials>"
    );
    for value in [
        credentials("Sample@Sample.com", "password", KEY),
        credentials(USER, "password", KEY),
        xml,
    ] {
        let reply = with_header(&sandbox, DEMO, &value).await;
        assert_eq!(reply.status, 200, "{value}: {reply:?}");
    }
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_401() {
    let sandbox = start().await;
    let none = sandbox.call(Method::GET, DEMO, LOGIN).answer().await;
    assert_eq!(none.parts(), no_key());
    let header = |user, password, key| credentials(user, password, key);
    for (value, expected) in [
        (header("sample@sample.com", "password", ""), no_key()),
        (String::from("sample@sample.com:password"), no_key()),
        (
            header("sample@sample.com", "password", "unknown"),
            unknown_key(),
        ),
        (
            header("sample@sample.com", "Password", KEY),
            wrong_password(),
        ),
        (header("sample@sample.com", "", KEY), wrong_password()),
        (
            header("nobody@sample.com", "password", KEY),
            wrong_password(),
        ),
    ] {
        assert_eq!(
            with_header(&sandbox, DEMO, &value).await.parts(),
            expected,
            "{value}"
        );
    }
    // A key that was not promoted is unknown in production.
    let value = header("sample@sample.com", "password", SANDBOX_KEY);
    assert_eq!(with_header(&sandbox, DEMO, &value).await.status, 200);
    assert_eq!(
        with_header(&sandbox, "www.docusign.net", &value)
            .await
            .parts(),
        unknown_key()
    );
    for value in ["Basic abc", "bearer", "Bearer nonsense"] {
        let call = legacy(&sandbox, DEMO, LOGIN).header("authorization", value);
        assert_eq!(call.answer().await.parts(), invalid_token(), "{value}");
    }
}

#[tokio::test]
async fn the_password_grant_gives_a_token_and_nothing_else() {
    let sandbox = start().await;
    let reply = grant(&sandbox, DEMO, "password", KEY).await;
    let body = reply.json();
    let token = body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(
        reply.parts(),
        (
            200,
            json!({ "access_token": token, "scope": "api", "token_type": "bearer" })
        )
    );
    for path in [LOGIN, ACCOUNT, "/restapi/v2.1/accounts/998083"] {
        assert_eq!(
            with_token(&sandbox, DEMO, path, &token).await.status,
            200,
            "{path}"
        );
    }
    // The developer sandbox and production do not know each other's tokens.
    let elsewhere = with_token(&sandbox, "www.docusign.net", LOGIN, &token).await;
    assert_eq!(elsewhere.parts(), invalid_token());
    let production = new_token(&sandbox, "na2.docusign.net").await;
    assert_ne!(production, token);
    assert_eq!(
        with_token(&sandbox, "www.docusign.net", LOGIN, &production)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn refused_grants_have_the_oauth_shape() {
    let sandbox = start().await;
    let unknown = "The specified Integrator Key was not found or is disabled.";
    let wrong = "One or both of Username and Password are invalid.";
    assert_eq!(
        grant(&sandbox, DEMO, "wrong", KEY).await.parts(),
        token_error("user_authentication_failed", wrong)
    );
    assert_eq!(
        grant(&sandbox, DEMO, "password", "unknown").await.parts(),
        token_error("partner_authentication_failed", unknown)
    );
    assert_eq!(
        grant(&sandbox, "www.docusign.net", "password", SANDBOX_KEY)
            .await
            .parts(),
        token_error("partner_authentication_failed", unknown)
    );
    let send = |content_type: &'static str, body: &'static str| {
        let call = sandbox.call(Method::POST, DEMO, TOKEN);
        call.body(content_type, body)
    };
    let unreadable = token_error("invalid_request", "An OAuth2 error occurred:");
    for path in [TOKEN, REVOKE] {
        let call = sandbox.call(Method::POST, DEMO, path);
        let reply = call
            .json(&json!({ "grant_type": "password" }))
            .answer()
            .await;
        assert_eq!(reply.parts(), unreadable, "{path}");
    }
    assert_eq!(
        sandbox
            .call(Method::POST, DEMO, TOKEN)
            .answer()
            .await
            .parts(),
        unreadable
    );
    for (body, error) in [
        ("", "invalid_request"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=password&scope=signature", "invalid_scope"),
        (
            "grant_type=password&username=sample%40sample.com&password=password",
            "partner_authentication_failed",
        ),
    ] {
        let reply = send("application/x-www-form-urlencoded; charset=utf-8", body)
            .answer()
            .await;
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(reply.json()["error"], error, "{body}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_cannot_be_revoked_again() {
    let sandbox = start().await;
    let token = new_token(&sandbox, DEMO).await;
    let other = new_token(&sandbox, DEMO).await;
    let invalid = token_error("invalid_token", "The presented token is invalid.");
    assert_eq!(revoke(&sandbox, DEMO, "nonsense").await.parts(), invalid);
    assert_eq!(
        revoke(&sandbox, "www.docusign.net", &token).await.parts(),
        invalid
    );
    let reply = revoke(&sandbox, DEMO, &token).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 0));
    assert_eq!(
        with_token(&sandbox, DEMO, ACCOUNT, &token).await.parts(),
        invalid_token()
    );
    assert_eq!(revoke(&sandbox, DEMO, &token).await.parts(), invalid);
    assert_eq!(
        with_token(&sandbox, DEMO, ACCOUNT, &other).await.status,
        200
    );
}

#[tokio::test]
async fn an_account_goes_by_number_or_guid_on_its_own_site_only() {
    let sandbox = start().await;
    let demo = new_token(&sandbox, DEMO).await;
    for id in ["998083", "5A6D0A1E-0000-4000-a000-000000998083"] {
        for version in ["v2", "v2.1"] {
            let path = format!("/restapi/{version}/accounts/{id}");
            let body = with_token(&sandbox, DEMO, &path, &demo).await.json();
            assert_eq!(body["externalAccountId"], "998083", "{path}");
            assert_eq!(body["accountName"], "Sample");
            let members = body.as_object().expect("an object");
            assert!(members.values().all(Value::is_string), "{body}");
        }
    }
    let production = new_token(&sandbox, "www.docusign.net").await;
    let path = "/restapi/v2/accounts/2200001";
    assert_eq!(
        with_token(&sandbox, "na2.docusign.net", path, &production)
            .await
            .status,
        200
    );
    for (host, path, token) in [
        ("www.docusign.net", path, &production),
        ("na2.docusign.net", ACCOUNT, &production),
        (DEMO, path, &demo),
        (DEMO, "/restapi/v2/accounts/1", &demo),
        (DEMO, "/restapi/v2.1/accounts/abc", &demo),
    ] {
        let reply = with_token(&sandbox, host, path, token).await;
        assert_eq!(reply.status, 400, "{host} {path}");
        assert_eq!(
            reply.json()["errorCode"],
            "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"
        );
    }
}

#[tokio::test]
async fn paths_and_methods_come_before_the_log_in() {
    let sandbox = start().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/restapi/v2/nothing"),
        (Method::GET, "/restapi/v2.1/login_information"),
        (Method::GET, "/v2/login_information"),
        (Method::POST, LOGIN),
        (Method::GET, TOKEN),
        (Method::DELETE, ACCOUNT),
        (Method::GET, "/oauth/userinfo"),
    ] {
        let reply = sandbox.call(method.clone(), DEMO, path).answer().await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.len()),
            (404, 0),
            "{method} {path}"
        );
    }
    let account = sandbox.call(Method::GET, DEMO, ACCOUNT).answer().await;
    assert_eq!(account.parts(), no_key());
}

#[tokio::test]
async fn the_example_logs_in() {
    let sandbox = start().await;
    let keys = [
        "username",
        "password",
        "oauth.api.key",
        "docusign.environment",
    ];
    let given = example("docusign.json", "docusign", &keys);
    let text = |key: &str| given[key].as_str().expect("a text");
    let host = format!("{}.docusign.net", text("docusign.environment"));
    let (user, password, key) = (text("username"), text("password"), text("oauth.api.key"));
    let reply = with_header(&sandbox, &host, &credentials(user, password, key)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let account = &reply.json()["loginAccounts"][0];
    assert_eq!(
        account["baseUrl"],
        "https://demo.docusign.net/restapi/v2/accounts/998083"
    );
}
