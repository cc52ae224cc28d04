//! Questions to an instance, of which the vendor answers some.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use std::time::Duration;

use bunsen::app::CallLimits;

use super::Museum;
use crate::database::TestDatabase;
use crate::server::TestOptions;

#[database_test]
async fn ping_asks_the_vendor(database: TestDatabase) {
    let museum = Museum::start(database).await;
    for path in ["/hubs/crm/ping", "/ping", "//ping"] {
        let answer = museum.get(path).await;
        let pong = answer.success();
        assert_eq!(pong["valid"], true, "{answer}");
        assert_eq!(pong["endpoint"], "museum", "{answer}");
        let moment: jiff::Timestamp = pong["dateTime"]
            .as_str()
            .expect("text")
            .parse()
            .expect("a moment");
        let age = jiff::Timestamp::now().duration_since(moment);
        assert!(age.as_secs().abs() < 60, "{answer}");
        assert_eq!(pong.as_object().expect("an object").len(), 3, "{answer}");
        let asked = museum.vendor.one();
        assert_eq!(asked.call, "GET /base/me");
        assert_eq!(asked.header("x-word"), Some("5ecret-word"));
    }
    museum.disable().await;
    museum.get("/ping").await.success();
    museum.vendor.forget();
    museum
        .vendor
        .will("GET /base/me", 401, &json!({"message": "who are you"}));
    let refused = museum.get("/ping").await;
    let error = refused.error(401);
    assert_eq!(error["providerMessage"], "who are you", "{refused}");
}

#[database_test]
async fn objects_in_short_and_in_detail(database: TestDatabase) {
    let museum = Museum::start(database).await;
    for disabled in [false, true] {
        let names = museum.get("/hubs/crm/objects").await.success();
        assert_eq!(
            names,
            json!(["pieces", "show-cases"]),
            "disabled: {disabled}"
        );
        let detailed = museum.detailed("/objects").await.success();
        let expected = json!([
            {"name": "pieces", "vendorName": "things", "type": "ceCanonical"},
            {"name": "show-cases", "vendorName": "show-cases", "type": "ceCanonical"},
            {"name": "things", "vendorName": "things", "type": "vendor"},
        ]);
        assert_eq!(detailed, expected, "disabled: {disabled}");
        museum.disable().await;
    }
    assert_eq!(museum.vendor.count(), 0);
}

fn field<'f>(fields: &'f Value, path: &str) -> &'f Value {
    let mut fields = fields["fields"].as_array().expect("fields").iter();
    fields
        .find(|field| field["vendorPath"] == path)
        .unwrap_or_else(|| panic!("no field {path}"))
}

fn tell_fields(museum: &Museum) {
    let first = json!({"next": "p2", "rows": [
        {"code": "ID", "said": "Number", "kind": "number", "origin": "vendor", "locked": "yes"},
        {"code": "Title", "said": "Name of it", "kind": "line", "origin": "vendor", "must": true},
        {"code": "Section 1", "kind": "heading", "origin": "vendor"},
    ]});
    let second = json!({"rows": [
        {"code": "Weight", "said": "Weight in kg", "kind": "number", "origin": "us", "must": true, "shown": false},
        {"code": "shape", "said": "Shape", "kind": "list", "origin": "us", "locked": "yes",
         "choices": [{"id": 1, "text": "Round"}, {"id": 2, "text": "Square"}]},
        {"code": "State", "kind": "list", "origin": "vendor", "choices": {"Whole": 1, "Broken": 2}},
        {"code": "Level", "kind": "list", "origin": "vendor", "choices": {"2": ["High", "Up"]}},
        {"code": "Colour", "kind": "list", "origin": "vendor", "choices": ["Red", "Blue"]},
    ]});
    museum.vendor.will("GET /base/fields", 200, &first);
    museum.vendor.will("GET /base/fields", 200, &second);
}

