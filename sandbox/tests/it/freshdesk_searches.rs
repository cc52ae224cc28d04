//! Freshdesk v2: searching, records that move between pages, and the smaller resources.

use http::Method;
use serde_json::{Value, json};

use crate::client::start;
use crate::freshdesk::validation;
use crate::freshdesk_contacts::{distinct, ids, made, send, walk};
use crate::freshdesk_tickets::{FAR, ticket};

#[tokio::test]
async fn searches_have_thirty_rows_and_ten_pages() {
    let sandbox = start().await;
    let search = async |kind: &str, query: &str, page: &str| {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        sandbox
            .get(&format!("/api/v2/search/{kind}?query={query}{page}"))
            .await
    };
    let reply = search("tickets", "\"priority:>3\"", "").await;
    let body = reply.json();
    let total = body["total"].as_u64().expect("a total");
    assert!(
        total > 60 && body["results"].as_array().map(Vec::len) == Some(30),
        "{total}"
    );
    assert!(
        body["results"]
            .as_array()
            .expect("rows")
            .iter()
            .all(|row| row["priority"].as_u64() >= Some(3))
    );
    let mut seen = Vec::new();
    for page in 1..=total.div_ceil(30).min(10) {
        let body = search("tickets", "\"priority:>3\"", &format!("&page={page}"))
            .await
            .json();
        seen.extend(ids(body["results"].as_array().expect("rows")));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len() as u64, total.min(300));
    for (kind, query) in [
        (
            "tickets",
            "\"(status:2 OR status:3) AND cf_category:'Primary'\"",
        ),
        ("contacts", "\"tag:'vip' AND active:true\""),
        ("companies", "\"domain:'company1.example'\""),
        ("tickets", "\"agent_id:null\""),
    ] {
        let body = search(kind, query, "").await.json();
        assert!(body["total"].as_u64() > Some(0), "{kind} {query}");
    }
    validation(
        "page",
        "invalid_value",
        &search("tickets", "\"status:2\"", "&page=11").await,
    );
    for query in ["status:2", "\"status:2", "\"status\"", "\"status:2 AND\""] {
        validation(
            "query",
            "invalid_value",
            &search("tickets", query, "").await,
        );
    }
    let long = format!("\"type:'{}'\"", "x".repeat(510));
    validation(
        "query",
        "invalid_value",
        &search("tickets", &long, "").await,
    );
    validation(
        "subject",
        "invalid_field",
        &search("tickets", "\"subject:'x'\"", "").await,
    );
    let lag = json!({ "search_lag_seconds": 3600 });
    sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", lag)
        .await;
    let made = made(&sandbox, "tickets", json!({ "email": "lag@new.example", "subject": "s", "description": "d", "tags": ["lagging"] })).await;
    assert_eq!(
        search("tickets", "\"tag:'lagging'\"", "").await.json()["total"],
        0,
        "{made}"
    );
}

#[tokio::test]
async fn records_move_between_pages_when_they_shall() {
    let sandbox = start().await;
    let list = format!("/api/v2/tickets?{FAR}&order_by=updated_at&order_type=desc&per_page=100");
    let quiet = ids(sandbox.get(&list).await.json().as_array().expect("rows"));
    assert_eq!(
        quiet,
        ids(sandbox.get(&list).await.json().as_array().expect("rows"))
    );
    let unrest = json!({ "unrest": [{ "table": "tickets", "change": "touch" }] });
    sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", unrest)
        .await;
    let (rows, _) = walk(&sandbox, &list["/api/v2/".len()..]).await;
    // The touched one moved to the front: the first row of the second page repeats the last of the first.
    assert_eq!(rows.len() - distinct(&rows), 1);
    let unrest = json!({ "unrest": [{ "table": "tickets", "change": "remove" }] });
    sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", unrest)
        .await;
    let before = distinct(
        &walk(
            &sandbox,
            &format!("tickets?{FAR}&per_page=100&order_by=status"),
        )
        .await
        .0,
    );
    let (after, _) = walk(
        &sandbox,
        &format!("tickets?{FAR}&per_page=100&order_by=status"),
    )
    .await;
    assert_eq!(
        before,
        after.len(),
        "one was removed, and one was passed over on the first walk"
    );
    let ties = json!({ "shifting_ties": true });
    sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", ties)
        .await;
    let by_status = format!("/api/v2/tickets?{FAR}&order_by=status");
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..4 {
        orders.insert(ids(sandbox
            .get(&by_status)
            .await
            .json()
            .as_array()
            .expect("rows")));
    }
    assert!(orders.len() > 1);
}

#[tokio::test]
async fn the_smaller_resources_are_there() {
    let sandbox = start().await;
    let id = ticket(&sandbox, "time").await;
    let entry = made(
        &sandbox,
        &format!("tickets/{id}/time_entries"),
        json!({ "time_spent": "01:15", "note": "n" }),
    )
    .await;
    assert_eq!(
        (&entry["ticket_id"], &entry["billable"], &entry["agent_id"]),
        (&json!(id), &json!(true), &json!(431))
    );
    let path = format!("time_entries/{}", entry["id"]);
    assert_eq!(
        send(&sandbox, Method::PUT, &path, json!({ "billable": false }))
            .await
            .json()["billable"],
        false
    );
    validation(
        "time_spent",
        "invalid_value",
        &send(
            &sandbox,
            Method::PUT,
            &path,
            json!({ "time_spent": "long" }),
        )
        .await,
    );
    assert_eq!(
        sandbox
            .get(&format!("/api/v2/tickets/{id}/time_entries"))
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let (entries, _) = walk(&sandbox, "time_entries").await;
    assert!(entries.len() > 40);
    assert_eq!(
        send(&sandbox, Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    let rating = made(
        &sandbox,
        &format!("tickets/{id}/satisfaction_ratings"),
        json!({ "ratings": { "default_question": 103 } }),
    )
    .await;
    assert_eq!(rating["ticket_id"], json!(id));
    assert!(walk(&sandbox, "surveys/satisfaction_ratings").await.0.len() > 40);
    assert_eq!(walk(&sandbox, "products").await.0.len(), 3);
    let mail = made(
        &sandbox,
        "tickets/outbound_email",
        json!({ "email": "o@new.example", "subject": "s", "email_config_id": 1 }),
    )
    .await;
    assert_eq!((&mail["status"], &mail["source"]), (&json!(5), &json!(10)));
    let body = json!({ "bulk_action": { "ids": [id], "properties": { "priority": 4 }, "reply": { "body": "all" } } });
    let job = send(&sandbox, Method::POST, "tickets/bulk_update", body).await;
    assert_eq!(job.status, 202);
    let href = job.json()["href"]
        .as_str()
        .expect("a link")
        .replace("https://sample.freshdesk.com", "");
    assert_eq!(sandbox.get(&href).await.json()["status"], "COMPLETED");
    assert_eq!(
        sandbox.get(&format!("/api/v2/tickets/{id}")).await.json()["priority"],
        4
    );
    let body = json!({ "bulk_action": { "ids": [id] } });
    assert_eq!(
        send(&sandbox, Method::POST, "tickets/bulk_delete", body)
            .await
            .status,
        202
    );
    assert_eq!(
        sandbox.get(&format!("/api/v2/tickets/{id}")).await.json()["deleted"],
        true
    );
}
