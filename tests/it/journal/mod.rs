//! The exchange journal: whatever is killed when, nothing is lost, nothing happens twice, nothing is half there.
//!
//! The element is the shipped one whose log-in ends another session, brought along as an operator's own definition: with
//! a second call that only the newest session may make, and with one that says good-bye.

mod codes;
mod farewell;
mod figures;
mod kills;
mod once;
mod rotation;
mod sessions;

use std::path::PathBuf;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::{Folder, Server};
use crate::secrets::search::{Mark, Written};
use crate::vendors::{session_example, until};

/// Calls of one create: the log-in, and the look whether its session lives.
const CALLS: u64 = 2;
const LOG_IN: &str = "*oauth2/token";
const FAREWELL: &str = "*oauth2/logout";

/// The folder for `--elements`; `spoil` may change the definition further.
fn definitions(folder: &Folder, spoil: impl FnOnce(&mut Value)) -> PathBuf {
    let (_, mut definition) = session_example();
    let resources = definition["resources"].as_array_mut().expect("resources");
    // The same call, as what is made in any case.
    resources.retain(|resource| resource["type"] != "oauthOnTokenRevoke");
    resources.push(json!({
        "id": 990_001, "description": "look whether the session lives", "method": "GET", "path": "/whose-session",
        "vendorMethod": "GET", "vendorPath": "/me", "type": "provisionAuthValidation", "parameters": [], "hooks": [],
        "response": {"contentType": "application/json"}
    }));
    resources.push(json!({
        "id": 990_002, "description": "log-out", "method": "DELETE", "path": "/session",
        "vendorMethod": "POST", "vendorPath": "/oauth2/logout", "type": "onDelete", "parameters": [], "hooks": [],
        "response": {"contentType": "application/json"}
    }));
    spoil(&mut definition);
    let root = folder.path("elements");
    let own = root.join(definition["key"].as_str().expect("a key"));
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("element.json"), definition.to_string()).expect("a file");
    root
}

fn body(name: &str) -> Value {
    let (mut body, _) = session_example();
    body["name"] = json!(name);
    body
}

/// A site whose servers have the definitions.
struct Journalled {
    site: Site,
    elements: String,
}

impl Journalled {
    async fn new(database: TestDatabase) -> Self {
        Self::with(database, |_| ()).await
    }

    async fn with(database: TestDatabase, spoil: impl FnOnce(&mut Value)) -> Self {
        let site = Site::new(database).await;
        let elements = definitions(&site.folder, spoil);
        let elements = elements.to_str().expect("a UTF-8 path").to_owned();
        Self { site, elements }
    }

    async fn serve(&self, name: &str) -> Server {
        let arguments = ["--elements", self.elements.as_str()];
        self.site.serve_with(name, &arguments).await
    }

    /// A connection outside the pool, to hold locks on.
    async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.site.database.url)
            .await
            .expect("the database answers")
    }

    /// Takes a lock that holds the server at whatever needs the table, until the connection is dropped.
    async fn lock(&self, table: &str, mode: &str) -> PgConnection {
        let mut connection = self.connection().await;
        execute(
            &mut connection,
            &format!("begin; lock table {table} in {mode} mode"),
        )
        .await;
        connection
    }

    /// Waits until a statement like this one stands before a lock.
    async fn wait_until_held(&self, statement: &str) {
        until(&format!("{statement:?} stands before a lock"), async || {
            let held: bool = sqlx::query_scalar(
                "select exists (select 1 from pg_stat_activity
                                where datname = current_database() and wait_event_type = 'Lock'
                                    and query like $1)",
            )
            .bind(statement)
            .fetch_one(&self.site.database.pool)
            .await
            .expect("an answer");
            held
        })
        .await;
    }

    /// The states of all exchanges, in the order in which they were opened.
    async fn states(&self) -> Vec<String> {
        sqlx::query_scalar("select state from exchanges order by created_at")
            .fetch_all(&self.site.database.pool)
            .await
            .expect("states")
    }

    async fn wait_for_states(&self, expected: &[&str]) {
        until(&format!("the states are {expected:?}"), async || {
            self.states().await == expected
        })
        .await;
    }

    /// As if the leases of everything that is open had run out.
    async fn expire(&self) {
        for table in ["exchanges", "idempotency_keys"] {
            let mut connection = self.connection().await;
            execute(
                &mut connection,
                &format!("update {table} set lease_until = now() - interval '1 minute'"),
            )
            .await;
        }
    }

    async fn instances(&self) -> i64 {
        self.site.count("select count(*) from instances").await
    }

    /// No instance without its directory entry and token, and none of those without an instance; nothing sealed in what
    /// is over; no instance's lease held by what is over.
    async fn assert_whole(&self) {
        for (what, query) in [
            (
                "instances without a directory entry",
                "select count(*) from instances i where not exists
                     (select 1 from instance_directory d where d.id = i.id and d.org_id = i.org_id)",
            ),
            (
                "directory entries without an instance",
                "select count(*) from instance_directory d where not exists
                     (select 1 from instances i where d.id = i.id and d.org_id = i.org_id)",
            ),
            (
                "instances without one token",
                "select count(*) from instances i where 1 <> (select count(*) from secret_index s
                     where s.kind = 'instance' and s.object_id = i.id and s.org_id = i.org_id)",
            ),
            (
                "tokens without an instance",
                "select count(*) from secret_index s where s.kind = 'instance' and not exists
                     (select 1 from instances i where s.object_id = i.id and s.org_id = i.org_id)",
            ),
            (
                "exchanges that are over and hold something",
                "select count(*) from exchanges where state not in ('intent', 'answered') and
                     coalesce(intent_sealed, answer_sealed, session_hmac) is not null",
            ),
            (
                "instances leased by what is over",
                "select count(*) from instances i where lease_holder is not null and not exists
                     (select 1 from exchanges e where e.id = i.lease_holder and e.state in ('intent', 'answered'))",
            ),
        ] {
            assert_eq!(self.site.count(query).await, 0, "{what}");
        }
    }

    /// Nothing that the caller gave in secret or the vendor handed out stands anywhere in the database.
    async fn assert_sealed(&self) {
        let (example, _) = session_example();
        let given = example["configuration"].as_object().expect("entries");
        let mut marks: Vec<Mark> = given
            .iter()
            .filter(|(key, _)| key.ends_with(".secret"))
            .map(|(key, value)| Mark::new(key, value.as_str().expect("a text")))
            .collect();
        assert!(!marks.is_empty(), "the example has a secret");
        let state = self.site.vendors.control("GET", "/_control/state", None);
        collect_tokens(&state.await, &mut marks);
        let mut written = Written::default();
        written.database(&self.site.database.pool).await;
        written.must_not_hold(&marks);
    }
}

fn collect_tokens(value: &Value, marks: &mut Vec<Mark>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name.ends_with("_token") && text.len() > 20 => {
                        marks.push(Mark::new(name, text));
                    }
                    _ => collect_tokens(value, marks),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_tokens(item, marks)),
        _ => {}
    }
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// A create with a key.
fn create(server: &Server, authorization: &str, key: &str) -> reqwest::RequestBuilder {
    server
        .request("POST", "/instances", authorization)
        .header("idempotency-key", key)
        .json(&body("journalled"))
}

/// Asks again as often as it is told to.
async fn patiently(request: impl Fn() -> reqwest::RequestBuilder) -> Answer {
    let mut last = None;
    until("the request is not under way any more", async || {
        let answer = Answer::of(request()).await;
        let busy = answer.status == 409 && answer.header("retry-after").is_some();
        last = Some(answer);
        !busy
    })
    .await;
    last.expect("an answer")
}
