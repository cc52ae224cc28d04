//! Every call about Pipedrive's records against the official descriptions: paths, parameters, bodies, answers, costs.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Running, start};
use crate::described::{Described, Document};
use crate::pipedrive::{ADMIN, API, daily_left};

/// The call as the description has it, the numbers and parameters it is made with, and its body.
type Exchange = (&'static str, &'static str, Value);

async fn exchange(
    sandbox: &Running,
    described: &mut Described,
    document: &Document,
    prefix: &str,
    (call, real, body): &Exchange,
) {
    let (method, path) = call.split_once(' ').expect("method and path");
    let (numbers, query) = real.split_once('?').unwrap_or((real, ""));
    let mut numbers = numbers.split(',');
    let path: Vec<&str> = path
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                numbers.next().expect("a number")
            } else {
                segment
            }
        })
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    let method: Method = method.parse().expect("a method");
    let path = format!("{prefix}{}{query}", path.join("/"));
    let before = left(sandbox).await;
    let request = sandbox
        .call(method, API, &path)
        .header("x-api-token", ADMIN);
    let request = match body {
        Value::Null => request,
        Value::String(form) if form.starts_with("--") => {
            request.body("multipart/form-data; boundary=B", form)
        }
        Value::String(form) => request.body("application/x-www-form-urlencoded", form),
        body => request.json(body),
    };
    let reply = request.answer().await;
    if !reply.status.is_success() {
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        described.note(call, format!("{path} is {}: {text}", reply.status));
        return;
    }
    let paid = before - daily_left(&reply);
    let operation = document.operation(call);
    if let Some(operation) = operation.filter(|operation| operation["x-token-cost"] != paid) {
        let price = &operation["x-token-cost"];
        described.note(call, format!("cost {paid} and not {price}"));
    }
    let names = query
        .trim_start_matches('?')
        .split('&')
        .filter_map(|pair| pair.split('=').next());
    let names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(|name| format!("query {name}"))
        .collect();
    let mut sent: Vec<&str> = names.iter().map(String::as_str).collect();
    sent.push("header x-api-token");
    if call.ends_with("/download") {
        return;
    }
    described.check(document, call, &sent, &reply);
    if body.is_object() {
        described.request(document, call, body);
    }
}

/// What is left of the day, without spending any of it that counts: the price of asking is known.
async fn left(sandbox: &Running) -> u64 {
    let call = sandbox.call(Method::GET, API, "/v1/users/me");
    daily_left(&call.header("x-api-token", ADMIN).answer().await)
}

fn filter() -> Value {
    json!({ "name": "f", "type": "deals", "conditions": { "glue": "and", "conditions": [
        { "glue": "and", "conditions": [{ "object": "deal", "field_id": "12401", "operator": "=", "value": "x", "extra_value": null }] },
        { "glue": "or", "conditions": [] },
    ] } })
}

const FILE: &str = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nx\r\n--B--\r\n";

