//! Making instances: the cases beside the elements, and (in the modules below) what answers look like.
//!
//! Everything that speaks of a vendor is data: `elements/*/cases/create.json`. A case is one create against the
//! simulated vendor after a reset of the sandbox:
//!
//! - `control`: calls that prepare the sandbox, `method`, `path` and `body`;
//! - the configuration: `configuration` whole, or `from` one of `working` with some entries (`with`) and `without`
//!   others; or `body`, the whole create body;
//! - `status`; `message` (texts it contains), `messageIs`, `messageLacks`; `providerMessage`: `is` or `contains`, `any`,
//!   absent when not named; `headers`: a value, `any`, or null for absent; `vendorCalls`: how many;
//! - of a success: `shown` and `absent` entries of the answer's configuration, `answer` by JSON pointer (`absent`),
//!   `notShown` texts, and `vendorCall`, the newest call that the vendor received.
//!
//! After a failure nothing may be stored, and no secret of the request may be in the answer. `marked` is read by
//! `secrets`.

mod answers;
mod failures;
mod founding;
mod names;
mod requests;
mod searching;
mod work;

use std::path::Path;
use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use crate::vendors::Vendors;

const INSTANCES: &str = "/elements/api-v2/instances";

/// Every element's case file, by the element's folder.
pub fn case_files() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let elements = std::fs::read_dir(folder).expect("there are elements");
    let mut files: Vec<(String, Value)> = elements
        .filter_map(|element| {
            let path = element.expect("an entry").path();
            let text = std::fs::read_to_string(path.join("cases/create.json")).ok()?;
            let file = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Some((path.file_name()?.to_string_lossy().into_owned(), file))
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!files.is_empty(), "no element has cases");
    files
}

/// What a refused create must leave as it was.
async fn stored(server: &TestServer) -> [i64; 3] {
    let counts: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from instances), (select count(*) from secret_index), (select count(*) from instance_directory)",
    )
    .fetch_one(&server.database.pool)
    .await
    .expect("counts");
    counts.into()
}

pub fn create_body(file: &Value, case: &Value) -> Value {
    if let Some(body) = case.get("body") {
        return body.clone();
    }
    let mut configuration: Map<String, Value> = match case["from"].as_str() {
        Some(from) => file["working"][from]
            .as_object()
            .expect("a working configuration")
            .clone(),
        None => case["configuration"]
            .as_object()
            .expect("`from` or `configuration`")
            .clone(),
    };
    for key in case["without"].as_array().into_iter().flatten() {
        configuration
            .remove(key.as_str().expect("a key"))
            .expect("`without` names an entry");
    }
    if let Some(with) = case["with"].as_object() {
        configuration.extend(with.clone());
    }
    json!({"element": {"key": file["element"]}, "name": case["name"], "tags": ["case"], "configuration": configuration})
}

#[database_test]
async fn the_cases_of_every_element(database: TestDatabase) {
    let options = TestOptions {
        vendor_timeout: Duration::from_secs(2),
        vendor_body_limit: 256 * 1024,
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let vendors = Vendors::of(&server);
    let mut findings = Findings::default();
    for (element, file) in case_files() {
        for case in file["cases"].as_array().expect("cases") {
            let what = format!(
                "{element}, {}",
                case["name"].as_str().expect("a case has a name")
            );
            run(&server, &vendors, &file, case, &what, &mut findings).await;
        }
    }
    findings.none();
}

async fn run(
    server: &TestServer,
    vendors: &Vendors,
    file: &Value,
    case: &Value,
    what: &str,
    findings: &mut Findings,
) {
    vendors.reset().await;
    for control in case["control"].as_array().into_iter().flatten() {
        let (method, path) = (
            control["method"].as_str().expect("a method"),
            control["path"].as_str().expect("a path"),
        );
        vendors.control(method, path, control.get("body")).await;
    }
    let body = create_body(file, case);
    let before = stored(server).await;
    let request = server
        .request("POST", INSTANCES)
        .header("authorization", server.admin.header())
        .json(&body);
    let answer = Answer::of(request).await;
    if case["status"] == 200 {
        findings.status(what, &answer, 200);
        if answer.status == 200 {
            check_success(file, case, &body, &answer, what, findings);
        }
    } else {
        check_failure(case, &answer, what, findings);
        let after = stored(server).await;
        findings.check(before == after, || {
            format!("{what}: something was stored: {before:?} became {after:?}")
        });
    }
    let visible = if answer.status == 200 {
        &answer.json()["configuration"].to_string()
    } else {
        &answer.text
    };
    for secret in secrets(file, &body) {
        let expected = case["maybeShown"] == true;
        findings.check(expected || !visible.contains(secret), || {
            format!("{what}: a secret of the request is shown: {answer}")
        });
    }
    let calls = vendors.calls().await;
    findings.check(case["vendorCalls"] == calls, || {
        format!("{what}: {calls} calls to the vendor: {answer}")
    });
    check_headers(case, &answer, what, findings);
    check_vendor_call(vendors, case, what, findings).await;
}

/// The request's secrets, as far as they are no common words.
fn secrets<'a>(file: &'a Value, body: &'a Value) -> impl Iterator<Item = &'a str> {
    let keys = file["secretEntries"]
        .as_array()
        .expect("secretEntries")
        .iter();
    keys.filter_map(|key| body["configuration"][key.as_str()?].as_str())
        .filter(|secret| secret.len() > "password".len())
}

fn texts<'a>(case: &'a Value, field: &str) -> Vec<&'a str> {
    let list = case[field].as_array().into_iter().flatten();
    list.map(|text| text.as_str().expect("a text")).collect()
}

