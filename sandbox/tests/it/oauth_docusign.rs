//! DocuSign's code grant: PKCE, secrets, codes, the two environments.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, Running, start};
use crate::docusign::{SANDBOX_KEY, USER, invalid_token};
use crate::oauth::{BACK, DOCUSIGN, VERIFIER, bearer, challenge, form, member, tokens};

const FORM: &str = "application/x-www-form-urlencoded";
const GRANT: (&str, &str) = ("grant_type", "authorization_code");

fn invalid_grant() -> (u16, Value) {
    (400, json!({ "error": "invalid_grant" }))
}

fn expired_client_token() -> (u16, Value) {
    let description = "expired_client_token";
    (
        400,
        json!({ "error": "invalid_grant", "error_description": description }),
    )
}

/// A token call of an application that has, or shows, no secret.
async fn public(sandbox: &Running, client_id: &str, pairs: &[(&str, &str)]) -> Reply {
    let mut all = vec![("client_id", client_id)];
    all.extend(pairs);
    DOCUSIGN.token_as(sandbox, None, &all).await
}

#[tokio::test]
async fn the_code_grant_gives_tokens_that_open_the_api() {
    let sandbox = start().await;
    let location = DOCUSIGN
        .decide(
            &sandbox,
            json!({ "url": DOCUSIGN.url(&[("state", "a b&c=d/ü")]) }),
        )
        .await;
    assert!(
        location
            .as_str()
            .starts_with("http://127.0.0.1:9/back?code="),
        "{location}"
    );
    assert_eq!(member(&location, "state").as_deref(), Some("a b&c=d/ü"));
    let code = member(&location, "code").expect("a code");
    let reply = DOCUSIGN.exchange(&sandbox, &code).await;
    let (access, refresh) = tokens(&reply);
    assert_eq!(
        reply.parts(),
        (
            200,
            json!({
                "access_token": access, "token_type": "Bearer", "refresh_token": refresh, "expires_in": 28_800,
            })
        )
    );
    let info = bearer(&sandbox, DOCUSIGN.host, "/oauth/userinfo", &access)
        .await
        .json();
    assert_eq!(
        (&info["sub"], &info["accounts"][0]["base_uri"]),
        (&json!(USER), &json!("https://demo.docusign.net"))
    );
    let account = info["accounts"][0]["account_id"].as_str().expect("a GUID");
    for version in ["v2", "v2.1"] {
        let path = format!("/restapi/{version}/accounts/{account}");
        assert_eq!(
            bearer(&sandbox, "demo.docusign.net", &path, &access)
                .await
                .status,
            200
        );
        let elsewhere = bearer(&sandbox, "www.docusign.net", &path, &access).await;
        assert_eq!(elsewhere.parts(), invalid_token());
    }
    let elsewhere = bearer(&sandbox, "account.docusign.com", "/oauth/userinfo", &access).await;
    assert_eq!(elsewhere.status, 401);
    // A refresh token opens nothing.
    assert!(!DOCUSIGN.opens(&sandbox, &refresh).await);
}

#[tokio::test]
async fn without_state_none_comes_back_and_an_empty_one_does() {
    let sandbox = start().await;
    let location = DOCUSIGN
        .decide(&sandbox, json!({ "url": DOCUSIGN.url(&[]) }))
        .await;
    assert_eq!(member(&location, "state"), None);
    let location = DOCUSIGN
        .decide(&sandbox, json!({ "url": DOCUSIGN.url(&[("state", "")]) }))
        .await;
    assert_eq!(member(&location, "state").as_deref(), Some(""));
}

#[tokio::test]
async fn declining_is_access_denied_with_the_state() {
    let sandbox = start().await;
    let body = json!({ "url": DOCUSIGN.url(&[("state", "s")]), "decision": "deny" });
    let location = DOCUSIGN.decide(&sandbox, body).await;
    assert_eq!(member(&location, "error").as_deref(), Some("access_denied"));
    assert_eq!(member(&location, "state").as_deref(), Some("s"));
    assert!(member(&location, "error_message").is_some() && member(&location, "code").is_none());
    let consents = DOCUSIGN
        .set(&sandbox, Method::GET, "oauth/consents", Value::Null)
        .await;
    assert_eq!(consents, json!([]));
}

#[tokio::test]
async fn a_code_is_good_once_and_for_two_minutes() {
    let sandbox = start().await;
    let code = DOCUSIGN.code(&sandbox, &[]).await;
    let (access, _) = tokens(&DOCUSIGN.exchange(&sandbox, &code).await);
    assert_eq!(
        DOCUSIGN.exchange(&sandbox, &code).await.parts(),
        invalid_grant()
    );
    assert!(DOCUSIGN.opens(&sandbox, &access).await);
    let code = DOCUSIGN.code(&sandbox, &[]).await;
    DOCUSIGN.forward(&sandbox, 119).await;
    tokens(&DOCUSIGN.exchange(&sandbox, &code).await);
    let code = DOCUSIGN.code(&sandbox, &[]).await;
    DOCUSIGN.forward(&sandbox, 120).await;
    assert_eq!(
        DOCUSIGN.exchange(&sandbox, &code).await.parts(),
        expired_client_token()
    );
}

