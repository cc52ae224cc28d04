//! What is good once: codes and refresh tokens that somebody uses again. The provider then ends the
//! whole grant, and it shall be that one alone, said truthfully, and healed by its owner.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, id, path, secret};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

/// The instance needs its owner and says why; what else it has stays.
#[track_caller]
fn needs_its_owner(read: &Value, instance: &Value) {
    assert_eq!(read["valid"], false, "{read}");
    assert_eq!(
        (&read["id"], &read["token"]),
        (&instance["id"], &instance["token"])
    );
    let reason = read["invalidReason"].as_str().expect("a reason");
    assert!(reason.contains("refused the refresh token"), "{reason}");
    // The provider has answered everything: nothing was lost on the way.
    assert!(!reason.contains("lost"), "{reason}");
    assert!(read["invalidSince"].is_string() && read.get("nextRenewal").is_none());
}

/// Its owner allows access once more, to the same instance.
async fn heal(place: &Place, kind: &'static str, instance: &Value) {
    let brought = place.brought(kind).await;
    let body = place.body(kind, &brought);
    let healed = place
        .call("PUT", &path(instance), Some(&body))
        .await
        .success();
    assert_eq!(healed["valid"], true, "{healed}");
    assert_eq!(
        (&healed["id"], &healed["token"]),
        (&instance["id"], &instance["token"])
    );
    assert!(healed.get("invalidReason").is_none() && healed["nextRenewal"].is_string());
    let renewed = place.renew(instance).await;
    assert_eq!(renewed["valid"], true, "{renewed}");
    let log = place.provider.log().await;
    assert!(
        place
            .provider
            .is_live(log.newest("access_token.saved"))
            .await
    );
}

#[database_test]
async fn a_code_is_good_once(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let other = place.connected("form").await;
    let brought = place.brought("code").await;
    let first = place.create("code", &brought).await.success();
    let log = provider.log().await;
    let (access, refresh) = (
        log.newest("access_token.saved").to_owned(),
        log.newest("refresh_token.saved").to_owned(),
    );
    assert!(provider.is_live(&access).await);

    let again = place.create("code", &brought).await;
    let error = again.error(401);
    assert!(error["providerMessage"].is_string(), "{error}");
    assert_eq!(place.stored().await, 2);
    let log = provider.log().await;
    assert_eq!(log.count("grant.revoked"), 1);
    let (_, meant) = log.refused().pop().expect("a refusal");
    assert_eq!(meant, "authorization code already consumed");
    for token in [&access, &refresh] {
        assert!(
            !provider.is_live(token).await,
            "the provider has ended what it gave"
        );
    }

    // The next renewal finds out, and the neighbour has nothing to do with it.
    needs_its_owner(&place.renew(&first).await, &first);
    let renewed = place.renew(&other).await;
    assert_eq!(renewed["valid"], true, "{renewed}");
    heal(&place, "code", &first).await;
    assert_eq!(provider.log().await.count("grant.revoked"), 1);
}

/// The same code in several requests at once makes one instance at most, and never a wrong answer.
#[database_test]
async fn a_code_in_two_requests_makes_one_instance(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let brought = place.brought("code").await;
    let calls = (0..4).map(|_| place.create("code", &brought));
    let answers = futures_util::future::join_all(calls).await;
    let made: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert!([401, 409].contains(&answer.status), "{answer}");
    }
    assert!(made.len() <= 1, "{made:?}");
    assert_eq!(place.stored().await, made.len() as i64);
    let log = place.provider.log().await;
    assert_eq!(log.count("authorization_code.consumed"), 1);
    // Where the provider has ended the grant for it, the instance says so when it is next renewed.
    for answer in made {
        let instance = answer.json();
        let renewed = place.renew(&instance).await;
        assert_eq!(
            renewed["valid"],
            json!(log.count("grant.revoked") == 0),
            "{renewed}"
        );
    }
}

#[database_test]
async fn a_stolen_refresh_token_ends_one_instance(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let neighbour = place.connected("code").await;
    let instance = place.connected("code").await;
    let first = provider
        .log()
        .await
        .newest("refresh_token.saved")
        .to_owned();
    place.renew(&instance).await;
    let second = provider
        .log()
        .await
        .newest("refresh_token.saved")
        .to_owned();

    // The thief has an old one: the whole family ends.
    let caught = provider.steal("code", &first).await;
    assert_eq!(caught.json()["error"], "invalid_grant");
    assert_eq!(provider.log().await.count("grant.revoked"), 1);
    assert!(!provider.is_live(&second).await);
    needs_its_owner(&place.renew(&instance).await, &instance);
    heal(&place, "code", &instance).await;

    // The thief has the newest one and is quicker: it is Bunsen's use that gives it away.
    let third = provider
        .log()
        .await
        .newest("refresh_token.saved")
        .to_owned();
    let stolen = provider.steal("code", &third).await.success();
    let theirs = stolen["refresh_token"].as_str().expect("a token");
    assert!(provider.is_live(theirs).await);
    needs_its_owner(&place.renew(&instance).await, &instance);
    assert!(
        !provider.is_live(theirs).await,
        "the thief has nothing any more"
    );
    assert_eq!(provider.log().await.count("grant.revoked"), 2);
    // What is refused once is not asked again and again.
    let asked = provider.log().await.refused().len();
    let body = json!({"name": "another name"});
    place
        .call("PATCH", &path(&instance), Some(&body))
        .await
        .success();
    assert_eq!(provider.log().await.refused().len(), asked);
    heal(&place, "code", &instance).await;

    let renewed = place.renew(&neighbour).await;
    assert_eq!(renewed["valid"], true, "{renewed}");
}

/// Somebody takes the application away on the provider's side.
#[database_test]
async fn a_revoked_token_is_found_out(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let provider = &place.provider;
    let instance = place.connected("form").await;
    let token = provider
        .log()
        .await
        .newest("refresh_token.saved")
        .to_owned();
    let pairs = [
        ("token", token.as_str()),
        ("client_id", &id("form")),
        ("client_secret", &secret("form")),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let revoked = provider
        .request("POST", "/token/revocation")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    assert_eq!(Answer::of(revoked).await.status, 200);
    needs_its_owner(&place.renew(&instance).await, &instance);
    // Deleting what the provider has ended already is no failure.
    let deleted = place.call("DELETE", &path(&instance), None).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    let gone = place.call("GET", &path(&instance), None).await.error(404);
    assert!(message(&gone).contains("instance"), "{gone}");
}
