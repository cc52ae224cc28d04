//! Renewals that are due, claimed in turns.

use std::collections::BTreeSet;
use std::time::Duration;

use bunsen::ids::OrganizationId;
use bunsen_test_macros::database_test;

use super::{Made, World};
use crate::database::TestDatabase;

#[database_test]
async fn organizations_take_turns_and_nobody_claims_twice(database: TestDatabase) {
    let world = World::new(&database).await;
    for _ in 0..5 {
        world.instance(&world.one, Made::default()).await;
    }
    let execute = async |statement: &'static str| {
        sqlx::query(statement)
            .execute(&database.pool)
            .await
            .expect("a statement");
    };
    execute("update instances set renewal_due_at = now() - interval '1 hour'").await;
    // The other organization's has waited less than any of the five.
    let quiet = world.instance(&world.other, Made::default()).await;
    execute("update instances set renewal_due_at = now() where renewal_due_at is null").await;
    // Not due, and one that is not to be tried again.
    let later = world.instance(&world.other, Made::default()).await;
    execute("update instances set renewal_due_at = now() + interval '1 hour' where renewal_due_at is null").await;
    let refused = world.instance(&world.other, Made::default()).await;
    execute("update instances set valid = false where renewal_due_at is null").await;

    let claim = async |limit| {
        let all = world.store.all_orgs();
        let claimed = all
            .claim_due_renewals(limit, 100, &[], Duration::from_secs(60))
            .await;
        let claimed = claimed.expect("claimed");
        claimed
            .into_iter()
            .map(|due| due.id.0)
            .collect::<Vec<i64>>()
    };
    let first = claim(2).await;
    assert_eq!(first.len(), 2);
    assert!(first.contains(&quiet.0), "{first:?}");
    let (one, two) = tokio::join!(claim(10), claim(10));
    let rest: Vec<i64> = one.into_iter().chain(two).collect();
    let all: BTreeSet<i64> = first.iter().chain(&rest).copied().collect();
    assert_eq!((all.len(), rest.len()), (6, 4), "each once");
    assert!(!all.contains(&later.0) && !all.contains(&refused.0));

    // A claim that nobody works on ends.
    execute("update instances set renewal_claimed_until = now()").await;
    assert_eq!(claim(10).await.len(), 6);
    let until = async || {
        let until = "select renewal_claimed_until from instances where id = $1";
        let until = sqlx::query_scalar::<_, jiff_sqlx::Timestamp>(until).bind(quiet);
        let until = until.fetch_one(&database.pool).await;
        until.expect("a claim").to_jiff()
    };
    let put_back = async |claim| {
        let other = world.other_org();
        let put_back = other.put_back_renewal(quiet, claim, Duration::ZERO);
        put_back.await.expect("put back");
    };
    let ours = until().await;
    put_back(ours).await;
    assert_eq!(claim(10).await, [quiet.0]);
    // Somebody else has claimed it since.
    put_back(ours).await;
    assert_eq!(claim(10).await, Vec::<i64>::new());
}

/// One organization has more than are looked at, all of which have waited longer.
#[database_test]
async fn nobody_waits_behind_anothers_thousands(database: TestDatabase) {
    let world = World::new(&database).await;
    for _ in 0..40 {
        world.instance(&world.one, Made::default()).await;
    }
    let quiet = world.instance(&world.other, Made::default()).await;
    sqlx::query(
        "update instances set renewal_due_at =
             now() - case when org_id = $1 then interval '1 hour' else interval '1 second' end",
    )
    .bind(world.one.id)
    .execute(&database.pool)
    .await
    .expect("a statement");
    let all = world.store.all_orgs();
    let claimed = all
        .claim_due_renewals(2, 100, &[], Duration::from_secs(60))
        .await;
    let claimed = claimed.expect("claimed");
    assert_eq!(claimed.len(), 2);
    assert!(claimed.iter().any(|due| due.id == quiet), "{claimed:?}");
}

