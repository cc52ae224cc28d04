//! What is slow holds up nobody else: a vendor's host that does not answer in time.

use bunsen_test_macros::database_test;
use serde_json::json;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::renewal::Renewing;
use crate::vendors::until;

/// More than one server renews at once.
const MANY: i64 = 40;

#[database_test]
async fn a_slow_host_holds_up_no_other(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let user = server.authorization();
    let mut cases = Case::all();
    let (slow, quick) = (cases.remove(0), cases.remove(0));
    for _ in 0..MANY {
        world.create(&slow, &server).await;
    }
    let other = world.create(&quick, &server).await;
    let fault = json!({"kind": "slow", "milliseconds": 30_000, "host": slow.host(),
                       "path": slow.token_at()});
    world.site.vendors.fault(fault).await;
    // Those of the slow vendor have waited longer.
    world
        .site
        .execute("update instances set renewal_due_at = now() - interval '1 hour'")
        .await;
    let path = format!("/instances/{}", other["id"]);
    until("the other one is renewed", async || {
        let read = Answer::of(server.request("GET", &path, &user)).await;
        read.success()["lastRenewal"].is_string()
    })
    .await;
    let renewed = "select count(*) from instances where renewed_at is not null";
    assert_eq!(world.site.count(renewed).await, 1);
    let open = "select count(*) from exchanges where state = 'intent'";
    let open = world.site.count(open).await;
    assert!((1..=8).contains(&open), "{open} at the slow host");
    server.kill().await;
}
