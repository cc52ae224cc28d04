//! What a row says, and what it must not hold.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{id_of, logged};
use crate::answer::{Answer, is_request_id, unknown_secret};
use crate::database::TestDatabase;
use crate::passthrough::{Place, by_token};
use crate::server::TestOptions;
use crate::vendors::until;

/// All rows as the database writes them.
async fn rows(place: &Place) -> Vec<String> {
    sqlx::query_scalar("select r::text from request_log r order by at")
        .fetch_all(&place.server.database.pool)
        .await
        .expect("rows")
}

#[database_test]
async fn a_call_to_a_vendor_is_told_with_its_figures(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place.call("GET", "/slow?milliseconds=150").await;
    assert_eq!(answer.status, 200);
    let id = id_of(&answer);
    assert!(is_request_id(id), "{id}");
    let record = logged(&place.server, &place.server.admin, id).await;
    let admin = &place.server.admin;
    for (member, expected) in [
        ("traffic_id", json!(id)),
        ("request_id", json!(id)),
        ("method", json!("GET")),
        ("request_uri", json!("/elements/api-v2/proxy/{vendorPath}")),
        ("element_api", json!("GET /proxy/{vendorPath}")),
        ("request_status", json!("SUCCESS")),
        ("status", json!(200)),
        ("vendor_status", json!(200)),
        ("attempts", json!(1)),
        ("bytes_in", json!(0)),
        ("bytes_out", json!(4)),
        ("complete", json!(true)),
        ("request_ip", json!("127.0.0.1")),
        ("user_id", json!(admin.user_id)),
        ("account_id", json!(admin.account_id)),
        ("company_id", json!(admin.organization_id)),
        ("instance_id", place.instance["id"].clone()),
        ("element_key", json!("passage")),
        ("element_name", json!("Passage")),
    ] {
        assert_eq!(record[member], expected, "{member}: {record}");
    }
    let number = |member: &str| record[member].as_i64().expect("a number");
    assert!(number("vendor_time_us") >= 150_000, "{record}");
    assert!(number("own_time_us") > 0, "{record}");
    let sum = number("vendor_time_us") + number("own_time_us");
    assert_eq!(number("process_time"), sum / 1000, "{record}");

    let sent = place
        .request("POST", "/status?code=503")
        .body("0123456789")
        .header("content-type", "text/plain");
    let answer = Answer::of(sent).await;
    let record = logged(&place.server, admin, id_of(&answer)).await;
    assert_eq!(record["request_status"], "FAILED");
    assert_eq!(
        (&record["status"], &record["vendor_status"]),
        (&json!(503), &json!(503))
    );
    assert_eq!(record["bytes_in"], 10);
    assert_eq!(record["bytes_out"], answer.text.len());
}

