//! Instances in the form in which an API answered them.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::read;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::vendors::example_named;

#[database_test]
async fn a_list_that_was_read_is_taken_back(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let authorization = server.authorization();
    for name in ["one", "two"] {
        server.create(&authorization, &example_named(name)).await;
    }
    let list = read(&server, "/instances", &authorization).await;
    for one in list.as_array().expect("a list") {
        let path = format!("/instances/{}", one["id"]);
        let deleted = Answer::of(server.request("DELETE", &path, &authorization)).await;
        assert_eq!(deleted.status, 200);
    }
    let file = site.written("list.json", &list);
    let text = site.refused(&["import", &file]).await;
    assert!(text.contains("--organization ID"), "{text}");
    let by_address = ["import", &file, "--organization", "1"];
    let done = site.json(&by_address).await;
    assert_eq!(
        done["organizations"][0]["instances"]["created"], 2,
        "{done}"
    );
    assert_eq!(done["organizations"][0]["needReconnect"], 2, "{done}");
    let back = read(&server, "/instances", &authorization).await;
    for (before, after) in list
        .as_array()
        .expect("a list")
        .iter()
        .zip(back.as_array().expect("a list"))
    {
        for member in [
            "id",
            "token",
            "name",
            "tags",
            "createdDate",
            "user",
            "element",
        ] {
            assert_eq!(before[member], after[member], "{member}");
        }
        assert_eq!(after["valid"], false);
        // What answers show in clear is kept, save what only the vendor says, at the next log-in.
        let shown = before["configuration"].as_object().expect("an object");
        for (key, value) in shown.iter().filter(|(key, _)| !key.starts_with("vendor.")) {
            let missing = after["configuration"].get(key).is_none_or(Value::is_null);
            assert!(
                *value == "********" && missing || after["configuration"][key] == *value,
                "{key}"
            );
        }
    }
    let by_user = ["import", &file, "--organization", "1", "--user", "1"];
    let again = site.json(&by_user).await;
    assert_eq!(again["organizations"][0]["state"], "unchanged", "{again}");
    server.stop().await;
}

#[database_test]
async fn whose_they_are_must_be_known(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let list = json!([
        {"id": 5, "name": "a", "element": {"id": 1, "key": "none"}, "user": {"emailAddress": "x@nobody.example"}},
        {"id": 6, "name": "b", "element": {"id": 1, "key": "none"}},
        7,
    ]);
    let file = site.written("list.json", &list);
    for (arguments, words) in [
        (
            vec!["--organization", "1"],
            "[0].user.emailAddress: organization 1 has no user 'x@nobody.example'",
        ),
        (vec!["--organization", "1"], "[1]: has no 'user'"),
        (
            vec!["--organization", "1"],
            "[2]: must be an object, not a number",
        ),
        (
            vec!["--organization", "1", "--user", "1"],
            "[0].element: there is no element 'none'",
        ),
        (vec!["--organization", "99"], "There is no organization 99."),
        (
            vec!["--organization", "1", "--user", "x@y.example"],
            "Organization 1 has no user 'x@y.example'.",
        ),
    ] {
        let said = site
            .refused(&[&["import", &file], arguments.as_slice()].concat())
            .await;
        assert!(said.contains(words), "{words}\n{said}");
    }
    let file = site.written("document.json", &super::document());
    let said = site
        .refused(&["import", &file, "--organization", "1"])
        .await;
    assert!(said.contains("leave --organization and"), "{said}");
}
