use std::sync::{Arc, LazyLock};

use http::HeaderValue;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::element::tests::sample;
use crate::request::tests::{element, values};

static SAMPLE: LazyLock<Arc<Element>> = LazyLock::new(|| element(&sample()));

const NOW: i64 = 1_432_311_980_589;

const SECRET: &str = "hunter2\"secret/word";

fn reply(status: u16, kind: &str, body: impl Into<Bytes>) -> VendorReply {
    let mut headers = HeaderMap::new();
    if !kind.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    }
    VendorReply {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.into(),
    }
}

fn json_reply(status: u16, body: &Json) -> VendorReply {
    reply(status, "application/json", body.to_string())
}

fn read_with(
    change: impl Fn(&mut Json),
    index: usize,
    reply: &VendorReply,
) -> Result<Reply, Fault> {
    let mut json = sample();
    change(&mut json);
    read_of(&element(&json), index, reply)
}

fn read_of(element: &Element, index: usize, reply: &VendorReply) -> Result<Reply, Fault> {
    let configuration = values(
        element,
        &[("site", "acme"), ("username", "me"), ("password", SECRET)],
    );
    let group = element.founding_group();
    let inputs = Inputs {
        configuration: &configuration,
        previous: None,
        request: None,
        now: NOW,
    };
    read(element, group, &element.resources[index], &inputs, reply)
}

fn fault(index: usize, reply: &VendorReply) -> Fault {
    read_of(&SAMPLE, index, reply).unwrap_err()
}

#[test]
fn statuses_are_mapped_as_the_platform_does() {
    for (theirs, ours) in [
        (400, 400),
        (401, 401),
        (402, 400),
        (403, 403),
        (404, 404),
        (405, 405),
        (406, 406),
        (409, 409),
        (410, 400),
        (412, 400),
        (415, 415),
        (418, 400),
        (422, 400),
        (429, 429),
        (500, 502),
        (503, 502),
        (301, 502),
        (307, 502),
        (599, 502),
    ] {
        let fault = fault(2, &json_reply(theirs, &json!({"message": "Why"})));
        assert_eq!(fault.status, ours, "{theirs}");
        assert!(
            fault.message.starts_with("Parcel Desk ") && fault.message.contains("'GET /check'"),
            "{}",
            fault.message
        );
        assert_eq!(fault.provider_message.as_deref(), Some("Why"));
    }
}

#[test]
fn a_success_is_json_or_nothing() {
    assert!(read_with(|_| {}, 2, &json_reply(200, &json!({}))).is_ok());
    assert!(read_with(|_| {}, 2, &reply(204, "", "")).is_ok());
    assert!(read_with(|_| {}, 2, &reply(200, "", "\u{feff} {\"a\":1}")).is_ok());
    for (kind, body) in [
        ("text/html", "<html>"),
        ("application/json", "{\"a\":"),
        ("text/plain", "OK"),
        ("", "<a/>"),
        ("application/json", " <!DOCTYPE html>"),
    ] {
        let fault = fault(2, &reply(200, kind, body));
        assert_eq!(
            (fault.status, fault.provider_message),
            (502, None),
            "{body}"
        );
    }
    let deep = "[".repeat(100_000);
    assert_eq!(fault(2, &reply(200, "application/json", deep)).status, 502);
}

#[test]
fn answers_give_to_the_configuration() {
    let stored = read_with(
        |_| {},
        0,
        &json_reply(200, &json!({"data": {"token": ""}, "token": 17})),
    )
    .unwrap();
    let value = &stored.configuration["session"];
    assert!(value.is_secret());
    assert_eq!(value.reveal(), "17");
    let lacking = fault(0, &json_reply(200, &json!({"data": {}})));
    assert_eq!(lacking.status, 502);
    assert!(lacking.message.contains("session"), "{}", lacking.message);
}

#[test]
fn a_base_url_from_the_vendor_stays_with_the_vendor() {
    let home = |url: &str| read_with(|_| {}, 1, &json_reply(200, &json!({"home": url})));
    let stored = home("https://eu7.vendor.example/v1").unwrap();
    assert_eq!(
        stored.configuration["base.url"].reveal(),
        "https://eu7.vendor.example/v1"
    );
    for bad in [
        "https://evil.example",
        "http://eu7.vendor.example",
        "https://u@eu7.vendor.example",
        "x",
    ] {
        assert_eq!(home(bad).unwrap_err().status, 502, "{bad}");
    }
    assert!(
        read_with(|_| {}, 1, &json_reply(200, &json!({})))
            .unwrap()
            .configuration
            .is_empty()
    );
}

