//! The organization, its accounts and its users, as far as they are shown.

use std::collections::BTreeSet;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::lists::{entries, get};
use crate::database::TestDatabase;
use crate::server::TestServer;

#[database_test]
async fn the_organization_shows_its_secret(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let organization = get(&server, &server.admin, "/organizations/me")
        .await
        .success();
    assert_eq!(organization["id"], server.admin.organization_id);
    assert_eq!(organization["secret"], server.admin.organization_secret);
    assert!(organization["name"].is_string(), "{organization}");
    assert_eq!(organization["vdrVersion"], "v1");
    assert_eq!(organization["status"], "paid");
    assert!(
        organization["twoFactorAuthEnabled"].is_boolean(),
        "{organization}"
    );
    assert!(
        ["production", "test"].contains(&organization["environment"].as_str().unwrap_or_default()),
        "{organization}"
    );
    let foreign = get(&server, &server.foreign, "/organizations/me")
        .await
        .success();
    assert_eq!(foreign["secret"], server.foreign.organization_secret);
}

#[database_test]
async fn accounts_have_their_documented_fields(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let accounts = entries(&get(&server, &server.admin, "/accounts").await);
    let of = |id: i64| {
        accounts
            .iter()
            .find(|account| account["id"] == id)
            .unwrap_or_else(|| panic!("no account {id}: {accounts:?}"))
    };
    let (default, other) = (of(server.admin.account_id), of(server.member.account_id));
    assert_eq!(
        (&default["defaultAccount"], &default["type"]),
        (&json!(true), &json!("Default"))
    );
    assert_eq!(
        (&other["defaultAccount"], &other["type"]),
        (&json!(false), &json!("CompanyAccount"))
    );
    for account in &accounts {
        assert_eq!(account["companyId"], server.admin.organization_id);
        assert_eq!(account["active"], true);
        for field in ["name", "description", "externalId"] {
            assert!(account[field].is_string(), "{field}: {account}");
        }
        let date: jiff::civil::Date = account["createdDate"]
            .as_str()
            .expect("createdDate")
            .parse()
            .expect("a date");
        assert!(date.year() >= 2024, "{account}");
    }
    assert!(
        accounts
            .iter()
            .all(|account| account["id"] != server.foreign.account_id),
        "another organization's account"
    );
    let second = entries(&get(&server, &server.admin, "/accounts?offset=1&pageSize=1").await);
    assert_eq!(second, accounts[1..2]);
}

#[database_test]
async fn users_have_their_documented_fields_and_no_secret(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let answer = get(&server, &server.admin, "/users").await;
    let users = entries(&answer);
    let ids: BTreeSet<i64> = users
        .iter()
        .map(|user| user["id"].as_i64().expect("an id"))
        .collect();
    for caller in [&server.admin, &server.member, &server.colleague] {
        assert!(
            ids.contains(&caller.user_id),
            "the administrator sees the organization's users: {ids:?}"
        );
        assert!(
            !answer.text.contains(&caller.user_secret),
            "a secret is shown"
        );
    }
    assert!(
        !ids.contains(&server.foreign.user_id),
        "another organization's user"
    );
    assert!(
        !ids.contains(&server.inactive.user_id),
        "a deactivated user is shown only on request"
    );
    for user in &users {
        assert_eq!(user.get("secret"), None, "{user}");
        assert_eq!(user["password"], "secured", "{user}");
        assert_eq!(user["active"], true, "{user}");
        for field in ["email", "firstName", "lastName", "createdDate"] {
            assert!(user[field].is_string(), "{field}: {user}");
        }
        for (field, value) in [
            ("accountExpired", false),
            ("accountLocked", false),
            ("credentialsExpired", false),
            ("emailValid", true),
            ("enabled", true),
        ] {
            assert_eq!(user[field], value, "{field}: {user}");
        }
    }
    let of_member: BTreeSet<i64> = entries(&get(&server, &server.member, "/users").await)
        .iter()
        .map(|user| user["id"].as_i64().expect("an id"))
        .collect();
    assert_eq!(
        of_member,
        BTreeSet::from([server.member.user_id, server.colleague.user_id]),
        "an ordinary user sees the own account"
    );
}
