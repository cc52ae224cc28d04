//! Calls that count more than one.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::turns::{Quarry, STONE};
use crate::answer::message;
use crate::database::TestDatabase;
use crate::server::TestOptions;

const STONES: &str = "/elements/api-v2/hubs/crm/stones";
const PASSED: &str = "/elements/api-v2/proxy/stones/1";

fn budget(calls: u64, headers: &Value) -> Value {
    let mut budget = json!({"calls": calls, "seconds": 3600, "account": ["site"],
        "weights": {"list": 6, "read": 1, "write": 5, "delete": 3}});
    if !headers.is_null() {
        budget["headers"] = headers.clone();
    }
    json!([budget])
}

#[database_test]
async fn calls_count_by_their_kind(database: TestDatabase) {
    let budget = budget(16, &Value::Null);
    let quarry = Quarry::start(database, budget, TestOptions::default()).await;
    let header = quarry.instance(&quarry.server.admin).await;
    quarry.vendor.will_list("GET /base/stones", 3);
    quarry.get(STONES, &header).await.success();
    // Nobody knows what a call of the caller's own reads.
    quarry.get(PASSED, &header).await.success();
    // Four are left: no list, and four records.
    let refused = quarry.get(STONES, &header).await;
    let error = refused.error(429);
    assert!(message(&error).contains("16 units of calls"), "{error}");
    assert_eq!(refused.header("elements-attempts"), Some("0"));
    quarry.get(PASSED, &header).await.error(429);
    for _ in 0..4 {
        quarry.get(STONE, &header).await.success();
    }
    quarry.get(STONE, &header).await.error(429);
    assert_eq!(quarry.vendor.seen().len(), 6);
}

#[database_test]
async fn what_is_left_of_a_longer_window_is_the_vendors_to_tell(database: TestDatabase) {
    let headers = json!({"limit": "x-left", "remaining": "x-left"});
    let quarry = Quarry::start(database, budget(1, &headers), TestOptions::default()).await;
    let header = quarry.instance(&quarry.server.admin).await;
    quarry.vendor.forget();
    let says = |left: &'static str| [("content-type", "application/json"), ("x-left", left)];
    for left in ["100", "99", "8", "0"] {
        quarry
            .vendor
            .will_say("GET /base/stones/1", 200, &says(left), "{}");
    }
    for _ in 0..3 {
        quarry.get(STONE, &header).await.success();
    }
    // Eight are left by the vendor's count, a list would be too much of what is not spoken for.
    quarry.get(STONES, &header).await.error(429);
    quarry.get(STONE, &header).await.success();
    let refused = quarry.get(STONE, &header).await;
    refused.error(429);
    assert_eq!(quarry.vendor.seen().len(), 4);
}
