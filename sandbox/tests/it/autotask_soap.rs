//! Autotask: what is no proper SOAP, what the web server in front answers, the query language, and the control calls.

use http::Method;
use serde_json::{Value, json};

use crate::autotask::{
    CODE, NEUTRAL, SOAP, USER, ZONE, change, check, checked, envelope, namespace, outcome, path,
    soap, text_of, tree, zone_of,
};
use crate::client::{Reply, start};

const CHECK: &str = "getThresholdAndUsageInfo";

fn is_fault(reply: &Reply, code: &str) -> bool {
    let tree = tree(reply);
    reply.status == 500
        && tree.is(SOAP, "Envelope")
        && text_of(&tree, "faultcode") == format!("soap:{code}")
        && !text_of(&tree, "faultstring").is_empty()
}

#[tokio::test]
async fn broken_envelopes_and_mixed_namespaces_get_a_fault() {
    let sandbox = start().await;
    let whole = envelope(5, CHECK, "", None);
    let doctype = whole.replacen("?>", "?><!DOCTYPE x [<!ENTITY e \"e\">]>", 1);
    let deep = envelope(
        5,
        CHECK,
        &format!("{}{}", "<a>".repeat(100), "</a>".repeat(100)),
        None,
    );
    let block =
        "<soap:Header><x xmlns=\"urn:x\" soap:mustUnderstand=\"1\"/></soap:Header><soap:Body>";
    for (body, code) in [
        (String::new(), "Client"),
        (String::from("{}"), "Client"),
        (whole[..whole.len() - 20].to_owned(), "Client"),
        (whole.replace(CHECK, "query"), "Client"),
        (whole.replace(&namespace(5), &namespace(6)), "Client"),
        (whole.replace(&namespace(5), ""), "Client"),
        (whole.replace("soap:Body", "soap:Corpse"), "Client"),
        (
            whole.replace("soap:Envelope xmlns:soap", "soap:Envelope xmlns:other"),
            "Client",
        ),
        (doctype, "Client"),
        (deep, "Client"),
        (
            whole.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope"),
            "VersionMismatch",
        ),
        (whole.replace("<soap:Body>", block), "MustUnderstand"),
    ] {
        let call = soap(&sandbox, ZONE, 5, CHECK, &body).basic(USER, "password");
        assert!(is_fault(&call.answer().await, code), "{body}");
    }
    // Prefixes of one's own are as good as any.
    let own = format!(
        "<E:Envelope xmlns:E='{SOAP}' xmlns:a='{}'><E:Body><a:{CHECK}/></E:Body></E:Envelope>",
        namespace(5)
    );
    let call = soap(&sandbox, ZONE, 5, CHECK, &own).basic(USER, "password");
    assert_eq!(outcome(&call.answer().await).1, "1");
}

#[tokio::test]
async fn the_soap_action_chooses_and_unknown_ones_get_a_fault() {
    let sandbox = start().await;
    let body = envelope(5, CHECK, "", None);
    let with = |action: &str| {
        let call = sandbox.call(Method::POST, ZONE, &path(5));
        let call = call.header("SOAPAction", action).basic(USER, "password");
        call.body("text/xml", &body).answer()
    };
    let known = format!("{}{CHECK}", namespace(5));
    for action in [known.clone(), format!("\"{known}\"")] {
        assert_eq!(outcome(&with(&action).await).1, "1", "{action}");
    }
    for action in [
        String::new(),
        String::from(CHECK),
        format!("{}{CHECK}", namespace(6)),
        known.to_uppercase(),
        format!("{}getEntityInfo", namespace(5)),
    ] {
        assert!(is_fault(&with(&action).await, "Client"), "{action}");
    }
    let other = envelope(5, "GetEntityInfo", "", None);
    let call = soap(&sandbox, ZONE, 5, "GetEntityInfo", &other).basic(USER, "password");
    let reply = call.answer().await;
    assert!(is_fault(&reply, "Server"));
    assert!(text_of(&tree(&reply), "faultstring").contains("does not simulate GetEntityInfo"));
    // Not even what is not simulated is told to strangers.
    let stranger = soap(&sandbox, ZONE, 5, "GetEntityInfo", &other)
        .answer()
        .await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test]
