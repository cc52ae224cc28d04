//! Answers in XML, what definitions and hooks say of an answer beside its records, and calls that no
//! definition can have.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Depot, parameter, resource};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

/// Adds a header, takes one of the vendor's own away, and speaks for others.
const SAYS: &str = "done({response_status_code: 202, response_headers: {'X-Hook': 'yes', 'X-Vendor': null, 'Set-Cookie': 'a=b', 'Elements-Attempts': '9', 'Content-Length': '1'}, response_body: {fields: (meta_data.fields || []).map(f => f.vendorPath || f.name), had: Object.keys(response_headers).includes('X-Vendor')}});";

pub fn objects() -> Value {
    json!([{"name": "told", "vendorName": "Told", "fields": [{"name": "weight", "type": "number"}, {"name": "colour", "type": "string"}]}])
}

fn answered(name: &str, kind: &str, vendor: &str, from: &str) -> Value {
    json!({"name": name, "type": kind, "vendorName": vendor, "vendorType": from, "source": "response"})
}

pub fn resources() -> Vec<Value> {
    let pages = json!([
        parameter("page", "query", "page", "query"),
        parameter("pageSize", "query", "size", "query"),
        parameter("where", "query", "where", "no-op"),
    ]);
    let xml = json!({"contentType": "text/xml"});
    let mut resources = vec![
        resource(
            "GET",
            "/crates",
            "/crates",
            json!({"rootKey": "|crates.crate", "response": xml, "parameters": pages,
            "paginationType": "VENDOR_NOT_SUPPORTED", "bunsen": {"filter": {"local": ["id"]}}}),
        ),
        resource(
            "GET",
            "/crates/{id}",
            "/crates/{id}",
            json!({"rootKey": "|crate", "response": xml, "parameters": [parameter("id", "path", "id", "path")]}),
        ),
        resource("GET", "/built-in", "/built-in", json!({"kind": "java"})),
        resource(
            "GET",
            "/told",
            "/told",
            json!({"hooks": [{"type": "postRequest", "mimeType": "application/javascript", "body": SAYS}]}),
        ),
        resource(
            "POST",
            "/visits",
            "/visits",
            json!({"rootKey": "|visit", "parameters": [
            parameter("shelf", "query", "shelf", "configuration"),
            answered("visits.token", "configuration", "meta.token", "bodyField"),
            answered("X-Version", "header", "meta.version", "bodyField"),
            answered("X-From", "header", "x-vendor", "header"),
            answered("version", "bodyField", "meta.version", "bodyField"),
            parameter("visits.token", "configuration", "X-Token", "header")]}),
        ),
    ];
    for link in 1..=6 {
        let mut chained = resource("GET", &format!("/chain{link}"), "/chained", json!({}));
        if link < 6 {
            chained["nextResource"] = json!(format!("GET:/chain{}", link + 1));
        }
        resources.push(chained);
    }
    resources
}

#[database_test]
async fn xml_comes_out_as_json(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let kind = [("content-type", "text/xml; charset=utf-8")];
    let crates = "<?xml version='1.0'?><crates><crate><id>1</id><name>a &amp; b</name></crate><crate><id>2</id></crate></crates>";
    depot
        .vendor
        .will_say("GET /base/crates", 200, &kind, crates);
    let answer = depot.call("GET", "/crates?where=id%3D1").await;
    assert_eq!(answer.success(), json!([{"id": "1", "name": "a & b"}]));
    assert_eq!(
        answer.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    assert_eq!(answer.header("elements-filtered-here"), Some("id = 1"));
    let page = depot.call("GET", "/crates?pageSize=1&page=2").await;
    assert_eq!(page.success(), json!([{"id": "2"}]));
    assert_eq!(page.header("elements-filtered-here"), None);
    let one = "<d:crate xmlns:d='u'><d:id>1</d:id></d:crate>";
    depot.vendor.will_say("GET /base/crates/1", 200, &kind, one);
    let answer = depot.call("GET", "/crates/1").await;
    assert_eq!(answer.success(), json!({"id": "1"}));
    depot
        .vendor
        .will_say("GET /base/crates/2", 200, &kind, "<crate>");
    depot.call("GET", "/crates/2").await.error(502);
}

#[database_test]
async fn what_an_answer_gives_is_kept_and_handed_on(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let headers = [("content-type", "application/json"), ("x-vendor", "v1")];
    let body = json!({"visit": {"id": 7}, "meta": {"token": "t-1", "version": 3}}).to_string();
    depot
        .vendor
        .will_say("POST /base/visits", 201, &headers, &body);
    let first = depot
        .request("POST", "/visits?shelf=left")
        .header("idempotency-key", "one");
    let first = Answer::of(first).await;
    assert_eq!(first.success(), json!({"id": 7, "version": 3}));
    assert_eq!(first.header("x-version"), Some("3"));
    assert_eq!(first.header("x-from"), Some("v1"));
    // What it has brought is in the calls that follow.
    depot.send("POST", "/visits", &json!({})).await.success();
    let seen = depot.vendor.seen();
    let tokens: Vec<_> = seen.iter().map(|call| call.header("x-token")).collect();
    assert_eq!(tokens, [None, Some("t-1")]);
    let again = depot
        .request("POST", "/visits?shelf=left")
        .header("idempotency-key", "one");
    let again = Answer::of(again).await;
    assert_eq!(again.success(), json!({"id": 7, "version": 3}));
    assert_eq!(again.header("x-version"), Some("3"));
    assert_eq!(again.header("elements-attempts"), Some("0"));
    let id = &depot.instance["id"];
    let path = format!("/elements/api-v2/instances/{id}");
    let shown = depot
        .server
        .request("GET", &path)
        .header("authorization", &depot.server.admin.header());
    let shown = Answer::of(shown).await.success().to_string();
    assert!(
        !shown.contains("t-1") && !shown.contains("left"),
        "what is not described may be a token: {shown}"
    );
}

#[database_test]
async fn hooks_say_what_the_answer_is_like(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let headers = [("content-type", "application/json"), ("x-vendor", "v1")];
    depot.vendor.will_say("GET /base/told", 200, &headers, "{}");
    let answer = depot.call("GET", "/told").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("x-hook"), Some("yes"));
    for (name, value) in [
        ("set-cookie", None),
        ("x-vendor", None),
        ("elements-attempts", Some("1")),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert_eq!(
        answer.json(),
        json!({"fields": ["weight", "colour"], "had": true})
    );
}

#[database_test]
async fn calls_that_cannot_be_made_say_so(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let error = depot.call("GET", "/built-in").await.error(400);
    assert_eq!(
        message(&error),
        "This API is not currently supported for this element"
    );
    let error = depot.call("GET", "/chain1").await.error(400);
    assert!(message(&error).contains("longer than 5 calls"), "{error}");
    assert!(depot.vendor.seen().is_empty(), "nobody was asked");
    depot
        .vendor
        .will("GET /base/chained", 200, &json!({"id": 1}));
    depot.call("GET", "/chain2").await.success();
    let seen = depot.vendor.seen();
    assert_eq!(seen.len(), 5);
    // The platform says what it sends also where it sends nothing.
    let kinds = seen
        .iter()
        .map(|call| (call.header("accept"), call.header("content-type")));
    let json = Some("application/json");
    assert!(kinds.into_iter().all(|kinds| kinds == (json, json)));
}
