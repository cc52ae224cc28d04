//! Servers that are killed while a hook looks at an answer which exists nowhere else: what it stands for is
//! used up at the vendor, and nobody asks for it again.

use bunsen_test_macros::database_test;
use serde_json::Value;

use super::harbour::{DUE, Vendor, body, definition, folder};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::Server;
use crate::vendors::until;

const LONG_OVER: &str = "update exchanges set lease_until = now() - interval '1 minute'";
const KEYS: &str = "update idempotency_keys set lease_until = now() - interval '1 minute'";
const FREE: &str = "update instances set renewal_claimed_until = null,
                    lease_until = now() - interval '1 minute' where lease_until is not null";
const OPEN: &str = "select count(*) from exchanges where state in ('intent', 'answered')";

fn create(server: &Server) -> reqwest::RequestBuilder {
    server
        .request("POST", "/instances", &server.authorization())
        .header("idempotency-key", "hooked")
        .json(&body("c0de-1"))
}

#[database_test]
async fn an_answer_waits_for_its_hooks(database: TestDatabase) {
    let site = Site::new(database).await;
    let definitions = folder(&definition());
    let (vendor, url) = Vendor::start().await;
    let route = format!("*.harbour.example={url}");
    let elements = definitions.path().to_str().expect("a UTF-8 path");
    let arguments = ["--elements", elements, "--vendor-route", &route];
    let held = async |times: usize| {
        until("the hook is at it", async || {
            vendor.calls("/v1/hold").len() >= times
        })
        .await;
    };

    let server = site.serve_with("one", &arguments).await;
    vendor.code("c0de-1");
    vendor.mode("hold");
    let asking = create(&server);
    let asking = tokio::spawn(async move { asking.send().await.map(drop) });
    held(1).await;
    server.kill().await;
    let _ = asking.await;
    vendor.mode("");
    site.execute(LONG_OVER).await;
    site.execute(KEYS).await;
    let server = site.serve_with("one", &arguments).await;
    until("the instance is there", async || {
        site.count("select count(*) from instances").await == 1
    })
    .await;
    let made: Value = Answer::of(create(&server)).await.success();
    assert_eq!(made["configuration"]["renewals"], "0");
    assert_eq!(made["configuration"]["site.id"], "north");
    assert_eq!(vendor.calls("/token").len(), 1);

    // The same with a refresh token, whose successor only the hook can read.
    vendor.mode("hold wrapped");
    site.execute(DUE).await;
    held(3).await;
    server.kill().await;
    vendor.mode("wrapped");
    site.execute(LONG_OVER).await;
    site.execute(FREE).await;
    let server = site.serve_with("one", &arguments).await;
    let path = format!("/instances/{}", made["id"]);
    until("it is renewed", async || {
        let request = server.request("GET", &path, &server.authorization());
        Answer::of(request).await.success()["configuration"]["renewals"] == "1"
    })
    .await;
    assert_eq!(vendor.calls("/token").len(), 2);
    assert_eq!(site.count(OPEN).await, 0);
    // It is the one that the next renewal begins with.
    site.execute(DUE).await;
    until("it is renewed again", async || {
        vendor.calls("/token").len() == 3
    })
    .await;
    assert_eq!(vendor.calls("/token")[2].form["refresh_token"], "refresh-2");
    server.stop().await;
}
