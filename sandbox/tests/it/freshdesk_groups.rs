//! Freshdesk v2 writes, shown on groups: statuses, Location, strict bodies, conflicts.

use http::Method;
use serde_json::{Value, json};

use crate::client::{ME, Reply, Running, start};

async fn send(sandbox: &Running, method: Method, path: &str, body: Value) -> Reply {
    let path = format!("/api/v2/groups{path}");
    sandbox.admin(method, &path).json(&body).answer().await
}

fn mistakes(reply: &Reply) -> Vec<(String, String)> {
    let body = reply.json();
    let errors = body["errors"].as_array().expect("a list of errors").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors
        .map(|error| (text(&error["field"]), text(&error["code"])))
        .collect()
}

fn mistake(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

#[tokio::test]
async fn a_group_lives_from_201_to_204() {
    let sandbox = start().await;
    let me = sandbox.get(ME).await.json()["id"].clone();
    let created = send(
        &sandbox,
        Method::POST,
        "",
        json!({ "name": "Support", "agent_ids": [me] }),
    )
    .await;
    assert_eq!(created.status, 201);
    let group = created.json();
    let id = group["id"].as_u64().expect("an id");
    let location = format!("https://sample.freshdesk.com/api/v2/groups/{id}");
    assert_eq!(created.header("location"), Some(location.as_str()));
    // No wrapper, and null for what was not given.
    assert_eq!(
        (&group["name"], &group["description"]),
        (&json!("Support"), &Value::Null)
    );
    assert_eq!(sandbox.get(ME).await.json()["group_ids"], json!([id]));

    let path = format!("/{id}");
    let changed = send(
        &sandbox,
        Method::PUT,
        &path,
        json!({ "description": "first line" }),
    )
    .await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["name"], "Support");
    assert_eq!(changed.json()["description"], "first line");
    assert_eq!(
        sandbox.get(&format!("/api/v2/groups/{id}")).await.json(),
        changed.json()
    );
    let list = sandbox.get("/api/v2/groups").await.json();
    assert!(list[0].get("agent_ids").is_none() && list[0]["id"] == id);

    let delete = || {
        sandbox
            .admin(Method::DELETE, &format!("/api/v2/groups/{id}"))
            .answer()
    };
    let deleted = delete().await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    assert_eq!(delete().await.status, 404);
    assert_eq!(sandbox.get(ME).await.json()["group_ids"], json!([]));
}

#[tokio::test]
async fn every_mistake_comes_in_one_answer() {
    let sandbox = start().await;
    let body = json!({
        "id": 7, "colour": "red", "description": 5, "unassigned_for": "a while", "agent_ids": [1],
        "auto_ticket_assign": 9,
    });
    let reply = send(&sandbox, Method::POST, "", body).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["description"]),
        (400, &json!("Validation failed"))
    );
    let found = mistakes(&reply);
    for expected in [
        mistake("name", "missing_field"),
        mistake("id", "invalid_field"),
        mistake("colour", "invalid_field"),
        mistake("description", "datatype_mismatch"),
        mistake("unassigned_for", "invalid_value"),
        mistake("agent_ids", "invalid_value"),
        mistake("auto_ticket_assign", "invalid_value"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(found.len(), 7);
    assert_eq!(sandbox.get("/api/v2/groups").await.json(), json!([]));
}

#[tokio::test]
async fn a_taken_name_is_409() {
    let sandbox = start().await;
    send(&sandbox, Method::POST, "", json!({ "name": "Support" })).await;
    let reply = send(&sandbox, Method::POST, "", json!({ "name": "support" })).await;
    assert_eq!(reply.status, 409);
    assert_eq!(mistakes(&reply), [mistake("name", "duplicate_value")]);
}
