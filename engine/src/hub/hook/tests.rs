use serde_json::json;

use super::*;
use crate::element::tests::file;
use crate::element::{Catalog, Hook};

fn catalog() -> Catalog {
    let element = json!({
        "id": 7, "name": "Larkpost", "key": "larkpost", "hub": "crm",
        "authentication": {"type": "custom"},
        "configuration": [
            {"id": 1, "key": "base.url", "name": "Base URL", "type": "TEXTFIELD_1000", "defaultValue": "https://api.vendor.example/v3"},
            {"id": 2, "key": "key", "name": "Key", "type": "PASSWORD", "required": true}
        ],
        "parameters": [{"id": 3, "name": "key", "type": "configuration", "vendorName": "X-Lark-Key", "vendorType": "header"}],
        "hooks": [
            {"id": 4, "type": "preRequest", "body": "global before"},
            {"id": 5, "type": "postRequest", "body": "global after", "isLegacy": true}
        ],
        "resources": [
            {"id": 10, "method": "PATCH", "path": "/contacts/{id}", "vendorMethod": "PUT", "vendorPath": "/people/{person}", "type": "api",
             "parameters": [
                {"id": 11, "name": "id", "type": "path", "vendorName": "person", "vendorType": "path"},
                {"id": 12, "name": "expand", "type": "query", "vendorName": "with", "vendorType": "query"},
                {"id": 13, "name": "body", "type": "body", "vendorName": "body", "vendorType": "body"}],
             "hooks": [
                {"id": 14, "type": "postRequest", "body": "own after"},
                {"id": 15, "type": "preRequest", "body": "own before"}]}
        ],
        "bunsen": {"hosts": ["api.vendor.example"]}
    });
    Catalog::load(Vec::new(), vec![file(&element)]).expect("a definition")
}

/// The call and what its hooks say, checked by `test`.
fn hooked(test: impl FnOnce(&mut Hooked<'_>, &mut VendorRequest)) {
    let catalog = catalog();
    let element = catalog.get("larkpost").expect("there");
    let group = element.founding_group();
    let mut stored = Values::new();
    stored.insert("key".into(), element.value("key", "k1"));
    let configuration = element.effective(group, &stored);
    let inputs = Inputs {
        configuration: &configuration,
        previous: None,
        request: None,
        now: 0,
    };
    let path = "/hubs/crm/contacts/a%2Fb";
    let route = element.route(group, &Method::PATCH, path).expect("a route");
    let resource = route.resource;
    let sent = HeaderMap::from_iter([(
        HeaderName::from_static("x-mine"),
        HeaderValue::from_static("yes"),
    )]);
    let query = vec![
        ("expand".to_owned(), "a b".to_owned()),
        ("where".to_owned(), "name = 'Ida' AND age >= 4".to_owned()),
    ];
    let caller = Caller::new(
        route,
        query,
        &sent,
        Bytes::from_static(b"{\"name\":\"Ida\"}"),
    );
    let request = crate::hub::build(element, group, resource, &inputs, &caller);
    let mut request = request.unwrap_or_else(|error| panic!("{error}"));
    let mut hooked = Hooked::new(element, group, resource, &inputs, &caller);
    test(&mut hooked, &mut request);
}

fn reply(status: u16, body: &'static str) -> VendorReply {
    VendorReply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )]),
        body: Bytes::from_static(body.as_bytes()),
    }
}

#[test]
fn hooks_run_from_the_element_to_the_resource_and_back() {
    let catalog = catalog();
    let element = catalog.get("larkpost").expect("there");
    let resource = &element.resources[0];
    let before: Vec<&str> = element
        .hooks_before(resource)
        .map(|hook| hook.source.as_str())
        .collect();
    let after: Vec<&Hook> = element.hooks_after(resource).collect();
    assert_eq!(before, ["global before", "own before"]);
    assert_eq!(after[0].source, "own after");
    assert!(after[1].legacy && after[1].source == "global after");
    assert!(element.unsupported.is_empty(), "{:?}", element.unsupported);
}

#[test]
fn scripts_see_the_call_as_it_is_planned() {
    hooked(|hooked, request| {
        let variables = hooked.before(request);
        for (name, expected) in [
            ("request_method", json!("PATCH")),
            ("request_path", json!("/hubs/crm/contacts/a/b")),
            ("request_path_variables", json!({"id": "a/b"})),
            (
                "request_parameters",
                json!({"expand": "a b", "where": "name = 'Ida' AND age >= 4"}),
            ),
            ("request_headers", json!({"X-Mine": "yes"})),
            ("request_body", json!({"name": "Ida"})),
            ("request_body_map", json!({"name": "Ida"})),
            (
                "request_expression",
                json!([
                {"attribute": "name", "operator": "=", "value": "Ida"},
                {"attribute": "age", "operator": ">=", "value": "4"}]),
            ),
            ("request_vendor_method", json!("PUT")),
            (
                "request_vendor_url",
                json!("https://api.vendor.example/v3/people/a%2Fb"),
            ),
            ("request_vendor_path", json!("/people/a%2Fb")),
            ("request_vendor_parameters", json!({"with": "a b"})),
            ("request_vendor_body", json!({"name": "Ida"})),
            ("request_previous_response", Json::Null),
            ("object_name", json!("contacts")),
        ] {
            assert_eq!(variables[name], expected, "{name}");
        }
        assert_eq!(variables["request_vendor_headers"]["X-Lark-Key"], "k1");
        assert_eq!(variables["configuration"]["key"], "k1");
        assert!(variables.get("response_body").is_none());
        let after = hooked.after(hooked.before(request), &reply(404, "{\"a\":1}"));
        assert_eq!(after["response_body"], json!({"a": 1}));
        assert_eq!(after["response_status_code"], 404);
        assert_eq!(after["response_iserror"], true);
        assert_eq!(
            after["response_headers"]["Content-Type"],
            "application/json"
        );
    });
}

