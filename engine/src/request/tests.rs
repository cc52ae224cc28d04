use std::sync::{Arc, LazyLock};

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::element::Catalog;
use crate::element::tests::{file, sample};

pub(crate) fn element(json: &Json) -> Arc<Element> {
    let catalog = Catalog::load(vec![file(json)], Vec::new()).unwrap();
    catalog.iter().next().unwrap().clone()
}

pub(crate) fn values(element: &Element, pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(key, text)| ((*key).to_owned(), element.value(key, *text)))
        .collect()
}

fn answer(body: &Json) -> VendorReply {
    VendorReply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_string().into(),
    }
}

/// Builds resource number `index` of the sample, spoilt by `change`.
fn built(
    change: impl Fn(&mut Json),
    index: usize,
    pairs: &[(&str, &str)],
    previous: Option<&VendorReply>,
) -> Result<VendorRequest, BuildError> {
    let mut json = sample();
    change(&mut json);
    built_of(&element(&json), index, pairs, previous)
}

fn built_of(
    element: &Element,
    index: usize,
    pairs: &[(&str, &str)],
    previous: Option<&VendorReply>,
) -> Result<VendorRequest, BuildError> {
    let configuration = values(element, pairs);
    let group = element.group_for(&configuration).unwrap();
    let inputs = Inputs {
        configuration: &configuration,
        previous,
        request: None,
        now: 0,
    };
    build(element, group, &element.resources[index], &inputs)
}

const PASSWORD: &[(&str, &str)] = &[
    ("site", "https://Acme.vendor.example/"),
    ("username", "me"),
    ("password", "pä\"ss"),
];

fn entry_of(built: Result<VendorRequest, BuildError>) -> String {
    match built.unwrap_err() {
        BuildError::Entry { key, .. } => key,
        BuildError::Definition(message)
        | BuildError::Unsupported(message)
        | BuildError::Answer(message) => panic!("{message}"),
    }
}

/// The check call with further parameters.
fn with_parameters(parameters: Json) -> impl Fn(&mut Json) {
    move |json| json["resources"][2]["parameters"] = parameters.clone()
}

#[test]
fn fields_make_a_json_body_and_nothing_secret_prints() {
    let request = built(|_| {}, 0, PASSWORD, None).unwrap();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.url.as_str(), "https://acme.vendor.example/v1/login");
    assert_eq!(request.headers[CONTENT_TYPE], "application/json");
    assert_eq!(request.headers[ACCEPT], "application/json");
    let body: Json = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({"user": {"name": "me", "word": "pä\"ss"}}));
    // There is no session yet, so the header that would carry it is left out.
    assert!(!request.headers.contains_key(AUTHORIZATION));
    assert_eq!(
        format!("{request:?}"),
        r#"VendorRequest { method: POST, host: Some("acme.vendor.example"), .. }"#
    );
}

#[test]
fn basic_credentials_and_session_headers_are_sensitive() {
    let request = built(|_| {}, 2, &[("site", "acme"), ("token", "abc")], None).unwrap();
    assert_eq!(request.headers[AUTHORIZATION], "Basic YWJjOlg=");
    assert!(request.headers[AUTHORIZATION].is_sensitive());
    // As the platform says it, also without a body.
    assert_eq!(request.headers[CONTENT_TYPE], "application/json");
    let mut with_session = PASSWORD.to_vec();
    with_session.push(("session", "s1"));
    let request = built(|_| {}, 2, &with_session, None).unwrap();
    assert_eq!(request.headers[AUTHORIZATION], "bearer s1");
    assert!(request.headers[AUTHORIZATION].is_sensitive());
    assert_eq!(
        entry_of(built(
            |_| {},
            2,
            &[("site", "acme"), ("token", "a:b")],
            None
        )),
        "token"
    );
}

