//! What people are offered of the elements that come along.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Place;
use crate::database::TestDatabase;
use crate::vendors::example_of_each;

fn definition(key: &str) -> Value {
    let elements = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let text = std::fs::read_to_string(elements.join(key).join("element.json"));
    serde_json::from_str(&text.expect("a definition")).expect("JSON")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The application's own secrets belong to it.
fn is_of_application(group: &Value) -> bool {
    matches!(
        group["oauth"]["grant"].as_str(),
        Some("jwtBearer" | "clientCredentials")
    )
}

/// The ways that a page names, in their order.
fn ways(text: &str) -> Vec<String> {
    let parts = text.split("login=").skip(1);
    let names = parts.map(|part| part.split(['"', '&']).next().unwrap_or_default());
    names.map(str::to_owned).collect()
}

#[database_test]
async fn today_s_way_comes_first_and_no_person_is_asked_for_the_application_s_key(
    database: TestDatabase,
) {
    let place = Place::start(database).await;
    let (mut sorted, mut kept) = (0, 0);
    for (key, _) in example_of_each() {
        let definition = definition(&key);
        let groups = array(&definition["bunsen"]["groups"]);
        let (_, path) = place.link(&json!({"element": key})).await;
        let page = place.get(&path, None).await;
        page.says(200, "<form");
        let offered = ways(&page.answer.text);
        let group = |name: &String| groups.iter().find(|group| group["name"] == name.as_str());
        let marks = offered.iter().map(|name| {
            let group = group(name).expect("a group");
            (group.get("retired").is_some(), group["today"] != true)
        });
        let marks: Vec<_> = marks.collect();
        assert!(marks.is_sorted(), "{key}: {offered:?}");
        sorted += usize::from(marks.len() > 1 && marks.first() != marks.last());
        for group in groups.iter().filter(|group| is_of_application(group)) {
            kept += 1;
            let name = group["name"].as_str().expect("a name");
            assert!(!offered.iter().any(|one| one == name), "{key}: {offered:?}");
            let secret = format!("login={name}");
            let asked = place.get(&format!("{path}?{secret}"), None).await;
            assert!(!asked.answer.text.contains("private"), "{}", asked.answer);
            // Unless the application has said so.
            let fixed = json!({"element": key, "configuration": {"authentication.type": name}});
            let (_, path) = place.link(&fixed).await;
            place.get(&path, None).await.says(200, "<form");
        }
    }
    assert!(sorted > 0 && kept > 0, "{sorted} {kept}");
}

#[database_test]
async fn what_is_asked_for_is_said_in_words(database: TestDatabase) {
    let place = Place::start(database).await;
    let mut seen = 0;
    for (key, _) in example_of_each() {
        let definition = definition(&key);
        let entries = array(&definition["configuration"]);
        let scope = entries.iter().find(|entry| entry["key"] == "oauth.scope");
        let words = scope.map_or(&[][..], |scope| {
            array(&scope["bunsen"]["ask"][0]["options"])
        });
        let groups = array(&definition["bunsen"]["groups"]);
        let group = groups
            .iter()
            .find(|group| group["oauth"]["grant"] == "code");
        let (Some(group), false) = (group, words.is_empty()) else {
            continue;
        };
        seen += 1;
        let named = |word: &Value| word["value"].as_str().expect("a scope").to_owned();
        let scopes = words.iter().map(named).chain(["unheard_of".to_owned()]);
        let scopes = scopes.collect::<Vec<_>>().join(" ");
        let configuration = json!({"authentication.type": group["name"], "oauth.scope": scopes,
            "oauth.api.key": "k", "oauth.api.secret": "s"});
        let body = json!({"element": key, "configuration": configuration});
        let (_, path) = place.link(&body).await;
        let page = place.get(&path, None).await;
        for word in words {
            page.says(200, word["description"].as_str().expect("words"));
            let raw = format!("<code>{}</code>", named(word));
            assert!(!page.answer.text.contains(&raw), "{}", page.answer);
        }
        page.says(200, "<code>unheard_of</code>");
    }
    assert!(seen > 0, "a definition has words for what is asked for");
}
