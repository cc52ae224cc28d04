//! The outbox: written with what it tells of, claimed in turns, and emptied.

use std::time::Duration;

use bunsen::ids::{AccountId, InstanceId, NotificationId, OrganizationId, SubscriptionId};
use bunsen::store::{
    DeliveryLook, DueDelivery, FIRST_POSITION, FailedRenewal, FoundDeliveries, Missed,
    NewNotification, NewSubscription,
};
use bunsen_test_macros::database_test;
use uuid::Uuid;

use super::{Made, Tenant, World, count, execute};
use crate::database::TestDatabase;

pub const CLAIM: Duration = Duration::from_secs(60);

impl World {
    pub async fn subscribe(&self, tenant: &Tenant, topic: &str) -> SubscriptionId {
        let new = NewSubscription {
            row_id: Uuid::new_v4(),
            account: tenant.account,
            user: tenant.user,
            all_accounts: true,
            channel: "webhook",
            topics: &[topic.to_owned()],
            url: "https://hooks.acorn.example/",
            secret_sealed: b"sealed secret",
        };
        let made = self.store.org(tenant.id).add_subscription(&new).await;
        made.expect("made").expect("not too many").id
    }

    pub async fn tell(&self, tenant: &Tenant, topic: &str) -> NotificationId {
        self.tell_of(tenant, tenant.account, topic).await
    }

    pub async fn tell_of(
        &self,
        tenant: &Tenant,
        account: AccountId,
        topic: &str,
    ) -> NotificationId {
        let new = NewNotification {
            account,
            topic,
            severity: "low",
            sender: "",
            message: "Hear!",
            about: None,
        };
        let made = self.store.org(tenant.id).add_notification(&new).await;
        made.expect("told").expect("there is room").id
    }

    pub async fn claim(&self, limit: i64, each: i64, busy: &[SubscriptionId]) -> Vec<DueDelivery> {
        let look = DeliveryLook {
            limit,
            each,
            busy,
            under_way: &[],
            of_organization: 100,
            after: FIRST_POSITION,
            subscriptions: 10_000,
            claim: CLAIM,
        };
        self.look(&look).await.due
    }

    pub async fn look(&self, look: &DeliveryLook<'_>) -> FoundDeliveries {
        let found = self.store.all_orgs().claim_deliveries(look).await;
        found.expect("claimed")
    }

    /// As it is done now and then.
    async fn note_overfull(&self) {
        let mut after = FIRST_POSITION;
        let all = self.store.all_orgs();
        while let Some(last) = all.note_overfull(after, 1).await.expect("noted") {
            assert!(last > after);
            after = last;
        }
    }

    /// Gives it up to its owner, or does so and takes it back.
    async fn refuse(&self, id: InstanceId, keep: bool) {
        let org = self.org();
        let mut transaction = self.store.begin().await.expect("a transaction");
        let locked = org.lock_instance(&mut transaction, id).await;
        let locked = locked.expect("readable").expect("there");
        let failed = FailedRenewal {
            needs_owner: Some("The vendor refuses it."),
            ..FailedRenewal::default()
        };
        let revocation = org.write_failed_renewal(&mut transaction, &locked, &failed);
        let revocation = revocation.await.expect("written");
        assert_eq!(revocation.is_some(), locked.valid);
        match keep {
            true => transaction.commit().await.expect("a commit"),
            false => transaction.rollback().await.expect("a rollback"),
        }
    }
}

fn whose(due: &[DueDelivery]) -> Vec<OrganizationId> {
    due.iter().map(|due| due.organization).collect()
}

#[database_test]
async fn what_did_not_happen_is_not_told_and_what_did_is_told_once(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let wanted = world.subscribe(&world.one, "instance.needs_owner").await;
    world.subscribe(&world.one, "instance.recovered").await;
    world.subscribe(&world.other, "instance.needs_owner").await;
    world.refuse(id, false).await;
    let written = "select count(*) from notifications";
    assert_eq!(count(&database, written).await, 0);
    assert!(world.claim(10, 10, &[]).await.is_empty());
    world.refuse(id, true).await;
    world.refuse(id, true).await;
    assert_eq!(
        count(&database, written).await,
        1,
        "it needed its owner already"
    );
    let due = world.claim(10, 10, &[]).await;
    let [due] = due.as_slice() else {
        panic!("{due:?}");
    };
    assert_eq!((due.organization, due.subscription), (world.one.id, wanted));
    let about = due.notification.about.as_ref().expect("an instance");
    assert_eq!((about.id, about.account), (id, world.one.account));
    assert_eq!(about.reason.as_deref(), Some("The vendor refuses it."));
    let row = world.org().instance(id).await.expect("readable");
    assert_eq!(about.since, row.expect("there").invalid_since);
}

