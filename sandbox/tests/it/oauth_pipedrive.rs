//! Pipedrive's OAuth: installs, the token endpoint's refusals, bearer tokens at the API, and revocation.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, Running, start};
use crate::described::Described;
use crate::oauth::{BACK, PIPEDRIVE, bearer, form, member, tokens};
use crate::pipedrive::{ADMIN, API, change, general};

const FORM: &str = "application/x-www-form-urlencoded";
const ME: &str = "/api/v1/users/me";

fn refused(error: &str, message: &str) -> (u16, Value) {
    (
        400,
        json!({ "success": false, "message": message, "error": error }),
    )
}

fn invalid_token() -> (u16, Value) {
    let error = "Invalid token: access_token is invalid";
    (
        401,
        json!({ "success": false, "error": error, "errorCode": 401 }),
    )
}

async fn install(sandbox: &Running, user: &str, company: &str) -> (String, String) {
    let body = json!({ "url": PIPEDRIVE.url(&[]), "user": user, "company": company });
    let location = PIPEDRIVE.decide(sandbox, body).await;
    let code = member(&location, "code").expect("a code");
    tokens(&PIPEDRIVE.exchange(sandbox, &code).await)
}

async fn revoke(sandbox: &Running, secret: &str, token: &str, hint: &str) -> Reply {
    let call = sandbox.call(Method::POST, PIPEDRIVE.host, "/oauth/revoke");
    let call = call.basic(PIPEDRIVE.client_id, secret);
    let body = form(&[("token", token), ("token_type_hint", hint)]);
    call.body(FORM, &body).answer().await
}

#[tokio::test]
async fn an_install_is_a_users_in_a_company() {
    let sandbox = start().await;
    let body = json!({ "url": PIPEDRIVE.url(&[("state", "x y")]), "user": 12, "company": 23 });
    let location = PIPEDRIVE.decide(&sandbox, body).await;
    assert_eq!(member(&location, "state").as_deref(), Some("x y"));
    let code = member(&location, "code").expect("a code");
    let reply = PIPEDRIVE.exchange(&sandbox, &code).await;
    let (access, refresh) = tokens(&reply);
    assert_eq!(
        reply.parts(),
        (
            200,
            json!({
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": 3600,
                "refresh_token": refresh,
                "scope": "base,deals:full,contacts:full,activities:full,users:read",
                "api_domain": "https://second.pipedrive.com",
            })
        )
    );
    assert!(access.starts_with("v1u:") && access.len() > 400 && refresh.starts_with("12:23:"));
    for (host, path) in [
        ("second.pipedrive.com", ME),
        ("second.pipedrive.com", "/v1/users/me"),
        (API, ME),
    ] {
        let body = bearer(&sandbox, host, path, &access).await.json();
        assert_eq!(
            (&body["data"]["id"], &body["data"]["company_id"]),
            (&json!(12), &json!(23)),
            "{host}{path}"
        );
    }
    let elsewhere = bearer(&sandbox, "sample.pipedrive.com", ME, &access).await;
    assert_eq!(elsewhere.parts(), invalid_token());
    let (other, _) = install(&sandbox, "several@sample.com", "sample").await;
    assert_eq!(
        bearer(&sandbox, "sample.pipedrive.com", ME, &other)
            .await
            .status,
        200
    );
    assert_eq!(
        bearer(&sandbox, API, ME, &refresh).await.parts(),
        invalid_token()
    );
}

