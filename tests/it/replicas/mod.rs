//! Several servers on one database: what one of them ends has ended everywhere by the time of the
//! answer, whatever the others remember and however they are held up.

mod fairness;
mod hammer;
mod held_up;
mod memory;
mod revoked;

use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::Server;
use crate::vendors::example;

/// The longest that a server may believe what it remembers, and so a revocation waits.
const LEASE: Duration = Duration::from_secs(2);

/// Two servers, and an instance that both know.
struct Pair {
    site: Site,
    one: Server,
    two: Server,
    authorization: String,
}

impl Pair {
    async fn start(database: TestDatabase) -> Self {
        let site = Site::new(database).await;
        let one = site.serve("one").await;
        let two = site.serve("two").await;
        Self {
            authorization: one.authorization(),
            site,
            one,
            two,
        }
    }

    /// A new instance: its id, and what a call by its token sends.
    async fn instance(&self) -> (i64, String) {
        let created = self.one.create(&self.authorization, &example()).await;
        (id(&created), with_token(&self.authorization, &created))
    }

    async fn stop(self) {
        self.one.stop().await;
        self.two.stop().await;
    }
}

fn id(instance: &Value) -> i64 {
    instance["id"].as_i64().expect("an id")
}

fn with_token(authorization: &str, instance: &Value) -> String {
    let token = instance["token"].as_str().expect("a token");
    format!("{authorization}, Element {token}")
}

/// A call that needs nothing but to know who calls: 404 for who may, 401 for who may not, 403 for
/// an instance that is switched off.
async fn call(server: &Server, authorization: &str) -> u16 {
    Answer::of(server.request("GET", "/no-such-things", authorization))
        .await
        .status
}

async fn delete(server: &Server, authorization: &str, id: i64) {
    let deleted = server.request("DELETE", &format!("/instances/{id}"), authorization);
    assert_eq!(Answer::of(deleted).await.status, 200);
}
