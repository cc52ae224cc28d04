//! The way that everything goes when nobody does anything wrong.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, id, path};
use crate::database::TestDatabase;

const HIDDEN: &str = "********";

#[database_test]
async fn a_person_allows_access_and_it_goes_on(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    for (ended, kind) in ["code", "form", "public"].into_iter().enumerate() {
        let brought = place.brought(kind).await;
        assert_eq!(brought["iss"], format!("https://{}", provider.host()));
        let created = place.create(kind, &brought).await;
        let code = brought["code"].as_str().expect("a code");
        let verifier = brought["code_verifier"].as_str().expect("a verifier");
        assert!(!created.text.contains(code) && !created.text.contains(verifier));
        let instance = created.success();
        assert_eq!(instance["valid"], true);
        let shown = &instance["configuration"];
        assert_eq!(shown["oauth.user.token"], HIDDEN);
        assert_eq!(shown["oauth.user.refresh_token"], HIDDEN);

        let log = provider.log().await;
        assert_eq!(log.newest("authorization_code.consumed"), code);
        // It says who the person is, too, which nobody here wants to know.
        let answered = log.of("answered").last().expect("an answer");
        let members = answered["members"].as_array().expect("members");
        assert!(members.contains(&json!("id_token")), "{answered}");
        assert!(!created.text.contains("id_token"));

        for _ in 0..3 {
            let before = provider.log().await;
            let renewed = place.renew(&instance).await;
            assert_eq!(
                (&renewed["valid"], &renewed["token"]),
                (&json!(true), &instance["token"])
            );
            let log = provider.log().await;
            let (old, new) = (
                before.newest("refresh_token.saved"),
                log.newest("refresh_token.saved"),
            );
            assert_ne!(old, new);
            assert_eq!(log.newest("refresh_token.consumed"), old);
            assert!(provider.is_live(new).await);
            assert!(!provider.is_live(old).await);
            assert!(provider.is_live(log.newest("access_token.saved")).await);
        }
        let log = provider.log().await;
        assert_eq!(log.refused(), []);
        assert_eq!(log.count("grant.revoked"), ended);

        // The last one that there was is the one that is ended.
        let deleted = place.call("DELETE", &path(&instance), None).await;
        assert_eq!(deleted.status, 200, "{deleted}");
        for event in ["refresh_token.saved", "access_token.saved"] {
            assert!(!provider.is_live(log.newest(event)).await, "{event}");
        }
    }
    assert_eq!(provider.log().await.count("grant.revoked"), 3);
    assert_eq!(provider.log().await.refused(), []);
}

/// Tokens that live for seconds are renewed in time, by the provider's own measure.
#[database_test]
async fn a_token_is_renewed_while_it_lives(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let instance = place.connected("code").await;
    let provider = &place.provider;
    place.renew(&instance).await;
    assert_eq!(provider.log().await.count("refresh_token.consumed"), 1);
    let log = provider.log().await;
    // The one before still lives: nobody has seen a dead one.
    assert!(provider.is_live(log.tokens("access_token.saved")[0]).await);
    log.is_clean();
    assert_eq!(place.read(&instance).await["valid"], true);
}

#[database_test]
async fn a_client_logs_in_by_itself(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    for (number, kind) in ["client", "key"].into_iter().enumerate() {
        let created = place.create(kind, &Value::Null).await;
        assert!(!created.text.contains("PRIVATE KEY"));
        let instance = created.success();
        let renewed = place.renew(&instance).await;
        assert_eq!(renewed["valid"], true);
        assert!(renewed["lastRenewal"].is_string(), "{renewed}");
        let log = provider.log().await;
        assert_eq!(log.count("client_credentials.saved"), 2 * (number + 1));
        assert!(
            provider
                .is_live(log.newest("client_credentials.saved"))
                .await
        );
    }
    // Made in the same second: no two assertions are the same.
    let together = (0..4).map(|_| place.create("key", &Value::Null));
    for created in futures_util::future::join_all(together).await {
        created.success();
    }
    provider.log().await.is_clean();
}

