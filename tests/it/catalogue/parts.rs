//! The parts of one element, its metadata and its export.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{column, export_file, known, server};
use crate::answer::{Findings, message};
use crate::database::TestDatabase;

#[database_test]
async fn parts_are_found_by_list_and_by_id(database: TestDatabase) {
    let server = server(database).await;
    let mut findings = Findings::default();
    for reference in ["larkpost", "7001"] {
        for (path, ids) in [
            ("parameters", vec!["7011", "7012"]),
            ("hooks", vec!["7101"]),
            ("resources", vec!["7201", "7202", "7203", "7204", "7205"]),
            ("resources?accountOnly=true", vec![]),
            ("resources/7201/parameters", vec!["7021", "7022"]),
            ("resources/7201/hooks", vec!["7301"]),
            ("resources/7202/hooks", vec![]),
            ("objects", vec!["7401"]),
            ("objects?accountOnly=true", vec![]),
            ("objects/7401/fields", vec!["7501"]),
            ("models", vec!["7601"]),
            ("models/7601/fields", vec!["7701"]),
        ] {
            let answer = known(&server, &format!("/elements/{reference}/{path}")).await;
            findings.status(path, &answer, 200);
            let list = answer.json();
            findings.check(column(&list, "id") == ids, || format!("{path}: {list}"));
            let count = ids.len().to_string();
            findings.check(
                answer.header("elements-returned-count") == Some(count.as_str()),
                || format!("{path}: {answer}"),
            );
        }
        for (path, member, value) in [
            ("hooks/7101", "type", json!("preRequest")),
            ("resources/7201", "rootKey", json!("|result.people")),
            ("resources/7201", "ownerAccountId", json!(4711)),
            // Without one it is the system's: clients take every other for an extension.
            ("resources/7203", "ownerAccountId", json!(1)),
            ("resources/7203", "path", json!("/hubs/crm/whoami")),
            ("resources/7201/hooks/7301", "isLegacy", json!(true)),
            ("resources/7201/models", "name", json!("contactList")),
            ("objects/7401", "hulkDownloadEnabled", json!(true)),
            ("objects/7401/fields/7501", "primaryKey", json!(true)),
            ("models/7601", "vendorName", json!("people")),
            ("models/7601/fields/7701", "name", json!("id")),
        ] {
            let answer = known(&server, &format!("/elements/{reference}/{path}")).await;
            findings.status(path, &answer, 200);
            let part = answer.json();
            findings.check(part[member] == value, || format!("{path}: {part}"));
        }
    }
    findings.none();
}

#[database_test]
async fn what_is_not_there_is_404(database: TestDatabase) {
    let server = server(database).await;
    let mut findings = Findings::default();
    for path in [
        "/elements/999999999999/metadata",
        "/elements/nothing/metadata",
        "/elements/nothing/export",
        "/elements/larkpost/hooks/7301",
        "/elements/larkpost/hooks/x",
        "/elements/larkpost/resources/99999999999999999999",
        "/elements/larkpost/resources/7202/models",
        "/elements/larkpost/resources/7202/hooks/7301",
        "/elements/larkpost/resources/1/parameters",
        "/elements/larkpost/objects/7601",
        "/elements/larkpost/models/7401/fields",
        "/elements/larkpost/authentication-types/basic/configurations",
    ] {
        let answer = known(&server, path).await;
        if let Some(error) = findings.error(path, &answer, 404) {
            findings.check(message(&error).starts_with("No "), || {
                format!("{path}: {error}")
            });
        }
    }
    findings.none();
}

#[database_test]
async fn configuration_and_ways_to_log_in(database: TestDatabase) {
    let server = server(database).await;
    let answer = known(&server, "/elements/larkpost/configuration").await;
    assert!(!answer.text.contains("kept-out-of-every-answer"));
    let configuration = answer.success();
    assert_eq!(configuration["providerData"], json!([]));
    let entries = &configuration["configuration"];
    assert_eq!(entries[0]["key"], "base.url");
    assert_eq!(entries[3]["defaultValue"], "********");

    let element = crate::vendors::element_key();
    let path = format!("/elements/{element}/authentication-types");
    let types = known(&server, &path).await.success();
    let default = types["defaultValue"].as_str().expect("a default");
    let values = column(&types["options"], "value");
    assert_eq!(
        values[0], default,
        "the founding one is first and the default"
    );
    let mut asked = Vec::new();
    for value in &values {
        let path = format!("{path}/{value}/configurations");
        let entries = known(&server, &path).await.success();
        for entry in entries.as_array().expect("a list") {
            let group = entry["groupName"].as_str().unwrap_or(value);
            assert_eq!(group, value, "{entry}");
            assert_ne!(entry["key"], "authentication.type");
        }
        asked.push(column(&entries, "key"));
    }
    assert_ne!(asked[0], asked[1], "each way asks for something else");
}

