//! Who a request comes from, behind proxies and with clients who pretend.

use bunsen::http::Trusted;
use bunsen_test_macros::database_test;
use serde_json::json;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};

async fn log_in(server: &TestServer, account: usize, forwarded: &str) -> u16 {
    let body = json!({"username": format!("{account}@x.example"), "password": "wrong"});
    let request = server
        .request("POST", "/elements/api-v2/authentication")
        .header("x-forwarded-for", forwarded)
        .json(&body);
    Answer::of(request).await.status
}

/// As many as one address may try.
const ATTEMPTS: usize = 100;

#[database_test]
async fn behind_a_proxy_each_client_has_its_own_limit(database: TestDatabase) {
    let options = TestOptions {
        trusted: Trusted::parse(&["127.0.0.0/8".into(), "10.0.0.0/8".into()]).expect("networks"),
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    // The client changes its address within its own network and invents a thousand hops.
    let invented = ["203.0.113.9"; 1000].join(", ");
    let from = |network: &str, number: usize| {
        format!(
            "{invented}, {network}:{number:x}:0:0:1, 10.0.0.{}",
            number % 250
        )
    };
    for attempt in 0..ATTEMPTS {
        assert_eq!(
            log_in(&server, attempt, &from("2001:db8:0:1", attempt)).await,
            401
        );
    }
    assert_eq!(log_in(&server, 1000, &from("2001:db8:0:1", 7)).await, 429);
    assert_eq!(log_in(&server, 1001, &from("2001:db8:0:2", 7)).await, 401);
    assert_eq!(log_in(&server, 1002, "203.0.113.9").await, 401);
    // What cannot be read is the proxy's own.
    assert_eq!(log_in(&server, 1003, "not an address").await, 401);
}

#[database_test]
async fn whoever_is_no_proxy_speaks_for_itself(database: TestDatabase) {
    let options = TestOptions {
        trusted: Trusted::parse(&["10.0.0.0/8".into()]).expect("networks"),
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    for attempt in 0..ATTEMPTS {
        let pretended = format!("203.0.{}.1", attempt);
        assert_eq!(log_in(&server, attempt, &pretended).await, 401);
    }
    assert_eq!(log_in(&server, 1000, "198.51.100.1").await, 429);
}
