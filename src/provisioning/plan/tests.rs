use bunsen_engine::element::{Catalog, SourceFile};
use serde_json::json;

use super::*;
use crate::error::Error;

/// Two ways to log in; the first is answered with a session and a host.
fn element() -> Catalog {
    let definition = json!({
        "id": 501, "name": "Parcel Desk", "key": "parceldesk", "hub": "crm",
        "authentication": {"type": "custom"}, "configuration": [
            {"id": 1, "key": "base.url", "name": "Base URL", "type": "TEXTFIELD_1000", "required": true,
             "defaultValue": "https://{site}.vendor.example/v1"},
            {"id": 2, "key": "site", "name": "Site", "type": "TEXTFIELD_64", "required": true, "displayOrder": 9,
             "bunsen": {"fill": "label:.vendor.example"}},
            {"id": 3, "key": "username", "name": "User", "type": "TEXTFIELD_64", "required": true, "groupName": "password"},
            {"id": 4, "key": "password", "name": "Password", "type": "PASSWORD", "required": true, "groupName": "password"},
            {"id": 5, "key": "token", "name": "Token", "type": "PASSWORD", "required": true, "groupName": "token"},
            {"id": 6, "key": "session", "name": "Session", "type": "PASSWORD", "internal": true, "defaultValue": null},
            {"id": 7, "key": "authentication.type", "name": "Type", "type": "COMBO", "groupControl": true,
             "defaultValue": "password", "options": [{"value": "password"}, {"value": "token"}]},
            {"id": 8, "key": "department", "name": "Department", "type": "TEXTFIELD_64"},
            {"id": 9, "key": "filter.response.nulls", "name": "Nulls", "type": "BOOLEAN", "defaultValue": "true"},
            {"id": 10, "key": "event.notification.enabled", "name": "Events", "type": "BOOLEAN", "defaultValue": "false"},
            {"id": 11, "key": "event.notification.signature.key", "name": "Key", "type": "PASSWORD"}
        ],
        "parameters": [
            {"id": 20, "name": "site", "vendorName": "site", "type": "configuration", "vendorType": "path"}
        ],
        "hooks": [], "resources": [
            {"id": 30, "method": "POST", "path": "/login", "vendorMethod": "POST", "vendorPath": "/login", "type": "onProvision",
             "parameters": [
                {"id": 41, "name": "username", "vendorName": "name", "type": "configuration", "vendorType": "bodyField"},
                {"id": 42, "name": "session", "vendorName": "token", "type": "configuration", "vendorType": "bodyField",
                 "source": "response", "required": true},
                {"id": 43, "name": "base.url", "vendorName": "home", "type": "configuration", "vendorType": "bodyField",
                 "source": "response"}
             ],
             "bunsen": {"groups": ["password"]}},
            {"id": 32, "method": "GET", "path": "/check", "vendorPath": "/me", "type": "provisionAuthValidation"}
        ],
        "bunsen": {
            "hosts": [".vendor.example"],
            "groups": [
                {"name": "password", "title": "Password"},
                {"name": "token", "title": "Token",
                 "authenticate": {"basic": {"username": "{config.token}", "password": "X"}}}
            ]
        }
    });
    let file = SourceFile {
        path: "elements/parceldesk/element.json".into(),
        bytes: definition.to_string().into_bytes(),
    };
    Catalog::load(vec![file], Vec::new()).unwrap_or_else(|mistakes| {
        let told: String = mistakes.iter().map(|m| format!("{m}\n")).collect();
        panic!("{told}")
    })
}

/// As a log-in with user and password left it.
const STORED: &[(&str, &str)] = &[
    ("site", "acme"),
    ("username", "ann"),
    ("password", "s3cret"),
    ("session", "given-by-the-vendor"),
    ("base.url", "https://acme.vendor.example/shard7"),
];

struct Case {
    catalog: Catalog,
    group: &'static str,
    values: Values,
    valid: bool,
}

impl Case {
    fn new() -> Self {
        Self::of("password", STORED)
    }

    fn of(group: &'static str, stored: &[(&str, &str)]) -> Self {
        let catalog = element();
        let element = catalog.get("parceldesk").unwrap();
        let values = stored
            .iter()
            .map(|(key, text)| ((*key).to_owned(), element.value(key, *text)))
            .collect();
        Self {
            catalog,
            group,
            values,
            valid: true,
        }
    }

