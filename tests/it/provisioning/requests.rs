//! Create bodies: how the element is named, what is ignored, what is refused.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::answers::{call, post};
use crate::answer::{Findings, message};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{element_key, example};

#[database_test]
async fn the_element_is_named_by_id_key_or_path(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    let id = call(&server, &server.admin, "GET", &format!("/elements/{key}"))
        .await
        .success()["id"]
        .clone();
    let mut findings = Findings::default();
    let with = |element: Value| {
        let mut body = example();
        body["element"] = element;
        body
    };
    let mut nameless = example();
    nameless
        .as_object_mut()
        .expect("an object")
        .remove("element");
    for (what, path, body, status) in [
        (
            "key",
            "/instances".to_owned(),
            with(json!({"key": key})),
            200,
        ),
        (
            "trailing slash",
            "/instances/".to_owned(),
            with(json!({"key": key})),
            200,
        ),
        ("id", "/instances".to_owned(), with(json!({"id": id})), 200),
        (
            "id as text",
            "/instances".to_owned(),
            with(json!({"id": id.to_string()})),
            200,
        ),
        (
            "id wins over a wrong key",
            "/instances".to_owned(),
            with(json!({"id": id, "key": "no-such-element"})),
            200,
        ),
        (
            "wrong id wins over the key",
            "/instances".to_owned(),
            with(json!({"id": 999_999, "key": key})),
            404,
        ),
        (
            "id null, key right",
            "/instances".to_owned(),
            with(json!({"id": null, "key": key})),
            200,
        ),
        (
            "whole element as answers show it",
            "/instances".to_owned(),
            with(json!({"key": key, "name": "x", "hub": "y", "parameters": [], "active": true})),
            200,
        ),
        (
            "path",
            format!("/elements/{key}/instances"),
            nameless.clone(),
            200,
        ),
        (
            "path with slash",
            format!("/elements/{key}/instances/"),
            nameless.clone(),
            200,
        ),
        (
            "path by id",
            format!("/elements/{id}/instances"),
            nameless.clone(),
            200,
        ),
        (
            "path wins",
            format!("/elements/{key}/instances"),
            with(json!({"key": "no-such-element"})),
            200,
        ),
        (
            "unknown path",
            "/elements/no-such-element/instances".to_owned(),
            with(json!({"key": key})),
            404,
        ),
        (
            "unknown path by id",
            "/elements/999999/instances".to_owned(),
            nameless.clone(),
            404,
        ),
        ("no element", "/instances".to_owned(), nameless.clone(), 400),
        (
            "an empty element",
            "/instances".to_owned(),
            with(json!({})),
            400,
        ),
        (
            "element null",
            "/instances".to_owned(),
            with(Value::Null),
            400,
        ),
        (
            "element a text",
            "/instances".to_owned(),
            with(json!(key)),
            400,
        ),
        (
            "key a number",
            "/instances".to_owned(),
            with(json!({"key": 12})),
            400,
        ),
        (
            "key empty",
            "/instances".to_owned(),
            with(json!({"key": ""})),
            400,
        ),
    ] {
        let answer = post(&server, &path, &body).await;
        match status {
            200 => {
                findings.status(what, &answer, 200);
                findings.check(
                    answer.status != 200 || answer.json()["element"]["key"] == key.as_str(),
                    || format!("{what}: {answer}"),
                );
            }
            400 => {
                let error = findings.error(what, &answer, 400);
                findings.check(
                    error.is_none_or(|error| message(&error).contains("element")),
                    || format!("{what}: the message names `element`: {answer}"),
                );
            }
            status => drop(findings.error(what, &answer, status)),
        }
    }
    findings.none();
}

#[database_test]
async fn an_unknown_element_gets_the_nearest_key(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    let mut findings = Findings::default();
    let swapped = {
        let mut letters: Vec<char> = key.chars().collect();
        letters.swap(1, 2);
        letters.into_iter().collect::<String>()
    };
    for wrong in [
        format!("{key}x"),
        key[..key.len() - 1].to_owned(),
        swapped,
        key.to_uppercase(),
    ] {
        let mut body = example();
        body["element"] = json!({"key": wrong});
        for (what, answer) in [
            ("create", post(&server, "/instances", &body).await),
            (
                "create by path",
                post(&server, &format!("/elements/{wrong}/instances"), &body).await,
            ),
            (
                "read",
                call(&server, &server.admin, "GET", &format!("/elements/{wrong}")).await,
            ),
        ] {
            let what = format!("{what} {wrong}");
            let Some(error) = findings.error(&what, &answer, 404) else {
                continue;
            };
            let text = message(&error);
            findings.check(text.contains(&format!("'{wrong}'")), || {
                format!("{what}: the message repeats the key: {text}")
            });
            findings.check(text.contains(&format!("'{key}'")), || {
                format!("{what}: the message names the nearest key: {text}")
            });
        }
    }
    // Nothing is near to this, and nothing is guessed.
    let mut body = example();
    body["element"] = json!({"key": "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"});
    let error = post(&server, "/instances", &body).await.error(404);
    findings.check(!message(&error).contains(&key), || {
        format!("a guess without reason: {error}")
    });
    findings.none();
}

