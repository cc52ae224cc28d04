//! Hub calls of the shipped elements: `cases/hub.json` beside them, run without a server or a vendor.
//!
//! A case is a caller's call, the vendor's requests with its replies in order, and what the caller
//! gets: a `body` with `next` (whether there is a token), `total` and `notices`, a failure's `status`
//! with parts of its texts, or `refused`, part of what is said before anybody is asked. `then` goes
//! on with the token.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Catalog, Element, Group, Resource, SourceFile};
use bunsen_engine::hub::{Caller, Content, Lost, TokenKey, Walk, build, read};
use bunsen_engine::reply::{Fault, VendorReply};
use bunsen_engine::request::{Inputs, VendorRequest};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

fn folders() -> Vec<PathBuf> {
    let elements = Path::new(env!("CARGO_MANIFEST_DIR")).join("../elements");
    let folders = fs::read_dir(elements).unwrap();
    let mut folders: Vec<PathBuf> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("element.json").exists())
        .collect();
    folders.sort();
    folders
}

fn name_of(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

fn catalog() -> Catalog {
    let files = folders().into_iter().map(|folder| SourceFile {
        path: format!("elements/{}/element.json", name_of(&folder)),
        bytes: fs::read(folder.join("element.json")).unwrap(),
    });
    Catalog::load(files.collect(), Vec::new()).unwrap_or_else(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

struct Run<'a> {
    element: &'a Element,
    group: &'a Group,
    values: &'a Values,
    name: &'a str,
}

fn key() -> TokenKey {
    TokenKey::new(&[1; 32], "cases")
}

impl Run<'_> {
    fn sent(&self, request: &VendorRequest, exchange: &Value) -> VendorReply {
        let name = self.name;
        let expected = &exchange["request"];
        let line = format!("{} {}", request.method, request.url);
        assert_eq!(Some(line.as_str()), expected["call"].as_str(), "{name}");
        match expected.get("body") {
            Some(body) => {
                let sent: Value = serde_json::from_slice(&request.body).unwrap();
                assert_eq!(&sent, body, "{name}");
            }
            None => assert!(request.body.is_empty(), "{name}"),
        }
        for (header, value) in expected["headers"].as_object().into_iter().flatten() {
            let sent = request
                .headers
                .get(header)
                .unwrap_or_else(|| panic!("{name}: {header}"));
            assert_eq!(sent.to_str().ok(), value.as_str(), "{name}: {header}");
        }
        let reply = &exchange["reply"];
        let mut headers = HeaderMap::new();
        for (header, value) in reply["headers"].as_object().into_iter().flatten() {
            let header = HeaderName::from_bytes(header.as_bytes()).unwrap();
            headers.append(
                header,
                HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
            );
        }
        let status = u16::try_from(reply["status"].as_u64().unwrap_or(200)).unwrap();
        VendorReply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: match &reply["body"] {
                Value::Null => Bytes::new(),
                Value::String(text) => Bytes::from(text.clone()),
                json => Bytes::from(json.to_string()),
            },
        }
    }

    fn failed(&self, fault: &Fault, expected: &Value) {
        let name = self.name;
        assert_eq!(
            json!(fault.status),
            expected["status"],
            "{name}: {}",
            fault.message
        );
        for (part, text) in [
            ("message", Some(&fault.message)),
            ("providerMessage", fault.provider_message.as_ref()),
            ("retryAfter", fault.retry_after.as_ref()),
        ] {
            if let Some(part) = expected[part].as_str() {
                let text = text.unwrap_or_else(|| panic!("{name}: no text"));
                assert!(text.contains(part), "{name}: {text}");
            }
        }
    }

    /// The token of the next page.
    fn list(&self, resource: &Resource, caller: &Caller<'_>, case: &Value) -> Option<String> {
        let name = self.name;
        let (group, answer) = (self.group, &case["answer"]);
        let walk = Walk::new(self.element, resource, self.values, caller, &key());
        let mut walk = match (walk, case["refused"].as_str()) {
            (Ok(walk), None) => walk,
            (Err(mistake), Some(part)) => {
                assert!(mistake.0.contains(part), "{name}: {mistake}");
                return None;
            }
            (other, _) => panic!("{name}: {other:?}"),
        };
        let inputs = self.inputs(None);
        let mut exchanges = case["exchanges"].as_array().unwrap().iter();
        while let Some(request) = walk.request(group, &inputs, caller) {
            let exchange = exchanges
                .next()
                .unwrap_or_else(|| panic!("{name}: too many calls"));
            let reply = self.sent(&request.unwrap(), exchange);
            if let Err(fault) = walk.accept(group, &inputs, &reply) {
                self.failed(&fault, answer);
                return None;
            }
        }
        assert!(exchanges.next().is_none(), "{name}: too few calls");
        let page = walk.finish(&key()).unwrap();
        let records = page
            .records
            .iter()
            .map(|record| std::str::from_utf8(record).unwrap());
        let list = resource
            .shape
            .write_list(records, false, page.wish.fields.as_ref());
        let body: Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(body, answer["body"], "{name}");
        assert_eq!(json!(page.next.is_some()), answer["next"], "{name}: next");
        assert_eq!(
            json!(page.notices),
            answer.get("notices").cloned().unwrap_or(json!([])),
            "{name}"
        );
        page.next
    }

    fn inputs<'i>(&'i self, previous: Option<&'i VendorReply>) -> Inputs<'i> {
        Inputs {
            configuration: self.values,
            previous,
            request: None,
            now: 0,
        }
    }

    fn one(&self, resource: &Resource, caller: &Caller<'_>, case: &Value) {
        let name = self.name;
        match (
            caller.check(self.element, resource),
            case["refused"].as_str(),
        ) {
            (Ok(()), None) => {}
            (Err(mistake), Some(part)) => {
                assert!(mistake.0.contains(part), "{name}: {mistake}");
                return;
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
        let inputs = self.inputs(None);
        let request = build(self.element, self.group, resource, &inputs, caller).unwrap();
        let reply = self.sent(&request, &case["exchanges"][0]);
        let json = std::cell::OnceCell::new();
        let content = match read(self.element, self.group, resource, &inputs, &reply, &json) {
            Ok(answer) => answer.content,
            Err(fault) => return self.failed(&fault, &case["answer"]),
        };
        let mut out = Vec::new();
        match content {
            Content::One(one) => resource.shape.write(one, false, None, &mut out),
            Content::Nothing => out.extend_from_slice(b"null"),
            other => panic!("{name}: {other:?}"),
        }
        let body: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(body, case["answer"]["body"], "{name}");
    }
}

fn run(element: &Arc<Element>, file: &Value, case: &Value) {
    let name = case["name"].as_str().unwrap();
    let configuration = case["configuration"].as_str().unwrap_or("default");
    let configuration = file["configurations"][configuration].as_object().unwrap();
    let stored: Values = configuration
        .iter()
        .map(|(key, value)| (key.clone(), element.value(key, value.as_str().unwrap())))
        .collect();
    let group = element.group_for(&stored).unwrap();
    let (method, target) = case["call"].as_str().unwrap().split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = HeaderMap::new();
    let body = match case.get("body") {
        None => Bytes::new(),
        Some(body) => Bytes::from(body.to_string()),
    };
    let method: Method = method.parse().unwrap();
    let of = |query: Vec<(String, String)>| {
        let route = element
            .route(group, &method, path)
            .unwrap_or_else(|lost| panic!("{name}: {lost:?}"));
        (
            route.resource,
            Caller::new(route, query, &headers, body.clone()),
        )
    };
    let query = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let run = Run {
        element,
        group,
        values: &element.effective(group, &stored),
        name,
    };
    let (resource, caller) = of(query);
    if !resource.shape.is_list() {
        run.one(resource, &caller, case);
        return;
    }
    if let (Err(mistake), Some(part)) = (caller.check(element, resource), case["refused"].as_str())
    {
        assert!(mistake.0.contains(part), "{name}: {mistake}");
        return;
    }
    let mut token = run.list(resource, &caller, case);
    for then in case["then"].as_array().into_iter().flatten() {
        let token_of = token.unwrap_or_else(|| panic!("{name}: no token"));
        let (resource, caller) = of(vec![("nextPage".to_owned(), token_of)]);
        token = run.list(resource, &caller, then);
    }
}

#[test]
fn hub_calls_of_shipped_elements() {
    let catalog = catalog();
    let mut seen = 0;
    for folder in folders() {
        let Ok(text) = fs::read_to_string(folder.join("cases/hub.json")) else {
            continue;
        };
        let file: Value = serde_json::from_str(&text).unwrap();
        let element = catalog.get(name_of(&folder)).unwrap();
        for case in file["cases"].as_array().unwrap() {
            run(element, &file, case);
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// Of every resource that callers may call: it is found by its own path, can be run, and asks for
/// nothing that nobody has.
#[test]
fn every_resource_is_found_and_can_be_called() {
    for element in catalog().iter() {
        let group = element.founding_group();
        for resource in element
            .resources
            .iter()
            .filter(|r| r.kind.answers_callers())
        {
            let place = format!("{}: {} {}", element.key, resource.method, resource.path);
            assert_eq!(resource.obstacle, None, "{place}");
            let path = match resource.shape.only.first() {
                Some(named) => &named.path,
                None => &resource.path,
            };
            let path = path.replace(['{', '}'], "");
            let route = match element.route(group, &resource.method, &path) {
                Ok(route) => route,
                Err(Lost::Path) if !resource.groups.is_empty() => continue,
                Err(lost) => panic!("{place}: {lost:?}"),
            };
            assert_eq!(route.resource.id, resource.id, "{place}");
        }
    }
}
