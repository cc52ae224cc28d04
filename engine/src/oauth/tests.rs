use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value as Json, json};

use super::*;
use crate::element::oauth::{
    ACCESS_TOKEN, REFRESH_INTERVAL, REFRESH_TIME, REFRESH_TOKEN, TOKEN_SECRET,
};
use crate::element::tests::file;
use crate::element::{Catalog, Start};
use crate::reply::{self, Blame, Fault, VendorReply};
use crate::request::VendorRequest;

mod lives;
mod version_1;

const NONCE_OF_TESTS: Nonce = [7; 16];

fn entry(id: u32, key: &str, default: &str) -> Json {
    json!({"id": id, "key": key, "name": key, "type": "TEXTFIELD_1000", "defaultValue": default})
}

/// An export of the platform: its own code for log-ins is not in it.
fn export(kind: &str) -> Json {
    json!({
        "id": 601, "name": "Larkpost", "key": "larkpost", "hub": "crm",
        "authentication": {"type": kind},
        "configuration": [
            entry(1, "base.url", "https://{site.address}/v3"),
            entry(2, "oauth.authorization.url", "https://{site.address}/oauth/authorize?prompt=login"),
            entry(3, "oauth.token.url", "https://login.larkpost.example/token"),
            entry(4, "oauth.token.revoke_url", "https://login.larkpost.example/revoke"),
            entry(5, "oauth.scope", "read"),
            entry(6, "oauth.user.refresh_interval", "3600"),
            {"id": 7, "key": "site.address", "name": "Site", "type": "TEXTFIELD_128", "required": true},
            {"id": 8, "key": "oauth.api.key", "name": "Key", "type": "TEXTFIELD_128"},
            {"id": 9, "key": "oauth.api.secret", "name": "Secret", "type": "TEXTFIELD_128"},
            {"id": 10, "key": "oauth.callback.url", "name": "Callback", "type": "TEXTFIELD_128"},
            {"id": 11, "key": "username", "name": "User", "type": "TEXTFIELD_128"},
            {"id": 12, "key": "password", "name": "Password", "type": "PASSWORD"},
            {"id": 13, "key": "oauth.request.url", "name": "Request", "type": "TEXTFIELD_128",
             "defaultValue": "https://login.larkpost.example/request"},
            {"id": 14, "key": "oauth.request.authorization.type", "name": "Place", "type": "TEXTFIELD_32"},
            {"id": 15, "key": "oauth.user.token", "name": "Token", "type": "PASSWORD"},
            {"id": 16, "key": "oauth.user.refresh_token", "name": "Refresh token", "type": "PASSWORD"}
        ],
        "resources": [
            {"id": 30, "method": "GET", "path": "/me", "vendorPath": "/me", "type": "provisionAuthValidation"}
        ]
    })
}

fn added(json: &Json) -> Arc<Element> {
    let catalog = Catalog::load(Vec::new(), vec![file(json)]).unwrap();
    catalog.iter().next().unwrap().clone()
}

fn values(element: &Element, pairs: &[(&str, &str)]) -> Values {
    let pairs = pairs.iter();
    pairs
        .map(|(key, text)| ((*key).to_owned(), element.value(key, *text)))
        .collect()
}

const CLIENT: &[(&str, &str)] = &[
    ("site.address", "acme.larkpost.example"),
    ("oauth.api.key", "the key"),
    ("oauth.api.secret", "the&secret"),
    ("oauth.callback.url", "https://app.example/back?x=1"),
    ("username", "me"),
    ("password", "word"),
];

fn brought(pairs: &[(&str, &str)]) -> Values {
    let secret = |text: &&str| Value::Secret(Secret::new(*text));
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| ((*name).to_owned(), secret(text)))
        .collect()
}

/// The call of one kind, built as the exchange does it.
fn built(
    element: &Element,
    kind: ResourceKind,
    configuration: &Values,
    given: &Values,
) -> VendorRequest {
    let group = element.founding_group();
    let resource = element
        .call(group, kind)
        .unwrap_or_else(|| panic!("{kind:?}"));
    let moment = (137_131_200_000, &NONCE_OF_TESTS);
    let request =
        request_parameters(element, group, resource, configuration, given, moment).unwrap();
    let inputs = Inputs {
        configuration,
        previous: None,
        request: Some(&request),
        now: moment.0,
    };
    request::build(element, group, resource, &inputs).unwrap()
}

