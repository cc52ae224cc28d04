//! The log of several servers, of one that is stopped and of one that is killed.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::Value;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::Server;
use crate::vendors::{example, until};

async fn read(server: &Server, authorization: &str, id: &str) -> Option<Value> {
    let path = format!("/usage/{id}");
    let answer = Answer::of(server.request("GET", &path, authorization)).await;
    (answer.status == 200).then(|| answer.json())
}

async fn call(server: &Server, authorization: &str, path: &str) -> String {
    let answer = Answer::of(server.request("GET", path, authorization)).await;
    answer
        .header("elements-request-id")
        .expect("an id")
        .to_owned()
}

#[database_test]
async fn each_server_finds_the_rows_of_all(database: TestDatabase) {
    let site = Site::new(database).await;
    let one = site.serve("one").await;
    let two = site.serve("two").await;
    let authorization = one.authorization();
    one.create(&authorization, &example()).await;
    let by_one = call(&one, &authorization, "/accounts").await;
    let by_two = call(&two, &authorization, "/users/999999").await;
    for (server, id) in [(&two, &by_one), (&one, &by_two)] {
        until("the other's row is there", async || {
            read(server, &authorization, id).await.is_some()
        })
        .await;
    }
    // The last rows of a server that is asked to stop are not lost.
    let last = call(&one, &authorization, "/users").await;
    one.stop().await;
    let record = read(&two, &authorization, &last)
        .await
        .expect("written before the end");
    assert_eq!(record["request_uri"], "/elements/api-v2/users");
    // Of one that is killed a second's are, at most.
    let last = call(&two, &authorization, "/users").await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while read(&two, &authorization, &last).await.is_none() {}
    })
    .await
    .expect("it is there after a moment");
    two.kill().await;
    let three = site.serve("one").await;
    for id in [&by_one, &by_two, &last] {
        assert!(read(&three, &authorization, id).await.is_some(), "{id}");
    }
    three.stop().await;
}