/// What the definition says is what the provider publishes about itself.
#[database_test]
async fn the_definition_agrees_with_the_provider(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let published = provider.request("GET", "/.well-known/openid-configuration");
    let published = crate::answer::Answer::of(published).await.success();
    let text = std::fs::read_to_string(super::folder().join("elements/harbour/element.json"));
    let definition: Value = serde_json::from_str(&text.expect("a definition")).expect("JSON");
    let entries = definition["configuration"].as_array().expect("entries");
    let default = |key: &str| {
        let entry = entries.iter().find(|entry| entry["key"] == key);
        let text = entry.expect("the entry")["defaultValue"].as_str();
        text.expect("a default").replace("{site}", &provider.site)
    };
    for (key, member) in [
        ("base.url", "issuer"),
        ("oauth.authorization.url", "authorization_endpoint"),
        ("oauth.token.url", "token_endpoint"),
        ("oauth.token.revoke_url", "revocation_endpoint"),
    ] {
        assert_eq!(published[member], default(key), "{key}");
    }
    let lists = |member: &str, value: &str| {
        let list = published[member].as_array().expect("a list");
        assert!(list.contains(&json!(value)), "{member}: {value}");
    };
    for scope in default("oauth.scope").split(' ') {
        lists("scopes_supported", scope);
    }
    let grants = [
        ("code", "authorization_code"),
        ("clientCredentials", "client_credentials"),
        ("jwtBearer", "client_credentials"),
    ];
    let clients = [
        ("basic", "client_secret_basic"),
        ("form", "client_secret_post"),
        ("none", "none"),
    ];
    for group in definition["bunsen"]["groups"].as_array().expect("groups") {
        let words = &group["oauth"];
        let (_, grant) = grants
            .iter()
            .find(|(word, _)| words["grant"] == *word)
            .expect("a grant");
        lists("grant_types_supported", grant);
        let method = clients.iter().find(|(word, _)| words["client"] == *word);
        lists(
            "token_endpoint_auth_methods_supported",
            method.map_or("private_key_jwt", |(_, method)| method),
        );
        if let Some(pkce) = words["pkce"].as_str() {
            lists("code_challenge_methods_supported", pkce);
        }
    }
    // The page that callers are sent to is the published one, with all of it.
    let flow = place.begin("code").await;
    let page = published["authorization_endpoint"].as_str().expect("a URL");
    assert!(
        flow.url.as_str().starts_with(&format!("{page}?")),
        "{}",
        flow.url
    );
    let asked: Vec<(String, String)> = flow.url.query_pairs().into_owned().collect();
    for pair in [
        ("response_type", "code"),
        ("client_id", &id("code")),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
    ] {
        let pair = (pair.0.to_owned(), pair.1.to_owned());
        assert_eq!(
            asked.iter().filter(|found| **found == pair).count(),
            1,
            "{pair:?}"
        );
    }
}

/// A public client says neither when it asks for the page nor later a secret that it does not have.
#[database_test]
async fn a_public_client_needs_a_challenge_and_no_secret(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let words = json!({"authentication.type": "public", "apiKey": id("public"), "site": place.provider.site,
        "callbackUrl": super::CALLBACK, "state": "what-the-caller-knows"});
    let url = "/elements/harbour/oauth/url";
    let error = place.call("POST", url, Some(&words)).await.error(400);
    let told = crate::answer::message(&error);
    assert!(told.contains("'codeChallenge'"), "{told}");
    let verifier = "a-verifier-of-more-than-forty-three-characters-0123456789";
    let challenge = bunsen_engine::oauth::code_challenge(verifier);
    let asked = super::with(&words, "codeChallenge", json!(challenge));
    let page = place.call("POST", url, Some(&asked)).await.success();
    let flow = super::Flow {
        verifier: verifier.to_owned(),
        url: page["oauthUrl"]
            .as_str()
            .expect("an address")
            .parse()
            .expect("a URL"),
    };
    let brought = flow.allow(&place.provider).await;
    let made = place.create("public", &brought).await.success();
    assert_eq!(place.renew(&made).await["valid"], true);
    place.provider.log().await.is_clean();
}
