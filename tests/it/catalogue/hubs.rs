//! `/hubs`: the families of elements.

use bunsen_test_macros::database_test;

use super::{column, get, known, server};
use crate::answer::message;
use crate::database::TestDatabase;

#[database_test]
async fn hubs_have_ids_keys_and_elements(database: TestDatabase) {
    let server = server(database).await;
    let hubs = get(&server, "/hubs", None).await.success();
    for hub in hubs.as_array().expect("a list") {
        assert!(hub["id"].is_i64() && hub["active"] == true, "{hub}");
        assert!(hub["name"].is_string() && hub["description"].is_string());
        assert!(hub.get("resources").is_none(), "{hub}");
    }
    let keys = get(&server, "/hubs/keys", None).await.success();
    let listed: Vec<&str> = keys
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key.as_str().expect("text"))
        .collect();
    assert_eq!(column(&hubs, "key"), listed);
    for known in ["crm", "helpdesk", "documents", "humancapital", "erp"] {
        assert!(listed.contains(&known), "{known}");
    }
    let crm = get(&server, "/hubs/crm", None).await.success();
    assert_eq!((&crm["id"], &crm["key"]), (&11.into(), &"crm".into()));

    // Of elements, the hub is written in lower case whatever the definition says.
    let elements = known(&server, "/hubs/crm/elements").await.success();
    assert!(column(&elements, "key").contains(&"larkpost".to_owned()));
    assert!(elements[0]["configuration"].is_array());
    let none = get(&server, "/hubs/ocr/elements", None).await;
    assert_eq!(
        (none.success(), none.header("elements-returned-count")),
        (serde_json::json!([]), Some("0"))
    );

    // A hub that only an added definition names.
    let own = get(&server, "/hubs/warehouse/elements", None)
        .await
        .success();
    assert_eq!(column(&own, "key"), ["stockbase"]);
    let unknown = get(&server, "/hubs/nowhere", None).await.error(404);
    assert!(message(&unknown).starts_with("No hub found"), "{unknown}");
    get(&server, "/hubs/nowhere/elements", None)
        .await
        .error(404);
}

#[database_test]
async fn hydrated_hubs_say_what_can_be_called(database: TestDatabase) {
    let server = server(database).await;
    let hubs = known(&server, "/hubs?hydrate=true").await.success();
    for hub in hubs.as_array().expect("a list") {
        let resources = hub["resources"].as_array().expect("a list");
        assert!(!resources.is_empty(), "{hub}");
        if hub["key"] == "crm" {
            let paths = column(&hub["resources"], "path");
            assert!(paths.contains(&"/hubs/crm/files".to_owned()), "{paths:?}");
            let hidden = paths
                .iter()
                .any(|path| path.contains("oauth") || path.contains("whoami"));
            assert!(!hidden, "{paths:?}");
        }
    }
    let anonymous = get(&server, "/hubs?hydrate=true", None).await;
    assert!(!anonymous.text.contains("/hubs/crm/files"), "{anonymous}");
}
