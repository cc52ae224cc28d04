//! The small commands, as the command line gives them.

use bunsen::bootstrap::{GivenKeyring, bootstrap};
use bunsen::cli;
use bunsen::config::{Cli, Command};
use bunsen::error::Result;
use bunsen::ids::{OrganizationId, Secret};
use bunsen::keyring::Keyring;
use bunsen::store::{Mode, Store};
use clap::Parser as _;

use crate::database::{TestDatabase, database_test};

/// By the binary itself: no database, no folder, nothing but the document on standard output.
#[test]
fn the_document_of_the_api_is_printed() {
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_bunsen"))
        .arg("openapi")
        .env_clear()
        .output()
        .expect("the binary runs");
    assert!(printed.status.success(), "{printed:?}");
    let document: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    let (catalog, _) = bunsen::elements::load(None).expect("the elements are right");
    assert_eq!(document, bunsen::http::openapi(&catalog));
}

async fn store(database: &TestDatabase) -> Store {
    Store::connect(&Secret::new(database.url.as_str()), 64, 2)
        .await
        .expect("the test's database answers")
}

async fn grant(store: &Store, arguments: &[&str]) -> Result<String> {
    let line = ["bunsen", "grant"].iter().chain(arguments);
    let Command::Grant(command) = Cli::try_parse_from(line).expect("a command").command else {
        panic!("not a grant command")
    };
    let mut out = Vec::new();
    cli::grant::run(store, &command, |key| key == "crmdesk", &mut out).await?;
    Ok(String::from_utf8(out).expect("text"))
}

#[database_test]
async fn grants_are_added_listed_and_removed(database: TestDatabase) {
    let store = store(&database).await;
    let given = GivenKeyring::Present(Keyring::generate());
    let keep = async |_, _| Ok(());
    bootstrap(&store, given, Mode::Production, "a@corp.example", keep)
        .await
        .expect("an organization");
    let (id,): (OrganizationId,) = sqlx::query_as("select id from organizations")
        .fetch_one(&database.pool)
        .await
        .expect("its id");
    let organization = id.to_string();
    let of = |first, rest: &[&'static str]| {
        let mut arguments = vec![first, "--organization", &organization];
        arguments.extend(rest);
        arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = async |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        grant(&store, &arguments).await
    };

    let none = grant(&store, &["list"]).await.expect("a list");
    assert!(none.contains("No grants"), "{none}");
    let rest = ["--element", "crmdesk", "CRM.Corp.Example:8443"];
    let added = run(of("add", &rest)).await.expect("added");
    assert!(added.contains("crm.corp.example:8443"), "{added}");
    for list in [of("list", &[]), vec!["list".to_owned()]] {
        let list = run(list).await.expect("a list");
        assert!(list.contains("crmdesk, crm.corp.example:8443"), "{list}");
    }
    let json = grant(&store, &["list", "--json"]).await.expect("a list");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!([{
            "organization": id, "element": "crmdesk",
            "host": "crm.corp.example", "port": 8443, "ca": null,
        }])
    );

    let unknown = ["--element", "crmdesc", "crm.corp.example:8443"];
    let error = run(of("add", &unknown)).await.expect_err("no such element");
    assert!(error.to_string().contains("crmdesc"), "{error}");
    let nobody = [
        "add",
        "--organization",
        "999",
        "--element",
        "crmdesk",
        "h.example:1",
    ];
    let error = grant(&store, &nobody).await.expect_err("no organization");
    assert!(error.to_string().contains("999"), "{error}");
    let no_authority = [
        "--element",
        "crmdesk",
        "h.example:1",
        "--ca",
        "/nonexistent.pem",
    ];
    let error = run(of("add", &no_authority)).await.expect_err("no file");
    assert!(
        error.to_string().contains("--ca /nonexistent.pem"),
        "{error}"
    );

    let removed = run(of("remove", &rest)).await.expect("removed");
    assert!(removed.contains("crm.corp.example:8443"), "{removed}");
    let error = run(of("remove", &rest)).await.expect_err("it is gone");
    assert!(error.to_string().contains("grant list"), "{error}");
}

#[database_test]
async fn migrate_leaves_the_database_without_a_stamp(database: TestDatabase) {
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&database.pool)
        .await
        .expect("empty");
    let store = store(&database).await;
    let mut out = Vec::new();
    cli::migrate::run(&store, &mut out).await.expect("migrated");
    cli::migrate::run(&store, &mut out)
        .await
        .expect("and again");
    assert_eq!(store.mode().await.expect("readable"), None);
}
