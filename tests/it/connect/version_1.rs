//! Connecting by OAuth 1: a request token, the vendor's page, signed calls.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{PUBLIC_URL, Place, RETURN, client};
use crate::database::TestDatabase;

fn body() -> Value {
    json!({"element": "tideold", "returnUrl": RETURN, "configuration": client()})
}

/// As far as the vendor's page.
async fn set_out(place: &Place, path: &str) -> (String, String) {
    place.set_out("tideold", path, "oauth1").await
}

/// Where the vendor's page sends the browser, without the server's own address.
fn local(url: &str) -> &str {
    url.strip_prefix(PUBLIC_URL).expect("our own address")
}

#[database_test]
async fn a_walk_of_version_1_connects(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&body()).await;
    let (url, cookie) = set_out(&place, &path).await;
    assert!(
        url.contains("oauth_token=token-1") && !url.contains("s3cret"),
        "{url}"
    );
    let back = place.vendor.world().version_1.allow(&url);
    let back = local(&back);

    let another = format!("bunsen-connect={}", "A".repeat(43));
    for cookie in [None, Some(another.as_str())] {
        place
            .get(back, cookie)
            .await
            .says(403, "begun in another browser");
    }
    let done = place.get(back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let outcome = place.outcome(id).await;
    assert_eq!(outcome["status"], "connected");
    let before = place.instance(&outcome["instanceId"]).await;
    let configuration = &before["configuration"];
    assert_eq!(
        configuration["oauth.callback.url"],
        format!("{PUBLIC_URL}/connect/callback")
    );
    assert_eq!(configuration["vendor.account.id"], "1");
    place
        .get(back, Some(&cookie))
        .await
        .says(200, "Your account is connected");
    assert_eq!(place.stored().await, 1);

    // Once more, as the same person, then as another one.
    let (_, path) = place.link(&json!({"instanceId": before["id"]})).await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = place.vendor.world().version_1.allow(&url);
    let done = place.get(local(&back), Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    place.vendor.world().person = 2;
    let (_, path) = place.link(&json!({"instanceId": before["id"]})).await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = place.vendor.world().version_1.allow(&url);
    place
        .get(local(&back), Some(&cookie))
        .await
        .says(409, "Is this another account?");
    let after = place.instance(&before["id"]).await;
    assert_eq!(after["configuration"]["vendor.account.id"], "1");
    assert_eq!(after["token"], before["token"]);
}

#[database_test]
async fn what_comes_back_is_of_the_token_that_was_asked_for(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&body()).await;
    // Somebody else's token, which they have allowed: nobody is to end up with their account.
    let (of_other, _) = set_out(&place, &path).await;
    let of_other = place.vendor.world().version_1.allow(&of_other);
    let (_, of_other) = of_other.split_once("&oauth_token=").expect("a token");
    let (url, cookie) = set_out(&place, &path).await;
    let back = place.vendor.world().version_1.allow(&url);
    let (back, _) = local(&back).split_once("&oauth_token=").expect("a token");
    let page = place
        .get(&format!("{back}&oauth_token={of_other}"), Some(&cookie))
        .await;
    page.says(403, "This did not come from Tideold");

    let (url, cookie) = set_out(&place, &path).await;
    let no = place.vendor.world().version_1.deny(&url);
    let page = place.get(local(&no), Some(&cookie)).await;
    page.says(200, "Access was not allowed");
    assert_eq!(place.outcome(id).await["status"], "failed");

    let (url, cookie) = set_out(&place, &path).await;
    let back = place.vendor.world().version_1.allow(&url);
    let forged = local(&back).replace("oauth_verifier=yes", "oauth_verifier=no");
    let page = place.get(&forged, Some(&cookie)).await;
    page.says(401, "Tideold did not let us in");
    assert_eq!(place.stored().await, 0);
}

#[database_test]
async fn a_client_that_the_vendor_does_not_know_is_told(database: TestDatabase) {
    let place = Place::start(database).await;
    let mut body = body();
    body["configuration"]["oauth.api.secret"] = json!("wrong-s3cret");
    let (_, path) = place.link(&body).await;
    let (form, cookie) = place.form_of("tideold", &path, "oauth1").await;
    let page = place.post(&path, Some(&cookie), &form).await;
    page.says(401, "Tideold did not let us in");
    assert!(!page.answer.text.contains("wrong-s3cret"));
}
