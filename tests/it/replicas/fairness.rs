//! One organization cannot take a server from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bunsen::shares::Limits;
use bunsen_test_macros::database_test;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use crate::vendors::{Vendors, example, example_named, until};

const CREATE: &str = "/elements/api-v2/instances";

async fn with_limits(database: TestDatabase, calls: usize, bytes: usize) -> TestServer {
    let options = TestOptions {
        shares: Limits { calls, bytes },
        ..TestOptions::default()
    };
    TestServer::start_with(database, options).await
}

fn refused(answer: &Answer, limit: &str) {
    let error = answer.error(429);
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(limit), "{message}");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[database_test]
async fn calls_in_flight_are_capped_per_organization(database: TestDatabase) {
    let server = with_limits(database, 2, 1024 * 1024).await;
    let vendors = Vendors::of(&server);
    vendors.reset().await;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 1500}))
        .await;
    let create = |name: &str| {
        server
            .request("POST", CREATE)
            .header("authorization", server.admin.header())
            .json(&example_named(name))
    };
    // The first caller hangs up; its create goes on and so still counts.
    let gone = create("one").timeout(Duration::from_millis(300)).send();
    gone.await.expect_err("nobody waits so long");
    let second = tokio::spawn(Answer::of(create("two")));
    vendors.wait_for_calls(2).await;
    refused(&Answer::of(create("three")).await, "--organization-calls");
    let read = server.request("GET", "/elements/api-v2/organizations/me");
    let foreign = read.header("authorization", server.foreign.header());
    assert_eq!(Answer::of(foreign).await.status, 200, "another one's");
    assert_eq!(second.await.expect("an answer").status, 200);
    until("there is room again", async || {
        let read = server.request("GET", "/elements/api-v2/organizations/me");
        let read = read.header("authorization", server.admin.header());
        Answer::of(read).await.status == 200
    })
    .await;
}

#[database_test]
async fn bytes_in_flight_are_capped_per_organization(database: TestDatabase) {
    let server = with_limits(database, 10, 4096).await;
    let vendors = Vendors::of(&server);
    vendors.reset().await;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 1500}))
        .await;
    let mut large = example();
    large["tags"] = json!(vec!["x".repeat(100); 20]);
    let length = serde_json::to_vec(&large).expect("JSON").len();
    assert!((2049..4096).contains(&length), "{length}");
    let create = |caller: &str| {
        let request = server.request("POST", CREATE);
        request.header("authorization", caller).json(&large)
    };
    let (own, foreign) = (server.admin.header(), server.foreign.header());
    let first = tokio::spawn(Answer::of(create(&own)));
    vendors.wait_for_calls(1).await;
    refused(&Answer::of(create(&own)).await, "--organization-bytes");
    let other = tokio::spawn(Answer::of(create(&foreign)));
    assert_eq!(first.await.expect("an answer").status, 200);
    assert_eq!(other.await.expect("an answer").status, 200);
    // A body that does not say how long it is counts as the longest that is allowed.
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>("{}")]);
    let request = server.request("POST", CREATE).header("authorization", &own);
    let unknown = request.body(reqwest::Body::wrap_stream(stream));
    refused(&Answer::of(unknown).await, "--organization-bytes");
}

/// Calls that wait for one row, on which somebody else sits, hold their connections. However many
/// there are, connections are left for the others.
#[database_test]
async fn waiting_for_its_own_rows_an_organization_stops_nobody_else(database: TestDatabase) {
    let mut sitting = sqlx::PgConnection::connect(&database.url)
        .await
        .expect("a connection");
    let server = with_limits(database, 256, 1024 * 1024).await;
    let path = |created: Value| format!("{CREATE}/{}", created["id"]);
    let own = path(server.create(&server.admin, &example()).await);
    let others = path(server.create(&server.foreign, &example()).await);
    let mut transaction = sitting.begin().await.expect("a transaction");
    sqlx::query("select 1 from instances for update")
        .execute(&mut *transaction)
        .await
        .expect("locks");
    let switch = || {
        let request = server.request("DELETE", &format!("{own}/enabled"));
        let request = request.header("authorization", server.admin.header());
        tokio::spawn(Answer::of(request))
    };
    let waiting: Vec<_> = (0..30).map(|_| switch()).collect();
    let blocked = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    until("they wait for the row", async || {
        let count: i64 = sqlx::query_scalar(blocked)
            .fetch_one(&server.database.pool)
            .await
            .expect("a count");
        count > 5
    })
    .await;
    for _ in 0..20 {
        let read = server.request("GET", &others);
        let read = read.header("authorization", server.foreign.header());
        let read = Answer::of(read.timeout(Duration::from_secs(8))).await;
        assert_eq!(read.status, 200, "{read}");
    }
    transaction.rollback().await.expect("the locks are gone");
    for answer in waiting {
        assert_eq!(answer.await.expect("an answer").status, 200);
    }
}

/// 64 connections of one organization, as fast as they can, and 5 callers of another.
#[database_test]
async fn a_flood_of_one_organization_leaves_the_others_their_answers(database: TestDatabase) {
    let server = Arc::new(with_limits(database, 32, 1024 * 1024).await);
    let created = server.create(&server.foreign, &example()).await;
    let path = format!("{CREATE}/{}", created["id"]);
    let alone = normal(&server, &path).await;

    let (stop, refusals) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut flood = Vec::new();
    for number in 0..64 {
        let (server, stop, refusals) = (server.clone(), stop.clone(), refusals.clone());
        flood.push(tokio::spawn(async move {
            // Half of them do not even have the right secrets.
            let header = match number % 2 {
                0 => server.admin.header(),
                _ => server.admin.header().replace("User ", "User x"),
            };
            while !stop.load(Ordering::Relaxed) {
                let list = server.request("GET", CREATE);
                let answer = list.header("authorization", &header).send().await;
                let status = answer.expect("an answer").status();
                if status == StatusCode::TOO_MANY_REQUESTS {
                    refusals.fetch_add(1, Ordering::Relaxed);
                }
                assert!(!status.is_server_error(), "{status}");
            }
        }));
    }
    let beside = normal(&server, &path).await;
    stop.store(true, Ordering::Relaxed);
    for caller in flood {
        caller.await.expect("a caller ends");
    }
    eprintln!(
        "slowest of a hundred: {:.1} ms alone, {:.1} ms beside the flood (ratio {:.1}); \
         {} calls of the flood were refused",
        alone * 1e3,
        beside * 1e3,
        beside / alone,
        refusals.load(Ordering::Relaxed)
    );
}

/// Five callers, each of which must be served every time; gives the 99th of a hundred latencies.
async fn normal(server: &Arc<TestServer>, path: &str) -> f64 {
    let callers = (0..5).map(|_| {
        let (server, path) = (server.clone(), path.to_owned());
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            for _ in 0..100 {
                let begun = Instant::now();
                let read = server.request("GET", &path);
                let answer = Answer::of(read.header("authorization", server.foreign.header()));
                let answer = answer.await;
                assert_eq!(answer.status, 200, "{answer}");
                latencies.push(begun.elapsed().as_secs_f64());
            }
            latencies
        })
    });
    let mut latencies = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        latencies.extend(caller.await.expect("a caller ends"));
    }
    latencies.sort_by(f64::total_cmp);
    latencies[latencies.len() * 99 / 100]
}
