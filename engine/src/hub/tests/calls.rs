//! Calls other than lists, and reading answers.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::ceql::Fields;
use crate::request::VendorRequest;

fn built(method: &str, path: &str, query: &str, body: &str) -> Result<VendorRequest, Mistake> {
    let caller = caller(method, path, query, body);
    let resource = resource(method, path);
    caller.check(&ELEMENT, resource)?;
    Ok(with_inputs(|inputs| {
        build(&ELEMENT, &ELEMENT.groups[1], resource, inputs, &caller).unwrap()
    }))
}

fn refused(method: &str, path: &str, query: &str, body: &str) -> String {
    built(method, path, query, body).unwrap_err().0
}

#[test]
fn a_callers_values_go_where_the_definition_says() {
    let request = built("GET", "/people/a%2Fb", "unknown=1", "").unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://acme.vendor.example/v1/v/people/a%2Fb"
    );
    assert!(request.body.is_empty());
    let request = built("POST", "/people", "folder=in%26out&folder=x", "{\"a\": 1}").unwrap();
    assert_eq!(request.url.query(), Some("dir=in%26out"));
    assert_eq!(request.body, "{\"a\": 1}");
    assert_eq!(request.headers["content-type"], "application/json");
    // Our envelope off, the vendor's on, further fields in.
    for body in [r#"{"name":"A"}"#, r#"{"man": {"name":"A"}}"#] {
        let request = built("PUT", "/people/7", "", body).unwrap();
        assert_eq!(request.method, Method::PUT);
        let sent: Json = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            sent,
            json!({"person": {"own": {"name": "A"}}, "links": [{"of": 7, "main": "true"}]})
        );
    }
}

#[test]
fn what_cannot_be_sent_is_said() {
    assert_eq!(
        refused("POST", "/people", "", "{\"a\":1}"),
        "POST /people needs what is missing: query parameter 'folder'."
    );
    for body in ["", " ", "{}", "{ }", "{\"a\":", "{\"a\":1} x"] {
        let said = refused("POST", "/people", "folder=x", body);
        assert!(
            said.contains("missing or is not valid JSON"),
            "{body}: {said}"
        );
    }
    assert!(refused("GET", "/people/%2e%2e", "", "").contains("path variable 'id' must name"));
    assert!(refused("PATCH", "/people/x", "", "{\"a\":1}").contains("'id' must be a number"));
    let mut headers = HeaderMap::new();
    headers.insert("x-source", HeaderValue::from_static("web"));
    let query = vec![("folder".to_owned(), "x".to_owned())];
    let caller = Caller::new(
        route("POST", "/people").unwrap(),
        query,
        &headers,
        "[1]".into(),
    );
    let resource = resource("POST", "/people");
    caller.check(&ELEMENT, resource).unwrap();
    let request = with_inputs(|inputs| {
        build(&ELEMENT, &ELEMENT.groups[1], resource, inputs, &caller).unwrap()
    });
    assert_eq!(request.headers["x-from"], "web");
}

fn content(path: &str, reply: &VendorReply) -> Result<String, (u16, String)> {
    let resource = resource("GET", path);
    with_inputs(|inputs| {
        let json = OnceCell::new();
        let answer = read(&ELEMENT, &ELEMENT.groups[1], resource, inputs, reply, &json);
        let answer = answer.map_err(|fault| (fault.status, fault.message))?;
        Ok(match answer.content {
            Content::Nothing => "nothing".to_owned(),
            Content::One(one) => one.to_owned(),
            Content::List(list) => format!("list {}", list.join("|")),
            Content::Bytes(bytes) => format!("{} bytes", bytes.len()),
        })
    })
}

