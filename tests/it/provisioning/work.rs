//! Work that outlives its caller, and many callers at once.

use std::collections::BTreeSet;
use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::process::{Folder, new_keyring, serve};
use crate::server::TestServer;
use crate::vendors::{Vendors, example_named, until};

async fn names(server: &TestServer) -> Vec<String> {
    sqlx::query_scalar("select name from instances order by id")
        .fetch_all(&server.database.pool)
        .await
        .expect("names")
}

/// The vendor has let somebody in by then; whether the caller still listens changes nothing.
#[database_test]
async fn a_client_that_hangs_up_gets_its_instance(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 700}))
        .await;
    let request = server
        .request("POST", "/elements/api-v2/instances")
        .header("authorization", server.admin.header())
        .json(&example_named("left behind"));
    let waiting = tokio::spawn(request.send());
    vendors.wait_for_calls(1).await;
    assert!(
        names(&server).await.is_empty(),
        "the vendor has not answered yet"
    );
    waiting.abort();
    assert!(
        waiting.await.is_err_and(|error| error.is_cancelled()),
        "the client has hung up"
    );
    until("the instance is there", async || {
        names(&server).await == ["left behind"]
    })
    .await;
    // And it is a whole one: readable, with a token that works.
    let request = server
        .request("GET", "/elements/api-v2/instances")
        .header("authorization", server.admin.header());
    let listed = Answer::of(request).await.success();
    let token = listed[0]["token"].as_str().expect("a token").to_owned();
    let hub_call = server
        .request("GET", "/elements/api-v2/no-such-things")
        .header("authorization", server.admin.with_token(&token));
    Answer::of(hub_call).await.error(404);
}

/// More slow log-ins at once than the database has connections: none is held while a vendor is called.
#[database_test]
async fn slow_vendors_do_not_keep_others_waiting(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 3000}))
        .await;
    let creates: Vec<_> = (0..40)
        .map(|number| {
            let request = server
                .request("POST", "/elements/api-v2/instances")
                .header("authorization", server.admin.header())
                .json(&example_named(&format!("slow {number}")));
            tokio::spawn(Answer::of(request))
        })
        .collect();
    vendors.wait_for_calls(40).await;
    let reading = server
        .request("GET", "/elements/api-v2/organizations/me")
        .header("authorization", server.admin.header());
    let read = tokio::time::timeout(Duration::from_secs(5), Answer::of(reading)).await;
    read.expect("reading does not wait for the vendor")
        .success();
    assert!(
        names(&server).await.is_empty(),
        "all of them were still waiting"
    );
    let mut tokens = BTreeSet::new();
    for create in creates {
        let created = create.await.expect("the create ends").success();
        assert!(tokens.insert(created["token"].to_string()), "a token twice");
    }
    assert_eq!(names(&server).await.len(), 40);
}

/// Nobody listens where the vendor should be.
#[database_test]
async fn a_refused_connection_is_told_in_words(database: TestDatabase) {
    let folder = Folder::new();
    let keyring = folder.text("keyring.json");
    new_keyring(&keyring).await;
    // Bound and never listening, so that nobody else gets the port meanwhile.
    let reserved = tokio::net::TcpSocket::new_v4().expect("a socket");
    reserved
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a free port");
    let sandbox = format!("http://{}", reserved.local_addr().expect("bound"));
    let arguments = [
        "--sandbox",
        &sandbox,
        "--database-url",
        &database.url,
        "--keyring",
        &keyring,
    ];
    let server = serve(&folder.path("data"), &arguments).await;
    let request = server
        .request("POST", "/instances", &server.authorization())
        .json(&example_named("nobody there"));
    let error = Answer::of(request).await.error(502);
    let text = message(&error).to_lowercase();
    assert!(
        text.contains("connect"),
        "the message says at which step: {text}"
    );
    assert!(
        !text.contains("reqwest") && !text.contains("os error"),
        "in words: {text}"
    );
    assert_eq!(
        error.get("providerMessage"),
        None,
        "the vendor has said nothing"
    );
    let stored: i64 = sqlx::query_scalar("select count(*) from instances")
        .fetch_one(&database.pool)
        .await
        .expect("a count");
    assert_eq!(stored, 0);
    server.stop().await;
}
