//! Organizations, accounts and users, made and changed beside a running server.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Server, run, written};
use crate::vendors::example;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn authorization(user: &Value, organization: &Value) -> String {
    format!(
        "User {}, Organization {}",
        text(&user["secret"]),
        text(&organization["secret"])
    )
}

async fn status(server: &Server, authorization: &str) -> u16 {
    Answer::of(server.request("GET", "/organizations/me", authorization))
        .await
        .status
}

/// Begins a session by setting a password.
async fn session(server: &Server, authorization: &str, password: &str) -> String {
    let request = server
        .request("POST", "/authentication/passwords", authorization)
        .json(&json!({"password": password}));
    let begun = Answer::of(request).await.success();
    format!("Bearer {}", text(&begun["token"]))
}

#[database_test]
async fn an_organization_and_its_users_live_beside_a_server(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let first = server.authorization();
    let organization = site
        .json(&["org", "create", "Acorn Works", "--secret"])
        .await;
    let id = organization["id"].to_string();
    let account = [
        "account",
        "create",
        "--organization",
        &id,
        "acorn-77",
        "--name",
        "Acorn",
    ];
    let account = site.json(&account).await["id"].to_string();
    let user = site
        .json(&[
            "user",
            "create",
            "--organization",
            &id,
            "--account",
            &account,
            "--first-name",
            "Hazel",
            "--last-name",
            "Elder",
            "hazel@corp.example",
            "--secret",
        ])
        .await;
    assert_eq!(user["roles"], serde_json::json!(["default-user"]));
    assert_eq!(user["account"].to_string(), account);
    let hazel = authorization(&user, &organization);
    server.create(&hazel, &example()).await;
    let me = Answer::of(server.request("GET", "/organizations/me", &hazel)).await;
    assert_eq!(me.success()["name"], "Acorn Works");

    let of = |command: &'static str| ["user", command, "--organization", &id, "Hazel@corp.example"];
    assert_eq!(site.json(&of("disable")).await["active"], false);
    assert_eq!(status(&server, &hazel).await, 401);
    assert_eq!(site.json(&of("enable")).await["active"], true);
    assert_eq!(status(&server, &hazel).await, 200);
    site.json(&["org", "disable", &id]).await;
    assert_eq!(status(&server, &hazel).await, 401);
    assert_eq!(status(&server, &first).await, 200, "the other organization");
    site.json(&["org", "enable", &id]).await;
    assert_eq!(status(&server, &hazel).await, 200);

    let begun = session(&server, &hazel, "Acorn-tree-1-way").await;
    assert_eq!(status(&server, &begun).await, 200);
    let untouched = session(&server, &first, "Birch-tree-1-way").await;
    let rotated = site
        .json(&[of("rotate-secret").as_slice(), &["--secret"]].concat())
        .await;
    assert_eq!(status(&server, &hazel).await, 401);
    assert_eq!(status(&server, &begun).await, 401, "the user's session");
    let hazel = authorization(&rotated, &organization);
    assert_eq!(status(&server, &hazel).await, 200);
    let begun = session(&server, &hazel, "Acorn-tree-2-way").await;
    assert_eq!(status(&server, &begun).await, 200);
    let rotated_organization = site.json(&["org", "rotate-secret", &id, "--secret"]).await;
    assert_eq!(status(&server, &hazel).await, 401);
    assert_eq!(status(&server, &begun).await, 401, "sessions of all users");
    assert_eq!(status(&server, &untouched).await, 200, "another's session");
    let hazel = authorization(&rotated, &rotated_organization);
    let instances = Answer::of(server.request("GET", "/instances", &hazel)).await;
    assert_eq!(instances.success().as_array().map(Vec::len), Some(1));
    assert_eq!(
        site.count("select count(*) from secret_index where kind <> 'instance'")
            .await,
        7
    );
    assert_eq!(status(&server, &first).await, 200, "the other organization");
    server.stop().await;
}

#[database_test]
async fn secrets_are_printed_only_where_they_are_asked_for(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let user = ["user", "show", "--organization", "1", "1"];
    let organization = ["org", "show", "1"];
    let with = |command: &[&'static str]| [command, &["--secret"]].concat();
    let user_secret = site.json(&with(&user)).await["secret"].clone();
    let organization_secret = site.json(&with(&organization)).await["secret"].clone();
    assert_eq!(text(&user_secret).len(), 44);
    assert_eq!(text(&organization_secret).len(), 32);
    for command in [
        user.as_slice(),
        &organization,
        &["org", "list"],
        &["user", "list", "--organization", "1"],
        &["account", "list", "--organization", "1"],
        &["org", "enable", "1"],
        &["user", "enable", "--organization", "1", "1"],
    ] {
        let output = run(&site.arguments(command)).await;
        let said = written(&output);
        assert!(output.status.success(), "{command:?}: {said}");
        for secret in [&user_secret, &organization_secret] {
            assert!(!said.contains(text(secret)), "{command:?} prints a secret");
        }
        let json = site.json(command).await;
        let rows = json.as_array().cloned().unwrap_or_else(|| vec![json]);
        assert_eq!(rows.len(), 1, "{command:?}");
        assert!(rows[0].get("secret").is_none(), "{command:?}");
    }
}

#[database_test]
async fn mistakes_are_named_and_change_nothing(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let account = site
        .json(&["account", "create", "--organization", "1", "acorn"])
        .await;
    let account = account["id"].to_string();
    let create = |more: &[&str]| -> Vec<String> {
        let common = [
            "user",
            "create",
            "--organization",
            "1",
            "--first-name",
            "Hazel",
            "--last-name",
            "Elder",
        ];
        common
            .iter()
            .chain(more)
            .map(|text| (*text).to_owned())
            .collect()
    };
    let weak = site.folder.text("weak.txt");
    std::fs::write(&weak, "hazel\n").expect("written");
    let organization_role = [
        "--account",
        account.as_str(),
        "--role",
        "org-admin",
        "h@corp.example",
    ];
    for (arguments, words) in [
        (create(&["hazel"]), "e-mail"),
        (create(&["admin@bunsen.example"]), "exists already"),
        (
            create(&["h@corp.example", "--role", "king"]),
            "no role 'king'",
        ),
        (
            create(&["h@corp.example", "--account", "999"]),
            "no account 999",
        ),
        (create(&organization_role), "default account"),
        (
            create(&["h@corp.example", "--password-file", &weak]),
            "first name",
        ),
        (
            create(&["h@corp.example", "--password-file", &weak]),
            "at least",
        ),
        (
            vec!["org".into(), "show".into(), "999".into()],
            "no organization 999",
        ),
        (vec!["org".into(), "create".into(), " ".into()], "name"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = site.refused(&arguments).await;
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let again = ["account", "create", "--organization", "1", "acorn"];
    assert!(site.refused(&again).await.contains("exists already"));
    assert_eq!(site.count("select count(*) from users").await, 1);

    let good = site.folder.text("good.txt");
    std::fs::write(&good, "Correct-Horse-1\n").expect("written");
    let set = [
        "user",
        "set-password",
        "--organization",
        "1",
        "1",
        "--password-file",
    ];
    let before = site
        .count("select count(*) from users where password_hash like '$argon2id$%'")
        .await;
    assert_eq!(before, 1);
    site.execute("update users set password_hash = null").await;
    let said = site.refused(&[set.as_slice(), &[&weak]].concat()).await;
    assert!(said.contains("uppercase"), "{said}");
    site.json(&[set.as_slice(), &[&good]].concat()).await;
    assert_eq!(
        site.count("select count(*) from users where password_hash like '$argon2id$%'")
            .await,
        1
    );
}
