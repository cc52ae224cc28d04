//! Autotask: zones, log-in and the calls that check one, over SOAP.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Call, Reply, Running, example, start};
use crate::xml::{self, Element};

pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub const NEUTRAL: &str = "webservices.autotask.net";
pub const ZONE: &str = "webservices2.autotask.net";
pub const CODE: &str = "BUNSENSANDBOXAUTOTASKCODE01";
pub const USER: &str = "api.user@sample.com";

/// A version as tests name it: `5` for 1.5, `6` for 1.6.
pub fn namespace(version: u8) -> String {
    format!("http://autotask.net/ATWS/v1_{version}/")
}

pub fn path(version: u8) -> String {
    format!("/ATServices/1.{version}/atws.asmx")
}

/// A whole envelope around the content of an operation's element, with an integration code or none.
pub fn envelope(version: u8, operation: &str, content: &str, code: Option<&str>) -> String {
    let namespace = namespace(version);
    let header = code.map_or_else(String::new, |code| format!(
        "<soap:Header><AutotaskIntegrations xmlns=\"{namespace}\"><IntegrationCode>{code}</IntegrationCode></AutotaskIntegrations></soap:Header>"
    ));
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{SOAP}\">{header}<soap:Body><{operation} xmlns=\"{namespace}\">{content}</{operation}></soap:Body></soap:Envelope>"
    )
}

/// A call of an operation with a body of one's own; without credentials.
pub fn soap(sandbox: &Running, host: &str, version: u8, operation: &str, body: &str) -> Call {
    let action = format!("\"{}{operation}\"", namespace(version));
    sandbox
        .call(Method::POST, host, &path(version))
        .header("SOAPAction", &action)
        .body("text/xml; charset=utf-8", body)
}

/// The cheap check of a log-in.
pub fn check(sandbox: &Running, host: &str, version: u8, code: Option<&str>) -> Call {
    let operation = "getThresholdAndUsageInfo";
    soap(
        sandbox,
        host,
        version,
        operation,
        &envelope(version, operation, "", code),
    )
}

/// The same with the seeded user, and what came of it: a status, or the `ReturnCode` with the first error's text.
pub async fn checked(sandbox: &Running, version: u8, code: Option<&str>) -> (u16, String) {
    let call = check(sandbox, ZONE, version, code).basic(USER, "password");
    outcome(&call.answer().await)
}

pub fn outcome(reply: &Reply) -> (u16, String) {
    if reply.status != 200 {
        return (reply.status.as_u16(), String::new());
    }
    let tree = tree(reply);
    let code = text_of(&tree, "ReturnCode");
    (
        200,
        format!("{code} {}", text_of(&tree, "Errors"))
            .trim()
            .to_owned(),
    )
}

pub fn tree(reply: &Reply) -> Element {
    assert_eq!(
        reply.header("content-type"),
        Some("text/xml; charset=utf-8")
    );
    xml::parse(std::str::from_utf8(&reply.body).expect("text")).expect("XML")
}

/// All text of the first element with this name, whatever its depth.
pub fn text_of(tree: &Element, name: &str) -> String {
    fn found<'a>(tree: &'a Element, name: &str) -> Option<&'a Element> {
        if tree.name == name {
            return Some(tree);
        }
        tree.children.iter().find_map(|child| found(child, name))
    }
    fn all(tree: &Element) -> String {
        let children: String = tree.children.iter().map(all).collect();
        format!("{}{children}", tree.text)
    }
    found(tree, name).map(all).unwrap_or_default()
}

pub async fn zone_of(sandbox: &Running, host: &str, version: u8, user: &str) -> Element {
    let content = format!("<UserName>{user}</UserName>");
    let body = envelope(version, "getZoneInfo", &content, None);
    let reply = soap(sandbox, host, version, "getZoneInfo", &body)
        .answer()
        .await;
    assert_eq!(reply.status, 200);
    tree(&reply)
}

