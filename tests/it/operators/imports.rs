//! What another server held, brought in with its ids and tokens.

mod answers;
mod crowds;
mod hostile;
mod mistakes;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Site;
use super::copies::rows;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Server, run, written};
use crate::vendors::{element_key, example};

const ORGANIZATION: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const ADMIN: &str = "YWRtaW4tb2YtYWNvcm4td29ya3MtaXMtYS11c2VyLTE=";
const HAZEL: &str = "aGF6ZWwtZWxkZXItaXMtYS1zZWNyZXQtdXNlci0wMDE=";
const TOKEN: &str = "dG9rZW4tb2YtYW4taW5zdGFuY2UtNDE3LTAwMDAwMQ==";
const MASKED: &str = "short/but+long-enough_";

/// Two organizations with everything that can be said.
fn document() -> Value {
    let configuration = example()["configuration"].clone();
    json!({"version": 1, "organizations": [
        {"id": 700, "name": "Acorn Works", "secret": ORGANIZATION, "accounts": [
            {"id": 800, "externalId": "acorn", "name": "Acorn", "description": "Own people", "default": true, "users": [
                {"id": "900", "email": "admin@acorn.example", "firstName": "Oak", "lastName": "Elder",
                 "secret": ADMIN, "password": "Correct-Horse-1", "roles": ["org-admin", "admin"]},
            ]},
            {"id": 801, "externalId": "acorn-77", "users": [
                {"id": 901, "email": "hazel@corp.example", "firstName": "Hazel", "lastName": "Elder", "secret": HAZEL,
                 "instances": [
                    {"id": 417, "token": TOKEN, "element": element_key(), "name": "Support <b>desk</b>",
                     "tags": ["support", "b", "a"], "configuration": configuration,
                     "createdDate": "2019-04-08T19:53:48Z"},
                    {"id": 500_000, "token": MASKED, "element": {"id": 4711, "key": element_key()}, "name": "Masked",
                     "configuration": masked(&configuration), "disabled": false},
                    {"element": element_key(), "name": "Made here", "tags": [], "configuration": configuration,
                     "disabled": true, "externalAuthentication": "initial"},
                 ]},
                {"email": "gone@corp.example", "firstName": "Rowan", "lastName": "Ash", "active": false},
            ]},
        ]},
        {"name": "Birch", "accounts": null},
    ]})
}

/// As answers show it: every text that looks secret.
fn masked(configuration: &Value) -> Value {
    let mut masked = configuration.clone();
    for (key, value) in masked.as_object_mut().expect("an object") {
        if key.contains("password") || key.contains("secret") || key.contains("token") {
            *value = json!("********");
        }
    }
    assert_ne!(masked, *configuration, "the example has a password");
    masked
}

fn hazel() -> String {
    format!("User {HAZEL}, Organization {ORGANIZATION}")
}

impl Site {
    /// The document as a file of its owner's.
    fn written(&self, name: &str, document: &Value) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.folder.text(name);
        std::fs::write(&file, document.to_string()).expect("written");
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, own).expect("a mode");
        file
    }

    async fn import(&self, document: &Value) -> Value {
        let file = self.written("import.json", document);
        self.json(&["import", &file]).await
    }

    /// All mistakes; nothing was written.
    async fn mistakes(&self, document: &Value) -> String {
        let before = rows(&self.database.pool).await;
        let file = self.written("import.json", document);
        let text = self.refused(&["import", &file]).await;
        assert_eq!(rows(&self.database.pool).await, before, "{text}");
        text
    }
}

async fn read(server: &Server, path: &str, authorization: &str) -> Value {
    Answer::of(server.request("GET", path, authorization))
        .await
        .success()
}