/// Only the element of the path has the instance.
#[database_test]
async fn an_instance_is_not_found_under_another_element(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let id = server.create(&server.admin, &example()).await["id"].clone();
    for method in ["GET", "DELETE"] {
        for element in ["no-such-element", "999999"] {
            call(
                &server,
                &server.admin,
                method,
                &format!("/elements/{element}/instances/{id}"),
            )
            .await
            .error(404);
        }
    }
    call(&server, &server.admin, "GET", &format!("/instances/{id}"))
        .await
        .success();
}

#[database_test]
async fn an_answer_can_be_posted_again(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let created = server.create(&server.admin, &example()).await;
    let mut again = created.clone();
    again["configuration"] = example()["configuration"].clone();
    let copy = server.create(&server.admin, &again).await;
    assert_ne!(copy["id"], created["id"], "read-only fields are ignored");
    assert_ne!(copy["token"], created["token"]);
    assert_eq!(copy["configuration"], created["configuration"]);
}

/// `providerData` is for browser log-ins; it is taken and never shown.
#[database_test]
async fn provider_data_is_dropped(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut body = example();
    body["providerData"] =
        json!({"code": null, "secret": "marked-provider-secret", "debug": "true"});
    let created = server.create(&server.admin, &body).await;
    let read = call(
        &server,
        &server.admin,
        "GET",
        &format!("/instances/{}", created["id"]),
    )
    .await;
    for text in [created.to_string(), read.text] {
        assert!(
            !text.contains("providerData") && !text.contains("marked-provider-secret"),
            "{text}"
        );
    }
}

#[database_test]
async fn fields_of_the_wrong_type_are_named(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for (field, value) in [
        ("name", json!(12)),
        ("name", json!({})),
        ("name", Value::Null),
        ("name", json!("")),
        ("name", json!("   ")),
        ("tags", json!("tag")),
        ("tags", json!([1])),
        ("tags", json!({"a": "b"})),
        ("tags", json!([["a"]])),
        ("configuration", json!([])),
        ("configuration", json!("text")),
        ("configuration", json!(1)),
        ("element", json!(["x"])),
    ] {
        let mut body = example();
        body[field] = value.clone();
        let what = format!("{field}: {value}");
        let answer = post(&server, "/instances", &body).await;
        let Some(error) = findings.error(&what, &answer, 400) else {
            continue;
        };
        findings.check(message(&error).contains(field), || {
            format!("{what}: the message names the field: {error}")
        });
    }
    let mut nameless = example();
    nameless.as_object_mut().expect("an object").remove("name");
    let answer = post(&server, "/instances", &nameless).await;
    let error = findings.error("no name", &answer, 400);
    findings.check(
        error.is_none_or(|error| message(&error).contains("name")),
        || format!("the message names `name`: {answer}"),
    );
    findings.none();
}

/// Work on a request is in proportion to it: what could cost more is refused by its size, first.
#[database_test]
async fn what_is_too_much_is_refused_before_work_is_done(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let begun = std::time::Instant::now();
    let mut many_tags = example();
    many_tags["tags"] = (0..60_000).map(|n| format!("t{n}")).collect();
    let mut long_tag = example();
    long_tag["tags"] = json!(["<p>".repeat(2000)]);
    let mut nested_name = example();
    nested_name["name"] = json!("<a><div>".repeat(16_000));
    let mut large = example();
    large["configuration"]["event.poller.configuration"] = json!("x".repeat(70_000));
    for (what, body, named) in [
        ("many tags", many_tags, "tags"),
        ("a long tag", long_tag, "tags"),
        ("a name of nested markup", nested_name, "name"),
        ("a large configuration", large, "configuration"),
    ] {
        let answer = post(&server, "/instances", &body).await;
        if let Some(error) = findings.error(what, &answer, 400) {
            findings.check(message(&error).contains(named), || {
                format!("{what}: {} is not named", named)
            });
        }
    }
    // A base URL of its own may use the marks of the definition, and nothing that grows.
    let mut growing = example();
    growing["configuration"]["base.url"] = json!(format!(
        "https://x.vendor.example/{}",
        "{base.url}".repeat(2000)
    ));
    findings.error(
        "a growing URL",
        &post(&server, "/instances", &growing).await,
        400,
    );
    // Each took minutes before; this bound is far above what any machine needs for a refusal.
    findings.check(begun.elapsed().as_secs() < 30, || {
        format!("the refusals took {:?}", begun.elapsed())
    });
    // The longest name that is taken is its own tag, and the database holds it.
    let mut long = example();
    long["name"] = json!("\u{1F9EA}".repeat(250));
    long.as_object_mut().expect("an object").remove("tags");
    findings.status(
        "a long name",
        &post(&server, "/instances", &long).await,
        200,
    );
    findings.none();
}
