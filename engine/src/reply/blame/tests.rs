use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::*;
use crate::element::tests::sample;
use crate::reply::{VendorReply, read};
use crate::request::Inputs;
use crate::request::tests::{element, values};

/// What is told of an answer to a call that gets an access token for a password.
fn blamed(status: u16, kind: &'static str, body: &str) -> (Blame, u16) {
    let mut json = sample();
    let entries = json["configuration"].as_array_mut().unwrap();
    entries.push(json!({"id": 9, "key": ACCESS_TOKEN, "name": "Token", "type": "PASSWORD", "internal": true}));
    json["resources"][0]["parameters"][2]["name"] = json!(ACCESS_TOKEN);
    json["bunsen"]["fault"] = json!([
        {"when": {"equals": {"error": ["user_gone"]}}, "status": 401, "message": "m"},
        {"when": {"equals": {"error": ["odd_key"]}}, "status": 401, "message": "m", "blame": "client"},
        {"when": {"status": [402]}, "status": 403, "message": "m"},
        {"when": {"status": [400, 401, 403]}, "status": 401, "message": "m"},
    ]);
    let element = element(&json);
    let given = [("site", "acme"), ("username", "me"), ("password", "word")];
    let configuration = values(&element, &given);
    let inputs = Inputs {
        configuration: &configuration,
        previous: None,
        request: None,
        now: 0,
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let reply = VendorReply {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.to_owned().into(),
    };
    let group = element.founding_group();
    let fault = read(&element, group, &element.resources[0], &inputs, &reply).unwrap_err();
    (fault.blame, fault.status)
}

fn said(status: u16, error: &str) -> (Blame, u16) {
    let body = json!({"error": error, "error_description": "words"});
    blamed(status, "application/json", &body.to_string())
}

#[test]
fn only_what_is_known_to_refuse_the_owner_does() {
    for (error, blame) in [
        ("invalid_grant", Blame::Owner),
        ("user_gone", Blame::Owner),
        ("invalid_client", Blame::Client),
        ("unauthorized_client", Blame::Client),
        ("invalid_request", Blame::Client),
        ("odd_key", Blame::Client),
    ] {
        assert_eq!(said(400, error), (blame, 401), "{error}");
        assert_eq!(said(401, error), (blame, 401), "{error}");
    }
    assert_eq!(said(402, "trial_over"), (Blame::Owner, 403));
    assert_eq!(said(403, "who_knows"), (Blame::Unclear, 401));
    // A password is not sent again and again.
    assert_eq!(said(401, "who_knows"), (Blame::Owner, 401));
}

#[test]
fn what_passes_is_nobodys_whatever_the_definition_makes_of_the_status() {
    for status in [400, 401, 403] {
        for error in ["temporarily_unavailable", "server_error"] {
            assert_eq!(
                said(status, error),
                (Blame::Nobody, 502),
                "{status} {error}"
            );
        }
        assert_eq!(said(status, "slow_down"), (Blame::Haste, 429), "{status}");
        let page = "<html>login to proxy</html>";
        let page = blamed(status, "text/html", page);
        assert_eq!(page, (Blame::Nobody, 502), "{status}");
    }
    let text = |status| blamed(status, "application/json", "\"Rate limited\"").0;
    assert_eq!((text(400), text(403)), (Blame::Unclear, Blame::Unclear));
    assert_eq!(blamed(403, "text/plain", "no").0, Blame::Unclear);
    assert_eq!(blamed(429, "text/plain", "later").0, Blame::Haste);
    assert_eq!(said(503, "invalid_grant").0, Blame::Nobody);
}

/// Some vendors refuse with 200; what they say counts as if they had not.
#[test]
fn an_error_in_a_status_of_success_is_one() {
    for (error, blame, status) in [
        ("invalid_grant", Blame::Owner, 401),
        ("invalid_client", Blame::Client, 401),
        ("bad_refresh_token", Blame::Unclear, 401),
        ("temporarily_unavailable", Blame::Nobody, 502),
        ("slow_down", Blame::Haste, 429),
    ] {
        assert_eq!(said(200, error), (blame, status), "{error}");
    }
    // Nothing is said: the answer was mangled on its way.
    for body in ["{}", "{\"error\":\"\"}", "{\"error\":{\"a\":1}}"] {
        assert_eq!(
            blamed(200, "application/json", body).0,
            Blame::Nobody,
            "{body}"
        );
    }
}
