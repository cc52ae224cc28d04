//! Instances that are made of a code.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, application, body, with};
use crate::answer::message;
use crate::database::TestDatabase;

#[database_test]
async fn a_code_makes_an_instance_once(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.code("c0de-1");
    let data = json!({"code": "c0de-1", "state": "tidepost", "realmId": null, "debug": false, "other": {"a": 1}});
    let request = body("tidepost", application(), data);
    let created = place.create(&request).await;
    let instance = created.success();
    for hidden in [
        "c0de-1",
        "providerData",
        "access-1",
        "refresh-1",
        "app-secret",
    ] {
        assert!(!created.text.contains(hidden), "{hidden}: {created}");
    }
    let shown = &instance["configuration"];
    assert_eq!(shown["oauth.user.token"], "********");
    assert_eq!(shown["oauth.user.refresh_token"], "********");
    assert_eq!(instance["externalAuthentication"], "none");
    let calls = place.vendor.calls();
    let paths: Vec<&str> = calls.iter().map(|(_, path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/token", "/v3/me"]);
    assert_eq!(calls[1].0, "acme.tidepost.example");

    let again = place.create(&request).await;
    let error = again.error(401);
    assert_eq!(error["providerMessage"], "******** is not good", "{error}");
    assert!(message(&error).contains("good once"), "{error}");
    assert!(!again.text.contains("c0de-1"));
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn what_the_vendors_page_said_is_told(database: TestDatabase) {
    let place = Place::start(database).await;
    let said = json!({"error": "access_denied\n<b>no</b>", "state": "tidepost"});
    let error = place
        .create(&body("tidepost", application(), said))
        .await
        .error(401);
    assert_eq!(error["providerMessage"], "access_denied <b>no</b>");
    assert!(message(&error).contains("access_denied"));
    for nothing in [
        json!(null),
        json!({}),
        json!({"code": null, "state": "x"}),
        json!({"code": ""}),
    ] {
        let error = place
            .create(&body("tidepost", application(), nothing))
            .await
            .error(400);
        assert!(message(&error).contains("providerData.code"), "{error}");
        assert!(
            message(&error).contains("/elements/tidepost/oauth/url"),
            "{error}"
        );
    }
    let odd = json!({"code": "a\u{0}b"});
    place
        .create(&body("tidepost", application(), odd))
        .await
        .error(400);
    place
        .create(&body("tidepost", application(), json!("c0de")))
        .await
        .error(400);
    // Another callback than the page was asked with.
    place.vendor.code("c0de-2");
    let other = with(
        &application(),
        json!({"oauth.callback.url": "https://other.example"}),
    );
    place
        .create(&body("tidepost", other, json!({"code": "c0de-2"})))
        .await
        .error(401);
    assert_eq!(place.stored().await, 0);
}

#[database_test]
async fn an_instance_is_allowed_again_and_stays_itself(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.code("c0de-1");
    let data = json!({"code": "c0de-1"});
    let created = place
        .create(&body("tidepost", application(), data))
        .await
        .success();
    let path = format!("/instances/{}", created["id"]);
    place.vendor.calls();

    place.vendor.code("c0de-2");
    let mut whole = created.clone();
    whole["providerData"] = json!({"code": "c0de-2"});
    let put = place.call("PUT", &path, Some(&whole)).await;
    assert!(!put.text.contains("providerData"));
    let put = put.success();
    assert_eq!(
        (&put["id"], &put["token"]),
        (&created["id"], &created["token"])
    );
    assert_eq!(place.vendor.calls().len(), 2);
    assert_eq!(place.generation(&created).await, 2);
    // A used code changes nothing.
    let used = json!({"providerData": {"code": "c0de-2"}});
    place.call("PATCH", &path, Some(&used)).await.error(401);
    assert_eq!(place.generation(&created).await, 2);
    place.vendor.calls();

    // What decides on the host is asked about with the refresh token that there is.
    let moved = json!({"configuration": {"site.address": "b.tidepost.example"}});
    let moved = place.call("PATCH", &path, Some(&moved)).await.success();
    assert_eq!(moved["configuration"]["site.address"], "b.tidepost.example");
    let calls = place.vendor.calls();
    assert!(calls[0].2.contains("refresh_token=refresh-2"), "{calls:?}");
    assert_eq!(calls[1].0, "b.tidepost.example");
    // The new refresh token is the one that is stored.
    let back = json!({"configuration": {"site.address": "acme.tidepost.example"}});
    place.call("PATCH", &path, Some(&back)).await.success();
    assert!(
        place.vendor.calls()[0]
            .2
            .contains("refresh_token=refresh-3")
    );
    // A round trip asks nobody.
    let read: Value = place.call("GET", &path, None).await.success();
    place.call("PUT", &path, Some(&read)).await.success();
    assert_eq!(place.vendor.calls(), []);
}

/// Others change the same instance while a code is being exchanged: what it gave is kept.
#[database_test]
async fn a_code_is_not_lost_to_a_race(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.code("c0de-0");
    let data = json!({"code": "c0de-0"});
    let created = place
        .create(&body("tidepost", application(), data))
        .await
        .success();
    let path = format!("/instances/{}", created["id"]);
    let codes: Vec<Value> = (1..6)
        .map(|number| {
            let code = format!("c0de-{number}");
            place.vendor.code(&code);
            json!({"providerData": {"code": code}})
        })
        .collect();
    let notes: Vec<Value> = (1..6)
        .map(|number| json!({"configuration": {"event.objects": number.to_string()}}))
        .collect();
    let both = codes.iter().chain(&notes);
    let calls = both.map(|change| place.call("PATCH", &path, Some(change)));
    for answer in futures_util::future::join_all(calls).await {
        answer.success();
    }
    assert_eq!(place.vendor.world().codes, Vec::<String>::new());
    let moved = json!({"configuration": {"site.address": "b.tidepost.example"}});
    place.call("PATCH", &path, Some(&moved)).await.success();
}
