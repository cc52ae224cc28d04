//! What an operator does beside running servers.

mod backups;
mod clients;
mod copies;
mod cut_short;
mod imports;
pub mod load;
mod people;
mod readme;
mod retire;
mod rotate;

use serde_json::Value;

use crate::database::TestDatabase;
use crate::process::{Folder, Server, new_keyring, run, serve, written};
use crate::vendors::{Vendors, until};

/// A database, a keyring and simulated vendors, for servers and commands.
pub struct Site {
    pub database: TestDatabase,
    pub folder: Folder,
    pub keyring: String,
    pub vendors: Vendors,
}

impl Site {
    pub async fn new(database: TestDatabase) -> Self {
        let folder = Folder::new();
        let keyring = folder.text("keyring.json");
        new_keyring(&keyring).await;
        Self {
            database,
            folder,
            keyring,
            vendors: Vendors::start().await,
        }
    }

    pub async fn serve(&self, name: &str) -> Server {
        self.serve_with(name, &[]).await
    }

    pub async fn serve_with(&self, name: &str, more: &[&str]) -> Server {
        let arguments = [
            "--sandbox",
            &self.vendors.url,
            "--database-url",
            &self.database.url,
            "--keyring",
            &self.keyring,
        ];
        serve(&self.folder.path(name), &[&arguments, more].concat()).await
    }

    /// The arguments of a command on this database.
    fn arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let state = [
            "--database-url",
            self.database.url.as_str(),
            "--keyring",
            self.keyring.as_str(),
        ];
        [command, &state].concat()
    }

    /// What a command that must succeed answers as JSON.
    pub async fn json(&self, command: &[&str]) -> Value {
        let arguments = [self.arguments(command), vec!["--json"]].concat();
        let output = run(&arguments).await;
        assert!(output.status.success(), "{command:?}: {}", written(&output));
        serde_json::from_slice(&output.stdout).expect("JSON on stdout")
    }

    /// A command that must succeed and has no JSON to tell.
    pub async fn succeed(&self, command: &[&str]) {
        let output = run(&self.arguments(command)).await;
        assert!(output.status.success(), "{command:?}: {}", written(&output));
    }

    /// What a command that must fail says.
    pub async fn refused(&self, command: &[&str]) -> String {
        let output = run(&self.arguments(command)).await;
        let text = written(&output);
        assert!(!output.status.success(), "{command:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
        text
    }

    /// Id of the current key, from `keys status`.
    async fn current(&self, use_: &str) -> String {
        let status = self.json(&["keys", "status"]).await;
        let keys = status[use_].as_array().expect("keys");
        let current = keys.iter().find(|key| key["state"] == "current");
        current.expect("a current key")["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.database.pool)
            .await
            .expect("a count")
    }

    /// Of a changed instance running servers know when this returns.
    pub async fn execute(&self, statement: &'static str) {
        sqlx::query(statement)
            .execute(&self.database.pool)
            .await
            .expect("a statement");
        if statement.starts_with("update instances") {
            self.all_forget().await;
        }
    }

    /// What has been changed in the tables behind them, servers read again.
    pub async fn all_forget(&self) {
        let made: String = sqlx::query_scalar(
            "insert into revocations (org_id) values (null) returning by_transaction::text",
        )
        .fetch_one(&self.database.pool)
        .await
        .expect("a revocation");
        let deaf = "select count(*) from caller_caches where expires_at > clock_timestamp() \
                    and not pg_visible_in_snapshot($1::xid8, seen)";
        until("every server has heard", async || {
            let deaf: i64 = sqlx::query_scalar(deaf)
                .bind(&made)
                .fetch_one(&self.database.pool)
                .await
                .expect("a number");
            deaf == 0
        })
        .await;
    }
}
