mod calls;
mod objects;
mod people;
mod shape;
mod words;

use serde_json::{Value, json};

use super::*;

/// A definition without mistakes, to be spoilt.
pub(crate) fn sample() -> Value {
    json!({
        "id": 501, "name": "Parcel Desk", "key": "parceldesk", "hub": "crm",
        "authentication": {"type": "custom"}, "configuration": [
            {"id": 1, "key": "base.url", "name": "Base URL", "type": "TEXTFIELD_1000", "defaultValue": "https://{site}.vendor.example/v1"},
            {"id": 2, "key": "site", "name": "Site", "type": "TEXTFIELD_64", "required": true, "displayOrder": 9, "bunsen": {"fill": "label:.vendor.example"}},
            {"id": 3, "key": "username", "name": "User", "type": "TEXTFIELD_64", "required": true, "displayOrder": 1, "groupName": "password"},
            {"id": 4, "key": "password", "name": "Password", "type": "PASSWORD", "required": true, "displayOrder": 2, "groupName": "password"},
            {"id": 5, "key": "token", "name": "Token", "type": "PASSWORD", "required": true, "groupName": "token", "displayOrder": 3},
            {"id": 6, "key": "session", "name": "Session", "type": "PASSWORD", "internal": true, "defaultValue": null},
            {"id": 7, "key": "authentication.type", "name": "Type", "type": "COMBO", "groupControl": true, "defaultValue": "password",
             "options": [{"value": "password"}, {"value": "token"}]},
            {"id": 8, "key": "page.size", "name": "Page", "type": "TEXTFIELD_32", "defaultValue": "20", "groupName": "token"}
        ],
        "parameters": [
            {"id": 20, "name": "site", "vendorName": "site", "type": "configuration", "vendorType": "path"},
            {"id": 21, "name": "x", "vendorName": "Authorization", "type": "value", "vendorType": "header", "bunsen": {"template": "bearer {config.session}"}},
            {"id": 22, "name": "where", "vendorName": "where", "type": "query", "vendorType": "no-op", "converter": "toODataFilter"}
        ],
        "hooks": [], "resources": [
            {"id": 30, "method": "POST", "path": "/login", "vendorMethod": "POST", "vendorPath": "/login", "type": "onProvision", "nextResource": "GET:/who",
             "parameters": [
                {"id": 40, "name": "username", "vendorName": "user.name", "type": "configuration", "vendorType": "bodyField"},
                {"id": 41, "name": "password", "vendorName": "user.word", "type": "configuration", "vendorType": "bodyField"},
                {"id": 42, "name": "session", "vendorName": "data.token || token", "type": "configuration", "vendorType": "bodyField", "source": "response", "required": true}
             ],
             "bunsen": {"groups": ["password"]}},
            {"id": 31, "method": "GET", "path": "/hubs/crm/who", "vendorPath": "/people/{person}", "type": "onProvision",
             "parameters": [
                {"id": 43, "name": "data.id", "vendorName": "person", "type": "prevBodyField", "vendorType": "path"},
                {"id": 44, "name": "base.url", "vendorName": "home", "type": "configuration", "vendorType": "bodyField", "source": "response"}
             ],
             "bunsen": {"groups": ["password"]}},
            {"id": 32, "method": "GET", "path": "/check", "vendorPath": "/me", "type": "provisionAuthValidation"}
        ],
        "bunsen": {
            "hosts": [".vendor.example"],
            "groups": [
                {"name": "password", "title": "Password", "retired": {"date": "2026-03-31", "instead": "token"}},
                {"name": "token", "title": "Token", "authenticate": {"basic": {"username": "{config.token}", "password": "X"}}}
            ],
            "refresh": {"reuse": "fatal"}, "session": ["site", "username"]
        }
    })
}

pub(crate) fn file(json: &Value) -> SourceFile {
    let key = json["key"].as_str().unwrap_or("none");
    SourceFile {
        path: format!("elements/{key}/element.json"),
        bytes: json.to_string().into_bytes(),
    }
}