#[test]
fn where_every_host_is_public_a_base_url_keeps_the_instances() {
    let home = |url: &str| {
        let public = |json: &mut Json| {
            json["bunsen"]["hosts"] = json!("public");
            json["configuration"][0]["defaultValue"] = json!("https://{site}.own.example:8443/v1");
        };
        read_with(public, 1, &json_reply(200, &json!({"home": url})))
    };
    assert!(home("https://acme.own.example:8443/v2").is_ok());
    for bad in [
        "https://acme.own.example/v2",
        "https://evil.example:8443/v2",
        "https://acme.own.example:8443/v2?x",
        "https://acme.own.example:8443/{site}",
    ] {
        assert_eq!(home(bad).unwrap_err().status, 502, "{bad}");
    }
}

/// The check call of the sample, reading XML.
fn read_xml(words: Json, status: u16, body: &str) -> Result<Reply, Fault> {
    let rules = |json: &mut Json| {
        json["resources"][2]["bunsen"] = words.clone();
        json["resources"][2]["parameters"] = json!([
            {"id": 70, "name": "session", "vendorName": "Envelope.Body.Login.Session", "type": "configuration", "vendorType": "bodyField", "source": "response"}]);
    };
    read_with(
        rules,
        2,
        &reply(status, "text/xml; charset=utf-8", body.to_owned()),
    )
}

#[test]
fn xml_is_read_where_it_is_expected() {
    let envelope = |inner: &str| {
        format!(
            "\u{feff}<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"urn:s\"><s:Body>{inner}</s:Body></s:Envelope>"
        )
    };
    let words = json!({
        "expect": {"content": "xml", "equals": {"Envelope.Body.Login.Code": ["0"]}},
        "message": "Envelope.Body.Login.Errors.Error[0].Text || Envelope.Body.Login.Errors.Error.Text",
        "fault": [{"when": {"differs": {"Envelope.Body.Login.Code": ["0"]}}, "status": 401, "message": "Wrong password."}]
    });
    let fine = envelope("<Login><Code>0</Code><Session>a&amp;b</Session></Login>");
    let read = read_xml(words.clone(), 200, &fine).unwrap();
    assert_eq!(read.configuration["session"].reveal(), "a&b");
    let error = "<Error><Text>No user hunter2\"secret/word</Text></Error>";
    for errors in [error.to_owned(), error.repeat(2)] {
        let wrong = envelope(&format!(
            "<Login><Code>-1</Code><Errors>{errors}</Errors></Login>"
        ));
        let fault = read_xml(words.clone(), 200, &wrong).unwrap_err();
        assert_eq!(fault.status, 401);
        assert_eq!(fault.provider_message.as_deref(), Some("No user ********"));
    }
    let fault = envelope("<s:Fault><faultstring>Busy</faultstring></s:Fault>");
    let fault = read_xml(words.clone(), 500, &fault).unwrap_err();
    assert_eq!(
        (fault.status, fault.provider_message.as_deref()),
        (502, Some("Busy"))
    );
    for bad in [
        "<!DOCTYPE x [<!ENTITY e \"0\">]><x>&e;</x>",
        "<x>",
        "{}",
        "",
        "<html></html>",
    ] {
        assert_eq!(
            read_xml(words.clone(), 200, bad).unwrap_err().status,
            502,
            "{bad}"
        );
    }
    // Nobody asked for XML here.
    assert_eq!(read_xml(json!({}), 200, &fine).unwrap_err().status, 502);
}

