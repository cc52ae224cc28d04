//! A log-in that makes something at the vendor, as its definition says: it is not made twice on suspicion.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Journalled, LOG_IN, create, patiently};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

#[database_test]
async fn an_unknown_outcome_is_told_and_not_repeated(database: TestDatabase) {
    let site = Journalled::with(database, |definition| {
        definition["resources"][0]["bunsen"]["once"] = json!("a session of this user");
    })
    .await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 5000, "count": 1}))
        .await;
    let sent = tokio::spawn(create(&server, &user, "killed").send());
    vendors.wait_for_calls(1).await;
    server.kill().await;
    assert!(sent.await.expect("the request ends").is_err());

    let server = site.serve("one").await;
    site.expire().await;
    site.wait_for_states(&["unknown"]).await;
    let told = patiently(|| create(&server, &user, "killed")).await;
    let error = told.error(409);
    let text = message(&error);
    assert!(
        text.contains("unknown") && text.contains("a session of this user"),
        "{text}"
    );
    // The same while the server lives.
    vendors
        .fault(json!({"kind": "lost_answer", "count": 1}))
        .await;
    Answer::of(create(&server, &user, "lost")).await.error(502);
    let told = Answer::of(create(&server, &user, "lost")).await;
    assert!(message(&told.error(409)).contains("unknown"), "{told}");
    assert_eq!(vendors.calls_to(LOG_IN).await, 2);
    // Made, and then another call failed: the next one would make it a second time.
    let later = json!({"kind": "status", "status": 401, "path": "*/me", "count": 1});
    vendors.fault(later).await;
    Answer::of(create(&server, &user, "made")).await.error(401);
    let told = Answer::of(create(&server, &user, "made")).await;
    assert!(message(&told.error(409)).contains("unknown"), "{told}");
    assert_eq!(vendors.calls_to(LOG_IN).await, 3);
    // What the vendor has refused may be sent again.
    let refused = json!({"kind": "rate_limited", "count": 1});
    vendors.fault(refused).await;
    Answer::of(create(&server, &user, "again")).await.error(429);
    Answer::of(create(&server, &user, "again")).await.success();
    assert_eq!(site.instances().await, 1);
    site.assert_whole().await;
    server.stop().await;
}
