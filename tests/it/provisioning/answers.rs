//! Instances as answers show them: created, read, listed, deleted; who sees whose.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer, examples};
use crate::vendors::{element_key, example, example_named};

async fn call(server: &TestServer, caller: &Caller, method: &str, path: &str) -> Answer {
    let request = server
        .request(method, &format!("/elements/api-v2{path}"))
        .header("authorization", caller.header());
    Answer::of(request).await
}

async fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
    let request = server
        .request("POST", &format!("/elements/api-v2{path}"))
        .header("authorization", server.admin.header())
        .json(body);
    Answer::of(request).await
}

#[database_test]
async fn every_example_works_as_it_is(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for (file, body) in examples() {
        let answer = post(&server, "/instances", &body).await;
        assert_eq!(answer.status, 200, "{file}: {answer}");
    }
}

#[database_test]
async fn what_create_answers_is_what_reads_answer(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let created = server.create(&server.admin, &example()).await;
    let key = element_key();
    let (id, element_id) = (&created["id"], &created["element"]["id"]);
    for path in [
        format!("/instances/{id}"),
        format!("/instances/{id}/"),
        format!("/elements/{key}/instances/{id}"),
        format!("/elements/{element_id}/instances/{id}"),
    ] {
        assert_eq!(call(&server, &server.admin, "GET", &path).await.success(), created, "{path}");
    }
    for path in ["/instances".to_owned(), format!("/elements/{key}/instances"), format!("/elements/{element_id}/instances"), "/instances?hydrate=true".to_owned()] {
        assert_eq!(call(&server, &server.admin, "GET", &path).await.success(), json!([created]), "{path}");
    }
}

#[database_test]
async fn an_instance_has_its_documented_fields(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let body = example();
    let created = server.create(&server.member, &body).await;
    let mut findings = Findings::default();
    let mut is = |field: &str, value: Value| {
        findings.check(created[field] == value, || format!("{field} must be {value}: {}", created[field]));
    };
    is("name", body["name"].clone());
    is("tags", body["tags"].clone());
    is("elementId", created["element"]["id"].clone());
    is("provisionInteractions", json!([]));
    is("valid", json!(true));
    is("disabled", json!(false));
    is("maxCacheSize", json!(0));
    is("cacheTimeToLive", json!(0));
    is("cachingEnabled", json!(false));
    is("eventsEnabled", json!(false));
    is("traceLoggingEnabled", json!(false));
    is("externalAuthentication", json!("none"));
    assert!(created["id"].as_i64().is_some_and(|id| id > 0), "{created}");
    assert_eq!(created["element"]["key"], element_key().as_str());
    assert!(created["element"]["parameters"].is_array(), "{created}");
    assert_eq!(created["user"]["id"], server.member.user_id);
    for field in ["emailAddress", "firstName", "lastName"] {
        assert!(created["user"][field].as_str().is_some_and(|text| !text.is_empty()), "user.{field}: {created}");
    }
    for field in ["providerData", "objects"] {
        assert_eq!(created.get(field), None, "{field}");
    }
    for value in created["configuration"].as_object().expect("a configuration").values() {
        assert!(value.is_string() || value.is_null(), "a configuration value is a text or null: {created}");
    }
    for field in ["configuration", "hooks", "objects"] {
        assert_eq!(created["element"].get(field), None, "element.{field} is not repeated");
    }
    let date = created["createdDate"].as_str().expect("createdDate");
    let parsed: jiff::Timestamp = date.parse().expect("a date");
    assert_eq!(parsed.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), date, "UTC with seconds");
    assert!(parsed.duration_until(jiff::Timestamp::now()).as_secs().abs() < 60, "{date} is now");
    findings.none();
}

#[database_test]
async fn tokens_are_32_random_bytes(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut seen = BTreeSet::new();
    for number in 0..3 {
        let created = server.create(&server.admin, &example_named(&format!("n{number}"))).await;
        let token = created["token"].as_str().expect("a token").to_owned();
        assert_eq!(token.len(), 44, "{token}");
        assert_eq!(STANDARD.decode(&token).expect("standard base64").len(), 32);
        assert!(seen.insert(token), "a token twice");
    }
}

