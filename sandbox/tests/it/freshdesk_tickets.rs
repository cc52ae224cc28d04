//! Freshdesk v2 tickets: requesters, the window of the list, filters, the trash, embedding, searching, files.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Call, Reply, Running, start};
use crate::freshdesk::validation;
use crate::freshdesk_contacts::{distinct, ids, made, send, walk};

pub const FAR: &str = "updated_since=2000-01-01T00:00:00Z";

fn multipart(call: Call, parts: &[(&str, Option<&str>, &str)]) -> Call {
    let mut body = String::new();
    for (name, file, content) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\"\r\nContent-Type: text/plain"))
            .unwrap_or_default();
        body.push_str(&format!(
            "--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str("--XyZ--\r\n");
    call.body("multipart/form-data; boundary=XyZ", &body)
}

pub async fn ticket(sandbox: &Running, subject: &str) -> u64 {
    let body = json!({ "email": "asker@new.example", "subject": subject, "description": "<p>a &amp; b</p>" });
    made(sandbox, "tickets", body).await["id"]
        .as_u64()
        .expect("an id")
}

#[tokio::test]
async fn the_list_shows_a_month_unless_asked_for_more() {
    let sandbox = start().await;
    let (month, _) = walk(&sandbox, "tickets?per_page=100").await;
    let (all, pages) = walk(&sandbox, &format!("tickets?{FAR}&per_page=100")).await;
    assert!(
        all.len() > 300 && pages == 4 && month.len() < all.len(),
        "{} of {}",
        month.len(),
        all.len()
    );
    assert_eq!((distinct(&all), distinct(&month)), (all.len(), month.len()));
    let times: Vec<&str> = month
        .iter()
        .filter_map(|row| row["created_at"].as_str())
        .collect();
    assert!(times.is_sorted_by(|left, right| left >= right));
    assert!(
        times.windows(2).any(|pair| pair[0] == pair[1]),
        "equal times are part of the seed"
    );
    assert!(month[0].get("description").is_none() && month[0].get("attachments").is_none());
    for (view, member) in [("deleted", "deleted"), ("spam", "spam")] {
        let (rows, _) = walk(&sandbox, &format!("tickets?filter={view}&{FAR}")).await;
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row[member] == true),
            "{view}"
        );
        assert!(
            rows.iter()
                .all(|row| !ids(&all).contains(&row["id"].as_u64().expect("an id")))
        );
    }
    let (oldest, _) = walk(
        &sandbox,
        &format!("tickets?{FAR}&order_by=updated_at&order_type=asc&per_page=100"),
    )
    .await;
    let times: Vec<&str> = oldest
        .iter()
        .filter_map(|row| row["updated_at"].as_str())
        .collect();
    assert!(times.is_sorted());
    for (query, field) in [
        ("filter=mine", "filter"),
        ("order_by=id", "order_by"),
        ("order_type=up", "order_type"),
        ("include=all", "include"),
        ("page=301", "page"),
    ] {
        validation(
            field,
            "invalid_value",
            &sandbox.get(&format!("/api/v2/tickets?{query}")).await,
        );
    }
}

