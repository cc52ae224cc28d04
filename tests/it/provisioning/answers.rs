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

pub async fn call(server: &TestServer, caller: &Caller, method: &str, path: &str) -> Answer {
    let request = server
        .request(method, &format!("/elements/api-v2{path}"))
        .header("authorization", caller.header());
    Answer::of(request).await
}

pub async fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
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
        assert_eq!(
            call(&server, &server.admin, "GET", &path).await.success(),
            created,
            "{path}"
        );
    }
    for path in [
        "/instances".to_owned(),
        format!("/elements/{key}/instances"),
        format!("/elements/{element_id}/instances"),
        "/instances?hydrate=true".to_owned(),
    ] {
        assert_eq!(
            call(&server, &server.admin, "GET", &path).await.success(),
            json!([created]),
            "{path}"
        );
    }
}

#[database_test]
async fn an_instance_has_its_documented_fields(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let body = example();
    let created = server.create(&server.member, &body).await;
    let mut findings = Findings::default();
    let mut is = |field: &str, value: Value| {
        findings.check(created[field] == value, || {
            format!("{field} must be {value}: {}", created[field])
        });
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
        assert!(
            created["user"][field]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "user.{field}: {created}"
        );
    }
    for field in ["providerData", "objects"] {
        assert_eq!(created.get(field), None, "{field}");
    }
    for value in created["configuration"]
        .as_object()
        .expect("a configuration")
        .values()
    {
        assert!(
            value.is_string() || value.is_null(),
            "a configuration value is a text or null: {created}"
        );
    }
    for field in ["configuration", "hooks", "objects"] {
        assert_eq!(
            created["element"].get(field),
            None,
            "element.{field} is not repeated"
        );
    }
    let date = created["createdDate"].as_str().expect("createdDate");
    let parsed: jiff::Timestamp = date.parse().expect("a date");
    assert_eq!(
        parsed.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        date,
        "UTC with seconds"
    );
    assert!(
        parsed
            .duration_until(jiff::Timestamp::now())
            .as_secs()
            .abs()
            < 60,
        "{date} is now"
    );
    findings.none();
}

#[database_test]
async fn tokens_are_32_random_bytes(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut seen = BTreeSet::new();
    for number in 0..3 {
        let created = server
            .create(&server.admin, &example_named(&format!("n{number}")))
            .await;
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
async fn what_is_deleted_is_gone(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    for by_element in [false, true] {
        let created = server.create(&server.member, &example()).await;
        let id = &created["id"];
        let hub_call = server
            .request("GET", "/elements/api-v2/no-such-things")
            .header(
                "authorization",
                server
                    .member
                    .with_token(created["token"].as_str().expect("a token")),
            );
        let again = hub_call.try_clone().expect("no body");
        Answer::of(hub_call).await.error(404);
        let path = if by_element {
            format!("/elements/{key}/instances/{id}")
        } else {
            format!("/instances/{id}")
        };
        let answer = call(&server, &server.member, "DELETE", &path).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (200, ""),
            "{path}: {answer}"
        );
        Answer::of(again).await.error(401);
        call(&server, &server.member, "GET", &path).await.error(404);
        let error = call(&server, &server.member, "DELETE", &path)
            .await
            .error(404);
        assert!(
            message(&error).contains(&id.to_string()),
            "the message names the id: {error}"
        );
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

#[database_test]
async fn owners_see_what_is_theirs(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let of_admin = server
        .create(&server.admin, &example_named("of the admin"))
        .await;
    let of_member = server
        .create(&server.member, &example_named("of the member"))
        .await;
    let (admins, members) = (
        format!("/instances/{}", of_admin["id"]),
        format!("/instances/{}", of_member["id"]),
    );
    assert_eq!(
        call(&server, &server.admin, "GET", &members)
            .await
            .success(),
        of_member,
        "an organization's admin sees every account's"
    );
    assert_eq!(
        call(&server, &server.colleague, "GET", &members)
            .await
            .success(),
        of_member,
        "the account is the owner"
    );
    call(&server, &server.member, "GET", &admins)
        .await
        .error(404);
    for caller in [&server.member, &server.colleague] {
        assert_eq!(
            call(&server, caller, "GET", "/instances").await.success(),
            json!([of_member])
        );
    }
    let listed = call(&server, &server.admin, "GET", "/instances")
        .await
        .success();
    assert!(
        listed.as_array().expect("a list").contains(&of_admin),
        "{listed}"
    );
    let answer = call(&server, &server.colleague, "DELETE", &members).await;
    assert_eq!(answer.status, 200, "{answer}");
    call(&server, &server.member, "GET", &members)
        .await
        .error(404);
}
