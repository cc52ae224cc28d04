//! Rows that wait: what is dropped, what waits for room, what becomes of a database that is away.

use std::time::{Duration, Instant};

use bunsen::ids::{AccountId, OrganizationId, UserId};
use bunsen::request_log::{RequestLog, Settings, writer};
use bunsen::store::{NewRequest, Store};
use bunsen_test_macros::database_test;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use crate::vendors::until;

pub fn row<'a>(number: u32, method: &'a str, status: u16) -> NewRequest<'a> {
    let at = jiff::Timestamp::now().as_microsecond();
    let mut id = [0; 12];
    let second = u32::try_from(at / 1_000_000).expect("this century");
    id[..4].copy_from_slice(&second.to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    NewRequest {
        organization: OrganizationId(1),
        at,
        id,
        account: AccountId(2),
        user: UserId(3),
        instance: None,
        element_key: Some("passage"),
        method,
        route: "/elements/api-v2/hubs/crm/contacts/{id}",
        resource: Some("/contacts/{id}"),
        status,
        vendor_status: Some(status),
        attempts: 1,
        own: Duration::from_micros(70),
        vendor: Duration::from_millis(3),
        bytes_in: 0,
        bytes_out: 300,
        complete: true,
        arguments_hash: Some([7; 16]),
        client: Some("2001:db8::7".parse().expect("an address")),
    }
}

async fn count(database: &TestDatabase, of: &str) -> i64 {
    let query = format!("select count(*) from request_log where {of}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_one(&database.pool)
        .await
        .expect("a count")
}

#[database_test]
async fn a_full_queue_drops_reads_and_lets_others_wait(database: TestDatabase) {
    let settings = Settings {
        queue: 10,
        ..Settings::default()
    };
    let log = RequestLog::new(settings);
    for number in 0..15 {
        log.add(&row(number, "GET", 200));
    }
    assert_eq!(log.len(), 10);
    // Nobody writes yet: a call whose row must not be dropped waits.
    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.room().await }
    });
    let early = tokio::time::timeout(Duration::from_millis(50), log.room()).await;
    early.expect_err("there is no room");
    assert!(!waiting.is_finished());
    let store = Store::with_pool(database.pool.clone(), 100);
    let began = Instant::now();
    let writing = tokio::spawn(writer::run(log.clone(), store, std::future::pending()));
    waiting.await.expect("there is room");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "it was the writer that made room"
    );
    log.add(&row(100, "POST", 200));
    log.add(&row(101, "GET", 500));
    until("all are written", async || {
        count(&database, "true").await == 12
    })
    .await;
    assert_eq!(count(&database, "method = 'POST' or status = 500").await, 2);
    writing.abort();
}

/// While the table is locked, as in a database that is too slow, calls are answered, and a write
/// waits without holding anything that others need.
#[database_test]
async fn a_slow_database_holds_up_writes_alone(database: TestDatabase) {
    let options = TestOptions {
        request_log: Settings {
            queue: 5,
            ..Settings::default()
        },
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let get = async |path: &str| {
        let request = server.request("GET", &format!("/elements/api-v2{path}"));
        Answer::of(request.header("authorization", server.admin.header())).await
    };
    let mark = get("/accounts").await;
    super::logged(&server, &server.admin, super::id_of(&mark)).await;
    let mut lock = server.database.pool.begin().await.expect("a transaction");
    sqlx::query("lock table request_log in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    // Some of these are on their way already, the rest fill the queue.
    let began = Instant::now();
    for _ in 0..30 {
        assert_eq!(get("/accounts").await.status, 200);
    }
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "reads do not wait"
    );
    let failure = tokio::spawn(
        server
            .request("GET", "/elements/api-v2/accounts/999999999")
            .header("authorization", server.admin.header())
            .send(),
    );
    assert_eq!(get("/users").await.status, 200, "others go on");
    lock.rollback().await.expect("unlocked");
    let failure = failure.await.expect("no panic").expect("an answer");
    assert_eq!(failure.status(), 404);
    let id = failure.headers()["elements-request-id"]
        .to_str()
        .expect("text");
    super::logged(&server, &server.admin, id).await;
    assert!(
        count(&server.database, "status = 200").await < 31,
        "reads were dropped"
    );
    let figures = Answer::of(server.request("GET", "/metrics")).await.text;
    assert!(
        figures.contains("bunsen_request_log_dropped_total{reason=\"full\"}"),
        "{figures}"
    );
    assert!(
        figures.contains("bunsen_request_log_rows_total"),
        "{figures}"
    );
    assert!(figures.contains("bunsen_request_log_waiting"), "{figures}");
}

#[database_test]
async fn reads_can_be_sampled_and_the_log_switched_off(database: TestDatabase) {
    let log = RequestLog::new(Settings {
        reads: 0,
        ..Settings::default()
    });
    for (number, (method, status)) in [("GET", 200), ("GET", 404), ("POST", 200), ("HEAD", 304)]
        .into_iter()
        .enumerate()
    {
        log.add(&row(number as u32, method, status));
    }
    assert_eq!(log.len(), 2);
    let half = RequestLog::new(Settings {
        reads: 50,
        ..Settings::default()
    });
    for number in 0..1000 {
        half.add(&row(number, "GET", 200));
    }
    assert!((300..700).contains(&half.len()), "{}", half.len());

    let options = TestOptions {
        request_log: Settings {
            days: 0,
            ..Settings::default()
        },
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let request = server.request("POST", "/elements/api-v2/notifications/subscriptions");
    Answer::of(
        request
            .header("authorization", server.admin.header())
            .json(&serde_json::json!({})),
    )
    .await
    .error(400);
    let all = super::search(&server, &server.admin, "").await.success();
    assert_eq!(all, serde_json::json!([]));
    assert_eq!(count(&server.database, "true").await, 0);
}

/// A connection that is cut in the middle is no reason to lose rows, or to have them twice.
#[database_test]
async fn a_database_that_restarts_loses_no_row(database: TestDatabase) {
    let log = RequestLog::new(Settings::default());
    let store = Store::with_pool(database.pool.clone(), 100);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let writing = tokio::spawn(writer::run(log.clone(), store, async {
        let _ = stopped.await;
    }));
    for number in 0..2_000 {
        log.add(&row(number, "POST", 200));
        if number % 100 == 0 {
            sqlx::query(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .execute(&database.pool)
            .await
            .ok();
            tokio::task::yield_now().await;
        }
    }
    drop(stop);
    writing.await.expect("the last rows are written");
    until("all are there", async || {
        let query = "select count(*) from request_log";
        let count = sqlx::query_scalar::<_, i64>(query)
            .fetch_one(&database.pool)
            .await;
        count.is_ok_and(|count| count == 2_000)
    })
    .await;
}

#[database_test]
async fn many_rows_arrive_and_take_little_room(database: TestDatabase) {
    const ROWS: u32 = 20_000;
    let log = RequestLog::new(Settings {
        queue: usize::MAX / 2,
        ..Settings::default()
    });
    for number in 0..ROWS {
        log.add(&row(number, "GET", 200));
    }
    let store = Store::with_pool(database.pool.clone(), 100);
    // Stopped at once, it writes what there is.
    writer::run(log, store, std::future::ready(())).await;
    assert_eq!(count(&database, "true").await, i64::from(ROWS));
    let bytes: i64 = sqlx::query_scalar(
        "select sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits
         where inhparent = 'request_log'::regclass",
    )
    .fetch_one(&database.pool)
    .await
    .expect("a size");
    let each = bytes / i64::from(ROWS);
    assert!(each < 1000, "{each} bytes for a row and what finds it");
}
