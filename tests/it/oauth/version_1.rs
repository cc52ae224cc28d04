//! OAuth 1: a request token, the page, the access token, signed calls.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Place, application, body};
use crate::answer::message;
use crate::database::TestDatabase;

#[database_test]
async fn the_walk_of_version_1(database: TestDatabase) {
    let place = Place::start(database).await;
    let query = "apiKey=app&apiSecret=app-secret&callbackUrl=https%3A%2F%2Fapp.example%2Fback\
                 &siteAddress=acme.tidepost.example";
    let answer = place
        .open(&format!("/elements/tideold/oauth/token?{query}"))
        .await
        .success();
    assert_eq!(answer, json!({"token": "rt", "secret": "rs"}));
    let path = format!("/elements/tideold/oauth/url?{query}&requestToken=rt");
    let page = place.open(&path).await.success();
    let url = page["oauthUrl"].as_str().expect("a text");
    assert!(
        url.ends_with("/_host/acme.tidepost.example/authorize?oauth_token=rt"),
        "{url}"
    );
    place.vendor.calls();

    let data = json!({"oauth_token": "rt", "oauth_verifier": "no", "secret": "rs"});
    place
        .create(&body("tideold", application(), data))
        .await
        .error(401);
    assert_eq!(place.stored().await, 0);
    let data = json!({"oauth_token": "rt", "oauth_verifier": "yes", "secret": "rs"});
    let created = place
        .create(&body("tideold", application(), data))
        .await
        .success();
    for key in ["oauth.user.token", "oauth.user.token.secret"] {
        assert_eq!(created["configuration"][key], "********");
    }
    let paths: Vec<String> = place
        .vendor
        .calls()
        .into_iter()
        .map(|call| call.1)
        .collect();
    assert_eq!(paths, ["/access", "/access", "/v3/me"]);
    let error = place
        .create(&body("tideold", application(), json!({})))
        .await
        .error(400);
    assert!(message(&error).contains("oauth_verifier"), "{error}");
}
