//! Migrations, by one server or by several that start at once.

use std::time::{Duration, Instant};

use bunsen::ids::Secret;
use bunsen::store::Store;
use uuid::Uuid;

use super::{count, execute};
use crate::database::{TestDatabase, database_test};

const APPLIED: &str = "select count(*) from _sqlx_migrations";

/// Takes the tables away that the harness made.
async fn empty(database: &TestDatabase) {
    execute(database, "drop schema public cascade; create schema public").await;
}

/// A server's own connections.
async fn store(database: &TestDatabase, statement_cache: usize) -> Store {
    Store::connect(&Secret::new(database.url.as_str()), statement_cache, 4)
        .await
        .expect("the test's database answers")
}

#[database_test]
async fn servers_that_start_at_once_all_find_the_schema(database: TestDatabase) {
    for servers in [2, 5, 5, 5] {
        empty(&database).await;
        let mut stores = Vec::new();
        for number in 0..servers {
            // With and without kept statements, as behind a pooler.
            stores.push(store(&database, if number % 2 == 0 { 64 } else { 0 }).await);
        }
        let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(servers));
        let starting: Vec<_> = stores
            .into_iter()
            .map(|store| {
                let barrier = barrier.clone();
                tokio::spawn(async move {
                    barrier.wait().await;
                    let outcome = store.migrate().await;
                    store.close().await;
                    outcome
                })
            })
            .collect();
        for server in starting {
            server.await.expect("no panic").expect("migrated or found");
        }
        let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
            .expect("the migrations")
            .count() as i64;
        assert_eq!(count(&database, APPLIED).await, all);
        assert_eq!(count(&database, "select count(*) from leases").await, 0);
        assert_eq!(
            count(&database, "select count(*) from server_stamp").await,
            0
        );
    }
}

#[database_test]
async fn a_server_waits_for_the_one_that_migrates(database: TestDatabase) {
    empty(&database).await;
    let first = store(&database, 64).await;
    first.migrate().await.expect("migrated");
    // As if a server were at work: its lease is there, its work is not.
    execute(
        &database,
        "drop schema public cascade; create schema public",
    )
    .await;
    execute(
        &database,
        "create table leases (name text primary key, holder uuid not null,
                              expires_at timestamptz not null)",
    )
    .await;
    let holder = Uuid::new_v4();
    let held = first.try_lease("migrate", holder, Duration::from_secs(600));
    assert!(held.await.expect("an answer"));
    let second = store(&database, 64).await;
    let waiting = tokio::spawn(async move { second.migrate().await });
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(700) {
        assert!(!waiting.is_finished(), "it must wait");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let tables = "select count(*) from pg_tables where tablename = 'organizations'";
    assert_eq!(count(&database, tables).await, 0);
    // That server died: once its lease has run out, the other one goes on.
    execute(
        &database,
        "update leases set expires_at = clock_timestamp()",
    )
    .await;
    let limit = Duration::from_secs(30);
    let outcome = tokio::time::timeout(limit, waiting).await;
    outcome
        .expect("in time")
        .expect("no panic")
        .expect("migrated");
    assert_eq!(count(&database, tables).await, 1);
}

#[database_test]
async fn migrating_again_changes_nothing_and_needs_no_right_to(database: TestDatabase) {
    execute(
        &database,
        "create role reader_of_schema login password 'x';
         revoke create on schema public from public;
         grant select on all tables in schema public to reader_of_schema",
    )
    .await;
    let mut url = url::Url::parse(&database.url).expect("a URL");
    url.set_username("reader_of_schema").expect("a user");
    url.set_password(Some("x")).expect("a password");
    let reader = Store::connect(&Secret::new(url), 64, 2).await;
    let outcome = match reader {
        Ok(reader) => {
            let outcome = reader.migrate().await;
            reader.close().await;
            outcome
        }
        Err(error) => panic!("{error}"),
    };
    execute(
        &database,
        "drop owned by reader_of_schema; drop role reader_of_schema",
    )
    .await;
    outcome.expect("nothing to do");
}

#[database_test]
async fn a_database_that_is_ahead_is_fine_and_a_changed_one_is_not(database: TestDatabase) {
    execute(
        &database,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'of a later version', true, '\\x00', 0)",
    )
    .await;
    let store = store(&database, 64).await;
    store.migrate().await.expect("a later schema suits");

    execute(
        &database,
        "update _sqlx_migrations set checksum = '\\x00' where version = 1",
    )
    .await;
    let error = store.migrate().await.expect_err("history was changed");
    let cause = std::error::Error::source(&error)
        .expect("a cause")
        .to_string();
    assert!(cause.contains('1'), "{cause}");
    assert_eq!(count(&database, "select count(*) from leases").await, 0);
}

#[database_test]
async fn a_failed_migration_keeps_nothing_and_can_be_repeated(database: TestDatabase) {
    empty(&database).await;
    // In the way of one of its later tables.
    execute(&database, "create table exchanges (n int)").await;
    let store = store(&database, 64).await;
    store.migrate().await.expect_err("in the way");
    let tables = "select count(*) from pg_tables where tablename = 'organizations'";
    assert_eq!(count(&database, tables).await, 0);
    execute(&database, "drop table exchanges").await;
    store.migrate().await.expect("nothing is in the way");
}

#[database_test]
async fn a_server_that_lost_its_lease_cannot_commit(database: TestDatabase) {
    empty(&database).await;
    // Somebody holds the name of a late table, so that the migration stands still near its end.
    let mut blocker = database.pool.begin().await.expect("a transaction");
    sqlx::raw_sql("create table exchanges (n int)")
        .execute(&mut *blocker)
        .await
        .expect("a table");
    let paused = store(&database, 64).await;
    let paused = tokio::spawn(async move { paused.migrate().await });
    let stands = "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock'";
    let start = Instant::now();
    while count(&database, stands).await == 0 {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "it never came there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Another server thinks it dead and takes over.
    execute(
        &database,
        "update leases set holder = gen_random_uuid(),
                           expires_at = clock_timestamp() + interval '1 hour'",
    )
    .await;
    blocker.rollback().await.expect("the way is free");
    let tables = "select count(*) from pg_tables where tablename = 'organizations'";
    while count(&database, stands).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        assert_eq!(count(&database, tables).await, 0, "it was not its turn");
        assert!(!paused.is_finished());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    execute(
        &database,
        "update leases set expires_at = clock_timestamp()",
    )
    .await;
    let outcome = tokio::time::timeout(Duration::from_secs(30), paused).await;
    outcome
        .expect("in time")
        .expect("no panic")
        .expect("migrated");
    assert_eq!(count(&database, tables).await, 1);
}
