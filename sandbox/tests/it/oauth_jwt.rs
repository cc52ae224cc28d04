//! DocuSign's JWT grant: consent, signature, claims and clocks.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::client::{Reply, Running, start};
use crate::docusign::{SANDBOX_KEY, USER};
use crate::oauth::{DOCUSIGN, bearer};

const KEY: &str = include_str!("../../keys/docusign-jwt.pem");
const PUBLIC: &str = include_str!("../../keys/docusign-jwt.pub.pem");

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// An assertion with the header and signature that a client would make.
fn signed(claims: &Value) -> String {
    let body: Vec<&str> = KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body.concat()).expect("PEM");
    let key = RsaKeyPair::from_pkcs8(&der).expect("an RSA key");
    let text = format!(
        "{}.{}",
        encode(&json!({ "alg": "RS256", "typ": "JWT" })),
        encode(claims)
    );
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// By the true time.
fn claims() -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({
        "iss": DOCUSIGN.client_id, "sub": USER, "aud": DOCUSIGN.host,
        "iat": now, "exp": now + 3600, "scope": "signature impersonation",
    })
}

async fn send(sandbox: &Running, assertion: &str) -> Reply {
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let pairs = [("grant_type", grant), ("assertion", assertion)];
    DOCUSIGN.token_as(sandbox, None, &pairs).await
}

async fn consent(sandbox: &Running, client_id: &str) {
    let body = json!({ "client_id": client_id, "scope": "signature impersonation" });
    DOCUSIGN
        .set(sandbox, Method::POST, "oauth/consents", body)
        .await;
}

fn refused(description: Option<&str>) -> (u16, Value) {
    let mut body = json!({ "error": "invalid_grant" });
    if let Some(description) = description {
        body["error_description"] = json!(description);
    }
    (400, body)
}

#[tokio::test]
async fn consent_is_needed_once() {
    let sandbox = start().await;
    let needed = (400, json!({ "error": "consent_required" }));
    assert_eq!(send(&sandbox, &signed(&claims())).await.parts(), needed);
    // Consent to other scopes does not do.
    DOCUSIGN.code(&sandbox, &[]).await;
    assert_eq!(send(&sandbox, &signed(&claims())).await.parts(), needed);
    let url = DOCUSIGN.url(&[]).replace("extended", "impersonation");
    DOCUSIGN.decide(&sandbox, json!({ "url": url })).await;
    for _ in 0..2 {
        let reply = send(&sandbox, &signed(&claims())).await;
        let access = reply.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        assert_eq!(
            reply.parts(),
            (
                200,
                json!({ "access_token": access, "token_type": "Bearer", "expires_in": 3600 })
            )
        );
        assert!(DOCUSIGN.opens(&sandbox, &access).await);
        let info = bearer(&sandbox, DOCUSIGN.host, "/oauth/userinfo", &access).await;
        assert_eq!(info.json()["sub"], USER);
    }
    let last = send(&sandbox, &signed(&claims())).await.json();
    let last = last["access_token"].as_str().expect("a token").to_owned();
    let body = json!({ "client_id": DOCUSIGN.client_id });
    DOCUSIGN
        .set(&sandbox, Method::DELETE, "oauth/consents", body.clone())
        .await;
    assert_eq!(send(&sandbox, &signed(&claims())).await.parts(), needed);
    assert!(!DOCUSIGN.opens(&sandbox, &last).await);
    let again = DOCUSIGN
        .control(&sandbox, Method::DELETE, "oauth/consents", body)
        .await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn wrong_claims_and_signatures_are_told_apart() {
    let sandbox = start().await;
    consent(&sandbox, DOCUSIGN.client_id).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(&claims)
    };
    let now = jiff::Timestamp::now().as_second();
    let unknown = refused(Some("issuer_not_found"));
    let nobody = refused(Some("user_not_found"));
    for (assertion, expected) in [
        (with("iss", json!("unknown")), &unknown),
        (with("aud", json!("account.docusign.com")), &unknown),
        (
            with("aud", json!("https://account-d.docusign.com")),
            &unknown,
        ),
        (with("aud", json!("account-d.docusign.com/")), &unknown),
        (
            with("sub", json!("5a6d0a1e-0000-4000-9000-000000000002")),
            &nobody,
        ),
        (with("sub", json!("sample@sample.com")), &nobody),
        (
            with("exp", json!(now)),
            &refused(Some("expired_client_token")),
        ),
        (with("exp", json!(now + 7200)), &refused(None)),
        (with("exp", json!("soon")), &refused(None)),
        (String::from("no.assertion"), &refused(None)),
        (String::from("a.b.c"), &refused(None)),
    ] {
        assert_eq!(
            send(&sandbox, &assertion).await.parts(),
            *expected,
            "{assertion}"
        );
    }
    let good = signed(&claims());
    let (text, signature) = good.rsplit_once('.').expect("three parts");
    let (header, body) = text.split_once('.').expect("three parts");
    let mut forged = claims();
    forged["scope"] = json!("signature");
    let none = encode(&json!({ "alg": "none" }));
    let hmac = encode(&json!({ "alg": "HS256" }));
    for assertion in [
        format!("{header}.{}.{signature}", encode(&forged)),
        format!("{header}.{body}."),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{hmac}.{body}.{signature}"),
    ] {
        let reply = send(&sandbox, &assertion).await;
        assert_eq!(
            reply.parts(),
            refused(Some("no_valid_keys_or_signatures")),
            "{assertion}"
        );
    }
    assert_eq!(send(&sandbox, &good).await.status, 200);
    assert_eq!(
        send(&sandbox, "").await.parts(),
        (400, json!({ "error": "invalid_request" }))
    );
}