#[test]
fn records_are_cut_out_as_they_stand() {
    for (path, body, expected) in [
        (
            "/people",
            r#"{"data":{"rows":[{"a": 1.50},{"b":"\u00e9"}]},"total":9}"#,
            r#"list {"a": 1.50}|{"b":"\u00e9"}"#,
        ),
        ("/people", "\u{feff} {\"data\":{\"rows\":[]}} ", "list "),
        ("/people", r#"{"data":{"rows":null}}"#, "list "),
        // Without the root key, the body as it is.
        ("/people", r#"[{"a":1},2]"#, r#"list {"a":1}|2"#),
        ("/people", r#"{"rows":[1]}"#, r#"{"rows":[1]}"#),
        (
            "/people/recent",
            r#"{"items":[{"item":{"a":1}},{"score":2}]}"#,
            r#"list {"a":1}|{"score":2}"#,
        ),
        ("/people/7", r#"{"data": {"a": 1} }"#, r#"{"a": 1}"#),
        ("/people/7", r#"{"data": null}"#, "nothing"),
        ("/people/7", "", "nothing"),
        ("/people/7", r#"{"a":1}"#, r#"{"a":1}"#),
        ("/files/7", "\0\u{1}PDF", "5 bytes"),
    ] {
        assert_eq!(
            content(path, &reply(200, body)).as_deref(),
            Ok(expected),
            "{path} {body}"
        );
    }
}

#[test]
fn failures_are_told_as_of_any_call() {
    for (status, body, ours, part) in [
        (404, "", 404, "Check the ids in the request"),
        (422, "{}", 400, "Check the request"),
        (503, "down", 502, "failed at step"),
        (200, "{\"data\":", 502, "cannot be read"),
        (200, "<html>", 502, "a web page"),
        (429, "", 429, "no more calls"),
    ] {
        for path in ["/people", "/people/7"] {
            let (found, message) = content(path, &reply(status, body)).unwrap_err();
            assert_eq!(found, ours, "{path} {status} {message}");
            assert!(message.contains(part), "{path} {status} {message}");
        }
    }
}

#[test]
fn rules_look_into_and_around_lists() {
    let cases = [
        (
            json!({"when": {"equals": {"ok": ["false"]}}, "status": 409, "message": "No."}),
            r#"{"ok":false,"data":{"rows":[]}}"#,
        ),
        (
            json!({"when": {"present": ["data.rows[0].bad"]}, "status": 409, "message": "No."}),
            r#"{"data":{"rows":[{"bad":1}]}}"#,
        ),
        (
            json!({"when": {"present": ["data.note"]}, "status": 409, "message": "No."}),
            r#"{"data":{"note":"x","rows":[{"bad":1}]}}"#,
        ),
    ];
    for (rule, bad) in cases {
        let mut json = definition();
        json["bunsen"]["fault"] = json!([rule]);
        let element = element(&json);
        let group = &element.groups[1];
        let resource = element
            .route(group, &Method::GET, "/people")
            .unwrap()
            .resource;
        let status = |body: &str| {
            with_inputs(|inputs| {
                let reply = reply(200, body.to_owned());
                read(&element, group, resource, inputs, &reply, &OnceCell::new())
                    .map(drop)
                    .map_err(|fault| fault.status)
            })
        };
        assert_eq!(status(bad), Err(409), "{bad}");
        assert_eq!(
            status(r#"{"ok":true,"data":{"rows":[{"good":1}]}}"#),
            Ok(())
        );
    }
}

#[test]
fn answers_are_written_without_what_was_not_asked_for() {
    let shape = &resource("PATCH", "/people/7").shape;
    let fields = Fields::parse("a,n").unwrap();
    let written = |nulls, fields| {
        let list = shape.write_list(
            [r#"{"a":{"x":null},"n":null}"#, "7"].into_iter(),
            nulls,
            fields,
        );
        String::from_utf8(list).unwrap()
    };
    assert_eq!(written(false, None), r#"[{"man":{"a":{}}},{"man":7}]"#);
    assert_eq!(
        written(true, Some(&fields)),
        r#"[{"man":{"a":{"x":null},"n":null}},{"man":7}]"#
    );
}

pub(super) fn pruned(value: &mut Json) {
    match value {
        Json::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(pruned);
        }
        Json::Array(items) => items.iter_mut().for_each(pruned),
        _ => {}
    }
}

pub(super) fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        2 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::from),
        1 => any::<i32>().prop_map(Json::from),
        2 => "(null|\"|\\\\|,|:|\\}|\\{|é| |a){0,5}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("(null|\"|a|b|:){0,2}", inner, 0..4)
                .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn nulls_are_taken_out_of_objects_alone(value in any_json(), pretty in any::<bool>()) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&value).unwrap(),
            false => value.to_string(),
        };
        let found: Json = serde_json::from_str(&without_nulls(&text)).unwrap();
        let mut expected = value;
        pruned(&mut expected);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_answer_makes_us_fall(body in "(\\{|\\}|\\[|\\]|\"data\"|\"rows\"|:|,|null|1|\"x\"| ){0,14}") {
        for path in ["/people", "/people/recent", "/people/7"] {
            let _ = content(path, &reply(200, body.clone()));
        }
    }
}
