//! Another password.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{admin_session, call, email_of, log_in, set_password, token, with_session};
use crate::answer::message;
use crate::database::TestDatabase;
use crate::server::{ADMIN_EMAIL, TestServer};

#[database_test]
async fn a_new_password_ends_every_other_session(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let (one, other) = (admin_session(&server).await, admin_session(&server).await);
    let changed = set_password(&server, &format!("Bearer {one}"), "Quite-1-new")
        .await
        .success();
    assert_eq!(changed["username"], ADMIN_EMAIL);
    for ended in [&one, &other] {
        with_session(&server, "/organizations/me", ended)
            .await
            .error(401);
    }
    let fresh = token(&changed);
    with_session(&server, "/organizations/me", &fresh)
        .await
        .success();
    log_in(&server, ADMIN_EMAIL, &server.admin_password)
        .await
        .error(401);
    log_in(&server, ADMIN_EMAIL, "Quite-1-new").await.success();
    // The secrets are others: they stay.
    call(&server, "GET", "/organizations/me", &server.admin.header())
        .await
        .success();
}

#[database_test]
async fn who_had_none_gets_one_with_both_secrets(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let address = email_of(&server, &server.member).await;
    log_in(&server, &address, "Quite-1-new").await.error(401);
    set_password(&server, &server.member.header(), "Quite-1-new")
        .await
        .success();
    let authenticated = log_in(&server, &address, "Quite-1-new").await.success();
    assert_eq!(authenticated["organizationAdmin"], json!(false));
    let session = token(&authenticated);
    with_session(&server, "/accounts", &session)
        .await
        .error(403);
}

#[database_test]
async fn a_password_against_the_policy_changes_nothing(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let session = admin_session(&server).await;
    for (password, word) in [
        ("Aa1!", "at least"),
        ("Aa!aaaaaa", "numeric"),
        ("aa1!aaaaa", "uppercase"),
        ("AA1!AAAAA", "lowercase"),
        ("Aa1aaaaaa", "special character"),
        ("Aa1!company", "first name"),
        ("Aa1!administrator", "last name"),
        ("Aa1!ADMINxx", "username"),
    ] {
        let answer = set_password(&server, &format!("Bearer {session}"), password).await;
        let error = answer.error(400);
        assert!(message(&error).contains(word), "{error}");
        assert!(!answer.text.contains(password), "{answer}");
    }
    with_session(&server, "/organizations/me", &session)
        .await
        .success();
    log_in(&server, ADMIN_EMAIL, &server.admin_password)
        .await
        .success();
}