#[test]
fn conditions_may_ask_for_what_is_not_there() {
    let judged = |when: Json, body: Json| {
        let rules = |json: &mut Json| {
            json["resources"][2]["bunsen"] =
                json!({"fault": [{"when": when, "status": 409, "message": "Met."}]});
        };
        read_with(rules, 2, &json_reply(200, &body)).is_err()
    };
    let absent = json!({"absent": ["list[0] || one"]});
    assert!(judged(absent.clone(), json!({"list": []})));
    assert!(!judged(absent, json!({"one": 1})));
    let differs = json!({"differs": {"code": ["ok", "0"]}});
    assert!(judged(differs.clone(), json!({"code": 1})));
    assert!(!judged(differs.clone(), json!({"code": "OK"})));
    assert!(!judged(differs, json!({})));
    let contains = json!({"contains": {"text": ["Too Many"]}});
    assert!(judged(
        contains.clone(),
        json!({"text": "There are too many calls"})
    ));
    assert!(!judged(contains, json!({"text": "too few"})));
    let given = |key: &str| json!({"given": [key], "absent": ["x"]});
    assert!(judged(given("site"), json!({})));
    assert!(!judged(given("session"), json!({})));
    let equals = json!({"equals": {"code": ["Limit_Exceeded"]}});
    assert!(judged(equals, json!({"code": "LIMIT_EXCEEDED"})));
    let asked = json!({"present": ["[?(@.name==config.username)]"]});
    assert!(judged(asked.clone(), json!([{"name": "me"}])));
    assert!(!judged(asked, json!([{"name": "you"}])));
}

#[test]
fn the_moment_of_the_call_can_be_kept() {
    let rules = |json: &mut Json| {
        json["configuration"]
            .as_array_mut()
            .unwrap()
            .push(json!({"id": 80, "key": "since", "name": "Since", "type": "TEXTFIELD_32"}));
        json["resources"][2]["parameters"] = json!([
            {"id": 70, "name": "since", "type": "configuration", "vendorType": "value", "source": "response", "bunsen": {"generate": "epochMillis"}}]);
    };
    let read = read_with(rules, 2, &json_reply(200, &json!({}))).unwrap();
    assert_eq!(read.configuration["since"].reveal(), "1432311980589");
}

#[test]
fn rules_of_the_resource_come_first_and_expect_is_obeyed() {
    let rules = |json: &mut Json| {
        json["resources"][2]["bunsen"] = json!({
            "expect": {"present": ["data[0].id"], "equals": {"success": ["true"]}},
            "fault": [{"when": {"equals": {"success": ["false"]}}, "status": 401, "message": "Wrong password."}]
        });
        json["bunsen"]["fault"] = json!([
            {"when": {"status": [200], "equals": {"success": ["false"]}}, "status": 403, "message": "Never seen."},
            {"when": {"status": [404]}, "entry": "site", "message": "No such site."}]);
    };
    assert!(
        read_with(
            rules,
            2,
            &json_reply(201, &json!({"success": true, "data": [{"id": 0}]}))
        )
        .is_ok()
    );
    let wrong = read_with(rules, 2, &json_reply(200, &json!({"success": false}))).unwrap_err();
    assert_eq!(
        (wrong.status, wrong.message.as_str()),
        (401, "Wrong password. (Step 'GET /check'.)")
    );
    let site = read_with(rules, 2, &reply(404, "", "")).unwrap_err();
    assert_eq!((site.status, site.entry.as_deref()), (400, Some("site")));
    assert_eq!(
        site.message,
        "Configuration entry 'site': No such site. (Step 'GET /check'.)"
    );
    assert_eq!(
        read_with(
            rules,
            2,
            &json_reply(200, &json!({"success": true, "data": []}))
        )
        .unwrap_err()
        .status,
        502
    );
    assert_eq!(
        read_with(
            rules,
            2,
            &json_reply(500, &json!({"success": true, "data": [{"id": 0}]}))
        )
        .unwrap_err()
        .status,
        502
    );
}

#[test]
fn the_vendors_words_are_found_and_made_plain() {
    let words = |body: Json| fault(2, &json_reply(400, &body)).provider_message;
    for body in [
        json!({"message": "Why"}),
        json!({"error": {"message": "Why"}}),
        json!({"error": "Why", "success": false}),
        json!({"error": "invalid_grant", "error_description": "Why"}),
        json!({"errors": [{"message": "Why"}], "description": "no"}),
        json!([{"message": "Why", "errorCode": "X"}]),
        json!("Why"),
        json!({"message": " Why\n\u{7} "}),
        json!({"errors": ["Why"]}),
    ] {
        assert_eq!(words(body.clone()).as_deref(), Some("Why"), "{body}");
    }
    assert_eq!(words(json!({"code": 5})), None);
    assert_eq!(words(json!({"message": "<html><b>x</b></html>"})), None);
    assert_eq!(words(json!({"message": "a < b"})).as_deref(), Some("a < b"));
    let long = words(json!({"message": "é".repeat(3000)})).unwrap();
    assert_eq!(long.chars().count(), 501);
    assert_eq!(
        fault(2, &reply(429, "text/plain", "Slow down"))
            .provider_message
            .as_deref(),
        Some("Slow down")
    );
}

