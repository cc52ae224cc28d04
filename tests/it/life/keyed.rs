//! Creates with an `Idempotency-Key`: one instance, however often the request is sent.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{BASE, Life, path};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::Caller;
use crate::vendors::{element_key, example, example_named, until};

fn request(life: &Life, caller: &Caller, path: &str, key: &str) -> reqwest::RequestBuilder {
    life.server
        .request("POST", &format!("{BASE}{path}"))
        .header("authorization", caller.header())
        .header("idempotency-key", key)
}

async fn create(life: &Life, key: &str, body: &Value) -> Answer {
    let request = request(life, &life.server.admin, "/instances", key);
    Answer::of(request.json(body)).await
}

/// Calls to the vendor that one create makes.
async fn calls_of_a_create(life: &Life) -> u64 {
    let before = life.vendors.calls().await;
    let created = life.create(&example()).await;
    life.call("DELETE", &path(&created), None).await;
    life.vendors.calls().await - before
}

async fn stored(life: &Life) -> i64 {
    sqlx::query_scalar("select count(*) from instances")
        .fetch_one(&life.server.database.pool)
        .await
        .expect("a count")
}

async fn execute(life: &Life, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(&life.server.database.pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[database_test]
async fn the_same_request_again_is_answered_with_its_instance(database: TestDatabase) {
    let life = Life::start(database).await;
    let first = create(&life, "key-1", &example()).await.success();
    let calls = life.vendors.calls().await;
    let again = create(&life, "key-1", &example()).await.success();
    assert_eq!(again, first);
    // The answer is made of the instance as it is by now.
    life.patch(&first, &json!({"name": "renamed"})).await;
    let again = create(&life, "key-1", &example()).await.success();
    assert_eq!(
        (&again["id"], &again["name"]),
        (&first["id"], &json!("renamed"))
    );
    assert_eq!(
        (stored(&life).await, life.vendors.calls().await),
        (1, calls)
    );

    let other = create(&life, "key-1", &example_named("other")).await;
    let error = other.error(409);
    assert!(message(&error).contains("Idempotency-Key"), "{error}");
    assert_eq!(other.header("retry-after"), None);
    assert_eq!(stored(&life).await, 1);

    create(&life, "key-2", &example_named("other"))
        .await
        .success();
    assert_eq!(stored(&life).await, 2);
    // Nothing of key and body can be read in the database.
    let columns: String =
        sqlx::query_scalar("select string_agg(k::text, ' ') from idempotency_keys k")
            .fetch_one(&life.server.database.pool)
            .await
            .expect("rows");
    assert!(
        !columns.contains("key-1") && columns.contains("POST /instances"),
        "{columns}"
    );

    life.call("DELETE", &path(&first), None).await;
    create(&life, "key-1", &example()).await.error(404);
    execute(&life, "update idempotency_keys set expires_at = now()").await;
    let fresh = create(&life, "key-1", &example()).await.success();
    assert_ne!(fresh["id"], first["id"]);
    let kept: i64 = sqlx::query_scalar("select count(*) from idempotency_keys")
        .fetch_one(&life.server.database.pool)
        .await
        .expect("a count");
    assert_eq!(kept, 1, "what has expired is swept");
}

#[database_test]
async fn a_request_under_way_is_told(database: TestDatabase) {
    let life = Life::start(database).await;
    let each = calls_of_a_create(&life).await;
    let fault = json!({"kind": "slow", "milliseconds": 1000, "count": 1});
    life.vendors.fault(fault).await;
    let admin = &life.server.admin;
    let slow = request(&life, admin, "/instances", "key").json(&example());
    let slow = tokio::spawn(Answer::of(slow));
    life.vendors.wait_for_calls(each + 1).await;
    let second = create(&life, "key", &example()).await;
    second.error(409);
    let seconds = second.header("retry-after").expect("when to ask again");
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0));
    create(&life, "key", &example_named("other"))
        .await
        .error(409);
    let first = slow.await.expect("an answer").success();
    assert_eq!(create(&life, "key", &example()).await.success(), first);
    assert_eq!(
        (stored(&life).await, life.vendors.calls().await),
        (1, 2 * each)
    );
}

#[database_test]
async fn what_made_nothing_is_forgotten(database: TestDatabase) {
    let life = Life::start(database).await;
    for (fault, status) in [
        (json!({"kind": "status", "status": 503}), 502),
        (json!({"kind": "refuse"}), 502),
        (json!({"kind": "rate_limited"}), 429),
    ] {
        life.vendors.fault(fault.clone()).await;
        let answer = create(&life, "key", &example()).await;
        assert!([status, 400].contains(&answer.status), "{fault}: {answer}");
        life.vendors
            .control("DELETE", "/_control/faults", None)
            .await;
    }
    let mut wrong = example();
    wrong["configuration"] = json!({});
    create(&life, "key", &wrong).await.error(400);
    assert_eq!(stored(&life).await, 0);
    // The same key, even with another body.
    create(&life, "key", &example_named("at last"))
        .await
        .success();
    assert_eq!(stored(&life).await, 1);
}

