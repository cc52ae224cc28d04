//! Routes that find their instance by the element token.

use bunsen_test_macros::database_test;

use super::{BASE, ROUTES, Token, Walk, id};
use crate::answer::{Findings, unknown_secret};
use crate::database::TestDatabase;
use crate::server::Caller;
use crate::vendors::example_named;

#[database_test]
async fn a_token_that_is_not_the_callers_is_refused(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let deleted = server
        .create(&server.admin, &example_named("deleted"))
        .await;
    let path = format!("/instances/{}", id(&deleted));
    let header = server.admin.header();
    let gone = walk.api("DELETE", &path, Some(&header)).await;
    findings.status("delete", &gone, 200);
    let before = walk.stored().await;

    let user_only = |caller: &Caller, token: &str| {
        let user = &caller.user_secret;
        format!("User {user}, Element {token}")
    };
    let unknown = unknown_secret();
    let mut headers = vec![
        ("no token", server.admin.header()),
        (
            "somebody else's organization",
            format!(
                "User {}, Organization {}, Element {}",
                server.admin.user_secret,
                server.foreign.organization_secret,
                walk.token(&walk.of_admin)
            ),
        ),
        (
            "a deactivated user",
            server.inactive.with_token(walk.token(&walk.of_member)),
        ),
    ];
    for (what, caller, token) in [
        ("undefined", &server.admin, "undefined"),
        ("null", &server.admin, "null"),
        ("an unknown token", &server.admin, unknown.as_str()),
        ("a deleted one's", &server.admin, walk.token(&deleted)),
        (
            "another organization's",
            &server.admin,
            walk.token(&walk.of_foreign),
        ),
        ("the admin's", &server.foreign, walk.token(&walk.of_admin)),
        (
            "another account's",
            &server.member,
            walk.token(&walk.of_admin),
        ),
    ] {
        headers.push((what, caller.with_token(token)));
        headers.push((what, user_only(caller, token)));
    }
    for (what, header) in &headers {
        for (method, path, access) in ROUTES.iter().filter(|(_, _, access)| *access == Token) {
            let answer = walk
                .visit(method, path, *access, "unused", Some(header))
                .await;
            findings.error(&format!("{what}: {method} {path}"), &answer, 401);
        }
    }
    findings.check(walk.stored().await == before, || {
        "a refused token deleted something".to_owned()
    });
    findings.none();
}

/// The organization need not be told: the token says it.
#[database_test]
async fn user_and_token_are_enough(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    for (owner, caller) in [
        (&server.member, &server.member),
        (&server.member, &server.colleague),
        // An administrator may use what any account has.
        (&server.member, &server.admin),
    ] {
        for (method, path, access) in ROUTES.iter().filter(|(_, _, access)| *access == Token) {
            let fresh = server.create(owner, &example_named("for one visit")).await;
            let header = format!(
                "User {}, Element {}",
                caller.user_secret,
                walk.token(&fresh)
            );
            let answer = walk
                .visit(method, path, *access, "unused", Some(&header))
                .await;
            findings.status(&format!("{method} {path}"), &answer, 200);
        }
    }
    findings.none();
}

#[database_test]
async fn a_method_that_is_not_there_is_told(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.admin.header();
    for (method, path) in [
        ("POST", "/instances/count"),
        ("GET", "/instances/enabled"),
        ("DELETE", "/instances/configuration"),
        ("PUT", "/accounts/instances"),
    ] {
        let answer = walk
            .call(method, &format!("{BASE}{path}"), Some(&header))
            .await;
        answer.error(405);
    }
}