    fn plan(&self, given: Json) -> Result<Plan<'_>> {
        let element = self.catalog.get("parceldesk").unwrap();
        let standing = Standing {
            element,
            group: element.group(self.group).unwrap(),
            values: &self.values,
            valid: self.valid,
        };
        let beside = Beside {
            ask_again: false,
            brought: &Brought::default(),
            external: false,
            clients: &Clients::default(),
        };
        plan(standing, given.as_object().unwrap(), beside)
    }

    fn shown(&self) -> Json {
        let element = self.catalog.get("parceldesk").unwrap();
        let group = element.group(self.group).unwrap();
        Json::Object(element.shown(group, &self.values))
    }

    fn refusal(&self, given: Json) -> String {
        match self.plan(given) {
            Err(Error::Invalid(message)) => message,
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn texts<'p>(plan: &'p Plan<'_>) -> Vec<(&'p str, &'p str)> {
    let values = plan.values.iter();
    values
        .map(|(key, value)| (key.as_str(), value.reveal()))
        .collect()
}

fn sorted(pairs: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs
}

#[test]
fn what_was_read_comes_back_and_changes_nothing() {
    let case = Case::new();
    for given in [
        case.shown(),
        json!({}),
        json!({"password": "********", "session": null, "site": "acme"}),
        // The stored secret itself says nothing new either.
        json!({"username": "ann", "password": "s3cret", "site": "acme"}),
        json!({"filter.response.nulls": true, "authentication.type": "password", "unknown.key": "x"}),
        json!({"event.notification.callback.url": "", "department": ""}),
    ] {
        let plan = case.plan(given.clone()).unwrap();
        assert!(!plan.changed && plan.log_in.is_none(), "{given}");
        assert_eq!(texts(&plan), sorted(STORED), "{given}");
        assert_eq!(plan.group.name, "password", "{given}");
    }
}

#[test]
fn what_the_log_in_does_not_need_is_stored_without_asking() {
    let case = Case::new();
    let given = json!({
        "event.notification.enabled": true, "event.notification.signature.key": "k", "filter.response.nulls": "false",
        "vendor.event.type": "polling", "pagination.max": 7
    });
    let plan = case.plan(given).unwrap();
    assert!(plan.changed && plan.log_in.is_none());
    let expected = [
        STORED,
        &[
            ("event.notification.enabled", "true"),
            ("event.notification.signature.key", "k"),
            ("event.vendor.type", "polling"),
            ("filter.response.nulls", "false"),
            ("pagination.max", "7"),
        ],
    ];
    assert_eq!(texts(&plan), sorted(&expected.concat()));
    assert!(plan.values["event.notification.signature.key"].is_secret());
}

/// The vendor's own values of the last time are not sent to it again, as on create.
#[test]
fn credentials_host_and_log_in_are_asked_about() {
    let case = Case::new();
    for (key, value) in [
        ("password", "n3w"),
        ("username", "bob"),
        ("site", "other"),
        ("department", "sales"),
    ] {
        let plan = case.plan(json!({key: value})).unwrap();
        assert!(plan.changed && plan.log_in.is_some(), "{key}");
        assert_eq!(plan.values[key].reveal(), value);
        assert!(!plan.values.contains_key("session"), "{key}");
        assert!(!plan.values.contains_key("base.url"), "{key}");
    }
}

#[test]
fn what_the_vendor_returned_gives_way_to_another_value_of_the_callers() {
    let case = Case::new();
    let given = json!({"base.url": "https://acme.vendor.example/shard8"});
    let plan = case.plan(given).unwrap();
    assert!(plan.log_in.is_some());
    assert_eq!(
        plan.values["base.url"].reveal(),
        "https://acme.vendor.example/shard8"
    );
    assert!(!plan.values.contains_key("session"));
    let plan = case.plan(json!({"session": "********", "base.url": null}));
    assert!(!plan.unwrap().changed);
}

#[test]
fn an_empty_text_takes_a_value_away_and_required_ones_stay() {
    let mut stored = STORED.to_vec();
    stored.extend([
        ("filter.response.nulls", "false"),
        ("event.notification.signature.key", "k"),
    ]);
    let case = Case::of("password", &stored);
    let given = json!({"filter.response.nulls": "", "event.notification.signature.key": ""});
    let plan = case.plan(given).unwrap();
    assert!(plan.changed && plan.log_in.is_none());
    assert_eq!(texts(&plan), sorted(STORED));

    let told = case.refusal(json!({"password": "", "site": "", "base.url": "", "token": ""}));
    for key in ["password", "site", "base.url"] {
        assert!(
            told.contains(&format!("'{key}': is required and cannot be emptied")),
            "{told}"
        );
    }
    assert!(!told.contains("'token'"), "{told}");
}

#[test]
fn a_mistake_is_told_with_its_entry() {
    let case = Case::new();
    let told = case.refusal(json!({"site": "a.b/evil", "username": "<INSERT_USER>"}));
    assert!(
        told.contains("'site'") && told.contains("'username'"),
        "{told}"
    );
    assert!(!told.contains("evil"), "{told}");
}

#[test]
fn other_credentials_switch_the_group() {
    let case = Case::new();
    for given in [
        json!({"token": "t0k"}),
        json!({"token": "t0k", "authentication.type": "token"}),
        json!({"token": "t0k", "username": "ann"}),
    ] {
        let plan = case.plan(given.clone()).unwrap();
        assert_eq!(plan.group.name, "token", "{given}");
        assert!(plan.log_in.is_some(), "{given}");
        // Kept for the way back.
        assert_eq!(plan.values["password"].reveal(), "s3cret", "{given}");
    }
    let told = case.refusal(json!({"authentication.type": "token"}));
    assert!(told.ends_with("missing: token"), "{told}");
    let told = case.refusal(json!({"authentication.type": "smoke"}));
    assert!(told.contains("password, token"), "{told}");

    let mut stored = STORED.to_vec();
    stored.extend([("token", "t0k"), ("authentication.type", "token")]);
    let case = Case::of("token", &stored);
    let plan = case.plan(json!({"password": "n3w"})).unwrap();
    assert_eq!(plan.group.name, "password");
    assert_eq!(plan.values["authentication.type"].reveal(), "password");
}

#[test]
fn a_group_that_stays_incomplete_is_not_meant() {
    let case = Case::of("token", &[("site", "acme"), ("token", "t0k")]);
    let plan = case.plan(json!({"password": "alone"})).unwrap();
    assert_eq!(plan.group.name, "token");
    assert!(plan.changed && plan.log_in.is_none());
}

#[test]
fn refused_credentials_are_tried_again_when_they_are_given_again() {
    let mut case = Case::new();
    case.valid = false;
    assert!(
        case.plan(json!({"password": "s3cret"}))
            .unwrap()
            .log_in
            .is_some()
    );
    // As answers show it, which is how somebody sends it who wants it to be tried.
    assert!(case.plan(case.shown()).unwrap().log_in.is_some());
    assert!(
        case.plan(json!({"event.objects": "a"}))
            .unwrap()
            .log_in
            .is_none()
    );
}
