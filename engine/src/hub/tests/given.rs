//! Answers in XML, and what calls give beside their records.

use super::*;
use crate::configuration::Value;
use crate::element::tests::file;
use crate::element::{Catalog, Group};

/// An added definition, which may hold what shipped ones may not.
fn added(parameters: Json, resources: Json) -> Arc<Element> {
    let mut json = sample();
    json["parameters"].as_array_mut().unwrap().pop();
    let above = json["parameters"].as_array_mut().unwrap();
    above.extend(parameters.as_array().unwrap().clone());
    let all = json["resources"].as_array_mut().unwrap();
    all.extend(resources.as_array().unwrap().clone());
    let catalog = Catalog::load(Vec::new(), vec![file(&json)]);
    let catalog = catalog.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    catalog.iter().next().unwrap().clone()
}

fn called<T>(
    element: &Element,
    (method, path, body): (&str, &str, &str),
    run: impl FnOnce(&Group, &Resource, &Inputs<'_>, &Caller<'_>) -> T,
) -> T {
    let group = &element.groups[1];
    let stored = values(element, &[("site", "acme"), ("token", "secret-token")]);
    let values = element.effective(group, &stored);
    let inputs = Inputs {
        configuration: &values,
        previous: None,
        request: None,
        now: 0,
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let route = element
        .route(group, &method.parse().unwrap(), path)
        .unwrap();
    let resource = route.resource;
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    let body = Bytes::from(body.to_owned());
    let caller = Caller::new(route, query.collect(), &NO_HEADERS, body);
    run(group, resource, &inputs, &caller)
}

fn xml(text: &str) -> VendorReply {
    let mut reply = reply(200, text.to_owned());
    let kind = "text/xml; charset=utf-8".parse().unwrap();
    reply.headers.insert("content-type", kind);
    reply
}

fn in_xml() -> Arc<Element> {
    let kind = json!({"contentType": "application/xml"});
    let pages = || json!([parameter(900, "page", "query", "page", "query")]);
    added(
        json!([]),
        json!([
            {"id": 800, "method": "GET", "path": "/boxes", "vendorPath": "/b", "type": "api", "rootKey": "|boxes.box", "response": kind, "parameters": pages()},
            {"id": 810, "method": "GET", "path": "/boxes/{id}", "vendorPath": "/b/1", "type": "api", "rootKey": "|box", "response": kind},
            {"id": 820, "method": "GET", "path": "/crates/{id}", "vendorPath": "/c/1", "type": "api", "bunsen": {"expect": {"content": "xml"}}},
            {"id": 830, "method": "GET", "path": "/sheet", "vendorPath": "/s", "type": "api", "response": {"contentType": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}}
        ]),
    )
}

#[test]
fn xml_becomes_the_json_that_callers_get() {
    let element = in_xml();
    let content = |path: &str, reply: &VendorReply| {
        called(&element, ("GET", path, ""), |group, resource, inputs, _| {
            let json = OnceCell::new();
            let answer = read(&element, group, resource, inputs, reply, &json);
            answer
                .map_err(|fault| fault.status)
                .map(|answer| match answer.content {
                    Content::Nothing => "nothing".to_owned(),
                    Content::One(one) => one.to_owned(),
                    Content::List(list) => format!("list {}", list.join("|")),
                    Content::Bytes(bytes) => format!("{} bytes", bytes.len()),
                })
        })
    };
    for (path, body, expected) in [
        (
            "/boxes",
            "<boxes><box><id>1</id></box><box><id>2</id></box></boxes>",
            r#"list {"id":"1"}|{"id":"2"}"#,
        ),
        (
            "/boxes",
            "<boxes><box><id>1</id></box></boxes>",
            r#"{"id":"1"}"#,
        ),
        ("/boxes", "<boxes/>", "list "),
        ("/boxes", "<boxes>\n</boxes>", "list "),
        ("/boxes", "<boxes><box/></boxes>", "list "),
        (
            "/boxes/1",
            "<?xml version='1.0'?><box><name>a&amp;\"b</name></box>",
            r#"{"name":"a&\"b"}"#,
        ),
        ("/crates/1", "<a><b>1</b></a>", r#"{"a":{"b":"1"}}"#),
        // JSON all the same, and nothing at all.
        ("/boxes/1", r#"{"box":{"id":1}}"#, r#"{"id":1}"#),
        ("/boxes/1", "", "nothing"),
        ("/sheet", "<a/>", "4 bytes"),
    ] {
        assert_eq!(content(path, &xml(body)), Ok(expected.to_owned()), "{body}");
    }
    for broken in ["<boxes><box></boxes>", "<html><body>gateway</body></html>"] {
        assert_eq!(content("/boxes", &xml(broken)), Err(502), "{broken}");
    }
}

#[test]
fn a_list_in_xml_is_a_page() {
    let element = in_xml();
    let body = "<boxes><box><id>2</id></box><box><id>1</id></box><box><id>3</id></box></boxes>";
    let path = "/boxes?pageSize=2";
    let page = called(
        &element,
        ("GET", path, ""),
        |group, resource, inputs, caller| {
            let walk = Walk::new(&element, resource, inputs.configuration, caller, &key());
            let mut walk = walk.unwrap();
            let request = walk.request(group, inputs, caller).unwrap().unwrap();
            assert_eq!(request.headers["accept"], "application/json");
            walk.accept(group, inputs, &xml(body)).unwrap();
            assert!(walk.request(group, inputs, caller).is_none());
            assert!(walk.held() > 0);
            walk.finish(&key()).unwrap()
        },
    );
    let records: Vec<&[u8]> = page.records.iter().map(|record| &record[..]).collect();
    assert_eq!(records, [br#"{"id":"2"}"#.as_slice(), br#"{"id":"1"}"#]);
    assert!(page.next.is_some());
}

#[test]
fn a_chain_reads_xml_too() {
    let element = added(
        json!([]),
        json!([{"id": 800, "method": "GET", "path": "/next", "vendorPath": "/n", "type": "api",
                "parameters": [parameter(801, "box.id", "prevBodyField", "id", "query")]}]),
    );
    let previous = xml("<box><id>7</id></box>");
    called(
        &element,
        ("GET", "/next", ""),
        |group, resource, inputs, caller| {
            let inputs = Inputs {
                previous: Some(&previous),
                ..*inputs
            };
            let request = build(&element, group, resource, &inputs, caller).unwrap();
            assert_eq!(request.url.query(), Some("id=7"));
        },
    );
}

fn answered(id: i64, name: &str, kind: &str, vendor: &str, from: &str) -> Json {
    json!({"id": id, "name": name, "type": kind, "vendorName": vendor, "vendorType": from, "source": "response"})
}

#[test]
fn what_an_answer_gives_beside_its_record() {
    let mut number = answered(804, "copied.size", "bodyField", "x-size", "header");
    number["dataType"] = json!("integer");
    let element = added(
        json!([answered(700, "X-Served-By", "header", "x-server", "header")]),
        json!([
            {"id": 800, "method": "POST", "path": "/boxes", "vendorPath": "/b", "type": "api", "rootKey": "|data", "parameters": [
                answered(801, "session", "configuration", "meta.session", "bodyField"),
                answered(802, "X-Version", "header", "meta.version", "bodyField"),
                answered(803, "copied.of", "bodyField", "meta.version", "bodyField"), number,
                answered(805, "copied.id", "bodyField", "id", "bodyField"),
                answered(806, "base.url", "configuration", "meta.home", "bodyField"),
                parameter(807, "merchant", "query", "merchantId", "configuration"),
                parameter(808, "base", "query", "base.url", "configuration"),
                {"id": 809, "name": "username", "type": "configuration", "vendorName": "meta.user", "vendorType": "bodyField", "source": "response", "required": true}
            ]},
            {"id": 830, "method": "GET", "path": "/plain", "vendorPath": "/p", "type": "api"}
        ]),
    );
    let mut reply = reply(
        201,
        r#"{"data":{"id":7},"meta":{"session":"s9","version":3,"home":"https://evil.example/v1"}}"#,
    );
    reply.headers.insert("x-server", "depot-3".parse().unwrap());
    reply.headers.insert("x-size", "12".parse().unwrap());
    let path = "/boxes?merchant=m1&base=https://evil.example";
    let call = ("POST", path, "");
    let left = called(&element, call, |group, resource, inputs, caller| {
        assert!(resource.gives);
        given(&element, group, resource, inputs, caller, &reply, None)
    });
    let stored: Vec<_> = left.configuration.iter().collect();
    let [(first, merchant), (second, session)] = stored.as_slice() else {
        panic!("{stored:?}");
    };
    assert_eq!((first.as_str(), merchant.reveal()), ("merchantId", "m1"));
    // What the definition does not describe may be a token.
    assert!(matches!(merchant, Value::Secret(_)));
    assert_eq!((second.as_str(), session.reveal()), ("session", "s9"));
    assert_eq!(left.headers["x-version"], "3");
    assert_eq!(left.headers["x-served-by"], "depot-3");
    let record = left.complete(br#"{"id":7}"#.to_vec());
    let record: Json = serde_json::from_slice(&record).unwrap();
    assert_eq!(
        record,
        json!({"id": 7, "copied": {"of": 3, "size": 12, "id": 7}})
    );
    assert_eq!(left.complete(b"[1]".to_vec()), b"[1]");
    let notices = left.notices.join(" ");
    assert!(notices.contains("named a base URL"), "{notices}");
    assert!(
        notices.contains("without a value for username"),
        "{notices}"
    );
    // The element's own header is on every call, and nothing else.
    let left = called(
        &element,
        ("GET", "/plain", ""),
        |group, resource, inputs, caller| {
            given(&element, group, resource, inputs, caller, &reply, None)
        },
    );
    assert_eq!((left.headers.len(), left.configuration.len()), (1, 0));
    assert!(!left.has_fields());
    let told: Vec<String> = element
        .unsupported
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("parameters[7]: a call does not move"),
        "{told:?}"
    );
}

#[test]
fn what_has_no_effect_is_listed() {
    let pages = parameter(830, "page", "query", "page", "query");
    let element = added(
        json!([]),
        json!([
            {"id": 800, "method": "GET", "path": "/boxes", "vendorPath": "/b", "type": "api", "parameters": [
                pages, answered(801, "a", "bodyField", "b", "bodyField"),
                answered(802, "a", "query", "b", "bodyField"),
                answered(803, "a", "header", "b", "query"),
                answered(804, "a", "body", "b", "body"),
                answered(805, "a", "header", "b", "no-op")]},
            {"id": 820, "method": "GET", "path": "/boxes/{id}", "vendorPath": "/b", "type": "onRefresh", "parameters": [
                answered(821, "a", "header", "b", "header")]}
        ]),
    );
    let told: Vec<&str> = element
        .unsupported
        .iter()
        .map(|one| one.place.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "resources[3].parameters[1]",
            "resources[3].parameters[2]",
            "resources[3].parameters[3]",
            "resources[4].parameters[0]"
        ]
    );
    // Without anything that is given, nothing is looked for.
    assert!(!ELEMENT.resources.iter().any(|resource| resource.gives));
}

#[test]
fn conditions_that_are_applied_here_alone_are_told() {
    for (text, own) in [
        ("email='a@x'", None),
        ("email='a@x' and name like 'A%'", Some("name LIKE 'A%'")),
        // Loosely, the vendor is asked all the same.
        ("changed>'2017-03-01 10:00:00'", None),
        ("id=7", None),
        ("id=7 and name='A'", Some("name = 'A'")),
        ("n>1 or n<0", Some("n > 1 OR n < 0")),
    ] {
        let query = format!(
            "where={}",
            text.replace('=', "%3D")
                .replace('%', "%25")
                .replace("%253D", "%3D")
        );
        let caller = caller("GET", "/people", &query, "");
        let values = effective();
        let walk = Walk::new(
            &ELEMENT,
            resource("GET", "/people"),
            &values,
            &caller,
            &key(),
        );
        let page = walk.unwrap().finish(&key()).unwrap();
        assert_eq!(page.filtered.as_deref(), own, "{text}");
    }
}

#[test]
fn fields_by_configuration() {
    let wished = |key_name: &str, value: &str, query: &str| {
        let mut values = effective();
        values.insert(key_name.to_owned(), Value::Clear(value.to_owned()));
        let caller = caller("GET", "/people", query, "");
        let walk = Walk::new(
            &ELEMENT,
            resource("GET", "/people"),
            &values,
            &caller,
            &key(),
        );
        let page = walk.unwrap().finish(&key()).unwrap();
        let mut out = Vec::new();
        match &page.wish.fields {
            Some(fields) => fields.write(r#"{"id":1,"n":2,"name":"A"}"#, &mut out),
            None => out.extend_from_slice(b"all"),
        }
        let ignored = page
            .notices
            .iter()
            .any(|notice| notice.contains("fields was ignored"));
        (String::from_utf8(out).unwrap(), ignored)
    };
    let map = r#"{"people": "id,n", "peopleNotes": ["id"]}"#;
    let of_map = |query: &str| wished("default.select.fields.map", map, query);
    assert_eq!(of_map(""), (r#"{"id":1,"n":2}"#.to_owned(), false));
    assert_eq!(of_map("fields=name"), (r#"{"name":"A"}"#.to_owned(), false));
    assert_eq!(wished("default.select.fields.map", "no", "").0, "all");
    let refused = wished("allow.select.fields", "false", "fields=name");
    assert_eq!(refused, ("all".to_owned(), true));
    assert_eq!(
        wished("allow.select.fields", "true", "fields=name").0,
        r#"{"name":"A"}"#
    );
}
