//! Each rule of the structure fires on a bad sample, and only there.

use serde_json::json;

use super::source::Source;
use super::{
    Directions, cycles, directions, forbidden_dependencies, misplaced_crates,
    modules_without_a_job, names_vendor, reads_of_the_environment, silenced, too_long,
    vendors_in_text, wrong_directions,
};

type Rule = fn(&[Source]) -> Vec<String>;

#[track_caller]
fn fires(rule: Rule, path: &str, text: &str, line: usize) {
    let complaints = rule(&[Source::new(path, text)]);
    let place = format!("{path}:{line}:");
    assert!(
        complaints.len() == 1 && complaints[0].starts_with(&place),
        "wanted one complaint at {place} about\n{text}\nfound {complaints:?}"
    );
}

#[track_caller]
fn is_silent(rule: Rule, path: &str, text: &str) {
    let complaints = rule(&[Source::new(path, text)]);
    assert!(complaints.is_empty(), "{complaints:?} about\n{text}");
}

#[test]
fn on_a_crate_elsewhere() {
    let rule = misplaced_crates;
    fires(rule, "src/hub.rs", "use axum::Json;", 1);
    fires(rule, "src/hub.rs", "\nuse axum;", 2);
    fires(
        rule,
        "src/cli/serve.rs",
        "fn f() { ::axum::serve(a, b); }",
        1,
    );
    fires(rule, "src/hub.rs", "use {std::fs, axum::Json};", 1);
    fires(rule, "src/vault.rs", "#[derive(sqlx::Type)] struct A;", 1);
    fires(
        rule,
        "src/private_postgres/mod.rs",
        "async fn f() { sqlx::query(\"x\"); }",
        1,
    );
    fires(
        rule,
        "src/cli/health.rs",
        "fn f() { let c = reqwest::Client::new(); }",
        1,
    );
    fires(
        rule,
        "src/hub.rs",
        "fn f() { select! { _ = reqwest::get(u) => {} } }",
        1,
    );

    is_silent(rule, "src/http/auth.rs", "use axum::Json;");
    is_silent(rule, "src/store/users.rs", "use sqlx::query_as;");
    is_silent(rule, "src/ids.rs", "#[derive(sqlx::Type)] struct A;");
    is_silent(
        rule,
        "src/hub.rs",
        "//! Knows no axum::Router.\nconst A: &str = \"axum::Json\";",
    );
    is_silent(
        rule,
        "src/hub.rs",
        "#[cfg(test)] mod tests { use axum::Router; }",
    );
    is_silent(rule, "src/outbound/tests/server.rs", "use axum::Router;");
}

#[test]
fn on_the_environment() {
    let rule = reads_of_the_environment;
    fires(rule, "src/vault.rs", "fn f() { std::env::var(\"A\"); }", 1);
    fires(rule, "src/vault.rs", "use std::{fs, env};", 1);
    fires(rule, "src/vault.rs", "use std::env::var;", 1);
    fires(
        rule,
        "src/private_postgres/mod.rs",
        "fn f() { std::env::current_exe(); }",
        1,
    );
    fires(
        rule,
        "src/cli/mod.rs",
        "struct A {\n#[arg(long, env = \"A\")] a: u8 }",
        2,
    );

    is_silent(rule, "src/config.rs", "fn f() { std::env::var(\"A\"); }");
    is_silent(
        rule,
        "src/vault.rs",
        "const A: &str = env!(\"CARGO_PKG_NAME\");",
    );
}

#[test]
fn on_a_vendor() {
    for text in [
        "Maker",
        "makerv2",
        "the_maker_url",
        "MAKER",
        "BigMaker",
        "MakerClient",
        "maker.example",
    ] {
        assert!(names_vendor(text, "maker"), "{text}");
        assert!(names_vendor(text, "makerv2"), "{text}");
    }
    for text in ["matchmaker", "makers", "a make r"] {
        assert!(!names_vendor(text, "maker"), "{text}");
    }
    assert!(names_vendor("BigMakerClient", "bigmaker"));
    let keys = ["maker".to_owned()];
    assert_eq!(
        vendors_in_text("src/a.rs", "\n// if it is maker", &keys).len(),
        1
    );
    assert_eq!(
        vendors_in_text("src/maker.rs", "src/maker.rs", &keys).len(),
        1
    );
    assert_eq!(
        vendors_in_text("src/a.rs", "crm.vendor.example", &keys).len(),
        0
    );
}

