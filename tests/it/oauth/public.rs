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

/// No page is made that nobody could come back from: who has no secret needs a verifier.
#[database_test]
async fn a_page_of_a_client_without_a_secret_has_a_challenge(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    for case in Case::all().into_iter().filter(may_be_public) {
        vendors.reset().await;
        let whole = case.body(&Value::Null);
        let key = whole["configuration"]["oauth.api.key"].as_str();
        let callback = whole["configuration"]["oauth.callback.url"].as_str();
        let (key, callback) = (key.expect("an id"), callback.expect("an address"));
        let call = async |method: &str, path: &str, body: Option<&Value>| {
            let request = server.request(method, &format!("{BASE}{path}"));
            let request = request.header("authorization", server.admin.header());
            Answer::of(match body {
                Some(body) => request.json(body),
                None => request,
            })
            .await
        };
        let url = format!("/elements/{}/oauth/url", case.element);
        // The words that this vendor's page wants, but for the client's.
        let page = reqwest::Url::parse(&format!("http://any.example{}", case.page()));
        let page = page.expect("a URL");
        let mut words = page.query_pairs().into_owned().collect::<Vec<_>>();
        words.retain(|(name, _)| !["apiKey", "apiSecret"].contains(&name.as_str()));
        let way = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&words)
            .finish();
        let own = format!("{url}?apiKey={key}&{way}");
        words.push(("apiKey".to_owned(), key.to_owned()));
        let words: std::collections::BTreeMap<_, _> = words.into_iter().collect();
        let words = json!(words);
        let asked = [
            call("GET", &own, None).await,
            call("POST", &url, Some(&words)).await,
        ];
        for answer in asked {
            let error = answer.error(400);
            assert!(message(&error).contains("'codeChallenge'"), "{error}");
        }
        let challenge = code_challenge(VERIFIER);
        let page = call("GET", &format!("{own}&codeChallenge={challenge}"), None).await;
        let mut brought = case.decide(&vendors, &page.success(), "allow").await;
        brought["code_verifier"] = json!(VERIFIER);
        let mut body = case.body(&brought);
        let entries = body["configuration"].as_object_mut().expect("entries");
        entries.remove("oauth.api.secret").expect("a secret");
        call("POST", "/instances", Some(&body)).await.success();

        // The same of one that is stored, for which Bunsen makes the verifier.
        let client = json!({"apiKey": key, "callbackUrl": callback});
        let place = format!("/elements/{}/oauth/client", case.element);
        call("PUT", &place, Some(&client)).await.success();
        let error = call("GET", &format!("{url}?{way}"), None).await.error(400);
        assert!(message(&error).contains("'codeChallenge'"), "{error}");
        assert!(message(&error).contains("/oauth/url/default"), "{error}");
        let page = call("GET", &format!("{url}/default?{way}"), None).await;
        let page = page.success();
        assert!(
            page["oauthUrl"]
                .as_str()
                .expect("a URL")
                .contains("code_challenge=")
        );
        let mut brought = case.decide(&vendors, &page, "allow").await;
        brought["secret"] = page["configuration"]["secret"].clone();
        let mut body = case.body(&brought);
        let entries = body["configuration"].as_object_mut().expect("entries");
        entries.remove("oauth.api.secret").expect("a secret");
        entries.remove("oauth.api.key").expect("an id");
        call("POST", "/instances", Some(&body)).await.success();
        // With a secret nothing more is needed.
        let confidential = call("GET", &case.page(), None).await.success();
        assert!(confidential["oauthUrl"].is_string());
    }
}
