//! Elements of the vendor: one with a password and with a page of its own, one whose page says who
//! answers, one of OAuth 1.

use serde_json::{Value, json};

/// Ids from here on.
const FIRST: i64 = 9_500_000;

pub fn definition() -> Value {
    let mut number = FIRST;
    let options: Vec<Value> = ["basic", "pin", "oauth2"]
        .map(|name| json!({"value": name, "description": name}))
        .into();
    let mut entry = |key: &str, name: &str, kind: &str, more: Value| {
        number += 1;
        let mut entry = json!({"id": number, "key": key, "name": name, "type": kind, "active": true,
            "required": false, "hideFromConsole": false, "displayOrder": number,
            "description": format!("Help for {key}.")});
        let members = entry.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        entry
    };
    let hidden = |value: Value| {
        let mut value = value;
        value["hideFromConsole"] = json!(true);
        value
    };
    let configuration = json!([
        entry(
            "authentication.type",
            "Authentication type",
            "COMBO",
            json!({"groupControl": true, "defaultValue": "basic", "options": options}),
        ),
        entry(
            "site",
            "Site",
            "TEXTFIELD_128",
            json!({"required": true, "bunsen": {"fill": "label:.tideline.example", "ask": [
                {"groups": ["pin"], "label": "Another word for it", "help": "For a PIN."},
                {"label": "Your site", "help": "It says where to look for you.", "where": "In the address bar."}]}})
        ),
        entry(
            "region",
            "Region",
            "COMBO",
            json!({"required": true, "defaultValue": "eu", "options": [
                {"value": "eu", "description": "Europe"}, {"value": "us"}, {"value": "ap", "description": "Asia"}]})
        ),
        entry(
            "zone",
            "Zone",
            "COMBO",
            json!({"options": (1..=12).map(|hour| json!({"value": format!("z{hour}"), "description": format!("Zone {hour}")})).collect::<Vec<_>>()})
        ),
        entry(
            "sort",
            "Sort of PIN",
            "COMBO",
            json!({"required": true, "groupName": "pin", "options": [{"value": "short"}, {"value": "long"}]})
        ),
        entry(
            "username",
            "User name",
            "TEXTFIELD_128",
            json!({"required": true, "groupName": "basic"})
        ),
        entry(
            "password",
            "Password",
            "PASSWORD",
            json!({"required": true, "groupName": "basic"})
        ),
        entry(
            "old.pin",
            "PIN",
            "PASSWORD",
            json!({"required": true, "groupName": "pin"})
        ),
        entry(
            "oauth.api.key",
            "Client id",
            "TEXTFIELD_128",
            json!({"required": true, "groupName": "oauth2"})
        ),
        entry(
            "oauth.api.secret",
            "Client secret",
            "PASSWORD",
            json!({"required": true, "groupName": "oauth2"})
        ),
        entry(
            "oauth.scope",
            "Scope",
            "TEXTFIELD_128",
            hidden(json!({"defaultValue": "read write"}))
        ),
        entry(
            "base.url",
            "Base URL",
            "TEXTFIELD_1000",
            hidden(json!({"defaultValue": "https://{site}.tideline.example/v3"}))
        ),
        entry(
            "oauth.callback.url",
            "Callback",
            "TEXTFIELD_1000",
            hidden(json!({}))
        ),
        entry(
            "oauth.authorization.url",
            "Page",
            "TEXTFIELD_1000",
            hidden(json!({"defaultValue": "https://login.tideline.example/authorize"}))
        ),
        entry(
            "oauth.token.url",
            "Tokens",
            "TEXTFIELD_1000",
            hidden(json!({"defaultValue": "https://login.tideline.example/token"}))
        ),
        entry("oauth.user.token", "Token", "PASSWORD", hidden(json!({}))),
        entry(
            "oauth.user.refresh_token",
            "Refresh token",
            "PASSWORD",
            hidden(json!({}))
        ),
        entry(
            "oauth.user.refresh_interval",
            "Interval",
            "TEXTFIELD_32",
            hidden(json!({"defaultValue": "3600"}))
        ),
        entry(
            "oauth.user.refresh_time",
            "Time",
            "TEXTFIELD_32",
            hidden(json!({}))
        ),
    ]);
    json!({
        "id": 9501, "name": "Tideline <Beta>", "key": "tideline", "hub": "crm", "active": true,
        "configuration": configuration,
        "resources": [
            {"id": FIRST + 500, "method": "GET", "path": "/me", "vendorPath": "/me",
             "type": "provisionAuthValidation",
             "bunsen": {"account": {"id": ["id"], "name": ["name"]}, "fault": [{"when": {"status": [404]}, "status": 400, "message": "No such site.",
                                   "entry": "site"}]}}
        ],
        "bunsen": {
            "hosts": [".tideline.example"],
            "groups": [
                {"name": "basic", "title": "User name and password",
                 "authenticate": {"basic": {"username": "{config.username}", "password": "{config.password}"}}},
                {"name": "pin", "title": "PIN", "retired": {"date": "2020-01", "instead": "basic"},
                 "authenticate": {"basic": {"username": "pin", "password": "{config.old.pin}"}}},
                {"name": "oauth2", "title": "A person allows access",
                 "authenticate": {"headers": {"Authorization": "Bearer {config.oauth.user.token}"}},
                 "oauth": {"grant": "code", "client": "basic", "pkce": "S256"}},
            ],
        },
    })
}