#[tokio::test]
async fn declining_says_so_with_the_state() {
    let sandbox = start().await;
    let body = json!({ "url": PIPEDRIVE.url(&[("state", "s")]), "decision": "deny" });
    let location = PIPEDRIVE.decide(&sandbox, body.clone()).await;
    assert_eq!(
        location.as_str(),
        format!("{BACK}?error=user_denied&state=s")
    );
    let habit = json!({ "denied_error": "access_denied" });
    PIPEDRIVE.set(&sandbox, Method::PUT, "habits", habit).await;
    let location = PIPEDRIVE.decide(&sandbox, body).await;
    assert_eq!(member(&location, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn refusals_of_the_token_endpoint() {
    let sandbox = start().await;
    let code = PIPEDRIVE.code(&sandbox, &[]).await;
    let grant = ("grant_type", "authorization_code");
    let code = ("code", code.as_str());
    let back = ("redirect_uri", BACK);
    let (id, secret) = (PIPEDRIVE.client_id, PIPEDRIVE.secret);
    let right = Some((id, secret));
    let invalid_code = refused(
        "invalid_grant",
        "invalid grant: authorization_code is invalid",
    );
    let no_uri = refused(
        "invalid_request",
        "invalid request: redirect_uri is not a valid URI",
    );
    let other_uri = refused(
        "invalid_request",
        "invalid request: redirect_uri is invalid",
    );
    let no_client = refused(
        "invalid_client",
        "invalid client: cannot retrieve client credentials",
    );
    let invalid_client = refused("invalid_client", "invalid client: client is invalid");
    let in_form = [grant, code, back, ("client_id", id)];
    for (basic, pairs, expected) in [
        (
            right,
            &[code, back][..],
            refused("invalid_request", "missing parameter grant_type"),
        ),
        (
            right,
            &[("grant_type", "password")],
            refused("unsupported_grant_type", "unsupported grant type"),
        ),
        (None, &[grant, code, back], no_client.clone()),
        (None, &in_form, no_client),
        (
            Some((id, "wrong")),
            &[grant, code, back],
            invalid_client.clone(),
        ),
        (
            Some(("unknown", secret)),
            &[grant, code, back],
            invalid_client,
        ),
        (right, &[grant, code], no_uri.clone()),
        (right, &[grant, code, ("redirect_uri", "back")], no_uri),
        (
            right,
            &[grant, code, ("redirect_uri", "http://127.0.0.1:9/Back")],
            other_uri,
        ),
        (
            right,
            &[grant, ("code", "unknown"), back],
            invalid_code.clone(),
        ),
        (right, &[grant, back], invalid_code.clone()),
        (
            right,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", "unknown"),
            ],
            refused("invalid_grant", "invalid grant: refresh_token is invalid"),
        ),
    ] {
        let reply = PIPEDRIVE.token_as(&sandbox, basic, pairs).await;
        assert_eq!(reply.parts(), expected, "{basic:?} {pairs:?}");
    }
    let call = sandbox.call(Method::POST, PIPEDRIVE.host, "/oauth/token");
    let reply = call
        .json(&json!({ "grant_type": "authorization_code" }))
        .answer()
        .await;
    assert_eq!(
        reply.parts(),
        refused(
            "invalid_request",
            "invalid request: content must be form-urlencoded"
        )
    );
    // The code is still good, with the secret in the form too, and then it is not.
    let pairs = [
        grant,
        code,
        back,
        ("client_id", id),
        ("client_secret", secret),
    ];
    tokens(&PIPEDRIVE.token_as(&sandbox, None, &pairs).await);
    assert_eq!(
        PIPEDRIVE
            .token(&sandbox, &[grant, code, back])
            .await
            .parts(),
        invalid_code
    );
    let code = PIPEDRIVE.code(&sandbox, &[]).await;
    PIPEDRIVE.forward(&sandbox, 300).await;
    let expired = refused(
        "invalid_grant",
        "invalid grant: authorization_code has expired",
    );
    assert_eq!(PIPEDRIVE.exchange(&sandbox, &code).await.parts(), expired);
    let reply = sandbox
        .call(Method::GET, PIPEDRIVE.host, "/oauth/token")
        .answer()
        .await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn revoking_the_refresh_token_takes_the_install_away() {
    let sandbox = start().await;
    let secret = PIPEDRIVE.secret;
    let (access, refresh) = PIPEDRIVE.tokens(&sandbox).await;
    let (other, other_refresh) = install(&sandbox, "several@sample.com", "sample").await;
    assert_eq!(
        revoke(&sandbox, "wrong", &refresh, "refresh_token")
            .await
            .status,
        400
    );
    assert_eq!(
        revoke(&sandbox, secret, "unknown", "refresh_token")
            .await
            .status,
        200
    );
    assert!(PIPEDRIVE.opens(&sandbox, &access).await);
    assert_eq!(
        revoke(&sandbox, secret, &access, "access_token")
            .await
            .status,
        200
    );
    assert!(!PIPEDRIVE.opens(&sandbox, &access).await);
    let (newer, _) = tokens(&PIPEDRIVE.refresh(&sandbox, &refresh).await);
    assert_eq!(
        revoke(&sandbox, secret, &refresh, "refresh_token")
            .await
            .status,
        200
    );
    assert!(!PIPEDRIVE.opens(&sandbox, &newer).await);
    let dead = (400, (PIPEDRIVE.dead)());
    assert_eq!(PIPEDRIVE.refresh(&sandbox, &refresh).await.parts(), dead);
    assert_eq!(
        revoke(&sandbox, secret, &refresh, "refresh_token")
            .await
            .status,
        200
    );
    assert!(PIPEDRIVE.opens(&sandbox, &other).await);
    tokens(&PIPEDRIVE.refresh(&sandbox, &other_refresh).await);
}

#[tokio::test]
async fn an_api_token_is_swapped_once() {
    let sandbox = start().await;
    let pairs = [("grant_type", "exchange_api_token"), ("api_token", ADMIN)];
    let (access, refresh) = tokens(&PIPEDRIVE.token(&sandbox, &pairs).await);
    let body = bearer(&sandbox, API, ME, &access).await.json();
    assert_eq!(
        (&body["data"]["id"], &body["data"]["company_id"]),
        (&json!(11), &json!(22))
    );
    tokens(&PIPEDRIVE.refresh(&sandbox, &refresh).await);
    let expected = refused("invalid_grant", "invalid grant: api_token is invalid");
    assert_eq!(PIPEDRIVE.token(&sandbox, &pairs).await.parts(), expected);
    let unknown = [
        ("grant_type", "exchange_api_token"),
        ("api_token", "unknown"),
    ];
    assert_eq!(PIPEDRIVE.token(&sandbox, &unknown).await.parts(), expected);
}

#[tokio::test]
async fn bearer_tokens_have_scopes_and_an_allowance_of_their_own() {
    let sandbox = start().await;
    let (access, _) = PIPEDRIVE.tokens(&sandbox).await;
    for value in ["Basic abc", "Bearer", "nonsense"] {
        let call = sandbox
            .call(Method::GET, API, ME)
            .header("authorization", value);
        let expected = general(400, "The authorization header is malformed.");
        assert_eq!(call.answer().await.parts(), expected, "{value}");
    }
    let limited = json!({ "plan": "lite", "limit_enforced": true });
    change(&sandbox, "pipedrive/companies/22", limited).await;
    let reply = bearer(&sandbox, API, ME, &access).await;
    assert_eq!(
        (
            reply.header("x-ratelimit-limit"),
            reply.header("x-ratelimit-remaining")
        ),
        (Some("80"), Some("79"))
    );
    change(
        &sandbox,
        "pipedrive/companies/22",
        json!({ "burst_total": 0 }),
    )
    .await;
    let reply = bearer(&sandbox, API, ME, &access).await;
    let over = json!({ "success": false, "error": "Request over limit", "errorCode": 429 });
    assert_eq!(reply.parts(), (429, over));
    change(
        &sandbox,
        "pipedrive/companies/22",
        json!({ "limit_enforced": false }),
    )
    .await;

    let path = format!("oauth/applications/{}", PIPEDRIVE.client_id);
    let scopes = json!({ "scopes": ["deals:full"] });
    PIPEDRIVE.set(&sandbox, Method::PATCH, &path, scopes).await;
    let (narrow, _) = PIPEDRIVE.tokens(&sandbox).await;
    let mismatch = json!({ "success": false, "error": "Scope and URL mismatch" });
    assert_eq!(
        bearer(&sandbox, API, ME, &narrow).await.parts(),
        (403, mismatch)
    );
    assert_eq!(bearer(&sandbox, API, ME, &access).await.status, 200);
}

#[tokio::test]
async fn who_leaves_a_company_takes_the_installs_along() {
    let sandbox = start().await;
    let dead = (400, (PIPEDRIVE.dead)());
    let (access, refresh) = install(&sandbox, "12", "22").await;
    let path = "pipedrive/users/12/companies/22";
    change(&sandbox, path, json!({ "deactivated": true })).await;
    assert_eq!(
        bearer(&sandbox, API, ME, &access).await.parts(),
        invalid_token()
    );
    assert_eq!(PIPEDRIVE.refresh(&sandbox, &refresh).await.parts(), dead);
    change(&sandbox, path, json!({ "deactivated": false })).await;
    assert_eq!(bearer(&sandbox, API, ME, &access).await.status, 200);
    sandbox.control(Method::DELETE, path, Value::Null).await;
    assert_eq!(
        bearer(&sandbox, API, ME, &access).await.parts(),
        invalid_token()
    );
    assert_eq!(PIPEDRIVE.refresh(&sandbox, &refresh).await.parts(), dead);
    let (access, _) = install(&sandbox, "12", "23").await;
    sandbox
        .control(Method::DELETE, "pipedrive/companies/23", Value::Null)
        .await;
    assert_eq!(
        bearer(&sandbox, API, ME, &access).await.parts(),
        invalid_token()
    );
}

#[tokio::test]
async fn calls_and_answers_are_as_described() {
    let Some(mut described) = Described::of("pipedrive oauth") else {
        return;
    };
    let sandbox = start().await;
    for file in [
        "pipedrive-openapi-v1-2026-01.json",
        "pipedrive-openapi-v1-2026-08.json",
    ] {
        let document = described.file(file);
        let url = PIPEDRIVE.url(&[("state", "s")]);
        let path = url
            .strip_prefix("https://oauth.pipedrive.com")
            .expect("the host");
        let page = sandbox
            .call(Method::GET, PIPEDRIVE.host, path)
            .answer()
            .await;
        let asked = ["query client_id", "query redirect_uri", "query state"];
        described.check(&document, "GET /oauth/authorize", &asked, &page);
        let basic = "header Authorization";
        let code = PIPEDRIVE.code(&sandbox, &[]).await;
        let reply = PIPEDRIVE.exchange(&sandbox, &code).await;
        let (_, refresh) = tokens(&reply);
        let sent = [basic, "form grant_type", "form code", "form redirect_uri"];
        described.check(&document, "POST /oauth/token", &sent, &reply);
        let used = PIPEDRIVE.exchange(&sandbox, &code).await;
        described.check(&document, "POST /oauth/token", &sent, &used);
        let call = sandbox.call(Method::POST, PIPEDRIVE.host, "/oauth/token/");
        let call = call.basic(PIPEDRIVE.client_id, PIPEDRIVE.secret);
        let body = form(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
        let reply = call.body(FORM, &body).answer().await;
        let sent = [basic, "form grant_type", "form refresh_token"];
        described.check(&document, "POST /oauth/token/", &sent, &reply);
        let (access, refresh) = tokens(&reply);
        let reply = bearer(&sandbox, API, ME, &access).await;
        described.check(&document, "GET /users/me", &[], &reply);
        let reply = bearer(&sandbox, API, ME, "unknown").await;
        described.check(&document, "GET /users/me", &[], &reply);
        let in_form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &refresh),
            ("client_id", PIPEDRIVE.client_id),
            ("client_secret", PIPEDRIVE.secret),
        ];
        let reply = PIPEDRIVE.token_as(&sandbox, None, &in_form).await;
        let sent = [
            "form grant_type",
            "form refresh_token",
            "form client_id",
            "form client_secret",
        ];
        described.check(&document, "POST /oauth/token/", &sent, &reply);
        let reply = revoke(&sandbox, PIPEDRIVE.secret, &refresh, "refresh_token").await;
        let sent = [basic, "form token", "form token_type_hint"];
        described.check(&document, "POST /oauth/revoke", &sent, &reply);
        let swap = [("grant_type", "exchange_api_token"), ("api_token", ADMIN)];
        let reply = PIPEDRIVE.token(&sandbox, &swap).await;
        let sent = [basic, "form grant_type", "form api_token"];
        described.check(&document, "POST /oauth/token", &sent, &reply);
        sandbox.control(Method::POST, "reset", Value::Null).await;
    }
    described.finish();
}