pub async fn change(sandbox: &Running, method: Method, path: &str, body: Value) {
    let reply = sandbox
        .control(method, &format!("autotask/{path}"), body)
        .await;
    assert!(reply.status.is_success(), "{reply:?}");
}

/// An HTML page of the front, which no SOAP client can read.
fn is_page(reply: &Reply) -> bool {
    reply.header("content-type") == Some("text/html; charset=utf-8")
}

#[tokio::test]
async fn a_zone_look_up_needs_no_log_in_and_leads_to_the_users_zone() {
    let sandbox = start().await;
    for (host, version) in [(NEUTRAL, 5), (NEUTRAL, 6), ("webservices3.autotask.net", 6)] {
        let zone = zone_of(&sandbox, host, version, "API.User@sample.com").await;
        let shown =
            ["URL", "ErrorCode", "DataBaseType", "CI", "WebUrl"].map(|name| text_of(&zone, name));
        let url = format!("https://{ZONE}{}", path(version));
        let expected = [url.as_str(), "0", "", "30049", "https://ww2.autotask.net/"];
        assert_eq!(shown, expected, "{host}");
    }
    let unknown = zone_of(&sandbox, NEUTRAL, 5, "nobody@sample.com").await;
    let number: i32 = text_of(&unknown, "ErrorCode").parse().expect("a number");
    assert!(number < 0);
    assert_eq!(text_of(&unknown, "URL"), "");
}

#[tokio::test]
async fn the_check_tells_the_threshold_in_a_text() {
    let sandbox = start().await;
    for used in 0..2 {
        let reply = check(&sandbox, ZONE, 5, None)
            .basic(USER, "password")
            .answer()
            .await;
        let tree = tree(&reply);
        assert_eq!(text_of(&tree, "ReturnCode"), "1");
        let expected = format!(
            "ThresholdOfExternalRequest: 10000; TimeframeOfLimitation: 60; numberOfExternalRequest: {used};"
        );
        assert_eq!(text_of(&tree, "Message"), expected);
    }
}

#[tokio::test]
async fn wrong_passwords_users_and_zones_are_refused_at_http_level() {
    let sandbox = start().await;
    let elsewhere = "webservices3.autotask.net";
    for (host, user, password) in [
        (ZONE, USER, "wrong"),
        (ZONE, "nobody@sample.com", "password"),
        (elsewhere, USER, "password"),
        (NEUTRAL, USER, "password"),
    ] {
        let reply = check(&sandbox, host, 5, None)
            .basic(user, password)
            .answer()
            .await;
        assert_eq!(reply.status, 401, "{host} {user}");
        assert!(
            is_page(&reply)
                && reply
                    .header("www-authenticate")
                    .is_some_and(|value| value.starts_with("Basic "))
        );
    }
    let anonymous = check(&sandbox, ZONE, 5, None).answer().await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(checked(&sandbox, 5, None).await, (200, String::from("1")));
}

#[tokio::test]
async fn version_1_6_asks_for_a_known_and_active_integration_code() {
    let sandbox = start().await;
    let unknown = "UNKNOWNSANDBOXAUTOTASKCODE1";
    for code in [None, Some(""), Some(unknown)] {
        let (status, text) = checked(&sandbox, 6, code).await;
        assert_eq!(status, 200);
        assert!(
            text.starts_with("-1 IntegrationCode is "),
            "{code:?}: {text}"
        );
        assert_eq!(checked(&sandbox, 5, code).await.1, "1");
    }
    assert_eq!(checked(&sandbox, 6, Some(CODE)).await.1, "1");
    let lock = |locked: bool| json!({ "locked": locked });
    let codes = format!("integration-codes/{CODE}");
    change(&sandbox, Method::PUT, &codes, lock(true)).await;
    let locked = checked(&sandbox, 6, Some(CODE)).await.1;
    assert!(
        locked.starts_with("-1 IntegrationCode is not active"),
        "{locked}"
    );
    change(&sandbox, Method::PUT, &codes, lock(false)).await;
    assert_eq!(checked(&sandbox, 6, Some(CODE)).await.1, "1");
    change(
        &sandbox,
        Method::PUT,
        &format!("integration-codes/{unknown}"),
        json!({}),
    )
    .await;
    assert_eq!(checked(&sandbox, 6, Some(unknown)).await.1, "1");
    change(&sandbox, Method::DELETE, &codes, Value::Null).await;
    assert!(checked(&sandbox, 6, Some(CODE)).await.1.starts_with("-1"));

    // In the other version's namespace the header is none.
    let body = envelope(6, "getThresholdAndUsageInfo", "", Some(unknown));
    let foreign = body.replacen(&namespace(6), &namespace(5), 1);
    let call = soap(&sandbox, ZONE, 6, "getThresholdAndUsageInfo", &foreign);
    let reply = call.basic(USER, "password").answer().await;
    assert!(
        outcome(&reply)
            .1
            .starts_with("-1 IntegrationCode is required")
    );
}

