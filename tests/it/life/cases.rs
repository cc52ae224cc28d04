//! The changes that each element's file lists.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Life, created_from, path, update_files};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;

#[database_test]
async fn the_changes_of_every_element(database: TestDatabase) {
    let life = Life::start(database).await;
    let mut findings = Findings::default();
    for file in update_files() {
        for case in file["cases"].as_array().expect("cases") {
            let what = format!("{}, {}", file["element"], case["name"]);
            run(&life, &file, case, &what, &mut findings).await;
        }
    }
    findings.none();
}

async fn run(life: &Life, file: &Value, case: &Value, what: &str, findings: &mut Findings) {
    life.vendors.reset().await;
    let from = case["from"].as_str().expect("`from`");
    let created = life.create(&created_from(file, from)).await;
    let before = life.row(&created).await;
    let calls = life.vendors.calls().await;
    let body = json!({"configuration": case["configuration"]});
    let answer = life.patch(&created, &body).await;
    let calls = life.vendors.calls().await - calls;
    findings.check(case["vendorCalls"] == calls, || {
        format!("{what}: {calls} calls to the vendor: {answer}")
    });
    let after = life.row(&created).await;
    let asked = calls > 0 && case["status"] == 200;
    if case["status"] == 200 {
        findings.status(what, &answer, 200);
        if answer.status == 200 {
            check_success(life, case, &answer, what, findings).await;
        }
    } else {
        check_failure(case, &answer, what, findings);
    }
    if case["status"] != 200 || case["changes"] == false {
        findings.check(before == after, || {
            format!("{what}: something was written: {before} became {after}")
        });
    }
    let counted = after["generation"].as_i64() > before["generation"].as_i64();
    findings.check(counted == asked, || {
        format!("{what}: generation {}", after["generation"])
    });
    let path = "/_control/journal?limit=1";
    let journal = life.vendors.control("GET", path, None).await;
    let newest = &journal["calls"][0];
    if let Some(wanted) = case["authorization"].as_str() {
        let got = &newest["headers"]["authorization"][0];
        findings.check(got == wanted, || format!("{what}: the vendor got {got}"));
    }
    for (member, wanted) in case["vendorCall"].as_object().into_iter().flatten() {
        findings.check(newest[member] == *wanted, || {
            format!("{what}: the vendor got {member} {}", newest[member])
        });
    }
}

async fn check_success(
    life: &Life,
    case: &Value,
    answer: &Answer,
    what: &str,
    findings: &mut Findings,
) {
    let instance = answer.json();
    for (key, value) in case["shown"].as_object().into_iter().flatten() {
        let got = &instance["configuration"][key];
        findings.check(got == value, || format!("{what}: {key} is shown as {got}"));
    }
    let warned = answer.header("elements-error").is_some();
    findings.check(warned == (case["warned"] == true), || {
        format!("{what}: the warning: {answer}")
    });
    let read = life.call("GET", &path(&instance), None).await;
    findings.check(read.success() == instance, || {
        format!("{what}: a read differs from {instance}")
    });
}

fn check_failure(case: &Value, answer: &Answer, what: &str, findings: &mut Findings) {
    let status = u16::try_from(case["status"].as_u64().expect("a status")).expect("a status");
    let Some(error) = findings.error(what, answer, status) else {
        return;
    };
    for part in case["message"].as_array().into_iter().flatten() {
        let part = part.as_str().expect("a text");
        findings.check(message(&error).contains(part), || {
            format!("{what}: the message must contain {part:?}: {error}")
        });
    }
    let provided = error.get("providerMessage").is_some();
    findings.check(provided == (case["providerMessage"] == true), || {
        format!("{what}: the provider's message: {error}")
    });
}