#[database_test]
async fn an_answer_that_streams_is_counted_to_its_end(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place.call("GET", "/stream?bytes=300000").await;
    assert_eq!(answer.text.len(), 300_000);
    let record = logged(&place.server, &place.server.admin, id_of(&answer)).await;
    assert_eq!(record["bytes_out"], 300_000);
    assert_eq!(record["complete"], true);
    // Taken half: the row comes when the caller is gone, and says so.
    let request = place
        .request("GET", "/trickle?bytes=100000000")
        .send()
        .await;
    let response = request.expect("a head");
    let id = response.headers()["elements-request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    drop(response);
    let record = logged(&place.server, &place.server.admin, &id).await;
    assert_eq!(record["complete"], false, "{record}");
    assert_eq!(record["status"], 200);
    assert!(record["bytes_out"].as_i64() < Some(100_000_000), "{record}");
}

#[database_test]
async fn a_caller_who_is_gone_leaves_a_row(database: TestDatabase) {
    let place = Place::start(database).await;
    let begun = place.vendor.begun();
    let waiting = place
        .request("POST", "/deaf")
        .timeout(Duration::from_secs(20));
    let waiting = tokio::spawn(waiting.send());
    until("the vendor is asked", async || place.vendor.begun() > begun).await;
    waiting.abort();
    until("the call is in the log", async || {
        let found = super::found(&place.server, &place.server.admin, "status=499", "method").await;
        found == [json!("POST")]
    })
    .await;
}

/// What a caller sends, and what is stored for the instance, is nowhere in the log.
#[database_test]
async fn nothing_that_was_sent_is_kept(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let admin = &server.admin;
    let calls = [
        (
            "GET",
            "/people/path-value-1?email=query-value-2%40x.example&key=query-value-3",
        ),
        ("DELETE", "/people/path-value-4"),
    ];
    let mut last = String::new();
    for (method, path) in calls {
        let request = place
            .request(method, path)
            .header("x-note", "header-value-5");
        let answer = Answer::of(request.body("body-value-6")).await;
        last = id_of(&answer).to_owned();
    }
    // Paths that no route has, and a platform route with a name in it.
    for path in [
        "/hubs/crm/people/path-value-7",
        "/people-path-value-8",
        "/elements/path-value-9",
    ] {
        let request = server.request("GET", &format!("/elements/api-v2{path}"));
        let header = by_token(admin, &place.instance);
        let answer = Answer::of(request.header("authorization", header)).await;
        assert_eq!(answer.status, 404, "{answer}");
        last = id_of(&answer).to_owned();
    }
    // The caller's own word for a method.
    let request = place.request("METHOD-VALUE-10", "/any");
    let odd = Answer::of(request).await;
    assert!(odd.status >= 400, "{odd}");
    logged(server, admin, &last).await;
    let rows = rows(&place).await;
    assert!(rows.len() > 5, "{rows:?}");
    let token = place.instance["token"].as_str().expect("a token");
    let secrets = [
        &admin.user_secret,
        &admin.organization_secret,
        token,
        "5ecret",
        "-value-",
        "VALUE",
    ];
    for row in &rows {
        for secret in secrets {
            assert!(!row.contains(secret), "{secret}: {row}");
        }
    }
}

#[database_test]
async fn equal_arguments_are_told_by_their_hash(database: TestDatabase) {
    let place = Place::start(database).await;
    let admin = &place.server.admin;
    let mut hashes: Vec<Value> = Vec::new();
    for path in [
        "/things/1?a=1",
        "/things/1?a=1",
        "/things/2?a=1",
        "/things/1?a=2",
    ] {
        let answer = place.call("GET", path).await;
        let record = logged(&place.server, admin, id_of(&answer)).await;
        hashes.push(record["arguments_hash"].clone());
    }
    assert_eq!(hashes[0], hashes[1]);
    assert!(hashes[0].as_str().is_some_and(|hash| hash.len() == 32));
    assert!(hashes[2] != hashes[0] && hashes[3] != hashes[0] && hashes[2] != hashes[3]);
    let request = place.server.request("GET", "/elements/api-v2/users");
    let plain = Answer::of(request.header("authorization", admin.header())).await;
    let record = logged(&place.server, admin, id_of(&plain)).await;
    assert_eq!(record.get("arguments_hash"), None, "{record}");
    assert_eq!(record["request_uri"], "/elements/api-v2/users");
    assert_eq!(record.get("instance_id"), None);
}

/// Strangers write nothing, and neither do calls that are refused for being too many.
#[database_test]
async fn strangers_leave_no_rows(database: TestDatabase) {
    let options = TestOptions {
        shares: bunsen::shares::Limits {
            calls: 2,
            bytes: 8 * 1024 * 1024,
        },
        ..TestOptions::default()
    };
    let place = Place::start_with(database, options).await;
    let begun = place.vendor.begun();
    let waiting = place
        .request("GET", "/deaf")
        .timeout(Duration::from_secs(20));
    let waiting = tokio::spawn(waiting.send());
    until("the vendor is asked", async || place.vendor.begun() > begun).await;
    place.call("GET", "/things").await.error(429);
    waiting.abort();
    let wrong = format!(
        "User {}, Organization {}",
        unknown_secret(),
        unknown_secret()
    );
    let request = place.server.request("GET", super::USAGE);
    Answer::of(request.header("authorization", wrong))
        .await
        .error(401);
    Answer::of(place.server.request("GET", "/health/live"))
        .await
        .success();
    until("there is room again", async || {
        place.call("GET", "/things").await.status == 200
    })
    .await;
    let statuses = async || {
        let query = "select distinct status::int from request_log order by 1";
        let statuses: Vec<i32> = sqlx::query_scalar(query)
            .fetch_all(&place.server.database.pool)
            .await
            .expect("statuses");
        statuses
    };
    until("the calls are in the log", async || {
        statuses().await.len() >= 2
    })
    .await;
    assert_eq!(statuses().await, [200, 499]);
}
