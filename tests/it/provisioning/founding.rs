//! The founding requests, as they stand in `examples/instances` and as somebody pastes them from a
//! page: `elements/*/cases/founding.json` says what they are answered.

use std::path::Path;

use bunsen_test_macros::database_test;
use serde_json::{Map, Value, json};

use super::{INSTANCES, stored};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{Vendors, example_of_each};

/// Of every element its key, the text of its example, and its founding pair.
fn founding() -> Vec<(String, String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: String| {
        let path = root.join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let mut pairs = Vec::new();
    for (key, _) in example_of_each() {
        let pair = read(format!("elements/{key}/cases/founding.json"));
        let pair = serde_json::from_str(&pair).expect("JSON");
        pairs.push((
            key.clone(),
            read(format!("examples/instances/{key}.json")),
            pair,
        ));
    }
    let elements = std::fs::read_dir(root.join("elements")).expect("there are elements");
    assert_eq!(pairs.len(), elements.count(), "an element without example");
    pairs
}

async fn post(server: &TestServer, content_type: Option<&str>, body: &str) -> Answer {
    let mut request = server
        .request("POST", INSTANCES)
        .header("authorization", server.admin.header())
        .body(body.to_owned());
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    Answer::of(request).await
}

#[database_test]
async fn founding_requests_get_founding_answers(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for (key, text, pair) in founding() {
        let example: Value = serde_json::from_str(&text).expect("JSON");
        // `curl -d` with a header of its own, and without.
        for content_type in [
            None,
            Some("application/json"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let what = format!("{key} as {content_type:?}");
            let answer = post(&server, content_type, &text).await;
            findings.status(&what, &answer, 200);
            if answer.status == 200 {
                check(&example, &pair, &answer.json(), &what, &mut findings);
            }
        }
    }
    findings.none();
}

/// Every member of the founding answer is there, with its type; what nobody chose is what it was.
fn check(example: &Value, pair: &Value, got: &Value, what: &str, findings: &mut Findings) {
    findings.check(got["id"].as_i64().is_some_and(|id| id > 0), || {
        format!("{what}: id {}", got["id"])
    });
    findings.check(got["token"].as_str().is_some_and(|t| t.len() == 44), || {
        format!("{what}: the token")
    });
    let same = |place: &str, got: Option<&Value>, wanted: &Value, findings: &mut Findings| {
        // Null is not the same as absent.
        findings.check(got == Some(wanted), || {
            format!("{what}: {place} is {got:?} instead of {wanted}")
        });
    };
    for (member, wanted) in object(&pair["answer"]) {
        match member.as_str() {
            "name" => same("name", got.get("name"), &example["name"], findings),
            "element" => {
                for (member, wanted) in object(wanted) {
                    same(member, got["element"].get(member), wanted, findings);
                }
            }
            "configuration" => {}
            member => same(member, got.get(member), wanted, findings),
        }
    }
    let (requested, stored) = (&pair["request"]["configuration"], &pair["stored"]);
    let given = &example["configuration"];
    for (key, wanted) in object(&pair["answer"]["configuration"]) {
        let got = got["configuration"].get(key);
        let returned = stored.get(key).is_some() && requested.get(key).is_none();
        if *wanted == "********" || (!returned && requested.get(key).is_none()) {
            same(key, got, wanted, findings);
        } else if returned {
            // The vendor's own: of the same kind.
            let (got, wanted) = (text(got), text(Some(wanted)));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let alike = !got.is_empty()
                && digits(got) == digits(wanted)
                && got.starts_with("https://") == wanted.starts_with("https://");
            findings.check(alike, || format!("{what}: {key} is {got:?}"));
        } else {
            same(key, got, &given[key], findings);
        }
    }
    for (key, value) in object(&got["configuration"]) {
        findings.check(value.is_string() || value.is_null(), || {
            format!("{what}: {key} is no text: {value}")
        });
    }
    // What the founding page asks for is what the example gives.
    let keys = |value: &Value| -> Vec<String> { object(value).keys().cloned().collect() };
    findings.check(keys(given) == keys(requested), || {
        format!("{what}: the example gives {:?}", keys(given))
    });
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// Line and column of the nth straight quote, from 1.
fn place_of(text: &str, quote: usize) -> (usize, usize) {
    let (offset, _) = text.match_indices('"').nth(quote).expect("a quote");
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().expect("a line").chars().count() + 1;
    (line, column)
}

/// The text with some of its quotes made curly, as a page shows them.
fn curled(text: &str, is_curly: impl Fn(usize) -> bool) -> String {
    let mut curled = String::new();
    let mut pieces = text.split('"');
    curled.push_str(pieces.next().expect("a piece"));
    for (number, piece) in pieces.enumerate() {
        curled.push(match (is_curly(number), number % 2) {
            (false, _) => '"',
            (true, 0) => '\u{201c}',
            (true, _) => '\u{201d}',
        });
        curled.push_str(piece);
    }
    curled
}

/// Pasted whole, the first is named; one alone is named wherever it is.
#[database_test]
async fn curly_quotes_are_named_with_line_and_column(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let before = stored(&server).await;
    let mut findings = Findings::default();
    for (key, text, _) in founding() {
        let quotes = text.matches('"').count();
        let whole = (curled(&text, |_| true), place_of(&text, 0));
        let single = (0..quotes).map(|one| (curled(&text, |n| n == one), place_of(&text, one)));
        for (body, (line, column)) in std::iter::once(whole).chain(single) {
            for content_type in [None, Some("application/x-www-form-urlencoded")] {
                let what = format!("{key}, line {line}, column {column}");
                let answer = post(&server, content_type, &body).await;
                let place = format!("line {line}, column {column} has the curly quote");
                if let Some(error) = findings.error(&what, &answer, 400) {
                    findings.check(message(&error).contains(&place), || {
                        format!("{what}: {error}")
                    });
                }
            }
        }
    }
    findings.check(vendors.calls().await == 0, || "a vendor was asked".into());
    assert_eq!(stored(&server).await, before);
    findings.none();
}

/// Placeholders of every part are told at once, before brackets are taken for markup.
#[database_test]
async fn every_placeholder_is_named_at_once(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let before = stored(&server).await;
    let mut findings = Findings::default();
    for (key, text, _) in founding() {
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        let mut wanted = vec![
            "name: <INSERT_NAME>".to_owned(),
            "tags: <Add_Your_Tag>".to_owned(),
            "tags: <INSERT_TAG_2>".to_owned(),
            "tags: <INSERT_TAG_3>".to_owned(),
        ];
        body["name"] = json!("<INSERT_NAME>");
        body["tags"] = json!(["<Add_Your_Tag>", "<INSERT_TAG_2> and <INSERT_TAG_3>"]);
        let configuration = body["configuration"].as_object_mut().expect("an object");
        for (number, (entry, value)) in configuration.iter_mut().enumerate() {
            let placeholder = format!("<INSERT_VALUE_{number}>");
            wanted.push(format!("configuration '{entry}': {placeholder}"));
            *value = json!(placeholder);
        }
        configuration.insert(
            "event.poller.configuration".into(),
            json!({"contacts": {"url": ["<INSERT_URL>"]}}),
        );
        wanted.push("configuration 'event.poller.configuration': <INSERT_URL>".into());
        for path in [
            INSTANCES.to_owned(),
            format!("/elements/api-v2/elements/{key}/instances"),
        ] {
            let request = server
                .request("POST", &path)
                .header("authorization", server.admin.header())
                .json(&body);
            let answer = Answer::of(request).await;
            let Some(error) = findings.error(&path, &answer, 400) else {
                continue;
            };
            for wanted in &wanted {
                findings.check(message(&error).contains(wanted), || {
                    format!("{key}: {wanted} is not named: {error}")
                });
            }
        }
    }
    findings.check(vendors.calls().await == 0, || "a vendor was asked".into());
    assert_eq!(stored(&server).await, before);
    findings.none();
}

/// The same as the instance lists them itself in detail.
#[database_test]
async fn objects_are_listed_where_they_were_asked_for(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for (key, text, _) in founding() {
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        for (asked, wanted) in [
            (json!(true), true),
            (json!(false), false),
            (Value::Null, false),
        ] {
            body["retrieveObjectsAfterInstantiation"] = asked.clone();
            let created = server.create(&server.admin, &body).await;
            let token = created["token"].as_str().expect("a token");
            let request = server.request("GET", "/elements/api-v2/objects");
            let request = request
                .header("authorization", server.admin.with_token(token))
                .header("elements-version", "Helium");
            let listed = Answer::of(request).await.success();
            let wanted = wanted.then_some(listed);
            findings.check(created.get("objects") == wanted.as_ref(), || {
                format!("{key}, {asked}: {:?}", created.get("objects"))
            });
            let path = format!("{INSTANCES}/{}", created["id"]);
            for method in ["PUT", "PATCH"] {
                let request = server
                    .request(method, &path)
                    .header("authorization", server.admin.header())
                    .json(&json!({"tags": [], "retrieveObjectsAfterInstantiation": asked}));
                let changed = Answer::of(request).await.success();
                findings.check(changed.get("objects") == wanted.as_ref(), || {
                    format!("{key}, {method} {asked}: {:?}", changed.get("objects"))
                });
            }
        }
        body["retrieveObjectsAfterInstantiation"] = json!("yes");
        let answer = post(&server, None, &body.to_string()).await;
        if let Some(error) = findings.error(&key, &answer, 400) {
            findings.check(
                message(&error).contains("retrieveObjectsAfterInstantiation"),
                || format!("{key}: {error}"),
            );
        }
    }
    findings.none();
}
