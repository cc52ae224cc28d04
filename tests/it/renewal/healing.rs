//! What is no token, and another account, is not stored.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{DUE, RENEWED, Renewing};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::vendors::until;

const TRIED: &str = "select count(*) from instances where renewal_attempts > 0 and valid";

#[database_test]
async fn what_is_no_token_replaces_none(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let case = Case::all().into_iter().find(|case| case.reuse() == "safe");
    let case = case.expect("one such vendor is simulated");
    let made = world.create(&case, &server).await;
    for body in [
        json!({"access_token": "a", "refresh_token": {"a": 1}, "expires_in": 3600}),
        json!({"access_token": 5, "expires_in": 3600}),
    ] {
        let body = json!({"kind": "status", "status": 200, "body": body.to_string()});
        world.fault(&case, body).await;
        world
            .site
            .execute("update instances set renewal_attempts = 0")
            .await;
        world.site.execute(DUE).await;
        world.wait_for("it is tried", TRIED, 1).await;
    }
    assert_eq!(world.site.count(RENEWED).await, 0);
    world.no_faults().await;
    let header = format!(
        "{}, Element {}",
        server.authorization(),
        made["token"].as_str().expect("a token")
    );
    let answer = server.request("GET", &case.passed(), &header);
    assert_eq!(Answer::of(answer).await.status, 200);
    world.site.execute(DUE).await;
    world.wait_for("the old token renews it", RENEWED, 1).await;
    server.stop().await;
}

/// A log-in made again that comes out at another account changes nothing.
#[database_test]
async fn another_account_is_not_moved_to(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let user = server.authorization();
    let mut tried = 0;
    for case in Case::all().into_iter().filter(Case::has_key) {
        let body = case.body_with_key(&world.site.vendors, true).await;
        let made = server.create(&user, &body).await;
        let id = made["id"].as_i64().expect("an id");
        // As if the vendor had named another account at the log-in that made it.
        let moved = "update instances set configuration =
                     jsonb_set(configuration, '{vendor.account.id}', '\"another\"')
                     where configuration ? 'vendor.account.id'";
        let knows = "select count(*) from instances where configuration ? 'vendor.account.id'";
        if world.site.count(knows).await == 0 {
            continue;
        }
        tried += 1;
        world.site.execute(moved).await;
        world.site.execute(DUE).await;
        until("its owner is told", async || {
            world.read(&server, &made).await["valid"] == false
        })
        .await;
        let read = world.read(&server, &made).await;
        let reason = read["invalidReason"].as_str().expect("a reason");
        assert!(reason.contains("another account"), "{id}: {reason}");
        let kept = "select count(*) from instances where renewed_at is null and not valid
                    and configuration ->> 'vendor.account.id' = 'another'";
        assert_eq!(world.site.count(kept).await, 1);
        let told = "select count(*) from notifications where topic = 'instance.needs_owner'";
        assert_eq!(world.site.count(told).await, tried);
        let path = format!("/instances/{id}");
        Answer::of(server.request("DELETE", &path, &user)).await;
    }
    assert!(tried > 0, "one such vendor is simulated");
    server.stop().await;
}
