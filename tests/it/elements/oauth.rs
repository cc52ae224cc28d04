//! `cases/oauth.json`: pages for a browser, and the calls of log-ins and renewals by token.
//!
//! `brought` is what the browser brought, `start` is `LogIn`, `Refresh` or `Token`. `KEY` in a
//! configuration stands for a private key; `assertion` holds the claims that were signed with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bunsen_engine::configuration::Value as Text;
use bunsen_engine::element::{Group, Resource, Start};
use bunsen_engine::oauth::{Nonce, authorize_url, request_parameters};

use super::*;

const KEY: &str = include_str!("../../../engine/src/oauth/assertion/key.pem");

fn every(list: &str, check: impl Fn(&Element, &Group, &Values, &Values, &Value)) {
    let catalog = catalog();
    let mut seen = 0;
    for folder in folders() {
        let Ok(text) = std::fs::read_to_string(folder.join("cases/oauth.json")) else {
            continue;
        };
        let file: Value = serde_json::from_str(&text).unwrap();
        let element = catalog.get(name_of(&folder)).unwrap();
        for case in file[list].as_array().into_iter().flatten() {
            let mut given = members(&file["working"][self::text(case, "from").unwrap()]).clone();
            given.extend(case["with"].as_object().cloned().unwrap_or_default());
            for value in given.values_mut().filter(|value| **value == "KEY") {
                *value = KEY.into();
            }
            let values = element.accept(&given).unwrap();
            let brought = case["brought"].as_object().into_iter().flatten();
            let brought: Values = brought
                .map(|(name, value)| {
                    let secret = bunsen_engine::ids::Secret::new(value.as_str().unwrap());
                    (name.clone(), Text::Secret(secret))
                })
                .collect();
            let code = brought.contains_key("code");
            let group = element.group_meant(&values, code).unwrap();
            assert_eq!(
                Some(group.name.as_str()),
                self::text(case, "group"),
                "{case}"
            );
            check(element, group, &values, &brought, case);
            seen += 1;
        }
    }
    assert!(seen > 0, "no {list}");
}

fn calls<'a>(element: &'a Element, group: &Group, case: &Value) -> Vec<&'a Resource> {
    let start = match text(case, "start") {
        Some("Refresh") => Start::Refresh,
        Some("Token") => Start::Token,
        _ => Start::LogIn,
    };
    element.login_calls(group, start)
}

fn parameters(
    element: &Element,
    group: &Group,
    resource: &Resource,
    values: &Values,
    brought: &Values,
) -> Values {
    let moment = (NOW, &Nonce::default());
    request_parameters(element, group, resource, values, brought, moment).unwrap()
}

#[test]
fn pages_for_a_browser() {
    every("pages", |element, group, values, brought, case| {
        let url = authorize_url(element, group, values, brought).unwrap();
        assert_eq!(Some(url.unwrap().as_str()), text(case, "url"), "{case}");
    });
}

#[test]
fn calls_with_tokens_go_out_as_written() {
    every("calls", |element, group, values, brought, case| {
        let name = text(case, "name").unwrap();
        let mut values = values.clone();
        let expected = case["requests"].as_array().unwrap();
        let resources = calls(element, group, case);
        assert_eq!(resources.len(), expected.len(), "{name}");
        for (resource, expected) in resources.into_iter().zip(expected) {
            let request = parameters(element, group, resource, &values, brought);
            let configuration = values.clone();
            let inputs = Inputs {
                configuration: &configuration,
                previous: None,
                request: Some(&request),
                now: NOW,
            };
            let call = request::build(element, group, resource, &inputs).unwrap();
            assert_eq!(
                Some(call.method.as_str()),
                text(expected, "method"),
                "{name}"
            );
            assert_eq!(Some(call.url.as_str()), text(expected, "url"), "{name}");
            for (header, value) in members(&expected["headers"]) {
                let sent = call.headers.get(header);
                let sent = sent.map(|sent| sent.to_str().unwrap());
                assert_eq!(sent, value.as_str(), "{name}: {header}");
            }
            let body = String::from_utf8(call.body.to_vec()).unwrap();
            match &expected["body"] {
                Value::String(text) => match text.strip_suffix("ASSERTION") {
                    Some(start) => {
                        let assertion = body.strip_prefix(start).expect(&body);
                        let claims = assertion.split('.').nth(1).unwrap();
                        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
                        let claims: Value = serde_json::from_slice(&claims).unwrap();
                        assert_eq!(claims, expected["assertion"], "{name}");
                    }
                    None => assert_eq!(&body, text, "{name}"),
                },
                json => assert_eq!(
                    &serde_json::from_str::<Value>(&body).unwrap(),
                    json,
                    "{name}"
                ),
            }
            let answer = reply(&expected["reply"]);
            let read = reply::read(element, group, resource, &inputs, &answer).unwrap();
            values.extend(read.configuration);
        }
        for (key, value) in members(&case["stored"]) {
            let stored = values.get(key).map(|value| value.reveal());
            assert_eq!(stored, value.as_str(), "{name}: {key}");
        }
    });
}

#[test]
fn answers_to_calls_with_tokens() {
    every("answers", |element, group, values, brought, case| {
        let name = text(case, "name").unwrap();
        let step = usize::try_from(case["step"].as_u64().unwrap_or(0)).unwrap();
        let resource = calls(element, group, case)[step];
        let request = parameters(element, group, resource, values, brought);
        let inputs = Inputs {
            configuration: values,
            previous: None,
            request: Some(&request),
            now: NOW,
        };
        let answer = reply(&case["reply"]);
        let fault = reply::read(element, group, resource, &inputs, &answer).unwrap_err();
        let expected = &case["expected"];
        assert_eq!(
            Some(u64::from(fault.status)),
            expected["status"].as_u64(),
            "{name}: {fault:?}"
        );
        assert_eq!(fault.entry.as_deref(), text(expected, "entry"), "{name}");
        assert_eq!(fault.authorize, expected["authorize"] == true, "{name}");
        for part in expected["message"].as_array().into_iter().flatten() {
            let part = part.as_str().unwrap();
            assert!(fault.message.contains(part), "{name}: {}", fault.message);
        }
        for value in request.values().filter(|value| value.is_secret()) {
            assert!(!format!("{fault:?}").contains(value.reveal()), "{name}");
        }
    });
}