#[database_test]
async fn everybody_takes_turns_and_nobody_claims_twice(database: TestDatabase) {
    let world = World::new(&database).await;
    let far_behind = world.subscribe(&world.one, "much").await;
    let quiet = world.subscribe(&world.other, "little").await;
    for _ in 0..9 {
        world.tell(&world.one, "much").await;
    }
    let last = world.tell(&world.other, "little").await;
    let first = world.claim(2, 4, &[]).await;
    assert!(whose(&first).contains(&world.other.id), "{first:?}");
    assert!(first.iter().any(|due| due.notification.id == last));
    let (one, two) = tokio::join!(world.claim(10, 4, &[]), world.claim(10, 4, &[]));
    // Of one subscription four each; who meets the other at a row leaves it.
    assert!((4..=8).contains(&(one.len() + two.len())));
    assert!(
        one.iter()
            .all(|due| two.iter().all(|other| due.id != other.id))
    );
    assert!(world.claim(10, 4, &[far_behind, quiet]).await.is_empty());
    execute(
        &database,
        "update notification_deliveries set due_at = now()",
    )
    .await;
    assert_eq!(world.claim(20, 4, &[]).await.len(), 5);

    // Who fails is asked for one at a time, who rests or is switched off for none.
    for (statement, expected) in [
        ("update notification_subscriptions set failures = 1", 2),
        (
            "update notification_subscriptions set rests_until = now() + interval '1 hour'",
            0,
        ),
        (
            "update notification_subscriptions set rests_until = null, active = false",
            0,
        ),
        ("update notification_subscriptions set active = true", 2),
        ("update accounts set active = false", 0),
        ("update accounts set active = true", 2),
        ("update organizations set active = false", 0),
    ] {
        execute(&database, statement).await;
        execute(
            &database,
            "update notification_deliveries set due_at = now()",
        )
        .await;
        assert_eq!(world.claim(20, 4, &[]).await.len(), expected, "{statement}");
    }
}

#[database_test]
async fn an_attempt_counts_once(database: TestDatabase) {
    let world = World::new(&database).await;
    world.subscribe(&world.one, "news").await;
    world.tell(&world.one, "news").await;
    let due = world.claim(1, 1, &[]).await.remove(0);
    let missed = Missed {
        after_first: Duration::from_secs(4),
        from_now: Duration::from_secs(2),
        rest: Duration::from_secs(3),
        outcome: "busy",
    };
    // The second is of a server whose claim ran out while it waited.
    for _ in 0..2 {
        world.org().missed(&due, &missed).await.expect("counted");
    }
    let counted = "select count(*) from notification_deliveries d
                   join notification_subscriptions s on s.id = d.subscription_id
                   where d.attempts = 1 and s.failures = 1 and d.status = 'retry'
                     and d.due_at = d.first_failed_at + interval '4 seconds'
                     and s.rests_until < d.due_at";
    assert_eq!(count(&database, counted).await, 1);
    // It had been taken after all.
    world.org().delivered(&due, "fine").await.expect("written");
    let late = world.org().missed(&due, &missed).await;
    late.expect("ignored");
    let done = "select count(*) from notification_deliveries d
                join notification_subscriptions s on s.id = d.subscription_id
                where d.status = 'delivered' and s.failures = 0 and s.rests_until is null";
    assert_eq!(count(&database, done).await, 1);
    let foreign = world.other_org().delivered(&due, "foreign").await;
    foreign.expect("nothing");
    assert_eq!(
        count(
            &database,
            "select count(*) from notification_deliveries where outcome = 'foreign'"
        )
        .await,
        0
    );
}

