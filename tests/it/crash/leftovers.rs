//! Files that an earlier start left behind, and folders that served another database.

use std::path::Path;

use bunsen_test_macros::database_test;

use super::emptied;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, new_keyring, serve};
use crate::vendors::Vendors;

/// A start died before its commit and left a keyring that nobody uses; the one that is used then
/// must never be replaced by it.
#[database_test]
async fn a_stale_keyring_never_replaces_the_one_in_use(database: TestDatabase) {
    emptied(&database).await;
    let folder = Folder::new();
    let data = folder.path("data");
    std::fs::create_dir(&data).expect("a folder");
    new_keyring(&folder.text("stale.json")).await;
    std::fs::rename(folder.path("stale.json"), data.join("keyring.json.new")).expect("renamed");
    let used = data.join("keyring.json");
    new_keyring(&used.display().to_string()).await;
    let before = std::fs::read(&used).expect("a keyring");

    let server = serve(&data, &["--database-url", &database.url]).await;
    server.stop().await;
    assert_eq!(std::fs::read(&used).expect("a keyring"), before);
    assert!(!data.join("keyring.json.new").exists());
    // The database opens with what is on disk.
    serve(&data, &["--database-url", &database.url])
        .await
        .stop()
        .await;
}

/// The folder's cluster is gone and a new one is made: the old credentials are kept under another
/// name, and the header is that of the new ones.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_another_database_are_kept_aside() {
    let vendors = Vendors::start().await;
    let folder = Folder::new();
    let data = folder.path("data");
    let sandbox = ["--sandbox", vendors.url.as_str()];
    let server = serve(&data, &sandbox).await;
    let old = server.credentials();
    server.stop().await;
    std::fs::rename(data.join("pg"), data.join("pg.moved")).expect("renamed");

    let server = serve(&data, &sandbox).await;
    assert_ne!(server.credentials()["user"], old["user"]);
    let header = std::fs::read_to_string(data.join("authorization.header")).expect("a header");
    assert!(
        header.contains(&server.authorization()),
        "the header is the new one"
    );
    Answer::of(server.request("GET", "/organizations/me", &server.authorization()))
        .await
        .success();
    server.stop().await;
    let kept = find(&data, "credentials.json.before-").expect("kept aside");
    let text = std::fs::read_to_string(kept).expect("readable");
    assert!(text.contains(old["user"]["secret"].as_str().expect("a secret")));
}

fn find(folder: &Path, start: &str) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(start))
        })
}
