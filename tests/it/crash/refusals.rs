//! Starts that are refused, and the keyring that the operator makes.

use bunsen_test_macros::database_test;
use serde_json::Value;

use super::{emptied, keyring};
use crate::database::TestDatabase;
use crate::process::{Folder, mode, run, serve, try_serve, written};

/// Where no sandbox is: these servers call nobody.
const NO_VENDORS: &str = "http://127.0.0.1:9";

#[database_test]
async fn the_mode_of_a_database_stays(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let production = ["--database-url", &database.url, "--keyring", &ring];
    let sandbox = [&production[..], &["--sandbox", NO_VENDORS]].concat();
    serve(&folder.path("one"), &sandbox).await.stop().await;
    let refused = try_serve(&folder.path("two"), &production)
        .await
        .expect_err("a production server on a sandbox's database");
    assert!(!refused.status.success());
    let text = written(&refused);
    assert!(
        text.contains("sandbox") && text.contains("production"),
        "a clear sentence: {text}"
    );
    assert!(!text.contains("panicked"), "{text}");
    // The other commands take either.
    let migrated = run(&[
        "migrate",
        "--database-url",
        &database.url,
        "--data-dir",
        &folder.text("three"),
    ])
    .await;
    assert!(migrated.status.success(), "{}", written(&migrated));
    serve(&folder.path("one"), &sandbox).await.stop().await;
}

#[database_test]
async fn a_production_database_refuses_the_sandbox(database: TestDatabase) {
    emptied(&database).await;
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let production = ["--database-url", &database.url, "--keyring", &ring];
    // Migrating does not decide what kind of database it is.
    let migrated = run(&[
        "migrate",
        "--database-url",
        &database.url,
        "--data-dir",
        &folder.text("data"),
    ])
    .await;
    assert!(migrated.status.success(), "{}", written(&migrated));
    serve(&folder.path("data"), &production).await.stop().await;
    let sandbox = [&production[..], &["--sandbox", NO_VENDORS]].concat();
    let refused = try_serve(&folder.path("data"), &sandbox)
        .await
        .expect_err("a sandbox on a production database");
    let text = written(&refused);
    assert!(
        !refused.status.success() && text.contains("sandbox") && text.contains("production"),
        "{text}"
    );
}

/// No key is ever made up for a database that may hold something.
#[database_test]
async fn an_external_database_needs_a_keyring(database: TestDatabase) {
    emptied(&database).await;
    let folder = Folder::new();
    let data = folder.path("data");
    let refused = try_serve(&data, &["--database-url", &database.url])
        .await
        .expect_err("there is no keyring");
    let text = written(&refused);
    assert!(
        !refused.status.success() && text.contains("keys init"),
        "the sentence says what to do: {text}"
    );
    assert!(!data.join("keyring.json").exists(), "a key was made");
    let broken = folder.text("broken.json");
    for content in ["", "{}", "{\"keys\":[]}", "[]", "not json", "{\"a\":"] {
        std::fs::write(&broken, content).expect("written");
        let refused = try_serve(
            &data,
            &["--database-url", &database.url, "--keyring", &broken],
        )
        .await
        .expect_err("the keyring is broken");
        let text = written(&refused);
        assert!(
            !refused.status.success() && text.contains("broken.json") && !text.contains("panicked"),
            "{content:?}: {text}"
        );
    }
}

#[tokio::test]
async fn a_new_keyring_is_private_and_never_overwritten() {
    let folder = Folder::new();
    let file = folder.path("keyring.json");
    let text = folder.text("keyring.json");
    let made = run(&["keys", "init", "--keyring", &text]).await;
    assert!(made.status.success(), "{}", written(&made));
    assert_eq!(mode(&file), 0o600);
    let before = std::fs::read(&file).expect("a keyring");
    let again = run(&["keys", "init", "--keyring", &text]).await;
    assert!(!again.status.success());
    assert!(
        written(&again).contains("keyring.json"),
        "{}",
        written(&again)
    );
    assert_eq!(std::fs::read(&file).expect("a keyring"), before);
    for output in [made, again] {
        let shown = written(&output);
        let ring: Value = serde_json::from_slice(&before).expect("JSON");
        let mut texts = Vec::new();
        collect_texts(&ring, &mut texts);
        assert!(
            texts
                .iter()
                .filter(|text| text.len() >= 40)
                .all(|text| !shown.contains(text.as_str())),
            "a key is printed"
        );
    }
    // Without --keyring it goes into the data folder.
    let made = run(&["keys", "init", "--data-dir", &folder.text("data")]).await;
    assert!(made.status.success(), "{}", written(&made));
    assert_eq!(mode(&folder.path("data/keyring.json")), 0o600);
    let nowhere = run(&[
        "keys",
        "init",
        "--keyring",
        &folder.text("no/such/folder/keyring.json"),
    ])
    .await;
    assert!(
        nowhere.status.success() || written(&nowhere).contains("no/such/folder"),
        "{}",
        written(&nowhere)
    );
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(map) => map.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}
