//! Keys are rotated while an exchange is open.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{CALLS, Journalled, LOG_IN, create};
use crate::answer::Answer;
use crate::database::TestDatabase;

#[database_test]
async fn an_answer_survives_the_rotation_of_every_key(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 1500}))
        .await;
    let sent = tokio::spawn(create(&server, &user, "key").send());
    vendors.wait_for_calls(CALLS).await;
    let lock = site.lock("instances", "exclusive").await;
    site.wait_for_states(&["answered"]).await;
    server.kill().await;
    assert!(sent.await.expect("the request ends").is_err());
    drop(lock);
    vendors.control("DELETE", "/_control/faults", None).await;

    let number = "select min(('x' || encode(substring(intent_sealed from 2 for 4), 'hex'))::bit(32)::int)::bigint
                  from exchanges";
    assert_eq!(site.site.count(number).await, 1);
    for kind in ["organization", "encrypt", "find"] {
        site.site.json(&["keys", "rotate", kind]).await;
    }
    assert_eq!(site.site.count(number).await, 2, "sealed anew");

    let server = site.serve("one").await;
    // Found under the old pepper, opened with the new data key.
    let made = Answer::of(create(&server, &user, "key")).await.success();
    assert_eq!(made["name"], "journalled");
    assert_eq!(site.states().await, ["applied"]);
    assert_eq!(vendors.calls_to(LOG_IN).await, 1);
    // The session that was handed out before still is the instance's.
    let path = format!("/instances/{}", made["id"]);
    let deleted = Answer::of(server.request("DELETE", &path, &user)).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    assert!(!server.log().contains("was not told"), "{}", server.log());
    site.assert_whole().await;
    site.assert_sealed().await;
    server.stop().await;
}

/// A session is the same one under the pepper of yesterday.
#[database_test]
async fn a_session_is_found_under_an_older_pepper(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 6000, "count": 1}))
        .await;
    let slow = create(&server, &user, "slow");
    let slow = tokio::spawn(Answer::of(slow));
    vendors.wait_for_calls(1).await;
    site.site.json(&["keys", "rotate", "find"]).await;
    assert!(!slow.is_finished(), "the log-in is still under way");
    let next = Answer::of(create(&server, &user, "next")).await;
    assert!(slow.is_finished(), "the next one has waited");
    slow.await.expect("an answer").success();
    next.success();
    let peppers = "select count(*) from exchanges where state = 'applied'";
    assert_eq!(site.site.count(peppers).await, 2);
    server.stop().await;
}
