//! The configuration, entry by entry.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Life, path, secrets};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::examples;
use crate::vendors::{element_key, example_named, example_of_each};

/// By id and by token.
async fn both(life: &Life, instance: &Value, rest: &str) -> (Answer, Answer) {
    let by_id = format!("{}/configuration{rest}", path(instance));
    let by_token = format!("/instances/configuration{rest}");
    let header = life.by_token(instance);
    (
        life.call("GET", &by_id, None).await,
        life.call_with(&header, "GET", &by_token, None).await,
    )
}

async fn entries(life: &Life, instance: &Value) -> Vec<Value> {
    let (list, by_token) = both(life, instance, "").await;
    let list = list.success();
    assert_eq!(list, by_token.success());
    list.as_array().expect("a list").clone()
}

fn entry<'a>(entries: &'a [Value], key: &str) -> &'a Value {
    entries
        .iter()
        .find(|entry| entry["key"] == key)
        .unwrap_or_else(|| panic!("no entry {key}"))
}

async fn change(life: &Life, instance: &Value, entry: &Value, body: &Value) -> Answer {
    let path = format!("{}/configuration/{}", path(instance), entry["id"]);
    life.call("PATCH", &path, Some(body)).await
}

#[database_test]
async fn entries_carry_the_catalogues_ids_and_what_answers_show(database: TestDatabase) {
    let life = Life::start(database).await;
    let mut findings = Findings::default();
    for (file, body) in examples() {
        let created = life.create(&body).await;
        let key = created["element"]["key"].as_str().expect("a key");
        let element = life.call("GET", &format!("/elements/{key}"), None).await;
        let element = element.success();
        let catalogue = element["configuration"].as_array().expect("entries");
        let listed = entries(&life, &created).await;
        for (key, value) in [
            ("filter.response.nulls", "true"),
            ("event.notification.enabled", "false"),
        ] {
            assert_eq!(entry(&listed, key)["propertyValue"], value, "{file}");
        }
        for entry in &listed {
            let what = format!("{file}: {entry}");
            let written = catalogue.iter().find(|other| other["id"] == entry["id"]);
            findings.check(written.is_some_and(|w| w["key"] == entry["key"]), || {
                format!("{what}: not the catalogue's")
            });
            let key = entry["key"].as_str().expect("a key");
            let shown = created["configuration"].get(key).unwrap_or(&Value::Null);
            findings.check(entry["propertyValue"] == *shown, || {
                format!("{what}: shown as {shown}")
            });
            for (member, is_right) in [
                ("name", entry["name"].is_string()),
                ("description", entry["description"].is_string()),
                ("type", entry["type"].is_string()),
                ("required", entry["required"].is_boolean()),
                ("active", entry["active"] == true),
                ("hideFromConsole", entry["hideFromConsole"].is_boolean()),
            ] {
                findings.check(is_right, || format!("{what}: {member}"));
            }
            let (by_id, by_token) = both(&life, &created, &format!("/{}", entry["id"])).await;
            findings.check(by_id.success() == *entry, || format!("{what}: {by_id}"));
            findings.check(by_token.success() == *entry, || {
                format!("{what}: {by_token}")
            });
        }
        for secret in secrets(&body, &created) {
            findings.check(
                entry(&listed, &secret)["propertyValue"] == "********",
                || format!("{file}: {secret} is shown"),
            );
        }
        // The same entry has the same id on every instance; what a log-in makes is another each time.
        let other = life.create(&body).await;
        let other = entries(&life, &other).await;
        findings.check(without_values(&other) == without_values(&listed), || {
            format!("{file}: another instance has other entries")
        });
    }
    findings.none();
}

#[database_test]
async fn an_entry_changes_whole_or_by_its_value(database: TestDatabase) {
    let life = Life::start(database).await;
    for (_, example) in example_of_each() {
        change_an_entry(&life, &example).await;
    }
}