fn check_failure(case: &Value, answer: &Answer, what: &str, findings: &mut Findings) {
    let status = u16::try_from(case["status"].as_u64().expect("a status")).expect("a status");
    let Some(error) = findings.error(what, answer, status) else {
        return;
    };
    let text = message(&error);
    if let Some(exact) = case["messageIs"].as_str() {
        findings.check(text == exact, || {
            format!("{what}: expected {exact:?}, got {text:?}")
        });
    }
    for part in texts(case, "message") {
        findings.check(text.contains(part), || {
            format!("{what}: the message must contain {part:?}: {text:?}")
        });
    }
    for part in texts(case, "messageLacks") {
        findings.check(!text.contains(part), || {
            format!("{what}: the message must not contain {part:?}: {text:?}")
        });
    }
    let provider = error.get("providerMessage").and_then(Value::as_str);
    let holds = match &case["providerMessage"] {
        Value::Null => provider.is_none(),
        Value::String(any) if any == "any" => true,
        wanted => match (wanted["is"].as_str(), wanted["contains"].as_str()) {
            (Some(exact), _) => provider == Some(exact),
            (None, Some(part)) => provider.is_some_and(|text| text.contains(part)),
            (None, None) => panic!("{what}: providerMessage is `is`, `contains` or \"any\""),
        },
    };
    findings.check(holds, || {
        format!(
            "{what}: expected the provider's message {}, got {provider:?}",
            case["providerMessage"]
        )
    });
}

fn check_success(
    file: &Value,
    case: &Value,
    body: &Value,
    answer: &Answer,
    what: &str,
    findings: &mut Findings,
) {
    let instance = answer.json();
    let shown = &instance["configuration"];
    findings.check(instance["element"]["key"] == file["element"], || {
        format!("{what}: another element: {answer}")
    });
    for key in file["secretEntries"].as_array().expect("secretEntries") {
        let key = key.as_str().expect("a key");
        let masked = body["configuration"].get(key).is_none()
            || shown.get(key).is_none_or(|shown| shown == "********");
        findings.check(masked, || {
            format!("{what}: {key} is not shown as eight asterisks: {shown}")
        });
    }
    for (key, value) in case["shown"].as_object().into_iter().flatten() {
        findings.check(shown.get(key) == Some(value), || {
            format!("{what}: {key} is not shown as {value}: {shown}")
        });
    }
    for key in texts(case, "absent") {
        findings.check(shown.get(key).is_none(), || {
            format!("{what}: {key:?} is shown: {shown}")
        });
    }
    for text in texts(case, "notShown") {
        findings.check(!answer.text.contains(text), || {
            format!("{what}: {text} is shown: {answer}")
        });
    }
    for (pointer, value) in case["answer"].as_object().into_iter().flatten() {
        let got = instance.pointer(pointer);
        let holds = if value == "absent" {
            got.is_none()
        } else {
            got == Some(value)
        };
        findings.check(holds, || {
            format!("{what}: {pointer} is not {value}: {got:?}")
        });
    }
}

fn check_headers(case: &Value, answer: &Answer, what: &str, findings: &mut Findings) {
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        let got = answer.header(name);
        let holds = match value.as_str() {
            None => got.is_none(),
            Some("any") => got.is_some(),
            wanted => got == wanted,
        };
        findings.check(holds, || {
            format!("{what}: the header {name} is not {value}: {answer}")
        });
    }
}

async fn check_vendor_call(vendors: &Vendors, case: &Value, what: &str, findings: &mut Findings) {
    let Some(wanted) = case["vendorCall"].as_object() else {
        return;
    };
    let journal = vendors
        .control("GET", "/_control/journal?limit=1", None)
        .await;
    let call = &journal["calls"][0];
    for (field, value) in wanted {
        let got = if field == "authorization" {
            &call["headers"]["authorization"][0]
        } else {
            &call[field]
        };
        findings.check(got == value, || {
            format!("{what}: the vendor got {field} {got} instead of {value}")
        });
    }
}
