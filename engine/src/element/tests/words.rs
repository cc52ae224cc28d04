//! Words of the `bunsen` key for log-ins, hosts and answers.

use super::*;

#[test]
fn generated_values_and_answer_paths_are_checked() {
    for wrong in ["alphanumeric:7", "alphanumeric:65"] {
        one_mistake(
            "/configuration/1/bunsen/generate",
            json!(wrong),
            "configuration[1].bunsen.generate: must be alphanumeric:8 to alphanumeric:64",
        );
    }
    one_mistake(
        "/resources/0/parameters/2/vendorName",
        json!("data[?(@.id==config.nope)].token"),
        r#"resources[0].parameters[2].vendorName: column 14: no configuration entry "nope""#,
    );
    one_mistake(
        "/resources/2/bunsen",
        json!({"fault": [{"when": {"given": ["nope"]}, "status": 401, "message": "x"}]}),
        r#"resources[2].bunsen.fault[0].when.given[0]: no configuration entry "nope""#,
    );
    one_mistake(
        "/resources/2/bunsen",
        json!({"message": "a["}),
        "resources[2].bunsen.message: column 3: an index, a quoted name or ?(@.name=='text') must stand here",
    );
    one_mistake(
        "/bunsen/groups/1/authenticate",
        json!({"headers": {"Host": "{config.token}"}}),
        "bunsen.groups[1].authenticate.headers.Host: the header Host is not for definitions to set",
    );
    one_mistake(
        "/resources/0/parameters/2/vendorType",
        json!("value"),
        "resources[0].parameters[2].vendorType: an answer is read from bodyField, header or body, or value with generate or compose",
    );
}

#[test]
fn patterns_of_hosts_are_checked() {
    let mut json = sample();
    json["bunsen"]["hosts"] = json!([".vendor.example", "*.vendor.example", "ww#.vendor.example"]);
    shipped(&json).unwrap();
    for bad in [
        "*.example",
        "*vendor.example",
        "a.*.vendor.example",
        "#.vendor.example",
        "a#b.vendor.example",
        "a##.vendor.example",
        "*.ww#.vendor.example",
        "*",
    ] {
        json["bunsen"]["hosts"] = json!([bad]);
        assert!(shipped(&json).is_err(), "{bad}");
    }
}

#[test]
fn a_log_in_can_end_without_a_successor_and_in_a_month() {
    let mut json = sample();
    json["bunsen"]["groups"][0]["retired"] = json!({"date": "2022-10"});
    let catalog = shipped(&json).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    assert_eq!(
        element.retirement(element.founding_group()).unwrap(),
        "Parcel Desk ended the log-in 'Password' in 2022-10; there is no other way to log in here."
    );
}

#[test]
fn a_calls_host_is_decided_by_an_entry() {
    let mut json = sample();
    json["configuration"].as_array_mut().unwrap().push(json!(
        {"id": 80, "key": "token.url", "name": "Token URL", "type": "TEXTFIELD_1000", "defaultValue": "https://{username}.vendor.example/token"}));
    for (path, entry) in [
        ("/me", "site"),
        ("https://{username}.vendor.example/{site}", "username"),
        ("https://api.vendor.example/{username}", "site"),
        ("{token.url}", "username"),
        ("{base.url}/x", "site"),
    ] {
        json["resources"][2]["vendorPath"] = json!(path);
        let catalog = shipped(&json).unwrap();
        let element = catalog.get("parceldesk").unwrap();
        assert_eq!(element.host_entry(&element.resources[2]), entry, "{path}");
    }
}

#[test]
fn the_words_of_oauth_are_checked() {
    let assertion = |key: &str, lifetime: u32| {
        json!({"name": "token", "title": "Token", "oauth": {"grant": "jwtBearer", "assertion":
            {"issuer": "{config.token}", "audience": "x", "key": key, "lifetime": lifetime}}})
    };
    for (group, expected) in [
        (
            assertion("username", 600),
            "bunsen.groups[1].oauth.assertion.key: the entry of a private key must be of type PASSWORD",
        ),
        (
            assertion("nope", 600),
            "bunsen.groups[1].oauth.assertion.key: no configuration entry \"nope\"",
        ),
        (
            json!({"name": "token", "title": "Token", "oauth": {"grant": "jwtBearer"}}),
            "bunsen.groups[1].oauth: the grant jwtBearer needs an assertion",
        ),
        (
            json!({"name": "token", "title": "Token", "oauth": {"grant": "password", "pkce": "S256"}}),
            "bunsen.groups[1].oauth.pkce: only the grant code has one",
        ),
        (
            json!({"name": "token", "title": "Token", "oauth": {"grant": "implicit"}}),
            "bunsen.groups[1].oauth.grant: unknown \"implicit\"; one of",
        ),
    ] {
        let mut json = sample();
        json["bunsen"]["groups"][1] = group;
        let told = shipped(&json).unwrap_err();
        assert!(
            told.iter().any(|line| line.contains(expected)),
            "{expected}: {told:?}"
        );
    }
    let mut json = sample();
    json["resources"].as_array_mut().unwrap().push(json!(
        {"id": 90, "method": "POST", "path": "/token", "vendorPath": "/token", "type": "oauthOnTokenRefresh", "parameters": [
            {"id": 91, "name": "refreshToken", "vendorName": "t", "type": "query", "vendorType": "form"}]}));
    let told = shipped(&json).unwrap_err();
    assert!(
        told[0].contains("nobody brings \"refreshToken\""),
        "{told:?}"
    );
    one_mistake(
        "/resources/2/bunsen",
        json!({"fault": [{"when": {"givenEquals": {"nope": ["x"]}}, "status": 401, "message": "x"}]}),
        r#"resources[2].bunsen.fault[0].when.givenEquals: no configuration entry "nope""#,
    );
}

#[test]
fn budgets_are_checked() {
    one_mistake(
        "/bunsen/budget",
        json!([{"calls": 5, "seconds": 60, "account": ["site", "nope"]}]),
        r#"bunsen.budget[0].account[1]: no configuration entry "nope""#,
    );
    one_mistake(
        "/bunsen/budget",
        json!([{"calls": 5, "seconds": 60, "account": ["token"]}]),
        r#"bunsen.budget[0].account[0]: "token" is secret; name the account by what is none"#,
    );
    one_mistake(
        "/bunsen/budget",
        json!([{"calls": 5, "seconds": 60, "headers": {"limit": "x limit"}}]),
        r#"bunsen.budget[0].headers.limit: "x limit" is no name of a header"#,
    );
    one_mistake(
        "/bunsen/budget",
        json!([{"calls": 5}]),
        r#"bunsen.budget[0]: "seconds" is missing"#,
    );
    one_mistake(
        "/bunsen/budget",
        json!([{"calls": 5, "seconds": 60, "weight": 2}]),
        "bunsen.budget[0].weight: unknown field",
    );
    let mut json = sample();
    json["bunsen"]["budget"] = json!([{"calls": 5, "seconds": 60, "account": ["site"]}]);
    let catalog = shipped(&json).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    let account = |site: &str| {
        let values = [(
            "site".to_owned(),
            crate::configuration::Value::Clear(site.to_owned()),
        )];
        element.identity(&element.budgets[0].account, &values.into_iter().collect())
    };
    assert_eq!(account("https://ACME.vendor.example/"), account("acme"));
    assert_ne!(account("acme"), account("other"));
}