#[database_test]
async fn nobody_is_told_more_than_he_can_take_and_nothing_is_kept_for_ever(database: TestDatabase) {
    let world = World::new(&database).await;
    let full = world.subscribe(&world.one, "news").await;
    let other = world.subscribe(&world.one, "news").await;
    let id = world.tell(&world.one, "old").await;
    sqlx::query(
        "with n as (
             insert into notifications (org_id, account_id, topic, severity, sender, message)
             select org_id, account_id, topic, severity, sender, message
             from notifications, generate_series(1, 100000) where id = $1
             returning org_id, id
         )
         insert into notification_deliveries (org_id, notification_id, subscription_id, status)
         select n.org_id, n.id, $2, 'queued' from n",
    )
    .bind(id)
    .bind(full)
    .execute(&database.pool)
    .await
    .expect("very many");
    world.note_overfull().await;
    let told = world.tell(&world.one, "news").await;
    let due = world.claim(10, 10, &[]).await;
    let [due] = due.as_slice() else {
        panic!("{due:?}");
    };
    assert_eq!((due.notification.id, due.subscription), (told, other));

    execute(
        &database,
        "delete from notifications where topic = 'old' and id % 1000 <> 0",
    )
    .await;
    execute(
        &database,
        "update notifications set created_at = now() - interval '31 days' where topic = 'old'",
    )
    .await;
    // Who has taken enough is told again.
    world.note_overfull().await;
    let overfull = "select count(*) from notification_subscriptions where overfull";
    assert_eq!(count(&database, overfull).await, 0);
    let all = world.store.all_orgs();
    let month = Duration::from_hours(30 * 24);
    let removed = all.forget_notifications(month, 10).await;
    assert_eq!(removed.expect("removed"), 10);
    while all
        .forget_notifications(month, 1000)
        .await
        .expect("removed")
        > 0
    {}
    assert_eq!(
        count(&database, "select count(*) from notifications").await,
        1
    );
    assert_eq!(
        count(&database, "select count(*) from notification_deliveries").await,
        1
    );
}

#[database_test]
async fn a_subscription_that_is_deleted_meanwhile_stops_nobody(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.subscribe(&world.one, "news").await;
    let mut deleting = database.pool.begin().await.expect("a transaction");
    sqlx::query("delete from notification_subscriptions where id = $1")
        .bind(id)
        .execute(&mut *deleting)
        .await
        .expect("deleted");
    let (told, ()) = tokio::join!(world.tell(&world.one, "news"), async {
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock'";
        crate::vendors::until("it waits", async || count(&database, waits).await == 1).await;
        deleting.commit().await.expect("a commit");
    });
    let found = world.org().notification(told, None).await;
    assert!(found.expect("readable").is_some());
    assert!(world.claim(1, 1, &[]).await.is_empty());
    // And of another organization it is not found.
    let foreign = world.other_org().notification(told, None).await;
    assert!(foreign.expect("readable").is_none());
    let other = Some(AccountId(world.one.account.0 + 1));
    let of_other = world.org().notification(told, other).await;
    assert!(of_other.expect("readable").is_none());
}

/// Whose receivers are slow fills its own places, and leaves some of all for who comes later.
#[database_test]
async fn what_a_full_organization_has_due_is_not_claimed(database: TestDatabase) {
    let world = World::new(&database).await;
    for tenant in [&world.one, &world.other] {
        world.subscribe(tenant, "news").await;
        for _ in 0..6 {
            world.tell(tenant, "news").await;
        }
    }
    let (one, other) = (world.one.id, world.other.id);
    let claim = async |limit: i64, under_way: &[(OrganizationId, i64)]| {
        let look = DeliveryLook {
            limit,
            each: 10,
            busy: &[],
            under_way,
            of_organization: 4,
            after: FIRST_POSITION,
            subscriptions: 10_000,
            claim: CLAIM,
        };
        let claimed = whose(&world.look(&look).await.due);
        let of_one = claimed.iter().filter(|of| **of == one).count();
        (of_one, claimed.len() - of_one)
    };
    assert_eq!(claim(20, &[(one, 4), (other, 4)]).await, (0, 0));
    assert_eq!(claim(20, &[(one, 4), (other, 3)]).await, (0, 1));
    assert_eq!(
        claim(1, &[(one, 1)]).await,
        (0, 1),
        "who has none comes first"
    );
    assert_eq!(
        claim(1, &[(one, 1), (other, 1)]).await,
        (0, 0),
        "the last is kept"
    );
    assert_eq!(claim(20, &[]).await, (4, 4));
}