/// The calls of v1 that stay.
fn lasting() -> Vec<Exchange> {
    let none = Value::Null;
    let field = json!({ "name": "New", "field_type": "varchar" });
    vec![
        ("GET /users", "", none.clone()),
        ("GET /users/{id}", "11", none.clone()),
        ("GET /users/find", "?term=Sample", none.clone()),
        ("POST /users", "", json!({ "email": "new@sample.com" })),
        ("PUT /users/{id}", "12", json!({ "active_flag": true })),
        ("GET /activityTypes", "", none.clone()),
        (
            "POST /activityTypes",
            "",
            json!({ "name": "Video", "icon_key": "camera", "color": "FFFFFF" }),
        ),
        ("PUT /activityTypes/{id}", "7", json!({ "color": "000000" })),
        ("DELETE /activityTypes/{id}", "7", none.clone()),
        ("GET /filters", "?type=deals", none.clone()),
        ("POST /filters", "", filter()),
        ("GET /filters/{id}", "1", none.clone()),
        (
            "PUT /filters/{id}",
            "1",
            json!({ "name": "g", "conditions": filter()["conditions"] }),
        ),
        ("DELETE /filters/{id}", "1", none.clone()),
        ("GET /notes", "?deal_id=4&start=0&limit=10", none.clone()),
        ("POST /notes", "", json!({ "content": "c", "deal_id": 4 })),
        ("GET /notes/{id}", "1", none.clone()),
        ("PUT /notes/{id}", "1", json!({ "content": "d" })),
        ("DELETE /notes/{id}", "1", none.clone()),
        ("GET /leads", "?limit=10&start=0&sort=title", none.clone()),
        (
            "POST /leads",
            "",
            json!({ "title": "l", "person_id": 1, "value": { "amount": 1, "currency": "EUR" } }),
        ),
        (
            "GET /leads/{id}",
            "5a6d0a1e-0000-4000-8000-000000000002",
            none.clone(),
        ),
        (
            "PATCH /leads/{id}",
            "5a6d0a1e-0000-4000-8000-000000000002",
            json!({ "title": "m" }),
        ),
        (
            "DELETE /leads/{id}",
            "5a6d0a1e-0000-4000-8000-000000000002",
            none.clone(),
        ),
        ("GET /leads/search", "?term=Lead&limit=5", none.clone()),
        (
            "GET /files",
            "?start=0&limit=5&sort=id%20DESC",
            none.clone(),
        ),
        ("POST /files", "", json!(FILE)),
        ("GET /files/{id}", "1", none.clone()),
        ("GET /files/{id}/download", "1", none.clone()),
        ("PUT /files/{id}", "1", json!("name=b.txt")),
        ("DELETE /files/{id}", "1", none.clone()),
        ("GET /deals/{id}/files", "2", none.clone()),
        ("GET /deals/{id}/mailMessages", "1", none.clone()),
        ("GET /persons/{id}/mailMessages", "1", none.clone()),
        ("GET /organizations/{id}/mailMessages", "1", none.clone()),
        ("GET /mailbox/mailThreads", "?folder=inbox", none.clone()),
        ("GET /mailbox/mailThreads/{id}", "1", none.clone()),
        ("PUT /mailbox/mailThreads/{id}", "1", json!("read_flag=1")),
        ("DELETE /mailbox/mailThreads/{id}", "1", none.clone()),
        ("GET /personFields", "?start=0&limit=50", none.clone()),
        ("POST /personFields", "", field.clone()),
        ("GET /personFields/{id}", "9001", none.clone()),
        ("PUT /personFields/{id}", "40001", json!({ "name": "n" })),
        ("DELETE /personFields/{id}", "40001", none.clone()),
        ("GET /organizationFields", "", none.clone()),
        ("POST /organizationFields", "", field.clone()),
        ("GET /dealFields", "", none.clone()),
        ("POST /dealFields", "", field.clone()),
        ("GET /productFields", "", none.clone()),
        ("POST /productFields", "", field),
        ("GET /activityFields", "", none.clone()),
        ("GET /leadFields", "", none.clone()),
        ("GET /noteFields", "", none.clone()),
        (
            "GET /recents",
            "?since_timestamp=2020-01-01%2000:00:00&items=note&limit=5",
            none,
        ),
    ]
}