#[database_test]
async fn metadata_is_short_or_expanded(database: TestDatabase) {
    let server = server(database).await;
    let plain = known(&server, "/elements/larkpost/metadata")
        .await
        .success();
    assert_eq!(plain["key"], "larkpost");
    assert_eq!(plain["events"], json!({"supported": false, "methods": []}));
    assert!(plain.get("resources").is_none());
    let expanded = known(&server, "/elements/7001/metadata?expand=TRUE")
        .await
        .success();
    for (pointer, expected) in [
        ("/hub", json!("crm")),
        ("/bulk/download", json!(true)),
        ("/bulk/upload", json!(false)),
        ("/transformations", json!(true)),
        ("/cloneable", json!(true)),
        ("/authenticationType", json!("oauth2")),
        ("/normalizedPaging", json!(true)),
        ("/discovery", json!({})),
        ("/resources/0/path", json!("/hubs/crm/contacts")),
    ] {
        assert_eq!(expanded.pointer(pointer), Some(&expected), "{pointer}");
    }
    let all = known(&server, "/elements/metadata?pageSize=500")
        .await
        .success();
    assert!(column(&all, "key").contains(&"stockbase".to_owned()));
    let keys = known(&server, "/elements/keys").await.success();
    assert_eq!(all.as_array().map(Vec::len), keys.as_array().map(Vec::len));
    let first = known(&server, "/elements/metadata?pageSize=1").await;
    let token = first.header("elements-next-page-token").expect("more");
    let path = format!("/elements/metadata?pageSize=1&nextPage={token}");
    let second = known(&server, &path).await.success();
    assert_eq!(second[0]["key"], all[1]["key"]);
    let transformations = known(&server, "/elements/larkpost/transformations").await;
    assert_eq!(transformations.success()[0]["vendorName"], "people");
    let none = known(&server, "/elements/stockbase/transformations").await;
    assert_eq!(none.success(), json!([]));
}

/// As an owner brought it, except for the secret that must not leave.
#[database_test]
async fn an_export_is_what_was_loaded(database: TestDatabase) {
    let server = server(database).await;
    let export = known(&server, "/elements/larkpost/export").await.success();
    let mut expected = export_file("larkpost");
    for entry in ["oauth.api.key", "oauth.api.secret"] {
        let entries = expected["configuration"].as_array_mut().expect("a list");
        let found = entries.iter_mut().find(|given| given["key"] == entry);
        let found = found.and_then(Value::as_object_mut).expect("an entry");
        assert!(found.remove("defaultValue").is_some());
    }
    assert_eq!(export, expected);
    assert_eq!(
        known(&server, "/elements/stockbase/export").await.success(),
        export_file("stockbase")
    );
    let own = known(&server, "/elements/larkpost/export?extendedOnly=true")
        .await
        .success();
    assert_eq!(
        (&own["key"], &own["resources"]),
        (&json!("larkpost"), &json!([]))
    );
}

/// Every shipped element and the owner's: the export is checked without a mistake, and exports
/// to the same once more.
#[database_test]
async fn exports_load_again_unchanged(database: TestDatabase) {
    let server = server(database).await;
    let folder = tempfile::tempdir().expect("a folder");
    let keys = known(&server, "/elements/keys").await.success();
    let mut exported: Vec<(String, Value)> = Vec::new();
    for key in keys.as_array().expect("a list") {
        let key = key.as_str().expect("text");
        let export = known(&server, &format!("/elements/{key}/export")).await;
        assert!(!export.text.contains("bunsen"), "{key}");
        let place = folder.path().join(key);
        std::fs::create_dir(&place).expect("a folder");
        std::fs::write(place.join("element.json"), &export.text).expect("a file");
        exported.push((key.to_owned(), export.success()));
    }
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bunsen"))
            .args(arguments)
            .env_remove("BUNSEN_ELEMENTS")
            .output()
            .expect("bunsen runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        text
    };
    let place = folder.path().to_str().expect("a plain path");
    let checked = run(&["elements", "check", place]);
    let line = "stockbase: kept without effect: protocolType: unknown \"jdbc\"";
    assert!(checked.contains(line), "{line} is not in:\n{checked}");
    assert!(!checked.contains("].hooks"), "hooks are run:\n{checked}");
    assert!(
        checked.ends_with("definitions checked, no mistakes\n"),
        "{checked}"
    );
    for (key, export) in exported {
        let again = run(&["elements", "export", &key, "--elements", place]);
        let again: Value = serde_json::from_str(&again).expect("JSON");
        assert_eq!(again, export, "{key}");
    }
}
