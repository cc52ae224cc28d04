//! Backups that must not be taken, and restores that are cut short.

use std::io::Read as _;
use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::Value;

use super::{Empty, with_instances};
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::{command, new_keyring, run, written};
use crate::vendors::{example, until};

/// The frames behind the first line: letter, place in the file, content.
fn frames(bytes: &[u8]) -> Vec<(u8, usize, Vec<u8>)> {
    let mut place = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a line")
        + 1;
    let mut frames = Vec::new();
    while place + 32 < bytes.len() {
        let length: [u8; 4] = bytes[place + 1..place + 5].try_into().expect("4 bytes");
        let length = u32::from_be_bytes(length) as usize;
        let content = &bytes[place + 5..place + 5 + length];
        let content = match bytes[place] {
            b'D' => {
                let mut rows = Vec::new();
                flate2::read::ZlibDecoder::new(content)
                    .read_to_end(&mut rows)
                    .expect("rows");
                rows
            }
            _ => content.to_vec(),
        };
        frames.push((bytes[place], place, content));
        place += 5 + length;
    }
    frames
}

#[database_test]
async fn no_secret_stands_in_a_backup(database: TestDatabase) {
    let site = Site::new(database).await;
    let (server, authorization, made) = with_instances(&site, 1).await;
    let file = site.folder.text("all.backup");
    site.json(&["backup", &file]).await;
    let password = server.credentials()["user"]["password"].clone();
    server.stop().await;

    let all: Vec<u8> = frames(&std::fs::read(&file).expect("a backup"))
        .into_iter()
        .flat_map(|(_, _, content)| content)
        .collect();
    let text = String::from_utf8_lossy(&all);
    assert!(
        text.contains("admin@bunsen.example"),
        "the rows were not unpacked"
    );
    let keyring = std::fs::read_to_string(&site.keyring).expect("a keyring");
    let keyring: Value = serde_json::from_str(&keyring).expect("JSON");
    let mut secrets: Vec<String> = authorization
        .split(", ")
        .filter_map(|part| Some(part.split_once(' ')?.1.to_owned()))
        .collect();
    for value in [
        &made[0]["token"],
        &password,
        &keyring["find"]["keys"][0]["key"],
        &keyring["encrypt"]["keys"][0]["key"],
    ] {
        secrets.push(value.as_str().expect("text").to_owned());
    }
    // The vendor's password is a plain word, so only the rows of instances are looked through.
    let configuration = example()["configuration"].clone();
    let hidden = made[0]["configuration"]
        .as_object()
        .expect("a configuration");
    let mut of_instances = frames(&std::fs::read(&file).expect("a backup"))
        .into_iter()
        .skip_while(|(_, _, content)| !content.starts_with(b"{\"name\":\"instances\""));
    let of_instances = of_instances.nth(1).expect("rows").2;
    let of_instances = String::from_utf8_lossy(&of_instances);
    assert!(of_instances.contains("credentials") || of_instances.contains("\\\\x01"));
    let mut words = 0;
    for (key, _) in hidden.iter().filter(|(_, shown)| *shown == "********") {
        if let Some(word) = configuration[key].as_str() {
            words += 1;
            assert!(!of_instances.contains(word), "'{key}' is in the backup");
        }
    }
    assert!(words > 0, "the example has a secret");
    assert_eq!(secrets.len(), 6);
    for secret in secrets {
        assert!(!text.contains(&secret), "a secret is in the backup");
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.contains(&hex), "a secret is in the backup, in hex");
    }
}

#[database_test]
async fn a_damaged_backup_is_refused_before_anything_is_written(database: TestDatabase) {
    let site = Site::new(database).await;
    with_instances(&site, 2).await.0.stop().await;
    let file = site.folder.text("all.backup");
    site.json(&["backup", &file]).await;
    let whole = std::fs::read(&file).expect("a backup");
    let empty = Empty::new(&site.database).await;
    let damaged = site.folder.text("damaged.backup");

    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    let mut letters = std::collections::BTreeSet::new();
    for (letter, place, _) in frames(&whole) {
        // Every kind of part once, and what holds instances.
        if letters.insert(letter) {
            for (offset, what) in [(0, "letter"), (3, "length"), (9, "content")] {
                let mut bytes = whole.clone();
                bytes[place + offset] ^= 0x04;
                cases.push((format!("{what} of {}", char::from(letter)), bytes));
            }
            cases.push((
                format!("cut before {}", char::from(letter)),
                whole[..place].to_vec(),
            ));
        }
    }
    assert_eq!(letters.len(), 5);
    cases.push(("checksum".into(), {
        let mut bytes = whole.clone();
        *bytes.last_mut().expect("a byte") ^= 1;
        bytes
    }));
    cases.push(("more".into(), [whole.as_slice(), b"\n"].concat()));
    cases.push(("nothing".into(), Vec::new()));
    cases.push(("something else".into(), b"PGDMP and so on".to_vec()));
    for (what, bytes) in cases {
        std::fs::write(&damaged, bytes).expect("written");
        let text = empty.refused(&site, &damaged).await;
        assert!(
            text.contains("damaged") || text.contains("cut short") || text.contains("not a backup"),
            "{what}: {text}"
        );
    }
    let text = empty
        .refused(&site, &site.folder.text("missing.backup"))
        .await;
    assert!(text.contains("missing.backup"), "{text}");
    empty.restored(&site, &file).await;
    empty.drop().await;
}