#[test]
fn retry_after_is_passed_on_as_it_came() {
    let mut busy = json_reply(429, &json!({}));
    busy.headers
        .insert(RETRY_AFTER, HeaderValue::from_static("34"));
    assert_eq!(fault(2, &busy).retry_after.as_deref(), Some("34"));
    busy.headers.insert(
        RETRY_AFTER,
        HeaderValue::from_str(&"9".repeat(100)).unwrap(),
    );
    assert_eq!(fault(2, &busy).retry_after, None);
}

#[test]
fn debug_forms_hold_nothing_of_the_body() {
    let text = format!("{:?}", reply(200, "", SECRET));
    assert!(text.contains("length") && !text.contains("hunter2"));
}

#[test]
fn short_secrets_go_where_they_stand_alone() {
    let mut json = sample();
    json["id"] = json!(502);
    let element = element(&json);
    let configuration = values(&element, &[("password", "a")]);
    let inputs = Inputs {
        configuration: &configuration,
        previous: None,
        request: None,
        now: NOW,
    };
    let reply = json_reply(401, &json!({"message": "a bad password: a, said Anna"}));
    let fault = read(
        &element,
        element.founding_group(),
        &element.resources[2],
        &inputs,
        &reply,
    )
    .unwrap_err();
    assert_eq!(
        fault.provider_message.as_deref(),
        Some("******** bad password: ********, said Anna")
    );
}

proptest! {
    #[test]
    fn no_form_of_a_secret_comes_back(before in r"[ -~]{0,20}", form in 0..7usize, after in r"[ -~]{0,20}", plain in any::<bool>()) {
        use base64::Engine as _;
        let sent = match form {
            0 => SECRET.to_owned(),
            1 => crate::language::percent_encode(SECRET),
            2 => base64::engine::general_purpose::STANDARD.encode(format!("me:{SECRET}")),
            3 => json!(SECRET).to_string(),
            4 => url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect(),
            5 => base64::engine::general_purpose::STANDARD.encode(SECRET),
            _ => "hunter2&quot;secret/word".to_owned(),
        };
        let text = format!("{before}{sent}{after}");
        let reply = if plain { reply(401, "text/plain", text) } else { json_reply(401, &json!({"message": text})) };
        let shown = format!("{:?}", fault(2, &reply));
        prop_assert!(!shown.contains(&sent) && !shown.contains("hunter2"), "{}", shown);
    }

    #[test]
    fn any_answer_is_read_without_panic(status in 100..1000u16, body in any::<Vec<u8>>(), kind in "(application/json|text/html|text/plain|)") {
        let _ = read_of(&SAMPLE, 0, &reply(status, &kind, body));
    }
}

/// The sample's instance is asked at `acme.vendor.example`.
#[test]
fn an_instance_stays_in_its_environment() {
    for (apart, home, stays) in [
        (&["acme.vendor.example"][..], "other", false),
        (&["acme.vendor.example"], "acme", true),
        (&["other.vendor.example"], "other", false),
        (&["other.vendor.example"], "third", true),
        (&["*.vendor.example"], "other", true),
    ] {
        let rules = |json: &mut Json| {
            json["bunsen"]["apart"] = json!(apart);
            json["resources"][2]["parameters"] = json!([{"id": 90, "name": "base.url", "vendorName": "home",
                "type": "configuration", "vendorType": "bodyField", "source": "response"}]);
        };
        let answer = json!({"home": format!("https://{home}.vendor.example/v1")});
        let read = read_with(rules, 2, &json_reply(200, &answer));
        assert_eq!(read.is_ok(), stays, "{apart:?} {home}");
        if let Err(fault) = read {
            assert_eq!(fault.status, 502);
            assert!(
                fault.message.contains("another environment"),
                "{}",
                fault.message
            );
        }
    }
}
