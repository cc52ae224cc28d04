//! What others do to an instance while an answer waits to be applied.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{BeforeApplied, CHANGED, change};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::journal::{Journalled, LOG_IN, create};

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