#[tokio::test]
async fn the_key_is_the_applications_own() {
    let sandbox = start().await;
    consent(&sandbox, SANDBOX_KEY).await;
    let mut claims = claims();
    claims["iss"] = json!(SANDBOX_KEY);
    let assertion = signed(&claims);
    assert_eq!(send(&sandbox, &assertion).await.status, 200);
    let path = format!("oauth/applications/{SANDBOX_KEY}");
    let keys = |keys: Value| {
        DOCUSIGN.set(
            &sandbox,
            Method::PATCH,
            &path,
            json!({ "public_keys": keys }),
        )
    };
    keys(json!([])).await;
    let unsigned = refused(Some("no_valid_keys_or_signatures"));
    assert_eq!(send(&sandbox, &assertion).await.parts(), unsigned);
    keys(json!([PUBLIC])).await;
    assert_eq!(send(&sandbox, &assertion).await.status, 200);
    // Switched off, or not promoted to production, it is nobody's.
    let production = json!("account.docusign.com");
    claims["aud"] = production;
    let call = sandbox.call(Method::POST, "account.docusign.com", "/oauth/token");
    let body = crate::oauth::form(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", &signed(&claims)),
    ]);
    let reply = call
        .body("application/x-www-form-urlencoded", &body)
        .answer()
        .await;
    assert_eq!(reply.parts(), refused(Some("issuer_not_found")));
    DOCUSIGN
        .set(&sandbox, Method::PATCH, &path, json!({ "enabled": false }))
        .await;
    assert_eq!(
        send(&sandbox, &assertion).await.parts(),
        refused(Some("issuer_not_found"))
    );
}

#[tokio::test]
async fn clocks_that_differ_are_seen() {
    let sandbox = start().await;
    consent(&sandbox, DOCUSIGN.client_id).await;
    let assertion = signed(&claims());
    // The vendor's clock stands behind: the assertion is of the future, first by what is tolerated, then by more.
    DOCUSIGN.forward(&sandbox, -240).await;
    let reply = send(&sandbox, &assertion).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    DOCUSIGN.forward(&sandbox, -160).await;
    assert_eq!(send(&sandbox, &assertion).await.parts(), refused(None));
    DOCUSIGN
        .settings(&sandbox, json!({ "skew_seconds": 1000 }))
        .await;
    assert_eq!(send(&sandbox, &assertion).await.status, 200);
    // And ahead: it has run out.
    DOCUSIGN.forward(&sandbox, 400 + 3601).await;
    assert_eq!(
        send(&sandbox, &assertion).await.parts(),
        refused(Some("expired_client_token"))
    );
}