#[test]
fn headers_of_a_group_are_on_every_call_but_anonymous_ones() {
    let with = |own: Json, anonymous: bool| {
        move |json: &mut Json| {
            json["bunsen"]["groups"][1]["authenticate"] =
                json!({"headers": {"X-Token": "{config.token}", "X-Site": "{config.site}!"}});
            json["resources"][2]["parameters"] = own.clone();
            json["resources"][2]["bunsen"] = json!({"anonymous": anonymous});
        }
    };
    let given = [("site", "acme"), ("token", "t")];
    let request = built(with(json!([]), false), 2, &given, None).unwrap();
    assert_eq!(request.headers["x-token"], "t");
    assert_eq!(request.headers["x-site"], "acme!");
    assert!(request.headers["x-token"].is_sensitive());
    let request = built(with(json!([]), true), 2, &given, None).unwrap();
    assert!(!request.headers.contains_key("x-token"));
    let own = json!([{"id": 60, "name": "mine", "vendorName": "X-Token", "type": "value", "vendorType": "header"}]);
    let request = built(with(own, false), 2, &given, None).unwrap();
    assert_eq!(request.headers["x-token"], "mine");
    let broken = [("site", "acme"), ("token", "t\r\nX: y")];
    assert_eq!(
        entry_of(built(with(json!([]), false), 2, &broken, None)),
        "token"
    );
    let without = [("site", "acme"), ("authentication.type", "token")];
    assert_eq!(
        entry_of(built(with(json!([]), false), 2, &without, None)),
        "token"
    );
}

#[test]
fn a_public_rule_is_bound_to_the_host_of_the_base_url() {
    let public = |json: &mut Json| {
        json["bunsen"]["hosts"] = json!("public");
        json["configuration"][0]["defaultValue"] = json!("https://{site}/rest");
        json["configuration"][1]["bunsen"]["fill"] = json!("site");
        json["configuration"].as_array_mut().unwrap().push(json!(
            {"id": 80, "key": "token.url", "name": "Token URL", "type": "TEXTFIELD_1000", "defaultValue": "https://{site}/rest/token"}));
        json["resources"][2]["vendorPath"] = json!("{token.url}");
        json["resources"][1]["vendorPath"] = json!("https://login.vendor.example/me");
    };
    let given = [
        ("site", "https://CRM.acme.example:8443/Sugar/"),
        ("token", "t"),
    ];
    let call = |index: usize, more: &[(&str, &str)]| {
        let mut pairs = given.to_vec();
        pairs.extend(more);
        built(public, index, &pairs, None)
    };
    assert_eq!(
        call(2, &[]).unwrap().url.as_str(),
        "https://crm.acme.example:8443/Sugar/rest/token"
    );
    let same = [("token.url", "https://crm.acme.example:8443/other")];
    assert!(call(2, &same).is_ok());
    for elsewhere in ["https://crm.acme.example/x", "https://evil.example/x"] {
        assert_eq!(entry_of(call(2, &[("token.url", elsewhere)])), "token.url");
    }
    let moved = [("base.url", "https://evil.example/rest")];
    assert_eq!(entry_of(call(2, &moved)), "site");
    // What the definition itself says is not the caller's choice.
    assert!(call(1, &[]).is_ok());
}

#[test]
fn a_chain_hands_on_what_it_was_answered() {
    let previous = answer(&json!({"data": {"id": "a/../b c"}}));
    let request = built(|_| {}, 1, PASSWORD, Some(&previous)).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://acme.vendor.example/v1/people/a%2F..%2Fb%20c"
    );
    let climbing = answer(&json!({"data": {"id": ".."}}));
    assert!(matches!(
        built(|_| {}, 1, PASSWORD, Some(&climbing)),
        Err(BuildError::Definition(_))
    ));
    assert!(matches!(
        built(|_| {}, 1, PASSWORD, None),
        Err(BuildError::Definition(_))
    ));
}

#[test]
fn queries_forms_and_typed_fields_are_encoded() {
    let query = with_parameters(json!([
        {"id": 60, "name": "username", "vendorName": "q&r", "type": "configuration", "vendorType": "query"},
        {"id": 61, "name": "${configuration.site}!", "vendorName": "s", "type": "value", "vendorType": "query"},
        {"id": 62, "name": "session", "vendorName": "none", "type": "configuration", "vendorType": "query"},
    ]));
    let given = [
        ("site", "acme"),
        ("username", "a&b=c #é"),
        ("password", "x"),
    ];
    let request = built(query, 2, &given, None).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://acme.vendor.example/v1/me?q%26r=a%26b%3Dc%20%23%C3%A9&s=acme%21"
    );

    let form = with_parameters(json!([
        {"id": 60, "name": "username", "vendorName": "user", "type": "configuration", "vendorType": "form"},
        {"id": 61, "name": "password", "vendorName": "grant_type", "type": "value", "vendorType": "form"},
    ]));
    let request = built(form, 2, &given, None).unwrap();
    assert_eq!(request.body, "user=a%26b%3Dc+%23%C3%A9&grant_type=password");
    assert_eq!(
        request.headers[CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );

    let typed = |kind: &str| {
        with_parameters(
            json!([{"id": 60, "name": "page.size", "vendorName": "size", "type": "configuration", "vendorType": "bodyField", "vendorDataType": kind}]),
        )
    };
    let token = [("site", "acme"), ("token", "t")];
    assert_eq!(
        built(typed("integer"), 2, &token, None).unwrap().body,
        r#"{"size":20}"#
    );
    assert_eq!(
        entry_of(built(typed("boolean"), 2, &token, None)),
        "page.size"
    );
}

