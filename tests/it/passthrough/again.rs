//! A log-in that gives another token than OAuth's is made again when the vendor has ended that token.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::vendors::example_of_each;

/// `ended` of an element's `cases/passthrough.json`: by which control call of the simulated vendor the
/// token ends, `from` which group it came, and the `path` that it reads.
fn ended() -> Vec<(Value, Value)> {
    let elements = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let found = example_of_each().into_iter().filter_map(|(key, example)| {
        let file = elements.join(&key).join("cases/passthrough.json");
        let text = std::fs::read_to_string(file).ok()?;
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let ended = file.get("ended")?.clone();
        let from = ended["from"].as_str().expect("a group");
        let mut body = example;
        body["configuration"] = file["created"][from].clone();
        Some((body, ended))
    });
    let found: Vec<_> = found.collect();
    assert!(!found.is_empty(), "an element logs in for a token");
    found
}

#[database_test]
async fn what_was_stored_logs_in_again(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    for (body, ended) in ended() {
        site.vendors.reset().await;
        let made = server.create(&server.authorization(), &body).await;
        let token = made["token"].as_str().expect("a token");
        let header = format!("{}, Element {token}", server.authorization());
        let path = format!("/proxy{}", ended["path"].as_str().expect("a path"));
        let call = async || Answer::of(server.request("GET", &path, &header)).await;
        call().await.success();
        let text = |name: &str| ended[name].as_str().expect("a text");
        let (method, control) = (text("method"), text("control"));
        site.vendors
            .control(method, control, Some(&ended["body"]))
            .await;
        call().await.success();
        call().await.success();
        // With another password, too, nobody but its owner can help.
        site.vendors
            .fault(json!({"kind": "status", "status": 401, "body": "{\"success\":false}", "path": "/*"}))
            .await;
        site.execute("update instances set renewed_at = renewed_at - interval '1 hour'")
            .await;
        call().await.error(401);
        let valid = "select count(*) from instances where valid";
        assert_eq!(site.count(valid).await, 0);
        let path = format!("/instances/{}", made["id"]);
        let delete = server.request("DELETE", &path, &server.authorization());
        assert_eq!(Answer::of(delete).await.status, 200);
    }
    server.stop().await;
}
