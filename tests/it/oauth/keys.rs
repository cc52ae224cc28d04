//! Log-ins by a private key.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, application, with};
use crate::answer::message;
use crate::database::TestDatabase;

const KEY: &str = include_str!("../../../engine/src/oauth/assertion/key.pem");

fn by_key(more: Value) -> Value {
    let own = with(
        &application(),
        json!({"tide.user": "agreed", "tide.private.key": KEY}),
    );
    json!({"element": {"key": "tidekey"}, "name": "by key", "configuration": with(&own, more)})
}

#[database_test]
async fn a_private_key_logs_in(database: TestDatabase) {
    let place = Place::start(database).await;
    let created = place.create(&by_key(json!({}))).await;
    assert!(!created.text.contains("PRIVATE KEY"));
    assert_eq!(
        created.success()["configuration"]["tide.private.key"],
        "********"
    );
    let calls = place.vendor.calls();
    assert!(calls[0].2.contains("&assertion=eyJ"), "{calls:?}");

    for (key, told) in [
        ("nothing", "RSA private key in PEM form"),
        (
            "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
            "public half",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "damaged",
        ),
    ] {
        let error = place
            .create(&by_key(json!({"tide.private.key": key})))
            .await
            .error(400);
        assert!(
            message(&error).contains("configuration 'tide.private.key': "),
            "{error}"
        );
        assert!(message(&error).contains(told), "{error}");
    }
    assert_eq!(place.vendor.calls(), []);
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn who_must_agree_first_is_told_where(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place.create(&by_key(json!({"tide.user": "new"}))).await;
    let error = answer.error(401);
    let page = format!(
        "Open once: {}/_host/acme.tidepost.example/authorize?client_id=app",
        place.vendor.url
    );
    assert_eq!(message(&error), page);
    assert_eq!(error["providerMessage"], "consent_required");
    assert!(!answer.text.contains("app-secret"));
    assert_eq!(place.stored().await, 0);
}

/// Who may use the key of a stored client, and does not have it, logs in as whom the client names.
#[database_test]
async fn a_stored_key_signs_for_whom_its_client_names(database: TestDatabase) {
    const CLIENT: &str = "/elements/tidekey/oauth/client";
    let place = Place::start(database).await;
    let keep = async |configuration: Value| {
        let client =
            json!({"apiKey": "app", "apiSecret": "app-secret", "configuration": configuration});
        place.call("PUT", CLIENT, Some(&client)).await.success();
    };
    let create = async |more: Value| {
        let own = json!({"site.address": "acme.tidepost.example"});
        let body = json!({"element": {"key": "tidekey"}, "name": "by key", "configuration": with(&own, more)});
        place.create(&body).await
    };
    keep(json!({"tide.private.key": KEY, "tide.user": "agreed"})).await;
    let error = create(json!({"tide.user": "another"})).await.error(400);
    assert!(
        message(&error).contains("configuration 'tide.user': "),
        "{error}"
    );
    assert_eq!(place.vendor.calls(), []);
    let made = create(json!({"tide.user": "agreed"})).await.success();
    create(json!({})).await.success();
    place.vendor.calls();
    // Later it cannot be changed either.
    let path = format!("/instances/{}", made["id"]);
    let change = json!({"configuration": {"tide.user": "another"}});
    place.call("PATCH", &path, Some(&change)).await.error(400);
    assert_eq!(place.vendor.calls(), []);
    // A key of the caller's own signs for anybody; the vendor has the last word.
    let own = create(json!({"tide.user": "another", "tide.private.key": KEY})).await;
    own.error(401);
    assert_eq!(place.vendor.calls().len(), 1);

    // A client that names nobody is for all whom the vendor lets it log in.
    keep(json!({"tide.private.key": KEY})).await;
    create(json!({"tide.user": "agreed"})).await.success();
    create(json!({"tide.user": "another"})).await.error(401);
}
