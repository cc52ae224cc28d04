//! Connected again, as somebody else: asked first, whatever way it was found out.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, RETURN, client};
use crate::database::TestDatabase;

/// An instance of person 1, by the vendor's page.
async fn connected(place: &Place) -> Value {
    let body = json!({"element": "tideline", "returnUrl": RETURN, "configuration": client()});
    let (id, path) = place.link(&body).await;
    let (url, cookie) = place.set_out("tideline", &path, "oauth2").await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    place.instance(&place.outcome(id).await["instanceId"]).await
}

#[database_test]
async fn who_is_somebody_else_at_the_vendor_is_asked(database: TestDatabase) {
    let place = Place::start(database).await;
    let before = connected(&place).await;
    let of_before = &before["configuration"];
    assert_eq!(of_before["vendor.account.id"], "1");
    assert_eq!(of_before["vendor.account.name"], "Person 1");

    place.vendor.world().person = 2;
    let (id, path) = place
        .link(&json!({"instanceId": before["id"], "returnUrl": RETURN}))
        .await;
    let page = place.get(&path, None).await;
    page.says(200, "<strong>Person 1</strong>");
    let (url, cookie) = place.set_out("tideline", &path, "oauth2").await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let asked = place.get(&back, Some(&cookie)).await;
    asked.says(409, "Is this another account?");
    for told in [
        "<strong>Person 1</strong>",
        "<strong>Person 2</strong>",
        "value=\"acme\"",
    ] {
        assert!(asked.answer.text.contains(told), "{told}: {}", asked.answer);
    }
    // Nothing has been switched, and the application sees that it is not over.
    let same = place.instance(&before["id"]).await;
    assert_eq!(same, before);
    assert_eq!(place.outcome(id).await["status"], "failed");

    // Not said to be meant: asked again. Said: connected, and it is still the same instance.
    let mut form = asked.hidden();
    form.insert("c.site".to_owned(), "acme".to_owned());
    form.insert("c.region".to_owned(), "eu".to_owned());
    let url = place.leave(&path, &cookie, &form).await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    place
        .get(&back, Some(&cookie))
        .await
        .says(409, "Is this another account?");
    form.insert("other".to_owned(), "yes".to_owned());
    let url = place.leave(&path, &cookie, &form).await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let after = place.instance(&before["id"]).await;
    assert_eq!(after["configuration"]["vendor.account.name"], "Person 2");
    assert_eq!(after["token"], before["token"]);
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn the_same_person_is_not_asked(database: TestDatabase) {
    let place = Place::start(database).await;
    let before = connected(&place).await;
    let (_, path) = place.link(&json!({"instanceId": before["id"]})).await;
    let (url, cookie) = place.set_out("tideline", &path, "oauth2").await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
}

#[database_test]
async fn a_key_of_somebody_else_is_asked_about_too(database: TestDatabase) {
    let place = Place::start(database).await;
    let passwords = [("pin".to_owned(), "1111".to_owned())];
    place.vendor.world().passwords.extend(passwords);
    let (id, path) = place.link(&json!({"element": "tideline"})).await;
    let (mut form, cookie) = place.form(&path, "pin").await;
    form.insert("c.old.pin".to_owned(), "1111".to_owned());
    form.insert("c.sort".to_owned(), "long".to_owned());
    let done = place.post(&path, Some(&cookie), &form).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let instance = place.outcome(id).await["instanceId"].clone();

    // Nothing that is shown has changed: only the vendor can tell.
    place.vendor.world().person = 2;
    let (_, path) = place.link(&json!({"instanceId": instance})).await;
    let (hidden, cookie) = place.form(&path, "pin").await;
    form.extend(hidden);
    let asked = place.post(&path, Some(&cookie), &form).await;
    asked.says(409, "Is this another account?");
    assert!(!asked.answer.text.contains("1111"));
    let same = place.instance(&instance).await;
    assert_eq!(same["configuration"]["vendor.account.id"], "1");
    form.insert("other".to_owned(), "yes".to_owned());
    let done = place.post(&path, Some(&cookie), &form).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
}

#[database_test]
async fn callers_of_the_api_may_move_an_instance(database: TestDatabase) {
    let place = Place::start(database).await;
    let before = connected(&place).await;
    let path = format!("/instances/{}", before["id"]);
    // Whose account it is only the vendor says.
    let forged = json!({"name": "n", "configuration": {"vendor.account.id": "7", "vendor.account.name": "x"}});
    let same = place.call("PATCH", &path, Some(&forged)).await.success();
    assert_eq!(same["configuration"]["vendor.account.id"], "1");

    let (name, word) = ("robert", "r0bert");
    let passwords = [(name.to_owned(), word.to_owned())];
    place.vendor.world().passwords.extend(passwords);
    let body = json!({"configuration": {"authentication.type": "basic", "username": name, "password": word}});
    let moved = place.call("PATCH", &path, Some(&body)).await.success();
    assert_eq!(moved["configuration"]["vendor.account.id"], "6");
    assert_eq!(moved["token"], before["token"]);
}
