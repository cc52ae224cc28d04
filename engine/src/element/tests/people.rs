//! Words for people.

use serde_json::json;

use super::{Choice, one_mistake, sample, shipped};

#[test]
fn words_for_people_are_checked() {
    let place = "/configuration/2/bunsen";
    one_mistake(
        place,
        json!({"ask": [{"label": "L", "help": "H", "groups": ["nobody"]}]}),
        "configuration[2].bunsen.ask[0].groups: unknown group \"nobody\"; one of password, token",
    );
    one_mistake(
        place,
        json!({"ask": [{"label": "L"}]}),
        "configuration[2].bunsen.ask[0]: \"help\" is missing",
    );
    one_mistake(
        "/resources/2/bunsen",
        json!({"account": {"id": ["id"]}}),
        "resources[2].bunsen.account: \"name\" is missing",
    );
}

#[test]
fn words_and_choices_are_of_the_group() {
    let mut definition = sample();
    definition["configuration"][1]["bunsen"] = json!({"account": true, "ask": [
        {"groups": ["token"], "label": "Of the token", "help": "H.", "options": [
            {"value": "a", "description": "First"}, {"value": "b"}]},
        {"label": "Of all", "help": "H."}]});
    definition["configuration"][1]["type"] = json!("COMBO");
    definition["configuration"][1]["options"] = json!([{"value": "c"}]);
    let catalog = shipped(&definition).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    let choice = |value: &str, label: &str| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
    };
    let site = element.entry("site").unwrap();
    let asked = |group: &str| {
        let group = element.group(group).unwrap();
        (
            &*site.ask(group).unwrap().label,
            site.choices(group).to_vec(),
        )
    };
    assert_eq!(
        asked("token"),
        ("Of the token", vec![choice("a", "First"), choice("b", "b")])
    );
    assert_eq!(asked("password"), ("Of all", vec![choice("c", "c")]));
    // The one that chooses the group is no question of its own.
    let control = element.entry("authentication.type").unwrap();
    assert!(control.options.is_empty());
    // As soon as one entry names the account, others do not.
    assert!(element.names_account("site") && !element.names_account("username"));
    let catalog = shipped(&sample()).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    assert!(element.names_account("username") && !element.names_account("password"));
    assert!(element.same_value("site", "acme", " https://ACME.vendor.example/"));
    assert!(!element.same_value("site", "acme", "acme2"));
    assert!(element.same_value("username", "Ann", "ann "));
}
