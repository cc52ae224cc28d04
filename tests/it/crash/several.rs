//! More than one server: on one database, and wrongly on one folder.

use bunsen_test_macros::database_test;

use super::{emptied, keyring};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, serve, try_serve, written};
use crate::vendors::{Vendors, example};

#[database_test]
async fn two_servers_start_at_once_on_an_empty_database(database: TestDatabase) {
    emptied(&database).await;
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
    let (one, two) = (folder.path("one"), folder.path("two"));
    let (first, second) = tokio::join!(try_serve(&one, &arguments), try_serve(&two, &arguments));
    let first = first.unwrap_or_else(|output| panic!("the first: {}", written(&output)));
    let second = second.unwrap_or_else(|output| panic!("the second: {}", written(&output)));

    let files: Vec<bool> = [&one, &two]
        .map(|data| data.join("credentials.json").exists())
        .into();
    assert_eq!(
        files.iter().filter(|written| **written).count(),
        1,
        "one of them made the organization: {files:?}"
    );
    let authorization = if files[0] {
        first.authorization()
    } else {
        second.authorization()
    };
    let organizations: i64 = sqlx::query_scalar("select count(*) from organizations")
        .fetch_one(&database.pool)
        .await
        .expect("a count");
    assert_eq!(organizations, 1);
    // What one creates, the other knows, token included.
    let created = first.create(&authorization, &example()).await;
    let read = Answer::of(second.request(
        "GET",
        &format!("/instances/{}", created["id"]),
        &authorization,
    ))
    .await
    .success();
    assert_eq!(read, created);
    let with_token = format!(
        "{authorization}, Element {}",
        created["token"].as_str().expect("a token")
    );
    Answer::of(second.request("GET", "/no-such-things", &with_token))
        .await
        .error(404);
    // What one deletes, the other has forgotten by the time of the answer.
    let deleted = Answer::of(first.request(
        "DELETE",
        &format!("/instances/{}", created["id"]),
        &authorization,
    ))
    .await;
    assert_eq!(deleted.status, 200, "{deleted}");
    Answer::of(second.request("GET", "/no-such-things", &with_token))
        .await
        .error(401);
    Answer::of(second.request(
        "GET",
        &format!("/instances/{}", created["id"]),
        &authorization,
    ))
    .await
    .error(404);
    first.stop().await;
    second.stop().await;
}

#[database_test]
async fn a_foreign_keyring_is_refused_and_the_missing_key_named(database: TestDatabase) {
    let folder = Folder::new();
    let (right, wrong) = (
        keyring(&folder, "right.json").await,
        keyring(&folder, "wrong.json").await,
    );
    let server = serve(
        &folder.path("one"),
        &["--database-url", &database.url, "--keyring", &right],
    )
    .await;
    let ids: Vec<String> = sqlx::query_scalar("select key_id from key_checks")
        .fetch_all(&database.pool)
        .await
        .expect("ids");
    assert!(!ids.is_empty());
    let refused = try_serve(
        &folder.path("two"),
        &["--database-url", &database.url, "--keyring", &wrong],
    )
    .await
    .expect_err("a foreign keyring");
    assert!(!refused.status.success());
    let text = written(&refused);
    assert!(
        ids.iter().any(|id| text.contains(id)),
        "one of {ids:?} is named: {text}"
    );
    assert!(!text.contains("panicked"), "{text}");
    let after: Vec<String> = sqlx::query_scalar("select key_id from key_checks")
        .fetch_all(&database.pool)
        .await
        .expect("ids");
    assert_eq!(after.len(), ids.len(), "the foreign keys were not recorded");
    // The one with the right keys does not notice.
    Answer::of(server.request("GET", "/organizations/me", &server.authorization()))
        .await
        .success();
    server.stop().await;
}

