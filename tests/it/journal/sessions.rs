//! One log-in at a time per vendor session, also from several servers.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{CALLS, Journalled, LOG_IN, body};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

/// Each log-in ends the session of the one before, and its second call needs it: all of them succeed only if none
/// begins before the other's last call.
#[database_test]
async fn log_ins_of_one_session_do_not_end_each_other(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let servers = [site.serve("one").await, site.serve("two").await];
    let user = servers[0].authorization();
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 150}))
        .await;
    let sent: Vec<_> = (0..6)
        .map(|number| {
            let request = servers[number % 2]
                .request("POST", "/instances", &user)
                .json(&body(&format!("number {number}")));
            tokio::spawn(Answer::of(request))
        })
        .collect();
    for answer in sent {
        answer.await.expect("an answer").success();
    }
    assert_eq!(site.instances().await, 6);
    assert_eq!(vendors.calls().await, 6 * CALLS);
    // The calls came in pairs: each log-in's look before the next log-in.
    let journal = vendors.control("GET", "/_control/journal", None).await;
    let paths: Vec<&str> = journal["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .map(|call| call["path"].as_str().expect("a path"))
        .collect();
    for pair in paths.chunks(2) {
        assert!(
            pair[0].ends_with("token") && pair[1].ends_with("/me"),
            "{paths:?}"
        );
    }
    site.assert_whole().await;
    for server in servers {
        server.stop().await;
    }
}

/// Other users, and other organizations, are not waited for; who waits too long is told when to come back.
#[database_test]
async fn who_waits_too_long_is_told(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 13_000, "path": LOG_IN, "count": 1}))
        .await;
    let create = |body: serde_json::Value| {
        Answer::of(server.request("POST", "/instances", &user).json(&body))
    };
    let slow = tokio::spawn(create(body("slow")));
    vendors.wait_for_calls(1).await;
    let waiting = tokio::spawn(create(body("waiting")));
    let mut other = body("other");
    let session = crate::vendors::session_example().1["bunsen"]["session"].clone();
    // The last of them is what was made up here; another value is another session.
    let key = session
        .as_array()
        .and_then(|keys| keys.last())
        .and_then(|key| key.as_str())
        .expect("a key");
    other["configuration"][key] = json!("another-one");
    let other = tokio::time::timeout(Duration::from_secs(8), create(other)).await;
    other.expect("another session is not waited for").success();
    let refused = waiting.await.expect("an answer");
    let error = refused.error(409);
    assert!(message(&error).contains("log-in"), "{error}");
    let seconds = refused.header("retry-after").expect("when to ask again");
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0));
    slow.await.expect("an answer").success();
    assert_eq!(
        vendors.calls_to(LOG_IN).await,
        2,
        "the one who waited did not log in"
    );
    assert_eq!(site.states().await, ["applied", "applied"]);
    // Whoever died with the session keeps it until the lease ends, and no longer.
    site.site
        .execute(
            "insert into exchanges (org_id, id, purpose, state, holder, lease_until)
             select id, gen_random_uuid(), 'create', 'intent', gen_random_uuid(), now() from organizations",
        )
        .await;
    create(body("after")).await.success();
    server.stop().await;
}

/// A plain check of credentials leaves no trace in the journal, and neither does a session that ends no other.
#[database_test]
async fn a_plain_create_is_not_journalled(database: TestDatabase) {
    let site = Journalled::with(database, |definition| {
        let words = definition["bunsen"].as_object_mut().expect("words");
        words.remove("session");
    })
    .await;
    let server = site.serve("one").await;
    let user = server.authorization();
    server.create(&user, &body("plain")).await;
    assert!(site.states().await.is_empty());
    let keyed = server
        .request("POST", "/instances", &user)
        .header("idempotency-key", "key")
        .json(&body("keyed"));
    Answer::of(keyed).await.success();
    assert_eq!(site.states().await, ["applied"]);
    server.stop().await;
}

/// What the vendor refuses is settled at once, and the key is free again.
#[database_test]
async fn a_refused_log_in_is_settled(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let mut wrong = body("wrong");
    let entry = wrong["configuration"]
        .as_object()
        .and_then(|entries| {
            entries
                .keys()
                .find(|key| key.ends_with("password"))
                .cloned()
        })
        .expect("a password");
    wrong["configuration"][entry] = json!("not this one");
    let send = |body: &serde_json::Value| {
        let request = server.request("POST", "/instances", &user);
        Answer::of(request.header("idempotency-key", "key").json(body))
    };
    send(&wrong).await.error(401);
    assert_eq!(site.states().await, ["refused"]);
    site.site
        .vendors
        .fault(json!({"kind": "lost_answer", "count": 1}))
        .await;
    send(&wrong).await.error(502);
    assert_eq!(site.states().await, ["refused", "unknown"]);
    send(&body("right")).await.success();
    assert_eq!(site.states().await, ["refused", "unknown", "applied"]);
    site.assert_whole().await;
    server.stop().await;
}
