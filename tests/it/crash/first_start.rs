//! What the first start leaves behind, what later ones keep, and the small commands.

use std::collections::BTreeSet;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{emptied, keyring};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, mode, run, serve, try_serve, written};
use crate::vendors::{Vendors, client, example};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn private_mode() -> &'static str {
    "http://127.0.0.1:9"
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_writes_credentials_and_later_ones_keep_them() {
    let folder = Folder::new();
    let data = folder.path("data");
    let vendors = Vendors::start().await;
    let server = serve(&data, &["--sandbox", &vendors.url]).await;
    let credentials = server.credentials();
    assert_eq!(keys(&credentials), BTreeSet::from(["authorization", "baseUrl", "organization", "user"]));
    assert_eq!(keys(&credentials["organization"]), BTreeSet::from(["name", "secret"]));
    assert_eq!(keys(&credentials["user"]), BTreeSet::from(["email", "password", "secret"]));
    assert_eq!(credentials["baseUrl"], format!("{}/elements/api-v2", server.url));
    let (user, organization) = (credentials["user"]["secret"].as_str().expect("a secret"), credentials["organization"]["secret"].as_str().expect("a secret"));
    assert_eq!(credentials["authorization"], format!("User {user}, Organization {organization}"));
    assert_eq!(user.len(), 44);
    assert!(organization.len() == 32 && organization.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{}", organization.len());
    let header = std::fs::read_to_string(data.join("authorization.header")).expect("authorization.header");
    assert_eq!(header.trim_end(), format!("Authorization: User {user}, Organization {organization}"));
    for file in ["credentials.json", "authorization.header", "keyring.json", "pg.password"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&data), 0o711, "the data folder");
    assert_eq!(mode(&data.join("pg")), 0o700, "the database's folder");
    assert!(!data.join("credentials.json.new").exists());

    let authorization = server.authorization();
    let created = server.create(&authorization, &example()).await;
    let shown = [server.stdout(), server.log()].concat();
    for secret in [user, organization, credentials["user"]["password"].as_str().expect("a password"), created["token"].as_str().expect("a token")] {
        assert!(!shown.contains(secret), "a secret is printed");
    }
    assert_eq!(server.stdout(), format!("bunsen listening on {}\n", server.url));
    server.stop().await;

    let again = serve(&data, &["--sandbox", &vendors.url]).await;
    let mut kept = again.credentials();
    // A free port is another one each time; everything else is the same.
    kept["baseUrl"] = credentials["baseUrl"].clone();
    assert_eq!(kept, credentials);
    assert_eq!(std::fs::read_to_string(data.join("authorization.header")).expect("authorization.header"), header);
    let read = Answer::of(again.request("GET", &format!("/instances/{}", created["id"]), &authorization)).await.success();
    assert_eq!(read, created);
    again.stop().await;
}

/// `curl -H @FILE` takes the file as it is.
#[database_test]
async fn the_header_file_is_a_header(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let data = folder.path("data");
    let server = serve(&data, &["--database-url", &database.url, "--keyring", &ring]).await;
    let text = std::fs::read_to_string(data.join("authorization.header")).expect("authorization.header");
    let (name, value) = text.trim_end().split_once(": ").expect("a header");
    let request = client().get(format!("{}/elements/api-v2/organizations/me", server.url)).header(name, value);
    Answer::of(request).await.success();
    server.stop().await;
}

