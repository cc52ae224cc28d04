//! Hub calls, in every form of their path and with every kind of caller.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Walk, id};
use crate::answer::{Findings, message, unknown_organization_secret, unknown_secret};
use crate::database::TestDatabase;
use crate::vendors::{Vendors, example_named};

/// The forms in which one hub call may arrive.
fn hub_paths(hub: &str) -> Vec<String> {
    vec![
        format!("/hubs/{hub}/no-such-things"),
        "/hubs/any-word/no-such-things".to_owned(),
        "/no-such-things".to_owned(),
        "//no-such-things".to_owned(),
        "/no-such-things/".to_owned(),
        "//no-such-things//".to_owned(),
        format!("/hubs/{hub}//no-such-things"),
        format!("//hubs//{hub}//no-such-things/"),
        "/no-such-things/12/parts".to_owned(),
        format!("/hubs/{hub}/elements/12"),
    ]
}

#[database_test]
async fn hub_calls_answer_by_the_outcome_table(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let disabled = server
        .create(&server.member, &example_named("disabled"))
        .await;
    server
        .set_disabled(disabled["id"].as_i64().expect("an id"), true)
        .await;
    let deleted = server
        .create(&server.member, &example_named("deleted"))
        .await;
    let gone = walk
        .api(
            "DELETE",
            &format!("/instances/{}", id(&deleted)),
            Some(&server.member.header()),
        )
        .await;
    findings.status("delete", &gone, 200);

    let (admin, member, foreign) = (&server.admin, &server.member, &server.foreign);
    let [of_admin, of_member, of_foreign] =
        [&walk.of_admin, &walk.of_member, &walk.of_foreign].map(|instance| walk.token(instance));
    let without_organization = format!("User {}, Element {of_member}", member.user_secret);
    let outcomes: Vec<(&str, Option<String>, u16)> = vec![
        ("no header", None, 401),
        ("nonsense", Some("nonsense".into()), 401),
        ("no Element part", Some(member.header()), 401),
        (
            "Element undefined",
            Some(member.with_token("undefined")),
            401,
        ),
        ("Element null", Some(member.with_token("null")), 401),
        ("only the token", Some(format!("Element {of_member}")), 401),
        (
            "token and organization",
            Some(format!(
                "Element {of_member}, Organization {}",
                member.organization_secret
            )),
            401,
        ),
        (
            "unknown token",
            Some(member.with_token(&unknown_secret())),
            401,
        ),
        (
            "token of a deleted instance",
            Some(member.with_token(walk.token(&deleted))),
            401,
        ),
        (
            "token of another organization",
            Some(member.with_token(of_foreign)),
            401,
        ),
        (
            "the same as its admin",
            Some(admin.with_token(of_foreign)),
            401,
        ),
        (
            "another organization's user",
            Some(format!("User {}, Element {of_member}", foreign.user_secret)),
            401,
        ),
        (
            "token of another account",
            Some(member.with_token(of_admin)),
            401,
        ),
        (
            "unknown user",
            Some(format!("User {}, Element {of_member}", unknown_secret())),
            401,
        ),
        (
            "deactivated user",
            Some(format!(
                "User {}, Element {of_member}",
                server.inactive.user_secret
            )),
            401,
        ),
        (
            "wrong organization beside right user and token",
            Some(format!(
                "User {}, Organization {}, Element {of_member}",
                member.user_secret,
                unknown_organization_secret()
            )),
            401,
        ),
        (
            "another organization beside right user and token",
            Some(format!(
                "User {}, Organization {}, Element {of_member}",
                member.user_secret, foreign.organization_secret
            )),
            401,
        ),
        (
            "disabled instance",
            Some(member.with_token(walk.token(&disabled))),
            403,
        ),
        ("all three parts", Some(member.with_token(of_member)), 404),
        ("no organization", Some(without_organization), 404),
        (
            "colleague in the same account",
            Some(server.colleague.with_token(of_member)),
            404,
        ),
        (
            "organization's admin, another account's token",
            Some(admin.with_token(of_member)),
            404,
        ),
    ];
    let before = walk.stored().await;
    let vendors = Vendors::of(server);
    vendors.reset().await;
    for path in hub_paths(&walk.hub) {
        for (what, header, status) in &outcomes {
            for method in ["GET", "POST", "PATCH", "DELETE"] {
                let answer = walk.api(method, &path, header.as_deref()).await;
                findings.error(&format!("{what}: {method} {path}"), &answer, *status);
            }
        }
    }
    findings.check(walk.stored().await == before, || {
        "a hub call created or deleted an instance".to_owned()
    });
    findings.check(vendors.calls().await == 0, || {
        "a hub call reached the vendor".to_owned()
    });
    findings.none();
}

