use serde_json::json;

use super::*;
use crate::element::tests::sample;
use crate::request::tests::{element, values};

fn accept(given: Json) -> Result<Values, Vec<ConfigurationMistake>> {
    element(&sample()).accept(given.as_object().unwrap())
}

#[test]
fn values_become_text_and_what_says_nothing_is_dropped() {
    let accepted = accept(json!({
        "site": "acme", "username": 17, "filter.response.nulls": false, "event.metadata": {"a": [1]},
        "password": "********", "token": "", "session": null, "unknown.key": "x", "vendor.event.type": "polling",
    }))
    .unwrap();
    let texts: Vec<(&str, &str)> = accepted
        .iter()
        .map(|(key, value)| (key.as_str(), value.reveal()))
        .collect();
    assert_eq!(
        texts,
        [
            ("event.metadata", r#"{"a":[1]}"#),
            ("event.vendor.type", "polling"),
            ("filter.response.nulls", "false"),
            ("site", "acme"),
            ("username", "17"),
        ]
    );
    let both = accept(json!({"vendor.event.type": "a", "event.vendor.type": "b"})).unwrap();
    assert_eq!(both["event.vendor.type"].reveal(), "b");
}

#[test]
fn every_mistake_is_reported_without_the_value() {
    let given = json!({"site": "a.b/evil", "username": "a\u{0}b", "token": "<INSERT_TOKEN>", "page.size": "5"});
    let mut mistakes = accept(given).unwrap_err();
    mistakes.sort_by(|one, other| one.key.cmp(&other.key));
    let keys: Vec<&str> = mistakes
        .iter()
        .map(|mistake| mistake.key.as_str())
        .collect();
    assert_eq!(keys, ["site", "token", "username"]);
    assert!(!format!("{mistakes:?}").contains("evil"));
    assert!(mistakes[1].message.contains("<INSERT_TOKEN>"));
}

#[test]
fn secrets_are_known_by_type_and_by_name() {
    let element = element(&sample());
    for key in [
        "token",
        "password",
        "session",
        "oauth.api.key",
        "oauth.user.refresh_token",
        "x.password",
        "crm.api.token",
        "event.notification.signature.key",
    ] {
        assert!(element.is_secret(key), "{key}");
    }
    for key in [
        "username",
        "site",
        "base.url",
        "passwordless",
        "oauth.scope",
    ] {
        assert!(!element.is_secret(key), "{key}");
    }
    let values = values(&element, &[("token", "t0psecret"), ("username", "me")]);
    let printed = format!("{values:?}");
    assert!(
        printed.contains("me") && !printed.contains("t0psecret"),
        "{printed}"
    );
}

#[test]
fn the_group_is_the_named_one_else_the_first_complete_else_the_founding() {
    let element = element(&sample());
    let group = |pairs: &[(&str, &str)]| {
        element
            .group_for(&values(&element, pairs))
            .map(|group| group.name.clone())
    };
    assert_eq!(group(&[]).unwrap(), "password");
    assert_eq!(group(&[("username", "u")]).unwrap(), "password");
    assert_eq!(
        group(&[("username", "u"), ("token", "t")]).unwrap(),
        "token"
    );
    let all = [("username", "u"), ("password", "p"), ("token", "t")];
    // With everything there, what the vendor still offers is meant.
    assert_eq!(group(&all).unwrap(), "token");
    let mut both_offered = sample();
    both_offered["bunsen"]["groups"][0]
        .as_object_mut()
        .unwrap()
        .remove("retired");
    let both_offered = crate::request::tests::element(&both_offered);
    let given = values(&both_offered, &all);
    assert_eq!(both_offered.group_for(&given).unwrap().name, "password");
    assert_eq!(group(&[("authentication.type", "token")]).unwrap(), "token");
    let mistake = group(&[("authentication.type", "oauth9")]).unwrap_err();
    assert_eq!(
        mistake.to_string(),
        "authentication.type: must be one of password, token"
    );
}

#[test]
fn missing_entries_are_those_of_the_group_in_display_order() {
    let element = element(&sample());
    let missing = |group: &str, pairs: &[(&str, &str)]| {
        let group = element.group(group).unwrap();
        element.missing(group, &values(&element, pairs)).join(" ")
    };
    assert_eq!(missing("password", &[]), "username password site");
    assert_eq!(missing("password", &[("username", "u")]), "password site");
    assert_eq!(missing("token", &[("username", "u")]), "token site");
    assert_eq!(missing("token", &[("token", "t"), ("site", "s")]), "");
}

#[test]
fn shown_masks_fills_defaults_and_leaves_marks_unresolved() {
    let element = element(&sample());
    let given = [
        ("site", "https://Acme.vendor.example/"),
        ("password", "p"),
        ("event.objects", "a"),
    ];
    let stored = values(&element, &given);
    let password = element.group("password").unwrap();
    assert_eq!(
        Json::Object(element.shown(password, &stored)),
        json!({
            "authentication.type": "password", "base.url": "https://{site}.vendor.example/v1",
            "event.notification.enabled": "false", "event.objects": "a", "filter.response.nulls": "true", "password": "********", "session": null, "site": "https://Acme.vendor.example/",
        })
    );
    let shown = element.shown(element.group("token").unwrap(), &stored);
    assert_eq!(shown["page.size"], "20");
    assert_eq!(shown["authentication.type"], "token");

    let effective = element.effective(password, &stored);
    assert!(!effective.contains_key("page.size") && !effective.contains_key("session"));
    assert_eq!(
        effective["base.url"].reveal(),
        "https://{site}.vendor.example/v1"
    );
}

#[test]
fn what_asks_the_vendor_again() {
    let element = element(&sample());
    let (password, token) = (&element.groups[0], &element.groups[1]);
    for (key, with_password, with_token) in [
        ("username", true, false),
        ("password", true, false),
        ("token", false, true),
        ("site", true, true),
        ("base.url", true, true),
        ("authentication.type", true, true),
        ("event.notification.enabled", false, false),
        ("event.notification.signature.key", false, false),
        ("event.of.their.own", false, false),
        ("filter.response.nulls", false, false),
        ("pagination.max", false, false),
        ("unknown.key", false, false),
    ] {
        assert_eq!(element.decides_login(password, key), with_password, "{key}");
        assert_eq!(element.decides_login(token, key), with_token, "{key}");
    }
}

#[test]
fn what_the_calls_of_a_log_in_return() {
    let element = element(&sample());
    let returned = |group| element.returned_keys(group).collect::<Vec<_>>();
    assert_eq!(returned(&element.groups[0]), ["session", "base.url"]);
    assert!(returned(&element.groups[1]).is_empty());
}

#[test]
fn what_is_generated_is_made_once_of_the_bytes_that_are_handed_in() {
    let mut json = sample();
    json["configuration"].as_array_mut().unwrap().extend([
        json!({"id": 80, "key": "device", "name": "Device", "type": "TEXTFIELD_64", "bunsen": {"generate": "alphanumeric:16"}}),
        json!({"id": 81, "key": "app", "name": "App", "type": "TEXTFIELD_64", "groupName": "token", "bunsen": {"generate": "alphanumeric:8"}}),
    ]);
    let element = element(&json);
    let random: [u8; RANDOM_BYTES] = std::array::from_fn(|index| 255 - index as u8);
    let made = |group: &str, given: &[(&str, &str)]| -> Vec<(String, String)> {
        let group = element.group(group).unwrap();
        element
            .generated(group, &values(&element, given), &random)
            .iter()
            .map(|(key, value)| (key.clone(), value.reveal().to_owned()))
            .collect()
    };
    // 255 to 248 stand for no letter; from then on four bytes each do.
    let device = ("device".to_owned(), "9999888877776666".to_owned());
    assert_eq!(made("password", &[]), std::slice::from_ref(&device));
    let app = ("app".to_owned(), "55554444".to_owned());
    assert_eq!(made("token", &[]), [app, device]);
    assert_eq!(made("password", &[("device", "mine")]), []);
    let group = element.group("password").unwrap();
    assert_eq!(
        element
            .generated(group, &Values::new(), &[255; RANDOM_BYTES])
            .len(),
        0
    );
}

#[test]
fn a_whole_host_must_be_the_vendors() {
    let mut json = sample();
    json["configuration"][1]["bunsen"]["fill"] = json!("host");
    json["configuration"][0]["defaultValue"] = json!("https://{site}/v1");
    let element = element(&json);
    for (site, fine) in [
        ("acme.vendor.example", true),
        ("https://acme.vendor.example/login", true),
        ("acme.other.example", false),
        ("acme.vendor.example:8443", false),
    ] {
        let given = json!({"site": site});
        let accepted = element.accept(given.as_object().unwrap());
        assert_eq!(accepted.is_ok(), fine, "{site}");
    }
}
