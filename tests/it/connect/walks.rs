//! Connecting on the vendor's own page.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Place, RETURN, client};
use crate::database::TestDatabase;
use crate::vendors::until;

fn body() -> Value {
    json!({"element": "tideline", "returnUrl": RETURN, "configuration": client()})
}

async fn set_out(place: &Place, path: &str) -> (String, String) {
    place.set_out("tideline", path, "oauth2").await
}

#[database_test]
async fn a_walk_connects_once(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&body()).await;
    let first = place.get(&path, None).await;
    first.says(200, "<code>read</code>, <code>write</code>");
    assert!(
        !first.answer.text.contains("oauth.api"),
        "{}",
        first.answer.text
    );
    let (url, cookie) = set_out(&place, &path).await;
    assert!(
        url.contains("client_id=our-client-id") && !url.contains("s3cret"),
        "{url}"
    );
    assert!(url.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fconnect%2Fcallback"));
    let back = format!("/connect/callback{}", place.vendor.allow(&url));

    // Another browser, or none known: refused, and the walk goes on.
    place
        .get(&back, None)
        .await
        .says(403, "begun in another browser");
    let another = format!("bunsen-connect={}", "A".repeat(43));
    place
        .get(&back, Some(&another))
        .await
        .says(403, "begun in another browser");
    assert_eq!(place.vendor.world().exchanges, 0);

    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    assert_eq!(
        done.answer.header("location"),
        Some(format!("{path}/done").as_str())
    );
    let outcome = place.outcome(id).await;
    assert_eq!(outcome["status"], "connected");
    let instance = &outcome["instanceId"];
    let read = place
        .call("GET", &format!("/instances/{instance}"), None)
        .await
        .success();
    assert_eq!(
        read["configuration"]["oauth.callback.url"],
        "http://127.0.0.1:8080/connect/callback"
    );
    // Once more: nothing is done, and only who was there is led to the application.
    for other in [None, Some(another.as_str())] {
        let page = place.get(&back, other).await;
        page.says(403, "begun in another browser");
        assert!(!page.answer.text.contains(RETURN), "{}", page.answer);
    }
    place
        .get(&back, Some(&cookie))
        .await
        .says(200, "Your account is connected");
    assert_eq!(place.vendor.world().exchanges, 1);
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn who_says_no_may_think_again(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&body()).await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = place.vendor.allow(&url);
    let state = back.split("&state=").nth(1).expect("a state");
    let no = format!(
        "/connect/callback?error=access_denied&error_description=%3Cb%3ENo%3C%2Fb%3E&state={state}"
    );
    let page = place.get(&no, Some(&cookie)).await;
    page.says(200, "Access was not allowed");
    assert!(
        page.answer.text.contains("&#60;b&#62;No"),
        "{}",
        page.answer.text
    );
    assert!(
        page.answer
            .text
            .contains(&format!("{path}?element=tideline&#38;login=oauth2")),
        "{}",
        page.answer.text
    );
    assert_eq!(place.outcome(id).await["status"], "failed");
    // The state is used up: the code does not help any more.
    let late = place
        .get(&format!("/connect/callback{back}"), Some(&cookie))
        .await;
    late.says(409, "This step is over");
    let (url, cookie) = set_out(&place, &path).await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    assert_eq!(place.get(&back, Some(&cookie)).await.answer.status, 303);
    assert_eq!(place.outcome(id).await["status"], "connected");
}

#[database_test]
async fn what_comes_back_is_checked(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&body()).await;
    for odd in ["", "?code=c", "?state=", "?state=x&code=c", "?state=%00"] {
        let page = place.get(&format!("/connect/callback{odd}"), None).await;
        assert!(
            [400, 404].contains(&page.answer.status),
            "{odd}: {}",
            page.answer
        );
    }
    // A newer walk ends the one before.
    let (first, cookie) = set_out(&place, &path).await;
    let form = place.form(&path, "oauth2").await.0;
    let first = format!("/connect/callback{}", place.vendor.allow(&first));
    let (second, newer) = set_out(&place, &path).await;
    let second = format!("/connect/callback{}", place.vendor.allow(&second));
    place
        .get(&first, Some(&cookie))
        .await
        .says(404, "This link does not work");
    // A code that the vendor does not know.
    let (query, state) = second.split_once("&state=").expect("a state");
    assert!(query.contains("code-"));
    let page = place
        .get(
            &format!("/connect/callback?code=forged&state={state}"),
            Some(&newer),
        )
        .await;
    assert!(page.answer.status >= 400, "{}", page.answer);
    page.checked();
    assert!(
        page.answer.text.contains("Try again"),
        "{}",
        page.answer.text
    );
    assert_eq!(place.stored().await, 0);
    assert!(!form.is_empty());
}

#[database_test]
async fn two_returns_at_once_are_one(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&body()).await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let returns = (0..4).map(|_| place.get(&back, Some(&cookie)));
    let pages = futures_util::future::join_all(returns).await;
    let went = pages
        .iter()
        .filter(|page| page.answer.status == 303)
        .count();
    assert_eq!(went, 1);
    assert_eq!(place.vendor.world().exchanges, 1);
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn an_instance_is_allowed_again_with_the_client_it_has(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&body()).await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    assert_eq!(place.get(&back, Some(&cookie)).await.answer.status, 303);
    let instance = place.outcome(id).await["instanceId"].clone();
    let before = place
        .call("GET", &format!("/instances/{instance}"), None)
        .await
        .success();

    let (_, path) = place
        .link(&json!({"instanceId": instance, "returnUrl": RETURN}))
        .await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let after = place
        .call("GET", &format!("/instances/{instance}"), None)
        .await
        .success();
    assert_eq!(
        (&after["id"], &after["token"]),
        (&before["id"], &before["token"])
    );
    assert_eq!(place.vendor.world().exchanges, 2);
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn two_walks_at_once_make_one_instance(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place.link(&body()).await;
    let (first, of_first) = set_out(&place, &path).await;
    let first = format!("/connect/callback{}", place.vendor.allow(&first));
    place.vendor.world().slow = Duration::from_millis(1200);
    let second = async {
        // The first is back, and the vendor has its code, when the second sets out.
        until("the first walk is over", async || {
            let walking: bool =
                sqlx::query_scalar("select walk_sealed is not null from connect_links")
                    .fetch_one(&place.server.database.pool)
                    .await
                    .expect("a link");
            !walking
        })
        .await;
        let (second, of_second) = set_out(&place, &path).await;
        let second = format!("/connect/callback{}", place.vendor.allow(&second));
        place.get(&second, Some(&of_second)).await
    };
    let (first, second) = tokio::join!(place.get(&first, Some(&of_first)), second);
    let mut statuses = [first.answer.status, second.answer.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "{} {}", first.answer, second.answer);
    assert_eq!(place.vendor.world().exchanges, 2);
    assert_eq!(place.stored().await, 1);
    assert_eq!(place.outcome(id).await["status"], "connected");
}

#[database_test]
async fn what_the_page_refuses_is_told_without_blaming_anybody(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&body()).await;
    let (url, cookie) = set_out(&place, &path).await;
    let back = place.vendor.allow(&url);
    let state = back.split("&state=").nth(1).expect("a state");
    let late = format!("/connect/callback?code=too-late&state={state}");
    let page = place.get(&late, Some(&cookie)).await;
    page.says(page.answer.status, "did not let us in");
    assert!([400, 401].contains(&page.answer.status), "{}", page.answer);
    assert!(
        !page.answer.text.contains("typing mistakes"),
        "{}",
        page.answer
    );
}
