//! kill -9 between the instance and its link: both are there afterwards, or neither, and never two.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use super::Page;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Folder, Server, new_keyring, serve};
use crate::vendors::{Vendors, example, until};

struct Killed {
    folder: Folder,
    keyring: String,
    vendors: Vendors,
    database: TestDatabase,
    client: reqwest::Client,
}

/// A link that was opened, as its browser knows it.
struct Open {
    id: i64,
    path: String,
    cookie: String,
    form: Vec<(String, String)>,
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
            client: crate::vendors::client(),
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

    async fn open(&self, server: &Server, body: &Value) -> Open {
        let user = server.authorization();
        let made = server.request("POST", "/connect/links", &user).json(body);
        let made = Answer::of(made).await.success();
        let url = made["url"].as_str().expect("a URL");
        let path = url.split_once("/connect/").expect("a link").1;
        let path = format!("/connect/{path}");
        // The way that takes what the example has.
        let element = example()["element"]["key"].clone();
        let element = element.as_str().expect("a key");
        let page = format!("{}{path}?element={element}&login=basic", server.url);
        let page = self.client.get(page);
        let page = Page::of(Answer::of(page).await);
        page.says(200, "<form");
        let mut form: Vec<(String, String)> = page.hidden().into_iter().collect();
        let configuration = example()["configuration"].clone();
        for (key, value) in configuration.as_object().expect("an object") {
            let value = value.as_str().expect("a text").to_owned();
            form.push((format!("c.{key}"), value));
        }
        Open {
            id: made["id"].as_i64().expect("an id"),
            path,
            cookie: page.cookie.expect("a cookie"),
            form,
        }
    }

    fn submit(&self, server: &Server, open: &Open) -> reqwest::RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&open.form)
            .finish();
        self.client
            .post(format!("{}{}", server.url, open.path))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &open.cookie)
            .body(body)
    }

    /// Sends the form, and kills the server when the instance is written and its link is not.
    async fn cut(&self, server: Server, open: &Open) {
        let mut lock = PgConnection::connect(&self.database.url)
            .await
            .expect("the database answers");
        sqlx::raw_sql("begin; select from connect_links for update")
            .execute(&mut lock)
            .await
            .expect("a lock");
        let sent = tokio::spawn(self.submit(&server, open).send());
        until("the link is about to be marked", async || {
            let held: bool = sqlx::query_scalar(
                "select exists (select 1 from pg_stat_activity
                                where datname = current_database() and wait_event_type = 'Lock'
                                    and query like 'update connect_links%set connected_id%')",
            )
            .fetch_one(&self.database.pool)
            .await
            .expect("an answer");
            held
        })
        .await;
        server.kill().await;
        assert!(sent.await.expect("the request ends").is_err());
        drop(lock);
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from instances")
            .fetch_one(&self.database.pool)
            .await
            .expect("a count")
    }

    async fn outcome(&self, server: &Server, id: i64) -> Value {
        let user = server.authorization();
        let path = format!("/connect/links/{id}");
        Answer::of(server.request("GET", &path, &user))
            .await
            .success()
    }
}

#[database_test]
async fn what_was_cut_is_finished_and_told(database: TestDatabase) {
    let killed = Killed::new(database).await;
    let server = killed.serve().await;
    let body = json!({"element": example()["element"]["key"]});
    let open = killed.open(&server, &body).await;
    killed.cut(server, &open).await;
    assert_eq!(killed.stored().await, 0);

    let server = killed.serve().await;
    // As if the time had passed that the killed server had.
    sqlx::raw_sql("update exchanges set lease_until = now() - interval '1 minute'")
        .execute(&killed.database.pool)
        .await
        .expect("an update");
    until("the link is connected", async || {
        killed.outcome(&server, open.id).await["status"] == "connected"
    })
    .await;
    let outcome = killed.outcome(&server, open.id).await;
    assert!(outcome["instanceId"].is_i64(), "{outcome}");
    assert_eq!(killed.stored().await, 1);
    let again = Page::of(Answer::of(killed.submit(&server, &open)).await);
    again.says(200, "Your account is connected");
    assert_eq!(killed.stored().await, 1);
    server.stop().await;
}

#[database_test]
async fn who_tries_again_at_once_gets_the_same_instance(database: TestDatabase) {
    let killed = Killed::new(database).await;
    let server = killed.serve().await;
    let body = json!({"element": example()["element"]["key"]});
    let open = killed.open(&server, &body).await;
    killed.cut(server, &open).await;

    let server = killed.serve().await;
    let calls = killed.vendors.calls().await;
    let again = Answer::of(killed.submit(&server, &open)).await;
    assert_eq!(again.status, 303, "{again}");
    assert_eq!(
        killed.vendors.calls().await,
        calls,
        "the vendor has answered once"
    );
    assert_eq!(killed.stored().await, 1);
    let outcome = killed.outcome(&server, open.id).await;
    assert_eq!(outcome["status"], "connected");

    // Connected again, and cut there: the instance stays itself.
    let body = json!({"instanceId": outcome["instanceId"]});
    let open = killed.open(&server, &body).await;
    let token = "select token_sealed from instances";
    let before: Vec<u8> = sqlx::query_scalar(token)
        .fetch_one(&killed.database.pool)
        .await
        .expect("an instance");
    killed.cut(server, &open).await;
    let server = killed.serve().await;
    let again = Answer::of(killed.submit(&server, &open)).await;
    assert_eq!(again.status, 303, "{again}");
    let after: Vec<u8> = sqlx::query_scalar(token)
        .fetch_one(&killed.database.pool)
        .await
        .expect("one instance");
    assert_eq!(before, after);
    assert_eq!(killed.stored().await, 1);
    assert_eq!(
        killed.outcome(&server, open.id).await["status"],
        "connected"
    );
    server.stop().await;
}
