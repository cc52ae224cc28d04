//! Several callers change one instance at once: nobody's change is lost, and only what the vendor has accepted is stored.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{BASE, Life, created_from, path, update_files};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::vendors::{example, until};

/// A `PATCH` under way.
fn sent(life: &Life, instance: &Value, body: &Value) -> JoinHandle<Answer> {
    let request = life
        .server
        .request("PATCH", &format!("{BASE}{}", path(instance)))
        .header("authorization", life.server.admin.header())
        .json(body);
    tokio::spawn(Answer::of(request))
}

/// The next call to a vendor takes so long; those after it do not.
async fn one_slow_call(life: &Life, milliseconds: u64) {
    let fault = json!({"kind": "slow", "milliseconds": milliseconds, "count": 1});
    life.vendors.fault(fault).await;
}

/// Every element's file of changes that has other credentials for the same account.
fn switching() -> Vec<Value> {
    let mut files = update_files();
    files.retain(|file| file["switch"].is_object());
    assert!(!files.is_empty());
    files
}

#[database_test]
async fn many_changes_at_once_are_all_there(database: TestDatabase) {
    const CALLERS: usize = 24;
    const KEYS: [&str; 4] = [
        "event.notification.callback.url",
        "event.notification.signature.key",
        "event.objects",
        "instance.variables",
    ];
    let life = Life::start(database).await;
    let created = life.create(&example()).await;
    for round in 0..5 {
        let text = |number: usize| format!("{round} {number}");
        let changes: Vec<_> = (0..CALLERS)
            .map(|number| {
                let body = match KEYS.get(number) {
                    Some(key) => json!({"configuration": {*key: text(number)}}),
                    None if number == 4 => json!({"name": text(number)}),
                    None if number == 5 => json!({"tags": [text(number)]}),
                    // Everybody else says what is so already or says the same.
                    None => json!({"configuration": {"event.metadata": text(0)}}),
                };
                sent(&life, &created, &body)
            })
            .collect();
        for change in changes {
            change.await.expect("an answer").success();
        }
        let read = life.read(&created).await;
        for (number, key) in KEYS.iter().enumerate() {
            let shown = &read["configuration"][key];
            let masked = shown == "********";
            assert!(masked || *shown == text(number), "{round}: {key}: {shown}");
        }
        assert_eq!(read["configuration"]["event.metadata"], text(0));
        assert_eq!(read["name"], text(4), "round {round}");
        assert_eq!(read["tags"], json!([text(5)]), "round {round}");
    }
    // The credentials came through all of that.
    life.invalidate(&created).await;
    let again = json!({"configuration": example()["configuration"]});
    life.patch(&created, &again).await.success();
}

/// While one caller's credentials are with the vendor, another changes something else.
#[database_test]
async fn a_change_during_a_log_in_is_kept(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example()).await;
    life.invalidate(&created).await;
    let calls = life.vendors.calls().await;
    one_slow_call(&life, 1000).await;
    let slow = sent(
        &life,
        &created,
        &json!({"name": "slow", "configuration": example()["configuration"]}),
    );
    life.vendors.wait_for_calls(calls + 1).await;
    let quick = json!({"tags": ["quick"], "configuration": {"event.notification.signature.key": "k", "event.objects": "o"}});
    let answer = life.patch(&created, &quick).await.success();
    assert_eq!(
        (&answer["valid"], &answer["name"]),
        (&json!(false), &created["name"])
    );
    let answer = slow.await.expect("an answer").success();
    assert_eq!(answer["valid"], true);
    assert_eq!(answer["name"], "slow");
    assert_eq!(answer["tags"], json!(["quick"]));
    assert_eq!(answer["configuration"]["event.objects"], "o");
    assert_eq!(
        answer["configuration"]["event.notification.signature.key"],
        "********"
    );
    assert_eq!(life.read(&created).await, answer);
}

/// Two change the credentials at once: what is stored in the end has been accepted as a whole.
#[database_test]
async fn credentials_that_changed_meanwhile_are_asked_about_again(database: TestDatabase) {
    let life = Life::start(database).await;
    for file in switching() {
        let switch = &file["switch"];
        let from = switch["from"].as_str().expect("`from`");
        let created = life.create(&created_from(&file, from)).await;
        let calls = life.vendors.calls().await;
        one_slow_call(&life, 1000).await;
        let slow = sent(&life, &created, &json!({"configuration": file["decides"]}));
        life.vendors.wait_for_calls(calls + 1).await;
        let switched = json!({"configuration": switch["configuration"]});
        let switched = life.patch(&created, &switched).await.success();
        let asked = life.vendors.calls().await;
        let answer = slow.await.expect("an answer").success();
        assert!(
            life.vendors.calls().await > asked,
            "the two together were never shown to the vendor"
        );
        let chosen = "authentication.type";
        assert_eq!(
            answer["configuration"][chosen],
            switched["configuration"][chosen]
        );
        assert_ne!(
            answer["configuration"][chosen],
            created["configuration"][chosen]
        );
        for (key, value) in file["decides"].as_object().expect("entries") {
            assert_eq!(answer["configuration"][key], *value);
        }
        assert_eq!(life.row(&created).await["generation"], 3);
    }
}

