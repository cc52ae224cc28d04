//! The list of instances: filters, short entries, empty answers.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer};
use crate::vendors::{element_key, example, example_named};

async fn list(server: &TestServer, caller: &Caller, query: &str) -> Answer {
    let request = server
        .request("GET", &format!("/elements/api-v2/instances{query}"))
        .header("authorization", caller.header());
    Answer::of(request).await
}

/// The names of what a query finds; none for the 404 of an empty list.
async fn found(server: &TestServer, query: &str) -> Vec<String> {
    let answer = list(server, &server.member, query).await;
    if answer.status == 404 {
        assert_is_empty_list(&answer);
        return Vec::new();
    }
    let entries = answer.success();
    let names = entries
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["name"].as_str().expect("a name").to_owned());
    names.collect()
}

/// Clients test for exactly this form and take it for an empty list.
fn assert_is_empty_list(answer: &Answer) {
    let error = answer.error(404);
    let text = message(&error);
    let middle = text
        .strip_prefix("No ")
        .and_then(|rest| rest.strip_suffix(" found"));
    assert!(
        middle.is_some_and(|middle| !middle.is_empty() && !middle.contains('\n')),
        "no `No … found`: {text}"
    );
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[database_test]
async fn empty_lists_are_404_in_words_that_clients_know(database: TestDatabase) {
    let server = TestServer::start(database).await;
    server.create(&server.admin, &example()).await;
    let key = element_key();
    for query in [
        "",
        "?pageSize=1",
        "?searchText=x",
        "?tags%5B%5D=x",
        "?hydrate=false",
    ] {
        assert_is_empty_list(&list(&server, &server.foreign, query).await);
    }
    for query in [
        "?searchText=nobody-has-this",
        "?tags%5B%5D=nobody-has-this",
        &format!(
            "?tags%5B%5D=example&searchText={}",
            escaped("nobody has this")
        ),
    ] {
        assert_is_empty_list(&list(&server, &server.admin, query).await);
    }
    let request = server
        .request("GET", &format!("/elements/api-v2/elements/{key}/instances"))
        .header("authorization", server.foreign.header());
    assert_is_empty_list(&Answer::of(request).await);
}

#[database_test]
async fn tags_filter(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for (name, tags) in [
        ("one", json!(["a", "b"])),
        ("two", json!(["b", "c d"])),
        ("three", json!(["B", "100%", "x_y", "back\\slash", "it's"])),
        ("four", json!([])),
    ] {
        let mut body = example_named(name);
        body["tags"] = tags;
        server.create(&server.member, &body).await;
    }
    let mut findings = Findings::default();
    for (query, names) in [
        ("?tags[]=a", vec!["one"]),
        ("?tags%5B%5D=a", vec!["one"]),
        ("?tags[]=b", vec!["one", "two"]),
        ("?tags[]=b&tags[]=a", vec!["one"]),
        ("?tags%5B%5D=b&tags[]=c+d", vec!["two"]),
        ("?tags[]=c%20d", vec!["two"]),
        ("?tags[]=a&tags[]=c%20d", vec![]),
        ("?tags[]=B", vec!["three"]),
        ("?tags[]=100%25", vec!["three"]),
        ("?tags[]=1%25", vec![]),
        ("?tags[]=x_y", vec!["three"]),
        ("?tags[]=x%5Cy", vec![]),
        ("?tags[]=_", vec![]),
        ("?tags[]=back%5Cslash", vec!["three"]),
        ("?tags[]=it%27s", vec!["three"]),
        ("?tags[]=%27%20or%20true--", vec![]),
        ("?tags[]=a&searchText=ON", vec!["one"]),
        ("?tags[]=a&searchText=two", vec![]),
    ] {
        let got = found(&server, query).await;
        findings.check(got == names, || {
            format!("{query}: expected {names:?}, got {got:?}")
        });
    }
    findings.none();
}

/// Without tags in the body, the name finds it.
#[database_test]
async fn an_instance_without_tags_is_found_by_its_name(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut body = example_named("<b>@acme</b>");
    body.as_object_mut().expect("an object").remove("tags");
    server.create(&server.member, &body).await;
    assert_eq!(found(&server, "?tags[]=%40acme").await, ["@acme"]);
    assert_eq!(found(&server, "?tags[]=@acme").await, ["@acme"]);
}

#[database_test]
async fn search_text_is_a_part_of_the_name_or_of_the_elements_key(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let names = [
        "Alpha desk",
        "beta 100%",
        "gamma_delta",
        "back\\slash",
        "GROSSE STRAßE",
        "Ünder",
        "it's \"quoted\"",
        "[set] (group) .* ^$",
    ];
    for name in names {
        server.create(&server.member, &example_named(name)).await;
    }
    let key = element_key();
    let mut findings = Findings::default();
    let all: Vec<&str> = names.to_vec();
    for (text, expected) in [
        ("alpha", vec!["Alpha desk"]),
        ("ALPHA DESK", vec!["Alpha desk"]),
        ("pha de", vec!["Alpha desk"]),
        ("%", vec!["beta 100%"]),
        ("0%", vec!["beta 100%"]),
        ("%desk", vec![]),
        ("_", vec!["gamma_delta"]),
        ("a_d", vec!["gamma_delta"]),
        ("gammaxdelta", vec![]),
        ("Alpha_desk", vec![]),
        ("\\", vec!["back\\slash"]),
        ("k\\s", vec!["back\\slash"]),
        ("\\%", vec![]),
        ("straße", vec!["GROSSE STRAßE"]),
        ("ünder", vec!["Ünder"]),
        ("it's", vec!["it's \"quoted\""]),
        ("\"quoted\"", vec!["it's \"quoted\""]),
        ("' or true --", vec![]),
        (".*", vec!["[set] (group) .* ^$"]),
        ("[set]", vec!["[set] (group) .* ^$"]),
        ("^", vec!["[set] (group) .* ^$"]),
        (key.as_str(), all.clone()),
        (&key.to_uppercase(), all.clone()),
        (&key[1..key.len() - 1], all.clone()),
    ] {
        let got = found(&server, &format!("?searchText={}", escaped(text))).await;
        findings.check(got == expected, || {
            format!("{text:?}: expected {expected:?}, got {got:?}")
        });
    }
    findings.none();
}

#[database_test]
async fn unhydrated_entries_keep_what_clients_need(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let created = server.create(&server.admin, &example()).await;
    for query in ["?hydrate=false", "?hydrate=FALSE"] {
        let entries = list(&server, &server.admin, query).await.success();
        let entry = &entries[0];
        for field in [
            "id",
            "name",
            "createdDate",
            "token",
            "tags",
            "valid",
            "disabled",
        ] {
            assert_eq!(entry[field], created[field], "{query}: {field}");
        }
        for field in ["id", "key", "hub"] {
            assert_eq!(
                entry["element"][field], created["element"][field],
                "{query}: element.{field}"
            );
        }
        assert_eq!(
            entry.get("configuration").unwrap_or(&Value::Null),
            &Value::Null,
            "{query}: short entries leave it out"
        );
    }
}

#[database_test]
async fn a_filter_that_is_no_boolean_is_named(database: TestDatabase) {
    let server = TestServer::start(database).await;
    server.create(&server.admin, &example()).await;
    let error = list(&server, &server.admin, "?hydrate=perhaps")
        .await
        .error(400);
    assert!(message(&error).contains("hydrate"), "{error}");
}

/// Secrets are masked wherever an instance is shown.
#[database_test]
async fn secrets_are_eight_asterisks_in_every_answer(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut masked = 0;
    for (element, file) in super::case_files() {
        for configuration in file["working"]
            .as_object()
            .expect("working configurations")
            .values()
        {
            let body = json!({"element": {"key": file["element"]}, "name": "masked", "configuration": configuration});
            let created = server.create(&server.admin, &body).await;
            let request = server
                .request(
                    "GET",
                    &format!("/elements/api-v2/instances/{}", created["id"]),
                )
                .header("authorization", server.admin.header());
            let read = Answer::of(request).await.success();
            let listed = list(&server, &server.admin, "?pageSize=200")
                .await
                .success();
            let listed = listed
                .as_array()
                .expect("a list")
                .iter()
                .find(|entry| entry["id"] == created["id"])
                .expect("it is listed")
                .clone();
            for key in file["secretEntries"].as_array().expect("secret entries") {
                let key = key.as_str().expect("a key");
                for answer in [&created, &read, &listed] {
                    if configuration.get(key).is_some() {
                        assert_eq!(answer["configuration"][key], "********", "{element}: {key}");
                        masked += 1;
                    }
                }
            }
            for (key, value) in configuration.as_object().expect("a configuration") {
                if !file["secretEntries"]
                    .as_array()
                    .expect("secret entries")
                    .contains(&json!(key))
                {
                    assert_eq!(
                        &read["configuration"][key], value,
                        "{element}: {key} is no secret"
                    );
                }
            }
        }
    }
    assert!(masked > 0, "there was nothing to mask");
}
