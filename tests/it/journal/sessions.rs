//! One log-in at a time per vendor session, also from several servers.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{CALLS, Journalled, LOG_IN, body, create, execute};
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

/// A server that was held up between its intent and the call does not call any more.
#[database_test]
async fn a_lease_that_would_not_last_is_not_used(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let mut row = site.connection().await;
    execute(&mut row, "begin; select from organizations for update").await;
    let sent = create(&server, &user, "key");
    let sent = tokio::spawn(Answer::of(sent));
    let mut whole = site.between_intent_and_look(Some(row)).await;
    let shorter =
        "update exchanges set lease_until = clock_timestamp() + interval '50 seconds'; commit";
    execute(&mut whole, shorter).await;
    let refused = sent.await.expect("an answer");
    assert!(
        message(&refused.error(503)).contains("held up"),
        "{refused}"
    );
    assert_eq!(site.site.vendors.calls().await, 0);
    assert_eq!(site.states().await, ["refused"]);
    Answer::of(create(&server, &user, "key")).await.success();
    site.assert_whole().await;
    server.stop().await;
}

/// Of many who bring the same credentials again one logs in; the others find that it is done.
#[database_test]
async fn changes_at_once_log_in_once(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let servers = [site.serve("one").await, site.serve("two").await];
    let user = servers[0].authorization();
    let made = servers[0].create(&user, &body("made")).await;
    site.site
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 300}))
        .await;
    let path = format!("/instances/{}", made["id"]);
    let sent: Vec<_> = (0..6)
        .map(|number| {
            let change =
                json!({"tags": [format!("{number}")], "configuration": body("")["configuration"]});
            let request = servers[number % 2].request("PATCH", &path, &user);
            tokio::spawn(Answer::of(request.json(&change)))
        })
        .collect();
    for answer in sent {
        assert_eq!(answer.await.expect("an answer").success()["valid"], true);
    }
    assert_eq!(
        vendors.calls_to(LOG_IN).await,
        2,
        "the create's and one more"
    );
    assert_eq!(site.states().await, ["applied", "applied"]);
    let generation = "select generation from instances";
    assert_eq!(site.site.count(generation).await, 2);
    site.assert_whole().await;
    for server in servers {
        server.stop().await;
    }
}

/// What is changed and deleted at once is gone, and nothing is left of the change.
#[database_test]
async fn deleted_while_it_is_changed(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = server.create(&user, &body("made")).await;
    site.site
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    let vendors = &site.site.vendors;
    let before = vendors.calls().await;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 2000, "path": LOG_IN}))
        .await;
    let path = format!("/instances/{}", made["id"]);
    let change = json!({"name": "changed", "configuration": body("")["configuration"]});
    let change = server.request("PATCH", &path, &user).json(&change);
    let change = tokio::spawn(Answer::of(change));
    vendors.wait_for_calls(before + 1).await;
    let deleted = Answer::of(server.request("DELETE", &path, &user)).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    assert!(!change.is_finished(), "the vendor has not answered yet");
    change.await.expect("an answer").error(404);
    assert_eq!(site.instances().await, 0);
    let states = site.states().await;
    assert!(
        states
            .iter()
            .all(|state| state == "applied" || state == "refused"),
        "{states:?}"
    );
    site.assert_whole().await;
    site.assert_sealed().await;
    server.stop().await;
}