#[tokio::test]
async fn a_wrong_client_or_secret_is_refused() {
    let sandbox = start().await;
    let code = DOCUSIGN.code(&sandbox, &[]).await;
    let pairs = [GRANT, ("code", code.as_str())];
    let id = DOCUSIGN.client_id;
    for (basic, expected) in [
        (Some((id, "wrong")), invalid_grant()),
        (Some((id, "")), invalid_grant()),
        (
            Some(("unknown", DOCUSIGN.secret)),
            (400, json!({ "error": "invalid_client" })),
        ),
        (None, expired_client_token()),
    ] {
        let reply = DOCUSIGN.token_as(&sandbox, basic, &pairs).await;
        assert_eq!(reply.parts(), expected, "{basic:?}");
    }
    // The form is no place for the secret, and without PKCE the id alone is nothing.
    let in_form = [GRANT, ("code", &code), ("client_secret", DOCUSIGN.secret)];
    assert_eq!(
        public(&sandbox, id, &in_form).await.parts(),
        expired_client_token()
    );
    let other = json!({ "client_id": "other", "client_secret": "s", "redirect_uris": [BACK] });
    DOCUSIGN
        .set(&sandbox, Method::POST, "oauth/applications", other)
        .await;
    let reply = DOCUSIGN
        .token_as(&sandbox, Some(("other", "s")), &pairs)
        .await;
    assert_eq!(reply.parts(), invalid_grant());
    // None of this has used the code up.
    tokens(&DOCUSIGN.token(&sandbox, &pairs).await);
    let (_, refresh) = DOCUSIGN.tokens(&sandbox).await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    for basic in [Some(("other", "s")), Some((id, "wrong"))] {
        let reply = DOCUSIGN.token_as(&sandbox, basic, &pairs).await;
        assert_eq!(reply.parts(), invalid_grant());
    }
    // A grant that was made with a secret is not renewed without it.
    assert_eq!(public(&sandbox, id, &pairs).await.parts(), invalid_grant());
    tokens(&DOCUSIGN.token(&sandbox, &pairs).await);
}