#[database_test]
async fn a_key_is_of_one_user_and_one_route(database: TestDatabase) {
    let life = Life::start(database).await;
    let server = &life.server;
    let below_element = format!("/elements/{}/instances", element_key());
    let mut ids = Vec::new();
    for (caller, path) in [
        (&server.admin, "/instances"),
        (&server.admin, below_element.as_str()),
        (&server.member, "/instances"),
        (&server.colleague, "/instances"),
        (&server.foreign, "/instances"),
    ] {
        for _ in 0..2 {
            let answer = Answer::of(request(&life, caller, path, "key").json(&example()));
            ids.push(answer.await.success()["id"].clone());
        }
    }
    for pair in ids.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert_eq!(stored(&life).await, 5);
}

#[database_test]
async fn many_at_once_make_one_instance(database: TestDatabase) {
    let life = Life::start(database).await;
    let each = calls_of_a_create(&life).await;
    for round in 0..4_u32 {
        let key = format!("key-{round}");
        let sent: Vec<_> = (0..16)
            .map(|_| {
                let request = request(&life, &life.server.admin, "/instances", &key);
                tokio::spawn(Answer::of(request.json(&example())))
            })
            .collect();
        let mut id = Value::Null;
        for answer in sent {
            let answer = answer.await.expect("an answer");
            if answer.status == 409 {
                assert!(answer.header("retry-after").is_some(), "{answer}");
                continue;
            }
            let made = answer.success()["id"].clone();
            assert!(id.is_null() || id == made, "two instances");
            id = made;
        }
        assert!(!id.is_null(), "nobody got an instance");
        assert_eq!(stored(&life).await, i64::from(round + 1));
        let expected = each * u64::from(round + 2);
        assert_eq!(life.vendors.calls().await, expected);
    }
}

/// A server that is gone leaves a claim behind; its lease ends, and should it come back, it stores nothing.
#[database_test]
async fn a_lost_claim_is_taken_over(database: TestDatabase) {
    let life = Life::start(database).await;
    let fault = json!({"kind": "slow", "milliseconds": 8000, "count": 1});
    life.vendors.fault(fault).await;
    let admin = &life.server.admin;
    let slow = request(&life, admin, "/instances", "key").json(&example());
    let slow = tokio::spawn(Answer::of(slow));
    life.vendors.wait_for_calls(1).await;
    // The claim alone is not enough: what the vendor answers may still come.
    execute(&life, "update idempotency_keys set lease_until = now()").await;
    create(&life, "key", &example()).await.error(409);
    execute(&life, "update exchanges set lease_until = now()").await;
    until("nobody waits for the answer any more", async || {
        let open = "select count(*) from exchanges where state = 'intent'";
        let open: i64 = sqlx::query_scalar(open)
            .fetch_one(&life.server.database.pool)
            .await
            .expect("a count");
        open == 0
    })
    .await;
    let taken = create(&life, "key", &example()).await.success();
    assert!(!slow.is_finished(), "the vendor has not answered yet");
    slow.await.expect("an answer").error(409);
    assert_eq!(stored(&life).await, 1);
    assert_eq!(create(&life, "key", &example()).await.success(), taken);
}

/// A change with a key is made once as well.
#[database_test]
async fn a_change_with_a_key_is_made_once(database: TestDatabase) {
    let life = Life::start(database).await;
    let made = life.create(&example()).await;
    let change = |method: &str, path: &str, key: &str, body: &Value| {
        let request = life.server.request(method, &format!("{BASE}{path}"));
        let request = request.header("idempotency-key", key);
        let request = request.header("authorization", life.by_token(&made));
        Answer::of(request.json(body))
    };
    let (one, other) = (json!({"name": "one"}), json!({"name": "other"}));
    let by_id = path(&made);
    let first = change("PATCH", &by_id, "key", &one).await.success();
    assert_eq!(first["name"], "one");
    life.patch(&made, &other).await.success();
    // Not made a second time; the answer shows what there is.
    let again = change("PATCH", &by_id, "key", &one).await.success();
    assert_eq!(again["name"], "other");
    // By the token it is the same route; with another body or method it is another request.
    let token = change("PATCH", "/instances", "key", &one).await.success();
    assert_eq!(token["name"], "other");
    change("PATCH", &by_id, "key", &other).await.error(409);
    let put = change("PUT", &by_id, "key", &one).await.success();
    assert_eq!(put["name"], "one");
    // What is refused is forgotten.
    let wrong = json!({"element": {"key": "nobody"}});
    change("PATCH", &by_id, "new", &wrong).await.error(400);
    let new = change("PATCH", &by_id, "new", &other).await.success();
    assert_eq!(new["name"], "other");
    // A log-in of a change with a key is made once too.
    life.invalidate(&made).await;
    let body = json!({"configuration": example()["configuration"]});
    let before = life.vendors.calls().await;
    for _ in 0..2 {
        let changed = change("PATCH", &by_id, "log-in", &body).await.success();
        assert_eq!(changed["valid"], true);
    }
    assert_eq!(life.vendors.calls().await, before + 1);
}

#[database_test]
async fn a_key_that_is_none_is_refused(database: TestDatabase) {
    let life = Life::start(database).await;
    let long = "k".repeat(256);
    for key in ["", " ", "two words", long.as_str()] {
        let error = create(&life, key, &example()).await.error(400);
        assert!(message(&error).contains("Idempotency-Key"), "{error}");
    }
    let twice =
        request(&life, &life.server.admin, "/instances", "a").header("idempotency-key", "b");
    Answer::of(twice.json(&example())).await.error(400);
    assert_eq!(stored(&life).await, 0);
}