#[test]
fn values_inside_a_literal_body_cannot_break_out() {
    let body = |content: &str, parameters: Json| {
        let content = content.to_owned();
        move |json: &mut Json| {
            let mut all = vec![
                json!({"id": 60, "name": content, "vendorName": "Content-Type", "type": "value", "vendorType": "header"}),
            ];
            all.extend(parameters.as_array().unwrap().clone());
            json["resources"][2]["parameters"] = Json::Array(all);
        }
    };
    let given = [
        ("site", "acme"),
        ("username", "\"}<x>&{token}"),
        ("password", "p"),
    ];
    let tokens = json!([
        {"id": 61, "name": r#"{"user":"{who}","as":"${configuration.username}","x":{"y":"{other}"}}"#, "type": "value", "vendorType": "body"},
        {"id": 62, "name": "username", "vendorName": "who", "type": "configuration", "vendorType": "bodyToken"},
    ]);
    let request = built(
        body("application/json; charset=utf-8", tokens),
        2,
        &given,
        None,
    )
    .unwrap();
    let read: Json = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        read,
        json!({"user": "\"}<x>&{token}", "as": "\"}<x>&{token}", "x": {"y": "{other}"}})
    );

    let xml = json!([{"id": 61, "name": "envelope", "type": "value", "vendorType": "body",
        "bunsen": {"template": "<u>{config.username|xml}</u>"}}]);
    let request = built(body("text/xml; charset=utf-8", xml), 2, &given, None).unwrap();
    assert_eq!(request.body, "<u>&quot;}&lt;x&gt;&amp;{token}</u>");
    assert_eq!(request.headers[CONTENT_TYPE], "text/xml; charset=utf-8");
}

#[test]
fn line_breaks_never_reach_a_header() {
    let header = with_parameters(
        json!([{"id": 60, "name": "username", "vendorName": "X-User", "type": "configuration", "vendorType": "header"}]),
    );
    for bad in ["a\r\nX: y", "a\nb", "a\0", "\u{7f}", "a\u{85}b"] {
        let given = [("site", "acme"), ("username", bad), ("password", "x")];
        assert_eq!(
            entry_of(built(&header, 2, &given, None)),
            "username",
            "{bad:?}"
        );
    }
}

#[test]
fn a_base_url_of_the_instances_own_stays_with_the_vendor() {
    let with_base = |base: &str| {
        let given = [("site", "acme"), ("token", "t"), ("base.url", base)];
        built(|_| {}, 2, &given, None)
    };
    assert_eq!(
        with_base("https://eu.vendor.example/v2/")
            .unwrap()
            .url
            .as_str(),
        "https://eu.vendor.example/v2/me"
    );
    assert_eq!(
        with_base("https://{site}.vendor.example/v3")
            .unwrap()
            .url
            .as_str(),
        "https://acme.vendor.example/v3/me"
    );
    for bad in [
        "http://eu.vendor.example",
        "https://evil.example",
        "https://evil.example/.vendor.example",
        "https://eu.vendor.example@evil.example",
        "https://u:p@eu.vendor.example",
        "https://eu.vendor.example:444",
        "https://eu.vendor.example/?x=",
        "https://eu.vendor.example/#",
        "https://eu.vendor.example/../..",
        "https://eu.vendor.example/%2e%2e/x",
        "https://{token}.vendor.example",
        "https://{nope}.vendor.example",
        "https://{site",
        "//eu.vendor.example",
        "javascript:x",
        "https://127.0.0.1",
        "https://eu.vendor.example\\@evil.example",
        "https://eu.vendor.example\n",
        "https://vendor.example",
        "https://evil.example?.vendor.example",
        "{base.url}",
        "https://evilvendor.example",
        "https://2130706433/",
    ] {
        assert_eq!(entry_of(with_base(bad)), "base.url", "{bad:?}");
    }
}

