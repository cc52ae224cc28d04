//! Files, which are nowhere as a whole.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::Depot;
use crate::answer::message;
use crate::database::TestDatabase;

const PIECE: usize = 64 * 1024;

#[database_test]
async fn a_download_passes_as_it_comes(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let pieces = depot.vendor.by_hand();
    let request = depot.request("GET", "/hubs/crm/boxes/1/picture").send();
    let (response, ()) = tokio::join!(request, async {
        pieces.send(vec![b'a'; PIECE]).await.expect("taken");
    });
    let mut response = response.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    // The first piece is here while the vendor still has the others: far more than is held of an answer.
    let mut got = 0;
    let mut read = async |wanted: usize| {
        while got < wanted {
            let chunk = tokio::time::timeout(Duration::from_secs(10), response.chunk());
            let chunk = chunk.await.expect("in time").expect("a piece");
            got += chunk.expect("more").len();
        }
    };
    read(PIECE).await;
    for number in 2..=64 {
        pieces.send(vec![b'a'; PIECE]).await.expect("taken");
        read(number * PIECE).await;
    }
    drop(pieces);
    assert_eq!(response.chunk().await.expect("the end"), None);
}

#[database_test]
async fn a_file_is_whatever_it_is(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    let headers = [
        ("content-type", "text/html"),
        ("content-disposition", "attachment; filename=\"a.html\""),
        ("set-cookie", "theirs=1"),
        ("elements-attempts", "77"),
    ];
    vendor.will_say(
        "GET /base/pictures/7",
        201,
        &headers,
        "<html>no page</html>",
    );
    let answer = depot.call("GET", "/boxes/7/picture").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, "<html>no page</html>")
    );
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"a.html\"")
    );
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("elements-attempts"), Some("1"));
    vendor.will(
        "GET /base/pictures/8",
        404,
        &json!({"message": "no picture"}),
    );
    let error = depot.call("GET", "/boxes/8/picture").await.error(404);
    assert_eq!(error["providerMessage"], "no picture");
    vendor.will("GET /base/pictures/9", 500, &json!({"message": "tired"}));
    let error = depot.call("GET", "/boxes/9/picture").await.error(502);
    assert!(!message(&error).is_empty());
}
