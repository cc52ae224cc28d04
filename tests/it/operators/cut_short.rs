//! kill -9 in the middle of a rotation, and what the next run makes of it.

use bunsen::ids::KeyUse;
use bunsen::keyring::Keyring;
use bunsen_test_macros::database_test;

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::command;
use crate::vendors::{example, until};

const INSTANCES: usize = 12;

async fn killed_and_resumed(site: &Site, kind: &str, remaining: &'static str) {
    let before = site.count(remaining).await;
    let arguments = ["keys", "rotate", kind, "--batch", "1", "--pause", "200"];
    let mut rotating = command(&site.arguments(&arguments))
        .spawn()
        .expect("the binary starts");
    until("some rows are written anew", async || {
        let left = site.count(remaining).await;
        left != before && left > 0 && left < before.max(INSTANCES as i64)
    })
    .await;
    rotating.kill().await.expect("killed");
    assert!(site.count(remaining).await > 0, "{kind}: killed too late");

    let resumed = site.json(&["keys", "rotate", kind]).await;
    assert_eq!(resumed["resumed"], true, "{kind}: {resumed}");
    assert!(resumed["rows"].as_u64() > Some(0), "{kind}: {resumed}");
    assert_eq!(site.count(remaining).await, 0, "{kind}");
}

#[database_test]
async fn a_killed_rotation_is_taken_up(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let authorization = server.authorization();
    for _ in 0..INSTANCES {
        server.create(&authorization, &example()).await;
    }
    // Rows under another pepper than the newest; before the rotation that is none.
    killed_and_resumed(
        &site,
        "find",
        "select count(*) from secret_index where pepper_id <>
             (select key_id from key_checks where use = 'find' order by first_seen_at desc limit 1)",
    )
    .await;
    killed_and_resumed(
        &site,
        "organization",
        "select count(*) from instances where
             substring(token_sealed from 2 for 4) <>
                 (select int4send(max(number)) from organization_keys where not staged)
             and exists (select 1 from organization_keys where number > 1 and not staged)",
    )
    .await;
    let list = Answer::of(server.request("GET", "/instances", &authorization))
        .await
        .success();
    assert_eq!(list.as_array().map(Vec::len), Some(INSTANCES));
    server.stop().await;
}

/// Killed after the new key was written to the file and before the database knew of it.
#[database_test]
async fn a_staged_key_is_used_and_no_second_one_made(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let path = std::path::Path::new(&site.keyring);
    for (use_, name) in [(KeyUse::Encrypt, "encrypt"), (KeyUse::Find, "find")] {
        let staged = Keyring::read(path).expect("a keyring").with_staged(use_);
        staged.replace(path).expect("written");
        let id = staged.staged_id(use_).expect("staged").to_owned();
        let rotated = site.json(&["keys", "rotate", name]).await;
        assert_eq!(rotated["resumed"], true, "{rotated}");
        assert_eq!(rotated["current"], id.as_str(), "{rotated}");
        let ids = Keyring::read(path).expect("a keyring");
        assert_eq!(ids.ids(use_).len(), 2);
    }
    Answer::of(server.request("GET", "/users", &server.authorization()))
        .await
        .success();
    server.stop().await;
}
