//! What the request log says of hub calls: the definition's words, and the vendor's part.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Depot;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::requests::logged;

async fn record(depot: &Depot, answer: &Answer) -> Value {
    let id = answer.header("elements-request-id").expect("an id");
    logged(&depot.server, &depot.server.admin, id).await
}

#[database_test]
async fn hub_calls_stand_in_the_log_by_their_resource(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    let named = json!({"box": {"id": "value-7", "name": "a"}});
    vendor.will("GET /base/boxes/value-7", 200, &named);
    vendor.will("POST /base/boxes", 200, &json!({"id": "value-7"}));
    vendor.will("GET /base/people", 200, &json!([{"id": 1}]));
    let made = json!({"name": "value-8"});
    for (answer, expected) in [
        (
            depot
                .call("GET", "/hubs/crm/boxes/value-7?note=value-9")
                .await,
            ("/boxes/{id}", "GET", 200, Some(200), 1),
        ),
        (
            depot.call("GET", "/boxes/value-7").await,
            ("/boxes/{id}", "GET", 200, Some(200), 1),
        ),
        (
            depot.send("POST", "/hubs/crm/boxes", &made).await,
            ("/boxes", "POST", 200, Some(200), 2),
        ),
        (
            depot.call("GET", "/users").await,
            ("/users", "GET", 200, Some(200), 1),
        ),
        (
            depot.call("GET", "/boxes?where=value-10").await,
            ("/boxes", "GET", 400, None, 0),
        ),
        (
            depot.call("DELETE", "/boxes/value-11").await,
            ("/boxes/{id}", "DELETE", 404, Some(404), 1),
        ),
    ] {
        let (resource, method, status, vendor_status, attempts) = expected;
        assert_eq!(answer.status, status, "{answer}");
        let record = record(&depot, &answer).await;
        assert_eq!(record["request_uri"], format!("/elements/api-v2{resource}"));
        assert_eq!(record["element_api"], format!("{method} {resource}"));
        assert_eq!(record["status"], status, "{record}");
        assert_eq!(
            record.get("vendor_status").and_then(Value::as_u64),
            vendor_status,
            "{record}"
        );
        assert_eq!(record["attempts"], attempts, "{record}");
        assert_eq!(record["instance_id"], depot.instance["id"]);
        assert_eq!(record["element_key"], "depot");
        assert_eq!(record["bytes_out"], answer.text.len(), "{record}");
        assert_eq!(record["complete"], true);
        assert_eq!(record["vendor_time_us"] == 0, attempts == 0, "{record}");
        assert!(!record.to_string().contains("value-"), "{record}");
    }
    // What no resource stands for is not told by its path.
    let lost = depot.call("GET", "/hubs/crm/value-12").await;
    assert_eq!(lost.status, 404);
    let lost = record(&depot, &lost).await;
    assert_eq!(lost["request_uri"], "/elements/api-v2/{resource}");
    assert!(!lost.to_string().contains("value-"), "{lost}");
    let query = format!(
        "resource=/boxes/{{id}}&instanceId={}&status=SUCCESS",
        depot.instance["id"]
    );
    let request = depot
        .server
        .request("GET", &format!("/elements/api-v2/usage?{query}"));
    let found = Answer::of(request.header("authorization", depot.server.admin.header())).await;
    assert_eq!(found.success().as_array().map(Vec::len), Some(2), "{found}");
}