fn form(request: &VendorRequest) -> Vec<(String, String)> {
    assert_eq!(
        request.headers[CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn read(
    element: &Element,
    kind: ResourceKind,
    given: &Values,
    (status, content, body): (u16, &'static str, &str),
) -> Result<Values, Fault> {
    let group = element.founding_group();
    let configuration = values(element, CLIENT);
    let inputs = Inputs {
        configuration: &configuration,
        previous: None,
        request: Some(given),
        now: 5,
    };
    let answer = VendorReply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content))]),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    reply::read(
        element,
        group,
        element.call(group, kind).unwrap(),
        &inputs,
        &answer,
    )
    .map(|reply| reply.configuration)
}

#[test]
fn an_export_gets_the_standard_calls() {
    let element = added(&export("oauth2"));
    let group = element.founding_group();
    assert!(group.needs_person());
    let configuration = values(&element, CLIENT);

    let state = brought(&[("state", "a b&c")]);
    let page = authorize_url(&element, group, &configuration, &state)
        .unwrap()
        .unwrap();
    assert_eq!(
        page.as_str(),
        "https://acme.larkpost.example/oauth/authorize?prompt=login&response_type=code\
         &client_id=the%20key&redirect_uri=https%3A%2F%2Fapp.example%2Fback%3Fx%3D1&scope=read\
         &state=a%20b%26c"
    );
    let wide = brought(&[("scope", "all of it")]);
    let page = authorize_url(&element, group, &configuration, &wide)
        .unwrap()
        .unwrap();
    assert!(
        page.as_str()
            .ends_with("&scope=all%20of%20it&state=larkpost"),
        "{page}"
    );

    let exchange = built(
        &element,
        ResourceKind::OauthOnTokenExchange,
        &configuration,
        &brought(&[("code", "c/1"), ("state", "larkpost")]),
    );
    assert_eq!(
        exchange.url.as_str(),
        "https://login.larkpost.example/token"
    );
    assert!(!exchange.headers.contains_key(AUTHORIZATION));
    assert_eq!(
        form(&exchange),
        pairs(&[
            ("grant_type", "authorization_code"),
            ("code", "c/1"),
            ("redirect_uri", "https://app.example/back?x=1"),
            ("client_id", "the key"),
            ("client_secret", "the&secret"),
        ])
    );
    let mut stored = configuration.clone();
    stored.extend(values(
        &element,
        &[(REFRESH_TOKEN, "r1"), (ACCESS_TOKEN, "a1")],
    ));
    let refresh = built(
        &element,
        ResourceKind::OauthOnTokenRefresh,
        &stored,
        &Values::new(),
    );
    assert_eq!(
        form(&refresh),
        pairs(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", "r1"),
            ("client_id", "the key"),
            ("client_secret", "the&secret"),
        ])
    );
    let revoke = built(
        &element,
        ResourceKind::OauthOnTokenRevoke,
        &stored,
        &Values::new(),
    );
    assert_eq!(revoke.url.path(), "/revoke");
    assert_eq!(form(&revoke)[0], ("token".to_owned(), "r1".to_owned()));
    stored.remove(REFRESH_TOKEN);
    let kind = ResourceKind::OauthOnTokenRevoke;
    let revoke = built(&element, kind, &stored, &Values::new());
    assert_eq!(form(&revoke)[0], ("token".to_owned(), "a1".to_owned()));
    let check = built(
        &element,
        ResourceKind::ProvisionAuthValidation,
        &stored,
        &Values::new(),
    );
    assert_eq!(check.headers[AUTHORIZATION], "Bearer a1");
    assert_eq!(check.url.as_str(), "https://acme.larkpost.example/v3/me");
}