#[database_test]
async fn a_restore_needs_every_key_of_the_backup(database: TestDatabase) {
    let mut site = Site::new(database).await;
    with_instances(&site, 1).await.0.stop().await;
    site.json(&["keys", "rotate", "find"]).await;
    let file = site.folder.text("all.backup");
    let made = site.json(&["backup", &file]).await;
    assert_eq!(made["keys"].as_array().map(Vec::len), Some(3), "{made}");
    let empty = Empty::new(&site.database).await;
    let right = site.keyring.clone();

    let other = site.folder.text("other.json");
    new_keyring(&other).await;
    let missing = site.folder.text("missing.json");
    for keyring in [other, missing] {
        site.keyring = keyring;
        let text = empty.refused(&site, &file).await;
        for key in made["keys"].as_array().expect("keys") {
            assert!(text.contains(key.as_str().expect("an id")), "{text}");
        }
        assert!(text.contains("bunsen keys import"), "{text}");
    }
    // Other bytes under the same ids.
    let mut forged: Value =
        serde_json::from_str(&std::fs::read_to_string(&right).expect("a keyring")).expect("JSON");
    forged["encrypt"]["keys"][0]["key"] = forged["find"]["keys"][0]["key"].clone();
    site.keyring = site.folder.text("forged.json");
    new_keyring(&site.keyring).await;
    std::fs::write(&site.keyring, forged.to_string()).expect("written");
    let text = empty.refused(&site, &file).await;
    assert!(text.contains("is not the one"), "{text}");

    site.keyring = right;
    empty.restored(&site, &file).await;
    empty.drop().await;
}

/// Killed at any moment it leaves an empty database, or all of it when it had come so far.
#[database_test]
async fn a_killed_restore_leaves_nothing_or_all(database: TestDatabase) {
    let site = Site::new(database).await;
    with_instances(&site, 1).await.0.stop().await;
    site.execute(
        "insert into instances (org_id, account_id, user_id, row_id, element_key, name, name_folded,
                                credential_group, credentials_sealed, token_sealed)
         select org_id, account_id, user_id, gen_random_uuid(), element_key, name, name_folded,
                credential_group, credentials_sealed, token_sealed
         from instances, generate_series(1, 20000)",
    )
    .await;
    let file = site.folder.text("all.backup");
    site.json(&["backup", &file]).await;
    let empty = Empty::new(&site.database).await;
    let arguments = [
        "restore",
        &file,
        "--database-url",
        &empty.url,
        "--keyring",
        &site.keyring,
    ];
    let mut within = 0;
    for round in 0..6 {
        let mut restoring = command(&arguments).spawn().expect("the binary starts");
        let backends = "select count(*) from pg_stat_activity where application_name = 'bunsen' and datname = current_database()";
        until("it is at work", async || {
            empty.count(backends).await > 1 || restoring.try_wait().expect("a state").is_some()
        })
        .await;
        tokio::time::sleep(Duration::from_millis(40 * round)).await;
        let ended = restoring.try_wait().expect("a state").is_some();
        restoring.kill().await.expect("killed");
        until("its connections are gone", async || {
            empty.count(backends).await == 0
        })
        .await;
        if empty.tables().await > 0 {
            assert_eq!(empty.count("select count(*) from instances").await, 20_001);
            break;
        }
        assert!(!ended, "it ended and left nothing");
        within += 1;
    }
    assert!(within > 0, "every kill came too late");
    if empty.tables().await == 0 {
        empty.restored(&site, &file).await;
    }
    assert_eq!(empty.count("select count(*) from instances").await, 20_001);
    empty.drop().await;
}

#[database_test]
async fn what_cannot_be_backed_up_or_written_is_told(database: TestDatabase) {
    let site = Site::new(database).await;
    let empty = Empty::new(&site.database).await;
    let file = site.folder.text("all.backup");
    let nothing = run(&["backup", &file, "--database-url", &empty.url]).await;
    let text = written(&nothing);
    assert!(
        !nothing.status.success() && text.contains("nothing to back up"),
        "{text}"
    );
    let nowhere = site.folder.text("no/such/folder/all.backup");
    let text = site.refused(&["backup", &nowhere]).await;
    assert!(text.contains("cannot be written"), "{text}");
    let left: Vec<_> = std::fs::read_dir(site.folder.path("."))
        .expect("a folder")
        .flatten()
        .collect();
    assert!(
        left.iter()
            .all(|entry| !entry.path().display().to_string().contains("backup")),
        "{left:?}"
    );
    empty.drop().await;
}