#[database_test]
async fn what_is_imported_is_used_with_the_old_credentials(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let before = rows(&site.database.pool).await;
    let file = site.written("import.json", &document());
    let dry = site.json(&["import", &file, "--dry-run"]).await;
    assert_eq!(
        rows(&site.database.pool).await,
        before,
        "a dry run writes nothing"
    );

    let output = run(&site.arguments(&["import", &file, "--json"])).await;
    let said = written(&output);
    assert!(output.status.success(), "{said}");
    for secret in [ORGANIZATION, ADMIN, HAZEL, TOKEN, MASKED, "Correct-Horse-1"] {
        assert!(!said.contains(secret), "a secret is printed");
    }
    let done: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let counted = json!({
        "id": 700, "name": "Acorn Works", "state": "created",
        "accounts": {"created": 2, "unchanged": 0}, "users": {"created": 3, "unchanged": 0},
        "instances": {"created": 3, "unchanged": 0}, "needReconnect": 1,
    });
    assert_eq!(done["organizations"][0], counted);
    assert_eq!(dry["organizations"][0], counted);
    assert_eq!(done["organizations"][1]["state"], "created");

    let me = read(&server, "/organizations/me", &hazel()).await;
    assert_eq!(
        (&me["id"], &me["secret"]),
        (&json!(700), &json!(ORGANIZATION))
    );
    let instances = read(&server, "/instances", &hazel()).await;
    assert_eq!(instances.as_array().map(Vec::len), Some(3));
    let complete = &instances[0];
    assert_eq!(complete["id"], 417);
    assert_eq!(complete["token"], TOKEN);
    assert_eq!(complete["name"], "Support desk");
    assert_eq!(complete["tags"], json!(["support", "b", "a"]));
    assert_eq!(complete["createdDate"], "2019-04-08T19:53:48Z");
    assert_eq!(complete["valid"], true);
    assert!(complete.get("invalidReason").is_none());
    assert_eq!(complete["user"]["id"], 901);
    let made = instances.as_array().expect("a list");
    let made = made
        .iter()
        .find(|one| one["name"] == "Made here")
        .expect("it is there");
    assert_eq!(
        (&made["disabled"], &made["tags"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(made["externalAuthentication"], "initial");
    assert_eq!(made["token"].as_str().map(str::len), Some(44));

    // The log-in, and the admin's rights.
    let body = json!({"username": "Admin@Acorn.example", "password": "Correct-Horse-1"});
    let login = server.request("POST", "/authentication", "").json(&body);
    let login = Answer::of(login).await.success();
    assert_eq!(login["organizationId"], 700);
    let admin = format!("User {ADMIN}, Organization {ORGANIZATION}");
    let accounts = read(&server, "/accounts", &admin).await;
    let ids: Vec<&Value> = accounts
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!(ids, [&json!(800), &json!(801)]);

    // Once more: nothing is changed.
    let before = rows(&site.database.pool).await;
    let again = site.import(&document()).await;
    assert_eq!(rows(&site.database.pool).await, before);
    for organization in again["organizations"].as_array().expect("organizations") {
        assert_eq!(organization["state"], "unchanged", "{again}");
    }
    assert_eq!(
        again["organizations"][0]["instances"],
        json!({"created": 0, "unchanged": 3})
    );

    reconnected(&server).await;
    // The database counts on behind the highest id.
    let next = server.create(&hazel(), &example()).await;
    assert!(next["id"].as_i64() > Some(500_000), "{next}");
    // A further instance in the same document.
    let mut more = document();
    let list = &mut more["organizations"][0]["accounts"][1]["users"][0]["instances"];
    list.as_array_mut().expect("a list").push(json!({
        "id": 419, "token": "another-token-that-is-long-enough", "element": element_key(), "name": "Further",
    }));
    let extended = site.import(&more).await;
    assert_eq!(extended["organizations"][0]["state"], "extended");
    assert_eq!(
        extended["organizations"][0]["instances"],
        json!({"created": 1, "unchanged": 3})
    );
    server.stop().await;
}

/// The instance without credentials says so, and works under its token once it has them.
async fn reconnected(server: &Server) {
    let shown = read(server, "/instances/500000", &hazel()).await;
    assert_eq!(
        (&shown["valid"], &shown["token"]),
        (&json!(false), &json!(MASKED))
    );
    let reason = shown["invalidReason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("needs reconnect: ") && reason.contains("password"),
        "{reason}"
    );
    let by_token = format!("User {HAZEL}, Element {MASKED}");
    let used = Answer::of(server.request("GET", "/hubs/any/things", &by_token)).await;
    let told = used.error(401).to_string();
    assert!(
        told.contains("reconnected") && told.contains("PATCH /instances/500000"),
        "{told}"
    );
    let change = json!({"configuration": example()["configuration"]});
    let patched = server
        .request("PATCH", "/instances", &by_token)
        .json(&change);
    let patched = Answer::of(patched).await.success();
    assert_eq!(
        (&patched["valid"], &patched["token"]),
        (&json!(true), &json!(MASKED))
    );
    assert!(patched.get("invalidReason").is_none(), "{patched}");
    let used = Answer::of(server.request("GET", "/hubs/any/things", &by_token)).await;
    used.error(404);
    // The complete one opens for the vendor too.
    let patched = server
        .request("PATCH", "/instances/417", &hazel())
        .json(&change);
    Answer::of(patched).await.success();
}

#[database_test]
async fn vendors_are_asked_only_on_demand(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let mut asked = document();
    let wrong = {
        let mut wrong = example()["configuration"].clone();
        for (key, value) in wrong.as_object_mut().expect("an object") {
            if key.contains("password") {
                *value = json!("wrong");
            }
        }
        wrong
    };
    let list = &mut asked["organizations"][0]["accounts"][1]["users"][0]["instances"];
    list.as_array_mut().expect("a list").push(json!({
        "id": 420, "element": element_key(), "name": "Wrong", "configuration": wrong,
    }));
    let calls = site.vendors.calls().await;
    let file = site.written("import.json", &asked);
    let text = site.refused(&["import", &file, "--verify"]).await;
    assert!(text.contains("--sandbox"), "{text}");
    let done = site
        .json(&["import", &file, "--verify", "--sandbox", &site.vendors.url])
        .await;
    assert!(site.vendors.calls().await >= calls + 3);
    assert_eq!(done["organizations"][0]["needReconnect"], 2, "{done}");
    let invalid = "select count(*) from instances where id = 420 and not valid and invalid_reason like 'needs reconnect: %'";
    assert_eq!(site.count(invalid).await, 1);

    // Without the flag, and for what is there already, nobody is asked.
    let calls = site.vendors.calls().await;
    site.json(&["import", &file, "--verify", "--sandbox", &site.vendors.url])
        .await;
    assert_eq!(site.vendors.calls().await, calls);
}

#[database_test]
async fn the_documented_example_is_a_document(database: TestDatabase) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/import.md")).expect("docs");
    let example = docs
        .split("<!-- import: document -->")
        .nth(1)
        .expect("an example");
    let example = example.split("```").nth(1).expect("a block");
    let example: Value = serde_json::from_str(example.trim_start_matches("json")).expect("JSON");
    let schema = std::fs::read(root.join("schemas/import.json")).expect("the schema");
    let schema: Value = serde_json::from_slice(&schema).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for good in [&example, &document()] {
        let wrong: Vec<String> = schema
            .iter_errors(good)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let done = site.import(&example).await;
    assert_eq!(
        done["organizations"][0]["instances"]["created"], 1,
        "{done}"
    );
    assert_eq!(done["organizations"][0]["needReconnect"], 0, "{done}");
    assert_eq!(
        site.count("select count(*) from accounts where default_account and org_id = 700")
            .await,
        1
    );
}
