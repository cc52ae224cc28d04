//! Which calls belong to an instance's life, and which vendor session they begin.

use serde_json::json;

use super::{sample, shipped};
use crate::configuration::{Value, Values};
use crate::element::oauth::ACCESS_TOKEN;

#[test]
fn a_session_is_known_by_its_resolved_values() {
    let catalog = shipped(&sample()).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    let session = |group: &str, site: &str, user: &str| {
        let values = [("site", site), ("username", user), ("password", "p")];
        let values = values.map(|(key, text)| (key.to_owned(), element.value(key, text)));
        element.session_of(element.group(group).unwrap(), &values.into())
    };
    let known = session("password", "acme", "Ann").unwrap();
    let pairs = [("site", "acme".to_owned()), ("username", "ann".to_owned())];
    assert_eq!(known, pairs);
    for same in [
        "ACME",
        "acme.vendor.example",
        "https://acme.vendor.example/",
    ] {
        assert_eq!(session("password", same, "ann").unwrap(), known, "{same}");
    }
    assert_ne!(session("password", "acme", "bob").unwrap(), known);
    // A group without the user has no session that a log-in could end.
    assert_eq!(session("token", "acme", "ann"), None);
    let mut json = sample();
    json["bunsen"].as_object_mut().unwrap().remove("session");
    let catalog = shipped(&json).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    let group = element.founding_group();
    assert_eq!(element.session_of(group, &Default::default()), None);
}

#[test]
fn a_farewell_and_what_is_made_once() {
    let mut json = sample();
    let resources = json["resources"].as_array_mut().unwrap();
    resources.push(json!({
        "id": 33, "method": "DELETE", "path": "/session", "vendorPath": "/logout",
        "type": "onDelete", "bunsen": {"groups": ["password"]}
    }));
    resources.push(json!({
        "id": 34, "method": "POST", "path": "/revoke", "vendorPath": "/revoke",
        "type": "oauthOnTokenRevoke", "bunsen": {"groups": ["token"]}
    }));
    resources[0]["bunsen"]["once"] = json!("a session of the user");
    let catalog = shipped(&json).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    assert_eq!(element.unsupported, []);
    let (password, token) = (&element.groups[0], &element.groups[1]);
    let stored = Values::from([(ACCESS_TOKEN.to_owned(), Value::Clear("a1".to_owned()))]);
    assert!(element.deleting(token, &Values::new()).is_empty());
    let paths = |group| -> Vec<&str> {
        let calls = element.deleting(group, &stored).into_iter();
        calls.map(|call| call.path.as_str()).collect()
    };
    assert_eq!(paths(password), ["/session"]);
    assert_eq!(paths(token), ["/revoke"]);
    assert_eq!(element.provisioning(password).len(), 3);
    assert_eq!(element.made_once(password), Some("a session of the user"));
    assert_eq!(element.made_once(token), None);
}
