//! `/oauth/url`: the address that a browser opens.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{BASE, CALLBACK, Place};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

const QUERY: &str =
    "apiKey=the%20key&apiSecret=anything&callbackUrl=https%3A%2F%2Fapp.example%2Fback";

#[database_test]
async fn the_address_holds_what_was_asked_for(database: TestDatabase) {
    let place = Place::start(database).await;
    let query = format!("{QUERY}&siteAddress=acme.tidepost.example");
    let answer = place
        .open(&format!("/elements/tidepost/oauth/url?{query}"))
        .await
        .success();
    let page = format!(
        "{}/_host/acme.tidepost.example/authorize?response_type=code&client_id=the%20key\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fback&scope=read&state=tidepost",
        place.vendor.url
    );
    assert_eq!(answer, json!({"element": "tidepost", "oauthUrl": page}));
    // The key is answered, whatever was asked with; every entry can fill the address.
    let more = format!("{QUERY}&site.address=b.tidepost.example&scope=a%20b&state=s%261&x=y");
    let answer = place
        .open(&format!("/elements/9001/oauth/url?{more}"))
        .await
        .success();
    assert_eq!(answer["element"], "tidepost");
    let url = answer["oauthUrl"].as_str().expect("a text");
    assert!(url.contains("/_host/b.tidepost.example/"), "{url}");
    assert!(url.ends_with("&scope=a%20b&state=s%261"), "{url}");
    let words = json!({"apiKey": "the key", "apiSecret": "anything", "callbackUrl": CALLBACK,
        "siteAddress": "acme.tidepost.example", "state": null, "requestToken": null, "isOAuthProxy": false});
    let path = "/elements/tidepost/oauth/url";
    let answer = place.call("POST", path, Some(&words)).await.success();
    assert_eq!(answer["oauthUrl"], page);
    assert_eq!(place.vendor.calls(), []);
}

#[database_test]
async fn what_is_missing_or_wrong_is_named(database: TestDatabase) {
    let place = Place::start(database).await;
    let url = |key: &str, query: &str| format!("/elements/{key}/oauth/url?{query}");
    for (path, status, told) in [
        (
            url("tidepost", ""),
            400,
            "missing: apiKey, apiSecret, callbackUrl",
        ),
        (
            url("tidepost", "apiKey=k&apiSecret=&callbackUrl=c"),
            400,
            "missing: apiSecret",
        ),
        (url("tidepost", QUERY), 400, "'site.address': is needed for"),
        (
            url("tidepost", &format!("{QUERY}&siteAddress=a%2F..%2Fb")),
            400,
            "site.address",
        ),
        (
            url("tidepost", &format!("{QUERY}&siteAddress=a%20b")),
            400,
            "site.address",
        ),
        (
            url("tidepost", &format!("{QUERY}&authentication.type=basic")),
            400,
            "'authentication.type' must name a log-in with a browser: oauth2.",
        ),
        (
            url(
                "tidepost",
                &format!("{QUERY}&siteAddress=a.example&state={}", "s".repeat(9000)),
            ),
            400,
            "longer than 8192",
        ),
        (
            url(
                "tidepost",
                &format!("{QUERY}&isOauthProxy=true&oauthProxyName=x"),
            ),
            401,
            "OAuth proxy",
        ),
        (
            url("tideold", &format!("{QUERY}&siteAddress=a.example")),
            400,
            "requestToken",
        ),
        (url("nothing-of-the-kind", QUERY), 404, "No element found"),
        (url("tidepos", QUERY), 404, "Did you mean 'tidepost'?"),
        ("/elements/tidepost/oauth/token".to_owned(), 400, "OAuth 1"),
        (
            "/elements/tideold/oauth/token".to_owned(),
            400,
            "missing: apiKey",
        ),
    ] {
        let answer = place.open(&path).await;
        let error = answer.error(status);
        assert!(message(&error).contains(told), "{path}: {error}");
        assert!(!answer.text.contains("anything"), "{path}");
    }
    let wrong = place.server.request(
        "GET",
        &format!("{BASE}/elements/tidepost/oauth/url?{QUERY}"),
    );
    Answer::of(wrong.header("authorization", "User x, Organization y"))
        .await
        .error(401);
    assert_eq!(place.vendor.calls(), []);
}
