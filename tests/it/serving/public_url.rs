//! The name that the server goes by outside.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;

#[database_test]
async fn the_server_names_itself_by_its_public_url(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site
        .serve("one", &["--public-url", "https://API.example.com/"])
        .await;
    let credentials = server.credentials();
    assert_eq!(credentials["baseUrl"], json!("https://api.example.com"));
    // Browsers reach it by https, so the session's cookie is for https.
    let form = server
        .request("POST", "", "")
        .build()
        .map(|request| request.url().clone())
        .expect("a URL");
    let form = form
        .join("/elements/j_spring_security_check")
        .expect("a URL");
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("j_username", text(&credentials["user"]["email"]))
        .append_pair("j_password", text(&credentials["user"]["password"]))
        .finish();
    let request = crate::vendors::client()
        .post(form)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = Answer::of(request).await;
    assert_eq!(answer.status, 200, "{answer}");
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    assert!(server.log().contains("https://api.example.com"));
    server.stop().await;
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().expect("a text")
}

#[database_test]
async fn a_public_url_that_cannot_be_one_is_refused(database: TestDatabase) {
    let site = Site::new(database).await;
    for (url, fix) in [
        ("ftp://api.example.com", "https://"),
        ("https://me:marked@api.example.com", "password"),
        ("https://api.example.com/bunsen", "end after host"),
        ("https://api.example.com?x=1", "end after host"),
    ] {
        let text = site.refused(&["--public-url", url]).await;
        assert!(
            text.contains("--public-url") && text.contains(fix),
            "{url}: {text}"
        );
        assert!(!text.contains("marked"), "{text}");
    }
}