async fn the_web_server_answers_html_beside_the_service() {
    let sandbox = start().await;
    let get = |host: &'static str, path: String| sandbox.call(Method::GET, host, &path).answer();
    for (reply, status) in [
        (get(ZONE, path(5)).await, 405),
        (get(ZONE, String::from("/")).await, 404),
        (
            get(ZONE, String::from("/ATServices/1.7/atws.asmx")).await,
            404,
        ),
        (get("ww2.autotask.net", String::from("/")).await, 200),
        (get("ww2.autotask.net", path(5)).await, 404),
        (
            check(&sandbox, "ww2.autotask.net", 5, None).answer().await,
            404,
        ),
    ] {
        let kind = reply.header("content-type").map(str::to_owned);
        assert_eq!(
            (reply.status.as_u16(), kind.as_deref()),
            (status, Some("text/html; charset=utf-8"))
        );
    }
    let soap12 = sandbox
        .call(Method::POST, ZONE, &path(5))
        .body("application/soap+xml", "<x/>");
    assert_eq!(soap12.answer().await.status, 415);
    let small = sandbox.call(Method::POST, ZONE, "/atservices/1.5/ATWS.asmx");
    let small = small.header("SOAPAction", &format!("{}{CHECK}", namespace(5)));
    let small = small
        .body("text/xml", &envelope(5, CHECK, "", None))
        .basic(USER, "password");
    assert_eq!(outcome(&small.answer().await).1, "1");
    change(
        &sandbox,
        Method::PUT,
        "zones/2",
        json!({ "releasing": true }),
    )
    .await;
    assert_eq!(checked(&sandbox, 5, None).await.0, 503);
    let nowhere = check(&sandbox, "webservices99.autotask.net", 5, None)
        .answer()
        .await;
    assert_eq!(nowhere.status, 421);
}

#[tokio::test]
async fn a_query_finds_the_account_that_every_customer_has() {
    let sandbox = start().await;
    let ask = async |query: &str| {
        let content = format!("<sXML><![CDATA[{query}]]></sXML>");
        let body = envelope(6, "query", &content, Some(CODE));
        let call = soap(&sandbox, ZONE, 6, "query", &body).basic(USER, "password");
        call.answer().await
    };
    let wrapped = |inner: &str| {
        format!("<queryxml><entity>Account</entity><query>{inner}</query></queryxml>")
    };
    let field = |name: &str, operator: &str, value: &str| {
        format!("<field>{name}<expression op=\"{operator}\">{value}</expression></field>")
    };
    let or = |inner: &str| format!("<condition operator=\"or\">{inner}</condition>");
    let own = field("id", "Equals", "0");
    let no = field("id", "Equals", "174");
    for (inner, found) in [
        (own.clone(), true),
        (no.clone(), false),
        (field(" ID ", "greaterthanorequals", "0"), true),
        (field("AccountName", "Equals", "sAMPLE"), true),
        (field("accountname", "BeginsWith", "x"), false),
        (field("Active", "Equals", "true"), true),
        (field("Phone", "IsNotNull", ""), true),
        (format!("{own}{no}"), false),
        (format!("{no}{}", or(&own)), true),
        // From left to right: (own or no) and no.
        (format!("{own}{}{no}", or(&no)), false),
        (
            String::from(
                "<field>id<expression op='Equals'>5</expression><expression op='Equals'>0</expression></field>",
            ),
            true,
        ),
    ] {
        let reply = ask(&wrapped(&inner)).await;
        assert_eq!(outcome(&reply), (200, String::from("1")), "{inner}");
        let tree = tree(&reply);
        assert_eq!(text_of(&tree, "EntityResultType"), "account");
        assert_eq!(text_of(&tree, "id") == "0", found, "{inner}");
        assert_eq!(text_of(&tree, "AccountName") == "Sample", found, "{inner}");
    }
    let too_many = wrapped(&format!("{own}{}", or(&no).repeat(501)));
    for query in [
        String::from("no XML"),
        wrapped(""),
        wrapped("<field>id</field>"),
        wrapped(&field("Nothing", "Equals", "1")),
        wrapped(&field("id", "Equals", "a")),
        wrapped(&field("id", "Resembles", "0")),
        wrapped(&own).replace("Account", "Contact"),
        too_many,
    ] {
        let (status, text) = outcome(&ask(&query).await);
        assert!(status == 200 && text.starts_with("-1 "), "{query}: {text}");
    }
}

