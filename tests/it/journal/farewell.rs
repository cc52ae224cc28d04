//! `onDelete`: the vendor is told, and whatever it says the instance goes.

use std::time::{Duration, Instant};

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{FAREWELL, Journalled, body};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::Server;

async fn delete(server: &Server, user: &str, made: &Value) -> Duration {
    let path = format!("/instances/{}", made["id"]);
    let begun = Instant::now();
    let answer = Answer::of(server.request("DELETE", &path, user)).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{answer}");
    let took = begun.elapsed();
    Answer::of(server.request("GET", &path, user))
        .await
        .error(404);
    took
}

#[database_test]
async fn the_vendor_is_told_and_cannot_keep_the_instance(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let arguments = [
        "--elements",
        site.elements.as_str(),
        "--vendor-timeout",
        "2",
    ];
    let server = site.site.serve_with("one", &arguments).await;
    let user = server.authorization();
    let vendors = &site.site.vendors;
    let made = server.create(&user, &body("told")).await;
    let by = |made: &Value| {
        let with_token = format!(
            "{user}, Element {}",
            made["token"].as_str().expect("a token")
        );
        Answer::of(server.request("GET", "/accounts", &with_token))
    };
    delete(&server, &user, &made).await;
    assert_eq!(vendors.calls_to(FAREWELL).await, 1);
    by(&made).await.error(401);
    assert!(!server.log().contains("was not told"), "{}", server.log());

    // Again, with a vendor that says no, that does not answer, and that hangs.
    let mut told = 1;
    for fault in [
        json!({"kind": "status", "status": 500, "path": FAREWELL}),
        json!({"kind": "refuse", "path": FAREWELL}),
        json!({"kind": "slow", "milliseconds": 60_000, "path": FAREWELL}),
    ] {
        let made = server.create(&user, &body("kept")).await;
        vendors.fault(fault.clone()).await;
        let took = delete(&server, &user, &made).await;
        assert!(took < Duration::from_secs(8), "{fault}: {took:?}");
        vendors.control("DELETE", "/_control/faults", None).await;
        told += 1;
        assert_eq!(vendors.calls_to(FAREWELL).await, told, "{fault}");
        by(&made).await.error(401);
        let log = server.log();
        assert_eq!(
            log.matches("was not told").count() as u64,
            told - 1,
            "{fault}: {log}"
        );
    }
    assert_eq!(site.instances().await, 0);
    site.assert_whole().await;
    site.assert_sealed().await;
    server.stop().await;
}

/// Two at once: one of them deletes it, and nobody is told that it is still there.
#[database_test]
async fn deleted_twice_at_once(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = server.create(&user, &body("gone")).await;
    let path = format!("/instances/{}", made["id"]);
    let slow = json!({"kind": "slow", "milliseconds": 300});
    site.site.vendors.fault(slow).await;
    let sent = [(); 3].map(|()| tokio::spawn(Answer::of(server.request("DELETE", &path, &user))));
    let mut statuses = Vec::new();
    for answer in sent {
        statuses.push(answer.await.expect("an answer").status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404]);
    site.assert_whole().await;
    server.stop().await;
}
