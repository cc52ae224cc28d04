//! Pipedrive: filters, custom fields, files, companies apart, and the retirement of v1.

use http::Method;
use serde_json::{Value, json};

use crate::client::start;
use crate::pipedrive::{ADMIN, API, SECOND};
use crate::pipedrive_records::{call, data, get, ids, walk_v1};

#[tokio::test]
async fn a_temporary_filter_selects_and_goes_again() {
    let sandbox = start().await;
    let fields = data(
        &sandbox,
        Method::GET,
        "/v1/organizationFields?limit=500",
        Value::Null,
    )
    .await;
    let field = |key: &str| {
        let mut fields = fields.as_array().expect("fields").iter();
        fields
            .find(|field| field["key"] == key || field["name"] == key)
            .expect("a field")
            .clone()
    };
    let before = data(&sandbox, Method::GET, "/v1/filters", Value::Null).await;
    let organization = data(
        &sandbox,
        Method::POST,
        "/v1/organizations",
        json!({ "name": "Only & One" }),
    )
    .await;
    let filter = |field: &Value, operator: &str, value: &str| {
        json!({ "name": "tmp", "type": "org", "conditions": { "glue": "and", "conditions": [
        { "glue": "and", "conditions": [{ "object": "organization", "field_id": field["id"].to_string(), "operator": operator, "value": value, "extra_value": null }] },
        { "glue": "or", "conditions": [] },
    ] } })
    };
    let made = data(
        &sandbox,
        Method::POST,
        "/v1/filters",
        filter(&field("name"), "=", "only & one"),
    )
    .await;
    for path in ["/v1/organizations", "/api/v2/organizations"] {
        let rows = get(
            &sandbox,
            &format!("{path}?filter_id={}&limit=500", made["id"]),
        )
        .await
        .json();
        assert_eq!(
            ids(rows["data"].as_array().expect("rows")),
            [organization["id"].as_u64().expect("an id")],
            "{path}"
        );
    }
    let wrong = call(
        &sandbox,
        Method::GET,
        &format!("/v1/persons?filter_id={}", made["id"]),
        Value::Null,
    )
    .await;
    assert_eq!(wrong.status, 400);
    let custom = data(
        &sandbox,
        Method::POST,
        "/v1/filters",
        filter(&field("Custom enum"), "=", "2"),
    )
    .await;
    let (rows, _) = walk_v1(
        &sandbox,
        &format!("/v1/organizations?filter_id={}", custom["id"]),
        500,
    )
    .await;
    let key = field("Custom enum")["key"]
        .as_str()
        .expect("a key")
        .to_owned();
    assert!(rows.len() > 10 && rows.iter().all(|row| row[&key] == "2"));
    for id in [&made["id"], &custom["id"]] {
        data(
            &sandbox,
            Method::DELETE,
            &format!("/v1/filters/{id}"),
            Value::Null,
        )
        .await;
    }
    assert_eq!(
        data(&sandbox, Method::GET, "/v1/filters", Value::Null).await,
        before
    );
    for (operator, field) in [
        (">", field("name")),
        ("contains", field("owner_id")),
        ("=", json!({ "id": 1 })),
    ] {
        assert_eq!(
            call(
                &sandbox,
                Method::POST,
                "/v1/filters",
                filter(&field, operator, "x")
            )
            .await
            .status,
            400,
            "{operator}"
        );
    }
    assert_eq!(
        get(&sandbox, "/v1/organizations?filter_id=9999")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn custom_fields_of_each_type_go_in_and_out() {
    let sandbox = start().await;
    let fields = data(
        &sandbox,
        Method::GET,
        "/v1/dealFields?limit=500",
        Value::Null,
    )
    .await;
    let key = |kind: &str| {
        let mut fields = fields.as_array().expect("fields").iter();
        let field = fields
            .find(|field| field["name"] == format!("Custom {kind}").as_str())
            .expect("a field");
        assert!(
            field["edit_flag"] == true && field["field_type"] == kind,
            "{field}"
        );
        let key = field["key"].as_str().expect("a key").to_owned();
        assert!(key.len() == 40 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
        key
    };
    let flat = json!({
        "title": "custom", key("varchar"): "text", key("double"): 1.5, key("monetary"): 10, format!("{}_currency", key("monetary")): "USD",
        key("enum"): "2", key("set"): "1,3", key("date"): "2026-01-31", key("daterange"): "2026-01-01",
        format!("{}_until", key("daterange")): "2026-01-31", key("people"): 1,
    });
    let deal = data(&sandbox, Method::POST, "/v1/deals", flat.clone()).await;
    for (name, value) in flat.as_object().expect("an object") {
        assert_eq!(&deal[name], value, "{name}");
    }
    let nested = data(
        &sandbox,
        Method::GET,
        &format!("/api/v2/deals/{}", deal["id"]),
        Value::Null,
    )
    .await;
    let custom = &nested["custom_fields"];
    assert_eq!(
        (&custom[key("enum")], &custom[key("set")]),
        (&json!(2), &json!([1, 3]))
    );
    assert_eq!(
        custom[key("monetary")],
        json!({ "value": 10, "currency": "USD" })
    );
    assert_eq!(custom[key("time")], Value::Null);
    for (kind, value) in [
        ("enum", json!(9)),
        ("double", json!("1")),
        ("date", json!("soon")),
        ("varchar", json!(5)),
        ("org", json!(99_999)),
    ] {
        let body = json!({ "custom_fields": { key(kind): value } });
        assert_eq!(
            call(
                &sandbox,
                Method::PATCH,
                &format!("/api/v2/deals/{}", deal["id"]),
                body
            )
            .await
            .status,
            400,
            "{kind}"
        );
    }
    let made = data(
        &sandbox,
        Method::POST,
        "/v1/dealFields",
        json!({ "name": "New", "field_type": "enum", "options": [{ "label": "a" }] }),
    )
    .await;
    let code = made["key"].as_str().expect("a key");
    let field = data(
        &sandbox,
        Method::GET,
        &format!("/api/v2/dealFields/{code}"),
        Value::Null,
    )
    .await;
    assert_eq!(
        (
            &field["field_name"],
            &field["is_custom_field"],
            &field["options"][0]["label"]
        ),
        (&json!("New"), &json!(true), &json!("a"))
    );
    assert!(field.get("id").is_none());
    data(
        &sandbox,
        Method::DELETE,
        &format!("/v1/dealFields/{}", made["id"]),
        Value::Null,
    )
    .await;
    assert_eq!(
        get(&sandbox, &format!("/api/v2/dealFields/{code}"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn files_go_up_and_down() {
    let sandbox = start().await;
    let body = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ä.txt\"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--B\r\nContent-Disposition: form-data; name=\"deal_id\"\r\n\r\n4\r\n--B--\r\n";
    let upload = |body: &str| {
        let call = sandbox
            .call(Method::POST, API, "/v1/files")
            .header("x-api-token", ADMIN);
        call.body("multipart/form-data; boundary=B", body)
    };
    let reply = upload(body).answer().await;
    let file = reply.json()["data"].clone();
    assert_eq!(
        (
            reply.status.as_u16(),
            &file["name"],
            &file["file_size"],
            &file["deal_id"]
        ),
        (200, &json!("ä.txt"), &json!(5), &json!(4))
    );
    let url = file["url"]
        .as_str()
        .expect("a link")
        .strip_prefix("https://sample.pipedrive.com")
        .expect("the company's host");
    let fetched = get(&sandbox, url).await;
    assert_eq!(
        (fetched.body.as_ref(), fetched.header("content-type")),
        (b"bytes".as_slice(), Some("text/plain"))
    );
    let files = data(&sandbox, Method::GET, "/v1/deals/4/files", Value::Null).await;
    assert!(ids(files.as_array().expect("files")).contains(&file["id"].as_u64().expect("an id")));
    let path = format!("/v1/files/{}", file["id"]);
    let form = sandbox
        .call(Method::PUT, API, &path)
        .header("x-api-token", ADMIN);
    let renamed = form
        .body(
            "application/x-www-form-urlencoded",
            "name=new.txt&description=d",
        )
        .answer()
        .await;
    assert_eq!(renamed.json()["data"]["name"], "new.txt");
    data(&sandbox, Method::DELETE, &path, Value::Null).await;
    assert_eq!(get(&sandbox, url).await.status, 404);
    assert_eq!(
        upload(&body.replace("\r\n4\r\n", "\r\n99999\r\n"))
            .answer()
            .await
            .status,
        400
    );
    assert_eq!(
        call(&sandbox, Method::POST, "/v1/files", json!({}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn companies_are_apart_and_v1_can_retire() {
    let sandbox = start().await;
    let other = async |path: &str| {
        let call = sandbox.call(Method::GET, "second.pipedrive.com", path);
        call.header("x-api-token", SECOND).answer().await
    };
    assert_eq!(other("/v1/persons").await.json()["data"], Value::Null);
    assert_eq!(other("/api/v2/persons").await.json()["data"], json!([]));
    assert_eq!(
        other("/v1/stages").await.json()["data"]
            .as_array()
            .map(Vec::len),
        Some(10)
    );
    let retired = json!({ "v1_retired": true });
    sandbox
        .control(Method::PUT, "pipedrive/habits", retired)
        .await;
    for path in [
        "/v1/persons",
        "/v1/deals/1",
        "/v1/organizations/1/persons",
        "/v1/itemSearch?term=ab",
        "/v1/pipelines",
    ] {
        assert_eq!(get(&sandbox, path).await.status, 410, "{path}");
    }
    for path in [
        "/v1/notes",
        "/v1/leads",
        "/v1/users",
        "/v1/filters",
        "/v1/personFields",
        "/api/v2/persons",
    ] {
        assert_eq!(get(&sandbox, path).await.status, 200, "{path}");
    }
    let company =
        json!({ "id": 31, "domain": "acme", "records_most": 220, "seed": { "persons": 3 } });
    assert_eq!(
        sandbox
            .control(Method::POST, "pipedrive/companies", company)
            .await
            .status,
        201
    );
    let token = sandbox
        .control(
            Method::PUT,
            "pipedrive/users/11/companies/31",
            json!({ "api_token": "t" }),
        )
        .await;
    assert_eq!(token.status, 200);
    let post = |number: usize| {
        let call = sandbox
            .call(Method::POST, "acme.pipedrive.com", "/api/v2/persons")
            .header("x-api-token", "t");
        call.json(&json!({ "name": format!("p{number}") })).answer()
    };
    let mut statuses = Vec::new();
    for number in 0..210 {
        statuses.push(post(number).await.status.as_u16());
    }
    assert_eq!(
        (statuses.first(), statuses.last()),
        (Some(&200), Some(&507))
    );
}
