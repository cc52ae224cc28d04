//! Hostile bodies, names, tags and query strings.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{INSTANCES, hostile};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use crate::vendors::{Vendors, example, example_of_each};

async fn send(server: &TestServer, method: &str, path: &str, body: String) -> Answer {
    let request = server
        .request(method, path)
        .header("authorization", server.admin.header())
        .body(body);
    Answer::of(request).await
}

/// Bodies that a reader may choke on, by every way that takes one, for every element.
#[database_test]
async fn bodies_that_are_odd_as_a_whole(database: TestDatabase) {
    let options = TestOptions {
        body_limit: 8 * 1024 * 1024,
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let vendors = Vendors::of(&server);
    let mut findings = Findings::default();
    for (key, body) in example_of_each() {
        let created = server.create(&server.admin, &body).await;
        let calls = vendors.calls().await;
        let configuration = body["configuration"].to_string();
        let entries = &configuration[1..configuration.len() - 1];
        let many: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":{n}")).collect();
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let whole = |configuration: String| {
            format!(
                "{{\"element\":{{\"key\":\"{key}\"}},\"name\":\"n\",\"configuration\":{{{configuration}}}}}"
            )
        };
        for (what, text, status, says) in [
            (
                "100 000 keys",
                whole(format!("{entries},{}", many.join(","))),
                400,
                "'configuration'",
            ),
            (
                "deep as a value",
                whole(format!("{entries},\"event.metadata\":{}", deep(5_000))),
                400,
                "valid JSON",
            ),
            ("deep as a body", deep(100_000), 400, "JSON object"),
            ("deep objects", "{\"a\":".repeat(100_000), 400, "valid JSON"),
            (
                "a member twice",
                format!("{{\"name\":\"a\",\"name\":\"b\",\"configuration\":{{{entries}}}}}"),
                400,
                "twice",
            ),
            (
                "a lone surrogate",
                whole(format!("{entries},\"event.metadata\":\"\\ud800\"")),
                400,
                "valid JSON",
            ),
            (
                "a key with a lone surrogate",
                whole(format!("{entries},\"\\udfff\":\"x\"")),
                400,
                "valid JSON",
            ),
            (
                "a number without end",
                whole(format!("{entries},\"event.metadata\":1e999999")),
                400,
                "valid JSON",
            ),
            (
                "half",
                whole(entries.to_owned())[..40].to_owned(),
                400,
                "too early",
            ),
            ("two", "{} {}".to_owned(), 400, "valid JSON"),
            ("a text", "\"text\"".to_owned(), 400, "request body"),
            ("null", "null".to_owned(), 400, ""),
            ("a NUL", "{\0}".to_owned(), 400, "valid JSON"),
        ] {
            for (method, path) in [
                ("POST", INSTANCES.to_owned()),
                ("PUT", format!("{INSTANCES}/{}", created["id"])),
                ("PATCH", format!("{INSTANCES}/{}", created["id"])),
            ] {
                let what = format!("{key}, {method}: {what}");
                let answer = send(&server, method, &path, text.clone()).await;
                if let Some(error) = findings.error(&what, &answer, status) {
                    findings.check(message(&error).contains(says), || {
                        format!("{what}: {says:?} is not in {error}")
                    });
                }
            }
        }
        // What has odd keys and says nothing is taken like any other unknown key.
        let odd =
            "\"__proto__\":{\"a\":1},\"constructor\":1,\"\":2,\"a\\u0000b\":3,\"configuration\":{}";
        let again = whole(format!("{entries},{odd}"));
        for method in ["PUT", "PATCH"] {
            let path = format!("{INSTANCES}/{}", created["id"]);
            let answer = send(&server, method, &path, again.clone()).await;
            findings.status(&format!("{key}, {method}: odd keys"), &answer, 200);
            let same =
                answer.status != 200 || answer.json()["configuration"] == created["configuration"];
            findings.check(same, || {
                format!("{key}, {method}: odd keys changed something: {answer}")
            });
        }
        findings.check(vendors.calls().await == calls, || {
            format!("{key}: a vendor was asked")
        });
    }
    findings.none();
}

/// Of two values for one entry the last one counts, for the check as for what is sent.
#[database_test]
async fn an_entry_that_stands_twice_is_one(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for (key, body) in example_of_each() {
        let configuration = body["configuration"].to_string();
        let text = format!(
            "{{\"element\":{{\"key\":\"{key}\"}},\"name\":\"n\",\"configuration\":{{\"pagination.max\":\"1\",{},\"pagination.max\":\"2\"}}}}",
            &configuration[1..configuration.len() - 1]
        );
        let created = send(&server, "POST", INSTANCES, text).await.success();
        assert_eq!(created["configuration"]["pagination.max"], "2", "{key}");
    }
}

#[database_test]
async fn names_and_tags_are_cleaned_or_refused(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let created = server.create(&server.admin, &example()).await;
    let path = format!("{INSTANCES}/{}", created["id"]);
    let mut findings = Findings::default();
    for (name, value) in hostile() {
        for (field, value) in [
            ("name", value.clone()),
            ("tags", json!([value.clone()])),
            ("tags", value),
        ] {
            let mut body = example();
            body[field] = value.clone();
            let change = json!({field: value, "externalAuthentication": "none"});
            for (method, path, body) in
                [("POST", INSTANCES, body), ("PATCH", path.as_str(), change)]
            {
                let what = format!("{method} {field}: {name}");
                let answer = send(&server, method, path, body.to_string()).await;
                if answer.status != 200 {
                    if let Some(error) = findings.error(&what, &answer, 400) {
                        findings.check(message(&error).contains(field), || {
                            format!("{what}: {error}")
                        });
                    }
                    continue;
                }
                let stored = answer.json();
                let texts = [stored["name"].to_string(), stored["tags"].to_string()].concat();
                let clean = !texts.contains("<script")
                    && !texts.contains("\\u00")
                    && !texts.contains("\\r");
                findings.check(clean, || format!("{what}: stored as {texts}"));
                let id = format!("{INSTANCES}/{}", stored["id"]);
                let back = send(&server, "PUT", &id, stored.to_string()).await;
                findings.check(back.status == 200 && back.json() == stored, || {
                    format!("{what}: sent back: {back}")
                });
            }
        }
    }
    findings.none();
}

#[database_test]
async fn queries_of_lists(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let created = server.create(&server.admin, &example()).await;
    let element = &created["element"]["key"];
    let mut findings = Findings::default();
    for (name, value) in hostile() {
        let text = match &value {
            Value::String(text) => text.chars().take(3_000).collect::<String>(),
            other => other.to_string(),
        };
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for parameter in [
            "searchText",
            "tags[]",
            "nextPage",
            "pageSize",
            "hydrate",
            "where",
            "__proto__",
        ] {
            for path in [
                INSTANCES.to_owned(),
                format!(
                    "/elements/api-v2/elements/{}/instances",
                    element.as_str().expect("a key")
                ),
                "/elements/api-v2/accounts/instances".to_owned(),
            ] {
                let what = format!("{path}, {parameter}: {name}");
                let answer = send(
                    &server,
                    "GET",
                    &format!("{path}?{parameter}={escaped}"),
                    String::new(),
                )
                .await;
                match answer.status {
                    200 | 404 => {}
                    _ => {
                        if let Some(error) = findings.error(&what, &answer, 400) {
                            let named = parameter.trim_end_matches("[]");
                            findings.check(message(&error).contains(named), || {
                                format!("{what}: {error}")
                            });
                        }
                    }
                }
            }
        }
    }
    findings.none();
}