async fn change_an_entry(life: &Life, example: &Value) {
    let created = life.create(example).await;
    let calls = life.vendors.calls().await;
    let before = entries(life, &created).await;
    let nulls = entry(&before, "filter.response.nulls");
    for (body, expected) in [
        (json!({"propertyValue": "false"}), "false"),
        (json!({"propertyValue": true}), "true"),
        (
            json!({"propertyValue": false, "id": 1, "key": "username", "required": true}),
            "false",
        ),
        // Emptied, the default counts again.
        (json!({"propertyValue": null}), "true"),
        (json!({"propertyValue": "false"}), "false"),
        (json!({"propertyValue": ""}), "true"),
        (json!({"propertyValue": {"a": [1]}}), "{\"a\":[1]}"),
    ] {
        let answer = change(life, &created, nulls, &body).await;
        let mut wanted = nulls.clone();
        wanted["propertyValue"] = json!(expected);
        assert_eq!(answer.success(), wanted, "{body}");
        assert_eq!(answer.header("elements-error"), None);
        let (by_id, by_token) = both(life, &created, &format!("/{}", nulls["id"])).await;
        assert_eq!(by_id.success(), wanted);
        assert_eq!(by_token.success(), wanted);
        let read = life.read(&created).await;
        assert_eq!(read["configuration"]["filter.response.nulls"], expected);
    }
    // The whole entry, by the token.
    let mut whole = nulls.clone();
    whole["propertyValue"] = json!("true");
    let token_path = format!("/instances/configuration/{}", nulls["id"]);
    let header = life.by_token(&created);
    let answer = life.call_with(&header, "PATCH", &token_path, Some(&whole));
    assert_eq!(answer.await.success(), whole);

    let events = entry(&before, "event.notification.enabled");
    let answer = change(life, &created, events, &json!({"propertyValue": true})).await;
    assert_eq!(answer.success()["propertyValue"], "true");
    assert!(answer.header("elements-error").is_some());
    assert_eq!(life.read(&created).await["eventsEnabled"], false);
    assert_eq!(life.vendors.calls().await, calls, "the vendor was asked");
}

#[database_test]
async fn secrets_and_required_entries(database: TestDatabase) {
    let life = Life::start(database).await;
    for (file, body) in examples() {
        let created = life.create(&body).await;
        let listed = entries(&life, &created).await;
        for key in secrets(&body, &created) {
            let secret = entry(&listed, &key);
            let before = life.row(&created).await;
            let calls = life.vendors.calls().await;
            let same = change(&life, &created, secret, secret).await;
            assert_eq!(same.success(), *secret, "{file}: the mask means unchanged");
            if secret["required"] == true {
                for empty in [json!(""), Value::Null] {
                    let body = json!({"propertyValue": empty});
                    let error = change(&life, &created, secret, &body).await.error(400);
                    assert!(message(&error).contains(&key), "{file}: {error}");
                }
            }
            assert_eq!(life.vendors.calls().await, calls, "{file}: {key}");
            let wrong = json!({"propertyValue": "a wrong one"});
            let refused = change(&life, &created, secret, &wrong).await;
            assert!((400..=403).contains(&refused.status), "{file}: {refused}");
            assert!(life.vendors.calls().await > calls, "{file}: {key}");
            assert_eq!(life.row(&created).await, before, "{file}: {key}");
            life.invalidate(&created).await;
            let right = json!({"propertyValue": body["configuration"][&key]});
            let answer = change(&life, &created, secret, &right).await;
            assert_eq!(answer.success(), *secret, "{file}: masked in the answer");
            assert_eq!(life.read(&created).await["valid"], true, "{file}: {key}");
        }
    }
}

#[database_test]
async fn what_is_not_there_and_what_is_wrong(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example_named("mine")).await;
    let header = life.by_token(&created);
    let listed = entries(&life, &created).await;
    let value = json!({"propertyValue": "x"});
    let key = element_key();
    for unknown in [
        "0",
        "1",
        "999999999999",
        "99999999999999999999",
        "-1",
        "abc",
        key.as_str(),
    ] {
        let by_id = format!("{}/configuration/{unknown}", path(&created));
        let by_token = format!("/instances/configuration/{unknown}");
        life.call("GET", &by_id, None).await.error(404);
        life.call("PATCH", &by_id, Some(&value)).await.error(404);
        let read = life.call_with(&header, "GET", &by_token, None).await;
        read.error(404);
        let changed = life.call_with(&header, "PATCH", &by_token, Some(&value));
        changed.await.error(404);
    }
    let nulls = entry(&listed, "filter.response.nulls");
    let before = life.row(&created).await;
    for body in [
        json!({}),
        json!({"value": "x"}),
        json!([]),
        json!("x"),
        json!({"propertyValue": "<INSERT_VALUE>"}),
        json!({"propertyValue": "a\u{0}b"}),
        json!({"propertyValue": "x".repeat(70_000)}),
    ] {
        change(&life, &created, nulls, &body).await.error(400);
    }
    assert_eq!(life.row(&created).await, before);
}

fn without_values(entries: &[Value]) -> Vec<Value> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        entry["propertyValue"] = Value::Null;
    }
    entries
}
