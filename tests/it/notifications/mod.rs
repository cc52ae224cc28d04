//! Nobody has to look whether a connection needs its owner: applications are told.

mod api;
mod checked;
mod hostile;
mod instances;
mod killed;
mod receiver;
mod retries;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::Server;
use crate::vendors::until;
use receiver::Receiver;

const DUE: &str =
    "update notification_deliveries set due_at = now() where status in ('created', 'retry')";
const RESTED: &str = "update notification_subscriptions set rests_until = null";

/// A database, and somebody who is told.
struct Told {
    site: Site,
    receiver: Receiver,
}

impl Told {
    async fn new(database: TestDatabase) -> Self {
        Self {
            site: Site::new(database).await,
            receiver: Receiver::start().await,
        }
    }

    async fn serve(&self, name: &str) -> Server {
        self.serve_with(name, &[]).await
    }

    async fn serve_with(&self, name: &str, more: &[&str]) -> Server {
        let route = ["--vendor-route", self.receiver.route.as_str()];
        self.site.serve_with(name, &[&route, more].concat()).await
    }

    async fn wait_for(&self, what: &str, query: &'static str, expected: i64) {
        until(what, async || self.site.count(query).await == expected).await;
    }

    /// As the sweep of claims and pauses by time would have it.
    async fn hurry(&self) {
        self.site.execute(RESTED).await;
        self.site.execute(DUE).await;
    }
}

async fn call(server: &Server, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = server.request(method, path, &server.authorization());
    Answer::of(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// A subscription to a path of the receiver; its id and its secret.
async fn subscribe(server: &Server, path: &str, topics: &[&str]) -> (i64, String) {
    let config = json!({"url": format!("https://hooks.acorn.example{path}")});
    let body = json!({"channel": "webhook", "topics": topics, "config": config});
    let made = call(server, "POST", "/notifications/subscriptions", Some(&body)).await;
    let made = made.success();
    let secret = made["config"]["secret"].as_str().expect("a secret");
    assert!(secret.len() > 30, "{secret}");
    (made["id"].as_i64().expect("an id"), secret.to_owned())
}

/// Tells something; gives the notification's id.
async fn tell(server: &Server, topic: &str, message: &str) -> i64 {
    let body = json!({"topic": topic, "message": message});
    let told = call(server, "POST", "/notifications", Some(&body)).await;
    told.success()["id"].as_i64().expect("an id")
}

async fn delivery(server: &Server, notification: i64, subscription: i64) -> Value {
    let path = format!("/notifications/{notification}/subscriptions/{subscription}/deliveries");
    call(server, "GET", &path, None).await.success()
}

async fn until_status(
    server: &Server,
    notification: i64,
    subscription: i64,
    status: &str,
) -> Value {
    until(&format!("it is {status}"), async || {
        delivery(server, notification, subscription).await["status"] == status
    })
    .await;
    delivery(server, notification, subscription).await
}