#[test]
fn nothing_said_changes_nothing() {
    hooked(|hooked, request| {
        let before = hooked.before(request);
        for result in [
            None,
            Some(Json::Null),
            Some(json!({})),
            Some(before.clone()),
        ] {
            assert_eq!(hooked.apply_before(result.as_ref(), request), Ok(Next::On));
            assert_eq!(hooked.before(request), before);
        }
        assert!(hooked.changed.is_empty());
        let mut answer = reply(200, "{ \"kept\" : 1 }");
        let after = hooked.after(hooked.before(request), &answer);
        hooked.apply_after(Some(&after), &mut answer).expect("fine");
        assert_eq!(answer.body, "{ \"kept\" : 1 }");
    });
}

#[test]
fn a_request_is_changed_as_the_result_says() {
    hooked(|hooked, request| {
        let result = json!({
            "request_vendor_method": "post",
            "request_vendor_path": "/search?q=1",
            "request_vendor_parameters": {"with": ["x", "y"], "n": 2, "gone": null},
            "request_vendor_headers": {"x-lark-key": "k2", "Accept": null, "X-New": 5},
            "request_vendor_body": {"wrapped": true},
            "configuration": {"key": "k1", "session": "s1"}
        });
        assert_eq!(hooked.apply_before(Some(&result), request), Ok(Next::On));
        assert_eq!(request.method, Method::POST);
        let url = "https://api.vendor.example/v3/search?q=1&n=2&with=x&with=y";
        assert_eq!(request.url.as_str(), url);
        assert_eq!(request.headers["x-lark-key"], "k2");
        assert_eq!(request.headers["x-new"], "5");
        assert!(!request.headers.contains_key("accept"));
        assert_eq!(request.body, "{\"wrapped\":true}");
        let changed: Vec<&str> = hooked.changed.keys().map(String::as_str).collect();
        assert_eq!(changed, ["session"], "what is the same is no change");
        assert_eq!(hooked.before(request)["configuration"]["session"], "s1");
    });
}

#[test]
fn a_name_in_another_case_counts_when_it_says_something_new() {
    hooked(|hooked, request| {
        let mut headers = hooked.before(request)["request_vendor_headers"].clone();
        headers["x-lark-key"] = "mine".into();
        let result = json!({"request_vendor_headers": headers});
        hooked.apply_before(Some(&result), request).expect("fine");
        assert_eq!(request.headers["x-lark-key"], "mine");
    });
}

#[test]
fn a_call_goes_elsewhere_only_by_a_whole_url() {
    hooked(|hooked, request| {
        for (given, expected) in [
            (
                "https://other.vendor.example/x",
                Some("https://other.vendor.example/x?with=a+b"),
            ),
            (
                "people",
                Some("https://api.vendor.example/v3/people?with=a+b"),
            ),
            (
                "@evil.example/",
                Some("https://api.vendor.example/v3/@evil.example/?with=a+b"),
            ),
            ("/a\nb", None),
            ("http://[bad", None),
        ] {
            let result = json!({"request_vendor_path": given});
            let mut moved = VendorRequest {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: HeaderMap::new(),
                body: Bytes::new(),
            };
            let outcome = hooked.apply_before(Some(&result), &mut moved);
            match expected {
                Some(url) => assert_eq!(moved.url.as_str(), url, "{given}"),
                // A line break is left out of a URL, as the URL standard has it.
                None => assert!(
                    outcome.is_err() || !moved.url.as_str().contains('\n'),
                    "{given}"
                ),
            }
        }
    });
}

#[test]
fn a_call_can_be_left_out_and_an_error_told() {
    hooked(|hooked, request| {
        let result =
            json!({"continue": false, "response_body": [1, 2], "response_status_code": "201"});
        assert_eq!(hooked.apply_before(Some(&result), request), Ok(Next::Skip));
        let mut answer = skipped();
        hooked
            .apply_after(Some(&result), &mut answer)
            .expect("fine");
        assert_eq!(
            (answer.status.as_u16(), &answer.body[..]),
            (201, &b"[1,2]"[..])
        );

        let told = json!({"response_error": "no such person"});
        let error = hooked.apply_after(Some(&told), &mut answer);
        assert_eq!(error, Err(HookError::Told("no such person".into())));
        for bad in [
            json!([1]),
            json!({"response_status_code": 42}),
            json!({"response_headers": {"bad name": "x"}}),
            json!({"response_headers": {"X-A": "line\nbreak"}}),
        ] {
            let outcome = hooked.apply_after(Some(&bad), &mut answer);
            assert!(matches!(outcome, Err(HookError::Wrong(_))), "{bad}");
        }
    });
}

#[test]
fn forms_are_written_as_forms() {
    hooked(|hooked, request| {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(CONTENT_TYPE, form);
        let result = json!({"request_vendor_body_map": {"a": "x y", "b": 1}});
        hooked.apply_before(Some(&result), request).expect("fine");
        assert_eq!(request.body, "a=x+y&b=1");
    });
}
