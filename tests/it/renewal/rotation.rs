//! Every key is rotated while a renewal is under way, and while one is left open by a server that is gone.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{DUE, EXPIRED, OPEN, RENEWED, Renewing, fatal};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;
use crate::vendors::until;

const KINDS: [&str; 3] = ["organization", "encrypt", "find"];

async fn rotate(world: &Renewing) {
    for kind in KINDS {
        let rotated = world.site.json(&["keys", "rotate", kind]).await;
        assert_eq!(rotated["left"], 0, "{kind}: {rotated}");
    }
}

/// Nothing needs an old key any more.
async fn retire(world: &Renewing) {
    let status = world.site.json(&["keys", "status"]).await;
    for use_ in ["encrypt", "find"] {
        for key in status[use_].as_array().expect("keys") {
            if key["state"] != "current" {
                let id = key["id"].as_str().expect("an id");
                world.site.json(&["keys", "retire", id]).await;
            }
        }
    }
}

/// Until the vendor has the call for tokens.
async fn begun(world: &Renewing, case: &Case, milliseconds: u32) {
    let calls = async || world.site.vendors.calls_to(case.token_at()).await;
    let before = calls().await;
    let slow = json!({"kind": "slow", "milliseconds": milliseconds});
    world.fault(case, slow).await;
    world.site.execute(DUE).await;
    until("the vendor is asked", async || calls().await > before).await;
}

/// What is stored is the newest: it makes a call, and it renews.
async fn goes_on(world: &Renewing, case: &Case, server: &Server, made: &Value, spends: u64) {
    let read = world.read(server, made).await;
    assert_eq!(read["valid"], true, "{read}");
    world.site.all_forget().await;
    let token = made["token"].as_str().expect("a token");
    let header = format!("{}, Element {token}", server.authorization());
    let called = Answer::of(server.request("GET", &case.passed(), &header)).await;
    assert_eq!(called.status, 200, "{}: {called}", case.element);
    world
        .site
        .execute("update instances set renewed_at = null")
        .await;
    world.site.execute(DUE).await;
    world.wait_for("it is renewed again", RENEWED, 1).await;
    assert_eq!(world.spends(case).await, (spends, 0));
    assert_eq!(world.site.count(OPEN).await, 0);
}

#[database_test]
async fn a_renewal_under_way_ends_under_the_new_keys(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    begun(&world, &case, 12_000).await;
    rotate(&world).await;
    assert_eq!(world.site.count(OPEN).await, 1, "it is still under way");
    world.wait_for("it is renewed", RENEWED, 1).await;
    world.no_faults().await;
    goes_on(&world, &case, &server, &made, 3).await;
    retire(&world).await;
    server.stop().await;
    let server = world.site.serve("one").await;
    assert_eq!(world.read(&server, &made).await["valid"], true);
    server.stop().await;
}

/// The answer is there, and whoever got it is gone.
#[database_test]
async fn an_answer_that_was_left_is_written_under_the_new_keys(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let one = world.site.serve("one").await;
    let made = world.create(&case, &one).await;
    begun(&world, &case, 1500).await;
    let mut lock = PgConnection::connect(&world.site.database.url)
        .await
        .expect("a connection");
    sqlx::raw_sql("begin; lock table instances in exclusive mode")
        .execute(&mut lock)
        .await
        .expect("a lock");
    let answered = "select count(*) from exchanges where state = 'answered'";
    world.wait_for("the answer is durable", answered, 1).await;
    one.kill().await;
    drop(lock);
    world.no_faults().await;
    rotate(&world).await;
    retire(&world).await;
    assert_eq!(world.site.count(RENEWED).await, 0);

    let two = world.site.serve("one").await;
    world.site.execute(EXPIRED).await;
    world.wait_for("the answer is written", RENEWED, 1).await;
    assert_eq!(world.spends(&case).await, (2, 0));
    goes_on(&world, &case, &two, &made, 3).await;
    two.stop().await;
}

/// Killed before the vendor has answered: nothing is lost where an old token may be sent again.
#[database_test]
async fn a_renewal_that_was_cut_short_is_made_again_under_the_new_keys(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = Case::all().into_iter().find(|case| case.reuse() == "safe");
    let case = case.expect("one such vendor is simulated");
    let one = world.site.serve("one").await;
    let made = world.create(&case, &one).await;
    begun(&world, &case, 4000).await;
    one.kill().await;
    world.no_faults().await;
    assert_eq!(world.site.count(OPEN).await, 1);
    rotate(&world).await;
    retire(&world).await;

    let two = world.site.serve("one").await;
    let over = "update exchanges set lease_until = now() - interval '1 minute'";
    world.site.execute(over).await;
    world.wait_for("nothing is open", OPEN, 0).await;
    world
        .site
        .execute("update instances set lease_until = null, lease_holder = null")
        .await;
    world.site.execute(DUE).await;
    world.wait_for("it is renewed", RENEWED, 1).await;
    assert_eq!(world.read(&two, &made).await["valid"], true);
    two.stop().await;
}
