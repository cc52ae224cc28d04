//! What goes wrong out there, at every step of every element's log-ins, and what the caller gets.
//!
//! `elements/*/cases/failures.json` names the `logins`: `from` one of the working configurations of
//! `create.json`, or `code` or `key` for what `oauth.json` says of the sandbox, and its `steps` in order with `host`, `path` and the `step`'s name. A member named
//! as one of [`rows`] says what is answered there instead: `status`, and texts of the `message`.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};

use super::{INSTANCES, case_files, create_body, secrets, stored};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::server::{TestOptions, TestServer};
use crate::vendors::{Vendors, example_of_each};

struct Row {
    name: &'static str,
    fault: Value,
    status: u16,
    /// Part of the message.
    says: &'static str,
}

/// Kinds of trouble, with the answer unless a step's own says otherwise.
fn rows() -> Vec<Row> {
    let elsewhere = "https://thief.vendor.example/collect";
    let page = "<html><h1>Maintenance</h1></html>";
    [
        (
            "redirect",
            json!({"kind": "redirect", "location": elsewhere}),
            502,
            "never followed",
        ),
        (
            "moved",
            json!({"kind": "redirect", "status": 307, "location": elsewhere}),
            502,
            "never followed",
        ),
        ("html", json!({"kind": "html"}), 502, "a web page"),
        (
            "broken",
            json!({"kind": "invalid_json"}),
            502,
            "cannot be read",
        ),
        (
            "other",
            json!({"kind": "status", "status": 200, "body": "{\"hello\":\"world\"}"}),
            502,
            "answered step",
        ),
        (
            "empty",
            json!({"kind": "status", "status": 204}),
            502,
            "an empty body",
        ),
        ("huge", json!({"kind": "huge"}), 502, "larger than"),
        (
            "endless",
            json!({"kind": "huge", "announced": false}),
            502,
            "larger than",
        ),
        ("bomb", json!({"kind": "gzip_bomb"}), 502, "larger than"),
        ("closed", json!({"kind": "refuse"}), 502, "connection"),
        ("lost", json!({"kind": "lost_answer"}), 502, "connection"),
        ("cut", json!({"kind": "cut"}), 502, "connection"),
        (
            "slow",
            json!({"kind": "slow", "milliseconds": 20_000}),
            502,
            "within 1 s",
        ),
        (
            "trickle",
            json!({"kind": "trickle", "bytes": 1, "every_milliseconds": 400}),
            502,
            "within 1 s",
        ),
        (
            "unauthorized",
            json!({"kind": "status", "status": 401}),
            401,
            "refused",
        ),
        (
            "forbidden",
            json!({"kind": "status", "status": 403}),
            403,
            "does not allow",
        ),
        (
            "not_found",
            json!({"kind": "status", "status": 404}),
            404,
            "found nothing",
        ),
        (
            "throttled",
            json!({"kind": "status", "status": 429, "headers": {"Retry-After": "34"}}),
            429,
            "no more calls",
        ),
        (
            "failed",
            json!({"kind": "status", "status": 500}),
            502,
            "failed at step",
        ),
        (
            "unavailable",
            json!({"kind": "status", "status": 503, "body": page, "content_type": "text/html"}),
            502,
            "failed at step",
        ),
        (
            "gateway",
            json!({"kind": "status", "status": 504}),
            502,
            "failed at step",
        ),
    ]
    .map(|(name, fault, status, says)| Row {
        name,
        fault,
        status,
        says,
    })
    .into()
}

