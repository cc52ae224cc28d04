//! Access is allowed again by PUT while a renewal of the instance is under way, has been left open, or is in doubt, and
//! with the server killed in between: the instance stays itself, and lives on what was given last.

use bunsen_test_macros::database_test;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;
use crate::renewal::{DUE, OPEN, RENEWED, Renewing, fatal};
use crate::vendors::until;

const LEASES_END: [&str; 2] = [
    "update exchanges set lease_until = now() - interval '1 minute' where state in ('intent', 'answered')",
    "update instances set lease_until = now() - interval '1 minute' where lease_until is not null",
];

async fn put(
    world: &Renewing,
    case: &Case,
    server: &Server,
    made: &Value,
) -> reqwest::RequestBuilder {
    let user = server.authorization();
    let page = Answer::of(server.request("GET", &case.page(), &user)).await;
    let brought = case
        .decide(&world.site.vendors, &page.success(), "allow")
        .await;
    let mut whole = made.clone();
    whole["providerData"] = brought;
    let path = format!("/instances/{}", made["id"]);
    server.request("PUT", &path, &user).json(&whole)
}

/// Sends it as often as it is told to come back.
async fn patiently(request: reqwest::RequestBuilder) -> Answer {
    let mut last = None;
    until("nobody else is at the instance", async || {
        let answer = Answer::of(request.try_clone().expect("a request")).await;
        let busy = answer.status == 409 && answer.header("retry-after").is_some();
        last = Some(answer);
        !busy
    })
    .await;
    last.expect("an answer")
}

fn is_the_same(answer: &Answer, made: &Value) {
    let now = answer.success();
    assert_eq!(
        (&now["id"], &now["token"], &now["valid"]),
        (&made["id"], &made["token"], &json!(true))
    );
}

impl Renewing {
    /// The stored token is the newest: it renews, and nothing was sent twice.
    async fn lives(&self, case: &Case) {
        let before = self.spends(case).await;
        self.site
            .execute("update instances set renewed_at = null")
            .await;
        self.site.execute(DUE).await;
        self.wait_for("it is renewed", RENEWED, 1).await;
        assert_eq!(self.spends(case).await, (before.0 + 1, 0));
        self.wait_for("nothing is open", OPEN, 0).await;
    }

    async fn leases_end(&self) {
        for statement in LEASES_END {
            self.site.execute(statement).await;
        }
    }
}

#[database_test]
async fn while_a_renewal_is_under_way(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    let request = put(&world, &case, &server, &made).await;
    let before = world.site.vendors.calls().await;
    let slow = json!({"kind": "slow", "milliseconds": 1500, "count": 1});
    world.fault(&case, slow).await;
    world.site.execute(DUE).await;
    world.site.vendors.wait_for_calls(before + 1).await;
    is_the_same(&patiently(request).await, &made);
    world.wait_for("nothing is open", OPEN, 0).await;
    world.lives(&case).await;
    server.stop().await;
}

#[database_test]
async fn while_a_renewal_was_left_open_and_in_doubt(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let mut server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    for in_doubt in [false, true] {
        let before = world.site.vendors.calls().await;
        let slow = json!({"kind": "slow", "milliseconds": 2000});
        world.fault(&case, slow).await;
        world.site.execute(DUE).await;
        world.site.vendors.wait_for_calls(before + 1).await;
        server.kill().await;
        world.no_faults().await;
        server = world.site.serve("one").await;
        let request = put(&world, &case, &server, &made).await;
        if !in_doubt {
            // Who comes now is told when to come back, and the code is not used up by that.
            let early = Answer::of(request.try_clone().expect("a request")).await;
            early.error(409);
            assert!(early.header("retry-after").is_some());
        }
        world.leases_end().await;
        if in_doubt {
            world.wait_for("it is in doubt", OPEN, 0).await;
        }
        is_the_same(&patiently(request).await, &made);
        let doubt = "select count(*) from instances where renewal_doubt_generation = generation";
        assert_eq!(world.site.count(doubt).await, 0);
        world.lives(&case).await;
    }
    server.stop().await;
}

/// Killed between its two calls, with a renewal in doubt before; and what a stopped server brings later is overtaken.
#[database_test]
async fn and_killed_in_between(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let mut server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    let vendors = &world.site.vendors;
    let slow = json!({"kind": "slow", "milliseconds": 1500});
    let before = vendors.calls().await;
    world.fault(&case, slow.clone()).await;
    world.site.execute(DUE).await;
    vendors.wait_for_calls(before + 1).await;
    let stopped = server;
    stopped.signal(Signal::STOP);
    world.leases_end().await;
    server = world.site.serve("two").await;
    world.wait_for("it is in doubt", OPEN, 0).await;
    let user = stopped.authorization();
    let brought = {
        let page = Answer::of(server.request("GET", &case.page(), &user)).await;
        case.decide(vendors, &page.success(), "allow").await
    };
    let path = format!("/instances/{}", made["id"]);
    let body = json!({"name": "allowed again", "providerData": brought});
    let request = server.request("PUT", &path, &user).json(&body);
    let before = vendors.calls().await;
    vendors.fault(slow).await;
    let sent = tokio::spawn(request.send());
    vendors.wait_for_calls(before + 2).await;
    server.kill().await;
    assert!(sent.await.expect("the request ends").is_err());
    world.no_faults().await;
    world.leases_end().await;
    stopped.signal(Signal::CONT);
    world.wait_for("the rest is done", OPEN, 0).await;
    let read = world.read(&stopped, &made).await;
    assert_eq!(
        (&read["id"], &read["token"], &read["name"], &read["valid"]),
        (
            &made["id"],
            &made["token"],
            &json!("allowed again"),
            &json!(true)
        )
    );
    world.lives(&case).await;
    stopped.stop().await;
}
