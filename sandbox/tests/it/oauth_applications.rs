//! The control calls for applications, consents, grants and clocks.

use http::Method;
use serde_json::{Value, json};

use crate::client::start;
use crate::oauth::{BACK, DOCUSIGN, PIPEDRIVE, SIDES, bearer, member};

#[tokio::test]
async fn applications_come_and_go() {
    let sandbox = start().await;
    for side in SIDES {
        let all = side
            .set(&sandbox, Method::GET, "oauth/applications", Value::Null)
            .await;
        assert!(all[side.client_id].is_object(), "{all}");
        let new = json!({
            "client_id": "acme", "client_secret": "s", "name": "Acme",
            "redirect_uris": ["https://acme.example/back?x=1"], "scopes": ["base"],
        });
        let made = side
            .control(&sandbox, Method::POST, "oauth/applications", new.clone())
            .await;
        assert_eq!(
            (made.status.as_u16(), &made.json()["client_id"]),
            (201, &json!("acme"))
        );
        // Its redirect URI is compared letter by letter, and this machine is nothing special.
        let url = side.url(&[("state", "s")]).replace(side.client_id, "acme");
        let refused = side
            .control(
                &sandbox,
                Method::POST,
                "oauth/decide",
                json!({ "url": url }),
            )
            .await;
        assert_eq!(refused.status, 400);
        let url = url.replace(
            "http%3A%2F%2F127.0.0.1%3A9%2Fback",
            "https%3A%2F%2Facme.example%2Fback%3Fx%3D1",
        );
        let location = side.decide(&sandbox, json!({ "url": url })).await;
        assert_eq!(member(&location, "x").as_deref(), Some("1"));
        let code = member(&location, "code").expect("a code");
        let redeem = async |code: &str| {
            let pairs = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", "https://acme.example/back?x=1"),
            ];
            side.token_as(&sandbox, Some(("acme", "s")), &pairs).await
        };
        let reply = redeem(&code).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let access = reply.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        assert!(side.opens(&sandbox, &access).await);
        let location = side.decide(&sandbox, json!({ "url": url })).await;
        let code = member(&location, "code").expect("a code");
        side.set(
            &sandbox,
            Method::DELETE,
            "oauth/applications/acme",
            Value::Null,
        )
        .await;
        assert!(!side.opens(&sandbox, &access).await);
        side.set(&sandbox, Method::POST, "oauth/applications", new)
            .await;
        assert_eq!(redeem(&code).await.status, 400);
    }
}

#[tokio::test]
async fn grants_are_made_without_a_page() {
    let sandbox = start().await;
    let body = json!({ "client_id": DOCUSIGN.client_id, "scope": "signature", "environment": "production" });
    let made = DOCUSIGN
        .set(&sandbox, Method::POST, "oauth/grants", body)
        .await;
    let access = made["answer"]["access_token"].as_str().expect("a token");
    let info = bearer(&sandbox, "account.docusign.com", "/oauth/userinfo", access).await;
    assert_eq!(info.status, 200);
    let consents = DOCUSIGN
        .set(&sandbox, Method::GET, "oauth/consents", Value::Null)
        .await;
    assert_eq!(consents[0]["scopes"], json!(["signature"]));
    let body = json!({ "client_id": PIPEDRIVE.client_id, "user": "several@sample.com", "company": "second" });
    let made = PIPEDRIVE
        .set(&sandbox, Method::POST, "oauth/grants", body)
        .await;
    assert_eq!(
        (&made["grant"], &made["answer"]["api_domain"]),
        (&json!(1), &json!("https://second.pipedrive.com"))
    );
    let shown = PIPEDRIVE
        .set(&sandbox, Method::GET, "oauth/grants", Value::Null)
        .await;
    assert_eq!(
        (&shown[0]["subject"], &shown[0]["refresh_token"]),
        (&json!("12:23"), &made["answer"]["refresh_token"])
    );
    let state = sandbox
        .control(Method::GET, "state", Value::Null)
        .await
        .json();
    assert_eq!(state["pipedrive"]["oauth"]["grants"], shown);
}

#[tokio::test]
async fn the_page_is_decided_below_the_sandboxes_own_address_too() {
    let sandbox = start().await;
    for side in SIDES {
        let own = format!("http://{}/_host/{}", sandbox.address, side.host);
        let url = side
            .url(&[])
            .replace(&format!("https://{}", side.host), &own);
        let location = side.decide(&sandbox, json!({ "url": url })).await;
        let code = member(&location, "code").expect("a code");
        assert_eq!(side.exchange(&sandbox, &code).await.status, 200);
        let elsewhere = url.replace(side.page, "/elsewhere");
        let refused = side
            .control(
                &sandbox,
                Method::POST,
                "oauth/decide",
                json!({ "url": elsewhere }),
            )
            .await;
        assert_eq!(refused.status, 400);
    }
}

