//! OpenAPI documents of elements, instances, objects and single calls.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Museum, swagger};
use crate::database::TestDatabase;

fn valid(document: &Value) {
    let mistakes = swagger::mistakes(document);
    assert!(mistakes.is_empty(), "{}\n{document:#}", mistakes.join("\n"));
}

fn paths(document: &Value) -> Vec<&str> {
    let paths = document["paths"].as_object().expect("paths");
    paths.keys().map(String::as_str).collect()
}

#[database_test]
async fn of_an_element_for_everybody(database: TestDatabase) {
    let museum = Museum::start(database).await;
    let whole = museum
        .get_as("/elements/museum/docs?version=-1", None)
        .await
        .success();
    valid(&whole);
    assert_eq!(whole["basePath"], "/elements/api-v2");
    assert_eq!(whole["info"]["title"], "Museum");
    let mut found = paths(&whole);
    found.sort_unstable();
    let expected = [
        "/objects",
        "/objects/{objectName}/docs",
        "/objects/{objectName}/metadata",
        "/pieces",
        "/pieces/{id}",
        "/pieces/{id}/picture",
        "/ping",
        "/show-cases",
    ];
    assert_eq!(found, expected);
    let one = &whole["paths"]["/pieces/{id}"];
    assert!(
        one["get"].is_object() && one["patch"].is_object() && one["delete"].is_object(),
        "{one}"
    );

    let elsewhere = "/elements/9300/docs?baseUrl=https%3A%2F%2Fapi.bunsen.example%3A8443%2Fx";
    let elsewhere = museum.get_as(elsewhere, None).await.success();
    assert_eq!(elsewhere["host"], "api.bunsen.example:8443");
    assert_eq!(elsewhere["schemes"], json!(["https"]));
    let one = museum
        .get_as("/elements/museum/docs?operationId=getPieces", None)
        .await
        .success();
    valid(&one);
    assert_eq!(paths(&one), ["/pieces"]);
    let definitions = one["definitions"].as_object().expect("definitions");
    let names: Vec<&String> = definitions.keys().collect();
    assert_eq!(names, ["ErrorAnswer", "pieces"]);

    museum
        .get_as("/elements/museum/docs?operationId=nothing", None)
        .await
        .error(404);
    museum
        .get_as("/elements/nothing/docs", None)
        .await
        .error(404);
    museum
        .get_as("/elements/museum/docs?baseUrl=nonsense", None)
        .await
        .error(400);
    museum
        .get_as("/elements/museum/docs", Some("User x, Organization y"))
        .await
        .error(401);
    assert_eq!(museum.vendor.count(), 0);
}

#[database_test]
async fn of_an_instance_and_its_calls(database: TestDatabase) {
    let museum = Museum::start(database).await;
    let admin = museum.server.admin.header();
    let by_id = format!("/instances/{}/docs", museum.instance);
    museum.disable().await;
    for (start, header) in [
        (by_id.as_str(), &admin),
        ("/instances/docs", &museum.header),
    ] {
        let whole = museum.get_as(start, Some(header)).await.success();
        valid(&whole);
        assert_eq!(paths(&whole).len(), 8, "{start}");
        for id in ["getPieces", "GET-pieces"] {
            let one = museum
                .get_as(&format!("{start}/{id}"), Some(header))
                .await
                .success();
            valid(&one);
            assert_eq!(paths(&one), ["/pieces"], "{start} {id}");
        }
        let path = format!("{start}/POST-pieces/definitions");
        let definitions = museum.get_as(&path, Some(header)).await.success();
        let sent = &definitions["piecesCreateRequest"];
        assert_eq!(sent["required"], json!(["title"]), "{definitions}");
        assert!(sent["properties"].get("id").is_none(), "{definitions}");
        assert!(
            definitions["pieces"]["properties"].get("key").is_none(),
            "{definitions}"
        );
        museum
            .get_as(&format!("{start}/nothing"), Some(header))
            .await
            .error(404);
        museum
            .get_as(&format!("{start}/nothing/definitions"), Some(header))
            .await
            .error(404);
    }
    let foreign = museum.server.foreign.header();
    museum.get_as(&by_id, Some(&foreign)).await.error(404);
    assert_eq!(museum.vendor.count(), 0);
}

#[database_test]
async fn of_an_object_with_what_the_vendor_has(database: TestDatabase) {
    let museum = Museum::start(database).await;
    let known = museum.get("/hubs/crm/objects/pieces/docs").await.success();
    valid(&known);
    assert_eq!(paths(&known), ["/pieces", "/pieces/{id}"]);
    assert_eq!(
        known["definitions"]["pieces"]["properties"]["more"],
        json!({"type": "object"})
    );
    assert_eq!(museum.vendor.count(), 0);

    let rows = json!({"rows": [{"code": "weight", "kind": "number", "origin": "us"}]});
    museum.vendor.will("GET /base/fields", 200, &rows);
    let by_token = [
        "/objects/pieces/docs?discovery=true",
        "/instances/docs?discovery=true",
    ];
    for path in by_token {
        let live = museum.get(path).await.success();
        valid(&live);
        let more = &live["definitions"]["pieces"]["properties"]["more"];
        assert_eq!(
            more["properties"]["weight"],
            json!({"type": "number"}),
            "{path} {more}"
        );
        assert_eq!(museum.vendor.one().call, "GET /base/fields", "{path}");
    }
    // Nothing of this call is an object's.
    museum
        .get("/instances/docs/GET-ping?discovery=true")
        .await
        .success();
    assert_eq!(museum.vendor.count(), 0);

    let basic = museum
        .get("/objects/pieces/docs?basic=true")
        .await
        .success();
    valid(&basic);
    assert_eq!(basic["definitions"]["pieces"], json!({"type": "object"}));
    let resolved = museum
        .get("/objects/show-cases/docs?resolveReferences=true")
        .await
        .success();
    valid(&resolved);
    let schema = &resolved["paths"]["/show-cases"]["get"]["responses"]["200"]["schema"];
    let case = &schema["items"];
    assert_eq!(case["required"], json!(["name"]), "{schema}");
    assert_eq!(
        case["properties"]["place"]["properties"]["room"]["type"], "integer",
        "{schema}"
    );
    // What leads back to itself stays a reference.
    assert_eq!(
        case["properties"]["within"],
        json!({"$ref": "#/definitions/case"}),
        "{schema}"
    );
}