fn shipped(json: &Value) -> Result<Catalog, Vec<String>> {
    Catalog::load(vec![file(json)], Vec::new()).map_err(in_lines)
}

fn added(json: &Value) -> Result<Catalog, Vec<String>> {
    Catalog::load(Vec::new(), vec![file(json)]).map_err(in_lines)
}

fn in_lines(mistakes: Vec<Mistake>) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

/// Spoils the sample and expects exactly this one mistake.
fn one_mistake(pointer: &str, value: Value, expected: &str) {
    let mut json = sample();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap()[member] = value;
    let mistakes = shipped(&json).err().unwrap_or_default();
    let expected = format!("elements/parceldesk/element.json: {expected}");
    assert_eq!(mistakes, [expected]);
}

#[test]
fn the_sample_is_fine_both_ways() {
    let catalog = shipped(&sample()).unwrap();
    added(&sample()).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    assert_eq!(catalog.get("501").unwrap().key, "parceldesk");
    assert!(catalog.get("502").is_none() && catalog.get("99999999999999999999").is_none());
    assert!(!element.catalogue_json().to_string().contains("bunsen"));
    assert_eq!(element.instance_json()["parameters"][0]["elementId"], 501);
    assert_eq!(
        element.instance_json()["parameters"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(element.abridged_json().get("resources").is_none());
    let calls = |group: &str| -> Vec<String> {
        let calls = element.provisioning(element.group(group).unwrap());
        calls.iter().map(|call| call.path.clone()).collect()
    };
    assert_eq!(calls("password"), ["/login", "/who", "/check"]);
    assert_eq!(calls("token"), ["/check"]);
    let retired = element.retirement(&element.groups[0]).unwrap();
    assert_eq!(
        retired,
        "Parcel Desk ended the log-in 'Password' on 2026-03-31; use 'token' instead (site, token)."
    );
    assert_eq!(element.retirement(&element.groups[1]), None);
}

#[test]
fn mistakes_name_place_and_column() {
    one_mistake(
        "/parameters/2/converter",
        json!("toOdata"),
        r#"parameters[2].converter: unknown "toOdata"; one of "toQueryParameters", "toODataFilter""#,
    );
    one_mistake(
        "/parameters/2/vendorName",
        json!("converter:toOdata"),
        r#"parameters[2].vendorName: unknown "toOdata"; one of "toQueryParameters", "toODataFilter""#,
    );
    one_mistake("/colour", json!("red"), "colour: unknown field");
    one_mistake(
        "/resources/0/bunsen/retry",
        json!(3),
        "resources[0].bunsen.retry: unknown field",
    );
    one_mistake(
        "/resources/0/bunsen",
        json!({"groups": ["password"], "once": "a label", "repeatable": true}),
        "resources[0].bunsen.repeatable: excludes 'once'",
    );
    one_mistake(
        "/configuration/1/bunsen/fill",
        json!("label"),
        "configuration[1].bunsen.fill: column 1: label needs the suffix it drops, as in label:.vendor.example",
    );
    one_mistake(
        "/configuration/1/bunsen/fill",
        json!("json"),
        "configuration[1].bunsen.fill: only host, site, label:.suffix and map:from=to can fill a mark",
    );
    one_mistake(
        "/configuration/0/defaultValue",
        json!("https://{sit}.vendor.example"),
        r#"configuration[0].defaultValue: column 9: no configuration entry "sit""#,
    );
    one_mistake(
        "/configuration/0/defaultValue",
        json!("https://{site.vendor.example"),
        "configuration[0].defaultValue: column 9: this { is never closed with }",
    );
    one_mistake(
        "/parameters/1/bunsen/template",
        json!("bearer {config.sesion}"),
        r#"parameters[1].bunsen.template: column 8: no configuration entry "sesion""#,
    );
    one_mistake(
        "/resources/0/parameters/2/vendorName",
        json!("data[token"),
        "resources[0].parameters[2].vendorName: column 6: an index, a quoted name or ?(@.name=='text') must stand here",
    );
    one_mistake(
        "/resources/1/vendorPath",
        json!("/people/{persn}"),
        r#"resources[1].vendorPath: column 9: no configuration entry "persn""#,
    );
    one_mistake(
        "/resources/2/vendorPath",
        json!("https://evil.example/me"),
        "resources[2].vendorPath: evil.example is not among bunsen.hosts",
    );
    one_mistake(
        "/resources/2/vendorPath",
        json!("me"),
        "resources[2].vendorPath: must start with / or https:// or {key}",
    );
    one_mistake(
        "/resources/0/nextResource",
        json!("GET:/nowhere"),
        "resources[0].nextResource: no resource GET:/nowhere",
    );
    one_mistake(
        "/resources/2/nextResource",
        json!("GET:/check"),
        "resources[2].nextResource: the chain comes back to itself",
    );
    one_mistake(
        "/configuration/4/groupName",
        json!("tokn"),
        r#"configuration[4].groupName: unknown group "tokn"; one of password, token"#,
    );
    one_mistake(
        "/resources/0/bunsen/groups",
        json!(["basic"]),
        r#"resources[0].bunsen.groups[0]: unknown group "basic"; one of password, token"#,
    );
    one_mistake(
        "/bunsen/groups/0/retired/instead",
        json!("x"),
        r#"bunsen.groups[0].retired.instead: unknown group "x"; one of password, token"#,
    );
    one_mistake(
        "/bunsen/session",
        json!(["nope"]),
        r#"bunsen.session[0]: no configuration entry "nope""#,
    );
    one_mistake(
        "/bunsen/hosts",
        json!([".com"]),
        r#"bunsen.hosts[0]: ".com" is no host name; write .vendor.example in lower case"#,
    );
    one_mistake(
        "/bunsen/hosts",
        json!("everywhere"),
        "bunsen.hosts: must be a list of suffixes or \"public\"",
    );
    one_mistake(
        "/bunsen/refresh/reuse",
        json!("never"),
        r#"bunsen.refresh.reuse: unknown "never"; one of "safe", "grace", "fatal""#,
    );
    one_mistake(
        "/configuration/6/options",
        json!([{"value": "password"}]),
        "configuration[6].options: must list the groups: password, token",
    );
    one_mistake(
        "/configuration/6/defaultValue",
        json!("token"),
        "configuration[6].defaultValue: must be the founding group, the first of bunsen.groups",
    );
    one_mistake(
        "/resources/2/id",
        json!(31),
        "resources[2].id: 31 is used already, in elements/parceldesk/element.json: resources[1].id",
    );
    one_mistake(
        "/parameters/0/id",
        json!(30),
        "resources[0].id: 30 is used already, in elements/parceldesk/element.json: parameters[0].id",
    );
    one_mistake(
        "/configuration/7/key",
        json!("page size"),
        "configuration[7].key: \"page size\" does not match ^[A-Za-z0-9_.-]+$",
    );
}

#[test]
fn headers_bodies_and_callers_are_checked() {
    one_mistake(
        "/parameters/1/vendorName",
        json!("Host"),
        "parameters[1].vendorName: the header Host is not for definitions to set",
    );
    one_mistake(
        "/parameters/1/vendorName",
        json!("a b"),
        "parameters[1].vendorName: \"a b\" is no name of a header",
    );
    one_mistake(
        "/resources/0/parameters/0/vendorType",
        json!("form"),
        "resources[0].parameters: one call cannot send form and bodyField",
    );
    one_mistake(
        "/resources/2/parameters",
        json!([{"id": 60, "name": "q", "type": "query", "vendorType": "query", "required": true}]),
        "resources[2].parameters: parameter \"q\" comes from a caller, and there is none while an instance is made",
    );
    one_mistake(
        "/resources/2/parameters",
        json!([{"id": 60, "name": "q", "type": "value", "vendorType": "body", "bunsen": {"template": "{config.site}"}}]),
        "resources[2].parameters[0].bunsen.template: column 1: site needs a filter in a body: json, xml or url",
    );
    one_mistake(
        "/resources/2/bunsen",
        json!({"fault": [{"when": {"present": ["a["]}, "status": 401, "message": "x"}]}),
        "resources[2].bunsen.fault[0].when.present[0]: column 3: an index, a quoted name or ?(@.name=='text') must stand here",
    );
    one_mistake(
        "/resources/2/bunsen",
        json!({"fault": [{"when": {"status": [401]}, "message": "x"}]}),
        "resources[2].bunsen.fault[0]: needs a status or an entry",
    );
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let mut one = sample();
    one["id"] = Value::Null;
    one["configuration"][0]["required"] = json!("yes");
    one["configuration"][1]["bunsen"]["fill"] = json!("lable:.x");
    one["resources"][0]["type"] = json!("onProvison");
    one["resources"][0]["nextResource"] = json!("GET:/nope");
    one["resources"][2]["vendorPath"] = json!("/{nope}");
    let mut other = sample();
    other["key"] = json!("other");
    other["bunsen"]["hosts"] = json!([".Vendor.example"]);
    let broken = SourceFile {
        path: "elements/broken/element.json".into(),
        bytes: b"{\n \"a\": }".to_vec(),
    };
    let twice = SourceFile {
        path: "elements/parcel2/element.json".into(),
        bytes: sample()
            .to_string()
            .replacen(
                "{\"authentication\"",
                "{\"hub\":\"x\",\"authentication\"",
                1,
            )
            .into_bytes(),
    };
    let lines = in_lines(
        Catalog::load(vec![file(&one), file(&other), broken, twice], Vec::new()).unwrap_err(),
    );
    let text = lines.join("\n");
    for expected in [
        "parceldesk/element.json: id: must be integer, not null",
        "parceldesk/element.json: configuration[0].required: must be boolean, not string",
        "parceldesk/element.json: configuration[1].bunsen.fill: column 1: the filter \"lable\" takes no argument",
        "parceldesk/element.json: resources[0].type: unknown \"onProvison\"; one of ",
        "parceldesk/element.json: resources[0].nextResource: no resource GET:/nope",
        "parceldesk/element.json: resources[2].vendorPath: column 2: no configuration entry \"nope\"",
        "other/element.json: bunsen.hosts[0]: \".Vendor.example\" is no host name",
        "broken/element.json: line 2, column 7: expected value",
        "parcel2/element.json: hub: stands twice in this object",
        "parcel2/element.json: key: is the key of elements/parceldesk/element.json already",
        "other/element.json: configuration[0].id: 1 is used already",
    ] {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
}

#[test]
fn chains_end_within_five_calls() {
    let chain = |length: usize| {
        let mut json = sample();
        json["resources"] = (0..length)
            .map(|n| {
                let mut resource = json!({"id": 100 + n, "method": "GET", "path": format!("/{n}"), "vendorPath": "/x", "type": "onProvision"});
                if n + 1 < length {
                    resource["nextResource"] = json!(format!("GET:/{}", n + 1));
                }
                resource
            })
            .collect();
        json
    };
    let five = shipped(&chain(5)).unwrap();
    let element = five.get("parceldesk").unwrap();
    assert_eq!(element.provisioning(element.founding_group()).len(), 5);
    assert_eq!(
        shipped(&chain(6)).unwrap_err(),
        [
            "elements/parceldesk/element.json: resources[0].nextResource: the chain is longer than 5 calls"
        ]
    );
    // An added definition is loaded, and the call is refused.
    let six = added(&chain(6)).unwrap();
    let six = six.get("parceldesk").unwrap();
    let refused = |index: usize| six.resources[index].refusal("parceldesk");
    assert!(refused(0).unwrap().contains("longer than 5 calls"));
    assert_eq!(refused(1), None);
    assert_eq!(six.unsupported[0].place, "resources[0].nextResource");
    let mut ring = chain(3);
    ring["resources"][2]["nextResource"] = json!("GET:/0");
    assert_eq!(shipped(&ring).unwrap_err().len(), 3);
}

#[test]
fn foreign_definitions_keep_what_we_do_not_know() {
    let mut json = sample();
    json["somethingOfTheirs"] = json!({"deep": [1]});
    json["description"] = Value::Null;
    json["resources"][2]["odd"] = json!(true);
    json["configuration"][3]["defaultValue"] = json!("hunter22");
    json["parameters"][0]["id"] = json!(30);
    let catalog = added(&json).unwrap();
    let shown = catalog.get("parceldesk").unwrap().catalogue_json();
    assert_eq!(shown["somethingOfTheirs"], json!({"deep": [1]}));
    assert_eq!(shown["resources"][2]["odd"], true);
    assert!(!shown.to_string().contains("hunter22"));

    json["bunsen"]["hots"] = json!(1);
    json["configuration"][1]["bunsen"]["fil"] = json!("host");
    assert_eq!(added(&json).unwrap_err().len(), 2);
}

#[test]
fn a_plain_export_needs_no_words_of_ours() {
    let mut json = sample();
    json.as_object_mut().unwrap().remove("bunsen");
    for resource in json["resources"].as_array_mut().unwrap() {
        resource.as_object_mut().unwrap().remove("bunsen");
    }
    json["authentication"]["type"] = json!("basic");
    let catalog = added(&json).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    assert_eq!(
        element.hosts,
        HostRule::Suffixes(vec![".vendor.example".into()])
    );
    let names: Vec<&str> = element
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(names, ["password", "token"]);
    assert!(element.groups[0].authentication.is_some());
    assert!(shipped(&json).unwrap_err()[0].contains("bunsen.hosts: is missing"));
    for (base, rule) in [
        (
            "https://api.vendor.example/v1",
            HostRule::Suffixes(vec!["api.vendor.example".into()]),
        ),
        (
            "https://{site}na.vendor.example",
            HostRule::Suffixes(vec![".vendor.example".into()]),
        ),
        ("https://{site}/rest", HostRule::Public),
        ("https://x.{site}.com/rest", HostRule::Public),
        ("https://{site}.co.uk/rest", HostRule::Public),
        (
            "https://{site}.github.io/rest",
            HostRule::Suffixes(vec![".github.io".into()]),
        ),
    ] {
        json["configuration"][0]["defaultValue"] = json!(base);
        assert_eq!(
            added(&json).unwrap().get("parceldesk").unwrap().hosts,
            rule,
            "{base}"
        );
    }
}

#[test]
fn near_keys_are_found() {
    let catalog = shipped(&sample()).unwrap();
    for asked in ["parceldesl", "ParcelDesk", "parcel-desk", "arceldesk"] {
        assert_eq!(catalog.nearest(asked), Some("parceldesk"), "{asked}");
    }
    assert_eq!(catalog.nearest("mailbox"), None);
    assert_eq!(catalog.nearest(&"x".repeat(5000)), None);
}

#[test]
fn broken_files_never_panic() {
    for bytes in [
        &b""[..],
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"{\"key\":5}",
        b"{\"key\":\"a\",\"configuration\":{},\"resources\":[5,null,\"x\"]}",
    ] {
        let path = "elements/a/element.json".to_owned();
        let file = SourceFile {
            path,
            bytes: bytes.to_vec(),
        };
        assert!(Catalog::load(vec![file.clone()], Vec::new()).is_err());
        assert!(Catalog::load(Vec::new(), vec![file.clone()]).is_err());
        assign_ids(&[file], &[]);
    }
}

#[test]
fn ids_are_taken_from_the_elements_own_range() {
    let mut json = sample();
    json["resources"][1].as_object_mut().unwrap().remove("id");
    json["configuration"][0]
        .as_object_mut()
        .unwrap()
        .remove("id");
    let taken = SourceFile {
        path: "other".into(),
        bytes: br#"{"id": 9, "hooks": [{"id": 501001}]}"#.to_vec(),
    };
    let changed = assign_ids(&[file(&json)], &[taken]);
    let text = String::from_utf8(changed[0].bytes.clone()).unwrap();
    let after: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(after["configuration"][0]["id"], 501_002);
    assert_eq!(after["resources"][1]["id"], 501_003);
    shipped(&after).unwrap();
    assert!(assign_ids(&changed, &[]).is_empty());
}
