//! Clocks that disagree: the provider's runs ahead or behind, or is set right in between.

use bunsen_test_macros::database_test;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{ACCESS_SECONDS, Place};
use crate::answer::message;
use crate::database::TestDatabase;
use crate::vendors::until;

const MINUTE: i64 = 60 * 1000;

fn moment(instance: &Value, member: &str) -> Timestamp {
    let text = instance[member].as_str().expect("a moment");
    text.parse().expect("a timestamp")
}

/// When tokens end is told in seconds from now, so whose now it is does not matter.
#[database_test]
async fn a_token_lives_as_long_here_as_there(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    for minutes in [-90, -10, 10, 90] {
        provider.set(json!({"ahead": minutes * MINUTE})).await;
        let begun = Timestamp::now();
        let instance = place.connected("code").await;
        let life = i64::try_from(ACCESS_SECONDS).expect("seconds").seconds();
        let ends = Timestamp::now() + life;
        let due = moment(&instance, "nextRenewal");
        assert!(
            due > begun && due < ends,
            "{minutes}: {due} is not before {ends}"
        );
        let log = provider.log().await;
        assert!(provider.is_live(log.newest("access_token.saved")).await);

        let renewed = place.renew(&instance).await;
        assert_eq!(renewed["valid"], true);
        let since = moment(&renewed, "lastRenewal").duration_since(begun);
        assert!((0..120).contains(&since.as_secs()), "{minutes}: {renewed}");
        let next = moment(&renewed, "nextRenewal");
        assert!(
            next > begun && next < Timestamp::now() + life,
            "{minutes}: {renewed}"
        );
    }
    provider.log().await.is_clean();
}

/// The provider's clock is set while a token lives: what it says about the token does not count
/// here, only the next renewal does.
#[database_test]
async fn a_clock_that_is_set_costs_nothing(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let instance = place.connected("code").await;
    for minutes in [60, 30, 180] {
        provider.set(json!({"ahead": minutes * MINUTE})).await;
        let old = provider.log().await.newest("access_token.saved").to_owned();
        assert_eq!(provider.is_live(&old).await, minutes == 30);
        let renewed = place.renew(&instance).await;
        assert_eq!(renewed["valid"], true, "{renewed}");
        let log = provider.log().await;
        assert!(provider.is_live(log.newest("access_token.saved")).await);
    }
    provider.log().await.is_clean();
}

/// What Bunsen signs says when it was signed and when it ends, five minutes later.
#[database_test]
async fn an_assertion_bears_some_disagreement(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let instance = place.create("key", &Value::Null).await.success();
    for minutes in [-60, -4, -1, 1, 4] {
        provider.set(json!({"ahead": minutes * MINUTE})).await;
        let made = place.create("key", &Value::Null).await;
        assert_eq!(made.status, 200, "{minutes}: {made}");
    }
    provider.log().await.is_clean();

    provider.set(json!({"ahead": 6 * MINUTE})).await;
    let before = place.stored().await;
    let answer = place.create("key", &Value::Null).await;
    let error = answer.error(401);
    assert!(message(&error).contains("clock of this server"), "{error}");
    assert!(
        error["providerMessage"]
            .as_str()
            .is_some_and(|said| said.contains("client authentication failed")),
        "{error}"
    );
    assert!(!answer.text.contains("eyJ"), "{answer}");
    assert_eq!(place.stored().await, before);
    let log = provider.log().await;
    assert_eq!(log.refused(), [("invalid_client", "jwt expired")]);

    // The one that there is cannot be renewed, which is nothing that its owner could mend, and can when
    // the clock is right.
    let due = "update instances set renewal_due_at = now(), renewal_claimed_until = null, renewed_at = null";
    let execute = async |statement: &'static str| {
        let pool = &place.server.database.pool;
        sqlx::query(statement)
            .execute(pool)
            .await
            .expect("a statement");
    };
    execute(due).await;
    let tried = async || {
        let read = place.read(&instance).await;
        read["renewalProblem"].is_string()
    };
    until("it is tried", tried).await;
    let read = place.read(&instance).await;
    assert_eq!(read["valid"], true, "{read}");
    provider.set(json!({"ahead": 0})).await;
    execute(due).await;
    let renewed = async || place.read(&instance).await["lastRenewal"].is_string();
    until("it heals", renewed).await;
    let healed = place.read(&instance).await;
    assert!(healed.get("renewalProblem").is_none(), "{healed}");
    assert_eq!(healed["token"], instance["token"]);
}
