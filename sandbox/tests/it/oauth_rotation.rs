//! What becomes of refresh tokens, by policy and clock; the same for every vendor.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Running, start};
use crate::oauth::{SIDES, Side, tokens};

async fn refused(side: &Side, sandbox: &Running, refresh: &str) {
    let reply = side.refresh(sandbox, refresh).await;
    assert_eq!(reply.parts(), (400, (side.dead)()), "{}", side.vendor);
}

/// The outcomes of all spends so far, oldest first.
async fn outcomes(side: &Side, sandbox: &Running) -> Vec<String> {
    let calls = side.calls(sandbox).await;
    let spends = calls["spends"].as_array().expect("a list").iter();
    let text = |spend: &Value| spend["outcome"].as_str().expect("a text").to_owned();
    spends.map(text).collect()
}

#[tokio::test]
async fn by_default_each_vendor_does_as_it_says() {
    let sandbox = start().await;
    for side in SIDES {
        let (access, refresh) = side.tokens(&sandbox).await;
        let (newer, next) = tokens(&side.refresh(&sandbox, &refresh).await);
        assert_ne!(newer, access);
        // The older access token lives on until it runs out (unverified).
        assert!(side.opens(&sandbox, &access).await && side.opens(&sandbox, &newer).await);
        let rotates = side.vendor == "docusign";
        assert_eq!(refresh != next, rotates, "{}", side.vendor);
        if rotates {
            refused(&side, &sandbox, &refresh).await;
        }
        tokens(&side.refresh(&sandbox, &next).await);
    }
}

#[tokio::test]
async fn none_keeps_the_token() {
    let sandbox = start().await;
    for side in SIDES {
        side.settings(&sandbox, json!({ "rotation": "none" })).await;
        let (_, refresh) = side.tokens(&sandbox).await;
        for _ in 0..3 {
            let (access, same) = tokens(&side.refresh(&sandbox, &refresh).await);
            assert_eq!(same, refresh);
            assert!(side.opens(&sandbox, &access).await);
        }
        assert_eq!(outcomes(&side, &sandbox).await, ["kept", "kept", "kept"]);
        let calls = side.calls(&sandbox).await;
        assert_eq!(calls["spends"][2]["times"], 3);
        assert_eq!(calls["double_spends"], 0);
    }
}

#[tokio::test]
async fn rotate_kills_the_old_token_alone() {
    let sandbox = start().await;
    for side in SIDES {
        side.settings(&sandbox, json!({ "rotation": "rotate" }))
            .await;
        let (_, first) = side.tokens(&sandbox).await;
        let (access, second) = tokens(&side.refresh(&sandbox, &first).await);
        refused(&side, &sandbox, &first).await;
        assert!(side.opens(&sandbox, &access).await);
        tokens(&side.refresh(&sandbox, &second).await);
        assert_eq!(
            outcomes(&side, &sandbox).await,
            ["rotated", "reused", "rotated"]
        );
        let calls = side.calls(&sandbox).await;
        assert_eq!(
            (&calls["double_spends"], &calls["refresh_spends"]),
            (&json!(1), &json!(3))
        );
        assert_eq!(
            (
                &calls["spends"][1]["refresh_token"],
                &calls["spends"][1]["times"]
            ),
            (&json!(first), &json!(2))
        );
        assert_eq!(
            calls["grant_types"]["refresh_token"],
            json!({ "granted": 2, "refused": 1 })
        );
    }
}

#[tokio::test]
async fn within_the_grace_the_old_token_gives_the_newest() {
    let sandbox = start().await;
    for side in SIDES {
        let policy = json!({ "rotation": "rotate_with_grace", "grace_seconds": 30 });
        side.settings(&sandbox, policy).await;
        let (_, first) = side.tokens(&sandbox).await;
        let (_, second) = tokens(&side.refresh(&sandbox, &first).await);
        let (access, again) = tokens(&side.refresh(&sandbox, &first).await);
        assert_eq!(again, second);
        assert!(side.opens(&sandbox, &access).await);
        side.forward(&sandbox, 31).await;
        refused(&side, &sandbox, &first).await;
        // Whoever came too late has not hurt the others.
        tokens(&side.refresh(&sandbox, &second).await);
        assert_eq!(
            outcomes(&side, &sandbox).await,
            ["rotated", "grace", "reused", "rotated"]
        );
    }
}

