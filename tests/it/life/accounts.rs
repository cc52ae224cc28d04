//! Counting and listing.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Life;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::examples;
use crate::vendors::{element_key, example_named};

fn names(list: &Answer) -> Vec<String> {
    let list = list.success();
    let list = list.as_array().expect("a list").iter();
    list.map(|instance| instance["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[database_test]
async fn the_count_is_the_own_accounts(database: TestDatabase) {
    let life = Life::start(database).await;
    let server = &life.server;
    let none = life.call("GET", "/instances/count", None).await.success();
    assert_eq!(none, json!({"totalInstances": 0, "elementInstances": {}}));
    let mut expected = serde_json::Map::new();
    for (_, body) in examples() {
        life.create(&body).await;
        let key = body["element"]["key"].as_str().expect("a key");
        let count = expected.get(key).and_then(Value::as_i64).unwrap_or(0);
        expected.insert(key.to_owned(), json!(count + 1));
    }
    server
        .create(&server.member, &example_named("of the member"))
        .await;
    server
        .create(&server.foreign, &example_named("of the foreigner"))
        .await;
    let counted = life.call("GET", "/instances/count", None).await.success();
    let total = examples().len();
    assert_eq!(
        counted,
        json!({"totalInstances": total, "elementInstances": expected})
    );
    let colleague = life.call_as(&server.colleague, "GET", "/instances/count");
    let counted = colleague.await.success();
    assert_eq!(counted["elementInstances"], json!({element_key(): 1}));
}

#[database_test]
async fn an_administrator_lists_an_account(database: TestDatabase) {
    let life = Life::start(database).await;
    let server = &life.server;
    for name in ["first", "second", "third"] {
        server.create(&server.member, &example_named(name)).await;
    }
    let of_member = format!("/accounts/{}/instances", server.member.account_id);
    let of_default = "/accounts/instances";
    life.call("GET", of_default, None).await.error(404);
    life.create(&example_named("of the admin")).await;
    assert_eq!(
        names(&life.call("GET", of_default, None).await),
        ["of the admin"]
    );
    let list = life.call("GET", &of_member, None).await;
    assert_eq!(names(&list), ["first", "second", "third"]);
    assert_eq!(list.header("elements-returned-count"), Some("3"));
    assert_eq!(list.header("elements-next-page-token"), None);

    let first = format!("{of_member}?pageSize=2");
    let page = life.call("GET", &first, None).await;
    assert_eq!(names(&page), ["first", "second"]);
    let next = page.header("elements-next-page-token").expect("a token");
    let rest = format!("{of_member}?pageSize=2&nextPage={next}");
    assert_eq!(names(&life.call("GET", &rest, None).await), ["third"]);
    let found = format!("{of_member}?searchText=SEC&hydrate=false");
    assert_eq!(names(&life.call("GET", &found, None).await), ["second"]);
    let tagged = format!("{of_member}?tags[]=nobody");
    life.call("GET", &tagged, None).await.error(404);

    for path in [of_member.as_str(), of_default] {
        life.call_as(&server.member, "GET", path).await.error(403);
    }
    life.call_as(&server.foreign, "GET", &of_member)
        .await
        .error(404);
}

/// Every list entry holds what clients read, dehydrated or not.
#[database_test]
async fn dehydrated_lists_keep_what_clients_read(database: TestDatabase) {
    let life = Life::start(database).await;
    for (_, body) in examples() {
        life.create(&body).await;
    }
    let whole = life.call("GET", "/instances?hydrate=true", None).await;
    let whole = whole.success();
    assert_eq!(whole, life.call("GET", "/instances", None).await.success());
    let spare = life.call("GET", "/instances?hydrate=FALSE", None).await;
    let spare = spare.success();
    let (whole, spare) = (whole.as_array(), spare.as_array());
    let (whole, spare) = (whole.expect("a list"), spare.expect("a list"));
    assert_eq!(whole.len(), spare.len());
    for (whole, spare) in whole.iter().zip(spare) {
        assert!(whole["configuration"].is_object());
        assert_eq!(spare.get("configuration"), None, "{spare}");
        for member in [
            "id",
            "name",
            "createdDate",
            "token",
            "tags",
            "valid",
            "disabled",
        ] {
            assert!(!spare[member].is_null(), "{member}: {spare}");
            assert_eq!(spare[member], whole[member], "{member}");
        }
        for member in ["id", "key", "hub"] {
            assert!(!spare["element"][member].is_null(), "{member}: {spare}");
            assert_eq!(spare["element"][member], whole["element"][member]);
        }
    }
    life.call("GET", "/instances?hydrate=perhaps", None)
        .await
        .error(400);
}
