//! Every kind of mistake is told with its path, all of them at once, and nothing is written.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{ADMIN, HAZEL, ORGANIZATION, TOKEN, document};
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::vendors::element_key;

const ACCOUNT: &str = "/organizations/0/accounts/1";
const USER: &str = "/organizations/0/accounts/1/users/0";
const INSTANCE: &str = "/organizations/0/accounts/1/users/0/instances/0";

/// Pointer of an object, member, value, and what is said.
type Case = (&'static str, &'static str, Value, &'static str);

fn changed(cases: &[Case]) -> Value {
    let mut document = document();
    for (object, member, value, _) in cases {
        document.pointer_mut(object).expect("an object")[*member] = value.clone();
    }
    document
}

fn by_itself() -> Vec<Case> {
    let user = "organizations[0].accounts[1].users[0]";
    let _ = user;
    vec![
        (
            "/organizations/0",
            "id",
            json!(0),
            "organizations[0].id: must be a whole number",
        ),
        (
            "/organizations/0",
            "name",
            json!(" x"),
            "organizations[0].name: The name must have",
        ),
        (
            "/organizations/0",
            "secret",
            json!("no blanks here please"),
            "organizations[0].secret: must be made of",
        ),
        (
            "/organizations/0",
            "color",
            json!(1),
            "organizations[0]: 'color' is not known here; there are id, name",
        ),
        (
            "/organizations/1",
            "accounts",
            json!({}),
            "organizations[1].accounts: must be a list, not an object",
        ),
        (
            ACCOUNT,
            "externalId",
            json!(7),
            "organizations[0].accounts[1].externalId: must be a text, not a number",
        ),
        (
            ACCOUNT,
            "default",
            json!(true),
            "organizations[0].accounts[1].default: an organization has one",
        ),
        (
            ACCOUNT,
            "description",
            json!("x".repeat(5000)),
            "organizations[0].accounts[1].description: is longer",
        ),
        (
            USER,
            "id",
            json!("9x"),
            "organizations[0].accounts[1].users[0].id: must be a whole number",
        ),
        (
            USER,
            "email",
            json!("hazel"),
            "organizations[0].accounts[1].users[0].email: 'hazel' is not an e-mail",
        ),
        (
            USER,
            "firstName",
            json!(null),
            "organizations[0].accounts[1].users[0]: 'firstName' is missing",
        ),
        (
            USER,
            "lastName",
            json!("a\u{0}b"),
            "organizations[0].accounts[1].users[0].lastName: holds a NUL",
        ),
        (
            USER,
            "secret",
            json!("short"),
            "organizations[0].accounts[1].users[0].secret: must have 16 to 512",
        ),
        (
            USER,
            "password",
            json!("hazel"),
            "organizations[0].accounts[1].users[0].password: The password needs",
        ),
        (
            USER,
            "passwordHash",
            json!("$2a$x"),
            "organizations[0].accounts[1].users[0].passwordHash: give 'password' or",
        ),
        (
            USER,
            "active",
            json!("yes"),
            "organizations[0].accounts[1].users[0].active: must be true or false",
        ),
        (
            USER,
            "roles",
            json!(["king", 4, "org"]),
            "users[0].roles[0]: There is no role 'king'",
        ),
        (
            INSTANCE,
            "id",
            json!(9_007_199_254_740_992_i64),
            "users[0].instances[0].id: must be a whole number",
        ),
        (
            INSTANCE,
            "token",
            json!("undefined"),
            "users[0].instances[0].token: is a placeholder",
        ),
        (
            INSTANCE,
            "element",
            json!("no-such-element"),
            "users[0].instances[0].element: there is no element 'no-such",
        ),
        (
            INSTANCE,
            "name",
            json!("<b></b>"),
            "users[0].instances[0].name: Missing required field: 'name'",
        ),
        (
            INSTANCE,
            "tags",
            json!(["x".repeat(300)]),
            "users[0].instances[0].tags: An entry of 'tags'",
        ),
        (
            INSTANCE,
            "createdDate",
            json!("yesterday"),
            "users[0].instances[0].createdDate: must be a moment",
        ),
        (
            INSTANCE,
            "disabled",
            json!(1),
            "users[0].instances[0].disabled: must be true or false, not a number",
        ),
        (
            INSTANCE,
            "user",
            json!({}),
            "users[0].instances[0]: 'user' is not known here",
        ),
    ]
}

#[database_test]
async fn all_mistakes_of_a_document_are_told_at_once(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let text = site.mistakes(&changed(&by_itself())).await;
    for (_, member, _, words) in by_itself() {
        // An element that is not there keeps its configuration, name and tags from being judged.
        if !matches!(words, w if w.contains("instances[0].name") || w.contains("instances[0].tags"))
        {
            assert!(text.contains(words), "'{member}': {words}\n{text}");
        }
    }
    for secret in ["no blanks here please", "'short'", "$2a$x"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for case in by_itself() {
        let words = case.3;
        let text = site.mistakes(&changed(&[case])).await;
        // Of two that exclude each other one alone is none.
        if !words.contains("give 'password' or") {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}

#[database_test]
async fn configurations_are_judged_as_at_a_create(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let place = "users[0].instances[0].configuration";
    for (configuration, words) in [
        (json!({"username": "<INSERT_USERNAME>"}), "placeholder"),
        (json!({"username": "a\u{0}b"}), "NUL"),
        (json!({"username": "x".repeat(70_000)}), "larger than"),
        (
            json!({"authentication.type": "no such group"}),
            "must be one of",
        ),
        (json!([1]), "must be an object, not a list"),
    ] {
        let wrong: Case = (INSTANCE, "configuration", configuration, "");
        let text = site.mistakes(&changed(&[wrong])).await;
        assert!(
            text.contains(place) && text.contains(words),
            "{words}\n{text}"
        );
    }
    // What is unknown is dropped, and what is missing is no mistake.
    let partial: Case = (INSTANCE, "configuration", json!({"no.such.key": 1}), "");
    let done = site.import(&changed(&[partial])).await;
    assert_eq!(done["organizations"][0]["needReconnect"], 2, "{done}");
    let stored =
        "select count(*) from instances where id = 417 and configuration = '{}' and not valid";
    assert_eq!(site.count(stored).await, 1);
}

#[database_test]
async fn what_stands_twice_in_a_document_is_told(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let mut twice = document();
    let mut copy = twice["organizations"][0].clone();
    copy["name"] = json!("Copy");
    twice["organizations"][1] = copy;
    let text = site.mistakes(&twice).await;
    for words in [
        "organizations[1].id: 700 stands in the document twice",
        "organizations[1].secret: stands in the document twice",
        "organizations[1].accounts[0].id: 800 stands in the document twice",
        "organizations[1].accounts[1].users[0].id: 901 stands",
        "organizations[1].accounts[1].users[0].secret: stands",
        "organizations[1].accounts[0].users[0].email: stands in the document twice",
        "organizations[1].accounts[1].users[0].instances[0].id: 417 stands",
        "organizations[1].accounts[1].users[0].instances[0].token: stands",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let mut twice = document();
    let user = twice.pointer(USER).expect("a user").clone();
    let account = twice.pointer_mut(ACCOUNT).expect("an account");
    account["users"].as_array_mut().expect("users").push(json!({
        "email": "HAZEL@corp.example", "firstName": "Hazel", "lastName": "Elder",
        "instances": [user["instances"][2], user["instances"][2]],
    }));
    let organizations = twice["organizations"]
        .as_array_mut()
        .expect("organizations");
    organizations.push(json!({"name": "Birch"}));
    let text = site.mistakes(&twice).await;
    for words in [
        "users[2].email: stands in the organization twice",
        "users[2].instances[1]: has neither id nor token",
        "organizations[2].name: another organization of the document has this name",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[database_test]
async fn what_others_have_already_is_told(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    site.import(&document()).await;
    let other = |member: Value| {
        let mut user = json!({"email": "x@other.example", "firstName": "A", "lastName": "B"});
        for (name, value) in member.as_object().expect("an object") {
            user[name] = value.clone();
        }
        json!({"organizations": [{"id": 701, "name": "Other", "accounts": [{"externalId": "o", "users": [user]}]}]})
    };
    let instance = |more: Value| {
        let mut instance = json!({"element": element_key(), "name": "X"});
        for (name, value) in more.as_object().expect("an object") {
            instance[name] = value.clone();
        }
        json!({"instances": [instance]})
    };
    let in_same = |pointer: &str, member: &str, value: Value| {
        let mut document = document();
        document.pointer_mut(pointer).expect("an object")[member] = value;
        document
    };
    let second = "another-secret-that-is-long-enough";
    for (document, words) in [
        (
            json!({"organizations": [{"id": 702, "name": "O", "secret": ORGANIZATION}]}),
            "organizations[0].secret: is in use by organization 700",
        ),
        (
            json!({"organizations": [{"id": 702, "name": "O", "accounts": [{"id": 801, "externalId": "a"}]}]}),
            "organizations[0].accounts[0].id: 801 is taken in organization 700",
        ),
        (
            other(json!({"id": 901})),
            "users[0].id: 901 is taken in organization 700",
        ),
        (
            other(json!({"secret": HAZEL})),
            "users[0].secret: is in use by user 901 of organization 700",
        ),
        (
            other(json!({"email": "ADMIN@acorn.example", "password": "Correct-Horse-2"})),
            "users[0].email: somebody of organization 700 logs in with this address",
        ),
        (
            other(instance(json!({"id": 417}))),
            "instances[0].id: is taken by instance 417 of organization 700",
        ),
        (
            other(instance(json!({"token": TOKEN}))),
            "instances[0].token: is taken by instance 417 of organization 700",
        ),
        (
            other(instance(json!({"id": 999, "token": TOKEN}))),
            "instances[0].token: is in use by instance 417",
        ),
        (
            in_same("/organizations/0", "secret", json!(second)),
            "organizations[0].secret: is another one than organization 700 has",
        ),
        (
            in_same(USER, "secret", json!(second)),
            "users[0].secret: is another one than user 901 has",
        ),
        (
            in_same(USER, "secret", json!(ADMIN)),
            "users[0].secret: is in use by user 900 of organization 700",
        ),
        (
            in_same(USER, "id", json!(902)),
            "users[0].email: is that of user 901",
        ),
        (
            in_same(ACCOUNT, "id", json!(802)),
            "accounts[1].externalId: is that of account 801",
        ),
        (
            in_same("/organizations/0/accounts/0", "id", json!(803)),
            "accounts[0].default: the organization's default account is account 800",
        ),
        (
            in_same(INSTANCE, "token", json!(second)),
            "instances[0].token: is another one than instance 417 has",
        ),
        (
            in_same(INSTANCE, "element", json!(other_element())),
            "instances[0].element: is another one than",
        ),
        (
            in_same("/organizations/0/accounts/0/users/0", "id", json!(901)),
            "organizations[0].accounts[0].users[0]: exists already in account 801",
        ),
    ] {
        let text = site.mistakes(&document).await;
        assert!(text.contains(words), "{words}\n{text}");
    }
    let mut moved = document();
    let instances = moved.pointer_mut(USER).expect("a user")["instances"].take();
    moved
        .pointer_mut("/organizations/0/accounts/0/users/0")
        .expect("a user")["instances"] = instances;
    let text = site.mistakes(&moved).await;
    assert!(
        text.contains("instances[0].id: is that of an instance of user 901"),
        "{text}"
    );

    // Two organizations of one name: the id says which.
    site.json(&["org", "create", "Birch"]).await;
    let text = site
        .mistakes(&json!({"organizations": [{"name": "Birch"}]}))
        .await;
    assert!(
        text.contains("organizations[0].name: is that of several organizations: give the id"),
        "{text}"
    );
}

fn other_element() -> String {
    let examples = crate::server::examples();
    let keys = examples
        .iter()
        .filter_map(|(_, body)| body["element"]["key"].as_str());
    let mut others = keys.filter(|key| *key != element_key());
    others.next().expect("a second element").to_owned()
}
