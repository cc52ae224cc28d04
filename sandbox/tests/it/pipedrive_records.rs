//! Pipedrive's records over v1 and v2: lifecycles, pages, filters, custom fields, files, refusals.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, Running, start};
use crate::pipedrive::{ADMIN, API, FIRST, general};

pub async fn call(sandbox: &Running, method: Method, path: &str, body: Value) -> Reply {
    let call = sandbox.call(method, API, path).header("x-api-token", ADMIN);
    let call = if body.is_null() {
        call
    } else {
        call.json(&body)
    };
    call.answer().await
}

pub async fn data(sandbox: &Running, method: Method, path: &str, body: Value) -> Value {
    let reply = call(sandbox, method, path, body).await;
    assert!(reply.status.is_success(), "{path}: {reply:?}");
    assert_eq!(reply.json()["success"], true);
    reply.json()["data"].clone()
}

pub async fn get(sandbox: &Running, path: &str) -> Reply {
    call(sandbox, Method::GET, path, Value::Null).await
}

pub async fn walk_v1(sandbox: &Running, path: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut start) = (Vec::new(), 0, 0);
    loop {
        let body = get(
            sandbox,
            &format!(
                "{path}{}start={start}&limit={limit}",
                if path.contains('?') { '&' } else { '?' }
            ),
        )
        .await
        .json();
        rows.extend(body["data"].as_array().cloned().unwrap_or_default());
        pages += 1;
        let pagination = &body["additional_data"]["pagination"];
        if pagination["more_items_in_collection"] != true {
            assert!(pagination.get("next_start").is_none());
            return (rows, pages);
        }
        start = pagination["next_start"].as_u64().expect("the next start");
    }
}

async fn walk_v2(sandbox: &Running, path: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let body = get(
            sandbox,
            &format!(
                "{path}{}limit={limit}{cursor}",
                if path.contains('?') { '&' } else { '?' }
            ),
        )
        .await
        .json();
        rows.extend(body["data"].as_array().cloned().expect("a list"));
        pages += 1;
        match body["additional_data"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (rows, pages),
        }
    }
}

pub fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().filter_map(|row| row["id"].as_u64()).collect()
}