/// The second one's password is wrong only together with what the first one wrote: nothing of it is stored.
#[database_test]
async fn a_refusal_of_the_two_together_stores_only_the_first(database: TestDatabase) {
    let life = Life::start(database).await;
    for file in switching() {
        let switch = &file["switch"];
        let from = switch["from"].as_str().expect("`from`");
        let created = life.create(&created_from(&file, from)).await;
        let calls = life.vendors.calls().await;
        one_slow_call(&life, 1000).await;
        let slow = json!({"name": "not taken", "configuration": file["decides"]});
        let slow = sent(&life, &created, &slow);
        life.vendors.wait_for_calls(calls + 1).await;
        let switched = json!({"configuration": switch["configuration"]});
        life.patch(&created, &switched).await.success();
        let before = life.row(&created).await;
        // From now on the vendor lets nobody in.
        let fault = json!({"kind": "status", "status": 503});
        life.vendors.fault(fault).await;
        let answer = slow.await.expect("an answer");
        answer.error(502);
        assert_eq!(life.row(&created).await, before);
        life.vendors
            .control("DELETE", "/_control/faults", None)
            .await;
    }
}

#[database_test]
async fn an_instance_deleted_meanwhile_does_not_come_back(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example()).await;
    life.invalidate(&created).await;
    let calls = life.vendors.calls().await;
    one_slow_call(&life, 1000).await;
    let slow = sent(
        &life,
        &created,
        &json!({"configuration": example()["configuration"]}),
    );
    life.vendors.wait_for_calls(calls + 1).await;
    let deleted = life.call("DELETE", &path(&created), None).await;
    assert_eq!(deleted.status, 200);
    slow.await.expect("an answer").error(404);
    life.call("GET", &path(&created), None).await.error(404);
    let left: i64 = sqlx::query_scalar("select count(*) from instances")
        .fetch_one(&life.server.database.pool)
        .await
        .expect("a count");
    assert_eq!(left, 0);
}

/// Switched off while the vendor is asked, it stays off.
#[database_test]
async fn an_instance_disabled_meanwhile_stays_disabled(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example()).await;
    life.invalidate(&created).await;
    let calls = life.vendors.calls().await;
    one_slow_call(&life, 1000).await;
    let slow = sent(
        &life,
        &created,
        &json!({"configuration": example()["configuration"]}),
    );
    life.vendors.wait_for_calls(calls + 1).await;
    let switch = format!("{}/enabled", path(&created));
    life.call("DELETE", &switch, None).await;
    let answer = slow.await.expect("an answer").success();
    assert_eq!(
        (&answer["valid"], &answer["disabled"]),
        (&json!(true), &json!(true))
    );
}

/// The vendor has accepted by then; whether the caller still listens changes nothing.
#[database_test]
async fn a_caller_that_hangs_up_gets_its_change(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example()).await;
    life.invalidate(&created).await;
    let calls = life.vendors.calls().await;
    one_slow_call(&life, 700).await;
    let body = json!({"name": "left behind", "configuration": example()["configuration"]});
    let waiting = sent(&life, &created, &body);
    life.vendors.wait_for_calls(calls + 1).await;
    assert_eq!(life.read(&created).await["name"], created["name"]);
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    until("the change is there", async || {
        life.read(&created).await["name"] == "left behind"
    })
    .await;
    assert_eq!(life.read(&created).await["valid"], true);
}

/// More slow log-ins than the database has connections: none is held while a vendor is called.
#[database_test]
async fn slow_log_ins_hold_no_connection(database: TestDatabase) {
    let life = Life::start(database).await;
    let mut instances = Vec::new();
    for _ in 0..30 {
        let created = life.create(&example()).await;
        life.invalidate(&created).await;
        instances.push(created);
    }
    let calls = life.vendors.calls().await;
    let fault = json!({"kind": "slow", "milliseconds": 2000});
    life.vendors.fault(fault).await;
    let body = json!({"configuration": example()["configuration"]});
    let slow: Vec<_> = instances
        .iter()
        .map(|instance| sent(&life, instance, &body))
        .collect();
    life.vendors.wait_for_calls(calls + 30).await;
    let quick = json!({"tags": ["quick"]});
    let quick = life.patch(&instances[0], &quick);
    let quick = tokio::time::timeout(Duration::from_secs(5), quick).await;
    quick
        .expect("a change does not wait for the vendor")
        .success();
    for change in slow {
        change.await.expect("an answer").success();
    }
    assert_eq!(life.read(&instances[0]).await["tags"], json!(["quick"]));
}