/// The file of failures beside an element's cases.
fn failures(element: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("elements")
        .join(element)
        .join("cases/failures.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn create(server: &TestServer, body: &Value) -> Answer {
    let request = server
        .request("POST", INSTANCES)
        .header("authorization", server.admin.header())
        .json(body);
    Answer::of(request).await
}

#[database_test]
async fn every_failure_at_every_step_of_every_element(database: TestDatabase) {
    let options = TestOptions {
        vendor_timeout: Duration::from_secs(1),
        vendor_body_limit: 256 * 1024,
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let vendors = Vendors::of(&server);
    let mut findings = Findings::default();
    let before = stored(&server).await;
    for (element, file) in case_files() {
        for login in failures(&element)["logins"].as_array().expect("logins") {
            for (number, step) in login["steps"].as_array().expect("steps").iter().enumerate() {
                for row in rows() {
                    let what = format!(
                        "{element}, {}, {}: {}",
                        login["from"], step["step"], row.name
                    );
                    vendors.reset().await;
                    let body = match login["from"].as_str() {
                        Some("code") => Case::of(&element).body_with_code(&server).await,
                        Some("key") => Case::of(&element).body_with_key(&vendors, true).await,
                        _ => create_body(&file, &json!({"name": "fails", "from": login["from"]})),
                    };
                    let mut fault = row.fault.clone();
                    fault["host"] = step["host"].clone();
                    fault["path"] = step["path"].clone();
                    vendors.fault(fault).await;
                    let answer = create(&server, &body).await;
                    check(&row, step, &answer, &what, &mut findings);
                    let shown = secrets(&file, &body).any(|secret| answer.text.contains(secret));
                    findings.check(!shown, || format!("{what}: a secret is shown: {answer}"));
                    // Nothing is tried again, and nobody else is asked.
                    let calls = vendors.calls().await;
                    findings.check(calls == number as u64 + 1, || {
                        format!("{what}: {calls} calls to the vendor")
                    });
                }
            }
            vendors.reset().await;
        }
    }
    findings.check(stored(&server).await == before, || {
        "something was stored".into()
    });
    findings.none();
}

fn check(row: &Row, step: &Value, answer: &Answer, what: &str, findings: &mut Findings) {
    let own = &step[row.name];
    let status = own["status"]
        .as_u64()
        .map_or(row.status, |status| status as u16);
    let Some(error) = findings.error(what, answer, status) else {
        return;
    };
    let text = message(&error);
    let mut parts: Vec<&str> = own["message"]
        .as_array()
        .map(|parts| parts.iter().filter_map(Value::as_str).collect())
        .unwrap_or_else(|| vec![row.says]);
    // At which step.
    parts.extend(step["step"].as_str());
    for part in parts {
        findings.check(text.contains(part), || {
            format!("{what}: {part:?} is not in {text:?}")
        });
    }
    // What to do about it.
    let advises = ["heck", "Wait", "again", "Give", "right"];
    findings.check(advises.iter().any(|word| text.contains(word)), || {
        format!("{what}: no advice in {text:?}")
    });
    let technical = ["reqwest", "hyper", "os error", "<html", "thief"];
    findings.check(!technical.iter().any(|word| text.contains(word)), || {
        format!("{what}: not in plain words: {text:?}")
    });
    let retry_after = (status == 429).then_some("34");
    findings.check(answer.header("retry-after") == retry_after, || {
        format!("{what}: Retry-After is {:?}", answer.header("retry-after"))
    });
}

/// Nobody listens where the vendor should be.
#[database_test]
async fn a_refused_connection_is_named(database: TestDatabase) {
    // Bound and never listening, so that nobody else gets the port meanwhile.
    let reserved = TcpSocket::new_v4().expect("a socket");
    reserved
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a free port");
    let address = reserved.local_addr().expect("bound");
    unreachable_at(database, address, "connect").await;
}

/// Somebody listens who does not speak TLS.
#[database_test]
async fn a_failed_tls_handshake_is_named(database: TestDatabase) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let answering = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.readable().await;
        }
    });
    unreachable_at(database, address, "TLS").await;
    answering.abort();
}

async fn unreachable_at(database: TestDatabase, address: std::net::SocketAddr, says: &str) {
    let options = TestOptions {
        vendor_routes: vec![format!("*=https://{address}")],
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let before = stored(&server).await;
    let mut findings = Findings::default();
    for (element, body) in example_of_each() {
        let answer = create(&server, &body).await;
        let Some(error) = findings.error(&element, &answer, 502) else {
            continue;
        };
        let step = &failures(&element)["logins"][0]["steps"][0];
        for part in [says, text(&step["step"]), text(&step["host"])] {
            findings.check(message(&error).contains(part), || {
                format!("{element}: {part:?} is not in {error}")
            });
        }
        findings.check(error.get("providerMessage").is_none(), || {
            format!("{element}: the vendor has said nothing: {error}")
        });
        let local = address.port().to_string();
        findings.check(!answer.text.contains(&local), || {
            format!("{element}: the route is shown: {error}")
        });
    }
    findings.check(stored(&server).await == before, || {
        "something was stored".into()
    });
    findings.none();
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
