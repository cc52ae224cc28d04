//! The server is killed while the vendor is asked: what was not acknowledged has not happened.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, Server, new_keyring, serve};
use crate::vendors::{Vendors, example, until};

struct Killed {
    folder: Folder,
    keyring: String,
    vendors: Vendors,
    database: TestDatabase,
}

impl Killed {
    async fn new(database: TestDatabase) -> Self {
        let folder = Folder::new();
        let keyring = folder.text("keyring.json");
        new_keyring(&keyring).await;
        Self {
            folder,
            keyring,
            vendors: Vendors::start().await,
            database,
        }
    }

    async fn serve(&self) -> Server {
        let arguments = [
            "--sandbox",
            &self.vendors.url,
            "--database-url",
            &self.database.url,
            "--keyring",
            &self.keyring,
        ];
        serve(&self.folder.path("data"), &arguments).await
    }

    /// Sends it, waits until the vendor has the call, and kills the server.
    async fn cut(&self, server: Server, request: reqwest::RequestBuilder) {
        let calls = self.vendors.calls().await;
        let fault = json!({"kind": "slow", "milliseconds": 3000, "count": 1});
        self.vendors.fault(fault).await;
        let waiting = tokio::spawn(request.send());
        self.vendors.wait_for_calls(calls + 1).await;
        server.kill().await;
        let outcome = waiting.await.expect("the request ends");
        assert!(outcome.is_err(), "the server was killed first");
        self.vendors
            .control("DELETE", "/_control/faults", None)
            .await;
    }

    async fn rows(&self, sql: &'static str) -> Value {
        sqlx::query_scalar(sql)
            .fetch_one(&self.database.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&self.database.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[database_test]
async fn a_change_that_was_cut_has_not_happened(database: TestDatabase) {
    let killed = Killed::new(database).await;
    let server = killed.serve().await;
    let user = server.authorization();
    let created = server.request("POST", "/instances", &user).json(&example());
    let created = Answer::of(created).await.success();
    let path = format!("/instances/{}", created["id"]);
    killed
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    let all = "select coalesce(jsonb_agg(i), '[]') from instances i";
    let before = killed.rows(all).await;
    let body = json!({"name": "cut", "configuration": example()["configuration"]});
    let request = server.request("PATCH", &path, &user).json(&body);
    killed.cut(server, request).await;
    assert_eq!(killed.rows(all).await, before);

    let server = killed.serve().await;
    let again = server.request("PATCH", &path, &user).json(&body);
    let changed = Answer::of(again).await.success();
    assert_eq!(
        (&changed["name"], &changed["valid"]),
        (&json!("cut"), &json!(true))
    );
    server.stop().await;
}

#[database_test]
async fn a_keyed_create_that_was_cut_is_made_once(database: TestDatabase) {
    let killed = Killed::new(database).await;
    let server = killed.serve().await;
    let user = server.authorization();
    let create = |server: &Server| {
        let request = server.request("POST", "/instances", &user);
        request.header("idempotency-key", "one").json(&example())
    };
    let request = create(&server);
    killed.cut(server, request).await;
    let stored = "select to_jsonb(count(*)) from instances";
    assert_eq!(killed.rows(stored).await, 0);

    let server = killed.serve().await;
    // Nobody can know yet whether the one who claimed it is gone.
    let early = Answer::of(create(&server)).await;
    early.error(409);
    assert!(early.header("retry-after").is_some());
    killed
        .execute(
            "update idempotency_keys set lease_until = now();
             update exchanges set lease_until = now()",
        )
        .await;
    until("the one who claimed it is known to be gone", async || {
        let open = "select to_jsonb(count(*)) from exchanges where state = 'intent'";
        killed.rows(open).await == 0
    })
    .await;
    let made = Answer::of(create(&server)).await.success();
    let again = Answer::of(create(&server)).await.success();
    assert_eq!(made["id"], again["id"]);
    assert_eq!(killed.rows(stored).await, 1);
    server.stop().await;
}
