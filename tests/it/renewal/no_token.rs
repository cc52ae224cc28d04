//! What is no token is not stored.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{DUE, RENEWED, Renewing};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;

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
