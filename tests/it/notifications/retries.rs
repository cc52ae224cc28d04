//! Receivers that fail, want to be left alone, are gone, or are slow.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::receiver::Reply;
use super::{Told, call, delivery, subscribe, tell, until_status};
use crate::database::TestDatabase;
use crate::vendors::until;

#[database_test]
async fn a_delivery_is_tried_again_until_it_is_taken(database: TestDatabase) {
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    let (subscription, secret) = subscribe(&server, "/hook", &["news"]).await;
    told.receiver.reply_with(
        "/hook",
        Reply {
            status: 302,
            headers: vec![("location", "https://hooks.acorn.example/elsewhere")],
            ..Reply::default()
        },
    );
    let notification = tell(&server, "news", "Hear, hear.").await;
    let tried = until_status(&server, notification, subscription, "retry").await;
    assert_eq!(tried["attempts"], 1);
    let outcome = tried["outcome"].as_str().expect("an outcome");
    assert!(outcome.contains("302") && outcome.ends_with("what the receiver says"));

    // By itself, some four seconds after the failure.
    told.receiver.reply("/hook", 500);
    told.receiver.wait_for("/hook", 2).await;
    until("the second failure is written", async || {
        delivery(&server, notification, subscription).await["attempts"] == 2
    })
    .await;
    // The secret is sealed anew meanwhile.
    let rotated = ["keys", "rotate", "organization"];
    told.site.json(&rotated).await;
    told.receiver.reply("/hook", 200);
    told.hurry().await;
    let done = until_status(&server, notification, subscription, "delivered").await;
    assert_eq!(done["attempts"], 3);
    let received = told.receiver.received("/hook");
    assert_eq!(received.len(), 3);
    for (attempt, one) in (1..).zip(&received) {
        let body = one.verified(&secret);
        assert_eq!(body["message"], "Hear, hear.");
        assert_eq!(
            (&one.id, attempt),
            (
                &received[0].id,
                body["delivery"]["attempt"].as_i64().expect("a count")
            )
        );
    }
    assert!(told.receiver.received("/elsewhere").is_empty());
    let forgiven = "select count(*) from notification_subscriptions where failures = 0 and rests_until is null";
    assert_eq!(told.site.count(forgiven).await, 1);
    server.stop().await;
}

#[database_test]
async fn a_receiver_says_when_it_wants_more_or_that_it_wants_none(database: TestDatabase) {
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    let (busy, _) = subscribe(&server, "/busy", &["busy"]).await;
    told.receiver.reply_with(
        "/busy",
        Reply {
            status: 503,
            headers: vec![("retry-after", "3600")],
            ..Reply::default()
        },
    );
    let first = tell(&server, "busy", "one").await;
    until_status(&server, first, busy, "retry").await;
    let resting = "select count(*) from notification_subscriptions s
                   join notification_deliveries d on d.subscription_id = s.id
                   where s.rests_until > now() + interval '50 minutes'
                     and d.due_at > now() + interval '50 minutes'";
    assert_eq!(told.site.count(resting).await, 1);
    // All of it is left alone, not that one alone.
    let second = tell(&server, "busy", "two").await;

    let (gone, _) = subscribe(&server, "/gone", &["gone"]).await;
    told.receiver.reply("/gone", 410);
    let third = tell(&server, "gone", "three").await;
    until_status(&server, third, gone, "queued").await;
    let path = format!("/notifications/subscriptions/{gone}");
    let off = call(&server, "GET", &path, None).await.success();
    assert_eq!(off["active"], false);
    let reason = off["inactiveReason"].as_str().expect("a reason");
    assert!(reason.contains("410"), "{reason}");
    let fourth = tell(&server, "gone", "four").await;
    assert_eq!(delivery(&server, fourth, gone).await["status"], "queued");

    // Somebody has mended it.
    told.receiver.reply("/gone", 200);
    let queued = "/notifications/subscriptions/deliveries?where=channel%3D'webhook' and status%3D'queued' and config.url%3D'https://hooks.acorn.example/gone'";
    let found = call(&server, "GET", &format!("{queued}&hydrate=true"), None).await;
    let found = found.success();
    assert_eq!(found[0]["notification"]["id"], fourth);
    assert_eq!(found[1]["subscription"]["id"], gone);
    let released = call(&server, "PUT", queued, None).await.success();
    assert_eq!(released, json!({"released": 2}));
    until_status(&server, third, gone, "delivered").await;
    until_status(&server, fourth, gone, "delivered").await;
    let on = call(&server, "GET", &path, None).await.success();
    assert!(on["active"] == true && on.get("inactiveReason").is_none());
    assert_eq!(told.receiver.received("/busy").len(), 1);
    assert_eq!(delivery(&server, second, busy).await["status"], "created");
    server.stop().await;
}

#[database_test]
async fn after_three_days_nothing_more_is_tried(database: TestDatabase) {
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    let (dead, _) = subscribe(&server, "/dead", &["news"]).await;
    let (odd, _) = subscribe(&server, "/odd", &["news"]).await;
    told.receiver.reply("/dead", 500);
    told.receiver.reply("/odd", 500);
    let notification = tell(&server, "news", "Hear, hear.").await;
    until_status(&server, notification, dead, "retry").await;
    until_status(&server, notification, odd, "retry").await;
    // One has answered nothing else since, the other has taken something meanwhile.
    told.site
        .execute("update notification_deliveries set attempts = 9")
        .await;
    told.site
        .execute("update notification_subscriptions set failures = case url when 'https://hooks.acorn.example/dead' then 9 else 1 end")
        .await;
    told.hurry().await;
    until_status(&server, notification, dead, "queued").await;
    until_status(&server, notification, odd, "queued").await;
    for (id, active) in [(dead, false), (odd, true)] {
        let path = format!("/notifications/subscriptions/{id}");
        let read = call(&server, "GET", &path, None).await.success();
        assert_eq!(read["active"], active, "{read}");
    }
    server.stop().await;
}

#[database_test]
async fn a_slow_receiver_delays_nobody(database: TestDatabase) {
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    subscribe(&server, "/slow", &["slow"]).await;
    let (quick, _) = subscribe(&server, "/quick", &["quick"]).await;
    told.receiver.reply_with(
        "/slow",
        Reply {
            status: 200,
            after: Duration::from_secs(60),
            ..Reply::default()
        },
    );
    for number in 0..12 {
        tell(&server, "slow", &number.to_string()).await;
    }
    told.receiver.wait_for("/slow", 1).await;
    let notification = tell(&server, "quick", "Hear, hear.").await;
    until_status(&server, notification, quick, "delivered").await;
    // At most so many at once wait for one receiver.
    assert!(told.receiver.received("/slow").len() <= 4);
    let taken = "select count(*) from notification_deliveries where status = 'delivered'";
    assert_eq!(told.site.count(taken).await, 1);
    server.kill().await;
}
