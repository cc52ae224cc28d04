//! `where` on the platform's lists, and who sees what.

use bunsen_test_macros::database_test;

use super::{column, encoded, get, known, server};
use crate::answer::{Findings, message};
use crate::database::TestDatabase;

#[database_test]
async fn elements_are_filtered_by_where(database: TestDatabase) {
    let server = server(database).await;
    let mut findings = Findings::default();
    let keys = known(&server, "/elements/keys").await.success();
    let all: Vec<&str> = keys
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key.as_str().expect("text"))
        .collect();
    assert!(all.contains(&"larkpost") && all.contains(&"stockbase"));
    let public: Vec<&str> = all
        .iter()
        .copied()
        .filter(|key| *key != "larkpost")
        .collect();
    for (text, expected) in [
        ("private='true'", vec!["larkpost"]),
        ("private = TRUE", vec!["larkpost"]),
        ("private='false'", public.clone()),
        ("private in ('true','false')", all.clone()),
        ("key = 'stockbase'", vec!["stockbase"]),
        ("key='Stockbase'", vec![]),
        (
            "key in ('a','larkpost') and private='true'",
            vec!["larkpost"],
        ),
        ("key='larkpost' AND key='stockbase'", vec![]),
        (
            "private='true' AND abridged='true' AND key in ('a','larkpost')",
            vec!["larkpost"],
        ),
        ("extended='true' AND abridged='true'", vec![]),
        ("abridged='false'", all.clone()),
    ] {
        let answer = known(&server, &format!("/elements?where={}", encoded(text))).await;
        findings.status(text, &answer, 200);
        let list = answer.json();
        findings.check(column(&list, "key") == expected, || {
            format!(
                "{text}: expected {expected:?}, got {:?}",
                column(&list, "key")
            )
        });
        let count = expected.len().to_string();
        findings.check(
            answer.header("elements-returned-count") == Some(count.as_str()),
            || format!("{text}: counted wrong: {answer}"),
        );
        let short = list
            .as_array()
            .expect("a list")
            .iter()
            .all(|element| element.get("resources").is_none());
        findings.check(
            expected.is_empty() || short == text.contains("abridged='true'"),
            || format!("{text}: the entries have the wrong length"),
        );
    }
    findings.none();
}

#[database_test]
async fn what_does_not_parse_is_refused_with_its_place(database: TestDatabase) {
    let server = server(database).await;
    let mut findings = Findings::default();
    for (list, text, part) in [
        ("/elements", "private='true' OR key='x'", "joined by AND"),
        (
            "/elements",
            "private='true' OR",
            "column 18: expected the name",
        ),
        ("/elements", "key=", "column 5"),
        (
            "/elements",
            "name='x'",
            "'name', only by key, private, extended, abridged",
        ),
        ("/elements", "private='maybe'", "true or false"),
        ("/accounts", "select * accounts", "column 8"),
        ("/accounts", "id=1", "'id', only by name"),
        (
            "/users",
            "firstName like 'A%'",
            "'firstName' is compared by = or IN here, not by LIKE",
        ),
        ("/users", "password='x'", "'password', only by email"),
    ] {
        let path = format!("{list}?where={}", encoded(text));
        let answer = get(&server, &path, Some(&server.admin.header())).await;
        if let Some(error) = findings.error(text, &answer, 400) {
            let message = message(&error);
            findings.check(
                message.contains("Error parsing query") && message.contains(part),
                || format!("{list} {text}: {message}"),
            );
        }
    }
    findings.none();
}

#[database_test]
async fn accounts_and_users_are_filtered_too(database: TestDatabase) {
    let server = server(database).await;
    let header = server.admin.header();
    let mut findings = Findings::default();
    let default = "Company Default Account";
    for (text, expected) in [
        ("type='CompanyAccount'", vec!["customer"]),
        ("type='Default'", vec![default]),
        ("defaultAccount=true", vec![default]),
        ("defaultAccount='false' AND type='Default'", vec![]),
        (
            "type in ('Default','CompanyAccount')",
            vec![default, "customer"],
        ),
        ("type='Other'", vec![]),
        ("name in ('customer','x')", vec!["customer"]),
        (
            "externalId='customer' AND name='customer'",
            vec!["customer"],
        ),
    ] {
        let path = format!("/accounts?where={}", encoded(text));
        let list = get(&server, &path, Some(&header)).await.success();
        findings.check(column(&list, "name") == expected, || {
            format!("{text}: {list}")
        });
    }
    for (text, expected) in [
        ("firstName='member'", vec!["member"]),
        (
            "firstName in ('member','colleague')",
            vec!["member", "colleague"],
        ),
        (
            "lastName='Tester' AND firstName='colleague'",
            vec!["colleague"],
        ),
        ("email='ADMIN@first.example'", vec!["Company"]),
    ] {
        let path = format!("/users?where={}", encoded(text));
        let list = get(&server, &path, Some(&header)).await.success();
        findings.check(column(&list, "firstName") == expected, || {
            format!("{text}: {list}")
        });
    }
    let nobody = get(&server, "/users?where=firstName%3D'foreign'", Some(&header)).await;
    assert_eq!(message(&nobody.error(404)), "No users found");
    findings.none();
}

#[database_test]
async fn a_private_element_is_for_known_callers(database: TestDatabase) {
    let server = server(database).await;
    for path in ["/elements", "/elements/keys", "/hubs/crm/elements"] {
        let theirs = get(&server, path, None).await;
        assert!(!theirs.text.contains("larkpost"), "{path}: {theirs}");
        let ours = known(&server, path).await;
        assert!(ours.text.contains("larkpost"), "{path}: {ours}");
    }
    for reference in ["larkpost", "7001", "larkpots"] {
        let path = format!("/elements/{reference}");
        let refused = get(&server, &path, None).await.error(404);
        let hint = message(&refused).contains("Did you mean");
        assert!(!hint, "{reference}: {refused}");
    }
    known(&server, "/elements/larkpost").await.success();
    let near = known(&server, "/elements/larkpots").await.error(404);
    assert!(message(&near).contains("'larkpost'"), "{near}");
    let public = get(&server, "/elements/stockbase", None).await;
    assert_eq!(public.success()["protocolType"], "jdbc");
}
