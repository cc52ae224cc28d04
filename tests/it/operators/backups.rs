//! A copy of the database from before a rotation, and the keyring exported then.

use bunsen_test_macros::database_test;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{mode, run, serve, written};
use crate::vendors::example;

#[database_test]
async fn a_backup_from_before_opens_with_the_keyring_exported_then(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let authorization = server.authorization();
    let created = server.create(&authorization, &example()).await;
    server.stop().await;

    let phrase = site.folder.text("phrase.txt");
    std::fs::write(&phrase, "correct horse battery staple\n").expect("written");
    let export = site.folder.text("keyring.export.json");
    let exported = run(&[
        "keys",
        "export",
        "--keyring",
        &site.keyring,
        "--passphrase-file",
        &phrase,
        &export,
    ])
    .await;
    assert!(exported.status.success(), "{}", written(&exported));
    assert_eq!(mode(export.as_ref()), 0o600);
    let keyring: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&site.keyring).expect("a keyring")).expect("JSON");
    let key = keyring["find"]["keys"][0]["key"].as_str().expect("a key");
    let text = std::fs::read_to_string(&export).expect("an export");
    assert!(!text.contains(key), "the export holds a key in clear");

    // Nobody may be connected to what is copied.
    site.database.pool.close().await;
    let mut admin_url: Url = site.database.url.parse().expect("a URL");
    let name = admin_url.path().trim_start_matches('/').to_owned();
    admin_url.set_path("postgres");
    let mut admin = PgConnection::connect(admin_url.as_str())
        .await
        .expect("an administrator's connection");
    let copy = format!("{name}_copy");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "create database {copy} template {name}"
    )))
    .execute(&mut admin)
    .await
    .expect("copied");

    for kind in ["encrypt", "find", "organization"] {
        let old = (kind != "organization").then_some(kind);
        let old = match old {
            Some(kind) => Some(site.current(kind).await),
            None => None,
        };
        site.json(&["keys", "rotate", kind]).await;
        if let Some(old) = old {
            site.json(&["keys", "retire", &old]).await;
        }
    }

    let imported = site.folder.text("imported.json");
    let import = [
        "keys",
        "import",
        "--keyring",
        &imported,
        "--passphrase-file",
        &phrase,
        &export,
    ];
    let output = run(&import).await;
    assert!(output.status.success(), "{}", written(&output));
    let again = run(&import).await;
    assert!(
        !again.status.success(),
        "an existing keyring is overwritten"
    );
    let mut copied_url = admin_url.clone();
    copied_url.set_path(&copy);
    let arguments = |keyring: &str| {
        [
            "--sandbox",
            &site.vendors.url,
            "--database-url",
            copied_url.as_str(),
            "--keyring",
            keyring,
        ]
        .map(str::to_owned)
    };
    let with_new = arguments(&site.keyring);
    let with_new: Vec<&str> = with_new.iter().map(String::as_str).collect();
    crate::process::try_serve(&site.folder.path("two"), &with_new)
        .await
        .expect_err("the backup needs keys that were retired since");
    let with_old = arguments(&imported);
    let with_old: Vec<&str> = with_old.iter().map(String::as_str).collect();
    let restored = serve(&site.folder.path("two"), &with_old).await;
    let read = format!("/instances/{}", created["id"]);
    let read = Answer::of(restored.request("GET", &read, &authorization)).await;
    assert_eq!(read.success(), created);
    restored.stop().await;
    sqlx::raw_sql(AssertSqlSafe(format!("drop database {copy} with (force)")))
        .execute(&mut admin)
        .await
        .expect("dropped");
}

#[database_test]
async fn an_export_needs_a_good_passphrase(database: TestDatabase) {
    let site = Site::new(database).await;
    let export = site.folder.text("export.json");
    let without = run(&["keys", "export", "--keyring", &site.keyring, &export]).await;
    assert!(
        written(&without).contains("BUNSEN_PASSPHRASE"),
        "{}",
        written(&without)
    );
    let phrase = site.folder.text("phrase.txt");
    std::fs::write(&phrase, "short").expect("written");
    let short = run(&[
        "keys",
        "export",
        "--keyring",
        &site.keyring,
        "--passphrase-file",
        &phrase,
        &export,
    ])
    .await;
    assert!(!short.status.success() && written(&short).contains("12 characters"));
    assert!(!std::path::Path::new(&export).exists());
}
