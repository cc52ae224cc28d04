//! Every kind of key rotated beside two servers at work.

use std::collections::BTreeSet;

use bunsen::store::HELD_COLUMNS;
use bunsen_test_macros::database_test;

use super::Site;
use super::load::Load;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, run, serve, written};

#[database_test]
async fn every_kind_of_key_is_rotated_without_a_failed_call(database: TestDatabase) {
    let site = Site::new(database).await;
    let one = site.serve("one").await;
    let two = site.serve("two").await;
    let authorization = one.authorization();
    let load = Load::start([&one.url, &two.url], &authorization);
    load.goes_on(60).await;

    for kind in ["encrypt", "find", "organization", "find", "encrypt"] {
        let rotated = site.json(&["keys", "rotate", kind, "--batch", "5"]).await;
        assert_eq!(rotated["resumed"], false, "{kind}: {rotated}");
        assert_eq!(rotated["left"], 0, "{kind}: {rotated}");
        assert!(rotated["rows"].as_u64() > Some(0), "{kind}: {rotated}");
        load.goes_on(30).await;
    }
    load.end().await;

    let status = site.json(&["keys", "status"]).await;
    for (use_, held) in [("encrypt", "organizationKeys"), ("find", "secrets")] {
        let keys = status[use_].as_array().expect("keys");
        assert_eq!(keys.len(), 3, "{status}");
        for key in keys {
            let current = key["state"] == "current";
            assert_eq!(key[held].as_i64() > Some(0), current, "{key}");
        }
    }
    let keys = status["organizationKeys"].as_array().expect("keys");
    let held: Vec<_> = keys
        .iter()
        .map(|key| (key["state"].as_str(), key["values"].as_i64() > Some(0)))
        .collect();
    assert_eq!(held, [(Some("old"), false), (Some("current"), true)]);
    assert_eq!(status["servers"].as_array().map(Vec::len), Some(2));

    // A server that starts now knows only what is in the keyring.
    one.stop().await;
    let again = site.serve("one").await;
    for server in [&again, &two] {
        Answer::of(server.request("GET", "/instances", &authorization))
            .await
            .success();
    }
    let texts =
        [again.stop().await, two.stop().await].map(|output| crate::process::written(&output));
    let keyring = std::fs::read_to_string(&site.keyring).expect("the keyring");
    let keyring: serde_json::Value = serde_json::from_str(&keyring).expect("JSON");
    for key in keyring["find"]["keys"].as_array().expect("keys") {
        let key = key["key"].as_str().expect("a key");
        assert!(
            texts.iter().all(|text| !text.contains(key)),
            "a key is in the log"
        );
    }
}

/// Servers with keyrings of their own: the new key is not used before each has it.
#[database_test]
async fn a_server_without_the_new_key_is_waited_for(database: TestDatabase) {
    let mut site = Site::new(database).await;
    let one = site.serve("one").await;
    let authorization = one.authorization();
    let shared = site.keyring.clone();
    let own = site.folder.text("own.json");
    std::fs::copy(&shared, &own).expect("copied");
    site.keyring = own.clone();
    let two = site.serve("two").await;
    site.keyring = shared.clone();

    let text = site
        .refused(&["keys", "rotate", "find", "--wait", "2"])
        .await;
    assert!(text.contains("do not have the new key"), "{text}");
    let status = site.json(&["keys", "status"]).await;
    assert_eq!(status["find"][0]["state"], "current");
    assert_eq!(status["find"][1]["state"], "staged");
    for server in [&one, &two] {
        Answer::of(server.request("GET", "/users", &authorization))
            .await
            .success();
    }
    // The operator copies the file twice: with the staged key, then with the current one.
    std::fs::copy(&shared, &own).expect("copied");
    let text = site
        .refused(&["keys", "rotate", "find", "--wait", "4"])
        .await;
    assert!(text.contains("do not use the new key yet"), "{text}");
    std::fs::copy(&shared, &own).expect("copied");
    let rotated = site.json(&["keys", "rotate", "find"]).await;
    assert_eq!(rotated["resumed"], true, "{rotated}");
    for server in [&one, &two] {
        Answer::of(server.request("GET", "/users", &authorization))
            .await
            .success();
    }
    one.stop().await;
    two.stop().await;
}

/// A new column that holds sealed values or fingerprints must be rotated too.
#[database_test]
async fn every_column_that_depends_on_a_key_is_known(database: TestDatabase) {
    let columns = async |pattern: &'static str| -> BTreeSet<String> {
        sqlx::query_scalar(
            "select table_name || '.' || column_name from information_schema.columns
             where table_schema = 'public' and column_name like $1",
        )
        .bind(pattern)
        .fetch_all(&database.pool)
        .await
        .expect("columns")
        .into_iter()
        .collect()
    };
    let held: BTreeSet<String> = HELD_COLUMNS
        .iter()
        .map(|held| format!("{}.{}", held.table, held.column))
        .collect();
    assert_eq!(columns("%\\_sealed").await, held);
    let peppered = [
        "exchanges.session_pepper_id",
        "idempotency_keys.pepper_id",
        "keyed_calls.pepper_id",
        "secret_index.pepper_id",
    ];
    assert_eq!(
        columns("%pepper\\_id").await,
        peppered.map(str::to_owned).into()
    );
}

/// Nothing given but the data folder: the server's own Postgres and keyring are found.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_private_database_are_rotated_beside_its_server() {
    let folder = Folder::new();
    let data = folder.path("data");
    let server = serve(&data, &[]).await;
    let authorization = server.authorization();
    let data = data.to_str().expect("a UTF-8 path");
    for kind in ["encrypt", "find", "organization"] {
        let output = run(&["keys", "rotate", kind, "--data-dir", data]).await;
        assert!(output.status.success(), "{kind}: {}", written(&output));
        Answer::of(server.request("GET", "/organizations/me", &authorization))
            .await
            .success();
    }
    let status = run(&["keys", "status", "--data-dir", data]).await;
    let text = written(&status);
    for words in [
        "current  2 secrets",
        "current  2 organization keys",
        "key 2  current  2 values",
    ] {
        assert!(text.contains(words), "'{words}' in: {text}");
    }
    server.stop().await;
    // Without a server the command starts the database itself.
    let show = [
        "user",
        "show",
        "--organization",
        "1",
        "1",
        "--secret",
        "--data-dir",
        data,
    ];
    let show = run(&show).await;
    assert!(show.status.success(), "{}", written(&show));
    let secret = authorization.trim_start_matches("User ").split(',').next();
    assert!(written(&show).contains(secret.expect("a secret")));
}
