//! Clients that are kept for those who log in: nobody reads them, and they go nowhere else.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{BASE, CALLBACK, Place, body};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::Caller;

const CLIENT: &str = "/elements/tidepost/oauth/client";
const SITE: &str = "acme.tidepost.example";

fn kept(secret: &str) -> Value {
    json!({"apiKey": "app", "apiSecret": secret, "callbackUrl": CALLBACK})
}

async fn by(
    place: &Place,
    caller: &Caller,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let request = place.server.request(method, &format!("{BASE}{path}"));
    let request = request.header("authorization", caller.header());
    Answer::of(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// With neither id nor secret.
fn by_code(place: &Place, code: &str) -> Value {
    place.vendor.code(code);
    body(
        "tidepost",
        json!({"site.address": SITE}),
        json!({"code": code}),
    )
}

fn move_to(site: &str) -> Value {
    json!({"configuration": {"site.address": site}})
}

#[database_test]
async fn an_instance_is_made_with_what_nobody_reads(database: TestDatabase) {
    let place = Place::start(database).await;
    let member = &place.server.member;
    let refused = by(
        &place,
        member,
        "POST",
        "/instances",
        Some(&by_code(&place, "c-0")),
    )
    .await;
    refused.error(400);
    for method in ["PUT", "GET", "DELETE"] {
        let body = (method == "PUT").then(|| kept("app-secret"));
        by(&place, member, method, CLIENT, body.as_ref())
            .await
            .error(403);
    }
    let put = place.call("PUT", CLIENT, Some(&kept("app-secret"))).await;
    assert!(!put.text.contains("app-secret"), "{put}");
    let read = place.call("GET", CLIENT, None).await.success();
    assert_eq!(read["apiKey"], "app");
    assert_eq!(read["apiSecret"], "********");
    assert_eq!(read["level"], "organization");

    // Nobody else's organization has it.
    let foreign = &place.server.foreign;
    let code = by_code(&place, "c-1");
    by(&place, foreign, "POST", "/instances", Some(&code))
        .await
        .error(400);
    by(&place, foreign, "GET", CLIENT, None).await.error(404);

    let url = format!("/elements/tidepost/oauth/url?siteAddress={SITE}&callbackUrl={CALLBACK}");
    let open = place.open(&url).await.error(400);
    assert!(message(&open).contains("apiKey, apiSecret"), "{open}");
    let asked = by(&place, member, "GET", &url, None).await;
    let page = asked.success();
    let page = page["oauthUrl"].as_str().expect("a URL");
    assert!(page.contains("client_id=app&"), "{page}");
    assert!(!page.contains("secret"), "{page}");

    place.vendor.calls();
    let created = by(&place, member, "POST", "/instances", Some(&code)).await;
    let instance = created.success();
    let path = format!("/instances/{}", instance["id"]);
    let token = &place.vendor.calls()[0];
    assert!(
        token.2.contains("client_id=app&client_secret=app-secret"),
        "{token:?}"
    );
    let read = by(&place, member, "GET", &path, None).await;
    for answer in [&created, &read] {
        for hidden in ["app-secret", "oauth.api.", "bunsen.oauth"] {
            assert!(!answer.text.contains(hidden), "{hidden}: {answer}");
        }
    }
    // A round trip changes and asks nothing.
    let whole = read.success();
    by(&place, member, "PUT", &path, Some(&whole))
        .await
        .success();
    assert_eq!(place.vendor.calls(), []);
    // A caller's own entries do not touch it, and it cannot be named.
    let named = json!({"configuration": {"bunsen.oauth.client": "1.1", "event.objects": "a"}});
    by(&place, member, "PATCH", &path, Some(&named))
        .await
        .success();
    let moved = by(
        &place,
        member,
        "PATCH",
        &path,
        Some(&move_to("b.tidepost.example")),
    )
    .await;
    moved.success();
    let calls = place.vendor.calls();
    assert!(
        calls[0]
            .2
            .contains("refresh_token=refresh-1&client_id=app&client_secret=app-secret"),
        "{calls:?}"
    );
}

#[database_test]
async fn the_nearest_one_counts_and_the_callers_own_before_all(database: TestDatabase) {
    let place = Place::start(database).await;
    let member = &place.server.member;
    place
        .call("PUT", CLIENT, Some(&kept("of the organization")))
        .await
        .success();
    let path = format!("{CLIENT}?accountId={}", member.account_id);
    place
        .call("PUT", &path, Some(&kept("app-secret")))
        .await
        .success();
    let code = by_code(&place, "c-1");
    place.create(&code).await.error(401);
    by(&place, member, "POST", "/instances", Some(&code))
        .await
        .success();
    // Half of a client is none of ours.
    let mut half = by_code(&place, "c-2");
    half["configuration"]["oauth.api.key"] = json!("app");
    place.vendor.calls();
    by(&place, member, "POST", "/instances", Some(&half))
        .await
        .error(401);
    let calls = place.vendor.calls();
    assert!(!calls.is_empty());
    assert!(
        calls.iter().all(|call| !call.2.contains("client_secret")),
        "{calls:?}"
    );
    for (account, status) in [(999_999_999, 404), (place.server.foreign.account_id, 404)] {
        let path = format!("{CLIENT}?accountId={account}");
        place
            .call("PUT", &path, Some(&kept("x")))
            .await
            .error(status);
    }
}

#[database_test]
async fn another_secret_reaches_all_and_another_id_none(database: TestDatabase) {
    let place = Place::start(database).await;
    place
        .call("PUT", CLIENT, Some(&kept("app-secret")))
        .await
        .success();
    let made = place.create(&by_code(&place, "c-1")).await.success();
    let path = format!("/instances/{}", made["id"]);

    place
        .call("PUT", CLIENT, Some(&kept("rotated")))
        .await
        .success();
    let refused = place
        .call("PATCH", &path, Some(&move_to("b.tidepost.example")))
        .await;
    assert!(!refused.text.contains("rotated"), "{refused}");
    refused.error(401);
    // Without one the stored one stays.
    let mut same = kept("app-secret");
    place.call("PUT", CLIENT, Some(&same)).await.success();
    same.as_object_mut().expect("an object").remove("apiSecret");
    place.call("PUT", CLIENT, Some(&same)).await.success();
    place
        .call("PATCH", &path, Some(&move_to("b.tidepost.example")))
        .await
        .success();

    // Another application: those that have tokens of the first one go on with it.
    let other = json!({"apiKey": "other", "apiSecret": "other-secret", "callbackUrl": CALLBACK});
    let put = place.call("PUT", CLIENT, Some(&other)).await.success();
    assert_eq!(put["instances"], 0);
    place
        .call("PATCH", &path, Some(&move_to("c.tidepost.example")))
        .await
        .success();
    place.vendor.calls();
    place.create(&by_code(&place, "c-2")).await.error(401);
    assert!(
        place.vendor.calls()[0]
            .2
            .contains("client_id=other&client_secret=other-secret")
    );
    // Connected again, it is the new one's.
    place.vendor.code("c-3");
    let again = json!({"providerData": {"code": "c-3"}});
    place.call("PATCH", &path, Some(&again)).await.error(401);
    assert!(place.vendor.calls()[0].2.contains("client_id=other"));

    let used = place.call("DELETE", CLIENT, None).await.error(409);
    assert!(message(&used).contains("1 instances"), "{used}");
    let gone = place
        .call("DELETE", &format!("{CLIENT}?force=true"), None)
        .await;
    assert_eq!(gone.status, 200, "{gone}");
    place.call("GET", CLIENT, None).await.error(404);
    place
        .call("PATCH", &path, Some(&move_to("d.tidepost.example")))
        .await
        .error(400);
    place.call("DELETE", &path, None).await;
    assert_eq!(place.stored().await, 0);
}

/// Whoever chooses the host chooses who gets what is sent there.
#[database_test]
async fn the_secret_goes_only_where_the_client_says(database: TestDatabase) {
    let place = Place::start(database).await;
    place
        .call("PUT", CLIENT, Some(&kept("app-secret")))
        .await
        .success();
    for entry in ["oauth.token.url", "base.url"] {
        let mut request = by_code(&place, "c-1");
        request["configuration"]["site.address"] = json!("evil.tidepost.example");
        request["configuration"][entry] = json!("https://evil.tidepost.example/v3/x");
        let error = place.create(&request).await;
        let asked: Vec<_> = place.vendor.calls();
        let leaked = |call: &(String, String, String)| {
            call.0.starts_with("evil") && call.2.contains("app-secret")
        };
        assert!(!asked.iter().any(leaked), "{entry}: {asked:?}");
        assert!(!error.text.contains("app-secret"), "{error}");
        if entry == "oauth.token.url" {
            assert!(asked.is_empty(), "{asked:?}");
            assert!(message(&error.error(400)).contains("not for this host"));
        }
    }
    // An administrator may say so, with the client.
    let mut client = kept("app-secret");
    client["configuration"] = json!({"site.address": SITE});
    place.call("PUT", CLIENT, Some(&client)).await.success();
    place.vendor.code("c-2");
    let bare = body("tidepost", json!({}), json!({"code": "c-2"}));
    let made = place.create(&bare).await.success();
    assert_eq!(made["configuration"]["site.address"], SITE);
    let moved =
        json!({"configuration": {"oauth.token.url": "https://evil.tidepost.example/token"}});
    let path = format!("/instances/{}", made["id"]);
    place.vendor.calls();
    place.call("PATCH", &path, Some(&moved)).await.error(400);
    assert_eq!(place.vendor.calls(), []);
}

/// Whoever does not know the secret does not say anew where it goes.
#[database_test]
async fn another_configuration_wants_the_secret_again(database: TestDatabase) {
    let place = Place::start(database).await;
    let with = |site: &str, secret: Option<&str>| {
        let mut client = kept("app-secret");
        client["configuration"] = json!({"site.address": site});
        match secret {
            Some(secret) => client["apiSecret"] = json!(secret),
            None => drop(client.as_object_mut().expect("members").remove("apiSecret")),
        }
        client
    };
    let put = async |client: Value| place.call("PUT", CLIENT, Some(&client)).await;
    put(with(SITE, Some("app-secret"))).await.success();
    for secret in [None, Some("********")] {
        let error = put(with("evil.tidepost.example", secret)).await.error(400);
        assert!(message(&error).contains("apiSecret"), "{error}");
        let mut bare = with(SITE, secret);
        bare.as_object_mut()
            .expect("members")
            .remove("configuration");
        put(bare).await.error(400);
        // The same, and what says nothing of where it goes.
        let mut same = with(SITE, secret);
        same["scope"] = json!("read");
        put(same).await.success();
    }
    let read = place.call("GET", CLIENT, None).await.success();
    assert_eq!(read["configuration"]["site.address"], SITE);
    put(with("b.tidepost.example", Some("app-secret")))
        .await
        .success();
}

#[database_test]
async fn mistakes_in_a_client_are_told(database: TestDatabase) {
    let place = Place::start(database).await;
    for (client, told) in [
        (json!({}), "apiKey"),
        (json!({"apiKey": ""}), "apiKey"),
        (json!({"apiKey": "********"}), "apiKey"),
        (json!({"apiKey": "a", "apiSecret": "b\nc"}), "apiSecret"),
        (json!({"apiKey": "a", "callbackUrl": "home"}), "callbackUrl"),
        (
            json!({"apiKey": "a", "configuration": {"nonsense": "x"}}),
            "nonsense",
        ),
        (
            json!({"apiKey": "a", "configuration": {"oauth.api.secret": "x"}}),
            "oauth.api.secret",
        ),
        (
            json!({"apiKey": "a", "configuration": {"oauth.user.token": "x"}}),
            "oauth.user.token",
        ),
        (
            json!({"apiKey": "a", "configuration": {"site.address": "********"}}),
            "site.address",
        ),
        (json!({"apiKey": "a", "secret": "b"}), ""),
    ] {
        let error = place.call("PUT", CLIENT, Some(&client)).await.error(400);
        assert!(message(&error).contains(told), "{client}: {error}");
    }
    place
        .call("PUT", "/elements/nonsense/oauth/client", Some(&kept("x")))
        .await
        .error(404);
    place.call("DELETE", CLIENT, None).await.error(404);
    let error = place
        .call("GET", "/elements/tidepost/oauth/url/default", None)
        .await
        .error(400);
    assert!(message(&error).contains("/oauth/client"), "{error}");
}

#[database_test]
async fn a_page_for_the_stored_client(database: TestDatabase) {
    let place = Place::start(database).await;
    place
        .call("PUT", CLIENT, Some(&kept("app-secret")))
        .await
        .success();
    let path = format!("/elements/tidepost/oauth/url/default?siteAddress={SITE}&state=mine");
    place.open(&path).await.error(401);
    let page = place.call("GET", &path, None).await.success();
    let secret = page["configuration"]["secret"].as_str().expect("a secret");
    let url = page["oauthUrl"].as_str().expect("a URL");
    assert!(url.contains(&format!("{SITE}/authorize?")), "{url}");
    assert!(
        url.contains("client_id=app&") && url.contains("state=mine"),
        "{url}"
    );
    assert!(!url.contains(secret) && !secret.is_empty());
    let mut request = by_code(&place, "c-1");
    request["providerData"]["secret"] = json!(secret);
    place.create(&request).await.success();

    // OAuth 1: the request token is asked for on the way.
    let client = "/elements/tideold/oauth/client";
    place
        .call("PUT", client, Some(&kept("app-secret")))
        .await
        .success();
    let path = format!("/elements/tideold/oauth/url/default?siteAddress={SITE}");
    let page = place.call("GET", &path, None).await.success();
    assert_eq!(page["configuration"]["secret"], "rs");
    let url = page["oauthUrl"].as_str().expect("a URL");
    assert!(url.contains("oauth_token=rt"), "{url}");
    let brought = json!({"oauth_token": "rt", "oauth_verifier": "v", "secret": "rs"});
    let request = body("tideold", json!({"site.address": SITE}), brought);
    place.create(&request).await.success();
}

/// What the vendor's page says besides is kept where the definition has an entry of that name.
#[database_test]
async fn what_the_page_said_besides_is_an_entry(database: TestDatabase) {
    let place = Place::start(database).await;
    place
        .call("PUT", CLIENT, Some(&kept("app-secret")))
        .await
        .success();
    place.vendor.code("c-1");
    let brought = json!({"code": "c-1", "siteAddress": SITE, "realmId": "77", "state": "x"});
    let made = place
        .create(&body("tidepost", json!({}), brought))
        .await
        .success();
    assert_eq!(made["configuration"]["site.address"], SITE);
    assert_eq!(made["configuration"]["realmId"], Value::Null);
}

/// The vendor is asked for strangers only so often.
#[database_test]
async fn strangers_do_not_make_the_server_ask_for_long(database: TestDatabase) {
    let place = Place::start(database).await;
    let path = format!(
        "/elements/tideold/oauth/token?apiKey=a&apiSecret=b&callbackUrl={CALLBACK}&siteAddress={SITE}"
    );
    let mut answered = 0;
    let refused = loop {
        let answer = place.open(&path).await;
        match answer.status {
            200 => answered += 1,
            _ => break answer,
        }
        assert!(answered < 1000, "nobody is refused");
    };
    refused.error(429);
    assert_eq!(place.vendor.calls().len(), answered);
    // Whoever logs in is still answered.
    place.call("GET", &path, None).await.success();
    // And what asks no vendor is open to all.
    let url = format!(
        "/elements/tidepost/oauth/url?apiKey=a&apiSecret=b&callbackUrl={CALLBACK}&siteAddress={SITE}"
    );
    place.open(&url).await.success();
}
