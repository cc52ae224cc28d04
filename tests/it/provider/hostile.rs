//! What must not work, and what is said then: the provider's own refusals, in words that help.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::browser::{Browser, Left};
use super::{CALLBACK, Place, id, path, secret, with};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

/// A refusal that needs the person, tells the provider's words and nothing secret.
#[track_caller]
fn refused(answer: &Answer, brought: &Value, said: &str) -> String {
    let error = answer.error(401);
    let told = format!("{} {}", message(&error), error["providerMessage"]);
    assert!(told.contains(said), "{said}: {error}");
    for member in ["code", "code_verifier"] {
        if let Some(text) = brought[member].as_str() {
            assert!(!answer.text.contains(text), "{member}: {error}");
        }
    }
    assert!(!answer.text.contains("s3cret"), "{error}");
    message(&error).to_owned()
}

/// A code is good only with the verifier of the flow that it came from, whoever has it.
#[database_test]
async fn a_code_needs_its_own_verifier(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    for kind in ["code", "form", "public"] {
        let before = place.stored().await;
        let (mine, theirs) = (place.brought(kind).await, place.brought(kind).await);
        let swapped = with(&mine, "code_verifier", theirs["code_verifier"].clone());
        let answer = place.create(kind, &swapped).await;
        refused(&answer, &swapped, "grant request is invalid");
        let without = with(&mine, "code_verifier", Value::Null);
        let answer = place.create(kind, &without).await;
        refused(&answer, &mine, "invalid");
        assert_eq!(place.stored().await, before);
        let log = place.provider.log().await;
        let meant: Vec<&str> = log.refused().into_iter().map(|(_, meant)| meant).collect();
        assert!(
            meant
                .iter()
                .rev()
                .take(2)
                .all(|meant| meant.contains("code_verifier")),
            "{meant:?}"
        );
        // Neither of the two has lost anything.
        for brought in [mine, theirs] {
            place.create(kind, &brought).await.success();
        }
    }
    assert_eq!(place.provider.log().await.count("grant.revoked"), 0);
}

/// Without a challenge nobody is shown a page.
#[database_test]
async fn a_flow_begins_with_a_challenge(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let query = format!(
        "apiKey={}&apiSecret=x&callbackUrl={CALLBACK}&site={}",
        id("code"),
        place.provider.site
    );
    let path = format!("/elements/harbour/oauth/url?{query}");
    let error = place.call("GET", &path, None).await.error(400);
    assert!(message(&error).contains("codeChallenge"), "{error}");
    // The provider would refuse it as well, and say so to the application.
    let mut flow = place.begin("code").await;
    let pairs: Vec<(String, String)> = flow.url.query_pairs().into_owned().collect();
    let pairs = pairs
        .iter()
        .filter(|(name, _)| !name.starts_with("code_challenge"));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    flow.url.set_query(Some(&query));
    let brought = flow.allow(&place.provider).await;
    assert_eq!(brought["error"], "invalid_request");
    let answer = place.create("code", &brought).await;
    let told = refused(&answer, &brought, "invalid_request");
    assert!(told.contains("PKCE"), "{told}");
}

#[database_test]
async fn a_wrong_address_to_return_to_is_refused(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    for elsewhere in [
        "https://evil.example/back",
        "https://app.example/back/",
        "https://app.example/back?x=1",
    ] {
        let flow = place.begin_at("code", elsewhere).await;
        let left = Browser::new(provider).allow(&flow.url).await;
        let Left::Kept(400, page) = left else {
            panic!("{elsewhere}: {left:?}");
        };
        assert!(page.contains("redirect_uri"), "{page}");

        // The right one on the page, another one afterwards.
        let brought = place.brought("code").await;
        let mut body = place.body("code", &brought);
        body["configuration"]["oauth.callback.url"] = json!(elsewhere);
        let answer = place.call("POST", "/instances", Some(&body)).await;
        refused(&answer, &brought, "grant request is invalid");
        let log = provider.log().await;
        let (_, meant) = log.refused().pop().expect("a refusal");
        assert!(meant.contains("redirect_uri"), "{meant}");
        place.create("code", &brought).await.success();
    }
    assert_eq!(place.stored().await, 3);
}

#[database_test]
async fn a_wrong_client_is_refused(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    for kind in ["code", "form"] {
        let brought = place.brought(kind).await;
        let mut body = place.body(kind, &brought);
        body["configuration"]["oauth.api.secret"] = json!("not-the-client-s3cret");
        let answer = place.call("POST", "/instances", Some(&body)).await;
        refused(&answer, &brought, "client authentication failed");
        // Somebody else's code.
        let mut body = place.body(kind, &brought);
        let other = if kind == "code" { "form" } else { "code" };
        body["configuration"]["authentication.type"] = json!(other);
        body["configuration"]["oauth.api.key"] = json!(id(other));
        body["configuration"]["oauth.api.secret"] = json!(secret(other));
        let answer = place.call("POST", "/instances", Some(&body)).await;
        refused(&answer, &brought, "grant request is invalid");

        // The code is still good, and a secret that is not changes nothing afterwards.
        let instance = place.create(kind, &brought).await.success();
        let wrong = json!({"configuration": {"oauth.api.secret": "not-the-client-s3cret"}});
        let answer = place.call("PATCH", &path(&instance), Some(&wrong)).await;
        refused(&answer, &Value::Null, "client authentication failed");
        let renewed = place.renew(&instance).await;
        assert_eq!(
            (&renewed["valid"], &renewed["token"]),
            (&json!(true), &instance["token"])
        );
    }
    let log = place.provider.log().await;
    assert_eq!(log.count("grant.revoked"), 0);
    let kinds = ["invalid_client", "invalid_grant", "invalid_client"];
    let said: Vec<&str> = log.refused().into_iter().map(|(error, _)| error).collect();
    assert_eq!(said, [kinds, kinds].concat());
}

/// Whoever says no, or asks for what there is not, is told so in the provider's words.
#[database_test]
async fn who_is_refused_on_the_page_is_told_why(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let flow = place.begin("code").await;
    let left = Browser::new(&place.provider).deny(&flow.url).await;
    let denied = flow.brought(&left);
    assert_eq!(denied["error"], "access_denied");
    let answer = place.create("code", &denied).await;
    let told = refused(&answer, &denied, "access_denied");
    assert!(
        told.starts_with("The vendor did not allow access: ") && told.contains("aborted"),
        "{told}"
    );
    // A page that may show nothing to anybody, and one asked for more than the provider has.
    for (name, value, said) in [
        ("prompt", "none", "login_required"),
        ("response_type", "code token", "unsupported_response_type"),
        ("code_challenge_method", "plain", "invalid_request"),
    ] {
        let mut flow = place.begin("code").await;
        let pairs: Vec<(String, String)> = flow.url.query_pairs().into_owned().collect();
        let pairs = pairs.into_iter().map(|(key, old)| {
            let new = if key == name { value.to_owned() } else { old };
            (key, new)
        });
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        flow.url.set_query(Some(&query));
        let left = Browser::new(&place.provider).allow(&flow.url).await;
        let Left::Back(back) = &left else {
            panic!("{name}: {left:?}");
        };
        // Some answers come behind the sign that no server sees.
        let pairs = back.query().or(back.fragment()).expect("an answer");
        let brought: serde_json::Map<String, Value> = url::form_urlencoded::parse(pairs.as_bytes())
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect();
        let brought = Value::from(brought);
        assert_eq!(brought["error"], said);
        refused(&place.create("code", &brought).await, &brought, said);
    }
    assert_eq!(place.stored().await, 0);
}
