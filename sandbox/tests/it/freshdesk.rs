//! Freshdesk v2: log-in, rights, ground rules, errors.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::client::{ME, Reply, SAMPLE, start};

pub fn keys(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub fn invalid_credentials() -> (u16, Value) {
    let message = "You have to be logged in to perform this action.";
    (
        401,
        json!({ "code": "invalid_credentials", "message": message }),
    )
}

fn access_denied() -> (u16, Value) {
    let message = "You are not authorized to perform this action.";
    (403, json!({ "code": "access_denied", "message": message }))
}

pub fn validation(field: &str, code: &str, reply: &Reply) {
    assert_eq!(reply.status, 400);
    let body = reply.json();
    assert_eq!(body["description"], "Validation failed");
    assert_eq!(body["errors"][0]["field"], field);
    assert_eq!(body["errors"][0]["code"], code);
    assert!(body["errors"][0]["message"].is_string());
}

#[tokio::test]
async fn both_forms_of_credentials_log_in() {
    let sandbox = start().await;
    for (user, password) in [
        ("sample@sample.com", "password"),
        ("Sample@Sample.com", "password"),
        ("sandbox-freshdesk-key", "X"),
        ("sandbox-freshdesk-key", "anything at all: even this"),
        ("sandbox-freshdesk-key", ""),
    ] {
        let call = sandbox.call(Method::GET, SAMPLE, ME).basic(user, password);
        let reply = call.answer().await;
        assert_eq!(reply.status, 200, "{user} {password}");
        assert_eq!(reply.json()["contact"]["email"], "sample@sample.com");
    }
}

#[tokio::test]
async fn wrong_or_missing_credentials_are_401() {
    let sandbox = start().await;
    for (user, password) in [
        ("sample@sample.com", "Password"),
        ("sample@sample.com", ""),
        ("nobody@sample.com", "password"),
        ("sandbox-freshdesk-keY", "X"),
        ("X", "sandbox-freshdesk-key"),
        ("", ""),
    ] {
        let call = sandbox.call(Method::GET, SAMPLE, ME).basic(user, password);
        assert_eq!(
            call.answer().await.parts(),
            invalid_credentials(),
            "{user} {password}"
        );
    }
    for header in [
        "Bearer sandbox-freshdesk-key",
        "Basic",
        "Basic %%%",
        "Basic c2FuZGJveA==",
    ] {
        let call = sandbox
            .call(Method::GET, SAMPLE, ME)
            .header("authorization", header);
        assert_eq!(
            call.answer().await.parts(),
            invalid_credentials(),
            "{header}"
        );
    }
    let none = sandbox.call(Method::GET, SAMPLE, ME).answer().await;
    assert_eq!(none.parts(), invalid_credentials());
}

#[tokio::test]
async fn the_agent_of_the_credentials_has_the_full_shape() {
    let sandbox = start().await;
    let reply = sandbox.get(ME).await;
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let agent = reply.json();
    assert_eq!(
        keys(&agent),
        set(&[
            "available",
            "occasional",
            "signature",
            "group_ids",
            "role_ids",
            "skill_ids",
            "id",
            "ticket_scope",
            "created_at",
            "updated_at",
            "available_since",
            "type",
            "contact",
        ])
    );
    assert_eq!(
        keys(&agent["contact"]),
        set(&[
            "active",
            "email",
            "job_title",
            "language",
            "last_login_at",
            "mobile",
            "name",
            "phone",
            "time_zone",
            "created_at",
            "updated_at",
        ])
    );
    assert_eq!(agent["type"], "support_agent");
    assert!(agent["id"].is_u64() && agent["ticket_scope"] == 1);
    // Blank fields are null, not left out; times are UTC without fractions.
    assert_eq!(
        (&agent["signature"], &agent["contact"]["phone"]),
        (&Value::Null, &Value::Null)
    );
    let time = agent["created_at"].as_str().expect("a time");
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
}

#[tokio::test]
async fn an_ordinary_agent_sees_only_itself() {
    let sandbox = start().await;
    let ordinary = |path: &str| {
        let call = sandbox.call(Method::GET, SAMPLE, path);
        call.basic("agent@sample.com", "password")
    };
    let me = ordinary(ME).answer().await;
    assert_eq!(me.status, 200);
    let id = me.json()["id"].clone();
    for path in [
        "/api/v2/agents",
        "/api/v2/groups",
        &format!("/api/v2/agents/{id}"),
        "/api/v2/agents/9",
    ] {
        assert_eq!(
            ordinary(path).answer().await.parts(),
            access_denied(),
            "{path}"
        );
    }
    for path in [
        "/api/v2/account",
        "/api/v2/settings/helpdesk",
        "/api/v2/ticket_fields",
    ] {
        assert_eq!(ordinary(path).answer().await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_admin_reads_agents() {
    let sandbox = start().await;
    let list = sandbox.get("/api/v2/agents").await.json();
    let rows = list.as_array().expect("a bare array");
    assert_eq!(rows.len(), 2);
    let id = &rows[1]["id"];
    let one = sandbox.get(&format!("/api/v2/agents/{id}")).await;
    assert_eq!(one.parts(), (200, rows[1].clone()));
    let found = sandbox
        .get("/api/v2/agents?email=agent%40sample.com")
        .await
        .json();
    assert_eq!(found[0]["id"], *id);
    assert_eq!(
        sandbox.get("/api/v2/agents?email=x%40y").await.json(),
        json!([])
    );
    assert_eq!(
        sandbox.get("/api/v2/agents?state=occasional").await.json(),
        json!([])
    );
    validation(
        "state",
        "invalid_value",
        &sandbox.get("/api/v2/agents?state=retired").await,
    );
}

#[tokio::test]
async fn unknown_paths_and_ids_are_404_without_a_body() {
    let sandbox = start().await;
    for path in [
        "/",
        "/api",
        "/api/v2",
        "/api/v2/",
        "/api/v2/nothing",
        "/api/v3/agents/me",
        "/api/v2/agents/me/",
        "/api/v2/agents/me/more",
        "/api/v2/agents/999999",
        "/api/v2/agents/not-a-number",
        "/api/v2/groups/999999",
        "/_control/health",
        "/_host/x/y",
    ] {
        let reply = sandbox.get(path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.len()),
            (404, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_subdomain_without_account_answers_a_page_from_the_front() {
    let sandbox = start().await;
    for host in ["nobody.freshdesk.com", "a.sample.freshdesk.com"] {
        let reply = sandbox.call(Method::GET, host, ME).answer().await;
        assert_eq!(reply.status, 404);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(reply.body.starts_with(b"<!DOCTYPE html>"));
        assert_eq!(reply.header("x-ratelimit-total"), None);
    }
}

#[tokio::test]
async fn a_wrong_verb_is_405_and_names_the_right_ones() {
    let sandbox = start().await;
    for (method, path, allow) in [
        (Method::POST, ME, "GET"),
        (Method::DELETE, "/api/v2/account", "GET"),
        (Method::PUT, "/api/v2/groups", "GET, POST"),
        (Method::PATCH, "/api/v2/groups/1", "GET, PUT, DELETE"),
    ] {
        let reply = sandbox.admin(method, path).answer().await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("allow")),
            (405, Some(allow)),
            "{path}"
        );
        assert_eq!(reply.json()["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn only_json_is_accepted_back() {
    let sandbox = start().await;
    for (accept, status) in [
        ("application/json", 200),
        ("*/*", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/xml", 406),
        ("text/html", 406),
        ("application/*", 406),
    ] {
        let call = sandbox.admin(Method::GET, ME).header("accept", accept);
        let reply = call.answer().await;
        assert_eq!(reply.status, status, "{accept}");
        if status == 406 {
            assert_eq!(reply.json()["code"], "invalid_acceptheader");
            assert!(reply.json()["message"].is_string());
        }
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let sandbox = start().await;
    let body = json!({ "name": "First" }).to_string();
    for (content_type, status) in [
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/json; charset=utf-8", 201),
    ] {
        let call = sandbox
            .admin(Method::POST, "/api/v2/groups")
            .body(content_type, &body);
        let reply = call.answer().await;
        assert_eq!(reply.status, status, "{content_type}");
        if status == 415 {
            assert_eq!(reply.json()["code"], "invalid_content_type");
        }
    }
    let empty_typed = sandbox
        .admin(Method::GET, ME)
        .header("content-type", "application/json");
    assert_eq!(empty_typed.answer().await.status, 200);
}

#[tokio::test]
async fn broken_json_is_400() {
    let sandbox = start().await;
    for body in ["{", "", "[]", "\"text\"", "{\"name\": }"] {
        let call = sandbox
            .admin(Method::POST, "/api/v2/groups")
            .body("application/json", body);
        let reply = call.answer().await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (400, &json!("invalid_json")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn lists_are_paged_and_strict() {
    let sandbox = start().await;
    for number in 0..5 {
        let body = json!({ "name": format!("Group {number}") });
        sandbox
            .admin(Method::POST, "/api/v2/groups")
            .json(&body)
            .answer()
            .await;
    }
    let first = sandbox.get("/api/v2/groups?per_page=2").await;
    assert_eq!(first.json().as_array().map(Vec::len), Some(2));
    let link = "<https://sample.freshdesk.com/api/v2/groups?page=2&per_page=2>; rel=\"next\"";
    assert_eq!(first.header("link"), Some(link));
    let last = sandbox.get("/api/v2/groups?page=3&per_page=2").await;
    assert_eq!(
        (last.json().as_array().map(Vec::len), last.header("link")),
        (Some(1), None)
    );
    // The last page may be full.
    let full = sandbox.get("/api/v2/groups?per_page=5").await;
    assert_eq!(
        (full.json().as_array().map(Vec::len), full.header("link")),
        (Some(5), None)
    );
    let beyond = sandbox.get("/api/v2/groups?page=99").await;
    assert_eq!(beyond.parts(), (200, json!([])));
    assert_eq!(sandbox.get("/api/v2/groups?per_page=100").await.status, 200);
    validation(
        "per_page",
        "invalid_value",
        &sandbox.get("/api/v2/groups?per_page=101").await,
    );
    validation(
        "per_page",
        "invalid_value",
        &sandbox.get("/api/v2/groups?per_page=0").await,
    );
    validation(
        "per_page",
        "datatype_mismatch",
        &sandbox.get("/api/v2/groups?per_page=many").await,
    );
    validation(
        "page",
        "datatype_mismatch",
        &sandbox.get("/api/v2/groups?page=-1").await,
    );
    validation(
        "limit",
        "invalid_field",
        &sandbox.get("/api/v2/groups?limit=5").await,
    );
}

#[tokio::test]
async fn filters_stay_in_the_link_to_the_next_page() {
    let sandbox = start().await;
    let reply = sandbox
        .get("/api/v2/agents?state=fulltime&per_page=1")
        .await;
    let link = "<https://sample.freshdesk.com/api/v2/agents?state=fulltime&page=2&per_page=1>; rel=\"next\"";
    assert_eq!(reply.header("link"), Some(link));
}
