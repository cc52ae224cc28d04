//! Changes of an instance that begin with its stored refresh token: whatever becomes of them, the session lives.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{DUE, EXPIRED, OPEN, RENEWED, Renewing, fatal};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;

const IN_DOUBT: &str =
    "select count(*) from instances where renewal_doubt_generation = generation and valid";
const VALID: &str = "update instances set valid = true";
const INVALID: &str = "update instances set valid = false";
const NOT_RENEWED: &str = "update instances set renewed_at = null";

/// The same credentials, asked again since the instance is not valid.
fn again(case: &Case, server: &Server, made: &Value) -> reqwest::RequestBuilder {
    let path = format!("/instances/{}", made["id"]);
    let body = case.body(&json!(null));
    let body = json!({"configuration": body["configuration"]});
    let request = server.request("PATCH", &path, &server.authorization());
    request.json(&body)
}

impl Renewing {
    /// The stored token renews, and was never sent twice.
    async fn renews(&self, case: &Case, spends: u64) {
        self.site.execute(VALID).await;
        self.site.execute(NOT_RENEWED).await;
        self.site.execute(DUE).await;
        self.wait_for("it is renewed", RENEWED, 1).await;
        assert_eq!(self.spends(case).await, (spends, 0));
        assert_eq!(self.site.count(OPEN).await, 0);
    }
}

#[database_test]
async fn a_change_that_fails_behind_its_refresh_keeps_the_tokens(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    for (round, status) in [(1, 503), (2, 401)] {
        world.site.execute(INVALID).await;
        let fault = json!({"kind": "status", "status": status, "method": "GET", "count": 1});
        world.site.vendors.fault(fault).await;
        let failed = Answer::of(again(&case, &server, &made)).await;
        assert_ne!(failed.status, 200, "{failed}");
        assert_eq!(world.spends(&case).await, (2 * round, 0));
        // It is as it was, but for the tokens.
        assert_eq!(world.read(&server, &made).await["valid"], false);
        world.renews(&case, 2 * round + 1).await;
    }
    server.stop().await;
}

#[database_test]
async fn a_change_whose_refresh_is_lost_leaves_a_doubt(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    world.site.execute(INVALID).await;
    world
        .fault(&case, json!({"kind": "lost_answer", "count": 1}))
        .await;
    Answer::of(again(&case, &server, &made)).await.error(502);
    world.site.execute(VALID).await;
    assert_eq!(world.site.count(IN_DOUBT).await, 1);
    assert_eq!(world.spends(&case).await, (2, 0));
    // Neither a renewal nor another change sends it while the access token lives.
    let put_off =
        "select count(*) from instances where renewal_due_at > now() + interval '50 minutes'";
    world.site.execute(DUE).await;
    world.wait_for("it is put off", put_off, 1).await;
    world.site.execute(INVALID).await;
    let healed = Answer::of(again(&case, &server, &made)).await.success();
    assert_eq!(healed["valid"], true, "its access token was tried");
    assert_eq!(world.spends(&case).await, (2, 0));
    server.stop().await;
}

#[database_test]
async fn a_change_that_was_killed_with_its_refresh(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let mut server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    let vendors = &world.site.vendors;
    // Between its two calls, the vendor refusing the second one to whoever goes on; then during the first one.
    for calls in [2, 1] {
        world.site.execute(INVALID).await;
        let before = vendors.calls().await;
        vendors
            .fault(json!({"kind": "slow", "milliseconds": 1500}))
            .await;
        let sent = tokio::spawn(again(&case, &server, &made).send());
        vendors.wait_for_calls(before + calls).await;
        server.kill().await;
        assert!(sent.await.expect("the request ends").is_err());
        world.no_faults().await;
        let fault = json!({"kind": "status", "status": 401, "method": "GET", "count": 1});
        vendors.fault(fault).await;
        world.site.execute(VALID).await;
        world.site.execute(DUE).await;
        world
            .site
            .execute("update instances set lease_until = now() where lease_until is not null")
            .await;
        server = world.site.serve("one").await;
        // Both leases are over, the instance is due, and nobody knows yet.
        let patched = again(&case, &server, &made).json(&json!({"name": "harmless"}));
        Answer::of(patched).await.success();
        world.site.execute(EXPIRED).await;
        world.wait_for("nothing is open", OPEN, 0).await;
        if calls == 2 {
            world.no_faults().await;
            world.renews(&case, 3).await;
        }
    }
    assert_eq!(world.site.count(IN_DOUBT).await, 1);
    assert_eq!(world.spends(&case).await, (4, 0));
    server.stop().await;
}

/// While the vendor is asked others change what the caller's change builds upon: nothing comes of it, and the tokens
/// that it has got are kept.
#[database_test]
async fn a_change_that_comes_to_nothing_after_its_refresh_keeps_the_tokens(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    // Only a tag that is stored may be as long.
    let tag = "x".repeat(2000);
    let tagged = "update instances set tags = array[repeat('x', 2000)]";
    let untagged = "update instances set tags = array[]::text[]";
    let moved = "update instances set configuration = configuration || '{\"oauth.callback.url\": \"https://other.example\"}'";
    let given = case.body(&json!(null));
    let given = &given["configuration"]["oauth.api.key"];
    let body = json!({"configuration": {"oauth.api.key": given}, "tags": [tag]});
    for (round, meanwhile, status) in [(1, untagged, 400), (2, moved, 409)] {
        world.site.execute(tagged).await;
        world.site.execute(INVALID).await;
        let before = world.site.vendors.calls().await;
        let slow = json!({"kind": "slow", "milliseconds": 1000});
        world.site.vendors.fault(slow).await;
        let sent = again(&case, &server, &made).json(&body);
        let sent = tokio::spawn(Answer::of(sent));
        world.site.vendors.wait_for_calls(before + 2).await;
        world.site.execute(meanwhile).await;
        sent.await.expect("an answer").error(status);
        world.no_faults().await;
        assert_eq!(world.spends(&case).await, (2 * round, 0));
        world.renews(&case, 2 * round + 1).await;
    }
    server.stop().await;
}
