//! What the first start leaves behind, what later ones keep, and the small commands.

use std::collections::BTreeSet;
use std::str::FromStr;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{emptied, keyring};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, mode, run, serve, written};
use crate::vendors::{Vendors, client, example};

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_writes_credentials_and_later_ones_keep_them() {
    let folder = Folder::new();
    let data = folder.path("data");
    let vendors = Vendors::start().await;
    let server = serve(&data, &["--sandbox", &vendors.url]).await;
    let credentials = server.credentials();
    assert_eq!(
        keys(&credentials),
        BTreeSet::from(["authorization", "baseUrl", "organization", "user"])
    );
    assert_eq!(
        keys(&credentials["organization"]),
        BTreeSet::from(["name", "secret"])
    );
    assert_eq!(
        keys(&credentials["user"]),
        BTreeSet::from(["email", "password", "secret"])
    );
    assert_eq!(credentials["baseUrl"], server.url);
    let (user, organization) = (
        credentials["user"]["secret"].as_str().expect("a secret"),
        credentials["organization"]["secret"]
            .as_str()
            .expect("a secret"),
    );
    assert_eq!(
        credentials["authorization"],
        format!("User {user}, Organization {organization}")
    );
    assert_eq!(user.len(), 44);
    assert!(
        organization.len() == 32
            && organization
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{}",
        organization.len()
    );
    let header =
        std::fs::read_to_string(data.join("authorization.header")).expect("authorization.header");
    assert_eq!(
        header.trim_end(),
        format!("Authorization: User {user}, Organization {organization}")
    );
    for file in [
        "credentials.json",
        "authorization.header",
        "keyring.json",
        "pg.password",
    ] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&data), 0o711, "the data folder");
    assert_eq!(mode(&data.join("pg")), 0o700, "the database's folder");
    assert!(!data.join("credentials.json.new").exists());

    let authorization = server.authorization();
    let created = server.create(&authorization, &example()).await;
    let shown = [server.stdout(), server.log()].concat();
    for secret in [
        user,
        organization,
        credentials["user"]["password"]
            .as_str()
            .expect("a password"),
        created["token"].as_str().expect("a token"),
    ] {
        assert!(!shown.contains(secret), "a secret is printed");
    }
    assert_eq!(
        server.stdout(),
        format!("bunsen listening on {}\n", server.url)
    );
    server.stop().await;

    let again = serve(&data, &["--sandbox", &vendors.url]).await;
    let mut kept = again.credentials();
    // A free port is another one each time; everything else is the same.
    kept["baseUrl"] = credentials["baseUrl"].clone();
    assert_eq!(kept, credentials);
    assert_eq!(
        std::fs::read_to_string(data.join("authorization.header")).expect("authorization.header"),
        header
    );
    let read = Answer::of(again.request(
        "GET",
        &format!("/instances/{}", created["id"]),
        &authorization,
    ))
    .await
    .success();
    assert_eq!(read, created);
    again.stop().await;
}

/// `curl -H @FILE` takes the file as it is.
#[database_test]
async fn the_header_file_is_a_header(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let data = folder.path("data");
    let server = serve(
        &data,
        &["--database-url", &database.url, "--keyring", &ring],
    )
    .await;
    let text =
        std::fs::read_to_string(data.join("authorization.header")).expect("authorization.header");
    let (name, value) = text.trim_end().split_once(": ").expect("a header");
    let request = client()
        .get(format!("{}/elements/api-v2/organizations/me", server.url))
        .header(name, value);
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
    for file in ["credentials.json", "authorization.header"] {
        std::fs::rename(data.join(file), data.join(format!("{file}.new"))).expect("renamed");
    }

    let server = serve(&data, &arguments).await;
    assert_eq!(server.credentials()["user"], credentials["user"]);
    assert_eq!(
        server.credentials()["organization"],
        credentials["organization"]
    );
    assert!(!data.join("credentials.json.new").exists());
    for file in ["credentials.json", "authorization.header"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    Answer::of(server.request("GET", "/organizations/me", &server.authorization()))
        .await
        .success();
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
    let server = serve(
        &data,
        &["--database-url", &database.url, "--keyring", &ring],
    )
    .await;
    assert_ne!(
        server.credentials()["user"]["secret"],
        stale["user"]["secret"]
    );
    assert!(!data.join("credentials.json.new").exists());
    Answer::of(server.request("GET", "/organizations/me", &server.authorization()))
        .await
        .success();
    server.stop().await;
}

#[database_test]
async fn health_says_it_by_the_exit_code(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let server = serve(
        &folder.path("data"),
        &["--database-url", &database.url, "--keyring", &ring],
    )
    .await;
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
    let server = serve(
        &folder.path("data"),
        &["--database-url", &database.url, "--keyring", &ring],
    )
    .await;
    let authorization = server.authorization();
    let (name,): (String,) = sqlx::query_as("select current_database()::text")
        .fetch_one(&database.pool)
        .await
        .expect("a name");
    // A database can only be closed from another one.
    let elsewhere = PgConnectOptions::from_str(&database.url)
        .expect("a database's address")
        .database("postgres");
    let elsewhere = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(elsewhere)
        .await
        .expect("a connection");
    let lock = |allowed: bool| {
        AssertSqlSafe(format!(
            "alter database \"{name}\" with allow_connections {allowed}"
        ))
    };
    sqlx::query(lock(false))
        .execute(&elsewhere)
        .await
        .expect("nobody may connect");
    let end_all = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
    sqlx::query(end_all)
        .bind(&name)
        .execute(&elsewhere)
        .await
        .expect("everybody is thrown out");

    let ready = Answer::of(client().get(format!("{}/health/ready", server.url))).await;
    let health = run(&["health", "--url", &server.url]).await;
    let live = Answer::of(client().get(format!("{}/health/live", server.url))).await;
    let called = Answer::of(server.request("GET", "/organizations/me", &authorization)).await;
    sqlx::query(lock(true))
        .execute(&elsewhere)
        .await
        .expect("everybody may connect again");

    assert_eq!((ready.status, live.status), (503, 200), "{ready} {live}");
    assert_eq!(health.status.code(), Some(1), "{}", written(&health));
    let error = called.error(called.status);
    assert!([500, 503].contains(&called.status), "{error}");
    let text = error.to_string().to_lowercase();
    assert!(
        !text.contains("postgres") && !text.contains("sqlx") && !text.contains(&name),
        "the inside is shown: {error}"
    );
    crate::vendors::until("the server is ready again", async || {
        Answer::of(client().get(format!("{}/health/ready", server.url)))
            .await
            .status
            == 200
    })
    .await;
    server.stop().await;
}
