//! Freshdesk v2: what describes the account, and what its state and its agents' state refuse.

use http::Method;
use serde_json::{Value, json};

use crate::client::{ME, SAMPLE, start};
use crate::freshdesk::{invalid_credentials, keys, set, validation};

#[tokio::test]
async fn account_settings_and_ticket_fields_describe_the_account() {
    let sandbox = start().await;
    let account = sandbox.get("/api/v2/account").await.json();
    assert_eq!(account["account_domain"], SAMPLE);
    assert!(account["account_id"].is_u64());
    assert_eq!(account["total_agents"]["full_time"], 2);
    let settings = sandbox.get("/api/v2/settings/helpdesk").await.json();
    assert_eq!(
        keys(&settings),
        set(&[
            "primary_language",
            "supported_languages",
            "portal_languages"
        ])
    );
    assert_eq!(settings["primary_language"], "en");

    let fields = sandbox.get("/api/v2/ticket_fields").await.json();
    let fields = fields.as_array().expect("a bare array").clone();
    let of_type = |wanted: &str| {
        let found = fields.iter().find(|field| field["type"] == wanted);
        found.unwrap_or_else(|| panic!("no {wanted}")).clone()
    };
    assert_eq!(of_type("default_status")["choices"]["2"][0], "Open");
    assert_eq!(of_type("default_priority")["choices"]["Urgent"], 4);
    assert_eq!(of_type("default_source")["choices"]["Email"], 1);
    assert_eq!(of_type("default_ticket_type")["choices"][0], "Question");
    assert!(of_type("default_agent")["choices"]["Sample Agent"].is_u64());
    assert!(of_type("default_subject").get("choices").is_none());
    for field in &fields {
        for key in [
            "id",
            "name",
            "label",
            "description",
            "position",
            "default",
            "required_for_closure",
            "required_for_agents",
            "required_for_customers",
            "customers_can_edit",
            "label_for_customers",
            "displayed_to_customers",
            "created_at",
            "updated_at",
        ] {
            assert!(field.get(key).is_some(), "{key} in {field}");
        }
    }
    let selected = sandbox
        .get("/api/v2/ticket_fields?type=default_status")
        .await
        .json();
    assert_eq!(selected, json!([of_type("default_status")]));
    let texts = sandbox
        .get("/api/v2/ticket_fields?type=custom_text")
        .await
        .json();
    assert_eq!(texts, json!([of_type("custom_text")]));
    validation(
        "type",
        "invalid_value",
        &sandbox.get("/api/v2/ticket_fields?type=text").await,
    );
}

#[tokio::test]
async fn refusals_of_agents_and_accounts_are_403_with_their_codes() {
    let sandbox = start().await;
    let account = "freshdesk/accounts/sample";
    for code in ["access_denied", "password_lockout", "password_expired"] {
        let id = sandbox.get(ME).await.json()["id"].clone();
        let agent = format!("{account}/agents/{id}");
        sandbox
            .control(Method::PATCH, &agent, json!({ "refusal": code }))
            .await;
        let reply = sandbox.get(ME).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (403, &json!(code))
        );
        sandbox
            .control(Method::PATCH, &agent, json!({ "refusal": "" }))
            .await;
    }
    sandbox
        .control(Method::PATCH, account, json!({ "suspended": true }))
        .await;
    assert_eq!(sandbox.get(ME).await.json()["code"], "account_suspended");
    let free = json!({ "suspended": false, "plan": "free" });
    sandbox.control(Method::PATCH, account, free).await;
    assert_eq!(sandbox.get(ME).await.json()["code"], "require_feature");
    sandbox
        .control(Method::PATCH, account, json!({ "plan": "pro" }))
        .await;
    assert_eq!(sandbox.get(ME).await.status, 200);
}

#[tokio::test]
async fn v2_is_https_only() {
    let sandbox = start().await;
    let through = |scheme: &str| {
        sandbox
            .admin(Method::GET, ME)
            .header("x-forwarded-proto", scheme)
    };
    let reply = through("http").answer().await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["code"]),
        (403, &json!("ssl_required"))
    );
    assert_eq!(through("https").answer().await.status, 200);
}

#[tokio::test]
async fn v2_does_not_work_under_a_customers_own_host_name() {
    let sandbox = start().await;
    let host = "support.acme.example";
    let own = json!({ "custom_host": host, "v1": true });
    sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", own)
        .await;
    let call = |path: &str| {
        let call = sandbox.call(Method::GET, host, path);
        call.basic("sandbox-freshdesk-key", "X")
    };
    let reply = call(ME).answer().await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (404, 0));
    assert_eq!(call("/ticket_fields.json").answer().await.status, 200);
    let nobody = json!({ "custom_host": "" });
    sandbox
        .control(Method::PATCH, "freshdesk/accounts/sample", nobody)
        .await;
    assert_eq!(call(ME).answer().await.status, 421);
}

#[tokio::test]
async fn deactivated_agents_and_switched_off_passwords_do_not_log_in() {
    let sandbox = start().await;
    let id = sandbox.get(ME).await.json()["id"].clone();
    let agent = format!("freshdesk/accounts/sample/agents/{id}");
    let by_password = || {
        sandbox
            .call(Method::GET, SAMPLE, ME)
            .basic("sample@sample.com", "password")
    };
    sandbox
        .control(Method::PATCH, &agent, json!({ "password_login": false }))
        .await;
    assert_eq!(by_password().answer().await.parts(), invalid_credentials());
    assert_eq!(sandbox.get(ME).await.status, 200);
    sandbox
        .control(Method::PATCH, &agent, json!({ "api_key": "another" }))
        .await;
    assert_eq!(sandbox.get(ME).await.parts(), invalid_credentials());
    let with_new = sandbox.call(Method::GET, SAMPLE, ME).basic("another", "X");
    assert_eq!(with_new.answer().await.status, 200);
    sandbox
        .control(Method::PATCH, &agent, json!({ "deactivated": true }))
        .await;
    let with_new = sandbox.call(Method::GET, SAMPLE, ME).basic("another", "X");
    assert_eq!(with_new.answer().await.parts(), invalid_credentials());
}

#[tokio::test]
async fn the_examples_log_in() {
    let sandbox = start().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/instances");
    for name in ["freshdesk.json", "freshdesk-api-key.json"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("the example");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let given = |key: &str| body["configuration"][key].as_str();
        assert_eq!(body["element"]["key"], "freshdesk");
        let host = given("subdomain")
            .and_then(|url| url.strip_prefix("https://"))
            .expect("a URL");
        let user = given("freshdesk.api.key")
            .or(given("username"))
            .expect("a user");
        let call = sandbox.call(Method::GET, host, ME);
        let reply = call
            .basic(user, given("password").unwrap_or("X"))
            .answer()
            .await;
        assert_eq!(reply.status, 200, "{name}");
    }
}
