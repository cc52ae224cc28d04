//! `externalAuthentication`: tokens that the caller got in another way.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, application, with};
use crate::answer::message;
use crate::database::TestDatabase;

fn initial(more: Value) -> Value {
    json!({"element": {"key": "tidepost"}, "name": "from elsewhere", "externalAuthentication": "initial",
           "configuration": with(&application(), more)})
}

#[database_test]
async fn a_refresh_token_is_used_at_once(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.world().refresh_tokens.push("given".to_owned());
    let tokens = json!({"oauth.user.refresh_token": "given", "oauth.user.token": "stale"});
    let created = place.create(&initial(tokens.clone())).await.success();
    assert_eq!(created["externalAuthentication"], "initial");
    let calls = place.vendor.calls();
    assert!(calls[0].2.contains("refresh_token=given"), "{calls:?}");
    assert_eq!(calls.len(), 2);
    // The next renewal takes the new one.
    let moved = json!({"configuration": {"site.address": "b.tidepost.example"}});
    let path = format!("/instances/{}", created["id"]);
    place.call("PATCH", &path, Some(&moved)).await.success();
    assert!(
        place.vendor.calls()[0]
            .2
            .contains("refresh_token=refresh-1")
    );

    let used = place.create(&initial(tokens)).await.error(401);
    assert_eq!(used["providerMessage"], "******** is not good");
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn an_access_token_alone_is_tried(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.world().access_tokens.push("good".to_owned());
    let created = place
        .create(&initial(json!({"oauth.user.token": "good"})))
        .await
        .success();
    assert_eq!(created["configuration"]["oauth.user.token"], "********");
    let paths: Vec<String> = place
        .vendor
        .calls()
        .into_iter()
        .map(|call| call.1)
        .collect();
    assert_eq!(paths, ["/v3/me"]);
    place
        .create(&initial(json!({"oauth.user.token": "bad"})))
        .await
        .error(401);
    let error = place.create(&initial(json!({}))).await.error(400);
    for key in ["oauth.user.refresh_token", "oauth.user.token"] {
        assert!(message(&error).contains(key), "{error}");
    }
    let mut other = initial(json!({"oauth.user.token": "good"}));
    other["externalAuthentication"] = json!("later");
    place.create(&other).await.error(400);
    // The same tokens as the vendor's page hands them out without a code.
    let data = json!({"access_token": "good", "expires_in": 60});
    let created = place
        .create(&super::body("tidepost", application(), data))
        .await
        .success();
    assert_eq!(
        created["configuration"]["oauth.user.refresh_interval"],
        "********"
    );
    assert_eq!(place.stored().await, 2);
}