/// Those that v2 replaces: in the older description alone.
fn retiring() -> Vec<Exchange> {
    let none = Value::Null;
    vec![
        (
            "GET /persons",
            "?start=0&limit=5&sort=name%20ASC",
            none.clone(),
        ),
        (
            "POST /persons",
            "",
            json!({ "name": "n", "email": [{ "value": "a@b.example", "primary": true, "label": "work" }], "org_id": 1, "visible_to": "3" }),
        ),
        ("GET /persons/{id}", "1", none.clone()),
        ("PUT /persons/{id}", "1", json!({ "name": "m" })),
        ("GET /persons/{id}/activities", "1", none.clone()),
        ("GET /persons/{id}/deals", "1", none.clone()),
        (
            "GET /persons/search",
            "?term=Zimmer&fields=name",
            none.clone(),
        ),
        ("DELETE /persons/{id}", "1", none.clone()),
        ("DELETE /persons", "?ids=2,3", none.clone()),
        ("GET /organizations", "?limit=5", none.clone()),
        ("POST /organizations", "", json!({ "name": "n" })),
        ("GET /organizations/{id}", "1", none.clone()),
        ("PUT /organizations/{id}", "1", json!({ "name": "m" })),
        ("GET /organizations/{id}/persons", "1", none.clone()),
        ("GET /organizations/{id}/deals", "1", none.clone()),
        ("GET /organizations/{id}/activities", "1", none.clone()),
        (
            "GET /organizations/search",
            "?term=Acme&exact_match=false",
            none.clone(),
        ),
        ("DELETE /organizations/{id}", "1", none.clone()),
        ("GET /deals", "?status=open&limit=5", none.clone()),
        (
            "POST /deals",
            "",
            json!({ "title": "t", "value": "5", "currency": "EUR" }),
        ),
        ("GET /deals/{id}", "1", none.clone()),
        ("PUT /deals/{id}", "1", json!({ "status": "won" })),
        ("GET /deals/{id}/activities", "1", none.clone()),
        ("GET /deals/{id}/products", "1", none.clone()),
        (
            "POST /deals/{id}/products",
            "1",
            json!({ "product_id": 1, "item_price": 5, "quantity": 2 }),
        ),
        (
            "PUT /deals/{id}/products/{product_attachment_id}",
            "1,1",
            json!({ "quantity": 3 }),
        ),
        (
            "DELETE /deals/{id}/products/{product_attachment_id}",
            "1,1",
            none.clone(),
        ),
        (
            "GET /deals/search",
            "?term=printer&status=open",
            none.clone(),
        ),
        ("DELETE /deals/{id}", "1", none.clone()),
        ("GET /activities", "?user_id=0&limit=5&done=0", none.clone()),
        (
            "POST /activities",
            "",
            json!({ "subject": "s", "type": "call", "due_date": "2026-05-05", "due_time": "10:00", "deal_id": 2 }),
        ),
        ("GET /activities/{id}", "1", none.clone()),
        ("PUT /activities/{id}", "1", json!({ "subject": "t" })),
        ("DELETE /activities/{id}", "1", none.clone()),
        ("GET /pipelines", "", none.clone()),
        ("POST /pipelines", "", json!({ "name": "n" })),
        ("GET /pipelines/{id}", "1", none.clone()),
        ("GET /stages", "?pipeline_id=1", none.clone()),
        ("POST /stages", "", json!({ "name": "n", "pipeline_id": 1 })),
        ("GET /stages/{id}", "1", none.clone()),
        ("PUT /stages/{id}", "1", json!({ "name": "m" })),
        ("DELETE /stages/{id}", "1", none.clone()),
        ("GET /products", "?limit=5", none.clone()),
        ("POST /products", "", json!({ "name": "n" })),
        ("GET /products/{id}", "1", none.clone()),
        ("PUT /products/{id}", "1", json!({ "name": "m" })),
        ("DELETE /products/{id}", "1", none.clone()),
        ("GET /products/search", "?term=Product", none.clone()),
        (
            "GET /itemSearch",
            "?term=Acme&item_types=deal,organization",
            none,
        ),
    ]
}