#[tokio::test]
async fn requesters_are_found_or_made() {
    let sandbox = start().await;
    let id = ticket(&sandbox, "first").await;
    let shown = sandbox
        .get(&format!(
            "/api/v2/tickets/{id}?include=requester,company,stats,conversations"
        ))
        .await;
    let body = shown.json();
    assert_eq!(
        (&body["requester"]["email"], &body["requester"]["name"]),
        (&json!("asker@new.example"), &json!("asker"))
    );
    assert_eq!(
        (&body["description_text"], &body["conversations"]),
        (&json!("a & b"), &json!([]))
    );
    assert!(body["stats"].get("resolved_at").is_some());
    assert_eq!(shown.header("x-ratelimit-used-currentrequest"), Some("6"));
    let again = made(
        &sandbox,
        "tickets",
        json!({ "email": "asker@new.example", "subject": "2", "description": "d" }),
    )
    .await;
    assert_eq!(again["requester_id"], body["requester_id"]);
    assert_eq!(
        (&again["status"], &again["priority"], &again["source"]),
        (&json!(2), &json!(1), &json!(2))
    );
    // Filled a moment later.
    assert_eq!(again["due_by"], Value::Null);
    assert!(body["due_by"].is_string());
    let (rows, _) = walk(&sandbox, "tickets?email=asker%40new.example").await;
    assert_eq!(rows.len(), 2);
    let nobody = send(
        &sandbox,
        Method::POST,
        "tickets",
        json!({ "subject": "s", "description": "d" }),
    )
    .await;
    validation("requester_id", "missing_field", &nobody);
    let nameless = send(
        &sandbox,
        Method::POST,
        "tickets",
        json!({ "phone": "+1 1", "subject": "s", "description": "d" }),
    )
    .await;
    validation("name", "missing_field", &nameless);
    let due = json!({ "email": "a@b.example", "subject": "s", "description": "d", "due_by": "2099-01-01" });
    validation(
        "fr_due_by",
        "missing_field",
        &send(&sandbox, Method::POST, "tickets", due).await,
    );
    for (body, field, code) in [
        (json!({ "status": 99 }), "status", "invalid_value"),
        (json!({ "status": "2" }), "status", "datatype_mismatch"),
        (json!({ "type": "Wish" }), "type", "invalid_value"),
        (
            json!({ "responder_id": 7 }),
            "responder_id",
            "invalid_value",
        ),
        (json!({ "cc_emails": [] }), "cc_emails", "invalid_field"),
        (
            json!({ "created_at": "2020-01-01" }),
            "created_at",
            "invalid_field",
        ),
    ] {
        validation(
            field,
            code,
            &send(&sandbox, Method::PUT, &format!("tickets/{id}"), body).await,
        );
    }
}

#[tokio::test]
async fn the_trash_keeps_what_it_holds() {
    let sandbox = start().await;
    let id = ticket(&sandbox, "to the trash").await;
    let path = format!("tickets/{id}");
    let done = send(
        &sandbox,
        Method::PUT,
        &path,
        json!({ "status": 5, "tags": ["a"] }),
    )
    .await
    .json();
    assert_eq!((&done["status"], &done["tags"]), (&json!(5), &json!(["a"])));
    assert_eq!(
        send(&sandbox, Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        send(&sandbox, Method::GET, &path, Value::Null).await.json()["deleted"],
        true
    );
    for (method, path) in [
        (Method::PUT, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/notes")),
    ] {
        let reply = send(&sandbox, method, &path, json!({ "body": "x" })).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("allow")),
            (405, Some("GET")),
            "{path}"
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
        send(
            &sandbox,
            Method::PUT,
            &format!("{path}/restore"),
            Value::Null
        )
        .await
        .status,
        404
    );
    assert!(
        send(&sandbox, Method::GET, &path, Value::Null)
            .await
            .json()
            .get("deleted")
            .is_none()
    );
    assert_eq!(sandbox.get("/api/v2/tickets/99999").await.body.len(), 0);
}

#[tokio::test]
async fn notes_and_replies_are_conversations() {
    let sandbox = start().await;
    let id = ticket(&sandbox, "talk").await;
    let note = send(
        &sandbox,
        Method::POST,
        &format!("tickets/{id}/notes"),
        json!({ "body": "<b>in</b>", "notify_emails": ["a@b.example"] }),
    )
    .await;
    let note_body = note.json();
    assert_eq!(
        (
            note.status.as_u16(),
            &note_body["private"],
            &note_body["notified_to"]
        ),
        (201, &json!(true), &json!(["a@b.example"]))
    );
    assert!(note_body.get("to_emails").is_none() && note_body["body_text"] == "in");
    let reply = made(
        &sandbox,
        &format!("tickets/{id}/reply"),
        json!({ "body": "out" }),
    )
    .await;
    assert_eq!(reply["replied_to"], json!(["asker@new.example"]));
    let (rows, _) = walk(&sandbox, &format!("tickets/{id}/conversations")).await;
    assert_eq!(
        ids(&rows),
        [
            note_body["id"].as_u64().expect("an id"),
            reply["id"].as_u64().expect("an id")
        ]
    );
    let changed = send(
        &sandbox,
        Method::PUT,
        &format!("conversations/{}", note_body["id"]),
        json!({ "body": "new" }),
    )
    .await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json()["body"]),
        (200, &json!("new"))
    );
    let refused = send(
        &sandbox,
        Method::PUT,
        &format!("conversations/{}", reply["id"]),
        json!({ "body": "new" }),
    )
    .await;
    assert_eq!(refused.status, 405);
    assert_eq!(
        send(
            &sandbox,
            Method::DELETE,
            &format!("conversations/{}", reply["id"]),
            Value::Null
        )
        .await
        .status,
        204
    );
    // More than a page on the first ticket of the seed, ten of them embedded.
    let (many, pages) = walk(&sandbox, "tickets/1/conversations").await;
    assert!(many.len() > 100 && pages == many.len().div_ceil(30));
    let embedded = sandbox
        .get("/api/v2/tickets/1?include=conversations")
        .await
        .json();
    assert_eq!(embedded["conversations"].as_array().map(Vec::len), Some(10));
}

