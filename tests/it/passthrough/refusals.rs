//! Who may call, and on which instances.

use bunsen_test_macros::database_test;

use super::{PROXY, Place, body, by_token};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

#[database_test]
async fn only_who_may_use_the_instance_reaches_the_vendor(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let token = place.instance["token"].as_str().expect("a token");
    let members = server.create(&server.member, &body("the member's")).await;
    let foreigners = server.create(&server.foreign, &body("a foreigner's")).await;
    place.vendor.seen();
    let (user, organization) = (&server.admin.user_secret, &server.admin.organization_secret);
    for header in [
        String::new(),
        "nonsense".to_owned(),
        server.admin.header(),
        format!("Element {token}"),
        format!("Organization {organization}, Element {token}"),
        format!("User {user}, Organization {organization}, Element unknown"),
        format!("User unknown, Element {token}"),
        format!("User {user}, Organization unknown, Element {token}"),
        // The token of another organization, and of another account.
        by_token(&server.foreign, &place.instance),
        by_token(&server.admin, &foreigners),
        by_token(&server.member, &place.instance),
        by_token(&server.inactive, &members),
    ] {
        for below in ["", "/things"] {
            for method in ["GET", "POST", "DELETE"] {
                let mut request = server.request(method, &format!("{PROXY}{below}"));
                if !header.is_empty() {
                    request = request.header("authorization", &header);
                }
                let answer = Answer::of(request).await;
                answer.error(401);
                assert_eq!(answer.header("elements-element-instance-id"), None);
            }
        }
    }
    assert!(place.vendor.seen().is_empty(), "nobody was asked");
    for (header, instance) in [
        (format!("User {user}, Element {token}"), &place.instance),
        (by_token(&server.admin, &members), &members),
        (by_token(&server.colleague, &members), &members),
        (by_token(&server.foreign, &foreigners), &foreigners),
    ] {
        let request = server.request("GET", &format!("{PROXY}/things"));
        let answer = Answer::of(request.header("authorization", header)).await;
        answer.success();
        let id = instance["id"].to_string();
        assert_eq!(
            answer.header("elements-element-instance-id"),
            Some(id.as_str())
        );
    }
}

#[database_test]
async fn an_instance_that_is_switched_off_or_not_valid_is_not_called(database: TestDatabase) {
    let place = Place::start(database).await;
    let id = place.instance["id"].as_i64().expect("an id");
    place.call("GET", "/things").await.success();
    place.vendor.seen();
    let switch = async |method: &str| {
        let path = format!("/elements/api-v2/instances/{id}/enabled");
        let request = place.server.request(method, &path);
        let switched = request.header("authorization", place.server.admin.header());
        assert_eq!(Answer::of(switched).await.status, 200);
    };
    switch("DELETE").await;
    let error = place.call("GET", "/things").await.error(403);
    assert_eq!(message(&error), "Element instance is disabled.");
    switch("PUT").await;
    place.call("GET", "/things").await.success();
    assert_eq!(place.vendor.seen().len(), 1);

    sqlx::query("update instances set valid = false, invalid_reason = 'The word is another.', invalid_since = now()")
        .execute(&place.server.database.pool)
        .await
        .expect("a statement");
    let error = place.call("GET", "/things").await.error(401);
    for part in ["reconnected", "The word is another.", "PATCH"] {
        assert!(message(&error).contains(part), "{error}");
    }
    assert!(place.vendor.seen().is_empty());
    let gone = place
        .server
        .request("DELETE", &format!("/elements/api-v2/instances/{id}"))
        .header("authorization", place.server.admin.header());
    assert_eq!(Answer::of(gone).await.status, 200);
    place.call("GET", "/things").await.error(401);
    assert!(place.vendor.seen().is_empty());
}

/// Where nothing can be renewed a refusal of the vendor's is an answer like any other.
#[database_test]
async fn a_refused_password_changes_nothing_here(database: TestDatabase) {
    let place = Place::start(database).await;
    let answer = place.call("GET", "/status?code=401").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (401, "<p>the vendor's own</p>")
    );
    assert_eq!(place.vendor.seen().len(), 1);
    let valid: bool = sqlx::query_scalar("select valid from instances")
        .fetch_one(&place.server.database.pool)
        .await
        .expect("a row");
    assert!(valid);
}