/// Whose token endpoints are slow fills its own places and nobody else's.
#[database_test]
async fn one_organization_has_so_many_places(database: TestDatabase) {
    let world = World::new(&database).await;
    for _ in 0..20 {
        world.instance(&world.one, Made::default()).await;
    }
    for _ in 0..2 {
        world.instance(&world.other, Made::default()).await;
    }
    sqlx::query("update instances set renewal_due_at = now() - interval '1 hour' + id * interval '1 second'")
        .execute(&database.pool)
        .await
        .expect("a statement");
    let (one, other) = (world.one.id, world.other.id);
    let claim = async |limit, under_way: &[(OrganizationId, i64)]| {
        let all = world.store.all_orgs();
        let claimed = all.claim_due_renewals(limit, 4, under_way, Duration::from_secs(60));
        let claimed = claimed.await.expect("claimed");
        let of_one = claimed.iter().filter(|due| due.organization == one).count();
        (of_one, claimed.len() - of_one)
    };
    assert_eq!(
        claim(1, &[(one, 3)]).await,
        (0, 1),
        "who has fewer comes first"
    );
    assert_eq!(claim(30, &[(one, 3), (other, 4)]).await, (1, 0));
    // All that is looked at is of one that has its places.
    assert_eq!(claim(1, &[(one, 4)]).await, (0, 1));
    assert_eq!(claim(30, &[(one, 4), (other, 2)]).await, (0, 0));
    assert_eq!(claim(30, &[(other, 2)]).await, (4, 0));
    let left = "select count(*) from instances where renewal_claimed_until is null";
    let left: i64 = sqlx::query_scalar(left)
        .fetch_one(&database.pool)
        .await
        .expect("a count");
    assert_eq!(left, 15);
}

/// Three that have all they can leave places for a fourth.
#[database_test]
async fn the_more_an_organization_has_the_more_it_leaves(database: TestDatabase) {
    let world = World::new(&database).await;
    for _ in 0..20 {
        world.instance(&world.one, Made::default()).await;
    }
    world.instance(&world.other, Made::default()).await;
    sqlx::query("update instances set renewal_due_at = now() - interval '1 hour'")
        .execute(&database.pool)
        .await
        .expect("a statement");
    let (one, other) = (world.one.id, world.other.id);
    let claim = async |limit, under_way: &[(OrganizationId, i64)]| {
        let all = world.store.all_orgs();
        let claimed = all.claim_due_renewals(limit, 16, under_way, Duration::from_secs(60));
        let claimed = claimed.await.expect("claimed");
        let of_one = claimed.iter().filter(|due| due.organization == one).count();
        (of_one, claimed.len() - of_one)
    };
    let busy = (other, 16);
    assert_eq!(claim(16, &[busy]).await, (8, 0), "of 16 free ones half");
    assert_eq!(claim(8, &[busy, (one, 8)]).await, (0, 0));
    assert_eq!(
        claim(1, &[(one, 8)]).await,
        (0, 1),
        "who has none gets the last"
    );
}

/// A look costs what is due, however many sessions are renewed at some later time.
#[database_test]
async fn a_look_reads_none_that_is_not_due(database: TestDatabase) {
    let world = World::new(&database).await;
    for _ in 0..200 {
        world.instance(&world.one, Made::default()).await;
    }
    let execute = async |statement: &'static str| {
        sqlx::query(statement)
            .execute(&database.pool)
            .await
            .expect("a statement");
    };
    execute("update instances set renewal_due_at = now() + id * interval '1 hour'").await;
    execute("analyze instances").await;
    let began = std::time::Instant::now();
    let (looks, read) = loop {
        let all = world.store.all_orgs();
        let claimed = all.claim_due_renewals(10, 100, &[], Duration::from_secs(60));
        assert_eq!(claimed.await.expect("claimed"), []);
        // Postgres counts behind what it does.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let counted: (i64, i64) = sqlx::query_as(
            "select idx_scan, idx_tup_read from pg_stat_user_indexes
             where indexrelname = 'instances_renewal'",
        )
        .fetch_one(&database.pool)
        .await
        .expect("what is counted");
        if counted.0 > 0 {
            break counted;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "no look used the index"
        );
    };
    assert!(
        read < looks,
        "{looks} looks have read {read} of what is not due"
    );
}