async fn fetch(sandbox: &Running, url: &str, key: bool) -> Reply {
    let path = url
        .strip_prefix("https://cdn.freshdesk.com")
        .expect("the host of files");
    let call = sandbox.call(Method::GET, "cdn.freshdesk.com", path);
    let call = if key {
        call.basic("sandbox-freshdesk-key", "X")
    } else {
        call
    };
    call.answer().await
}

#[tokio::test]
async fn files_come_in_and_go_out() {
    let sandbox = start().await;
    let call = sandbox.admin(Method::POST, "/api/v2/tickets");
    let reply = multipart(
        call,
        &[
            ("email", None, "files@new.example"),
            ("subject", None, "with files"),
            ("description", None, "d"),
            ("priority", None, "3"),
            ("tags[]", None, "one"),
            ("tags[]", None, "two"),
            ("custom_fields[cf_category]", None, "Primary"),
            ("custom_fields[cf_seats]", None, "4"),
            ("attachments[]", Some("ä.txt"), "first"),
            ("attachments[]", Some("b.txt"), "second\r\nline"),
        ],
    )
    .answer()
    .await;
    let body = reply.json();
    assert_eq!(reply.status, 201, "{body}");
    assert_eq!(
        (&body["priority"], &body["tags"]),
        (&json!(3), &json!(["one", "two"]))
    );
    assert_eq!(
        (
            &body["custom_fields"]["cf_category"],
            &body["custom_fields"]["cf_seats"]
        ),
        (&json!("Primary"), &json!(4))
    );
    let file = &body["attachments"][1];
    assert_eq!(
        (&file["name"], &file["file_size"], &file["content_type"]),
        (&json!("b.txt"), &json!(12), &json!("text/plain"))
    );
    let url = file["attachment_url"].as_str().expect("a link");
    let fetched = fetch(&sandbox, url, false).await;
    assert_eq!(
        (
            fetched.status.as_u16(),
            fetched.body.as_ref(),
            fetched.header("content-type")
        ),
        (200, b"second\r\nline".as_slice(), Some("text/plain"))
    );
    // The link is all that is needed, and nothing else opens it.
    assert_eq!(fetch(&sandbox, url, true).await.status, 400);
    assert_eq!(
        fetch(&sandbox, &url.replace("Signature=", "Signature=0"), false)
            .await
            .status,
        403
    );
    let call = sandbox.admin(
        Method::POST,
        &format!("/api/v2/tickets/{}/reply", body["id"]),
    );
    let answered = multipart(
        call,
        &[
            ("body", None, "see"),
            ("attachments[]", Some("c.txt"), "third"),
        ],
    )
    .answer()
    .await
    .json();
    assert_eq!(answered["attachments"][0]["size"], 5);
    assert_eq!(
        send(
            &sandbox,
            Method::DELETE,
            &format!("attachments/{}", file["id"]),
            Value::Null
        )
        .await
        .status,
        204
    );
    assert_eq!(fetch(&sandbox, url, false).await.status, 404);
    let left = sandbox
        .get(&format!("/api/v2/tickets/{}", body["id"]))
        .await
        .json();
    assert_eq!(left["attachments"].as_array().map(Vec::len), Some(1));
    let call = sandbox.admin(
        Method::POST,
        &format!("/api/v2/tickets/{}/notes", body["id"]),
    );
    let large = "x".repeat(21 * 1024 * 1024);
    validation(
        "attachments",
        "invalid_value",
        &multipart(
            call,
            &[("body", None, "b"), ("attachments[]", Some("l"), &large)],
        )
        .answer()
        .await,
    );
    // Calls without files take JSON alone.
    let call = sandbox.admin(Method::POST, "/api/v2/companies");
    assert_eq!(
        multipart(call, &[("name", None, "x")])
            .answer()
            .await
            .status,
        415
    );
}
