//! One partition per day: made ahead, dropped when old, bounded in bytes.

use std::time::Duration;

use bunsen::ids::OrganizationId;
use bunsen::request_log::{RequestLog, Settings, writer};
use bunsen::store::{NewRequest, RequestDay, Store};
use bunsen_test_macros::database_test;
use jiff::Timestamp;

use super::queue::row;
use crate::database::TestDatabase;
use crate::vendors::until;

async fn days(store: &Store) -> Vec<RequestDay> {
    store.request_days().await.expect("days").0
}

async fn rows(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("select count(*) from request_log")
        .fetch_one(&database.pool)
        .await
        .expect("a count")
}

fn today() -> RequestDay {
    RequestDay::of(Timestamp::now())
}

/// Two servers at once, from nothing: each day once, old ones gone, rows of the days that stay kept.
#[database_test]
async fn days_are_made_ahead_and_dropped_by_one_of_two_servers(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let (old, last) = (today().before(31), today().before(30));
    for day in [old, last] {
        store.add_request_day(day).await.expect("a day");
    }
    let servers: Vec<_> = (0..2)
        .map(|_| {
            let log = RequestLog::new(Settings::default());
            log.add(&row(rand::random(), "GET", 200));
            let store = store.clone();
            tokio::spawn(writer::run(log, store, std::future::pending()))
        })
        .collect();
    let tomorrow = today().tomorrow();
    let expected = [last, today(), tomorrow, tomorrow.tomorrow()];
    until("the days are in order", async || {
        days(&store).await == expected
    })
    .await;
    until("both rows are there", async || {
        let count: i64 = sqlx::query_scalar("select count(*) from request_log")
            .fetch_one(&database.pool)
            .await
            .expect("a count");
        count == 2
    })
    .await;
    for server in servers {
        server.abort();
    }
}

/// Eight that write the same day at the same moment.
#[database_test]
async fn a_day_is_made_once_however_many_ask(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let day = today().before(3);
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.add_request_day(day).await })
        })
        .collect();
    for one in asking {
        one.await.expect("no panic").expect("the day is there");
    }
    assert_eq!(days(&store).await, [day]);
    let indexes: i64 = sqlx::query_scalar(
        "select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where c.relkind = 'i' and c.relname like 'request_log_2%'",
    )
    .fetch_one(&database.pool)
    .await
    .expect("a count");
    assert_eq!(
        indexes, 3,
        "the partition has the indexes of the table, and no others"
    );
    store.drop_request_day(day).await.expect("dropped");
    store.drop_request_day(day).await.expect("dropped already");
    assert_eq!(days(&store).await, []);
}

/// Rows of a day that nobody has made, as after a clock was set.
#[database_test]
async fn a_row_makes_the_day_that_it_needs(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let log = RequestLog::new(Settings::default());
    let mut early = row(1, "POST", 200);
    early.at -= 5 * 86_400_000_000;
    log.add(&early);
    log.add(&row(2, "POST", 200));
    writer::run(log, store.clone(), std::future::ready(())).await;
    let there = days(&store).await;
    assert!(
        there.contains(&today().before(5)) && there.contains(&today()),
        "{there:?}"
    );
    let count: i64 = sqlx::query_scalar("select count(*) from request_log")
        .fetch_one(&database.pool)
        .await
        .expect("a count");
    assert_eq!(count, 2);
}

/// Three days at once, of which nobody has made one; the writer must not go round and round.
#[database_test]
async fn a_day_in_the_middle_is_made_too(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let log = RequestLog::new(Settings::default());
    for days in 0..5 {
        let mut early = row(1, "POST", 200);
        early.at -= days * 86_400_000_000;
        log.add(&early);
    }
    let writing = writer::run(log, store.clone(), std::future::ready(()));
    tokio::time::timeout(Duration::from_secs(30), writing)
        .await
        .expect("it ends");
    let there = days(&store).await;
    assert!(
        (0..5).all(|ago| there.contains(&today().before(ago))),
        "{there:?}"
    );
    assert_eq!(rows(&database).await, 5);
}