#[database_test]
async fn the_same_name_may_be_used_again(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let first = server.create(&server.admin, &example_named("twin")).await;
    let second = server.create(&server.admin, &example_named("twin")).await;
    assert_ne!(first["id"], second["id"]);
    assert_ne!(first["token"], second["token"]);
    assert_eq!(first["name"], second["name"]);
}

#[database_test]
async fn the_element_is_named_by_id_key_or_path(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    let id = call(&server, &server.admin, "GET", &format!("/elements/{key}")).await.success()["id"].clone();
    let mut findings = Findings::default();
    let with = |element: Value| {
        let mut body = example();
        body["element"] = element;
        body
    };
    let mut nameless = example();
    nameless.as_object_mut().expect("an object").remove("element");
    for (what, path, body, status) in [
        ("key", "/instances".to_owned(), with(json!({"key": key})), 200),
        ("trailing slash", "/instances/".to_owned(), with(json!({"key": key})), 200),
        ("id", "/instances".to_owned(), with(json!({"id": id})), 200),
        ("id as text", "/instances".to_owned(), with(json!({"id": id.to_string()})), 200),
        ("id wins over a wrong key", "/instances".to_owned(), with(json!({"id": id, "key": "no-such-element"})), 200),
        ("wrong id wins over the key", "/instances".to_owned(), with(json!({"id": 999_999, "key": key})), 404),
        ("id null, key right", "/instances".to_owned(), with(json!({"id": null, "key": key})), 200),
        ("whole element as answers show it", "/instances".to_owned(), with(json!({"key": key, "name": "x", "hub": "y", "parameters": [], "active": true})), 200),
        ("path", format!("/elements/{key}/instances"), nameless.clone(), 200),
        ("path with slash", format!("/elements/{key}/instances/"), nameless.clone(), 200),
        ("path by id", format!("/elements/{id}/instances"), nameless.clone(), 200),
        ("path wins", format!("/elements/{key}/instances"), with(json!({"key": "no-such-element"})), 200),
        ("unknown path", "/elements/no-such-element/instances".to_owned(), with(json!({"key": key})), 404),
        ("unknown path by id", "/elements/999999/instances".to_owned(), nameless.clone(), 404),
        ("no element", "/instances".to_owned(), nameless.clone(), 400),
        ("an empty element", "/instances".to_owned(), with(json!({})), 400),
        ("element null", "/instances".to_owned(), with(Value::Null), 400),
        ("element a text", "/instances".to_owned(), with(json!(key)), 400),
        ("key a number", "/instances".to_owned(), with(json!({"key": 12})), 400),
        ("key empty", "/instances".to_owned(), with(json!({"key": ""})), 400),
    ] {
        let answer = post(&server, &path, &body).await;
        match status {
            200 => {
                findings.status(what, &answer, 200);
                findings.check(answer.status != 200 || answer.json()["element"]["key"] == key.as_str(), || format!("{what}: {answer}"));
            }
            400 => {
                let error = findings.error(what, &answer, 400);
                findings.check(error.is_none_or(|error| message(&error).contains("element")), || format!("{what}: the message names `element`: {answer}"));
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
    for wrong in [format!("{key}x"), key[..key.len() - 1].to_owned(), swapped, key.to_uppercase()] {
        let mut body = example();
        body["element"] = json!({"key": wrong});
        for (what, answer) in [
            ("create", post(&server, "/instances", &body).await),
            ("create by path", post(&server, &format!("/elements/{wrong}/instances"), &body).await),
            ("read", call(&server, &server.admin, "GET", &format!("/elements/{wrong}")).await),
        ] {
            let what = format!("{what} {wrong}");
            let Some(error) = findings.error(&what, &answer, 404) else { continue };
            let text = message(&error);
            findings.check(text.contains(&format!("'{wrong}'")), || format!("{what}: the message repeats the key: {text}"));
            findings.check(text.replace(&wrong, "").contains(&key), || format!("{what}: the message names the nearest key: {text}"));
        }
    }
    // Nothing is near to this, and nothing is guessed.
    let mut body = example();
    body["element"] = json!({"key": "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"});
    let error = post(&server, "/instances", &body).await.error(404);
    findings.check(!message(&error).contains(&key), || format!("a guess without reason: {error}"));
    findings.none();
}

#[database_test]
async fn what_is_deleted_is_gone(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    for by_element in [false, true] {
        let created = server.create(&server.member, &example()).await;
        let id = &created["id"];
        let hub_call = server
            .request("GET", "/elements/api-v2/incidents")
            .header("authorization", server.member.with_token(created["token"].as_str().expect("a token")));
        let again = hub_call.try_clone().expect("no body");
        Answer::of(hub_call).await.error(404);
        let path = if by_element { format!("/elements/{key}/instances/{id}") } else { format!("/instances/{id}") };
        let answer = call(&server, &server.member, "DELETE", &path).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}: {answer}");
        Answer::of(again).await.error(401);
        call(&server, &server.member, "GET", &path).await.error(404);
        let error = call(&server, &server.member, "DELETE", &path).await.error(404);
        assert!(message(&error).contains(&id.to_string()), "the message names the id: {error}");
        let list = call(&server, &server.member, "GET", "/instances").await;
        list.error(404);
    }
    let left: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from instances), (select count(*) from instance_directory), (select count(*) from secret_index where kind = 'instance')",
    )
    .fetch_one(&server.database.pool)
    .await
    .expect("counts");
    assert_eq!(left, (0, 0, 0), "nothing of a deleted instance is left");
}

