//! Hooks around the calls of an instance's life: its log-in, its renewal, its end, and the page where a
//! person allows access. The definition and the vendor are the tests' own.

use bunsen_test_macros::database_test;

use super::harbour::{BASE, DUE, Place};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::vendors::until;

#[database_test]
async fn hooks_have_a_part_in_a_log_in(database: TestDatabase) {
    let place = Place::start(database).await;
    let created = place.create("c0de-1").await;
    let instance = created.success();
    let shown = &instance["configuration"];
    assert_eq!(shown["site.id"], "north", "{created}");
    assert_eq!(shown["site.key"], "********");
    assert_eq!(shown["oauth.user.token"], "********");
    assert_eq!(shown["renewals"], "0");
    let read = place.read(&instance).await;
    assert_eq!(read["configuration"]["site.id"], "north");
    for hidden in ["s3cret-key", "h1dden", "access-1", "c0de-1", "app-s3cret"] {
        assert!(!created.text.contains(hidden), "{hidden}: {created}");
        assert!(!read.to_string().contains(hidden), "{hidden}: {read}");
    }

    let token = place.vendor.calls("/token").remove(0);
    assert_eq!(token.form["audience"], "a b", "{token:?}");
    assert_eq!(token.form["secret"], "app-s3cret");
    assert_eq!(token.form["code"], "c0de-1");
    assert_eq!(token.global, "/hubs/crm/oauth-token-exchange");
    assert_eq!(token.signed.len(), 32);
    assert_eq!(place.vendor.calls("/v1/setup")[0].global, "/hubs/crm/setup");
    assert_eq!(place.vendor.calls("/v1/me")[0].method, "GET");
    assert!(place.vendor.calls("/v1/never").is_empty(), "it was asked");

    // What the log-in has brought is what calls are made with.
    let header = place
        .server
        .admin
        .with_token(instance["token"].as_str().expect("a token"));
    let request = place.server.request("GET", &format!("{BASE}/me"));
    let answer = Answer::of(request.header("authorization", header)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[database_test]
async fn a_hook_that_fails_makes_no_instance(database: TestDatabase) {
    let place = Place::start(database).await;
    for (mode, status, words) in [
        (
            "no site",
            500,
            "postRequest hook of element 'harbour' failed for GET /setup: Error: no site for",
        ),
        (
            "fail",
            500,
            "POST /oauth-token-exchange: Error: cannot read",
        ),
        ("too much", 500, "65536"),
        ("elsewhere", 502, "a base URL"),
        ("told", 400, "That site is closed."),
    ] {
        place.vendor.mode(mode);
        let refused = place.create(&format!("c0de {mode}")).await;
        let error = refused.error(status);
        assert!(message(&error).contains(words), "{mode}: {error}");
        for hidden in ["access-", "c0de", "app-s3cret", "refresh-"] {
            assert!(!refused.text.contains(hidden), "{mode}: {error}");
        }
    }
    assert_eq!(place.stored().await, 0);
}

#[database_test]
async fn hooks_have_a_part_in_a_renewal(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    let renewals = async || {
        let read = place.read(&instance).await;
        read["configuration"]["renewals"]
            .as_str()
            .expect("a number")
            .to_owned()
    };
    place.vendor.mode("wrapped");
    place.execute(DUE).await;
    until("it is renewed", async || renewals().await == "1").await;
    assert_eq!(place.vendor.refresh_tokens(), ["refresh-2"]);

    // What the vendor gave is kept, although a hook fails behind it.
    place.vendor.mode("fail");
    place.execute(DUE).await;
    until("it is tried", async || {
        place.vendor.refresh_tokens() == ["refresh-3"]
    })
    .await;
    until("nothing is open", async || {
        place
            .count("select count(*) from exchanges where state in ('intent', 'answered')")
            .await
            == 0
    })
    .await;
    place.vendor.mode("");
    place.execute(DUE).await;
    until("it is renewed", async || renewals().await == "2").await;
    assert_eq!(place.vendor.refresh_tokens(), ["refresh-4"]);
    assert_eq!(
        place
            .count("select count(*) from instances where valid")
            .await,
        1
    );
}

#[database_test]
async fn a_hook_that_fails_keeps_no_instance_alive(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    let path = format!("/instances/{}", instance["id"]);
    let deleted = place.call("DELETE", &path, None).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    assert_eq!(place.stored().await, 0);
    assert_eq!(place.vendor.calls("/v1/gone").len(), 1);
    let revoked = place.vendor.calls("/revoke").remove(0);
    assert_eq!(
        (revoked.form["token"].as_str(), revoked.form["all"].as_str()),
        ("access-1", "yes")
    );
}

#[database_test]
async fn hooks_make_the_address_of_the_page(database: TestDatabase) {
    let place = Place::start(database).await;
    let asked = |page: &str, more: &str| {
        format!(
            "/elements/harbour/oauth/url?apiKey=app&apiSecret=s&callbackUrl=https%3A%2F%2Fapp.example%2Fback&page={page}{more}"
        )
    };
    let url = async |page: &str, more: &str| {
        let answer = place.call("GET", &asked(page, more), None).await;
        answer.success()["oauthUrl"]
            .as_str()
            .expect("an address")
            .to_owned()
    };
    // In sandbox mode the page is the simulated vendor's.
    let plain = url("plain", "").await;
    assert!(
        plain.contains("login.harbour.example/allow?client=app&state=harbour"),
        "{plain}"
    );
    let named = url("plain", "&state=s%26t").await;
    assert!(named.ends_with("?client=app&state=s%26t"), "{named}");
    for (page, words) in [
        ("elsewhere", "evil.example is not a host of this element"),
        ("http", "must be called over https"),
        ("local", "is an address"),
        ("text", "response_body is no URL"),
    ] {
        let error = place.call("GET", &asked(page, ""), None).await.error(500);
        assert!(message(&error).contains(words), "{page}: {error}");
    }
    assert!(
        place.vendor.calls("/allow").is_empty(),
        "nobody asks for a page"
    );

    let stranger = place
        .server
        .request("GET", &format!("{BASE}{}", asked("plain", "")));
    let error = Answer::of(stranger).await.error(401);
    assert!(
        message(&error).contains("run for an organization"),
        "{error}"
    );
}