#[tokio::test]
async fn reuse_can_end_the_whole_family() {
    let sandbox = start().await;
    for side in SIDES {
        let policy = json!({ "rotation": "rotate_and_revoke_family_on_reuse" });
        side.settings(&sandbox, policy).await;
        let (_, other) = side.tokens(&sandbox).await;
        let (oldest, first) = side.tokens(&sandbox).await;
        let (access, second) = tokens(&side.refresh(&sandbox, &first).await);
        refused(&side, &sandbox, &first).await;
        for access in [&oldest, &access] {
            assert!(!side.opens(&sandbox, access).await);
        }
        refused(&side, &sandbox, &second).await;
        // Another family of the same user is not meant.
        tokens(&side.refresh(&sandbox, &other).await);
        assert_eq!(
            outcomes(&side, &sandbox).await,
            ["rotated", "reused_and_revoked", "revoked", "rotated"]
        );
    }
}

#[tokio::test]
async fn an_application_may_have_a_policy_of_its_own() {
    let sandbox = start().await;
    for side in SIDES {
        let path = format!("oauth/applications/{}", side.client_id);
        let policy = json!({ "policy": { "rotation": "rotate", "access_seconds": 7 } });
        side.set(&sandbox, Method::PATCH, &path, policy).await;
        side.settings(&sandbox, json!({ "rotation": "none", "access_seconds": 9 }))
            .await;
        let code = side.code(&sandbox, &[]).await;
        let reply = side.exchange(&sandbox, &code).await;
        assert_eq!(reply.json()["expires_in"], 7);
        let (_, refresh) = tokens(&reply);
        let (_, next) = tokens(&side.refresh(&sandbox, &refresh).await);
        assert_ne!(next, refresh);
    }
}

#[tokio::test]
async fn tokens_run_out_by_the_clock() {
    let sandbox = start().await;
    for side in SIDES {
        let life = if side.vendor == "docusign" {
            28_800
        } else {
            3600
        };
        let (access, refresh) = side.tokens(&sandbox).await;
        side.forward(&sandbox, life - 60).await;
        assert!(side.opens(&sandbox, &access).await);
        side.forward(&sandbox, 60).await;
        assert!(!side.opens(&sandbox, &access).await);
        // Each use starts the days of the refresh token anew.
        let days = if side.vendor == "docusign" { 30 } else { 60 };
        let nearly = days * 86_400 - 60;
        let mut refresh = refresh;
        for _ in 0..2 {
            side.forward(&sandbox, nearly - life).await;
            (_, refresh) = tokens(&side.refresh(&sandbox, &refresh).await);
        }
        side.forward(&sandbox, days * 86_400).await;
        refused(&side, &sandbox, &refresh).await;
        assert_eq!(
            outcomes(&side, &sandbox).await,
            ["rotated", "rotated", "expired"].map(|word| {
                if word == "rotated" && side.vendor == "pipedrive" {
                    "kept"
                } else {
                    word
                }
            })
        );
    }
}

#[tokio::test]
async fn a_lifetime_that_does_not_extend_ends_in_spite_of_use() {
    let sandbox = start().await;
    for side in SIDES {
        let policy = json!({ "refresh_extends": false, "refresh_seconds": 1000 });
        side.settings(&sandbox, policy).await;
        let (_, refresh) = side.tokens(&sandbox).await;
        side.forward(&sandbox, 900).await;
        let (_, refresh) = tokens(&side.refresh(&sandbox, &refresh).await);
        side.forward(&sandbox, 100).await;
        refused(&side, &sandbox, &refresh).await;
    }
}

