//! Connections that lie between two reads, beside the pool they belong to.

use std::time::Duration;

use bunsen::ids::{OrganizationId, Secret};
use bunsen::store::{InstanceFilter, Store};
use bunsen_test_macros::database_test;
use futures_util::future::{join_all, poll_immediate};
use tokio::time::timeout;

use super::{Made, World};
use crate::database::TestDatabase;

/// Far longer than anything here takes, less than a caller waits for a connection.
const SOON: Duration = Duration::from_secs(8);

async fn world(database: &TestDatabase, connections: u32) -> World {
    let url = Secret::new(database.url.as_str());
    let store = Store::connect(&url, 64, connections).await;
    World::on(store.expect("answers")).await
}

#[database_test]
async fn what_a_read_leaves_serves_reads_and_transactions(database: TestDatabase) {
    let world = world(&database, 1).await;
    let id = world.instance(&world.one, Made::default()).await;
    for _ in 0..3 {
        let read = timeout(SOON, world.org().instance(id)).await;
        assert!(read.expect("soon").expect("readable").is_some());
        assert_eq!(world.store.pool_state().idle, 1, "it lies there");
        let transaction = timeout(SOON, world.store.begin()).await.expect("soon");
        let transaction = transaction.expect("the only connection");
        transaction.commit().await.expect("nothing to commit");
    }
    assert_eq!(world.store.pool_state().open, 1);
}

#[database_test]
async fn crowds_share_few_connections(database: TestDatabase) {
    let world = world(&database, 2).await;
    let id = world.instance(&world.one, Made::default()).await;
    let org = world.org();
    let reads = (0..200).map(|_| async { org.instance(id).await.expect("readable").is_some() });
    let lists = (0..50).map(|_| async {
        let found = org.instances(&InstanceFilter::default()).await;
        found.expect("a list").len() == 1
    });
    let transactions = (0..100).map(|_| async {
        let transaction = world.store.begin().await.expect("a connection");
        transaction.commit().await.is_ok()
    });
    let all = async {
        (
            join_all(reads).await,
            join_all(lists).await,
            join_all(transactions).await,
        )
    };
    let (reads, lists, transactions) = timeout(SOON, all).await.expect("nobody is forgotten");
    assert!(
        reads
            .into_iter()
            .chain(lists)
            .chain(transactions)
            .all(|right| right)
    );
    assert!(world.store.pool_state().open <= 2);
}

/// A caller that hangs up in the middle must not leave its answer to the next one.
#[database_test]
async fn an_answer_that_nobody_waited_for_is_not_the_next_ones(database: TestDatabase) {
    let world = world(&database, 1).await;
    let id = world.instance(&world.one, Made::default()).await;
    let nobody = world.store.org(OrganizationId(9_999));
    for _ in 0..20 {
        // Polled once, so it is sent, and dropped.
        let cut = poll_immediate(Box::pin(world.org().instance(id))).await;
        assert!(cut.is_none_or(|found| found.is_ok()));
        let found = timeout(SOON, nobody.instance(id)).await.expect("soon");
        assert!(found.expect("readable").is_none());
        let found = timeout(SOON, world.org().instance(id)).await.expect("soon");
        assert!(found.expect("readable").is_some());
    }
}

#[database_test]
async fn a_connection_that_died_meanwhile_is_not_used(database: TestDatabase) {
    let world = world(&database, 3).await;
    let id = world.instance(&world.one, Made::default()).await;
    assert!(world.org().instance(id).await.expect("readable").is_some());
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where application_name = 'bunsen' and datname = current_database()";
    sqlx::query(end)
        .execute(&database.pool)
        .await
        .expect("ended");
    // The pool trusts a connection for a second; after that every call is served.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..5 {
        assert!(world.org().instance(id).await.expect("readable").is_some());
    }
}

#[database_test]
async fn closing_waits_for_nothing_that_lies_there(database: TestDatabase) {
    let world = world(&database, 4).await;
    let id = world.instance(&world.one, Made::default()).await;
    let org = world.org();
    let reads = join_all((0..40).map(|_| async { org.instance(id).await.is_ok() }));
    assert!(
        timeout(SOON, reads)
            .await
            .expect("soon")
            .into_iter()
            .all(|read| read)
    );
    timeout(SOON, world.store.close()).await.expect("closes");
    assert!(org.instance(id).await.is_err());
    assert_eq!(world.store.pool_state().open, 0);
}