#[test]
fn the_client_can_be_named_by_basic_and_a_public_one_by_its_id() {
    let mut json = export("oauth2");
    let entries = json["configuration"].as_array_mut().unwrap();
    entries.push(entry(40, "oauth.basic.header", "true"));
    let element = added(&json);
    let configuration = values(&element, CLIENT);
    let code = brought(&[("code", "c"), ("code_verifier", "v")]);
    let kind = ResourceKind::OauthOnTokenExchange;
    let call = built(&element, kind, &configuration, &code);
    assert_eq!(
        call.headers[AUTHORIZATION],
        "Basic dGhlIGtleTp0aGUmc2VjcmV0"
    );
    assert!(call.headers[AUTHORIZATION].is_sensitive());
    assert!(
        form(&call)
            .iter()
            .all(|(name, _)| !name.starts_with("client"))
    );
    assert!(form(&call).contains(&("code_verifier".to_owned(), "v".to_owned())));
    // RFC 6749, section 2.3.1.
    let mut encoded = json.clone();
    encoded["bunsen"] = json!({"hosts": "public", "groups": [{"name": "oauth2", "title": "x",
        "oauth": {"grant": "code", "client": "basicEncoded"}}]});
    let call = built(&added(&encoded), kind, &configuration, &code);
    assert_eq!(
        call.headers[AUTHORIZATION],
        "Basic dGhlK2tleTp0aGUlMjZzZWNyZXQ="
    );

    json["bunsen"] = json!({"hosts": "public", "groups": [{"name": "oauth2", "title": "x",
        "oauth": {"grant": "code", "client": "none", "pkce": "S256", "authorize": {"prompt": "consent"}}}]});
    let element = added(&json);
    let call = built(&element, kind, &configuration, &code);
    assert!(!call.headers.contains_key(AUTHORIZATION));
    let names: Vec<String> = form(&call).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "grant_type",
            "code",
            "redirect_uri",
            "code_verifier",
            "client_id"
        ]
    );
    let group = element.founding_group();
    let challenge = code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    // RFC 7636, appendix B.
    assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let asked = brought(&[("code_challenge", &challenge)]);
    let page = authorize_url(&element, group, &configuration, &asked)
        .unwrap()
        .unwrap();
    let end = format!("&code_challenge={challenge}&code_challenge_method=S256&prompt=consent");
    assert!(page.as_str().ends_with(&end), "{page}");
    let refused = authorize_url(&element, group, &configuration, &Values::new()).unwrap();
    assert!(refused.unwrap_err().to_string().contains("code_challenge"));
    assert_eq!(code_verifier(&[255; 32]).reveal().len(), 43);
}

#[test]
fn a_password_is_exchanged_and_a_log_in_of_the_definition_is_not_made_twice() {
    let mut json = export("oauth2password");
    let element = added(&json);
    let group = element.founding_group();
    assert!(!group.needs_person());
    assert!(authorize_url(&element, group, &Values::new(), &Values::new()).is_none());
    let configuration = values(&element, CLIENT);
    let kind = ResourceKind::OauthOnTokenExchange;
    let call = built(&element, kind, &configuration, &Values::new());
    assert_eq!(
        form(&call),
        pairs(&[
            ("grant_type", "password"),
            ("username", "me"),
            ("password", "word"),
            ("scope", "read"),
            ("client_id", "the key"),
            ("client_secret", "the&secret"),
        ])
    );
    json["resources"].as_array_mut().unwrap().push(json!(
        {"id": 50, "method": "POST", "path": "/login", "vendorPath": "/login", "type": "onProvision", "parameters": [
            {"id": 51, "name": "oauth.user.token", "vendorName": "t", "type": "configuration", "vendorType": "bodyField", "source": "response"}]}));
    let element = added(&json);
    let group = element.founding_group();
    assert!(element.call(group, kind).is_none());
    let paths = |start: Start| -> Vec<&str> {
        let calls = element.login_calls(group, start);
        calls.into_iter().map(|call| call.path.as_str()).collect()
    };
    assert_eq!(paths(Start::LogIn), ["/login", "/me"]);
    assert_eq!(paths(Start::Refresh), ["/oauth-token-refresh", "/me"]);
    assert_eq!(paths(Start::Token), ["/me"]);
    let renewal = element.renewal(group).unwrap();
    assert_eq!(renewal.start(&Values::new()), Some(Start::LogIn));
    assert_eq!(renewal.after_refusal(Start::Refresh), Some(Start::LogIn));
    assert_eq!(renewal.after_refusal(Start::LogIn), None);
    assert_eq!(renewal.log_in.len(), 1);
    // The log-in itself needs no token that it is about to get.
    let call = built(
        &element,
        ResourceKind::OnProvision,
        &configuration,
        &Values::new(),
    );
    assert!(!call.headers.contains_key(AUTHORIZATION));
}