#[tokio::test]
async fn pages_hold_every_record_once_in_both_versions() {
    let sandbox = start().await;
    for (name, least) in [
        ("persons", 600),
        ("deals", 500),
        ("organizations", 200),
        ("products", 100),
    ] {
        let (first, pages) = walk_v1(&sandbox, &format!("/v1/{name}"), 100).await;
        assert!(
            first.len() > least && pages == first.len().div_ceil(100),
            "{name}: {}",
            first.len()
        );
        let (second, _) = walk_v2(&sandbox, &format!("/api/v2/{name}"), 70).await;
        assert_eq!(ids(&first), ids(&second), "{name}");
        assert!(ids(&first).is_sorted());
    }
    let all = get(&sandbox, "/v1/persons?limit=9999").await.json();
    assert_eq!(all["data"].as_array().map(Vec::len), Some(500));
    let past = get(&sandbox, "/v1/persons?start=9999").await.json();
    assert_eq!(
        (
            &past["data"],
            &past["additional_data"]["pagination"]["more_items_in_collection"]
        ),
        (&Value::Null, &json!(false))
    );
    assert_eq!(
        get(&sandbox, "/api/v2/persons?ids=99999").await.json()["data"],
        json!([])
    );
    // A cursor goes on where it was, whatever happened before it.
    let page = get(&sandbox, "/api/v2/deals?limit=50").await.json();
    let cursor = page["additional_data"]["next_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    call(&sandbox, Method::DELETE, "/api/v2/deals/1", Value::Null).await;
    let next = get(&sandbox, &format!("/api/v2/deals?limit=50&cursor={cursor}"))
        .await
        .json();
    let last = page["data"]
        .as_array()
        .and_then(|rows| rows.last())
        .and_then(|row| row["id"].as_u64());
    assert!(
        next["data"][0]["id"].as_u64() > last
            && next["data"][0]["id"].as_u64() <= last.map(|id| id + 2)
    );
    for query in [
        "limit=501",
        "limit=0",
        "cursor=%%%",
        "sort_by=name",
        "sort_direction=up",
        "type=call",
        "include_fields=nothing",
    ] {
        let reply = get(&sandbox, &format!("/api/v2/deals?{query}")).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (400, &json!("ERR_SCHEMA_VALIDATION_FAILED")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_person_lives_in_v1() {
    let sandbox = start().await;
    let body = json!({ "name": "Żó Łć", "email": ["a@x.example", "b@x.example"], "phone": "+1 555", "org_id": 5, "visible_to": "3", "unknown": 1 });
    let reply = call(&sandbox, Method::POST, "/v1/persons", body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let person = reply.json()["data"].clone();
    assert_eq!(
        (
            &person["first_name"],
            &person["last_name"],
            &person["visible_to"]
        ),
        (&json!("Żó"), &json!("Łć"), &json!("3"))
    );
    assert_eq!(
        (
            &person["org_id"]["value"],
            &person["owner_id"]["value"],
            &person["first_char"]
        ),
        (&json!(5), &json!(11), &json!("ż"))
    );
    assert_eq!(
        person["email"][1],
        json!({ "value": "b@x.example", "primary": false, "label": "work" })
    );
    assert_eq!(
        reply.json()["related_objects"]["organization"]["5"]["id"],
        5
    );
    assert!(reply.header("x-daily-requests-left").is_some());
    let time = person["add_time"].as_str().expect("a time");
    assert!(time.len() == 19 && time.as_bytes()[10] == b' ', "{time}");
    let path = format!("/v1/persons/{}", person["id"]);
    let changed = data(&sandbox, Method::PUT, &path, json!({ "org_id": null })).await;
    assert_eq!(
        (&changed["org_id"], &changed["phone"][0]["value"]),
        (&Value::Null, &json!("+1 555"))
    );
    assert_eq!(
        data(&sandbox, Method::DELETE, &path, Value::Null).await,
        json!({ "id": person["id"] })
    );
    // Deleted ones can still be read, and are in no list.
    assert_eq!(
        data(&sandbox, Method::GET, &path, Value::Null).await["active_flag"],
        false
    );
    assert_eq!(
        call(&sandbox, Method::PUT, &path, json!({ "name": "x" }))
            .await
            .parts(),
        general(404, "Person not found")
    );
    assert!(
        !ids(&walk_v1(&sandbox, "/v1/persons", 500).await.0)
            .contains(&person["id"].as_u64().expect("an id"))
    );
    assert_eq!(
        call(&sandbox, Method::POST, "/v1/persons", json!({}))
            .await
            .parts(),
        general(400, "Name must be given.")
    );
    assert_eq!(
        get(&sandbox, "/v1/persons/-1").await.parts(),
        general(404, "Person not found")
    );
}

#[tokio::test]
async fn a_deal_lives_in_v2() {
    let sandbox = start().await;
    let deal = data(
        &sandbox,
        Method::POST,
        "/api/v2/deals",
        json!({ "title": "t", "stage_id": 7, "person_id": 1, "value": 12.5 }),
    )
    .await;
    assert_eq!(
        (&deal["pipeline_id"], &deal["person_id"], &deal["status"]),
        (&json!(2), &json!(1), &json!("open"))
    );
    let path = format!("/api/v2/deals/{}", deal["id"]);
    let won = data(&sandbox, Method::PATCH, &path, json!({ "status": "won" })).await;
    assert!(
        won["won_time"].is_string()
            && won["lost_time"].is_null()
            && won["close_time"] == won["won_time"]
    );
    let open = data(&sandbox, Method::PATCH, &path, json!({ "status": "open" })).await;
    assert_eq!(
        (&open["won_time"], &open["close_time"]),
        (&Value::Null, &Value::Null)
    );
    let first = data(
        &sandbox,
        Method::GET,
        &path.replace("/api/v2", "/v1"),
        Value::Null,
    )
    .await;
    assert_eq!(
        (
            &first["person_id"]["value"],
            &first["user_id"]["value"],
            &first["value"]
        ),
        (&json!(1), &json!(11), &json!(12.5))
    );
    for (body, part) in [
        (json!({}), "title: Required"),
        (
            json!({ "title": "t", "value": "12" }),
            "value: Expected number",
        ),
        (
            json!({ "title": "t", "user_id": 1 }),
            "user_id: Unrecognized key",
        ),
        (
            json!({ "title": "t", "person_id": 99_999 }),
            "person_id: no such record",
        ),
        (
            json!({ "title": "t", "status": "maybe" }),
            "status: must be one of open",
        ),
        (
            json!({ "title": "t", "custom_fields": { "no": 1 } }),
            "custom_fields.no: Unrecognized key",
        ),
    ] {
        let reply = call(&sandbox, Method::POST, "/api/v2/deals", body).await;
        assert_eq!(reply.status, 400);
        let text = reply.json()["error"].as_str().expect("a text").to_owned();
        assert!(text.contains(part), "{text}");
    }
    data(&sandbox, Method::DELETE, &path, Value::Null).await;
    let deleted = data(&sandbox, Method::GET, &path, Value::Null).await;
    assert_eq!(
        (&deleted["is_deleted"], &deleted["status"]),
        (&json!(true), &json!("deleted"))
    );
    let (gone, _) = walk_v1(&sandbox, "/v1/deals?status=deleted", 100).await;
    assert!(ids(&gone).contains(&deal["id"].as_u64().expect("an id")));
    let missing = get(&sandbox, "/api/v2/deals/99999").await;
    assert_eq!(
        (missing.status.as_u16(), &missing.json()["error"]),
        (404, &json!("Entity was not found"))
    );
    let bad = sandbox
        .call(Method::POST, API, "/api/v2/deals")
        .header("x-api-token", ADMIN)
        .body("application/json", "{");
    assert_eq!(bad.answer().await.status, 400);
}

#[tokio::test]
async fn lists_are_selected_and_sorted() {
    let sandbox = start().await;
    let changed = data(
        &sandbox,
        Method::PUT,
        "/v1/deals/3",
        json!({ "lost_reason": "x" }),
    )
    .await;
    let since = changed["update_time"]
        .as_str()
        .expect("a time")
        .replace(' ', "T")
        + "Z";
    let rows = get(
        &sandbox,
        &format!("/api/v2/deals?updated_since={since}&sort_by=update_time"),
    )
    .await
    .json();
    assert_eq!(ids(rows["data"].as_array().expect("rows")), [3]);
    let rows = get(&sandbox, "/v1/deals?sort=update_time%20DESC&limit=3")
        .await
        .json();
    assert_eq!(rows["data"][0]["id"], 3);
    for (path, member, wanted) in [
        ("/v1/deals?status=won", "status", json!("won")),
        ("/v1/deals?stage_id=4", "stage_id", json!(4)),
        ("/api/v2/deals?person_id=4", "person_id", json!(4)),
        ("/api/v2/persons?org_id=2", "org_id", json!(2)),
        ("/api/v2/activities?done=true", "done", json!(true)),
        ("/v1/activities?user_id=0&done=0", "done", json!(false)),
        ("/v1/notes?deal_id=4", "deal_id", json!(4)),
        ("/v1/persons?first_char=a", "first_char", json!("a")),
    ] {
        let rows = get(&sandbox, path).await.json()["data"]
            .as_array()
            .cloned()
            .expect("rows");
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row[member] == wanted),
            "{path}"
        );
    }
    // Without a user it is the token's own.
    let other = sandbox
        .call(Method::GET, API, "/v1/activities")
        .header("x-api-token", FIRST)
        .answer()
        .await;
    assert_eq!(other.json()["data"], Value::Null);
    assert_eq!(get(&sandbox, "/v1/deals?sort=nothing").await.status, 400);
    let archived = get(&sandbox, "/v1/deals/70").await.json();
    assert_eq!(archived["data"]["is_archived"], true);
    assert!(!ids(&walk_v1(&sandbox, "/v1/deals", 500).await.0).contains(&70));
}
