//! Who hears of what, and that nothing stays behind that nobody would deliver.

use bunsen::ids::SubscriptionId;
use bunsen::store::{DeliveryFilter, DeliveryLook, DeliveryPosition, FIRST_POSITION};
use bunsen_test_macros::database_test;

use super::notifications::CLAIM;
use super::{World, count, execute};
use crate::database::TestDatabase;
use crate::vendors::until;

const UNDELIVERED: &str = "select count(*) from notification_deliveries";

/// What an administrator has asked to hear ends with the role.
#[database_test]
async fn other_accounts_are_heard_of_by_administrators_alone(database: TestDatabase) {
    let world = World::new(&database).await;
    let another = world.one.account(&world.store, "another").await;
    world.subscribe(&world.one, "news").await;
    let told = async |account| {
        execute(&database, "delete from notifications").await;
        world.tell_of(&world.one, account, "news").await;
        count(&database, UNDELIVERED).await
    };
    assert_eq!((told(world.one.account).await, told(another).await), (1, 1));
    let due = world.claim(1, 1, &[]).await;
    assert!(due[0].hears);
    for (ends, again) in [
        (
            "update users set roles = '{admin}'",
            "update users set roles = '{org-admin}'",
        ),
        (
            "update users set active = false",
            "update users set active = true",
        ),
        // As a version before has made it.
        (
            "update notification_subscriptions set user_id = null; update users set active = false",
            "update users set active = true",
        ),
    ] {
        assert_eq!(told(another).await, 1);
        execute(&database, ends).await;
        // What was written before is not delivered either, but what its own account is told of is.
        let due = world.claim(1, 1, &[]).await;
        assert!(!due[0].hears, "{ends}");
        world
            .org()
            .withdraw_delivery(due[0].id)
            .await
            .expect("gone");
        assert_eq!(count(&database, UNDELIVERED).await, 0);
        assert_eq!(told(another).await, 0, "{ends}");
        assert_eq!(told(world.one.account).await, 1, "{ends}");
        assert!(world.claim(1, 1, &[]).await[0].hears);
        execute(&database, again).await;
        assert_eq!(told(another).await, 1, "{again}");
    }
    let due = world.claim(1, 1, &[]).await.remove(0);
    let foreign = world.other_org().withdraw_delivery(due.id).await;
    foreign.expect("nothing");
    assert_eq!(count(&database, UNDELIVERED).await, 1);
}

/// Whoever waits behind very many comes to its turn.
#[database_test]
async fn a_look_goes_on_where_the_last_one_ended(database: TestDatabase) {
    let world = World::new(&database).await;
    let mut subscriptions = Vec::new();
    for _ in 0..5 {
        subscriptions.push(world.subscribe(&world.one, "news").await);
    }
    let last = world.subscribe(&world.other, "news").await;
    world.tell(&world.one, "news").await;
    world.tell(&world.other, "news").await;
    execute(
        &database,
        "update notification_subscriptions set rests_until = now() + interval '1 hour'
         where id <> (select max(id) from notification_subscriptions)",
    )
    .await;
    let look = async |after: DeliveryPosition| {
        let look = DeliveryLook {
            limit: 10,
            each: 1,
            busy: &[],
            under_way: &[],
            of_organization: 100,
            after,
            subscriptions: 2,
            claim: CLAIM,
        };
        let found = world.look(&look).await;
        let due: Vec<SubscriptionId> = found.due.iter().map(|due| due.subscription).collect();
        (due, found.next)
    };
    let (due, next) = look(FIRST_POSITION).await;
    assert_eq!((due, next), (vec![], (world.one.id, subscriptions[1])));
    let (due, next) = look(next).await;
    assert_eq!((due, next), (vec![], (world.one.id, subscriptions[3])));
    let (due, next) = look(next).await;
    assert_eq!((due, next), (vec![last], (world.other.id, last)));
    assert_eq!(look(next).await, (vec![], FIRST_POSITION));
}

/// Told at the moment at which the subscription is switched off: it waits with the rest.
#[database_test]
async fn nothing_is_written_that_a_switched_off_subscription_would_keep(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.subscribe(&world.one, "news").await;
    world.tell(&world.one, "news").await;
    let mut switching = database.pool.begin().await.expect("a transaction");
    sqlx::query("update notification_deliveries set status = 'queued'")
        .execute(&mut *switching)
        .await
        .expect("put aside");
    sqlx::query("update notification_subscriptions set active = false where id = $1")
        .bind(id)
        .execute(&mut *switching)
        .await
        .expect("switched off");
    let (_, ()) = tokio::join!(world.tell(&world.one, "news"), async {
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock'";
        until("it waits", async || count(&database, waits).await == 1).await;
        switching.commit().await.expect("a commit");
    });
    let queued = "select count(*) from notification_deliveries where status = 'queued'";
    assert_eq!(count(&database, queued).await, 2);
}

/// However many there are, in transactions of some.
#[database_test]
async fn very_many_are_released(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.subscribe(&world.one, "news").await;
    world.subscribe(&world.other, "news").await;
    world.tell(&world.other, "news").await;
    let told = world.tell(&world.one, "news").await;
    sqlx::query(
        "with n as (
             insert into notifications (org_id, account_id, topic, severity, sender, message)
             select org_id, account_id, topic, severity, sender, message
             from notifications, generate_series(1, 2499) where id = $1
             returning org_id, id
         )
         insert into notification_deliveries (org_id, notification_id, subscription_id, status)
         select n.org_id, n.id, $2, 'created' from n",
    )
    .bind(told)
    .bind(id)
    .execute(&database.pool)
    .await
    .expect("many");
    execute(
        &database,
        "update notification_deliveries set status = 'queued', attempts = 3;
         update notification_subscriptions set active = false",
    )
    .await;
    let (org, all) = (world.org(), DeliveryFilter::default());
    let released = org.release_deliveries(&all).await;
    assert_eq!(released.expect("released"), 2500);
    let again =
        "select count(*) from notification_deliveries where status = 'retry' and attempts = 0";
    assert_eq!(count(&database, again).await, 2500);
    let awake = "select count(*) from notification_subscriptions where active";
    assert_eq!(count(&database, awake).await, 1);
}
