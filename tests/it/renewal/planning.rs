//! Renewals that nobody has planned, and those that somebody would like to have all the time.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{RENEWED, Renewing};
use crate::answer::Answer;
use crate::catalogue::exports;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;

const PASSES: &str = "select count(*) from renewal_passes where finished_at is not null";
const PLANNED: &str =
    "select count(*) from instances where renewal_due_at > now() + interval '1 minute'";

#[database_test]
async fn what_nobody_has_planned_is_planned_once(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let one = world.site.serve("one").await;
    world.wait_for("the first pass is done", PASSES, 1).await;
    let case = Case::all().remove(0);
    for _ in 0..3 {
        world.create(&case, &one).await;
    }
    // Its element renews nothing.
    one.create(&one.authorization(), &crate::vendors::example())
        .await;
    assert_eq!(world.site.count(PLANNED).await, 3);
    one.stop().await;
    // One of them was there before renewals were, one needs its owner.
    world
        .site
        .execute(
            "update instances set renewal_due_at = null where id > (select min(id) from instances)",
        )
        .await;
    world
        .site
        .execute(
            "update instances set valid = false where id = (select min(id) + 1 from instances)",
        )
        .await;

    let folder = exports();
    let folder = folder.to_str().expect("a path");
    let other = ["--elements", folder];
    let one = world.site.serve_with("one", &other).await;
    world.wait_for("the second pass is done", PASSES, 2).await;
    assert_eq!(world.site.count(PLANNED).await, 2);
    one.stop().await;
    // A pass that somebody was killed in goes on.
    world
        .site
        .execute("update instances set renewal_due_at = null where valid")
        .await;
    world
        .site
        .execute("update renewal_passes set finished_at = null, org_id = (select min(org_id) from instances), instance_id = (select min(id) from instances)")
        .await;
    let one = world.site.serve_with("one", &other).await;
    world.wait_for("the pass is done", PASSES, 1).await;
    assert_eq!(
        world.site.count(PLANNED).await,
        1,
        "behind where it had come to"
    );
    one.stop().await;
}

/// A server with older definitions may make instances behind a pass, and values may be damaged.
#[database_test]
async fn a_pass_is_made_again_and_past_what_cannot_be_planned(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let one = world.site.serve("one").await;
    world.wait_for("the first pass is done", PASSES, 1).await;
    let case = Case::all().remove(0);
    for _ in 0..3 {
        world.create(&case, &one).await;
    }
    one.stop().await;
    world
        .site
        .execute(
            "update instances set renewal_due_at = null, credentials_sealed =
                 case when id = (select min(id) + 1 from instances) then 'damaged'::bytea
                      else credentials_sealed end",
        )
        .await;
    let one = world.site.serve("one").await;
    one.stop().await;
    assert_eq!(world.site.count(PLANNED).await, 0, "the pass is young");
    world
        .site
        .execute("update renewal_passes set finished_at = now() - interval '7 hours'")
        .await;
    let one = world.site.serve("one").await;
    world.wait_for("the others are planned", PLANNED, 2).await;
    let again = "select count(*) from renewal_passes where finished_at > now() - interval '1 hour'";
    world.wait_for("the pass is done", again, 1).await;
    assert_eq!(one.log().matches("cannot be planned").count(), 3);
    one.stop().await;
}

/// One entry of a configuration does not make us ask the vendor all the time.
#[database_test]
async fn no_caller_has_a_session_renewed_all_the_time(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let case = Case::all().remove(0);
    let made = world.create(&case, &server).await;
    let path = format!("/instances/{}", made["id"]);
    for interval in ["1", "-1", "0", "9223372036854775807", "1e9", ""] {
        let change = json!({"configuration": {"oauth.user.refresh_interval": interval}});
        let request = server.request("PATCH", &path, &server.authorization());
        Answer::of(request.json(&change)).await.success();
        let soon = "select count(*) from instances
                    where renewal_due_at < created_at + interval '55 seconds'";
        assert_eq!(world.site.count(soon).await, 0, "{interval}");
    }
    assert_eq!(world.site.count(RENEWED).await, 0);
    server.stop().await;
}
