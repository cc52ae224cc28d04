//! What is written down is delivered, whoever is killed, and by one of several servers.

use std::collections::BTreeSet;
use std::time::Duration;

use bunsen_test_macros::database_test;

use super::receiver::Reply;
use super::{Told, subscribe, tell};
use crate::database::TestDatabase;

const UNDELIVERED: &str =
    "select count(*) from notification_deliveries where status <> 'delivered'";

#[database_test]
async fn what_a_killed_server_had_committed_is_delivered(database: TestDatabase) {
    let told = Told::new(database).await;
    // It delivers nothing itself, so it dies between the commit and the delivery.
    let one = told.serve_with("one", &["--roles", "api"]).await;
    let (_, secret) = subscribe(&one, "/hook", &["news"]).await;
    tell(&one, "news", "Hear, hear.").await;
    one.kill().await;
    assert_eq!(told.site.count(UNDELIVERED).await, 1);
    assert!(told.receiver.received("/hook").is_empty());

    told.receiver.reply_with(
        "/hook",
        Reply {
            status: 200,
            after: Duration::from_secs(60),
            ..Reply::default()
        },
    );
    let two = told.serve("one").await;
    told.receiver.wait_for("/hook", 1).await;
    // In the middle of the call: nobody knows whether it was taken.
    two.kill().await;
    assert_eq!(told.site.count(UNDELIVERED).await, 1);
    let claimed =
        "select count(*) from notification_deliveries where due_at > now() + interval '30 seconds'";
    assert_eq!(told.site.count(claimed).await, 1, "nobody tries it at once");

    told.receiver.reply("/hook", 200);
    let three = told.serve("one").await;
    told.hurry().await;
    let received = told.receiver.wait_for("/hook", 2).await;
    assert_eq!(received[0].id, received[1].id);
    assert_eq!(received[1].verified(&secret)["message"], "Hear, hear.");
    told.wait_for("it is delivered", UNDELIVERED, 0).await;
    three.stop().await;
}

#[database_test]
async fn two_servers_deliver_once(database: TestDatabase) {
    const COUNT: usize = 40;
    let told = Told::new(database).await;
    let one = told.serve("one").await;
    let two = told.serve("one-more").await;
    subscribe(&one, "/a", &["news"]).await;
    subscribe(&one, "/b", &["news", "other"]).await;
    for number in 0..COUNT {
        tell(&one, "news", &number.to_string()).await;
    }
    told.wait_for("all is delivered", UNDELIVERED, 0).await;
    for path in ["/a", "/b"] {
        let received = told.receiver.received(path);
        let ids: BTreeSet<&str> = received.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((received.len(), ids.len()), (COUNT, COUNT), "{path}");
    }
    one.stop().await;
    two.stop().await;
}