#[tokio::test]
async fn too_many_calls_are_said_in_the_answers_own_form() {
    let sandbox = start().await;
    sandbox
        .fault(json!({ "kind": "rate_limited", "host": ZONE }))
        .await;
    let (status, text) = checked(&sandbox, 5, None).await;
    assert!(status == 200 && text.contains("thread threshold"), "{text}");
    let get = sandbox.call(Method::GET, ZONE, &path(5)).answer().await;
    assert_eq!(
        (get.status.as_u16(), get.header("retry-after")),
        (429, Some("34"))
    );
    // A call that a fault answers counts like any other.
    let customer = sandbox
        .control(Method::GET, "autotask/customers/30049", Value::Null)
        .await;
    assert_eq!(customer.json()["threshold_used"], 1);
}

#[tokio::test]
async fn zones_customers_users_and_codes_come_and_go() {
    let sandbox = start().await;
    let user = json!({ "name": "api@acme.example", "password": "p:w", "api_only": true });
    let customer = json!({ "ci": 7, "name": "Acme", "zone": 40, "users": [user] });
    let refused = sandbox
        .control(Method::POST, "autotask/customers", customer.clone())
        .await;
    assert_eq!(refused.status, 400, "the zone is not there yet");
    change(
        &sandbox,
        Method::PUT,
        "zones/40",
        json!({ "name": "Forty" }),
    )
    .await;
    change(&sandbox, Method::POST, "customers", customer.clone()).await;
    let zone = zone_of(&sandbox, NEUTRAL, 6, "api@acme.example").await;
    assert_eq!(text_of(&zone, "CI"), "7");
    let host = "webservices40.autotask.net";
    let call = || {
        check(&sandbox, host, 6, Some(CODE))
            .basic("api@acme.example", "p:w")
            .answer()
    };
    assert_eq!(outcome(&call().await).1, "1");
    for (method, path, body, status) in [
        (Method::POST, "customers", customer, 409),
        (Method::POST, "customers", json!({ "zone": 2 }), 400),
        (
            Method::POST,
            "customers",
            json!({ "ci": 8, "zone": 0 }),
            400,
        ),
        (
            Method::POST,
            "customers",
            json!({ "ci": 8, "unknown": 1 }),
            400,
        ),
        (
            Method::POST,
            "customers/7/users",
            json!({ "name": USER }),
            409,
        ),
        (
            Method::POST,
            "customers/7/users",
            json!({ "name": "a:b" }),
            400,
        ),
        (
            Method::POST,
            "customers/9/users",
            json!({ "name": "a" }),
            404,
        ),
        (Method::PATCH, "customers/7", json!({ "ci": 8 }), 400),
        (Method::PATCH, "customers/7", json!({ "zone": 41 }), 400),
        (Method::PATCH, "customers/7/users/nobody", json!({}), 404),
        (
            Method::PATCH,
            "customers/7/users/api@acme.example",
            json!({ "refusal": "odd" }),
            400,
        ),
        (Method::PUT, "zones/x", json!({}), 400),
        (Method::DELETE, "zones/40", Value::Null, 409),
        (Method::DELETE, "zones/41", Value::Null, 404),
        (Method::PUT, "integration-codes/short", json!({}), 400),
        (Method::DELETE, "integration-codes/short", Value::Null, 404),
        (Method::POST, "zones", json!({}), 405),
        (Method::GET, "nothing", Value::Null, 404),
    ] {
        let reply = sandbox
            .control(method, &format!("autotask/{path}"), body.clone())
            .await;
        assert_eq!(reply.status, status, "{path} {body}");
        assert!(reply.json()["message"].is_string());
    }
    // What was refused left the customer where it was.
    assert_eq!(outcome(&call().await).1, "1");
    change(
        &sandbox,
        Method::POST,
        "customers/7/users",
        json!({ "name": "second" }),
    )
    .await;
    change(
        &sandbox,
        Method::DELETE,
        "customers/7/users/api@acme.example",
        Value::Null,
    )
    .await;
    assert_eq!(call().await.status, 401);
    let state = sandbox
        .control(Method::GET, "state", Value::Null)
        .await
        .json();
    assert_eq!(
        state["autotask"]["customers"][0]["users"][0]["name"],
        "second"
    );
    change(&sandbox, Method::DELETE, "customers/7", Value::Null).await;
    change(&sandbox, Method::DELETE, "zones/40", Value::Null).await;
    assert_eq!(call().await.status, 421);
    sandbox.control(Method::POST, "reset", Value::Null).await;
    assert_eq!(checked(&sandbox, 6, Some(CODE)).await.1, "1");
}