/// Clients read the instance's id from every hub call, and the message says what is not there.
#[database_test]
async fn a_hub_call_without_resource_says_so(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    for path in hub_paths(&walk.hub) {
        let answer = walk.api("GET", &path, Some(&header)).await;
        let error = answer.error(404);
        let message = message(&error);
        assert!(
            message.contains("does not support") && message.contains(&walk.element),
            "{path}: {message}"
        );
        assert!(message.contains("GET"), "{path}: {message}");
        assert_eq!(
            answer.header("elements-element-instance-id"),
            Some(id(&walk.of_member).as_str()),
            "{path}"
        );
    }
}

/// What a disabled instance is, and whether its credentials work, can still be asked.
#[database_test]
async fn a_disabled_instance_still_describes_itself(database: TestDatabase) {
    let walk = Walk::start(database).await;
    walk.server
        .set_disabled(walk.of_member["id"].as_i64().expect("an id"), true)
        .await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    let mut findings = Findings::default();
    for path in [
        "/objects".to_owned(),
        format!("/hubs/{}/objects", walk.hub),
        "/ping".to_owned(),
    ] {
        let answer = walk.api("GET", &path, Some(&header)).await;
        findings.status(&path, &answer, 200);
    }
    for path in [
        "/objects/no-such-things/metadata",
        "/objects/no-such-things/docs",
    ] {
        let answer = walk.api("GET", path, Some(&header)).await;
        findings.error(path, &answer, 404);
    }
    let answer = walk.api("POST", "/objects", Some(&header)).await;
    findings.error("a write", &answer, 403);
    let answer = walk
        .api(
            "GET",
            &format!("/instances/{}", id(&walk.of_member)),
            Some(&walk.server.member.header()),
        )
        .await;
    let shown = answer.success();
    findings.check(shown["disabled"] == json!(true), || {
        format!("disabled must be shown: {shown}")
    });
    findings.none();
}

/// `/hubs`, `/hubs/keys`, `/hubs/{h}` and `/hubs/{h}/elements` belong to the platform, not to an instance.
#[database_test]
async fn the_hub_catalogue_is_never_a_hub_call(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    let hub = &walk.hub;
    for path in [
        "/hubs",
        "/hubs/",
        "/hubs/keys",
        &format!("/hubs/{hub}"),
        &format!("/hubs/{hub}/"),
        &format!("/hubs/{hub}/elements"),
        &format!("/hubs/{hub}/elements/"),
    ] {
        let answer = walk.api("GET", path, Some(&header)).await;
        answer.success();
        assert_eq!(
            answer.header("elements-element-instance-id"),
            None,
            "{path}"
        );
    }
}

/// `users` is also a name of vendors' resources; without such a resource it is the platform's.
#[database_test]
async fn users_with_a_token_stay_a_platform_list(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.admin.with_token(walk.token(&walk.of_member));
    for path in ["/users", "/users?pageSize=1", "/users/"] {
        let answer = walk.api("GET", path, Some(&header)).await;
        assert!(answer.success().is_array(), "{path}: {answer}");
        assert_eq!(
            answer.header("elements-element-instance-id"),
            None,
            "{path}"
        );
    }
    for path in ["/users"] {
        walk.api("GET", path, None).await.error(401);
        let answer = walk
            .api("GET", &format!("/hubs/{}{path}", walk.hub), Some(&header))
            .await;
        answer.error(404);
        assert!(
            answer.text.contains("does not support"),
            "{path} under a hub is a hub call: {answer}"
        );
    }
}