#[tokio::test]
async fn a_verifier_must_meet_the_challenge() {
    let sandbox = start().await;
    let hash = challenge(VERIFIER);
    let more = [
        ("code_challenge", hash.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let id = DOCUSIGN.client_id;
    let code = DOCUSIGN.code(&sandbox, &more).await;
    let mut pairs = vec![GRANT, ("code", code.as_str())];
    assert_eq!(
        DOCUSIGN.token(&sandbox, &pairs).await.parts(),
        invalid_grant()
    );
    assert_eq!(public(&sandbox, id, &pairs).await.parts(), invalid_grant());
    for wrong in [hash.as_str(), "wrong"] {
        let pairs = [GRANT, ("code", code.as_str()), ("code_verifier", wrong)];
        assert_eq!(
            DOCUSIGN.token(&sandbox, &pairs).await.parts(),
            invalid_grant()
        );
        assert_eq!(public(&sandbox, id, &pairs).await.parts(), invalid_grant());
    }
    pairs.push(("code_verifier", VERIFIER));
    tokens(&DOCUSIGN.token(&sandbox, &pairs).await);
    // A verifier for a code that has no challenge.
    let code = DOCUSIGN.code(&sandbox, &[]).await;
    let pairs = [GRANT, ("code", code.as_str()), ("code_verifier", VERIFIER)];
    assert_eq!(
        DOCUSIGN.token(&sandbox, &pairs).await.parts(),
        invalid_grant()
    );
    let plain = DOCUSIGN.url(&[
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ]);
    let location = DOCUSIGN.decide(&sandbox, json!({ "url": plain })).await;
    assert_eq!(
        member(&location, "error").as_deref(),
        Some("invalid_request")
    );
}

#[tokio::test]
async fn an_application_without_secret_lives_by_pkce_alone() {
    let sandbox = start().await;
    let hash = challenge(VERIFIER);
    let url = DOCUSIGN.url(&[
        ("code_challenge", hash.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    let url = url.replace(DOCUSIGN.client_id, SANDBOX_KEY);
    let location = DOCUSIGN.decide(&sandbox, json!({ "url": url })).await;
    let code = member(&location, "code").expect("a code");
    let pairs = [GRANT, ("code", code.as_str()), ("code_verifier", VERIFIER)];
    let (access, refresh) = tokens(&public(&sandbox, SANDBOX_KEY, &pairs).await);
    assert!(DOCUSIGN.opens(&sandbox, &access).await);
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    tokens(&public(&sandbox, SANDBOX_KEY, &pairs).await);
    // An empty secret is not its secret.
    let reply = DOCUSIGN
        .token_as(&sandbox, Some((SANDBOX_KEY, "")), &pairs)
        .await;
    assert_eq!(reply.parts(), invalid_grant());
}

#[tokio::test]
async fn the_environments_share_nothing() {
    let sandbox = start().await;
    let production = |text: String| text.replace("account-d.", "account.");
    let exchange = |host: &'static str, code: String| {
        let call = sandbox.call(Method::POST, host, "/oauth/token");
        let call = call.basic(DOCUSIGN.client_id, DOCUSIGN.secret);
        call.body(FORM, &form(&[GRANT, ("code", code.as_str())]))
            .answer()
    };
    let code = DOCUSIGN.code(&sandbox, &[]).await;
    assert_eq!(
        exchange("account.docusign.com", code).await.parts(),
        invalid_grant()
    );
    let url = production(DOCUSIGN.url(&[]));
    let location = DOCUSIGN.decide(&sandbox, json!({ "url": url })).await;
    let code = member(&location, "code").expect("a code");
    assert_eq!(
        exchange("account-d.docusign.com", code.clone())
            .await
            .parts(),
        invalid_grant()
    );
    let (access, refresh) = tokens(&exchange("account.docusign.com", code).await);
    assert_eq!(
        DOCUSIGN.refresh(&sandbox, &refresh).await.parts(),
        invalid_grant()
    );
    assert!(!DOCUSIGN.opens(&sandbox, &access).await);
    let info = bearer(&sandbox, "account.docusign.com", "/oauth/userinfo", &access)
        .await
        .json();
    assert_eq!(info["accounts"][1]["base_uri"], "https://na2.docusign.net");
    let account = bearer(
        &sandbox,
        "na2.docusign.net",
        "/restapi/v2.1/accounts/2200001",
        &access,
    )
    .await;
    assert_eq!(account.status, 200);
    // A key that was not promoted is unknown in production.
    let url = production(DOCUSIGN.url(&[])).replace(DOCUSIGN.client_id, SANDBOX_KEY);
    let reply = DOCUSIGN
        .control(
            &sandbox,
            Method::POST,
            "oauth/decide",
            json!({ "url": url }),
        )
        .await;
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[tokio::test]
async fn only_with_the_scope_extended_a_refresh_token_rolls() {
    let sandbox = start().await;
    let url = DOCUSIGN.url(&[]).replace("signature+extended", "signature");
    let location = DOCUSIGN.decide(&sandbox, json!({ "url": url })).await;
    let code = member(&location, "code").expect("a code");
    let (_, refresh) = tokens(&DOCUSIGN.exchange(&sandbox, &code).await);
    DOCUSIGN.forward(&sandbox, 29 * 86_400).await;
    let (_, refresh) = tokens(&DOCUSIGN.refresh(&sandbox, &refresh).await);
    DOCUSIGN.forward(&sandbox, 86_400).await;
    assert_eq!(
        DOCUSIGN.refresh(&sandbox, &refresh).await.parts(),
        invalid_grant()
    );
}

#[tokio::test]
async fn other_bodies_and_grants_are_refused() {
    let sandbox = start().await;
    let call = || {
        let call = sandbox.call(Method::POST, DOCUSIGN.host, "/oauth/token");
        call.basic(DOCUSIGN.client_id, DOCUSIGN.secret)
    };
    let body = json!({ "grant_type": "authorization_code", "code": "x" });
    assert_eq!(call().json(&body).answer().await.parts(), invalid_grant());
    for (body, error) in [
        ("", "invalid_request"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
    ] {
        let reply = call().body(FORM, body).answer().await;
        assert_eq!(reply.parts(), (400, json!({ "error": error })), "{body}");
    }
    let calls = DOCUSIGN.calls(&sandbox).await;
    assert_eq!(calls["token_calls"], 7);
    assert_eq!(calls["spends"][0]["outcome"], "unknown");
    for (method, path) in [
        (Method::GET, "/oauth/token"),
        (Method::POST, "/oauth/revoke"),
        (Method::PUT, "/oauth/auth"),
    ] {
        let reply = sandbox.call(method, DOCUSIGN.host, path).answer().await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.len()),
            (404, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn with_the_user_the_grants_end() {
    let sandbox = start().await;
    let (access, refresh) = DOCUSIGN.tokens(&sandbox).await;
    let path = format!("docusign/users/{USER}");
    sandbox.control(Method::DELETE, &path, Value::Null).await;
    assert!(!DOCUSIGN.opens(&sandbox, &access).await);
    assert_eq!(
        DOCUSIGN.refresh(&sandbox, &refresh).await.parts(),
        invalid_grant()
    );
}
