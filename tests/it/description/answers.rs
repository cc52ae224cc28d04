//! Every answer of the elements' cases is what the document says of it: successes, refusals of the vendor, faults on the
//! way. And the founding requests and answers are of the described types.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::contract::Contract;
use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::life::{Life, created_from, update_files};
use crate::provisioning::{case_files, create_body};
use crate::server::{TestOptions, TestServer, examples};
use crate::vendors::{Vendors, example, example_named};

const INSTANCES: &str = "/elements/api-v2/instances";

async fn post(server: &TestServer, body: &Value, key: Option<&str>) -> Answer {
    let mut request = server
        .request("POST", INSTANCES)
        .header("authorization", server.admin.header())
        .json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    Answer::of(request).await
}

#[database_test]
async fn creates_of_every_element(database: TestDatabase) {
    let options = TestOptions {
        vendor_timeout: Duration::from_secs(2),
        vendor_body_limit: 256 * 1024,
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let vendors = Vendors::of(&server);
    let contract = Contract::of(&server).await;
    let mut findings = Findings::default();
    let mut statuses = std::collections::BTreeSet::new();
    for (element, file) in case_files() {
        for case in file["cases"].as_array().expect("cases") {
            vendors.reset().await;
            for control in case["control"].as_array().into_iter().flatten() {
                let text = |member: &str| control[member].as_str().expect("a text");
                vendors
                    .control(text("method"), text("path"), control.get("body"))
                    .await;
            }
            let answer = post(&server, &create_body(&file, case), None).await;
            statuses.insert(answer.status);
            let what = format!("{element}, {}", case["name"]);
            contract.check(&what, "POST", INSTANCES, &answer, &mut findings);
        }
    }
    vendors.reset().await;
    for (status, name) in [(200, "one"), (200, "one"), (409, "other")] {
        let answer = post(&server, &example_named(name), Some("key")).await;
        findings.status(name, &answer, status);
        contract.check(name, "POST", INSTANCES, &answer, &mut findings);
    }
    findings.none();
    for status in [200, 400, 401, 429, 502] {
        assert!(
            statuses.contains(&status),
            "no case is answered {status}: {statuses:?}"
        );
    }
}

#[database_test]
async fn changes_of_every_element(database: TestDatabase) {
    let life = Life::start(database).await;
    let contract = Contract::of(&life.server).await;
    let mut findings = Findings::default();
    for file in update_files() {
        for case in file["cases"].as_array().expect("cases") {
            life.vendors.reset().await;
            let from = case["from"].as_str().expect("`from`");
            let created = life.create(&created_from(&file, from)).await;
            let body = json!({"configuration": case["configuration"]});
            let answer = life.patch(&created, &body).await;
            let what = format!("{}, {}", file["element"], case["name"]);
            contract.check(
                &what,
                "PATCH",
                "/elements/api-v2/instances/{}",
                &answer,
                &mut findings,
            );
        }
    }
    findings.none();
}

/// Without what a definition of somebody else may hold besides.
#[database_test]
async fn shipped_elements_are_described_to_the_last_member(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let contract = Contract::of(&server).await.closed();
    let mut findings = Findings::default();
    for path in ["elements", "hubs", "hubs/crm/elements"] {
        let path = format!("/elements/api-v2/{path}");
        let answer = Answer::of(server.request("GET", &path)).await;
        let route = path.replace("crm", "{}");
        contract.check("shipped", "GET", &route, &answer, &mut findings);
    }
    let created = post(&server, &example(), None).await;
    contract.check("an instance", "POST", INSTANCES, &created, &mut findings);
    findings.none();
}

#[database_test]
async fn the_founding_pairs(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let contract = Contract::of(&server).await;
    let request = json!({"$ref": "#/components/schemas/NewInstance"});
    let members = &contract.document["components"]["schemas"]["Instance"]["properties"];
    let mut findings = Findings::default();
    let mut count = 0;
    for (element, _) in case_files() {
        let path = format!(
            "{}/elements/{element}/cases/founding.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).expect("every element has a founding pair");
        let pair: Value = serde_json::from_str(&text).expect("JSON");
        for misfit in contract.misfits(&request, &pair["request"]) {
            findings.add(format!("{element}: request{misfit}"));
        }
        for (member, value) in pair["answer"].as_object().expect("an answer") {
            let Some(schema) = members.get(member) else {
                findings.add(format!("{element}: {member} is not described"));
                continue;
            };
            for misfit in contract.misfits(schema, value) {
                findings.add(format!("{element}: {member}{misfit}"));
            }
        }
        let answer = post(&server, &pair["request"], None).await;
        contract.check(&element, "POST", INSTANCES, &answer, &mut findings);
        count += 1;
    }
    // Of the same shape, with what the simulated vendors take.
    for (file, body) in examples() {
        let answer = post(&server, &body, None).await;
        findings.status(&file, &answer, 200);
        contract.check(&file, "POST", INSTANCES, &answer, &mut findings);
    }
    findings.none();
    assert_eq!(count, 6);
}
