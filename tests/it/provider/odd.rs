//! Token answers with more, less and other members than anybody expects. The tokens are real.

use bunsen_test_macros::database_test;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Place, path};
use crate::database::TestDatabase;

/// More than what is asked for, and names that mean something elsewhere.
fn crowded() -> Value {
    json!({
        "id_token": {"not": "a token"}, "scope": null, "token_type": "bearer", "expires_on": 17,
        "refresh_token_expires_in": "never", "error": "", "error_description": null, "success": false,
        "base.url": "https://evil.example", "oauth.token.url": "https://evil.example/token",
        "oauth.api.secret": "another", "authentication.type": "client", "site": "evil",
        "data": [{"access_token": "another"}, []], "": 1, "__proto__": {"access_token": "another"},
        "long": "x".repeat(20_000),
    })
}

#[database_test]
async fn what_nobody_asked_for_is_left_alone(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let plain = place.connected("code").await;
    provider.set(json!({"answer": crowded()})).await;
    let instance = place.connected("code").await;
    let renewed = place.renew(&instance).await;
    assert_eq!(renewed["valid"], true, "{renewed}");
    for (key, value) in renewed["configuration"].as_object().expect("entries") {
        if !key.starts_with("oauth.user.") {
            assert_eq!(*value, plain["configuration"][key], "{key}");
        }
    }
    let log = provider.log().await;
    log.is_clean();
    assert!(provider.is_live(log.newest("access_token.saved")).await);
    provider.set(json!({"answer": {}})).await;
    assert_eq!(place.renew(&instance).await["valid"], true);
    provider.log().await.is_clean();
}

/// How long a token lives may be written in any way, or not at all.
#[database_test]
async fn lives_are_read_in_every_way(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let (told, default) = (600, 3600);
    for (life, expected) in [
        (json!("600"), told),
        (json!(599.5), told),
        (json!("600.0"), told),
        (json!(null), default),
        (json!(""), default),
        (json!("soon"), default),
        (json!([600]), default),
        (json!(-5), default),
        (json!(0), default),
        (json!(1e300), default),
        (json!(u64::MAX), default),
    ] {
        provider.set(json!({"answer": {"expires_in": life}})).await;
        let instance = place.connected("code").await;
        let mut reads = vec![instance.clone()];
        // The same words are read at a renewal.
        if [json!("600"), json!("soon"), json!(0)].contains(&life) {
            let renewed = place.renew(&instance).await;
            assert_eq!(renewed["valid"], true, "{life}: {renewed}");
            reads.push(renewed);
        }
        for read in reads {
            let due: Option<Timestamp> = read["nextRenewal"].as_str().map(|text| {
                let due = text.parse();
                due.expect("a timestamp")
            });
            let left = due.map(|due| due.duration_since(Timestamp::now()).as_secs());
            let between = expected / 2 - 60..expected;
            assert!(
                left.is_some_and(|left| between.contains(&left)),
                "{life}: {read}"
            );
        }
    }
    provider.log().await.is_clean();
}

/// A renewal that brings no new refresh token leaves the old one; an empty one is none.
#[database_test]
async fn no_refresh_token_is_no_new_one(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    for none in [json!(null), json!("")] {
        provider.set(json!({"answer": {}})).await;
        let instance = place.connected("code").await;
        let first = provider
            .log()
            .await
            .newest("refresh_token.saved")
            .to_owned();
        provider
            .set(json!({"answer": {"refresh_token": none}}))
            .await;
        let renewed = place.renew(&instance).await;
        assert_eq!(renewed["valid"], true, "{renewed}");
        // So the next one sends the first again, which this provider has replaced.
        let renewed = place.renew(&instance).await;
        assert_eq!(renewed["valid"], false, "{none}: {renewed}");
        let log = provider.log().await;
        let (_, meant) = log.refused().pop().expect("a refusal");
        assert_eq!(meant, "refresh token already used");
        assert_eq!(log.newest("refresh_token.destroyed"), first);
    }
}

/// An answer without a token that can be used stores nothing, and says what is wrong.
#[database_test]
async fn no_token_is_no_success(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let instance = place.connected("code").await;
    let before = place.stored().await;
    for odd in [
        json!(null),
        json!(""),
        json!("two\r\nlines: 1"),
        json!({"token": 1}),
        json!([]),
    ] {
        provider.set(json!({"answer": {"access_token": odd}})).await;
        let brought = place.brought("code").await;
        let answer = place.create("code", &brought).await;
        assert!([401, 502].contains(&answer.status), "{odd}: {answer}");
        answer.error(answer.status);
        let made = provider
            .log()
            .await
            .newest("refresh_token.saved")
            .to_owned();
        assert!(!answer.text.contains(&made), "{odd}: {answer}");
        assert_eq!(place.stored().await, before);
    }
    provider.set(json!({"answer": {}})).await;
    let read = place.call("GET", &path(&instance), None).await.success();
    assert_eq!(read["valid"], true);
    assert_eq!(place.renew(&instance).await["valid"], true);
}