#[tokio::test]
async fn version_1_6_is_for_api_users_only() {
    let sandbox = start().await;
    let person = "resource@sample.com";
    for (version, expected) in [(5, "1"), (6, "-1")] {
        let call = check(&sandbox, ZONE, version, Some(CODE)).basic(person, "password");
        let (status, text) = outcome(&call.answer().await);
        assert_eq!((status, text.split(' ').next()), (200, Some(expected)));
    }
}

#[tokio::test]
async fn a_version_is_switched_off_zone_by_zone() {
    let sandbox = start().await;
    let off = |how: &str| json!({ "v1_5": how });
    change(&sandbox, Method::PUT, "zones/2", off("refused")).await;
    let (status, text) = checked(&sandbox, 5, None).await;
    assert!(
        status == 200 && text.starts_with("-1 Version 1.5 "),
        "{text}"
    );
    assert_eq!(checked(&sandbox, 6, Some(CODE)).await.1, "1");
    change(&sandbox, Method::PUT, "zones/2", off("gone")).await;
    let reply = check(&sandbox, ZONE, 5, None)
        .basic(USER, "password")
        .answer()
        .await;
    assert!(reply.status == 404 && is_page(&reply));

    // Other zones still have it, and so has the neutral host until it loses it too.
    let east = check(&sandbox, "webservices3.autotask.net", 5, None);
    let east = east
        .basic("api.user@east.sample.com", "password")
        .answer()
        .await;
    assert_eq!(outcome(&east).1, "1");
    assert_eq!(
        text_of(&zone_of(&sandbox, NEUTRAL, 5, USER).await, "ErrorCode"),
        "0"
    );
    change(&sandbox, Method::PUT, "zones/0", off("refused")).await;
    assert_eq!(
        text_of(&zone_of(&sandbox, NEUTRAL, 5, USER).await, "ErrorCode"),
        "-1"
    );
    assert_eq!(
        text_of(&zone_of(&sandbox, NEUTRAL, 6, USER).await, "ErrorCode"),
        "0"
    );
    change(
        &sandbox,
        Method::PUT,
        "zones/2",
        json!({ "v1_5": "on", "v1_6": "gone" }),
    )
    .await;
    assert_eq!(checked(&sandbox, 5, None).await.1, "1");
    assert_eq!(checked(&sandbox, 6, Some(CODE)).await.0, 404);
}

#[tokio::test]
async fn states_of_users_are_refused_in_their_own_ways() {
    let sandbox = start().await;
    let user = format!("customers/30049/users/{USER}");
    for refusal in ["locked", "password_expired"] {
        change(
            &sandbox,
            Method::PATCH,
            &user,
            json!({ "refusal": refusal }),
        )
        .await;
        assert_eq!(checked(&sandbox, 5, None).await.0, 401, "{refusal}");
    }
    change(
        &sandbox,
        Method::PATCH,
        &user,
        json!({ "refusal": "no_permission" }),
    )
    .await;
    let (status, text) = checked(&sandbox, 5, None).await;
    assert!(
        status == 200 && text.contains("adequate permissions"),
        "{text}"
    );
    change(
        &sandbox,
        Method::PATCH,
        &user,
        json!({ "refusal": null, "password": "new" }),
    )
    .await;
    assert_eq!(checked(&sandbox, 5, None).await.0, 401);
    let call = check(&sandbox, ZONE, 5, None).basic(USER, "new");
    assert_eq!(outcome(&call.answer().await).1, "1");
}