#[tokio::test]
async fn counts_are_forgotten_and_reset_restores() {
    let sandbox = start().await;
    for side in SIDES {
        side.forward(&sandbox, 500).await;
        side.settings(&sandbox, json!({ "access_seconds": 5 }))
            .await;
        let (access, refresh) = side.tokens(&sandbox).await;
        side.refresh(&sandbox, &refresh).await;
        assert_eq!(side.calls(&sandbox).await["token_calls"], 2);
        side.set(&sandbox, Method::DELETE, "oauth/calls", Value::Null)
            .await;
        let calls = side.calls(&sandbox).await;
        assert_eq!(
            (&calls["token_calls"], &calls["spends"]),
            (&json!(0), &json!([]))
        );
        sandbox.control(Method::POST, "reset", Value::Null).await;
        let clock = side.set(&sandbox, Method::GET, "clock", Value::Null).await;
        assert_eq!(clock["ahead_seconds"], 0);
        assert!(!side.opens(&sandbox, &access).await);
        let settings = side
            .set(&sandbox, Method::GET, "oauth/settings", Value::Null)
            .await;
        assert_ne!(settings["access_seconds"], 5);
    }
}

#[tokio::test]
async fn mistakes_are_named() {
    let sandbox = start().await;
    let (post, patch) = (Method::POST, Method::PATCH);
    for side in SIDES {
        let own = format!("oauth/applications/{}", side.client_id);
        let id = side.client_id;
        for (method, path, body, status, word) in [
            (&post, "oauth/applications", json!({}), 400, "client_id"),
            (
                &post,
                "oauth/applications",
                json!({ "client_id": "a:b" }),
                400,
                "client_id",
            ),
            (
                &post,
                "oauth/applications",
                json!({ "client_id": id }),
                409,
                "client_id",
            ),
            (
                &patch,
                &own,
                json!({ "client_id": "other" }),
                400,
                "client_id",
            ),
            (
                &patch,
                &own,
                json!({ "redirect_uris": ["back"] }),
                400,
                "redirect_uris",
            ),
            (
                &patch,
                &own,
                json!({ "redirect_uris": [format!("{BACK}#f")] }),
                400,
                "redirect_uris",
            ),
            (
                &patch,
                &own,
                json!({ "public_keys": ["key"] }),
                400,
                "public_keys",
            ),
            (
                &patch,
                &own,
                json!({ "policy": { "rotation": "sometimes" } }),
                400,
                "sometimes",
            ),
            (
                &patch,
                "oauth/applications/nobody",
                json!({}),
                404,
                "client id",
            ),
            (
                &patch,
                "oauth/settings",
                json!({ "rotate": true }),
                400,
                "rotate",
            ),
            (
                &post,
                "oauth/decide",
                json!({ "url": "nonsense" }),
                400,
                "url",
            ),
            (
                &post,
                "oauth/decide",
                json!({ "url": side.url(&[]), "user": "nobody" }),
                400,
                "user",
            ),
            (
                &post,
                "oauth/decide",
                json!({ "url": side.url(&[]), "company": "nobody" }),
                400,
                "company",
            ),
            (
                &post,
                "oauth/grants",
                json!({ "client_id": "nobody" }),
                400,
                "client_id",
            ),
            (
                &post,
                "oauth/grants",
                json!({ "client_id": id, "environment": "moon" }),
                400,
                "environment",
            ),
            (
                &post,
                "oauth/expire",
                json!({ "what": "codes" }),
                400,
                "codes",
            ),
            (&post, "oauth/revoke", json!({ "user": 1 }), 400, "user"),
            (&post, "clock", json!({}), 400, "advance_seconds"),
            (&post, "oauth/calls", json!({}), 405, "GET, DELETE"),
            (&post, "oauth/nothing", json!({}), 404, "control call"),
        ] {
            let reply = side.control(&sandbox, method.clone(), path, body).await;
            let message = reply.json()["message"].to_string();
            assert_eq!(reply.status, status, "{method} {path}: {message}");
            assert!(message.contains(word), "{method} {path}: {message}");
        }
    }
}