fn second() -> Vec<Exchange> {
    let none = Value::Null;
    let mut calls = Vec::new();
    for (list, one, body, change) in [
        (
            "persons",
            "1",
            json!({ "name": "n", "emails": [{ "value": "a@b.example", "primary": true, "label": "work" }] }),
            json!({ "name": "m" }),
        ),
        (
            "organizations",
            "1",
            json!({ "name": "n" }),
            json!({ "name": "m" }),
        ),
        (
            "deals",
            "1",
            json!({ "title": "t", "value": 5 }),
            json!({ "status": "won" }),
        ),
        (
            "activities",
            "1",
            json!({ "subject": "s", "type": "call" }),
            json!({ "done": true }),
        ),
        (
            "products",
            "1",
            json!({ "name": "n", "prices": [{ "price": 5, "currency": "EUR" }] }),
            json!({ "name": "m" }),
        ),
        (
            "pipelines",
            "1",
            json!({ "name": "n" }),
            json!({ "name": "m" }),
        ),
        (
            "stages",
            "1",
            json!({ "name": "n", "pipeline_id": 1 }),
            json!({ "name": "m" }),
        ),
    ] {
        let leaked = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        calls.push((
            leaked(format!("GET /{list}")),
            "?limit=5&sort_by=id&sort_direction=desc",
            none.clone(),
        ));
        calls.push((leaked(format!("POST /{list}")), "", body));
        calls.push((leaked(format!("GET /{list}/{{id}}")), one, none.clone()));
        calls.push((leaked(format!("PATCH /{list}/{{id}}")), one, change));
    }
    calls.extend([
        (
            "GET /persons/{id}",
            "2?include_fields=notes_count,open_deals_count",
            none.clone(),
        ),
        (
            "GET /deals",
            "?updated_since=2020-01-01T00:00:00Z&status=open&limit=5",
            none.clone(),
        ),
        ("GET /deals/{id}/products", "2?limit=1", none.clone()),
        ("GET /deals/products", "?deal_ids=1,2", none.clone()),
        (
            "POST /deals/{id}/products",
            "2",
            json!({ "product_id": 2, "item_price": 5, "quantity": 2 }),
        ),
        (
            "PATCH /deals/{id}/products/{product_attachment_id}",
            "2,4",
            json!({ "quantity": 3 }),
        ),
        (
            "DELETE /deals/{id}/products/{product_attachment_id}",
            "2,4",
            none.clone(),
        ),
        (
            "GET /persons/search",
            "?term=Zimmer&fields=name&limit=3",
            none.clone(),
        ),
        ("GET /organizations/search", "?term=Acme", none.clone()),
        ("GET /deals/search", "?term=printer", none.clone()),
        ("GET /products/search", "?term=Product", none.clone()),
        ("GET /leads/search", "?term=Lead", none.clone()),
        (
            "GET /itemSearch",
            "?term=Acme&exact_match=false",
            none.clone(),
        ),
        ("GET /personFields", "?limit=20", none.clone()),
        ("GET /personFields/{field_code}", "name", none.clone()),
        (
            "POST /personFields",
            "",
            json!({ "field_name": "New", "field_type": "enum", "options": [{ "label": "a" }] }),
        ),
        ("GET /organizationFields", "", none.clone()),
        ("GET /dealFields", "", none.clone()),
        ("GET /productFields", "", none.clone()),
        ("GET /activityFields", "", none.clone()),
        ("DELETE /persons/{id}", "1", none.clone()),
        ("DELETE /organizations/{id}", "1", none.clone()),
        ("DELETE /deals/{id}", "1", none.clone()),
        ("DELETE /activities/{id}", "1", none.clone()),
        ("DELETE /products/{id}", "1", none.clone()),
        ("DELETE /stages/{id}", "1", none.clone()),
        ("DELETE /pipelines/{id}", "2", none),
    ]);
    calls
}

async fn all(vendor: &'static str, file: &str, prefix: &str, calls: Vec<Exchange>) {
    let Some(mut described) = Described::of(vendor) else {
        return;
    };
    let document = described.file(file);
    let sandbox = start().await;
    for call in &calls {
        exchange(&sandbox, &mut described, &document, prefix, call).await;
    }
    described.finish();
}

#[tokio::test]
async fn v1_is_as_described_in_january() {
    let mut calls = lasting();
    calls.extend(retiring());
    all(
        "pipedrive v1",
        "pipedrive-openapi-v1-2026-01.json",
        "/v1",
        calls,
    )
    .await;
}

#[tokio::test]
async fn what_stays_of_v1_is_as_described_in_august() {
    all(
        "pipedrive v1 later",
        "pipedrive-openapi-v1-2026-08.json",
        "/v1",
        lasting(),
    )
    .await;
}

#[tokio::test]
async fn v2_is_as_described() {
    all(
        "pipedrive v2",
        "pipedrive-openapi-v2-2026-08.json",
        "/api/v2",
        second(),
    )
    .await;
}
