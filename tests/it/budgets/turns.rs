//! Who gets the calls of one server when they are short.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bunsen::budgets::Settings;
use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{body, write};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::hub::vendor::Vendor;
use crate::server::{Caller, TestOptions, TestServer};

pub const STONE: &str = "/elements/api-v2/hubs/crm/stones/1";

pub struct Quarry {
    pub server: TestServer,
    pub vendor: Vendor,
    _definitions: TempDir,
}

impl Quarry {
    pub async fn start(database: TestDatabase, budget: Value, options: TestOptions) -> Self {
        let definitions = tempfile::tempdir().expect("a folder");
        write(definitions.path(), budget);
        let vendor = Vendor::start().await;
        vendor.will("GET /base/me", 200, &json!({"id": 1}));
        vendor.will("GET /base/stones/1", 200, &json!({"id": 1}));
        let options = TestOptions {
            elements: Some(definitions.path().to_owned()),
            vendors: Some(vendor.url.clone()),
            ..options
        };
        let server = TestServer::start_with(database, options).await;
        Self {
            server,
            vendor,
            _definitions: definitions,
        }
    }

    /// A new instance of this caller's; what its calls send.
    pub async fn instance(&self, caller: &Caller) -> String {
        let instance = self.server.create(caller, &body("ours")).await;
        self.vendor.seen();
        caller.with_token(instance["token"].as_str().expect("a token"))
    }

    pub async fn get(&self, path: &str, header: &str) -> Answer {
        let request = self.server.request("GET", path);
        Answer::of(request.header("authorization", header)).await
    }
}

#[database_test]
async fn a_call_waits_for_the_next_window(database: TestDatabase) {
    let budget = json!([{"calls": 2, "seconds": 1, "account": ["site"]}]);
    let quarry = Quarry::start(database, budget, TestOptions::default()).await;
    let header = quarry.instance(&quarry.server.admin).await;
    let call = async || quarry.get(STONE, &header).await.status;
    let answers = tokio::join!(call(), call(), call(), call());
    assert_eq!(answers, (200, 200, 200, 200), "two of them waited");
    assert_eq!(quarry.vendor.seen().len(), 4);
}

#[database_test]
async fn a_flood_of_one_organization_leaves_another_its_turns(database: TestDatabase) {
    let budget = json!([{"calls": 4, "seconds": 1, "account": ["site"]}]);
    let quarry = Arc::new(Quarry::start(database, budget, TestOptions::default()).await);
    let flooding = quarry.instance(&quarry.server.admin).await;
    let other = quarry.instance(&quarry.server.foreign).await;
    let (stop, refused) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let flood: Vec<_> = (0..40)
        .map(|_| {
            let (quarry, header) = (quarry.clone(), flooding.clone());
            let (stop, refused) = (stop.clone(), refused.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = quarry.get(STONE, &header).await;
                    match answer.status {
                        200 => {}
                        429 => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => panic!("{answer}"),
                    }
                }
            })
        })
        .collect();
    crate::vendors::until("the flood has more than there is", async || {
        refused.load(Ordering::Relaxed) >= 40
    })
    .await;
    for number in 0..5 {
        let answer = quarry.get(STONE, &other).await;
        assert_eq!(answer.status, 200, "call {number}: {answer}");
    }
    stop.store(true, Ordering::Relaxed);
    for caller in flood {
        caller.await.expect("a caller ends");
    }
}

#[database_test]
async fn an_organization_has_a_budget_of_its_own(database: TestDatabase) {
    let options = TestOptions {
        budgets: Settings {
            organization: Some(5),
            ..Settings::default()
        },
        ..TestOptions::default()
    };
    let quarry = Quarry::start(database, Value::Null, options).await;
    let header = quarry.instance(&quarry.server.admin).await;
    let other = quarry.instance(&quarry.server.foreign).await;
    for path in [STONE, "/elements/api-v2/proxy/stones/1"]
        .into_iter()
        .cycle()
        .take(5)
    {
        quarry.get(path, &header).await.success();
    }
    let refused = quarry.get(STONE, &header).await;
    let error = refused.error(429);
    assert!(
        message(&error).contains("--organization-calls-per-minute"),
        "{error}"
    );
    assert_eq!(refused.header("elements-fault"), Some("caller"));
    assert_eq!(refused.header("elements-attempts"), Some("0"));
    let wait: u64 = refused
        .header("retry-after")
        .expect("a wait")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{refused}");
    assert_eq!(quarry.vendor.seen().len(), 5);
    quarry.get(STONE, &other).await.success();
}

#[database_test]
async fn what_the_vendor_counts_goes_before_what_the_definition_says(database: TestDatabase) {
    let budget = json!([{"calls": 1, "seconds": 3600, "account": ["site"],
        "headers": {"limit": "x-limit", "remaining": "x-left", "reset": "x-reset"}}]);
    let quarry = Quarry::start(database, budget, TestOptions::default()).await;
    let header = quarry.instance(&quarry.server.admin).await;
    quarry.vendor.forget();
    let says = |left: &'static str| {
        [
            ("content-type", "application/json"),
            ("x-limit", "100.0"),
            ("x-left", left),
            ("x-reset", "30"),
        ]
    };
    for left in ["99", "98", "97", "0"] {
        quarry
            .vendor
            .will_say("GET /base/stones/1", 200, &says(left), "{}");
    }
    for _ in 0..4 {
        quarry.get(STONE, &header).await.success();
    }
    // None is left, and the vendor has said for how long.
    let refused = quarry.get(STONE, &header).await;
    refused.error(429);
    assert_eq!(refused.header("retry-after"), Some("30"));
    assert_eq!(quarry.vendor.seen().len(), 4);
}

#[database_test]
async fn calls_go_on_when_nobody_can_count_them(database: TestDatabase) {
    let budget = json!([{"calls": 3600, "seconds": 3600, "account": ["site"]}]);
    let quarry = Quarry::start(database, budget, TestOptions::default()).await;
    let header = quarry.instance(&quarry.server.admin).await;
    sqlx::query("alter table budgets rename to elsewhere")
        .execute(&quarry.server.database.pool)
        .await
        .expect("the table can be moved away");
    for _ in 0..2 {
        quarry.get(STONE, &header).await.success();
    }
}