#[tokio::test]
async fn repeated_failures_lock_a_user_when_switched_on() {
    let sandbox = start().await;
    let wrong = || check(&sandbox, ZONE, 5, None).basic(USER, "wrong").answer();
    for _ in 0..5 {
        wrong().await;
    }
    assert_eq!(checked(&sandbox, 5, None).await.1, "1");
    change(
        &sandbox,
        Method::PATCH,
        "customers/30049",
        json!({ "lock_after": 3 }),
    )
    .await;
    // A right password in between starts the count again.
    for _ in 0..2 {
        wrong().await;
        wrong().await;
        assert_eq!(checked(&sandbox, 5, None).await.1, "1");
    }
    for _ in 0..3 {
        wrong().await;
    }
    assert_eq!(checked(&sandbox, 5, None).await.0, 401);
    let user = format!("customers/30049/users/{USER}");
    change(&sandbox, Method::PATCH, &user, json!({ "refusal": null })).await;
    assert_eq!(checked(&sandbox, 5, None).await.1, "1");
}

#[tokio::test]
async fn thresholds_delay_and_refuse_only_when_switched_on() {
    let sandbox = start().await;
    let customer = "customers/30049";
    let used = json!({ "threshold": 10, "threshold_used": 10 });
    change(&sandbox, Method::PATCH, customer, used).await;
    assert_eq!(checked(&sandbox, 5, None).await.1, "1");
    change(
        &sandbox,
        Method::PATCH,
        customer,
        json!({ "threshold_enforced": true }),
    )
    .await;
    let (status, text) = checked(&sandbox, 5, None).await;
    assert!(
        status == 200 && text.starts_with("-1 The threshold"),
        "{text}"
    );
    // Databases count apart.
    let east = check(&sandbox, "webservices3.autotask.net", 5, None);
    let east = east
        .basic("api.user@east.sample.com", "password")
        .answer()
        .await;
    assert_eq!(outcome(&east).1, "1");

    let slow = json!({ "threshold_used": 5, "threshold_delays": true });
    change(&sandbox, Method::PATCH, customer, slow).await;
    let started = std::time::Instant::now();
    assert_eq!(checked(&sandbox, 5, None).await.1, "1");
    assert!(started.elapsed().as_millis() >= 500);
}

#[tokio::test]
async fn the_shipped_examples_log_in() {
    let sandbox = start().await;
    let keys = [
        "crm.autotask.username",
        "crm.autotask.password",
        "crm.autotask.server.url",
        "crm.autotask.integration.code",
    ];
    for (name, version, keys) in [
        ("autotaskcrm.json", 5, &keys[..3]),
        ("autotaskcrm-1.6.json", 6, &keys[..]),
    ] {
        let example = example(name, "autotaskcrm", keys);
        let given = |key: &str| example[key].as_str();
        let user = given("crm.autotask.username").expect("a user");
        let zone = zone_of(&sandbox, NEUTRAL, version, user).await;
        let web = text_of(&zone, "WebUrl");
        let server = given("crm.autotask.server.url");
        assert_eq!(Some(web.trim_end_matches('/')), server, "{name}");
        let code = given("crm.autotask.integration.code");
        let password = given("crm.autotask.password").expect("a password");
        let call = check(&sandbox, ZONE, version, code).basic(user, password);
        assert_eq!(outcome(&call.answer().await).1, "1", "{name}");
    }
}
