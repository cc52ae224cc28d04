//! Resources of shipped elements, against the simulated vendors: every element that has accounts to
//! create, read, update, delete and search.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{BASE, by_token};
use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{Vendors, example_of_each};

struct Element {
    key: String,
    /// Every record stands in it.
    wrap: Option<String>,
    header: String,
}

impl Element {
    /// Those with accounts, each with an instance.
    async fn all(server: &TestServer) -> Vec<Element> {
        let mut all = Vec::new();
        for (key, body) in example_of_each() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
            let text = std::fs::read_to_string(folder.join(&key).join("element.json"));
            let definition: Value =
                serde_json::from_str(&text.expect("a definition")).expect("JSON");
            let resources = definition["resources"].as_array().expect("resources");
            let accounts = |path: &str| {
                let mut found: Vec<&str> = resources
                    .iter()
                    .filter(|resource| {
                        let own = resource["path"].as_str().expect("a path");
                        own.ends_with(path)
                            && own.matches('/').count() == 2 + path.matches('/').count()
                    })
                    .map(|resource| resource["method"].as_str().expect("a method"))
                    .collect();
                found.sort_unstable();
                found
            };
            let one = accounts("/accounts/{id}");
            if accounts("/accounts") != ["GET", "POST"] || one.len() != 3 {
                continue;
            }
            let wrap = resources.iter().find_map(|resource| {
                let path = resource["path"].as_str()?.ends_with("/accounts");
                path.then(|| resource["bunsen"]["wrap"].as_str().map(str::to_owned))?
            });
            let instance = server.create(&server.admin, &body).await;
            let header = by_token(server, &instance);
            all.push(Element { key, wrap, header });
        }
        assert!(all.len() > 1, "elements have accounts");
        all
    }

    async fn call(
        &self,
        server: &TestServer,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = server.request(method, &format!("{BASE}{path}"));
        let mut request = request.header("authorization", &self.header);
        if let Some(body) = body {
            request = request.json(&self.wrapped(body));
        }
        Answer::of(request).await
    }

    fn wrapped(&self, record: Value) -> Value {
        match &self.wrap {
            Some(wrap) => json!({wrap: record}),
            None => record,
        }
    }

    fn record<'r>(&self, answer: &'r Value) -> &'r Value {
        match &self.wrap {
            Some(wrap) => &answer[wrap],
            None => answer,
        }
    }
}

#[database_test]
async fn create_read_update_delete_search(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for element in Element::all(&server).await {
        let call = async |method: &str, path: &str, body: Option<Value>| {
            element.call(&server, method, path, body).await
        };
        let key = &element.key;
        let name = "Acme's 1 & only";
        let made = call("POST", "/hubs/crm/accounts", Some(json!({"name": name})))
            .await
            .success();
        let made = element.record(&made).clone();
        assert_eq!(made["name"], name, "{key}: {made}");
        let path = format!("/accounts/{}", made["id"]);
        let read = call("GET", &path, None).await.success();
        assert_eq!(element.record(&read)["id"], made["id"], "{key}");
        for (verb, name) in [("PATCH", "Second"), ("PUT", "Third")] {
            let changed = call(verb, &path, Some(json!({"name": name})))
                .await
                .success();
            assert_eq!(element.record(&changed)["name"], name, "{key} {verb}");
        }
        let found = call("GET", "/accounts?where=name%3D'Third'", None).await;
        let list = found.success();
        let list = list.as_array().expect("a list");
        assert_eq!(list.len(), 1, "{key}: {found}");
        assert_eq!(element.record(&list[0])["id"], made["id"], "{key}");
        assert_eq!(found.header("elements-returned-count"), Some("1"), "{key}");
        assert_eq!(call("DELETE", &path, None).await.status, 200, "{key}");
        for verb in ["GET", "PATCH", "PUT", "DELETE"] {
            let body = (verb != "GET" && verb != "DELETE").then(|| json!({"name": "x"}));
            let missing = call(verb, "/accounts/-1", body).await;
            missing.error(404);
        }
        let nothing = server.request("POST", &format!("{BASE}/accounts"));
        let nothing = nothing.header("authorization", &element.header);
        Answer::of(nothing).await.error(400);
    }
}

#[database_test]
async fn pages_of_every_element(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut findings = Findings::default();
    for element in Element::all(&server).await {
        for number in 0..7 {
            // Elements of one vendor see the same records.
            let name = json!({"name": format!("{} {number}", element.key)});
            let made = element.call(&server, "POST", "/accounts", Some(name)).await;
            made.success();
        }
        let list = async |query: String| {
            let path = format!("/hubs/any/accounts?{query}");
            let answer = element.call(&server, "GET", &path, None).await;
            (answer.success().as_array().expect("a list").clone(), answer)
        };
        let key = &element.key;
        let (both, _) = list("page=1&pageSize=4".to_owned()).await;
        let (one, first) = list("page=1&pageSize=2".to_owned()).await;
        let (two, _) = list("page=2&pageSize=2".to_owned()).await;
        findings.check([one, two].concat() == both, || format!("{key}: {both:?}"));
        let mut walked = Vec::new();
        let mut next = Some(String::new());
        while let Some(token) = next.filter(|_| walked.len() < 4) {
            let (got, answer) = list(format!("pageSize=1&nextPage={token}")).await;
            findings.check(got.len() == 1, || format!("{key}: {answer}"));
            walked.extend(got);
            next = answer.header("elements-next-page-token").map(str::to_owned);
        }
        findings.check(walked == both, || format!("{key}: by token {walked:?}"));
        // One of ours is one of theirs.
        let calls = vendors.calls().await;
        list("pageSize=2".to_owned()).await;
        findings.check(vendors.calls().await == calls + 1, || {
            format!("{key}: more than one call")
        });
        findings.check(first.header("elements-returned-count") == Some("2"), || {
            format!("{key}: {first}")
        });
        let bodies =
            ["/hubs/crm/accounts", "/hubs/nonsense/accounts", "/accounts"].map(async |path| {
                element
                    .call(&server, "GET", &format!("{path}?pageSize=3"), None)
                    .await
                    .text
            });
        let bodies = futures_util::future::join_all(bodies).await;
        findings.check(bodies.iter().all(|text| *text == bodies[0]), || {
            format!("{key}: {bodies:?}")
        });
    }
    findings.none();
}
