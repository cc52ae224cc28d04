//! Freshdesk v2 contacts and companies: real state, paging, filters, soft deletion, conflicts.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, Running, SAMPLE, start};
use crate::freshdesk::validation;

pub async fn send(sandbox: &Running, method: Method, path: &str, body: Value) -> Reply {
    let call = sandbox.admin(method, &format!("/api/v2/{path}"));
    let call = if body.is_null() {
        call
    } else {
        call.json(&body)
    };
    call.answer().await
}

pub async fn made(sandbox: &Running, path: &str, body: Value) -> Value {
    let reply = send(sandbox, Method::POST, path, body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

/// Every row of a list, page by page along its links, and how many pages there were.
pub async fn walk(sandbox: &Running, path: &str) -> (Vec<Value>, usize) {
    let mut next = Some(format!("/api/v2/{path}"));
    let (mut rows, mut pages) = (Vec::new(), 0);
    while let Some(path) = next {
        let reply = sandbox.get(&path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        rows.extend(reply.json().as_array().cloned().expect("a bare list"));
        pages += 1;
        assert!(pages < 50, "{path} does not end");
        next = reply.header("link").map(|link| {
            let url = link
                .strip_prefix('<')
                .and_then(|link| link.split_once(">; rel=\"next\""));
            let (url, rest) = url.expect("one link to the next page");
            assert_eq!(rest, "");
            url.strip_prefix("https://sample.freshdesk.com")
                .expect("an absolute link")
                .to_owned()
        });
    }
    (rows, pages)
}

pub fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().filter_map(|row| row["id"].as_u64()).collect()
}

pub fn distinct(rows: &[Value]) -> usize {
    let ids: std::collections::BTreeSet<u64> = ids(rows).into_iter().collect();
    ids.len()
}

#[tokio::test]
async fn pages_hold_every_contact_once() {
    let sandbox = start().await;
    let (rows, pages) = walk(&sandbox, "contacts?per_page=100").await;
    assert!(
        rows.len() > 250 && pages == rows.len().div_ceil(100),
        "{} in {pages}",
        rows.len()
    );
    assert_eq!(distinct(&rows), rows.len());
    let (by_default, _) = walk(&sandbox, "contacts").await;
    assert_eq!(ids(&by_default), ids(&rows));
    let names: Vec<String> = rows
        .iter()
        .map(|row| row["name"].as_str().expect("a name").to_lowercase())
        .collect();
    assert!(names.is_sorted());
    // Rows lack what is costly; deleted and blocked ones are not among them.
    assert!(rows[0].get("tags").is_none() && rows[0].get("other_emails").is_none());
    assert!(rows.iter().all(|row| row.get("deleted").is_none()));
    let (deleted, _) = walk(&sandbox, "contacts?state=deleted").await;
    assert!(!deleted.is_empty() && deleted.iter().all(|row| row["deleted"] == true));
    let (blocked, _) = walk(&sandbox, "contacts?state=blocked").await;
    assert!(
        !blocked.is_empty()
            && blocked
                .iter()
                .all(|row| !ids(&rows).contains(&row["id"].as_u64().expect("an id")))
    );
    let past = sandbox.get("/api/v2/contacts?page=400").await;
    assert_eq!((past.json(), past.header("link")), (json!([]), None));
}

#[tokio::test]
async fn a_contact_lives_from_201_to_405() {
    let sandbox = start().await;
    let body = json!({
        "name": "Żółć O'Brien", "email": "z''a@b.example", "other_emails": ["second@b.example"], "tags": ["x"],
        "custom_fields": { "cf_vip": true, "cf_met_on": "2024-02-29" },
    });
    let reply = send(&sandbox, Method::POST, "contacts", body).await;
    let contact = reply.json();
    let id = contact["id"].as_u64().expect("an id");
    let location = format!("https://sample.freshdesk.com/api/v2/contacts/{id}");
    assert_eq!(
        (reply.status.as_u16(), reply.header("location")),
        (201, Some(location.as_str()))
    );
    assert_eq!(
        (&contact["phone"], &contact["tags"], &contact["language"]),
        (&Value::Null, &json!(["x"]), &json!("en"))
    );
    let path = format!("contacts/{id}");
    // Only sent keys change, also within custom fields.
    let changed = send(
        &sandbox,
        Method::PUT,
        &path,
        json!({ "custom_fields": { "cf_floor": 3 } }),
    )
    .await;
    assert_eq!(
        (
            changed.status.as_u16(),
            &changed.json()["custom_fields"]["cf_vip"]
        ),
        (200, &json!(true))
    );
    let found = sandbox
        .get("/api/v2/contacts?email=z%27%27a%40b.example")
        .await
        .json();
    assert_eq!(ids(found.as_array().expect("a list")), [id]);
    let deleted = send(&sandbox, Method::DELETE, &path, Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    assert_eq!(
        send(&sandbox, Method::GET, &path, Value::Null).await.json()["deleted"],
        true
    );
    for (method, body) in [
        (Method::PUT, json!({ "name": "x" })),
        (Method::DELETE, Value::Null),
    ] {
        let refused = send(&sandbox, method, &path, body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("allow")),
            (405, Some("GET"))
        );
    }
    assert_eq!(
        send(
            &sandbox,
            Method::PUT,
            &format!("{path}/restore"),
            Value::Null
        )
        .await
        .status,
        204
    );
    assert_eq!(
        send(&sandbox, Method::PUT, &path, json!({ "name": "x" }))
            .await
            .status,
        200
    );
    let hard = format!("{path}/hard_delete");
    assert_eq!(
        send(&sandbox, Method::DELETE, &hard, Value::Null)
            .await
            .status,
        405
    );
    assert_eq!(
        send(
            &sandbox,
            Method::DELETE,
            &format!("{hard}?force=true"),
            Value::Null
        )
        .await
        .status,
        204
    );
    let gone = send(&sandbox, Method::GET, &path, Value::Null).await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (404, 0));
}

#[tokio::test]
async fn mistakes_and_conflicts_are_worded_as_the_vendor_does() {
    let sandbox = start().await;
    validation(
        "name",
        "missing_field",
        &send(
            &sandbox,
            Method::POST,
            "contacts",
            json!({ "email": "a@b.example" }),
        )
        .await,
    );
    validation(
        "email",
        "missing_field",
        &send(&sandbox, Method::POST, "contacts", json!({ "name": "x" })).await,
    );
    for (body, field, code) in [
        (json!({ "id": 1 }), "id", "invalid_field"),
        (
            json!({ "custom_fields": { "cf_nothing": 1 } }),
            "custom_fields.cf_nothing",
            "invalid_field",
        ),
        (
            json!({ "custom_fields": { "cf_floor": "3" } }),
            "custom_fields.cf_floor",
            "datatype_mismatch",
        ),
        (
            json!({ "custom_fields": { "cf_segment": "Huge" } }),
            "custom_fields.cf_segment",
            "invalid_value",
        ),
        (
            json!({ "custom_fields": { "cf_met_on": "2024-02-30" } }),
            "custom_fields.cf_met_on",
            "invalid_value",
        ),
        (json!({ "email": "no address" }), "email", "invalid_value"),
        (json!({ "company_id": 1 }), "company_id", "invalid_value"),
        (json!({ "name": "x".repeat(256) }), "name", "invalid_value"),
        (json!({ "name": "" }), "name", "missing_field"),
    ] {
        validation(
            field,
            code,
            &send(&sandbox, Method::PUT, "contacts/4001", body).await,
        );
    }
    let taken = send(
        &sandbox,
        Method::POST,
        "contacts",
        json!({ "name": "x", "email": "CONTACT1@company1.example" }),
    )
    .await;
    let body = taken.json();
    assert_eq!(
        (taken.status.as_u16(), &body["errors"][0]["code"]),
        (409, &json!("duplicate_value"))
    );
    assert_eq!(
        body["errors"][0]["additional_info"],
        json!({ "user_id": 4001 })
    );
    validation(
        "state",
        "invalid_value",
        &sandbox.get("/api/v2/contacts?state=odd").await,
    );
    validation(
        "colour",
        "invalid_field",
        &sandbox.get("/api/v2/contacts?colour=red").await,
    );
    validation(
        "per_page",
        "invalid_value",
        &sandbox.get("/api/v2/contacts?per_page=101").await,
    );
    validation(
        "updated_since",
        "invalid_value",
        &sandbox.get("/api/v2/contacts?updated_since=soon").await,
    );
}

#[tokio::test]
async fn what_changed_since_is_found_by_both_names() {
    let sandbox = start().await;
    let changed = send(
        &sandbox,
        Method::PUT,
        "contacts/4002",
        json!({ "job_title": "new" }),
    )
    .await
    .json();
    let since = changed["updated_at"].as_str().expect("a time");
    for name in ["updated_since", "_updated_since"] {
        let (rows, _) = walk(&sandbox, &format!("contacts?{name}={since}")).await;
        // Inclusive: the change itself is there.
        assert_eq!(ids(&rows), [4002], "{name}");
    }
}

#[tokio::test]
async fn companies_have_unique_names_and_leave_for_good() {
    let sandbox = start().await;
    let company = made(
        &sandbox,
        "companies",
        json!({ "name": "Zebra & Söhne", "domains": ["zebra.example"] }),
    )
    .await;
    let path = format!("companies/{}", company["id"]);
    let taken = send(
        &sandbox,
        Method::POST,
        "companies",
        json!({ "name": "zebra & söhne" }),
    )
    .await;
    assert_eq!(taken.status, 409);
    let found = sandbox
        .get("/api/v2/companies/autocomplete?name=S%C3%B6h")
        .await
        .json();
    assert_eq!(found["companies"][0]["id"], company["id"]);
    assert_eq!(
        sandbox
            .get("/api/v2/companies/autocomplete?name=ebra")
            .await
            .json()["companies"],
        json!([])
    );
    let contact = made(
        &sandbox,
        "contacts",
        json!({ "name": "x", "phone": "1", "company_id": company["id"] }),
    )
    .await;
    let (rows, pages) = walk(&sandbox, "companies").await;
    assert!(rows.len() > 100 && pages == rows.len().div_ceil(30));
    assert_eq!(
        send(&sandbox, Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        send(&sandbox, Method::GET, &path, Value::Null).await.status,
        404
    );
    let contact = sandbox
        .get(&format!("/api/v2/contacts/{}", contact["id"]))
        .await
        .json();
    assert_eq!(contact["company_id"], Value::Null);
}

#[tokio::test]
async fn merging_moves_tickets_and_addresses() {
    let sandbox = start().await;
    let first = made(
        &sandbox,
        "contacts",
        json!({ "name": "a", "email": "a@merge.example" }),
    )
    .await;
    let second = made(
        &sandbox,
        "contacts",
        json!({ "name": "b", "email": "b@merge.example" }),
    )
    .await;
    let ticket = made(
        &sandbox,
        "tickets",
        json!({ "requester_id": second["id"], "subject": "s", "description": "d" }),
    )
    .await;
    let body =
        json!({ "primary_contact_id": first["id"], "secondary_contact_ids": [second["id"]] });
    assert_eq!(
        send(&sandbox, Method::POST, "contacts/merge", body)
            .await
            .status,
        204
    );
    let kept = sandbox
        .get(&format!("/api/v2/contacts/{}", first["id"]))
        .await
        .json();
    assert_eq!(kept["other_emails"], json!(["b@merge.example"]));
    let ticket = sandbox
        .get(&format!("/api/v2/tickets/{}", ticket["id"]))
        .await
        .json();
    assert_eq!(ticket["requester_id"], first["id"]);
}

#[tokio::test]
async fn fields_tell_of_custom_ones_and_need_an_admin() {
    let sandbox = start().await;
    for (path, custom) in [
        ("contact_fields", "cf_vip"),
        ("company_fields", "cf_sector"),
        ("ticket_fields", "cf_category"),
    ] {
        let fields = sandbox.get(&format!("/api/v2/{path}")).await.json();
        let fields = fields.as_array().expect("a list");
        let field = fields
            .iter()
            .find(|field| field["name"] == custom)
            .expect("the custom field");
        assert_eq!(
            (
                &field["default"],
                field["type"].as_str().map(|kind| &kind[..7])
            ),
            (&json!(false), Some("custom_"))
        );
        let call = sandbox.call(Method::GET, SAMPLE, &format!("/api/v2/{path}"));
        let ordinary = call
            .basic("sandbox-freshdesk-agent-key", "X")
            .answer()
            .await;
        let status = if path == "ticket_fields" { 200 } else { 403 };
        assert_eq!(ordinary.status, status, "{path}");
    }
}

#[tokio::test]
async fn accounts_are_apart_and_a_full_one_says_so() {
    let sandbox = start().await;
    let account = json!({ "subdomain": "acme", "records_most": 3, "seed": { "contacts": 2 } });
    assert_eq!(
        sandbox
            .control(Method::POST, "freshdesk/accounts", account)
            .await
            .status,
        201
    );
    let call = |method, path: &str| {
        let call = sandbox.call(method, "acme.freshdesk.com", &format!("/api/v2/{path}"));
        call.basic("sandbox-freshdesk-key-acme", "X")
    };
    let contact = |number: u64| json!({ "name": "x", "phone": number.to_string() });
    assert_eq!(
        call(Method::GET, "contacts")
            .answer()
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        call(Method::POST, "contacts")
            .json(&contact(1))
            .answer()
            .await
            .status,
        201
    );
    let full = call(Method::POST, "contacts")
        .json(&contact(2))
        .answer()
        .await;
    assert_eq!(full.status, 507);
    assert!(
        full.json()["message"]
            .as_str()
            .is_some_and(|text| text.contains("at most 3 records"))
    );
    let most = json!({ "records_most": 4 });
    assert_eq!(
        sandbox
            .control(Method::PATCH, "freshdesk/accounts/acme", most)
            .await
            .status,
        200
    );
    assert_eq!(
        call(Method::POST, "contacts")
            .json(&contact(2))
            .answer()
            .await
            .status,
        201
    );
    let seed = json!({ "subdomain": "huge", "seed": { "tickets": 30_000 } });
    assert_eq!(
        sandbox
            .control(Method::POST, "freshdesk/accounts", seed)
            .await
            .status,
        400
    );
    let shown = sandbox
        .control(Method::GET, "freshdesk/accounts/acme", Value::Null)
        .await
        .json();
    assert_eq!(shown["records"]["contacts"], 4);
}