#[test]
fn on_a_manifest() {
    let with = |engine: serde_json::Value, server: serde_json::Value| {
        forbidden_dependencies(&json!({ "packages": [
            { "name": "bunsen-engine", "dependencies": [engine] },
            { "name": "bunsen", "dependencies": [server] },
        ] }))
    };
    let fine = json!({ "name": "serde", "kind": null });
    assert_eq!(
        with(json!({ "name": "tokio", "kind": null }), fine.clone()).len(),
        1
    );
    assert_eq!(
        with(json!({ "name": "reqwest", "kind": "build" }), fine.clone()).len(),
        1
    );
    assert_eq!(
        with(
            fine.clone(),
            json!({ "name": "bunsen-sandbox", "kind": null })
        )
        .len(),
        1
    );
    assert_eq!(
        with(
            fine.clone(),
            json!({ "name": "bunsen-sandbox", "kind": "dev" })
        )
        .len(),
        0
    );
    assert_eq!(with(fine.clone(), fine).len(), 0);
}

const MAP: &str = "\
| Where | One job | May import |
|---|---|---|
| `src/http/` | in | `hub` `store` |
| `src/cli/`, `src/main.rs` | wiring | everything |
| `src/hub.rs` | a use case | `store` |
| `src/store/`, `src/vault.rs` | rows | – |
| `src/ids.rs`, `src/error.rs` | names | – |
";

fn wrong_in_map(sources: &[Source]) -> Vec<String> {
    wrong_directions(sources, &directions(MAP))
}

#[test]
fn on_an_import_against_the_direction() {
    let rule = wrong_in_map;
    fires(rule, "src/store/mod.rs", "use crate::http::Router;", 1);
    fires(
        rule,
        "src/hub.rs",
        "use crate::{error::Result,\n vault::Vault};",
        1,
    );
    fires(rule, "src/hub.rs", "fn f() {\n crate::vault::open() }", 2);
    fires(rule, "src/hub.rs", "use super::vault::Vault;", 1);
    fires(
        rule,
        "src/store/users.rs",
        "use super::super::vault::Vault;",
        1,
    );
    fires(
        rule,
        "src/store/users.rs",
        "mod a { use super::super::super::hub; }",
        1,
    );
    fires(rule, "src/store/users.rs", "pub(crate) use crate::hub;", 1);

    is_silent(
        rule,
        "src/hub.rs",
        "use crate::ids::Secret; use crate::error::Result;",
    );
    is_silent(
        rule,
        "src/hub.rs",
        "use crate::{error::Result, store::{Store, users::User}};",
    );
    is_silent(
        rule,
        "src/store/users.rs",
        "use super::vault; use crate::store::hub;",
    );
    is_silent(
        rule,
        "src/store/users.rs",
        "#[cfg(test)] mod tests { use crate::vault::Vault; }",
    );
    is_silent(rule, "src/cli/mod.rs", "use crate::http::Router;");
    is_silent(rule, "src/main.rs", "use bunsen::http;");
}

#[test]
fn on_a_module_without_a_row_and_on_a_circle() {
    let complaints = wrong_in_map(&[Source::new("src/formulas.rs", "use crate::ids::Secret;")]);
    assert_eq!(
        complaints,
        ["src/formulas.rs: `src/formulas` has no row in ARCHITECTURE.md"]
    );

    let circle: Directions = directions("| `src/a.rs` | | `b` |\n| `src/b.rs` | | `a` |\n");
    assert_eq!(cycles(&circle).len(), 2);
    assert!(cycles(&directions(MAP)).is_empty());
}

#[test]
fn on_a_module_without_a_job() {
    let rule = modules_without_a_job;
    fires(rule, "src/a.rs", "mod utils;", 1);
    fires(rule, "src/a.rs", "mod a { pub(super) mod common {} }", 1);
    fires(rule, "src/helpers.rs", "", 1);
    fires(rule, "tests/it/common/mod.rs", "", 1);
    is_silent(rule, "src/a.rs", "use std::common; fn helpers() {}");
}

#[test]
fn on_silence() {
    // Put together here, so that other searches through the sources do not find it.
    let attribute = |name: &str| format!("#[{name}] fn f() {{}}");
    let rule = silenced;
    fires(rule, "tests/it/a.rs", &attribute("ignore"), 1);
    fires(rule, "tests/it/a.rs", &attribute("ignore = \"slow\""), 1);
    fires(
        rule,
        "tests/it/a.rs",
        &attribute("cfg_attr(windows, ignore)"),
        1,
    );
    fires(rule, "src/a.rs", &attribute("allow(dead_code)"), 1);
    fires(rule, "src/a.rs", "#![allow(dead_code)]", 1);
    is_silent(
        rule,
        "src/a.rs",
        "#[expect(dead_code, reason = \"ignore, allow\")] fn allow() {}",
    );
}

#[test]
fn on_length() {
    let lines = |count: usize| Source::new("src/a.rs", &"// a line\n".repeat(count));
    assert_eq!(too_long(&[lines(501)]).len(), 1);
    assert_eq!(too_long(&[lines(500)]).len(), 0);
}
