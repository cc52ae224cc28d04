//! The members of a body, one by one.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Life, path};
use crate::answer::{Findings, message};
use crate::database::TestDatabase;
use crate::vendors::example_named;

#[database_test]
async fn what_only_the_server_sets_is_ignored(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example_named("mine")).await;
    let body = json!({
        "id": 999, "token": "chosen", "createdDate": "2001-01-01T00:00:00Z", "valid": false, "disabled": true,
        "user": {"id": 1, "emailAddress": "else@corp.example"}, "elementId": 1, "eventsEnabled": true,
        "cachingEnabled": true, "maxCacheSize": 7, "providerData": {"code": null}, "tags": ["new"]
    });
    let mut expected = created.clone();
    expected["tags"] = json!(["new"]);
    for method in ["PUT", "PATCH"] {
        let answer = life.call(method, &path(&created), Some(&body)).await;
        assert_eq!(answer.success(), expected, "{method}");
        assert!(!answer.text.contains("providerData"));
    }
    let read = life.read(&created).await;
    assert_eq!(read, expected);
    // The token that was not taken is nobody's, the old one still is.
    let header = life.by_token(&created);
    let by_token = life.call_with(&header, "GET", "/instances/configuration", None);
    by_token.await.success();
}

#[database_test]
async fn names_and_tags_are_cleaned_as_on_create(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example_named("first")).await;
    let token = life.by_token(&created);
    let markup = "<a href=\"#\" onClick=\"alert(1)\">acme-sync</a>";
    for (method, path, header) in [
        ("PUT", path(&created), life.server.admin.header()),
        ("PATCH", path(&created), life.server.admin.header()),
        ("PUT", "/instances".to_owned(), token.clone()),
        ("PATCH", "/instances".to_owned(), token.clone()),
    ] {
        let body = json!({"name": markup, "tags": [" <i>one</i> ", "two", "one", ""]});
        let changed = life.call_with(&header, method, &path, Some(&body)).await;
        let changed = changed.success();
        assert_eq!(changed["name"], "acme-sync", "{method} {path}");
        assert_eq!(changed["tags"], json!(["one", "two"]), "{method} {path}");
        let undo = json!({"name": "first", "tags": []});
        let changed = life.call_with(&header, method, &path, Some(&undo)).await;
        assert_eq!(changed.success()["tags"], json!([]), "{method} {path}");
    }
    // The list finds it under what it is called now.
    life.patch(&created, &json!({"name": "Ünique"}))
        .await
        .success();
    let found = life.call("GET", "/instances?searchText=ünIQ", None).await;
    assert_eq!(found.success()[0]["id"], created["id"]);
}

/// The tag that stands for a long name stays acceptable when the name has changed.
#[database_test]
async fn a_long_name_leaves_a_tag_that_comes_back(database: TestDatabase) {
    let life = Life::start(database).await;
    let long = "n".repeat(900);
    let mut body = example_named(&long);
    body.as_object_mut().expect("an object").remove("tags");
    let created = life.create(&body).await;
    assert_eq!(created["tags"], json!([long]));
    let renamed = life.patch(&created, &json!({"name": "short"})).await;
    let renamed = renamed.success();
    assert_eq!(renamed["tags"], json!([long]), "renaming leaves the tags");
    let back = life.call("PUT", &path(&created), Some(&renamed)).await;
    assert_eq!(back.success(), renamed);
    let other = json!({"tags": ["m".repeat(900)]});
    life.patch(&created, &other).await.error(400);
}

#[database_test]
async fn what_is_wrong_is_named_and_changes_nothing(database: TestDatabase) {
    let life = Life::start(database).await;
    let mut findings = Findings::default();
    let created = life.create(&example_named("mine")).await;
    let before = life.row(&created).await;
    let calls = life.vendors.calls().await;
    for (body, part) in [
        (json!({}), "nothing that can be changed"),
        (json!([]), "object"),
        (json!("text"), "request body"),
        (json!({"id": 1}), "nothing that can be changed"),
        (json!({"name": ""}), "'name'"),
        (json!({"name": " <br> "}), "'name'"),
        (json!({"name": 12}), "'name'"),
        (json!({"name": "n".repeat(1001)}), "'name'"),
        (json!({"name": "<INSERT_NAME>"}), "<INSERT_NAME>"),
        (json!({"tags": ["<Add_Your_Tag>"]}), "<Add_Your_Tag>"),
        (json!({"tags": "a"}), "'tags'"),
        (json!({"tags": [1]}), "'tags[0]'"),
        (json!({"tags": ["t".repeat(256)]}), "'tags'"),
        (
            json!({"tags": (0..101).map(|n| n.to_string()).collect::<Vec<_>>()}),
            "'tags'",
        ),
        (json!({"configuration": []}), "'configuration'"),
        (
            json!({"configuration": {"event.objects": "a\u{0}b"}}),
            "'event.objects'",
        ),
        (
            json!({"configuration": {"event.objects": "x".repeat(70_000)}}),
            "'event.objects'",
        ),
        (
            json!({"externalAuthentication": "final"}),
            "'externalAuthentication'",
        ),
        (json!({"element": {"id": true}}), "'element.id'"),
        (
            json!({"element": {"key": "no-such-element"}}),
            "another element",
        ),
        (
            json!({"element": {"id": 999_999}, "tags": []}),
            "another element",
        ),
        (json!({"element": "text"}), "'element'"),
    ] {
        for method in ["PUT", "PATCH"] {
            let what = format!(
                "{method} {}",
                body.to_string().chars().take(80).collect::<String>()
            );
            let answer = life.call(method, &path(&created), Some(&body)).await;
            if let Some(error) = findings.error(&what, &answer, 400) {
                findings.check(message(&error).contains(part), || {
                    format!("{what}: the message must contain {part:?}: {error}")
                });
            }
        }
    }
    let nothing = life.call("PUT", &path(&created), None).await;
    findings.error("no body", &nothing, 400);
    findings.check(life.row(&created).await == before, || {
        "something was written".to_owned()
    });
    findings.check(life.vendors.calls().await == calls, || {
        "the vendor was asked".to_owned()
    });
    findings.none();
}

#[database_test]
async fn the_own_element_may_be_named(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example_named("mine")).await;
    let (id, key) = (&created["element"]["id"], &created["element"]["key"]);
    for element in [
        json!({"id": id}),
        json!({"key": key}),
        json!({"id": id, "key": key}),
        json!({"id": id.to_string()}),
        json!({"id": null, "key": key}),
        json!({}),
        Value::Null,
    ] {
        let body = json!({"element": element, "tags": ["x"]});
        life.patch(&created, &body).await.success();
    }
}

/// Kept, shown and without effect.
#[database_test]
async fn external_authentication_is_kept(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example_named("mine")).await;
    assert_eq!(created["externalAuthentication"], "none");
    let calls = life.vendors.calls().await;
    let body = json!({"externalAuthentication": "initial"});
    let changed = life.patch(&created, &body).await.success();
    assert_eq!(changed["externalAuthentication"], "initial");
    let changed = life.patch(&created, &json!({"name": "other"})).await;
    assert_eq!(changed.success()["externalAuthentication"], "initial");
    assert_eq!(life.vendors.calls().await, calls);
}
