//! What belongs to others does not exist: another organization's, another account's, nobody's.

use bunsen_test_macros::database_test;

use super::{ROUTES, Walk, id, names_an_instance};
use crate::answer::Findings;
use crate::database::TestDatabase;
use crate::server::Caller;

/// Whose instance a caller may not even know of.
#[database_test]
async fn instances_of_others_do_not_exist(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let before = walk.stored().await;
    let unknown = [
        "0",
        "999999999",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999",
        "abc",
        "-1",
    ];
    let mut attempts: Vec<(&str, &Caller, String)> = vec![
        (
            "admin, another organization's",
            &server.admin,
            id(&walk.of_foreign),
        ),
        (
            "foreigner, the admin's",
            &server.foreign,
            id(&walk.of_admin),
        ),
        (
            "foreigner, the member's",
            &server.foreign,
            id(&walk.of_member),
        ),
        (
            "member, another account's",
            &server.member,
            id(&walk.of_admin),
        ),
        (
            "colleague, another account's",
            &server.colleague,
            id(&walk.of_admin),
        ),
        (
            "member, another organization's",
            &server.member,
            id(&walk.of_foreign),
        ),
    ];
    attempts.extend(unknown.map(|id| ("admin, nobody's", &server.admin, id.to_owned())));
    for (what, caller, instance) in &attempts {
        for (method, path, access) in ROUTES.iter().filter(|(_, path, _)| names_an_instance(path)) {
            let answer = walk
                .visit(method, path, *access, instance, Some(&caller.header()))
                .await;
            findings.error(&format!("{what} {instance}: {method} {path}"), &answer, 404);
        }
    }
    findings.check(walk.stored().await == before, || {
        "somebody else's instance was deleted".to_owned()
    });
    for (owner, instance) in [
        (&server.admin, &walk.of_admin),
        (&server.member, &walk.of_member),
        (&server.foreign, &walk.of_foreign),
    ] {
        let answer = walk
            .api(
                "GET",
                &format!("/instances/{}", id(instance)),
                Some(&owner.header()),
            )
            .await;
        findings.status("its owner still reads it", &answer, 200);
    }
    findings.none();
}

/// Accounts and users of others: unknown ones and another organization's.
#[database_test]
async fn accounts_and_users_of_others_are_not_shown(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let header = server.admin.header();
    for unknown in [
        "0",
        "999999999",
        "9223372036854775808",
        "99999999999999999999999",
        "abc",
        "-1",
    ] {
        for path in [
            format!("/accounts/{unknown}"),
            format!("/accounts/{unknown}/instances"),
            format!("/users/{unknown}"),
        ] {
            let answer = walk.api("GET", &path, Some(&header)).await;
            findings.error(&path, &answer, 404);
        }
    }
    let answer = walk
        .api(
            "GET",
            &format!("/accounts/{}", server.foreign.account_id),
            Some(&header),
        )
        .await;
    findings.error("another organization's account", &answer, 404);
    let path = format!("/accounts/{}/instances", server.foreign.account_id);
    let answer = walk.api("GET", &path, Some(&header)).await;
    findings.error("another organization's instances", &answer, 404);
    let answer = walk
        .api(
            "GET",
            &format!("/users/{}", server.foreign.user_id),
            Some(&header),
        )
        .await;
    findings.error("another organization's user", &answer, 404);
    let answer = walk
        .api(
            "GET",
            &format!("/users/{}", server.admin.user_id),
            Some(&server.member.header()),
        )
        .await;
    findings.error("another account's user", &answer, 404);
    let answer = walk
        .api(
            "GET",
            &format!("/users/{}", server.member.user_id),
            Some(&server.colleague.header()),
        )
        .await;
    findings.status("a user of the same account", &answer, 200);
    findings.none();
}
