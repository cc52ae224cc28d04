//! Cases beside the elements: `cases/founding.json` and `cases/provisioning.json` of every folder
//! under `elements/`, run without a server or a vendor.
//!
//! The calls of one provisioning stand in order; a `reply` of one is read before the next is built.
//! What is random is `A` there, and the moment is [`NOW`]. A refused value that no log-in call uses
//! is marked `givenOnly`. `cases/oauth.json` is read by `oauth`.

mod oauth;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bunsen_engine::configuration::{RANDOM_BYTES, Values};
use bunsen_engine::element::{Catalog, Element, SourceFile};
use bunsen_engine::reply::{self, VendorReply};
use bunsen_engine::request::{self, BuildError, Inputs};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

/// Milliseconds since 1970.
const NOW: i64 = 1_432_311_980_589;

fn folders() -> Vec<PathBuf> {
    let elements = Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(elements)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("element.json").exists())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

fn catalog() -> Catalog {
    let files = folders()
        .iter()
        .map(|folder| SourceFile {
            path: format!("elements/{}/element.json", name_of(folder)),
            bytes: std::fs::read(folder.join("element.json")).unwrap(),
        })
        .collect();
    Catalog::load(files, Vec::new()).unwrap_or_else(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

fn name_of(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

/// Runs `check` on the case file of that name of every element.
fn for_every(file: &str, check: impl Fn(&Arc<Element>, &Value)) {
    let catalog = catalog();
    for folder in folders() {
        let path = folder.join("cases").join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let case: Value = serde_json::from_str(&text).unwrap();
        check(catalog.get(name_of(&folder)).unwrap(), &case);
    }
}

/// Everything expected is there, with the same type and value.
fn assert_holds(actual: &Value, expected: &Value, place: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (name, value) in expected {
                let place = format!("{place}.{name}");
                let found = actual
                    .get(name)
                    .unwrap_or_else(|| panic!("{place} is missing"));
                assert_holds(found, value, &place);
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{place}");
            for (index, (one, other)) in actual.iter().zip(expected).enumerate() {
                assert_holds(one, other, &format!("{place}[{index}]"));
            }
        }
        _ => assert_eq!(actual, expected, "{place}"),
    }
}

fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn accepted(element: &Element, case: &Value) -> Values {
    element
        .accept(members(&case["configuration"]))
        .unwrap_or_else(|mistakes| panic!("{case}: {mistakes:?}"))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

#[test]
fn founding_answers_hold_key_by_key() {
    for_every("founding.json", |element, case| {
        let values = accepted(element, &case["request"]);
        let group = element.group_for(&values).unwrap();
        assert_eq!(Some(group.name.as_str()), text(case, "group"));
        assert_eq!(group.name, element.founding_group().name);
        assert_eq!(element.missing(group, &values), Vec::<&str>::new());

        let stored = members(&case["stored"]);
        let stored: Values = stored
            .iter()
            .map(|(key, value)| (key.clone(), element.value(key, value.as_str().unwrap())))
            .collect();
        let shown = Value::Object(element.shown(group, &stored));
        let answer = &case["answer"];
        assert_holds(&shown, &answer["configuration"], "configuration");
        assert_holds(element.instance_json(), &answer["element"], "element");
        // Every instance of every element has these two.
        assert_eq!(shown["filter.response.nulls"], "true");
        assert_eq!(shown["event.notification.enabled"], "false");
        assert!(!element.catalogue_json().to_string().contains("bunsen"));
    });
}

#[test]
fn calls_go_out_as_written() {
    for_every("provisioning.json", |element, case| {
        for call in case["calls"].as_array().unwrap() {
            let name = text(call, "name").unwrap();
            let mut values = accepted(element, call);
            let group = element.group_for(&values).unwrap();
            assert_eq!(Some(group.name.as_str()), text(call, "group"), "{name}");
            assert_eq!(
                element.missing(group, &values),
                Vec::<&str>::new(),
                "{name}"
            );
            let expected = call["requests"].as_array().unwrap();
            let resources = element.provisioning(group);
            assert_eq!(resources.len(), expected.len(), "{name}");
            values.extend(element.generated(group, &values, &[0; RANDOM_BYTES]));
            let mut previous = None;
            for (resource, expected) in resources.into_iter().zip(expected) {
                let configuration = values.clone();
                let inputs = Inputs {
                    configuration: &configuration,
                    previous: previous.as_ref(),
                    request: None,
                    now: NOW,
                };
                let request = request::build(element, group, resource, &inputs).unwrap();
                assert_eq!(
                    Some(request.method.as_str()),
                    text(expected, "method"),
                    "{name}"
                );
                assert_eq!(Some(request.url.as_str()), text(expected, "url"), "{name}");
                match &expected["body"] {
                    Value::String(body) => assert_eq!(request.body, body, "{name}"),
                    json => {
                        let body: Value = serde_json::from_slice(&request.body).unwrap();
                        assert_eq!(&body, json, "{name}");
                    }
                }
                for (header, value) in members(&expected["headers"]) {
                    let sent = request.headers.get(header);
                    let sent = sent.map(|sent| sent.to_str().unwrap());
                    assert_eq!(sent, value.as_str(), "{name}: {header}");
                }
                if expected.get("reply").is_some() {
                    let reply = reply(&expected["reply"]);
                    let read = reply::read(element, group, resource, &inputs, &reply).unwrap();
                    values.extend(read.configuration);
                    previous = Some(reply);
                }
            }
            for (key, value) in call["stored"].as_object().into_iter().flatten() {
                assert_eq!(Some(values[key].reveal()), value.as_str(), "{name}: {key}");
            }
        }
    });
}

#[test]
fn missing_entries_are_named_in_their_order() {
    for_every("provisioning.json", |element, case| {
        for case in case["missing"].as_array().unwrap() {
            let values = accepted(element, case);
            let group = element.group_for(&values).unwrap();
            assert_eq!(Some(group.name.as_str()), text(case, "group"), "{case}");
            let missing = serde_json::json!(element.missing(group, &values));
            assert_eq!(missing, case["missing"], "{case}");
        }
    });
}

#[test]
fn refused_values_name_their_entry_when_given_and_when_stored() {
    for_every("provisioning.json", |element, case| {
        for case in case["refused"].as_array().unwrap() {
            let entry = text(case, "entry").unwrap();
            let given = members(&case["configuration"]);
            let mistakes = element.accept(given).unwrap_err();
            assert_eq!(mistakes.len(), 1, "{case}");
            assert_eq!(mistakes[0].key, entry, "{case}");
            if case["givenOnly"] == true {
                continue;
            }

            let mut stored: Values = given
                .iter()
                .map(|(key, value)| (key.clone(), element.value(key, value.as_str().unwrap())))
                .collect();
            let group = element.group_for(&stored).unwrap();
            stored.extend(element.generated(group, &stored, &[0; RANDOM_BYTES]));
            let inputs = Inputs {
                configuration: &stored,
                previous: None,
                request: None,
                now: NOW,
            };
            let resource = element.provisioning(group)[0];
            match request::build(element, group, resource, &inputs) {
                Err(BuildError::Entry { key, .. }) => assert_eq!(key, entry, "{case}"),
                other => panic!("{case}: {other:?}"),
            }
        }
    });
}

/// Every documented key is an entry with its default, and masked where it is a secret; besides
/// those, every element has all keys of the platform, each under an id of its own.
#[test]
fn documented_keys_are_entries() {
    for_every("keys.json", |element, case| {
        let group = element.founding_group();
        let shown = element.shown(group, &Values::new());
        let missing = element.missing(group, &Values::new());
        for key in case["keys"].as_array().unwrap() {
            let name = text(key, "key").unwrap();
            let place = format!("{}: {name}", element.key);
            let entry = element.entry(name).unwrap_or_else(|| panic!("{place}"));
            assert_eq!(key["required"] == true, missing.contains(&name), "{place}");
            assert_eq!(key["secret"] == true, element.is_secret(name), "{place}");
            let polls = key["polls"].as_array();
            match (polls, key.get("default")) {
                (Some(polls), _) => {
                    let default = entry.default.as_deref().unwrap_or_default();
                    let default: Value = serde_json::from_str(default).unwrap();
                    let listed: Vec<&String> = members(&default).keys().collect();
                    assert_eq!(listed.len(), polls.len(), "{place}");
                    for polled in polls {
                        let polled = &default[polled.as_str().unwrap()];
                        assert!(polled["url"].is_string(), "{place}: {polled}");
                    }
                }
                (None, Some(default)) => assert_eq!(shown.get(name), Some(default), "{place}"),
                (None, None) => assert_eq!(shown.get(name), None, "{place}"),
            }
        }
        for (key, kind, default) in [
            ("filter.response.nulls", "BOOLEAN", Some("true")),
            ("event.notification.enabled", "BOOLEAN", Some("false")),
            ("event.notification.signature.key", "PASSWORD", None),
            ("instance.variables", "TEXTAREA", None),
            ("pagination", "TEXTAREA", None),
            ("authentication.type", "COMBO", Some(group.name.as_str())),
        ] {
            let place = format!("{}: {key}", element.key);
            let entry = element.entry(key).unwrap_or_else(|| panic!("{place}"));
            assert_eq!(entry.kind, kind, "{place}");
            assert_eq!(entry.default.as_deref(), default, "{place}");
        }
    });
    let catalog = catalog();
    // What the guard refuses is told as a mistake in an entry that there is.
    for element in catalog.iter() {
        for resource in element
            .groups
            .iter()
            .flat_map(|group| element.provisioning(group))
        {
            let entry = element.host_entry(resource);
            assert!(element.entry(entry).is_some(), "{}: {entry}", element.key);
        }
    }
    let mut ids: Vec<i64> = catalog
        .iter()
        .flat_map(|element| element.entries.iter().map(|entry| entry.id.0))
        .collect();
    let number = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), number, "an id twice");
}

fn reply(case: &Value) -> VendorReply {
    let mut headers = HeaderMap::new();
    for (name, value) in members(&case["headers"]) {
        headers.insert(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
        );
    }
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    VendorReply {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: match &case["body"] {
            Value::String(text) => text.clone().into(),
            json => json.to_string().into(),
        },
    }
}

#[test]
fn answers_mean_what_the_cases_say() {
    for_every("provisioning.json", |element, case| {
        for case in case["answers"].as_array().unwrap() {
            let name = text(case, "name").unwrap();
            let values = accepted(element, case);
            let group = element.group_for(&values).unwrap();
            let calls = element.provisioning(group);
            let step = usize::try_from(case["step"].as_u64().unwrap_or(0)).unwrap();
            let inputs = Inputs {
                configuration: &values,
                previous: None,
                request: None,
                now: NOW,
            };
            let read = reply::read(element, group, calls[step], &inputs, &reply(&case["reply"]));
            let expected = &case["expected"];
            match (read, expected["status"].as_u64()) {
                (Ok(read), None) => {
                    let stored: Map<String, Value> = read
                        .configuration
                        .iter()
                        .map(|(key, value)| (key.clone(), value.reveal().into()))
                        .collect();
                    assert_eq!(Value::Object(stored), expected["configuration"], "{name}");
                }
                (Err(fault), Some(status)) => {
                    assert_eq!(u64::from(fault.status), status, "{name}: {fault:?}");
                    assert_eq!(fault.entry.as_deref(), text(expected, "entry"), "{name}");
                    assert_eq!(
                        fault.provider_message.as_deref(),
                        text(expected, "providerMessage"),
                        "{name}"
                    );
                    assert_eq!(
                        fault.retry_after.as_deref(),
                        text(expected, "retryAfter"),
                        "{name}"
                    );
                    if let Some(entry) = &fault.entry {
                        assert!(fault.message.contains(entry), "{name}: {}", fault.message);
                    }
                    for value in values.values().filter(|value| value.is_secret()) {
                        assert!(!format!("{fault:?}").contains(value.reveal()), "{name}");
                    }
                }
                (read, _) => panic!("{name}: {read:?}"),
            }
        }
    });
}
