//! Calls that count more than one.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::turns::{Quarry, STONE};
use crate::answer::message;
use crate::database::TestDatabase;
use crate::server::TestOptions;

const STONES: &str = "/elements/api-v2/hubs/crm/stones";
const PASSED: &str = "/elements/api-v2/proxy/stones/1";
const PASSED_LIST: &str = "/elements/api-v2/proxy/stones?page=2";
const FOREIGN: &str = "/elements/api-v2/proxy/pebbles";

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
    let budget = budget(14, &Value::Null);
    let quarry = Quarry::start(database, budget, TestOptions::default()).await;
    let header = quarry.instance(&quarry.server.admin).await;
    quarry.vendor.will_list("GET /base/stones", 3);
    quarry.vendor.will("GET /base/pebbles", 200, &json!([]));
    quarry.get(STONES, &header).await.success();
    // Eight are left. What somebody has written counts as what the definition has like it, else 1.
    quarry.get(PASSED, &header).await.success();
    quarry.get(FOREIGN, &header).await.success();
    quarry.get(PASSED_LIST, &header).await.success();
    let refused = quarry.get(STONES, &header).await;
    let error = refused.error(429);
    assert!(message(&error).contains("14 units of calls"), "{error}");
    assert_eq!(refused.header("elements-attempts"), Some("0"));
    let refused = quarry.get(PASSED, &header).await;
    refused.error(429);
    assert_eq!(refused.header("elements-attempts"), Some("0"));
    assert_eq!(refused.header("elements-fault"), Some("vendor"));
    assert_eq!(quarry.vendor.seen().len(), 4);
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
