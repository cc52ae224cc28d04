//! Guessing is slowed down.

use bunsen_test_macros::database_test;

use super::{call, log_in};
use crate::answer::message;
use crate::database::TestDatabase;
use crate::server::{ADMIN_EMAIL, TestServer};

#[database_test]
async fn an_account_is_closed_for_a_while(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for attempt in 0..9 {
        log_in(&server, ADMIN_EMAIL, &format!("wrong {attempt}"))
            .await
            .error(401);
    }
    // A right one in between begins the count anew.
    log_in(&server, ADMIN_EMAIL, &server.admin_password)
        .await
        .success();
    for account in [ADMIN_EMAIL, "nobody@first.example"] {
        for _ in 0..10 {
            log_in(&server, account, "wrong").await.error(401);
        }
        let refused = log_in(&server, &account.to_uppercase(), &server.admin_password).await;
        let error = refused.error(429);
        let seconds: u64 = refused
            .header("retry-after")
            .and_then(|value| value.parse().ok())
            .expect("seconds");
        assert!((1..=901).contains(&seconds), "{seconds}");
        assert!(message(&error).contains(&seconds.to_string()), "{error}");
    }
    // Others go on, and so does the user by the secrets.
    log_in(&server, "other@first.example", "wrong")
        .await
        .error(401);
    call(&server, "GET", "/organizations/me", &server.admin.header())
        .await
        .success();
}