/// Only the element of the path has the instance.
#[database_test]
async fn an_instance_is_not_found_under_another_element(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let id = server.create(&server.admin, &example()).await["id"].clone();
    for method in ["GET", "DELETE"] {
        for element in ["no-such-element", "999999"] {
            call(&server, &server.admin, method, &format!("/elements/{element}/instances/{id}")).await.error(404);
        }
    }
    call(&server, &server.admin, "GET", &format!("/instances/{id}")).await.success();
}

#[database_test]
async fn owners_see_what_is_theirs(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let of_admin = server.create(&server.admin, &example_named("of the admin")).await;
    let of_member = server.create(&server.member, &example_named("of the member")).await;
    let (admins, members) = (format!("/instances/{}", of_admin["id"]), format!("/instances/{}", of_member["id"]));
    assert_eq!(call(&server, &server.admin, "GET", &members).await.success(), of_member, "an organization's admin sees every account's");
    assert_eq!(call(&server, &server.colleague, "GET", &members).await.success(), of_member, "the account is the owner");
    call(&server, &server.member, "GET", &admins).await.error(404);
    for caller in [&server.member, &server.colleague] {
        assert_eq!(call(&server, caller, "GET", "/instances").await.success(), json!([of_member]));
    }
    let listed = call(&server, &server.admin, "GET", "/instances").await.success();
    assert!(listed.as_array().expect("a list").contains(&of_admin), "{listed}");
    let answer = call(&server, &server.colleague, "DELETE", &members).await;
    assert_eq!(answer.status, 200, "{answer}");
    call(&server, &server.member, "GET", &members).await.error(404);
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
    body["providerData"] = json!({"code": null, "secret": "marked-provider-secret", "debug": "true"});
    let created = server.create(&server.admin, &body).await;
    let read = call(&server, &server.admin, "GET", &format!("/instances/{}", created["id"])).await;
    for text in [created.to_string(), read.text] {
        assert!(!text.contains("providerData") && !text.contains("marked-provider-secret"), "{text}");
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
        let Some(error) = findings.error(&what, &answer, 400) else { continue };
        findings.check(message(&error).contains(field), || format!("{what}: the message names the field: {error}"));
    }
    let mut nameless = example();
    nameless.as_object_mut().expect("an object").remove("name");
    let answer = post(&server, "/instances", &nameless).await;
    let error = findings.error("no name", &answer, 400);
    findings.check(error.is_none_or(|error| message(&error).contains("name")), || format!("the message names `name`: {answer}"));
    findings.none();
}
