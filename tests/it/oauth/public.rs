//! Clients without a secret, where a vendor has such: a code verifier says with the code who comes.

use bunsen_engine::oauth::code_challenge;
use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::simulated::Case;
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::Vendors;

const BASE: &str = "/elements/api-v2";
const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters-0123456789";

/// Whether the definition's group takes clients without a secret.
fn may_be_public(case: &Case) -> bool {
    let elements = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let file = elements.join(&case.element).join("element.json");
    let text = std::fs::read_to_string(file).expect("a definition");
    let definition: Value = serde_json::from_str(&text).expect("JSON");
    let mut groups = definition["bunsen"]["groups"]
        .as_array()
        .into_iter()
        .flatten();
    let group = groups.find(|group| group["name"] == case.group());
    group.expect("the group")["oauth"]["client"] == "basicOrNone"
}

#[database_test]
async fn a_client_without_a_secret_connects_and_renews(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut seen = 0;
    for case in Case::all().into_iter().filter(may_be_public) {
        seen += 1;
        vendors.reset().await;
        let page = format!(
            "{BASE}{}&codeChallenge={}",
            case.page(),
            code_challenge(VERIFIER)
        );
        let page = Answer::of(server.request("GET", &page)).await.success();
        let post = async |body: &Value| {
            let request = server.request("POST", &format!("{BASE}/instances"));
            let request = request.header("authorization", server.admin.header());
            Answer::of(request.json(body)).await
        };
        let mut brought = case.decide(&vendors, &page, "allow").await;
        let without = |brought: &Value| {
            let mut body = case.body(brought);
            let entries = body["configuration"].as_object_mut().expect("entries");
            entries.remove("oauth.api.secret").expect("a secret");
            body
        };
        // Nothing proves who comes: the code is not used up by asking.
        let error = post(&without(&brought)).await.error(400);
        assert!(message(&error).contains("oauth.api.secret"), "{error}");
        brought["code_verifier"] = json!("another-verifier-of-more-than-forty-three-characters");
        post(&without(&brought)).await.error(401);

        let mut brought = case.decide(&vendors, &page, "allow").await;
        brought["code_verifier"] = json!(VERIFIER);
        let made = post(&without(&brought)).await.success();
        assert_eq!(made["valid"], true);
        assert!(made["configuration"].get("oauth.api.secret").is_none());
        // What was stored renews.
        sqlx::query("update instances set valid = false")
            .execute(&server.database.pool)
            .await
            .expect("a statement");
        let path = format!("{BASE}/instances/{}", made["id"]);
        let same = json!({"configuration": without(&brought)["configuration"]});
        let request = server.request("PATCH", &path);
        let request = request.header("authorization", server.admin.header());
        let renewed = Answer::of(request.json(&same)).await.success();
        assert_eq!(renewed["valid"], true);
        assert_eq!(case.asked(&vendors, "refresh_token").await, (1, 0));
    }
    assert!(seen > 0, "a vendor has public clients");
}
