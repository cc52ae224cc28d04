//! One renewal per session, whoever looks and whatever is killed.

use bunsen_test_macros::database_test;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{DUE, EXPIRED, OPEN, RENEWED, Renewing, fatal};
use crate::database::TestDatabase;
use crate::vendors::{Vendors, until};

const INSTANCES: i64 = 12;

#[database_test]
async fn two_servers_renew_each_session_once(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let one = world.site.serve("one").await;
    let mut made = Vec::new();
    for _ in 0..INSTANCES {
        made.push(world.create(&case, &one).await);
    }
    assert!(made[0]["nextRenewal"].is_string(), "{}", made[0]);
    assert!(made[0].get("lastRenewal").is_none());
    // Made together, they are not renewed together.
    let different = "select count(distinct renewal_due_at) from instances
                     where renewal_due_at between now() + interval '30 minutes' and now() + interval '1 hour'";
    assert_eq!(world.site.count(different).await, INSTANCES);
    let two = world.site.serve_with("two", &[]).await;
    assert_eq!(world.spends(&case).await, (INSTANCES as u64, 0));

    world.site.execute(DUE).await;
    world.wait_for("all are renewed", RENEWED, INSTANCES).await;
    assert_eq!(world.spends(&case).await, (2 * INSTANCES as u64, 0));
    assert_eq!(world.site.count(different).await, INSTANCES);
    let once =
        "select count(*) from instances where generation = 2 and valid and lease_holder is null";
    assert_eq!(world.site.count(once).await, INSTANCES);
    assert_eq!(world.site.count(OPEN).await, 0);
    let read = world.read(&one, &made[0]).await;
    assert!(read["lastRenewal"].is_string() && read["nextRenewal"].is_string());
    assert_eq!(
        (&read["token"], &read["valid"]),
        (&made[0]["token"], &json!(true))
    );

    // What was stored renews again.
    world
        .site
        .execute("update instances set renewed_at = null")
        .await;
    world.site.execute(DUE).await;
    world
        .wait_for("all are renewed again", RENEWED, INSTANCES)
        .await;
    assert_eq!(world.spends(&case).await, (3 * INSTANCES as u64, 0));
    one.stop().await;
    two.stop().await;
}

async fn wait_for_call(vendors: &Vendors, before: u64) {
    until("the vendor is asked", async || {
        vendors.calls().await > before
    })
    .await;
}

#[database_test]
async fn an_answer_of_a_killed_server_is_written_by_another(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let one = world.site.serve("one").await;
    world.create(&case, &one).await;
    let before = world.site.vendors.calls().await;
    world
        .fault(&case, json!({"kind": "slow", "milliseconds": 2000}))
        .await;
    world.site.execute(DUE).await;
    wait_for_call(&world.site.vendors, before).await;
    let mut lock = PgConnection::connect(&world.site.database.url)
        .await
        .expect("a connection");
    sqlx::raw_sql("begin; lock table instances in exclusive mode")
        .execute(&mut lock)
        .await
        .expect("a lock");
    let answered = "select count(*) from exchanges where state = 'answered' and purpose = 'renew'";
    world.wait_for("the answer is durable", answered, 1).await;
    one.kill().await;
    drop(lock);
    world.no_faults().await;
    assert_eq!(world.site.count(RENEWED).await, 0);

    let two = world.site.serve("one").await;
    world.site.execute(EXPIRED).await;
    world.wait_for("the answer is written", RENEWED, 1).await;
    assert_eq!(world.spends(&case).await, (2, 0));
    // It is the newest token that is stored.
    world
        .site
        .execute("update instances set renewed_at = null")
        .await;
    world.site.execute(DUE).await;
    world.wait_for("it is renewed again", RENEWED, 1).await;
    assert_eq!(world.spends(&case).await, (3, 0));
    two.stop().await;
}

#[database_test]
async fn after_a_kill_during_the_call_nobody_asks_while_the_token_lives(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let one = world.site.serve("one").await;
    let made = world.create(&case, &one).await;
    let before = world.site.vendors.calls().await;
    world
        .fault(&case, json!({"kind": "slow", "milliseconds": 3000}))
        .await;
    world.site.execute(DUE).await;
    wait_for_call(&world.site.vendors, before).await;
    one.kill().await;
    world.no_faults().await;
    assert_eq!(world.site.count(OPEN).await, 1);

    // Although both leases are over, and whatever says that it is due.
    let two = world.site.serve("one").await;
    world.site.execute(EXPIRED).await;
    world
        .site
        .execute("update instances set lease_until = now() where lease_until is not null")
        .await;
    world.wait_for("nothing is open", OPEN, 0).await;
    let in_doubt = "select count(*) from instances where renewal_doubt_generation = generation
                    and renewal_due_at > now() + interval '50 minutes' and valid and lease_holder is null";
    assert_eq!(world.site.count(in_doubt).await, 1);
    let calls = world.site.vendors.calls().await;
    world.site.execute(DUE).await;
    world.wait_for("it is put off", in_doubt, 1).await;
    assert_eq!(world.site.vendors.calls().await, calls);
    assert!(world.spends(&case).await.1 == 0);
    assert_eq!(world.read(&two, &made).await["valid"], true);
    two.stop().await;
}
