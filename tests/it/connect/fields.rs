//! What a form asks for, and in which words.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, with_password};
use crate::connect::vendor::PASSWORD;
use crate::database::TestDatabase;

#[database_test]
async fn few_choices_are_seen_and_many_are_in_a_list(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&json!({"element": "tideline"})).await;
    let page = place.get(&format!("{path}?login=basic"), None).await;
    page.says(200, "<legend>Region</legend>");
    let text = &page.answer.text;
    for told in [
        "name=\"c.region\" value=\"eu\" checked> Europe</label>",
        "name=\"c.region\" value=\"us\"> us</label>",
        "<option value=\"\" selected>Not set</option>",
        "<option value=\"z12\">Zone 12</option>",
        "Zone <span class=\"quiet\">(optional)</span>",
        "Your site</label>",
        "Where to find it:</span> In the address bar.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("Another word for it"), "{text}");

    let (form, cookie) = place.form(&path, "basic").await;
    let mut form = with_password(&form, PASSWORD);
    form.insert("c.region".to_owned(), "moon".to_owned());
    form.insert("c.zone".to_owned(), "z99".to_owned());
    let wrong = place.post(&path, Some(&cookie), &form).await;
    wrong.says(400, "Choose one of these.");
    assert_eq!(wrong.answer.text.matches("Choose one of these.").count(), 4);
    assert!(!wrong.answer.text.contains("moon"), "{}", wrong.answer);
    form.insert("c.region".to_owned(), "ap".to_owned());
    form.insert("c.zone".to_owned(), "z7".to_owned());
    let done = place.post(&path, Some(&cookie), &form).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let made = place.outcome(id).await["instanceId"].clone();
    let configuration = place.instance(&made).await["configuration"].clone();
    assert_eq!(
        [&configuration["region"], &configuration["zone"]],
        ["ap", "z7"]
    );

    // What is stored is chosen already, and can be kept even when it is none of the choices.
    let body = json!({"configuration": {"zone": "z-old"}});
    let stored = place
        .call("PATCH", &format!("/instances/{made}"), Some(&body))
        .await;
    stored.success();
    let (_, path) = place.link(&json!({"instanceId": made})).await;
    let page = place.get(&path, None).await;
    page.says(200, "value=\"ap\" checked> Asia");
    page.says(200, "<option value=\"z-old\" selected>z-old</option>");
}

#[database_test]
async fn words_are_of_the_way_and_a_choice_without_default_must_be_made(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&json!({"element": "tideline"})).await;
    let (form, cookie) = place.form(&path, "pin").await;
    let page = place.get(&format!("{path}?login=pin"), None).await;
    page.says(200, "Another word for it</label>");
    assert!(page.answer.text.contains("aria-required=\"true\""));
    let wrong = place.post(&path, Some(&cookie), &form).await;
    wrong.says(400, "Choose one.");
    assert!(wrong.answer.text.contains("Fill this in."));
}

#[database_test]
async fn what_is_set_is_read_as_the_choice_it_is(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline", "configuration": {"region": "ap"}});
    let (_, path) = place.link(&body).await;
    let page = place.get(&format!("{path}?login=basic"), None).await;
    page.says(200, "<dt>Region</dt><dd>Asia</dd>");
}

/// Every entry that the page asks for is asked for in words for people.
#[database_test]
async fn shipped_elements_have_words_for_people(database: TestDatabase) {
    let place = Place::start(database).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let mut asked = 0;
    for entry in std::fs::read_dir(folder).expect("the elements") {
        let file = entry.expect("a folder").path().join("element.json");
        let text = std::fs::read_to_string(&file).expect("a definition");
        let definition: Value = serde_json::from_str(&text).expect("JSON");
        let entries = definition["configuration"].as_array().expect("entries");
        for group in definition["bunsen"]["groups"].as_array().expect("groups") {
            let body = json!({"element": definition["key"], "configuration": {
                "oauth.api.key": "id", "oauth.api.secret": "s"}});
            let needs_person = group["oauth"]["grant"] == "code";
            let body = if needs_person {
                body
            } else {
                json!({"element": definition["key"]})
            };
            let (_, path) = place.link(&body).await;
            let way = group["name"].as_str().expect("a name");
            let page = place.get(&format!("{path}?login={way}"), None).await;
            page.says(200, "<form");
            let shown = page.answer.text.split("name=\"c.").skip(1);
            for key in shown.map(|rest| rest.split('"').next().expect("a key")) {
                let entry = entries.iter().find(|entry| entry["key"] == key);
                let asks = entry.expect("an entry")["bunsen"]["ask"].as_array();
                let asks = asks.unwrap_or_else(|| panic!("{}: {key}", file.display()));
                let of_way = |ask: &&Value| match ask["groups"].as_array() {
                    Some(groups) => groups.contains(&json!(way)),
                    None => true,
                };
                let ask = asks.iter().find(of_way).expect("words for this way");
                for word in ["label", "help", "where"] {
                    let told = ask[word]
                        .as_str()
                        .unwrap_or_else(|| panic!("{key}: {word}"));
                    let sentence = word == "label" || told.ends_with('.');
                    assert!(sentence && told.len() > 3, "{key}: {told}");
                    for jargon in ["instance", "endpoint", "HTTP", "JSON", "URL", "string"] {
                        assert!(!told.contains(jargon), "{key}: {told}");
                    }
                    let shown = told.replace('\'', "&#39;");
                    assert!(page.answer.text.contains(&shown), "{key}: {told}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 20, "{asked}");
}