/// The same id with another key behind it: the check value does not match.
#[database_test]
async fn a_key_of_the_right_name_and_the_wrong_content_is_refused(database: TestDatabase) {
    let folder = Folder::new();
    let (right, wrong) = (
        keyring(&folder, "right.json").await,
        keyring(&folder, "wrong.json").await,
    );
    serve(
        &folder.path("one"),
        &["--database-url", &database.url, "--keyring", &right],
    )
    .await
    .stop()
    .await;
    // The database is told that it has always been the other keyring's names.
    let text = |file: &str| std::fs::read_to_string(file).expect("a keyring");
    let (right_text, mut forged) = (text(&right), text(&wrong));
    let known: Vec<(String, String)> = sqlx::query_as("select key_id, use from key_checks")
        .fetch_all(&database.pool)
        .await
        .expect("ids");
    let other = folder.path("other");
    let probe = try_serve(
        &other,
        &["--database-url", &database.url, "--keyring", &wrong],
    )
    .await
    .expect_err("a foreign keyring");
    for (id, _) in &known {
        assert!(
            right_text.contains(id),
            "the keyring holds the ids of the database"
        );
    }
    let foreign_ids = ids_in(&forged, &right_text, &known);
    for ((id, _), foreign) in known.iter().zip(&foreign_ids) {
        forged = forged.replace(foreign, id);
    }
    std::fs::write(&wrong, forged).expect("written");
    let refused = try_serve(
        &other,
        &["--database-url", &database.url, "--keyring", &wrong],
    )
    .await
    .expect_err("a forged keyring");
    let text = written(&refused);
    assert!(
        !refused.status.success() && known.iter().any(|(id, _)| text.contains(id)),
        "{text} (before: {})",
        written(&probe)
    );
    assert!(!text.contains("panicked"), "{text}");
}

/// The ids of one keyring, in the order in which the known ids stand in another of the same form.
fn ids_in(forged: &str, right: &str, known: &[(String, String)]) -> Vec<String> {
    let (right, forged): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(right).expect("JSON"),
        serde_json::from_str(forged).expect("JSON"),
    );
    known
        .iter()
        .map(|(id, _)| {
            find(&right, &forged, id).unwrap_or_else(|| panic!("no place of {id} in the keyring"))
        })
        .collect()
}

/// What stands in `other` where `id` stands in `value`, as text or as key.
fn find(value: &serde_json::Value, other: &serde_json::Value, id: &str) -> Option<String> {
    match (value, other) {
        (serde_json::Value::String(text), serde_json::Value::String(foreign)) => {
            (text == id).then(|| foreign.clone())
        }
        (serde_json::Value::Array(one), serde_json::Value::Array(two)) => one
            .iter()
            .zip(two)
            .find_map(|(one, two)| find(one, two, id)),
        (serde_json::Value::Object(one), serde_json::Value::Object(two)) => one
            .iter()
            .zip(two)
            .find_map(|((name, one), (foreign, two))| {
                if name == id {
                    Some(foreign.clone())
                } else {
                    find(one, two, id)
                }
            }),
        _ => None,
    }
}

#[database_test]
async fn one_folder_is_for_one_server(database: TestDatabase) {
    let folder = Folder::new();
    let ring = keyring(&folder, "keyring.json").await;
    let data = folder.path("data");
    let arguments = ["--database-url", &database.url, "--keyring", &ring];
    let server = serve(&data, &arguments).await;
    let refused = try_serve(&data, &arguments)
        .await
        .expect_err("a second server in the same folder");
    let text = written(&refused);
    assert!(
        !refused.status.success() && text.contains(data.to_str().expect("a path")),
        "the folder is named: {text}"
    );
    assert!(!text.contains("panicked"), "{text}");
    Answer::of(server.request("GET", "/organizations/me", &server.authorization()))
        .await
        .success();
    server.stop().await;
    // Free again, also after a kill.
    serve(&data, &arguments).await.kill().await;
    serve(&data, &arguments).await.stop().await;
}
