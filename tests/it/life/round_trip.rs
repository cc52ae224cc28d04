//! What was read can be sent back, and changed credentials are those that the vendor accepts.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Life, path, secrets};
use crate::answer::Findings;
use crate::database::TestDatabase;
use crate::server::examples;

/// The answer of the create, of a read and of the list, by each way to change an instance.
#[database_test]
async fn an_answer_is_a_body(database: TestDatabase) {
    let life = Life::start(database).await;
    let mut findings = Findings::default();
    for (name, body) in examples() {
        let created = life.create(&body).await;
        let listed = life.call("GET", "/instances", None).await.success();
        let mut listed = listed.as_array().expect("a list").iter();
        let listed = listed
            .rfind(|listed| listed["id"] == created["id"])
            .expect("listed")
            .clone();
        let below_element = format!(
            "/elements/{}{}",
            created["element"]["key"].as_str().expect("a key"),
            path(&created)
        );
        let user = life.server.admin.header();
        let token = life.by_token(&created);
        let before = life.row(&created).await;
        let calls = life.vendors.calls().await;
        for (source, answered) in [
            ("create", &created),
            ("read", &life.read(&created).await),
            ("list", &listed),
        ] {
            for (number, (method, path, header)) in [
                ("PUT", path(&created), &user),
                ("PUT", below_element.clone(), &user),
                ("PUT", "/instances".to_owned(), &token),
                ("PATCH", path(&created), &user),
                ("PATCH", "/instances".to_owned(), &token),
            ]
            .into_iter()
            .enumerate()
            {
                let what = format!("{name}: {method} {path} of the {source}");
                let mut body = answered.clone();
                body["tags"] = json!([source, number.to_string()]);
                let answer = life.call_with(header, method, &path, Some(&body)).await;
                findings.status(&what, &answer, 200);
                if answer.status == 200 {
                    findings.check(answer.json() == body, || {
                        format!("{what}: expected {body}, {answer}")
                    });
                }
            }
        }
        let after = life.row(&created).await;
        for column in ["configuration", "credentials_sealed", "generation"] {
            findings.check(before[column] == after[column], || {
                format!("{name}: {column} changed")
            });
        }
        findings.check(life.vendors.calls().await == calls, || {
            format!("{name}: the vendor was asked")
        });
    }
    findings.none();
}

/// One secret alone is sent, and the vendor accepts: all the others are still what they were.
#[database_test]
async fn credentials_stay_right_after_a_round_trip(database: TestDatabase) {
    let life = Life::start(database).await;
    for (name, body) in examples() {
        let created = life.create(&body).await;
        let mut whole = life.read(&created).await;
        whole["name"] = json!("sent back");
        let answer = life.call("PUT", &path(&created), Some(&whole)).await;
        assert_eq!(answer.success()["name"], "sent back");
        for key in secrets(&body, &created) {
            life.invalidate(&created).await;
            assert_eq!(life.read(&created).await["valid"], false);
            let calls = life.vendors.calls().await;
            let again = json!({"configuration": {&key: body["configuration"][&key]}});
            let changed = life.patch(&created, &again).await.success();
            assert!(life.vendors.calls().await > calls, "{name}: {key}");
            assert_eq!(changed["valid"], true, "{name}: {key}");
            assert_eq!(life.row(&created).await["invalid_reason"], Value::Null);
        }
    }
}

/// The create body, sent again, is no news either.
#[database_test]
async fn the_create_body_changes_name_and_tags(database: TestDatabase) {
    let life = Life::start(database).await;
    for (file, body) in examples() {
        let created = life.create(&body).await;
        let calls = life.vendors.calls().await;
        let mut again = body.clone();
        again["name"] = json!("renamed");
        let answer = life.call("PUT", &path(&created), Some(&again)).await;
        let mut expected = created.clone();
        expected["name"] = json!("renamed");
        assert_eq!(answer.success(), expected, "{file}");
        assert_eq!(life.vendors.calls().await, calls, "{file}");
    }
}

#[database_test]
async fn refused_credentials_change_nothing(database: TestDatabase) {
    let life = Life::start(database).await;
    let mut findings = Findings::default();
    for (file, body) in examples() {
        let created = life.create(&body).await;
        let before = life.row(&created).await;
        for key in secrets(&body, &created) {
            for method in ["PUT", "PATCH"] {
                let what = format!("{file}: {method} {key}");
                let wrong = json!({
                    "name": "not taken", "tags": ["not taken"],
                    "configuration": {&key: "a wrong one", "event.objects": "not taken"}
                });
                let answer = life.call(method, &path(&created), Some(&wrong)).await;
                findings.check((400..=403).contains(&answer.status), || {
                    format!("{what}: {answer}")
                });
                if let Some(error) = findings.error(&what, &answer, answer.status) {
                    findings.check(!error.to_string().contains("a wrong one"), || {
                        format!("{what}: the secret is told: {error}")
                    });
                }
                findings.check(life.row(&created).await == before, || {
                    format!("{what}: something was written")
                });
            }
        }
    }
    findings.none();
}

/// Whatever else goes wrong at the vendor changes nothing either.
#[database_test]
async fn a_vendor_out_of_reach_changes_nothing(database: TestDatabase) {
    let life = Life::start(database).await;
    for (file, body) in examples() {
        let created = life.create(&body).await;
        life.invalidate(&created).await;
        let before = life.row(&created).await;
        let Some(key) = secrets(&body, &created).into_iter().next() else {
            continue;
        };
        for (fault, status) in [
            (json!({"kind": "refuse"}), 502),
            (json!({"kind": "lost_answer"}), 502),
            (json!({"kind": "html"}), 502),
            (json!({"kind": "invalid_json"}), 502),
            (json!({"kind": "rate_limited"}), 429),
        ] {
            life.vendors.fault(fault.clone()).await;
            let again =
                json!({"name": "not taken", "configuration": {&key: body["configuration"][&key]}});
            let answer = life.patch(&created, &again).await;
            assert!(
                answer.status == status || answer.status == 400,
                "{file} {fault}: {answer}"
            );
            assert_eq!(life.row(&created).await, before, "{file} {fault}");
            life.vendors
                .control("DELETE", "/_control/faults", None)
                .await;
        }
    }
}
