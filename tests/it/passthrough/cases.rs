//! The calls that each element's `cases/passthrough.json` lists, against its simulated vendor.
//!
//! `created` are configurations to create with. Of each call: `from` one of them, `method`, `path`
//! behind `proxy`, `headers` and `body` of the caller; `status` and `says` (texts the body
//! contains) of the answer; `vendorCall` (members) and `vendorHeaders` (texts they contain, null:
//! not there) of what the vendor got.

use std::path::Path;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{PROXY, by_token};
use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{Vendors, example_of_each};

fn files() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let elements = std::fs::read_dir(folder).expect("there are elements");
    let files: Vec<Value> = elements
        .filter_map(|element| {
            let path = element.expect("an entry").path();
            let text = std::fs::read_to_string(path.join("cases/passthrough.json")).ok()?;
            let file = serde_json::from_str(&text);
            Some(file.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect();
    let all = example_of_each();
    for (key, _) in &all {
        let listed = files.iter().any(|file| file["element"] == key.as_str());
        assert!(listed, "{key} has no cases/passthrough.json");
    }
    files
}

#[database_test]
async fn the_calls_of_every_element(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut findings = Findings::default();
    for file in files() {
        for case in file["cases"].as_array().expect("cases") {
            vendors.reset().await;
            let from = case["from"].as_str().expect("`from`");
            let what = format!("{}, {}", file["element"], case["name"]);
            let configuration = &file["created"][from];
            assert!(configuration.is_object(), "{what}: {from}");
            let body = json!({"element": {"key": file["element"]}, "name": "to be called", "configuration": configuration});
            let instance = server.create(&server.admin, &body).await;
            let before = vendors.calls().await;
            let answer = call(&server, &instance, case).await;
            check_answer(case, &answer, &what, &mut findings);
            let calls = vendors.calls().await - before;
            findings.check(calls == 1, || {
                format!("{what}: {calls} calls to the vendor")
            });
            check_vendor_call(&vendors, case, &what, &mut findings).await;
        }
    }
    findings.none();
}

async fn call(server: &TestServer, instance: &Value, case: &Value) -> Answer {
    let method = case["method"].as_str().expect("a method");
    let path = format!("{PROXY}{}", case["path"].as_str().expect("a path"));
    let mut request = server
        .request(method, &path)
        .header("authorization", by_token(&server.admin, instance));
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().expect("a text"));
    }
    if let Some(body) = case["body"].as_str() {
        request = request.body(body.to_owned());
    }
    Answer::of(request).await
}

fn check_answer(case: &Value, answer: &Answer, what: &str, findings: &mut Findings) {
    findings.check(case["status"] == answer.status, || {
        format!("{what}: {answer}")
    });
    for part in case["says"].as_array().into_iter().flatten() {
        let part = part.as_str().expect("a text");
        findings.check(answer.text.contains(part), || {
            format!("{what}: {part:?} is not in {answer}")
        });
    }
}

async fn check_vendor_call(vendors: &Vendors, case: &Value, what: &str, findings: &mut Findings) {
    let path = "/_control/journal?limit=1";
    let journal = vendors.control("GET", path, None).await;
    let newest = &journal["calls"][0];
    for (member, wanted) in case["vendorCall"].as_object().into_iter().flatten() {
        findings.check(newest[member] == *wanted, || {
            format!("{what}: the vendor got {member} {}", newest[member])
        });
    }
    for (name, wanted) in case["vendorHeaders"].as_object().into_iter().flatten() {
        let got = newest["headers"][name][0].as_str();
        let fits = match wanted.as_str() {
            Some(wanted) => got.is_some_and(|got| got.contains(wanted)),
            None => got.is_none(),
        };
        findings.check(fits, || format!("{what}: the vendor got {name} {got:?}"));
    }
}
