//! Log-ins against the authorization servers of the simulated vendors, as `cases/oauth.json` of an
//! element says under `sandbox`: `control` is where its control calls are, `page` the words that a
//! page is asked for with, `page_at` where that is, `token_at` where tokens come from,
//! `configuration` what an instance is made with, `grant` what a token from elsewhere is made of,
//! and `key`, where there is one, a log-in by private key: its `configuration`, in which a value
//! may be a `file`, and its `consent`.

use bunsen_test_macros::database_test;
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::Vendors;

const BASE: &str = "/elements/api-v2";
const SECRET: &str = "********";

pub struct Case {
    pub element: String,
    data: Value,
}

impl Case {
    /// Of every element with a simulated authorization server.
    pub fn all() -> Vec<Case> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
        let mut cases: Vec<Case> = std::fs::read_dir(folder)
            .expect("there are elements")
            .filter_map(|element| {
                let path = element.expect("an entry").path();
                let text = std::fs::read_to_string(path.join("cases/oauth.json")).ok()?;
                let file: Value = serde_json::from_str(&text).expect("JSON");
                let data = file.get("sandbox")?.clone();
                let element = path.file_name()?.to_string_lossy().into_owned();
                Some(Case { element, data })
            })
            .collect();
        cases.sort_by(|one, other| one.element.cmp(&other.element));
        assert!(cases.len() > 1, "elements with a browser are simulated");
        cases
    }

    pub fn of(element: &str) -> Case {
        let mut cases = Case::all().into_iter();
        let found = cases.find(|case| case.element == element);
        found.expect("the element is simulated")
    }

    fn text(&self, member: &str) -> &str {
        self.data[member].as_str().expect("a text")
    }

    /// Name of the group of credentials.
    pub fn group(&self) -> &str {
        let group = &self.data["configuration"]["authentication.type"];
        group.as_str().expect("a group")
    }

    pub fn token_at(&self) -> &str {
        self.text("token_at")
    }

    /// Asks for the address of the page.
    pub fn page(&self) -> String {
        let words = self.data["page"].as_object().expect("words");
        let words = words
            .iter()
            .map(|(name, value)| (name, value.as_str().expect("a text")));
        let url = Url::parse_with_params("http://any.example/", words).expect("a URL");
        let query = url.query().expect("a query");
        format!("/elements/{}/oauth/url?{query}", self.element)
    }

    /// Presses a button on the page; gives what the vendor sends the browser back with.
    pub async fn decide(&self, vendors: &Vendors, page: &Value, decision: &str) -> Value {
        let path = format!("/_control/{}/oauth/decide", self.text("control"));
        let body = json!({"url": page["oauthUrl"], "decision": decision});
        let answer = vendors.control("POST", &path, Some(&body)).await;
        let location = Url::parse(answer["location"].as_str().expect("a location"));
        let location = location.expect("a URL");
        let callback = self.data["page"]["callbackUrl"].as_str();
        assert!(location.as_str().starts_with(callback.expect("a callback")));
        let pairs = location.query_pairs();
        let brought: Map<String, Value> = pairs
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect();
        brought.into()
    }

    /// With more entries in the configuration.
    pub fn body_with(&self, provider_data: &Value, more: Value) -> Value {
        let mut configuration = self.data["configuration"].clone();
        let members = configuration.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        json!({"element": {"key": self.element}, "name": "by the simulated vendor",
               "configuration": configuration, "providerData": provider_data})
    }

    pub fn body(&self, provider_data: &Value) -> Value {
        self.body_with(provider_data, json!({}))
    }

    /// A body that works, with a fresh code.
    pub async fn body_with_code(&self, server: &TestServer) -> Value {
        let page = self.page();
        let page = Answer::of(server.request("GET", &format!("{BASE}{page}"))).await;
        let (vendors, page) = (Vendors::of(server), page.success());
        self.body(&self.decide(&vendors, &page, "allow").await)
    }

    /// A body of the log-in by private key, which works when there is consent.
    pub async fn body_with_key(&self, vendors: &Vendors, consent: bool) -> Value {
        let key = &self.data["key"];
        let mut configuration = key["configuration"].clone();
        for value in configuration.as_object_mut().expect("entries").values_mut() {
            if let Some(file) = value["file"].as_str() {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                *value = json!(std::fs::read_to_string(path).expect("a key"));
            }
        }
        if consent {
            let path = format!("/_control/{}/oauth/consents", self.text("control"));
            vendors.control("POST", &path, Some(&key["consent"])).await;
        }
        json!({"element": {"key": self.element}, "name": "by key", "configuration": configuration})
    }

    /// How often the vendor granted and refused tokens of a kind.
    pub async fn asked(&self, vendors: &Vendors, grant_type: &str) -> (u64, u64) {
        let path = format!("/_control/{}/oauth/calls", self.text("control"));
        let calls = vendors.control("GET", &path, None).await;
        let counts = &calls["grant_types"][grant_type];
        let count = |name: &str| counts[name].as_u64().unwrap_or_default();
        (count("granted"), count("refused"))
    }

    /// A control call of its authorization server.
    pub async fn control(
        &self,
        vendors: &Vendors,
        method: &str,
        what: &str,
        body: Option<&Value>,
    ) -> Value {
        let path = format!("/_control/{}/oauth/{what}", self.text("control"));
        vendors.control(method, &path, body).await
    }

    /// What its definition says of a refresh token that is used twice.
    pub fn reuse(&self) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("elements")
            .join(&self.element)
            .join("element.json");
        let text = std::fs::read_to_string(path).expect("a definition");
        let definition: Value = serde_json::from_str(&text).expect("JSON");
        let group = &self.data["configuration"]["authentication.type"];
        let members = definition["bunsen"].as_object().expect("words").values();
        let mut groups = members.filter_map(Value::as_array).flatten();
        let group = groups.find(|found| found["name"] == *group);
        let reuse = &group.expect("the group")["refresh"]["reuse"];
        reuse.as_str().expect("a word").to_owned()
    }

    /// A call to the vendor's own API that a good token may make.
    pub fn passed(&self) -> String {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("elements")
            .join(&self.element)
            .join("cases/passthrough.json");
        let text = std::fs::read_to_string(file).expect("the element's calls");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        format!("/proxy{}", file["oauth"]["path"].as_str().expect("a path"))
    }

    /// Of its authorization server.
    pub fn host(&self) -> &str {
        self.text("page_at")
    }

    /// Where the vendor's control calls are.
    pub fn vendor(&self) -> &str {
        self.text("control")
    }

    pub fn has_key(&self) -> bool {
        self.data.get("key").is_some()
    }

    /// Tokens that somebody else has got.
    pub async fn granted(&self, vendors: &Vendors) -> Value {
        let path = format!("/_control/{}/oauth/grants", self.text("control"));
        let grant = vendors.control("POST", &path, Some(&self.data["grant"]));
        grant.await["answer"].clone()
    }
}

