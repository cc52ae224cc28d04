//! What stands behind `proxy` is the vendor's, byte for byte, and stays below the base URL.

use bunsen_test_macros::database_test;

use super::Place;
use crate::answer::message;
use crate::database::TestDatabase;

const KEY: &str = "key=5ecret-key";

#[database_test]
async fn paths_and_queries_arrive_as_they_were_written(database: TestDatabase) {
    let place = Place::start(database).await;
    for (below, arrives) in [
        ("", format!("/base?{KEY}")),
        ("/", format!("/base?{KEY}")),
        ("/users/me", format!("/base/users/me?{KEY}")),
        ("/users/", format!("/base/users/?{KEY}")),
        ("//a///b//", format!("/base//a///b//?{KEY}")),
        (
            "/a%2Fb/%C3%A9%20%zz",
            format!("/base/a%2Fb/%C3%A9%20%zz?{KEY}"),
        ),
        ("/%75sers", format!("/base/%75sers?{KEY}")),
        ("/a/../b/./c", format!("/base/a/../b/./c?{KEY}")),
        (
            "/Users('x')/{id}|",
            format!("/base/Users('x')/{{id}}|?{KEY}"),
        ),
        ("/%FF", format!("/base/%FF?{KEY}")),
        (
            "/proxy/elements/api-v2",
            format!("/base/proxy/elements/api-v2?{KEY}"),
        ),
        ("?", format!("/base?{KEY}")),
        ("/q?a=1&a=2&b", format!("/base/q?a=1&a=2&b&{KEY}")),
        (
            "/q?$filter=name%20eq%20'it''s'&x=//../%2e%2e;y={z}",
            format!("/base/q?$filter=name%20eq%20'it''s'&x=//../%2e%2e;y={{z}}&{KEY}"),
        ),
        ("/q?a=1&key=mine", format!("/base/q?a=1&key=mine&{KEY}")),
    ] {
        let answer = place.raw("GET", below, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{below}: {answer}");
        assert_eq!(place.vendor.one().target, arrives, "{below}");
    }
}

#[database_test]
async fn nothing_leads_out_of_the_base_url(database: TestDatabase) {
    let place = Place::start(database).await;
    for below in [
        "/..",
        "/../other",
        "/a/../../other",
        "/a//../../other",
        "/%2e%2e/other",
        "/..%2fother",
        "/%252e%252e%252fother",
        "/..\\other",
        "/..%5cother",
        "/..;x/other",
        "/a/..%00/..%00/other",
    ] {
        let answer = place.raw("GET", below, "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{below}: {answer}");
        assert!(answer.contains("base URL"), "{below}: {answer}");
    }
    assert!(place.vendor.seen().is_empty(), "nobody was asked");
    // Another host, however it is written, is a path like any other.
    for below in [
        "//elsewhere.example/x",
        "/https://elsewhere.example/x",
        "/@elsewhere.example",
    ] {
        let answer = place.raw("GET", below, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{below}: {answer}");
        let seen = place.vendor.one();
        assert_eq!(seen.header("host"), Some("acme.passage.example"));
        assert_eq!(seen.target, format!("/base{below}?{KEY}"));
    }
}

#[database_test]
async fn a_base_url_that_leads_elsewhere_is_named(database: TestDatabase) {
    let place = Place::start(database).await;
    // Whoever writes in the tables by hand.
    sqlx::query("update instances set configuration = configuration || '{\"base.url\": \"https://127.0.0.1/x\"}'")
        .execute(&place.server.database.pool)
        .await
        .expect("a statement");
    let error = place.call("GET", "/users").await.error(400);
    assert!(
        message(&error).contains("configuration 'base.url'"),
        "{error}"
    );
    assert!(place.vendor.seen().is_empty());
}