/// The crash between commit and rename: what was written is what the database knows.
#[database_test]
async fn a_pending_credentials_file_is_finished(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let data = folder.path("data");
    let arguments = ["--database-url", &database.url, "--keyring", &ring];
    let server = serve(&data, &arguments).await;
    let credentials = server.credentials();
    server.stop().await;
    std::fs::rename(data.join("credentials.json"), data.join("credentials.json.new")).expect("renamed");
    std::fs::remove_file(data.join("authorization.header")).expect("removed");

    let server = serve(&data, &arguments).await;
    assert_eq!(server.credentials()["user"], credentials["user"]);
    assert_eq!(server.credentials()["organization"], credentials["organization"]);
    assert!(!data.join("credentials.json.new").exists());
    for file in ["credentials.json", "authorization.header"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    Answer::of(server.request("GET", "/organizations/me", &server.authorization())).await.success();
    server.stop().await;
}

/// The crash before the commit: what was written never came true.
#[database_test]
async fn a_pending_file_of_nobody_is_replaced(database: TestDatabase) {
    emptied(&database).await;
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let data = folder.path("data");
    std::fs::create_dir(&data).expect("a folder");
    let stale = json!({
        "baseUrl": "http://127.0.0.1:1/elements/api-v2",
        "organization": {"name": "stale", "secret": "0123456789abcdef0123456789abcdef"},
        "user": {"email": "stale@vendor.example", "password": "stale", "secret": "c3RhbGVzdGFsZXN0YWxlc3RhbGVzdGFsZXN0YWxlMDE="},
        "authorization": "User c3RhbGVzdGFsZXN0YWxlc3RhbGVzdGFsZXN0YWxlMDE=, Organization 0123456789abcdef0123456789abcdef"
    });
    std::fs::write(data.join("credentials.json.new"), stale.to_string()).expect("written");
    let server = serve(&data, &["--database-url", &database.url, "--keyring", &ring]).await;
    assert_ne!(server.credentials()["user"]["secret"], stale["user"]["secret"]);
    assert!(!data.join("credentials.json.new").exists());
    Answer::of(server.request("GET", "/organizations/me", &server.authorization())).await.success();
    server.stop().await;
}

#[database_test]
async fn the_mode_of_a_database_stays(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let production = ["--database-url", &database.url, "--keyring", &ring];
    let sandbox = [&production[..], &["--sandbox", private_mode()]].concat();
    serve(&folder.path("one"), &sandbox).await.stop().await;
    let refused = try_serve(&folder.path("two"), &production).await.expect_err("a production server on a sandbox's database");
    assert!(!refused.status.success());
    let text = written(&refused);
    assert!(text.contains("sandbox") && text.contains("production"), "a clear sentence: {text}");
    assert!(!text.contains("panicked"), "{text}");
    // The other commands take either.
    let migrated = run(&["migrate", "--database-url", &database.url, "--data-dir", &folder.text("three")]).await;
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
    let migrated = run(&["migrate", "--database-url", &database.url, "--data-dir", &folder.text("data")]).await;
    assert!(migrated.status.success(), "{}", written(&migrated));
    serve(&folder.path("data"), &production).await.stop().await;
    let sandbox = [&production[..], &["--sandbox", private_mode()]].concat();
    let refused = try_serve(&folder.path("data"), &sandbox).await.expect_err("a sandbox on a production database");
    let text = written(&refused);
    assert!(!refused.status.success() && text.contains("sandbox") && text.contains("production"), "{text}");
}

/// No key is ever made up for a database that may hold something.
#[database_test]
async fn an_external_database_needs_a_keyring(database: TestDatabase) {
    emptied(&database).await;
    let folder = Folder::new();
    let data = folder.path("data");
    let refused = try_serve(&data, &["--database-url", &database.url]).await.expect_err("there is no keyring");
    let text = written(&refused);
    assert!(!refused.status.success() && text.contains("keys init"), "the sentence says what to do: {text}");
    assert!(!data.join("keyring.json").exists(), "a key was made");
    let broken = folder.text("broken.json");
    for content in ["", "{}", "{\"keys\":[]}", "[]", "not json", "{\"a\":"] {
        std::fs::write(&broken, content).expect("written");
        let refused = try_serve(&data, &["--database-url", &database.url, "--keyring", &broken]).await.expect_err("the keyring is broken");
        let text = written(&refused);
        assert!(!refused.status.success() && text.contains("broken.json") && !text.contains("panicked"), "{content:?}: {text}");
    }
}

#[database_test]
async fn health_says_it_by_the_exit_code(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let server = serve(&folder.path("data"), &["--database-url", &database.url, "--keyring", &ring]).await;
    let url = server.url.clone();
    let well = run(&["health", "--url", &url]).await;
    assert!(well.status.success(), "{}", written(&well));
    server.stop().await;
    let ill = run(&["health", "--url", &url]).await;
    assert_eq!(ill.status.code(), Some(1), "{}", written(&ill));
    assert!(!written(&ill).trim().is_empty(), "it says what is wrong");
    // Something answers, but it is no such server.
    let vendors = Vendors::start().await;
    let other = run(&["health", "--url", &vendors.url]).await;
    assert_eq!(other.status.code(), Some(1), "{}", written(&other));
}

/// A server whose database has gone is alive and not ready.
#[database_test]
async fn a_server_without_its_database_is_not_ready(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let server = serve(&folder.path("data"), &["--database-url", &database.url, "--keyring", &ring]).await;
    let authorization = server.authorization();
    let (name,): (String,) = sqlx::query_as("select current_database()::text").fetch_one(&database.pool).await.expect("a name");
    let lock = |allowed: bool| sqlx::AssertSqlSafe(format!("alter database \"{name}\" with allow_connections {allowed}"));
    sqlx::query(lock(false)).execute(&database.pool).await.expect("nobody may connect");
    let end_others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(end_others).execute(&database.pool).await.expect("everybody else is thrown out");

    let ready = Answer::of(client().get(format!("{}/health/ready", server.url))).await;
    let health = run(&["health", "--url", &server.url]).await;
    let live = Answer::of(client().get(format!("{}/health/live", server.url))).await;
    let called = Answer::of(server.request("GET", "/organizations/me", &authorization)).await;
    sqlx::query(lock(true)).execute(&database.pool).await.expect("everybody may connect again");

    assert_eq!((ready.status, live.status), (503, 200), "{ready} {live}");
    assert_eq!(health.status.code(), Some(1), "{}", written(&health));
    let error = called.error(called.status);
    assert!([500, 503].contains(&called.status), "{error}");
    let text = error.to_string().to_lowercase();
    assert!(!text.contains("postgres") && !text.contains("sqlx") && !text.contains(&name), "the inside is shown: {error}");
    crate::vendors::until("the server is ready again", async || {
        Answer::of(client().get(format!("{}/health/ready", server.url))).await.status == 200
    })
    .await;
    server.stop().await;
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
    assert!(written(&again).contains("keyring.json"), "{}", written(&again));
    assert_eq!(std::fs::read(&file).expect("a keyring"), before);
    for output in [made, again] {
        let shown = written(&output);
        let ring: Value = serde_json::from_slice(&before).expect("JSON");
        let mut texts = Vec::new();
        collect_texts(&ring, &mut texts);
        assert!(texts.iter().filter(|text| text.len() >= 40).all(|text| !shown.contains(text.as_str())), "a key is printed");
    }
    // Without --keyring it goes into the data folder.
    let made = run(&["keys", "init", "--data-dir", &folder.text("data")]).await;
    assert!(made.status.success(), "{}", written(&made));
    assert_eq!(mode(&folder.path("data/keyring.json")), 0o600);
    let nowhere = run(&["keys", "init", "--keyring", &folder.text("no/such/folder/keyring.json")]).await;
    assert!(nowhere.status.success() || written(&nowhere).contains("no/such/folder"), "{}", written(&nowhere));
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(map) => map.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}