async fn call(server: &TestServer, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = server.request(method, &format!("{BASE}{path}"));
    let request = request.header("authorization", server.admin.header());
    Answer::of(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

async fn stored(server: &TestServer) -> i64 {
    sqlx::query_scalar("select count(*) from instances")
        .fetch_one(&server.database.pool)
        .await
        .expect("a count")
}

/// What the caller reads of an instance that has tokens.
fn has_tokens(instance: &Value) {
    let shown = &instance["configuration"];
    assert_eq!(shown["oauth.user.token"], SECRET, "{instance}");
    assert_eq!(shown["oauth.user.refresh_token"], SECRET, "{instance}");
    let base = shown["base.url"].as_str().expect("a base URL");
    assert!(base.starts_with("https://"), "{base}");
    assert_eq!(instance["valid"], true);
}

#[database_test]
async fn a_person_allows_access_and_the_token_works(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    for case in Case::all() {
        vendors.reset().await;
        let before = stored(&server).await;
        let page = Answer::of(server.request("GET", &format!("{BASE}{}", case.page()))).await;
        let page = page.success();
        let at = format!("{}/_host/{}", vendors.url, case.text("page_at"));
        let url = page["oauthUrl"].as_str().expect("an address");
        assert!(url.starts_with(&at), "{url} is at {at}");
        let brought = case.decide(&vendors, &page, "allow").await;
        assert_eq!(brought["state"], case.element.as_str());

        // The log-in ends with a call that only a good token may make.
        let created = call(&server, "POST", "/instances", Some(&case.body(&brought))).await;
        let code = brought["code"].as_str().expect("a code");
        assert!(!created.text.contains(code), "{created}");
        let instance = created.success();
        has_tokens(&instance);
        assert!(vendors.calls().await > 1, "the token was tried");
        assert_eq!(case.asked(&vendors, "authorization_code").await, (1, 0));

        // What was stored renews: nobody has to allow anything again.
        sqlx::query("update instances set valid = false")
            .execute(&server.database.pool)
            .await
            .expect("a statement");
        let path = format!("/instances/{}", instance["id"]);
        let same = json!({"configuration": case.data["configuration"]});
        let renewed = call(&server, "PATCH", &path, Some(&same)).await.success();
        has_tokens(&renewed);
        assert_eq!(case.asked(&vendors, "refresh_token").await, (1, 0));

        // A used code, and one that never was.
        for code in [code, "never-given"] {
            let again = json!({"code": code});
            let again = call(&server, "POST", "/instances", Some(&case.body(&again))).await;
            let error = again.error(401);
            assert!(error["providerMessage"].is_string(), "{error}");
            assert!(!again.text.contains(code), "{again}");
        }
        // The owner allows access to the same instance again.
        let brought = case.decide(&vendors, &page, "allow").await;
        let again = json!({"providerData": brought});
        let put = call(&server, "PATCH", &path, Some(&again)).await.success();
        assert_eq!(
            (&put["id"], &put["token"]),
            (&instance["id"], &instance["token"])
        );

        let denied = case.decide(&vendors, &page, "deny").await;
        let said = denied["error"].as_str().expect("an error").to_owned();
        let error = call(&server, "POST", "/instances", Some(&case.body(&denied))).await;
        let error = error.error(401);
        assert_eq!(error["providerMessage"], said.as_str());
        assert!(message(&error).contains(&said), "{error}");
        assert_eq!(stored(&server).await, before + 1);
    }
}

#[database_test]
async fn tokens_from_elsewhere_serve(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    for case in Case::all() {
        vendors.reset().await;
        let given = case.granted(&vendors).await;
        let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
        let mut body = case.body_with(&json!(null), refresh);
        body["externalAuthentication"] = json!("initial");
        let created = call(&server, "POST", "/instances", Some(&body)).await;
        let instance = created.success();
        has_tokens(&instance);
        assert_eq!(instance["externalAuthentication"], "initial");
        assert_eq!(case.asked(&vendors, "refresh_token").await, (1, 0));

        body["configuration"]["oauth.user.refresh_token"] = json!("never-given");
        let refused = call(&server, "POST", "/instances", Some(&body)).await;
        let error = refused.error(401);
        assert!(error["providerMessage"].is_string(), "{error}");
    }
}

#[database_test]
async fn a_private_key_logs_in_once_consent_is_given(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut seen = 0;
    for case in Case::all() {
        if case.data.get("key").is_none() {
            continue;
        }
        seen += 1;
        let body = case.body_with_key(&vendors, false).await;
        let refused = call(&server, "POST", "/instances", Some(&body)).await;
        let error = refused.error(401);
        assert!(error["providerMessage"].is_string(), "{error}");
        // The page where consent is given, as a browser reaches it.
        let at = format!("{}/_host/{}", vendors.url, case.text("page_at"));
        assert!(message(&error).contains(&at), "{error}");
        assert_eq!(stored(&server).await, 0);

        let body = case.body_with_key(&vendors, true).await;
        let created = call(&server, "POST", "/instances", Some(&body)).await;
        let shown = &created.success()["configuration"];
        assert_eq!(shown["oauth.user.token"], SECRET, "{created}");
        assert!(shown["base.url"].is_string(), "{created}");
        assert!(!created.text.contains("PRIVATE KEY"));
    }
    assert!(seen > 0, "no element logs in by key");
}
