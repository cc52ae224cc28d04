//! Budgets of shipped elements against their simulated vendors, who count as the real ones do.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{Vendors, example_of_each, until};

#[database_test]
async fn vendors_say_what_they_allow_and_are_left_alone(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut tried = 0;
    for (key, body) in example_of_each() {
        let element = server.request("GET", &format!("/elements/api-v2/elements/{key}"));
        assert_eq!(Answer::of(element).await.status, 200, "{key}");
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("elements")
            .join(&key)
            .join("element.json");
        let text = std::fs::read_to_string(file).expect("a definition");
        let definition: Value = serde_json::from_str(&text).expect("JSON");
        if definition["bunsen"]["budget"].is_null() {
            continue;
        }
        tried += 1;
        vendors.reset().await;
        sqlx::query("delete from budgets")
            .execute(&server.database.pool)
            .await
            .expect("none yet");
        let instance = server.create(&server.admin, &body).await;
        let token = instance["token"].as_str().expect("a token");
        let header = server.admin.with_token(token);
        let ping = async || {
            let ping = server.request("GET", "/elements/api-v2/ping");
            Answer::of(ping.header("authorization", &header)).await
        };
        until("the database knows the vendor's own limit", async || {
            ping().await.success();
            let learned: Option<i64> = sqlx::query_scalar("select max(learned) from budgets")
                .fetch_one(&server.database.pool)
                .await
                .expect("a number");
            learned.is_some_and(|learned| learned > 50)
        })
        .await;
        vendors
            .fault(json!({"kind": "rate_limited", "retry_after": 33}))
            .await;
        let told = ping().await;
        told.error(429);
        assert_eq!(told.header("elements-attempts"), Some("1"), "{key}: {told}");
        let asked = vendors.calls().await;
        let held = ping().await;
        let error = held.error(429);
        assert!(message(&error).contains("not asked"), "{key}: {error}");
        assert_eq!(vendors.calls().await, asked, "{key}");
    }
    assert!(tried >= 2, "{tried} shipped elements have budgets");
}