#[test]
fn what_cannot_be_run_says_why() {
    for (change, word) in [
        (
            json!({"kind": "java"}),
            "This API is not currently supported for this element",
        ),
        (
            json!({"parameters": [{"id": 71, "name": "f", "type": "value", "vendorType": "multipart"}]}),
            "multipart",
        ),
    ] {
        let merged = |json: &mut Json| {
            for (name, value) in change.as_object().unwrap() {
                json["resources"][2][name] = value.clone();
            }
        };
        let refused = built(merged, 2, PASSWORD, None);
        let Err(BuildError::Definition(message) | BuildError::Unsupported(message)) = refused
        else {
            panic!("{word} was built");
        };
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_required_value_that_is_absent_names_its_entry() {
    let required = with_parameters(
        json!([{"id": 60, "name": "session", "vendorName": "s", "type": "configuration", "vendorType": "query", "required": true}]),
    );
    assert_eq!(entry_of(built(required, 2, PASSWORD, None)), "session");
    assert_eq!(entry_of(built(|_| {}, 2, &[("token", "t")], None)), "site");
}

#[test]
fn absolute_paths_and_defaults_of_others_are_resolved() {
    let absolute = |json: &mut Json| {
        json["resources"][2]["vendorPath"] = json!("https://login.vendor.example/{username}?a=1")
    };
    let request = built(absolute, 2, PASSWORD, None).unwrap();
    assert_eq!(request.url.as_str(), "https://login.vendor.example/me?a=1");

    let through_default = |json: &mut Json| {
        json["configuration"].as_array_mut().unwrap().push(json!(
            {"id": 80, "key": "oauth.token.url", "name": "Token URL", "type": "TEXTFIELD_1000", "defaultValue": "{base.url}/oauth/token"}));
        json["resources"][2]["vendorPath"] = json!("{oauth.token.url}");
    };
    let request = built(through_default, 2, PASSWORD, None).unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://acme.vendor.example/v1/oauth/token"
    );
    let mut elsewhere = PASSWORD.to_vec();
    elsewhere.push(("oauth.token.url", "https://evil.example/token"));
    assert_eq!(
        entry_of(built(through_default, 2, &elsewhere, None)),
        "oauth.token.url"
    );

    let circle = |json: &mut Json| {
        json["configuration"].as_array_mut().unwrap().push(json!(
            {"id": 80, "key": "oauth.token.url", "name": "Token URL", "type": "TEXTFIELD_1000", "defaultValue": "{oauth.token.url}/x"}));
        json["resources"][2]["vendorPath"] = json!("{oauth.token.url}");
    };
    assert!(matches!(
        built(circle, 2, PASSWORD, None),
        Err(BuildError::Definition(_))
    ));
}

/// Takes a caller's values in path, query and header.
static HOSTILE: LazyLock<Arc<Element>> = LazyLock::new(|| {
    let mut json = sample();
    json["resources"][2]["vendorPath"] = json!("/u/{username}/x");
    json["resources"][2]["parameters"] = json!([
        {"id": 60, "name": "username", "vendorName": "q", "type": "configuration", "vendorType": "query"},
        {"id": 61, "name": "username", "vendorName": "X-User", "type": "configuration", "vendorType": "header"}]);
    element(&json)
});

proptest! {
    #[test]
    fn no_value_leads_away_from_the_vendor(
        site in r"(\PC|[./:@?#\\%{}]|vendor\.example|https://|acme){0,8}",
        user in any::<String>(),
        base in prop::option::of(r"(https://)?(\PC|[./:@?#\\%{}]|vendor\.example|\.vendor\.example/|a|\{site\}){0,8}"),
    ) {
        let mut given = vec![("site", site.as_str()), ("username", user.as_str()), ("password", "x")];
        given.extend(base.as_deref().map(|base| ("base.url", base)));
        if let Ok(request) = built_of(&HOSTILE, 2, &given, None) {
            let host = request.url.host_str().unwrap();
            prop_assert!(host.ends_with(".vendor.example"), "{host}");
            prop_assert_eq!(request.url.scheme(), "https");
            prop_assert!(request.url.port().is_none() && request.url.username().is_empty());
            prop_assert_eq!(request.url.query_pairs().count(), 1);
            prop_assert!(request.url.path().ends_with("/x"));
            if base.is_none() {
                prop_assert_eq!(request.url.path().split('/').count(), 5);
            }
        }
    }
}