/// Somebody at work on the table is no reason to lose what waits.
#[database_test]
async fn a_day_that_cannot_be_made_now_is_made_later(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let log = RequestLog::new(Settings::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // Rows can still be copied into the table that is locked so, and have no partition.
    let mut lock = database.pool.begin().await.expect("a transaction");
    sqlx::query("lock table request_log in share update exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    log.add(&row(1, "POST", 200));
    let writing = tokio::spawn(writer::run(log.clone(), store, async {
        let _ = stopped.await;
    }));
    // Whoever makes a day waits for the lock for some seconds.
    let waits = async || {
        sqlx::query_scalar::<_, bool>(
            "select exists (select from pg_locks where not granted and database =
                 (select oid from pg_database where datname = current_database()))",
        )
        .fetch_one(&database.pool)
        .await
        .expect("who waits")
    };
    until("it is tried", waits).await;
    until("it was in vain", async || !waits().await).await;
    until("it is tried again", waits).await;
    lock.rollback().await.expect("unlocked");
    until("the row is there", async || rows(&database).await == 1).await;
    drop(stop);
    writing.await.expect("no panic");
}

/// A log that is switched off keeps nothing of the days before.
#[database_test]
async fn a_log_that_is_switched_off_drops_its_old_days(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    for ago in [0, 1, 5] {
        store
            .add_request_day(today().before(ago))
            .await
            .expect("a day");
    }
    let log = RequestLog::new(Settings {
        days: 0,
        ..Settings::default()
    });
    let writing = tokio::spawn(writer::run(log, store.clone(), std::future::pending()));
    until("they are gone", async || days(&store).await == [today()]).await;
    writing.abort();
}

/// One that writes all it can leaves room for another, in whatever order they come.
#[database_test]
async fn a_day_is_not_one_organizations(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let of = |organization: i64, method: &'static str, status: u16| NewRequest {
        organization: OrganizationId(organization),
        ..row(rand::random(), method, status)
    };
    let log = RequestLog::new(Settings::default());
    for _ in 0..3_000 {
        log.add(&of(1, "POST", 200));
    }
    for _ in 0..300 {
        log.add(&of(2, "POST", 200));
    }
    writer::run(log, store.clone(), std::future::ready(())).await;
    let bytes = store.request_day_bytes(today()).await.expect("a size");
    let taken = async |day_bytes: u64| {
        let log = RequestLog::new(Settings {
            day_bytes,
            ..Settings::default()
        });
        // The first row that is written shows how large the day is.
        log.add(&of(3, "POST", 200));
        writer::run(log.clone(), store.clone(), std::future::ready(())).await;
        let mut taken = Vec::new();
        for (organization, method) in [(1, "GET"), (1, "POST"), (2, "GET"), (2, "POST")] {
            let before = log.len();
            log.add(&of(organization, method, 200));
            taken.push(log.len() > before);
        }
        taken
    };
    assert_eq!(taken(bytes * 3).await, [true; 4], "there is room for all");
    let part = taken(bytes * 3 / 2).await;
    assert_eq!(part, [false, true, true, true], "two thirds are used");
    let most = taken(bytes * 5 / 4).await;
    assert_eq!(most, [false, false, false, true], "four fifths are used");
}

#[database_test]
async fn a_day_has_its_limit(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    for (day_bytes, reads, writes) in [(u64::MAX, 1, 1), (0, 0, 0)] {
        let log = RequestLog::new(Settings {
            day_bytes,
            ..Settings::default()
        });
        // The first rows show how large the day is.
        log.add(&row(rand::random(), "GET", 200));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let writing = tokio::spawn(writer::run(log.clone(), store.clone(), async {
            let _ = stopped.await;
        }));
        until("it was written", async || log.is_empty()).await;
        drop(stop);
        writing.await.expect("no panic");
        log.add(&row(rand::random(), "GET", 200));
        assert_eq!(log.len(), reads, "{day_bytes}");
        log.add(&row(rand::random(), "POST", 200));
        assert_eq!(log.len(), reads + writes, "{day_bytes}");
    }
    // Between three quarters and the whole, reads alone are left out.
    let bytes = store.request_day_bytes(today()).await.expect("a size");
    assert!(bytes > 0);
    let log = RequestLog::new(Settings {
        day_bytes: bytes + bytes / 5,
        ..Settings::default()
    });
    log.add(&row(rand::random(), "POST", 200));
    writer::run(log.clone(), store.clone(), std::future::ready(())).await;
    log.add(&row(rand::random(), "GET", 200));
    assert_eq!(log.len(), 0);
    log.add(&row(rand::random(), "GET", 502));
    assert_eq!(log.len(), 1);
}
