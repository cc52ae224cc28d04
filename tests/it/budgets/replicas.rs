//! Two servers and one account at a vendor.

use std::time::{Duration, Instant};

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{body, write};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::hub::vendor::Vendor;
use crate::process::{Folder, Server, new_keyring, serve};
use crate::vendors::until;

const STONE: &str = "GET /base/stones/1";

struct Two {
    vendor: Vendor,
    servers: [Server; 2],
    header: String,
    _folders: (Folder, TempDir),
}

impl Two {
    async fn start(database: &TestDatabase, budget: Value) -> Self {
        let definitions = tempfile::tempdir().expect("a folder");
        write(definitions.path(), budget);
        let vendor = Vendor::start().await;
        vendor.will("GET /base/me", 200, &json!({"id": 1}));
        vendor.will(STONE, 200, &json!({"id": 1}));
        let folder = Folder::new();
        let keyring = folder.text("keyring.json");
        new_keyring(&keyring).await;
        let arguments = [
            "--sandbox",
            &vendor.url,
            "--elements",
            definitions.path().to_str().expect("text"),
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
        vendor.seen();
        Self {
            header: format!("{authorization}, Element {token}"),
            vendor,
            servers: [one, two],
            _folders: (folder, definitions),
        }
    }

    async fn call(&self, server: usize, path: &str) -> Answer {
        Answer::of(self.servers[server].request("GET", path, &self.header)).await
    }

    async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

fn seconds(answer: &Answer) -> u64 {
    let text = answer.header("retry-after").expect("a Retry-After");
    text.parse().expect("seconds")
}

#[database_test]
async fn both_servers_together_make_as_many_calls_as_there_are(database: TestDatabase) {
    let budget = json!([{"calls": 8, "seconds": 3600, "account": ["site"]}]);
    let two = Two::start(&database, budget).await;
    let mut statuses = Vec::new();
    for number in 0..12 {
        let path = ["/hubs/crm/stones/1", "/proxy/stones/1"][number / 2 % 2];
        let answer = two.call(number % 2, path).await;
        statuses.push(answer.status);
        if number >= 8 {
            let error = answer.error(429);
            assert!(message(&error).contains("8 calls in 3600 s"), "{error}");
            assert!((3000..=3600).contains(&seconds(&answer)), "{answer}");
        }
    }
    assert_eq!(statuses, [[200; 8].as_slice(), &[429; 4]].concat());
    assert_eq!(two.vendor.seen().len(), 8);
    let refused = two.call(0, "/hubs/crm/stones/1").await;
    assert_eq!(refused.header("elements-fault"), Some("vendor"));
    assert_eq!(refused.header("elements-attempts"), Some("0"));
    two.stop().await;
}

#[database_test]
async fn both_servers_together_spend_what_calls_weigh(database: TestDatabase) {
    let budget = json!([{"calls": 40, "seconds": 3600, "account": ["site"],
        "weights": {"list": 9, "read": 7, "write": 5, "delete": 3}}]);
    let two = Two::start(&database, budget).await;
    let calls = (0..12).map(|number| two.call(number % 2, "/hubs/crm/stones/1"));
    let answers = futures_util::future::join_all(calls).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.error(429);
    }
    // Part of what one server has leased may be too little for one more there.
    assert!((4..=5).contains(&made), "{made}");
    assert_eq!(two.vendor.seen().len(), made);
    two.stop().await;
}

#[database_test]
async fn what_the_vendor_tells_one_server_the_other_heeds(database: TestDatabase) {
    let budget = json!([{"calls": 1000, "seconds": 60, "account": ["site"]}]);
    let two = Two::start(&database, budget).await;
    // Both have a lease.
    two.call(0, "/hubs/crm/stones/1").await.success();
    two.call(1, "/hubs/crm/stones/1").await.success();
    two.vendor.forget();
    let headers = [("content-type", "application/json"), ("retry-after", "40")];
    two.vendor.will_say(STONE, 429, &headers, "{}");
    let told = two.call(0, "/hubs/crm/stones/1").await;
    assert_eq!((told.status, seconds(&told)), (429, 40), "{told}");
    let began = Instant::now();
    // At once here, and there as soon as its lease has ended.
    for server in [0, 1] {
        until("the vendor is left alone", async || {
            let answer = two.call(server, "/hubs/crm/stones/1").await;
            assert_eq!(answer.status, 429, "{answer}");
            answer.header("elements-attempts") == Some("0")
        })
        .await;
    }
    assert!(began.elapsed() < Duration::from_secs(8), "a lease is short");
    let asked = two.vendor.seen().len();
    for server in [0, 1] {
        for path in ["/hubs/crm/stones/1", "/proxy/stones/1"] {
            let answer = two.call(server, path).await;
            let error = answer.error(429);
            assert!(message(&error).contains("not asked"), "{error}");
            assert!((20..=40).contains(&seconds(&answer)), "{answer}");
        }
    }
    assert_eq!(two.vendor.count(), 0, "{asked} before");
    two.stop().await;
}
