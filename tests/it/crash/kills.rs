//! Kills and stops in the middle of work: nothing acknowledged is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::keyring;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, Server, serve};
use crate::vendors::{Vendors, example_named, until};

/// Enough that the kill falls into the middle of many writes.
const ACKNOWLEDGED: usize = 40;

/// Kills the server under four writers, starts it again, and looks for everything that was acknowledged.
async fn killed_under_writers(folder: &Folder, arguments: &[&str]) {
    let data = folder.path("data");
    let server = serve(&data, arguments).await;
    let authorization = server.authorization();
    let acknowledged: Arc<Mutex<Vec<Value>>> = Arc::default();
    let ended = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (acknowledged, ended) = (Arc::clone(&acknowledged), Arc::clone(&ended));
            let request = server.request("POST", "/instances", &authorization);
            tokio::spawn(async move {
                for number in 0.. {
                    let request = request
                        .try_clone()
                        .expect("no body yet")
                        .json(&example_named(&format!("{writer} {number}")));
                    let Ok(response) = request.send().await else {
                        break;
                    };
                    let status = response.status();
                    let Ok(text) = response.text().await else {
                        break;
                    };
                    assert_eq!(status, 200, "{text}");
                    let created = serde_json::from_str(&text).expect("an instance");
                    acknowledged.lock().expect("a lock").push(created);
                }
                assert!(
                    ended.load(Ordering::SeqCst),
                    "a writer was cut before the kill"
                );
            })
        })
        .collect();
    let count = || acknowledged.lock().expect("a lock").len();
    until("enough is acknowledged", async || count() >= ACKNOWLEDGED).await;
    ended.store(true, Ordering::SeqCst);
    server.kill().await;
    for writer in writers {
        writer.await.expect("a writer ends well");
    }

    let server = serve(&data, arguments).await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().expect("a lock"));
    for created in &acknowledged {
        assert_is_there(&server, &authorization, created).await;
    }
    // What nobody was told of is either whole or not there.
    let listed = Answer::of(server.request("GET", "/instances?pageSize=500", &authorization))
        .await
        .success();
    let listed = listed.as_array().expect("a list").clone();
    assert!(
        listed.len() >= acknowledged.len(),
        "{} of {}",
        listed.len(),
        acknowledged.len()
    );
    for instance in &listed {
        assert_is_there(&server, &authorization, instance).await;
    }
    server
        .create(&authorization, &example_named("after the kill"))
        .await;
    server.stop().await;
}

async fn assert_is_there(server: &Server, authorization: &str, instance: &Value) {
    let read = Answer::of(server.request(
        "GET",
        &format!("/instances/{}", instance["id"]),
        authorization,
    ))
    .await
    .success();
    assert_eq!(&read, instance);
    let with_token = format!(
        "{authorization}, Element {}",
        instance["token"].as_str().expect("a token")
    );
    let called = Answer::of(server.request("GET", "/no-such-things", &with_token)).await;
    let error = called.error(404);
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("does not support")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_nothing_acknowledged_with_the_private_database() {
    let folder = Folder::new();
    let vendors = Vendors::start().await;
    killed_under_writers(&folder, &["--sandbox", &vendors.url]).await;
}

#[database_test]
async fn a_kill_loses_nothing_acknowledged_with_an_external_database(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let vendors = Vendors::start().await;
    let arguments = [
        "--sandbox",
        &vendors.url,
        "--database-url",
        &database.url,
        "--keyring",
        &ring,
    ];
    killed_under_writers(&folder, &arguments).await;
}

#[database_test]
async fn a_stop_lets_running_creates_finish(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let vendors = Vendors::start().await;
    let server = serve(
        &folder.path("data"),
        &[
            "--sandbox",
            &vendors.url,
            "--database-url",
            &database.url,
            "--keyring",
            &ring,
        ],
    )
    .await;
    let authorization = server.authorization();
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 1500}))
        .await;
    let staying = tokio::spawn(Answer::of(
        server
            .request("POST", "/instances", &authorization)
            .json(&example_named("staying")),
    ));
    let leaving = tokio::spawn(
        server
            .request("POST", "/instances", &authorization)
            .json(&example_named("leaving"))
            .send(),
    );
    vendors.wait_for_calls(2).await;
    // One of the callers is gone by the time of the signal; his instance is made nevertheless.
    leaving.abort();
    assert!(leaving.await.is_err_and(|error| error.is_cancelled()));
    server.signal(rustix::process::Signal::TERM);
    server.wait_until_closed().await;
    assert!(!staying.is_finished(), "the vendor has not answered yet");
    let created = staying.await.expect("an answer").success();
    assert_eq!(created["name"], "staying");
    let output = server.ended().await;
    assert!(output.status.success(), "{}", output.status);
    let names: Vec<String> = sqlx::query_scalar("select name from instances order by name")
        .fetch_all(&database.pool)
        .await
        .expect("names");
    assert_eq!(names, ["leaving", "staying"]);
}

/// Ctrl-C is a stop as well, and a second signal does not turn it into a crash.
#[database_test]
async fn an_interrupt_is_a_stop(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let server = serve(
        &folder.path("data"),
        &["--database-url", &database.url, "--keyring", &ring],
    )
    .await;
    server.signal(rustix::process::Signal::INT);
    let ended = tokio::time::timeout(Duration::from_secs(20), server.ended())
        .await
        .expect("an idle server stops at once");
    assert!(ended.status.success(), "{}", ended.status);
}