/// The same vendor, whose page says who answers.
pub fn with_issuer() -> Value {
    let mut definition = renumbered(definition(), 1, "tidemark");
    let groups = definition["bunsen"]["groups"]
        .as_array_mut()
        .expect("groups");
    groups[2]["oauth"]["issuer"] = json!("https://{config.issuer.host}");
    let id = FIRST + 1900;
    let entries = definition["configuration"].as_array_mut().expect("entries");
    entries.push(
        json!({"id": id, "key": "issuer.host", "name": "Issuer", "type": "TEXTFIELD_128",
        "hideFromConsole": true, "defaultValue": "login.tideline.example"}),
    );
    definition
}

/// And its old log-in.
pub fn version_1() -> Value {
    let mut number = FIRST + 2000;
    let mut entry = |key: &str, default: Option<&str>, more: Value| {
        number += 1;
        let secret = key.contains("secret") || key.contains("user.");
        let mut entry = json!({"id": number, "key": key, "name": key, "hideFromConsole": true,
            "type": if secret { "PASSWORD" } else { "TEXTFIELD_1000" }});
        let members = entry.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        members.extend(default.map(|text| ("defaultValue".to_owned(), json!(text))));
        entry
    };
    let login = |path: &str| format!("https://login.tideline.example{path}");
    let configuration = json!([
        entry(
            "base.url",
            Some("https://old.tideline.example/v3"),
            json!({})
        ),
        entry(
            "oauth.authorization.url",
            Some(&login("/authorize")),
            json!({})
        ),
        entry("oauth.request.url", Some(&login("/request")), json!({})),
        entry("oauth.token.url", Some(&login("/access")), json!({})),
        entry("oauth.api.key", None, json!({"required": true})),
        entry("oauth.api.secret", None, json!({"required": true})),
        entry("oauth.callback.url", None, json!({})),
        entry("oauth.user.token", None, json!({})),
        entry("oauth.user.token.secret", None, json!({})),
    ]);
    json!({
        "id": 9503, "name": "Tideold", "key": "tideold", "hub": "crm", "active": true,
        "configuration": configuration,
        "resources": [
            {"id": FIRST + 2500, "method": "GET", "path": "/me", "vendorPath": "/me",
             "type": "provisionAuthValidation",
             "bunsen": {"account": {"id": ["id"], "name": ["name"]}}}
        ],
        "bunsen": {
            "hosts": [".tideline.example"],
            "groups": [{"name": "oauth1", "title": "A person allows access",
                "authenticate": {"oauth1": "HMAC-SHA1"}, "oauth": {"grant": "oauth1"}}],
        },
    })
}

/// Under another key, with ids of its own.
fn renumbered(mut definition: Value, place: i64, key: &str) -> Value {
    definition["id"] = json!(9501 + place);
    definition["key"] = json!(key);
    for list in ["configuration", "resources"] {
        for part in definition[list].as_array_mut().expect("a list") {
            let id = part["id"].as_i64().expect("an id");
            part["id"] = json!(id + 1000 * place);
        }
    }
    definition
}