#[tokio::test]
async fn control_expires_and_revokes() {
    let sandbox = start().await;
    let post = Method::POST;
    for side in SIDES {
        let (access, refresh) = side.tokens(&sandbox).await;
        let (other, other_refresh) = side.tokens(&sandbox).await;
        let body = json!({ "what": "access", "token": access });
        let count = side.set(&sandbox, post.clone(), "oauth/expire", body).await;
        assert_eq!(count, json!({ "count": 1 }));
        assert!(!side.opens(&sandbox, &access).await && side.opens(&sandbox, &other).await);
        tokens(&side.refresh(&sandbox, &refresh).await);

        let grants = side
            .set(&sandbox, Method::GET, "oauth/grants", Value::Null)
            .await;
        assert_eq!(grants[1]["refresh_token"], json!(other_refresh));
        let body = json!({ "what": "refresh", "grant": grants[1]["id"] });
        side.set(&sandbox, post.clone(), "oauth/expire", body).await;
        refused(&side, &sandbox, &other_refresh).await;
        assert!(side.opens(&sandbox, &other).await);

        let (access, refresh) = side.tokens(&sandbox).await;
        side.set(
            &sandbox,
            post.clone(),
            "oauth/revoke",
            json!({ "token": refresh }),
        )
        .await;
        refused(&side, &sandbox, &refresh).await;
        assert!(!side.opens(&sandbox, &access).await);
        assert!(side.opens(&sandbox, &other).await);
        side.set(&sandbox, post.clone(), "oauth/revoke", json!({}))
            .await;
        assert!(!side.opens(&sandbox, &other).await);
    }
}

#[tokio::test]
async fn a_lost_answer_has_spent_the_token_all_the_same() {
    let sandbox = start().await;
    for side in SIDES {
        side.settings(&sandbox, json!({ "rotation": "rotate" }))
            .await;
        let (_, refresh) = side.tokens(&sandbox).await;
        let before = side.calls(&sandbox).await["token_calls"]
            .as_u64()
            .expect("a number");
        let lost =
            json!({ "kind": "lost_answer", "host": side.host, "path": "/oauth/token", "count": 1 });
        sandbox.fault(lost).await;
        let call = sandbox.call(Method::POST, side.host, "/oauth/token");
        let call = call.basic(side.client_id, side.secret);
        let body =
            crate::oauth::form(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
        let call = call.body("application/x-www-form-urlencoded", &body);
        assert!(call.send().await.is_err());
        let calls = side.calls(&sandbox).await;
        assert_eq!(calls["token_calls"], json!(before + 1));
        assert_eq!(calls["spends"][0]["outcome"], "rotated");
        refused(&side, &sandbox, &refresh).await;
        // The vendor has a newer one, which nobody got.
        let grants = side
            .set(&sandbox, Method::GET, "oauth/grants", Value::Null)
            .await;
        let newest = grants[0]["refresh_token"].as_str().expect("a token");
        assert_ne!(newest, refresh);
        tokens(&side.refresh(&sandbox, newest).await);
    }
}

#[tokio::test]
async fn a_call_that_never_reached_the_vendor_spends_nothing() {
    let sandbox = start().await;
    for side in SIDES {
        side.settings(&sandbox, json!({ "rotation": "rotate" }))
            .await;
        let (_, refresh) = side.tokens(&sandbox).await;
        for fault in [
            json!({ "kind": "status", "status": 503 }),
            json!({ "kind": "invalid_json" }),
            json!({ "kind": "html" }),
        ] {
            let mut rule = fault;
            rule["host"] = json!(side.host);
            rule["count"] = json!(1);
            sandbox.fault(rule).await;
            side.refresh(&sandbox, &refresh).await;
        }
        assert_eq!(side.calls(&sandbox).await["refresh_spends"], 0);
        tokens(&side.refresh(&sandbox, &refresh).await);
    }
}
