//! What others do to an instance while an answer waits to be applied.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{BeforeApplied, CHANGED, change};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::journal::{CALLS, Journalled, LOG_IN, create, execute};

/// An answer is written over what somebody else has changed meanwhile, if its log-in does not depend on that.
#[database_test]
async fn an_answered_change_outlives_a_harmless_one(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = Answer::of(create(&server, &user, "key")).await.success();
    let path = format!("/instances/{}", made["id"]);
    site.site
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    site.site.execute("delete from exchanges").await;
    let request = change(&server, &path, &user);
    site.kill_at(BeforeApplied, server, request, CHANGED).await;
    let asked = site.site.vendors.calls_to(LOG_IN).await;

    let server = site.serve("two").await;
    let harmless = json!({"configuration": {"event.notification.enabled": "true"}});
    let harmless = server.request("PATCH", &path, &user).json(&harmless);
    Answer::of(harmless).await.success();
    site.expire().await;
    site.wait_for_states(&["applied"]).await;
    let now = Answer::of(server.request("GET", &path, &user)).await;
    let now = now.success();
    assert_eq!(
        (&now["name"], &now["valid"]),
        (&json!("changed"), &json!(true))
    );
    let kept = &now["configuration"]["event.notification.enabled"];
    assert_eq!(
        (kept, site.site.vendors.calls_to(LOG_IN).await),
        (&json!("true"), asked)
    );
    site.assert_whole().await;
    server.stop().await;
}

/// A server that finds its change applied by another one's recovery does not know whether everybody has
/// heard of that: it revokes again, and so waits for all of them.
#[database_test]
async fn a_change_that_another_server_has_applied_is_told_when_all_have_heard(
    database: TestDatabase,
) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = Answer::of(create(&server, &user, "key")).await.success();
    let path = format!("/instances/{}", made["id"]);
    site.site
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    site.site.execute("delete from exchanges").await;
    let vendors = &site.site.vendors;
    let before = vendors.calls().await;
    let slow = json!({"kind": "slow", "milliseconds": 700});
    vendors.fault(slow).await;
    let body =
        json!({"name": "changed", "configuration": crate::journal::body("")["configuration"]});
    let sent = tokio::spawn(server.request("PATCH", &path, &user).json(&body).send());
    vendors.wait_for_calls(before + CALLS).await;
    let mut lock = site.lock("instances", "exclusive").await;
    site.wait_until_held(CHANGED).await;
    // As another server's recovery does it in one transaction, together with the instance.
    let applied =
        "update exchanges set state = 'applied', applied_at = now(), intent_sealed = null,
                   answer_sealed = null, session_hmac = null, session_pepper_id = null
                   where state = 'answered'";
    execute(&mut lock, applied).await;
    let freed = "update instances set lease_holder = null, lease_until = null";
    execute(&mut lock, freed).await;
    let last = async || {
        let last = "select max(by_transaction::text::bigint) from revocations";
        site.site.count(last).await
    };
    let recovered = last().await;
    execute(&mut lock, "commit").await;
    let changed = sent.await.expect("the request ends").expect("an answer");
    assert_eq!(changed.status(), 200);
    assert_eq!(site.states().await, ["applied"]);
    assert!(last().await > recovered, "nobody else was waited for");
    server.stop().await;
}
