//! What a call reads of the database is remembered for a moment, and what is changed counts at once
//! on every server.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;

use super::vendor::Vendor;
use super::{body, definition};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, Server, new_keyring, serve};

const BOX: &str = "GET /base/boxes/1";

struct Two {
    database: TestDatabase,
    vendor: Vendor,
    servers: [Server; 2],
    authorization: String,
    id: i64,
    header: String,
    _folders: (Folder, TempDir),
}

impl Two {
    async fn start(database: TestDatabase) -> Self {
        let definitions = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(definitions.path().join("depot")).expect("a folder");
        let file = definitions.path().join("depot/element.json");
        std::fs::write(file, definition().to_string()).expect("a file");
        let vendor = Vendor::start().await;
        vendor.will("GET /base/me", 200, &json!({"id": 1}));
        vendor.will(BOX, 200, &json!({"box": {"id": 1}}));
        let folder = Folder::new();
        let keyring = folder.text("keyring.json");
        new_keyring(&keyring).await;
        let definitions_path = definitions.path().to_str().expect("text");
        let arguments = [
            "--sandbox",
            &vendor.url,
            "--elements",
            definitions_path,
            "--database-url",
            &database.url,
            "--keyring",
            &keyring,
        ];
        let one = serve(&folder.path("one"), &arguments).await;
        let two = serve(&folder.path("two"), &arguments).await;
        let authorization = one.authorization();
        let create = one.request("POST", "/instances", &authorization);
        let instance = Answer::of(create.json(&body("ours"))).await.success();
        let token = instance["token"].as_str().expect("a token");
        Self {
            header: format!("{authorization}, Element {token}"),
            id: instance["id"].as_i64().expect("an id"),
            database,
            vendor,
            servers: [one, two],
            authorization,
            _folders: (folder, definitions),
        }
    }

    /// The word that the vendor is shown by a call at this server.
    async fn word(&self, server: &Server) -> String {
        self.vendor.seen();
        let call = server.request("GET", "/hubs/crm/boxes/1", &self.header);
        Answer::of(call).await.success();
        let seen = self.vendor.one();
        assert_eq!(seen.call, BOX);
        seen.header("x-word").expect("a word").to_owned()
    }

    async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

#[database_test]
async fn changed_credentials_count_everywhere_at_once(database: TestDatabase) {
    let two = Two::start(database).await;
    for round in 0..6 {
        let word = format!("word-{round}");
        for server in &two.servers {
            assert_ne!(two.word(server).await, word, "known at both");
        }
        let change: Value = json!({"configuration": {"word": word}});
        let path = format!("/instances/{}", two.id);
        let changed = two.servers[round % 2].request("PATCH", &path, &two.authorization);
        Answer::of(changed.json(&change)).await.success();
        for server in &two.servers {
            assert_eq!(two.word(server).await, word, "round {round}");
        }
    }
    two.stop().await;
}

#[database_test]
async fn a_known_instance_is_called_without_the_database(database: TestDatabase) {
    let two = Two::start(database).await;
    let [server, other] = &two.servers;
    two.word(server).await;
    let url = two.database.url.as_str();
    let mut holding = sqlx::PgConnection::connect(url)
        .await
        .expect("a connection");
    let mut held = holding.begin().await.expect("a transaction");
    sqlx::query("lock table instances, outbound_grants, secret_index in access exclusive mode")
        .execute(&mut *held)
        .await
        .expect("locks");
    for _ in 0..3 {
        two.word(server).await;
    }
    // Somebody else has to ask, and waits.
    let call = other.request("GET", "/hubs/crm/boxes/1", &two.header);
    let waits = tokio::time::timeout(std::time::Duration::from_millis(300), Answer::of(call));
    assert!(waits.await.is_err());
    held.rollback().await.expect("the end");
    two.word(other).await;
    two.stop().await;
}
