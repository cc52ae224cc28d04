//! A renewal of more than one call: what the refresh has brought is kept, whatever becomes of the calls behind it.

use bunsen_test_macros::database_test;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{DUE, EXPIRED, OPEN, RENEWED, Renewing, fatal};
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;

const LONG_OVER: &str = "update exchanges set lease_until = now() - interval '1 minute'";
const FREE: &str = "update instances set renewal_claimed_until = null,
                    lease_until = now() - interval '1 minute' where lease_until is not null";
const BEHIND: &str = "*/behind-the-refresh";

/// The folder for `--elements`: the shipped definition with a call behind its refresh.
fn definitions(world: &Renewing, case: &Case) -> String {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("elements")
        .join(&case.element)
        .join("element.json");
    let text = std::fs::read_to_string(shipped).expect("a definition");
    let mut definition: Value = serde_json::from_str(&text).expect("JSON");
    let resources = definition["resources"].as_array_mut().expect("resources");
    resources.push(json!({
        "id": 990_003, "description": "behind the refresh", "method": "GET", "path": "/behind",
        "vendorMethod": "GET", "vendorPath": "/behind-the-refresh", "type": "onRefresh", "parameters": [],
        "hooks": [], "response": {"contentType": "application/json"}
    }));
    let root = world.site.folder.path("elements");
    let own = root.join(&case.element);
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("element.json"), definition.to_string()).expect("a file");
    root.to_str().expect("a UTF-8 path").to_owned()
}

async fn behind(world: &Renewing, status: u16) {
    world.no_faults().await;
    let fault = json!({"kind": "status", "status": status, "path": BEHIND, "body": "{}"});
    world.site.vendors.fault(fault).await;
}

#[database_test]
async fn what_a_refresh_brought_is_kept(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let elements = definitions(&world, &case);
    let arguments = ["--elements", elements.as_str()];
    // Its log-in has no such call, which needs a base URL.
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    server.stop().await;
    let mut server = world.site.serve_with("one", &arguments).await;
    let (mut spends, _) = world.spends(&case).await;
    let renews = async |spends| {
        behind(&world, 200).await;
        world.site.execute(DUE).await;
        world.wait_for("it is renewed", RENEWED, 1).await;
        assert_eq!(world.spends(&case).await, (spends, 0));
        world
            .site
            .execute("update instances set renewed_at = null")
            .await;
    };

    behind(&world, 503).await;
    world.site.execute(DUE).await;
    let tried = "select count(*) from instances where renewal_attempts = 1 and valid
                 and renewal_due_at between now() and now() + interval '1 minute'";
    world.wait_for("it is tried", tried, 1).await;
    assert_eq!(world.spends(&case).await, (spends + 1, 0));
    renews(spends + 2).await;

    behind(&world, 401).await;
    world.site.execute(DUE).await;
    let invalid = "select count(*) from instances where not valid";
    world.wait_for("it needs its owner", invalid, 1).await;
    let read = world.read(&server, &made).await;
    let reason = read["invalidReason"].as_str().expect("a reason");
    assert!(!reason.contains("lost"), "{reason}");
    world
        .site
        .execute("update instances set valid = true")
        .await;
    renews(spends + 4).await;
    spends += 4;

    // Killed between the two.
    world.no_faults().await;
    let slow = json!({"kind": "slow", "milliseconds": 5000, "path": BEHIND});
    world.site.vendors.fault(slow).await;
    let asked = world.site.vendors.calls_to(BEHIND).await;
    world.site.execute(DUE).await;
    crate::vendors::until("the second call is made", async || {
        world.site.vendors.calls_to(BEHIND).await > asked
    })
    .await;
    server.kill().await;
    behind(&world, 200).await;
    server = world.site.serve_with("one", &arguments).await;
    world.site.execute(EXPIRED).await;
    world.wait_for("it is renewed", RENEWED, 1).await;
    world.wait_for("nothing is open", OPEN, 0).await;
    assert_eq!(world.spends(&case).await, (spends + 2, 0));
    server.stop().await;
}

/// Stopped during the first of two calls until its exchange is given up: what it then cannot note as its progress is
/// kept all the same.
#[database_test]
async fn an_answer_that_comes_late_between_two_calls_counts(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let elements = definitions(&world, &case);
    let arguments = ["--elements", elements.as_str()];
    let one = world.site.serve("one").await;
    world.create(&case, &one).await;
    one.stop().await;
    let one = world.site.serve_with("one", &arguments).await;
    let before = world.site.vendors.calls().await;
    world
        .fault(&case, json!({"kind": "slow", "milliseconds": 1500}))
        .await;
    world.site.execute(DUE).await;
    world.site.vendors.wait_for_calls(before + 1).await;
    one.signal(Signal::STOP);
    let two = world.site.serve_with("two", &arguments).await;
    world.site.execute(LONG_OVER).await;
    world.site.execute(FREE).await;
    let in_doubt =
        "select count(*) from instances where renewal_doubt_generation = generation and valid";
    world.wait_for("it is given up", in_doubt, 1).await;
    world.no_faults().await;
    behind(&world, 200).await;
    one.signal(Signal::CONT);
    world.wait_for("its tokens are kept", RENEWED, 1).await;
    assert_eq!(world.spends(&case).await, (2, 0));
    world.wait_for("nothing is open", OPEN, 0).await;
    world
        .site
        .execute("update instances set renewed_at = null")
        .await;
    world.site.execute(DUE).await;
    world.wait_for("they renew", RENEWED, 1).await;
    assert_eq!(world.spends(&case).await, (3, 0));
    one.stop().await;
    two.stop().await;
}