#[database_test]
async fn fields_of_the_definition_and_the_vendor(database: TestDatabase) {
    let museum = Museum::start(database).await;
    tell_fields(&museum);
    let answer = museum.get("/hubs/crm/objects/pieces/metadata").await;
    let found = answer.success();
    let asked = museum.vendor.seen();
    let queries: Vec<&str> = asked.iter().map(|seen| seen.query.as_str()).collect();
    assert_eq!(queries.len(), 2, "{queries:?}");
    assert!(
        queries.iter().all(|query| query.contains("of=things")),
        "{queries:?}"
    );
    assert!(queries[1].contains("after=p2"), "{queries:?}");

    let paths: Vec<&str> = found["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| field["path"].as_str().expect("a path"))
        .collect();
    let expected = [
        "id",
        "title",
        "key",
        "more",
        "more.weight",
        "more.shape",
        "state",
        "level",
        "colour",
    ];
    assert_eq!(paths, expected);
    let ways = |create: bool, change: bool, answered: bool| {
        json!([{"name": "GET", "request": false, "response": answered},
               {"name": "PATCH", "request": change, "response": answered},
               {"name": "POST", "request": create, "response": answered}])
    };
    let title = json!({
        "path": "title", "type": "string", "vendorPath": "title", "vendorDisplayName": "Name of it",
        "vendorNativeType": "line", "vendorRequired": true, "vendorReadOnly": false, "hidden": false,
        "createable": true, "updateable": true, "custom": false, "method": ways(true, true, true),
    });
    assert_eq!(field(&found, "title"), &title);
    let weight = json!({
        "path": "more.weight", "type": "number", "vendorPath": "more.weight",
        "vendorDisplayName": "Weight in kg", "vendorNativeType": "number", "vendorRequired": true,
        "vendorReadOnly": false, "hidden": true, "createable": true, "updateable": true, "custom": true,
        "method": ways(true, true, true),
    });
    assert_eq!(field(&found, "more.weight"), &weight);
    let shape = field(&found, "more.shape");
    assert_eq!(shape["createable"], false, "{shape}");
    assert_eq!(shape["vendorReadOnly"], true, "{shape}");
    let choices = |name: &str| field(&found, name)["picklistValues"].clone();
    let expected =
        json!([{"displayText": "Round", "value": 1}, {"displayText": "Square", "value": 2}]);
    assert_eq!(choices("more.shape"), expected);
    let expected =
        json!([{"displayText": "Broken", "value": 2}, {"displayText": "Whole", "value": 1}]);
    assert_eq!(choices("state"), expected);
    assert_eq!(
        choices("level"),
        json!([{"displayText": "High", "value": "2"}])
    );
    let expected =
        json!([{"displayText": "Red", "value": "Red"}, {"displayText": "Blue", "value": "Blue"}]);
    assert_eq!(choices("colour"), expected);
    assert_eq!(field(&found, "id")["createable"], false);
    assert_eq!(field(&found, "key")["method"], ways(true, true, false));
}

#[database_test]
async fn only_custom_fields_and_without_paths(database: TestDatabase) {
    let museum = Museum::start(database).await;
    tell_fields(&museum);
    museum.disable().await;
    let answer = museum
        .get("/objects/pieces/metadata?customFieldsOnly=true&includePath=false&composite=true")
        .await;
    let found = answer.success();
    let names: Vec<&Value> = found["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| &field["vendorPath"])
        .collect();
    assert_eq!(names, ["more.weight", "more.shape"], "{answer}");
    let with_path = |field: &Value| field.get("path").is_some();
    assert!(
        !found["fields"]
            .as_array()
            .expect("fields")
            .iter()
            .any(with_path),
        "{answer}"
    );
    let none = museum
        .get("/objects/show-cases/metadata?customFieldsOnly=true")
        .await;
    assert_eq!(none.success(), json!({"fields": []}));
    museum
        .get("/objects/pieces/metadata?customFieldsOnly=perhaps")
        .await
        .error(400);
}

/// What paths and models show alone.
#[database_test]
async fn fields_of_what_nobody_declares(database: TestDatabase) {
    let museum = Museum::start(database).await;
    for name in ["show-cases", "showCases", "show%2Dcases"] {
        let found = museum
            .get(&format!("/objects/{name}/metadata"))
            .await
            .success();
        assert_eq!(field(&found, "since")["type"], "date", "{name}");
        assert_eq!(field(&found, "name")["type"], "string", "{name}");
        assert_eq!(field(&found, "name")["createable"], false, "{name}");
    }
    for path in ["/objects/nothing/metadata", "/objects/nothing/docs"] {
        let missing = museum.get(path).await;
        assert!(
            missing.error(404)["message"]
                .to_string()
                .contains("nothing"),
            "{missing}"
        );
    }
    assert_eq!(museum.vendor.count(), 0);
}

#[database_test]
async fn a_vendor_that_does_not_show_its_fields(database: TestDatabase) {
    let museum = Museum::start(database).await;
    let forbidden = json!({"message": "administrators alone"});
    museum.vendor.will("GET /base/fields", 403, &forbidden);
    let answer = museum.get("/objects/pieces/metadata").await;
    let found = answer.success();
    assert_eq!(
        found["fields"].as_array().expect("fields").len(),
        4,
        "{answer}"
    );
    let notice = answer.header("elements-error").expect("a notice");
    assert!(notice.contains("does not show its own fields"), "{notice}");
    for (status, ours) in [(401, 401), (429, 429), (500, 502)] {
        museum.vendor.forget();
        museum.vendor.will("GET /base/fields", status, &json!({}));
        museum.get("/objects/pieces/metadata").await.error(ours);
    }
}

/// A vendor that always says that there is more.
#[database_test]
async fn an_endless_list_of_fields_is_read_for_a_hundred_calls(database: TestDatabase) {
    let museum = Museum::start(database).await;
    for number in 0..300 {
        let row = json!({"code": format!("field{number}"), "said": "A field", "kind": "text"});
        let page = json!({"rows": [row], "next": format!("c{number}")});
        museum.vendor.will("GET /base/fields", 200, &page);
    }
    let answer = museum.get("/objects/pieces/metadata").await;
    let found = answer.success();
    let fields = found["fields"].as_array().expect("fields").len();
    assert!((100..=110).contains(&fields), "{fields}");
    assert_eq!(answer.header("elements-attempts"), Some("100"));
    let notice = answer.header("elements-error").expect("a notice");
    assert!(notice.contains("left out"), "{notice}");
    assert_eq!(museum.vendor.seen().len(), 100);
}

#[database_test]
async fn documents_say_what_the_vendor_was_not_asked_for(database: TestDatabase) {
    let options = TestOptions {
        call_limits: CallLimits {
            bytes: usize::MAX,
            time: Duration::ZERO,
        },
        ..TestOptions::default()
    };
    let museum = Museum::start_with(database, options).await;
    let answer = museum.get("/instances/docs?discovery=true").await;
    let document = answer.success();
    let pieces = &document["definitions"]["pieces"]["properties"];
    assert_eq!(pieces["title"]["type"], "string", "the definition's own");
    let notice = answer.header("elements-error").expect("a notice");
    assert!(notice.contains("pieces"), "{notice}");
    assert_eq!(museum.vendor.count(), 0);
}
