//! Proxies: one callback that several applications share, and nobody else.

use bunsen_test_macros::database_test;
use reqwest::Url;
use serde_json::{Value, json};

use super::{Place, body};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

const PROXIES: &str = "/elements/oauthProxies";
const SITE: &str = "acme.tidepost.example";

async fn allow(place: &Place, id: &Value, pattern: &str) -> Answer {
    let url = Url::parse_with_params("http://x/", [("applicationUrl", pattern)]).expect("a URL");
    let path = format!(
        "{PROXIES}/{id}/applicationUrl?{}",
        url.query().expect("a query")
    );
    place.call("POST", &path, None).await
}

/// As a vendor sends a browser back; it does not follow.
async fn come_back(place: &Place, callback: &str, words: &[(&str, &str)]) -> reqwest::Response {
    let path = Url::parse(callback).expect("a URL").path().to_owned();
    let url = Url::parse_with_params(&format!("{}{path}", place.server.url), words);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a client");
    client
        .get(url.expect("a URL"))
        .send()
        .await
        .expect("an answer")
}

#[database_test]
async fn applications_share_one_callback(database: TestDatabase) {
    let place = Place::start(database).await;
    let member = place
        .server
        .request("POST", &format!("/elements/api-v2{PROXIES}"));
    let member = member.header("authorization", place.server.member.header());
    Answer::of(member.json(&json!({"name": "theirs"})))
        .await
        .error(403);
    let wanted = json!({"name": "shared", "apiKey": "app", "apiSecret": "app-secret"});
    let made = place.call("POST", PROXIES, Some(&wanted)).await;
    assert!(!made.text.contains("app-secret"), "{made}");
    let made = made.success();
    let (id, callback) = (&made["id"], made["callbackUrl"].as_str().expect("a URL"));
    assert_eq!(
        (&made["apiKey"], &made["apiSecret"]),
        (&json!("app"), &json!("********"))
    );
    place.call("POST", PROXIES, Some(&wanted)).await.error(409);
    let listed = place.call("GET", PROXIES, None).await.success();
    assert_eq!(listed[0]["id"], *id);
    // Of others nobody knows.
    let foreign = place.server.foreign.header();
    for (method, path) in [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        (
            "POST",
            "/applicationUrl?applicationUrl=https://app.example/",
        ),
    ] {
        let request = place
            .server
            .request(method, &format!("/elements/api-v2{PROXIES}/{id}{path}"));
        let request = request
            .header("authorization", &foreign)
            .json(&json!({"name": "mine"}));
        Answer::of(request).await.error(404);
    }

    for pattern in ["https://**", "**", "https://.*", "javascript:**", ""] {
        let error = allow(&place, id, pattern).await.error(400);
        assert!(message(&error).contains("applicationUrl"), "{error}");
    }
    for pattern in [
        "https://app.example/**",
        "test**.com",
        "https://.*\\.apps\\.example/cb",
    ] {
        assert_eq!(allow(&place, id, pattern).await.success(), json!({}));
    }
    let renamed = json!({"name": "renamed"});
    let renamed = place
        .call("PUT", &format!("{PROXIES}/{id}"), Some(&renamed))
        .await
        .success();
    assert_eq!(renamed["applicationUrls"].as_array().map(Vec::len), Some(3));
    let path = format!("{PROXIES}/{id}/applicationUrl?applicationUrl=test**.com");
    let gone = place.call("DELETE", &path, None).await;
    assert_eq!(gone.success(), json!({}));

    // The page, by a user who needs no client.
    let query = "isOauthProxy=true&oauthProxyName=renamed&callbackProxy=true";
    let page = |state: &str| {
        format!("/elements/tidepost/oauth/url?{query}&siteAddress={SITE}&state={state}")
    };
    let state = "https%3A%2F%2Fapp.example%2Fback%3Fa%3Db";
    place.open(&page(state)).await.error(401);
    let evil = place
        .call("GET", &page("https%3A%2F%2Fevil.example%2F"), None)
        .await
        .error(400);
    assert!(message(&evil).contains("does not allow"), "{evil}");
    let url = place.call("GET", &page(state), None).await.success();
    let url = Url::parse(url["oauthUrl"].as_str().expect("a URL")).expect("a URL");
    let word = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(word("redirect_uri").as_deref(), Some(callback));
    assert_eq!(word("client_id").as_deref(), Some("app"));
    assert_eq!(
        word("state").as_deref(),
        Some("https://app.example/back?a=b")
    );
    let own = format!("{}&callbackUrl=https%3A%2F%2Fapp.example", page(state));
    place.call("GET", &own, None).await.error(400);

    let back = come_back(
        &place,
        callback,
        &[
            ("code", "c-1"),
            ("state", "https://app.example/back?a=b"),
            ("realmId", "7"),
        ],
    )
    .await;
    assert_eq!(back.status(), 303);
    let location = back.headers()["location"].to_str().expect("a text");
    assert_eq!(
        location,
        "https://app.example/back?a=b&code=c-1&state=https%3A%2F%2Fapp.example%2Fback%3Fa%3Db&realmId=7"
    );
    assert_eq!(back.headers()["referrer-policy"], "no-referrer");
    assert_eq!(back.headers()["cache-control"], "no-store");

    for bad in [
        &[("code", "c-1")][..],
        &[("code", "c-1"), ("state", "https://evil.example/")],
        &[
            ("code", "c-1"),
            ("state", "https://app.example.evil.example/"),
        ],
        &[
            ("code", "c-1"),
            ("state", "https://app.example@evil.example/"),
        ],
        &[
            ("code", "c-1"),
            ("state", "https://app.example\\@evil.example/"),
        ],
        &[("code", "c-1"), ("state", "javascript:alert(1)")],
        &[
            ("code", "c-1"),
            ("state", "//evil.example/.apps.example/cb"),
        ],
        &[
            ("code", "c-1"),
            ("state", "https://evil.example/x.apps.example/cb"),
        ],
        &[
            ("code", "c-1"),
            ("state", "https://app.example/"),
            ("state", "https://evil.example/"),
        ],
        &[("code", "c-1"), ("state", "https://test1.com/")],
        &[
            ("code", "c-1"),
            ("state", "https://app.example/\r\nset-cookie: a=b"),
        ],
        &[("code", "c-1"), ("state", "https://app.example/x#y")],
    ] {
        let answer = come_back(&place, callback, bad).await;
        assert_eq!(answer.status(), 400, "{bad:?}");
        assert!(!answer.headers().contains_key("location"), "{bad:?}");
        let page = answer.text().await.expect("a page");
        assert!(
            !page.contains("<script") && page.contains("You are not sent on"),
            "{page}"
        );
    }

    // The create names the proxy, and neither client nor callback.
    let vendors = place.vendor.world().codes.len();
    place.vendor.code("c-1");
    let mut request = body(
        "tidepost",
        json!({"site.address": SITE}),
        json!({"code": "c-1"}),
    );
    request["oauthProxy"] = json!({"isOauthProxy": true, "oauthProxyName": "renamed"});
    place.vendor.calls();
    // The vendor of these tests knows one callback, which is not the proxy's.
    place.create(&request).await.error(401);
    let asked = &place.vendor.calls()[0].2;
    let asked: Vec<(String, String)> = url::form_urlencoded::parse(asked.as_bytes())
        .into_owned()
        .collect();
    assert!(
        asked.contains(&("redirect_uri".into(), callback.into())),
        "{asked:?}"
    );
    assert!(
        asked.contains(&("client_secret".into(), "app-secret".into())),
        "{asked:?}"
    );
    assert_eq!(place.vendor.world().codes.len(), vendors + 1);
    request["configuration"]["oauth.callback.url"] = json!(super::CALLBACK);
    let made = place.create(&request).await;
    assert!(
        !made.text.contains("app-secret") && !made.text.contains("oauth.api."),
        "{made}"
    );
    let made = made.success();
    let mut unknown = request.clone();
    unknown["oauthProxy"]["oauthProxyName"] = json!("nobody's");
    place.create(&unknown).await.error(400);

    let path = format!("{PROXIES}/{id}");
    place.call("DELETE", &path, None).await.error(409);
    place
        .call("DELETE", &format!("/instances/{}", made["id"]), None)
        .await;
    assert_eq!(place.call("DELETE", &path, None).await.status, 200);
    place.call("GET", &path, None).await.error(404);
    assert_eq!(
        come_back(&place, callback, &[("state", "https://app.example/back")])
            .await
            .status(),
        404
    );
}