#[test]
fn answers_of_token_calls_are_read_and_their_echoes_hidden() {
    let element = added(&export("oauth2"));
    let kind = ResourceKind::OauthOnTokenExchange;
    let code = brought(&[("code", "c0de-c0de")]);
    let full = r#"{"access_token":"a","refresh_token":"r","expires_in":60}"#;
    for (content, body) in [
        ("application/json", full),
        ("text/html", "access_token=a&refresh_token=r&expires_in=60"),
        (
            "application/x-www-form-urlencoded",
            "access_token=a&refresh_token=r&expires_in=60",
        ),
    ] {
        let stored = read(&element, kind, &code, (200, content, body)).unwrap();
        let text = |key: &str| stored.get(key).map(|value| value.reveal());
        assert_eq!(text(ACCESS_TOKEN), Some("a"), "{content}");
        assert_eq!(text(REFRESH_TOKEN), Some("r"));
        assert_eq!(text(REFRESH_INTERVAL), Some("60"));
        assert_eq!(text(REFRESH_TIME), Some("5"));
        assert!(stored[ACCESS_TOKEN].is_secret() && stored[REFRESH_TOKEN].is_secret());
    }
    // An old refresh token stays when there is no new one: nothing is returned under its key.
    let short = r#"{"access_token":"a"}"#;
    let stored = read(&element, kind, &code, (200, "application/json", short)).unwrap();
    assert!(!stored.contains_key(REFRESH_TOKEN));

    let echo = r#"{"error":"invalid_grant","error_description":"no code c0de-c0de"}"#;
    let fault = read(&element, kind, &code, (400, "application/json", echo)).unwrap_err();
    assert_eq!(fault.status, 401);
    assert!(fault.message.contains("good once"), "{}", fault.message);
    assert_eq!(fault.provider_message.as_deref(), Some("no code ********"));
    for (error, status, told) in [
        ("invalid_client", 401, "'oauth.api.secret'"),
        ("unauthorized_client", 401, "'oauth.api.key'"),
        ("invalid_scope", 400, "'oauth.scope'"),
        ("invalid_request", 400, "Check the configuration."),
    ] {
        let body = format!(r#"{{"error":"{error}"}}"#);
        let answer = (400, "application/json", body.as_str());
        let fault = read(&element, kind, &code, answer).unwrap_err();
        assert_eq!(fault.status, status, "{error}");
        assert!(fault.message.contains(told), "{}", fault.message);
    }
    // A life that is no number, or none, says nothing.
    for life in ["\"soon\"", "0", "-60", "1e30", "99999999999999"] {
        let odd = format!(r#"{{"access_token":"a","expires_in":{life}}}"#);
        let answer = (200, "application/json", odd.as_str());
        let stored = read(&element, kind, &code, answer).unwrap();
        assert!(!stored.contains_key(REFRESH_INTERVAL), "{life}");
    }
    // What is no token replaces none.
    for odd in [
        r#"{"access_token":"a","refresh_token":{"a":1}}"#,
        r#"{"access_token":"a","refresh_token":5}"#,
        r#"{"access_token":5}"#,
        r#"{"access_token":["a"]}"#,
        r#"{"access_token":""}"#,
    ] {
        let fault = read(&element, kind, &code, (200, "application/json", odd)).unwrap_err();
        assert_eq!((fault.status, fault.blame), (502, Blame::Nobody), "{odd}");
    }
    let empty = r#"{"access_token":"a","refresh_token":""}"#;
    let stored = read(&element, kind, &code, (200, "application/json", empty)).unwrap();
    assert!(!stored.contains_key(REFRESH_TOKEN));
    let refused = r#"{"error":"invalid_grant"}"#;
    let fault = read(&element, kind, &code, (200, "application/json", refused)).unwrap_err();
    assert_eq!((fault.status, fault.blame), (401, Blame::Owner));
    for body in ["<html>a=b</html>", "a b=c", ""] {
        let fault = read(&element, kind, &code, (200, "text/html", body)).unwrap_err();
        assert_eq!(fault.status, 502, "{body}");
    }
}

#[test]
fn credentials_stay_with_the_hosts_that_the_definition_names() {
    let mut json = export("oauth2");
    json["configuration"][0]["defaultValue"] = json!("https://api.larkpost.example/v3");
    json["configuration"][1]["defaultValue"] = json!("https://www.larkpost.example/authorize");
    let element = added(&json);
    for (host, allowed) in [
        ("api.larkpost.example", true),
        ("www.larkpost.example", true),
        ("login.larkpost.example", true),
        ("larkpost.example", false),
        ("evil.example", false),
    ] {
        assert_eq!(element.hosts.allows(host), allowed, "{host}");
    }
    let mut configuration = values(&element, CLIENT);
    configuration.extend(values(
        &element,
        &[("oauth.authorization.url", "https://evil.example/x")],
    ));
    let group = element.founding_group();
    let refused = authorize_url(&element, group, &configuration, &Values::new()).unwrap();
    assert_eq!(
        refused.unwrap_err().to_string(),
        "oauth.authorization.url: is not a host of this vendor"
    );
}
