//! The life of an instance after it was made: changed, configured, switched off and on, counted, deleted.
//!
//! What speaks of a vendor is data: `elements/*/cases/update.json`. Its `created` are configurations to create with, and
//! a case is one `PATCH` of an instance `from` one of them:
//!
//! - `configuration` is sent; `status`, `message` (texts it contains), `providerMessage` (whether there is one) and
//!   `vendorCalls` are expected; of the newest call to the vendor `authorization`, and `vendorCall` member by member;
//! - of a success: `shown` entries, `warned` (by Elements-Error), and with `changes` false nothing is written;
//! - after a failure the row is what it was, to the byte.
//!
//! `decides` is a value that asks the vendor again and stays right, `switch` (where there are several groups) other
//! credentials for the same account.

mod accounts;
mod cases;
mod keyed;
mod killed;
mod members;
mod round_trip;
mod settings;
mod switching;
mod together;

use std::path::Path;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer};
use crate::vendors::Vendors;

const BASE: &str = "/elements/api-v2";

pub struct Life {
    pub server: TestServer,
    pub vendors: Vendors,
}

impl Life {
    pub async fn start(database: TestDatabase) -> Self {
        let server = TestServer::start(database).await;
        let vendors = Vendors::of(&server);
        Self { server, vendors }
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_with(&self.server.admin.header(), method, path, body)
            .await
    }

    pub async fn call_as(&self, caller: &Caller, method: &str, path: &str) -> Answer {
        self.call_with(&caller.header(), method, path, None).await
    }

    pub async fn call_with(
        &self,
        authorization: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self
            .server
            .request(method, &format!("{BASE}{path}"))
            .header("authorization", authorization);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request).await
    }

    pub async fn create(&self, body: &Value) -> Value {
        self.server.create(&self.server.admin, body).await
    }

    pub async fn read(&self, instance: &Value) -> Value {
        self.call("GET", &path(instance), None).await.success()
    }

    pub async fn patch(&self, instance: &Value, body: &Value) -> Answer {
        self.call("PATCH", &path(instance), Some(body)).await
    }

    /// The header that names the instance by its token.
    pub fn by_token(&self, instance: &Value) -> String {
        let token = instance["token"].as_str().expect("a token");
        self.server.admin.with_token(token)
    }

    /// Everything that is stored of the instance, to the byte.
    pub async fn row(&self, instance: &Value) -> Value {
        sqlx::query_scalar("select to_jsonb(i) from instances i where id = $1")
            .bind(instance["id"].as_i64().expect("an id"))
            .fetch_one(&self.server.database.pool)
            .await
            .expect("the row")
    }

    /// As if the vendor had refused the credentials meanwhile.
    pub async fn invalidate(&self, instance: &Value) {
        let done = sqlx::query(
            "update instances set valid = false, invalid_reason = 'refused', invalid_since = now() where id = $1",
        )
        .bind(instance["id"].as_i64().expect("an id"))
        .execute(&self.server.database.pool)
        .await;
        assert_eq!(done.expect("an update").rows_affected(), 1);
    }
}

fn path(instance: &Value) -> String {
    format!("/instances/{}", instance["id"])
}

/// Every element's file of changes.
pub fn update_files() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let elements = std::fs::read_dir(folder).expect("there are elements");
    let files: Vec<Value> = elements
        .filter_map(|element| {
            let path = element.expect("an entry").path();
            let text = std::fs::read_to_string(path.join("cases/update.json")).ok()?;
            let file = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Some(file)
        })
        .collect();
    assert!(!files.is_empty(), "no element has changes");
    files
}

/// A create body out of such a file.
pub fn created_from(file: &Value, from: &str) -> Value {
    let configuration = &file["created"][from];
    assert!(configuration.is_object(), "{from}");
    json!({"element": {"key": file["element"]}, "name": "to be changed", "tags": ["case"], "configuration": configuration})
}

/// The entries of a create body that its answer masks.
fn secrets(body: &Value, created: &Value) -> Vec<String> {
    let given = body["configuration"].as_object().expect("a configuration");
    let masked = |key: &&String| created["configuration"][key.as_str()] == "********";
    given.keys().filter(masked).cloned().collect()
}
