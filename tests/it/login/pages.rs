//! Pages and pictures outside the API.

use bunsen_test_macros::database_test;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::TestServer;

async fn page(server: &TestServer, path: &str) -> Answer {
    let request = server
        .request("GET", &format!("/elements/{path}"))
        .header("accept", "text/html");
    let answer = Answer::of(request).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    answer
}

#[database_test]
async fn pages_cannot_be_framed_but_for_one(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for path in ["jsp/login.jsp", "jsp/home.jsp"] {
        let answer = page(&server, path).await;
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
    }
    let docs = page(&server, "api-docs").await;
    assert_eq!(docs.header("x-frame-options"), None);
    assert!(
        !docs
            .header("content-security-policy")
            .unwrap_or_default()
            .contains("frame")
    );
    let login = page(&server, "jsp/login.jsp").await;
    for part in [
        "j_username",
        "j_password",
        "/elements/j_spring_security_check",
    ] {
        assert!(login.text.contains(part), "{part}");
    }
}

#[database_test]
async fn home_shows_what_the_vendor_sent_and_runs_none_of_it(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let given = page(&server, "jsp/home.jsp?code=4%2Fabc%26d&state=larkpost").await;
    assert!(given.text.contains("<dd>4/abc&amp;d</dd>"), "{given}");
    assert!(given.text.contains("<dd>larkpost</dd>"), "{given}");
    let hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%3Cimg+src%3Dx%3E";
    for name in ["code", "state", "error", "error_description"] {
        let answer = page(&server, &format!("jsp/home.jsp?{name}={hostile}")).await;
        let text = answer.text.to_lowercase();
        assert!(
            !text.contains("<script") && !text.contains("<img"),
            "{answer}"
        );
        assert!(text.contains("&lt;script&gt;alert(1)"), "{answer}");
    }
    let error = page(&server, "jsp/home.jsp?error=access_denied").await;
    assert!(error.text.contains("access_denied") && error.text.contains("error"));
}

#[database_test]
async fn pictures_are_neutral(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for name in ["custom-element-default-logo.png", "provider_any.png"] {
        let request = server.request("GET", &format!("/elements/{name}"));
        let response = request
            .header("accept", "image/*")
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/png");
        let bytes = response.bytes().await.expect("a body");
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    }
    for (method, path) in [
        ("GET", "x.gif"),
        ("GET", "x"),
        ("POST", "x.png"),
        ("GET", "api-v2"),
    ] {
        let request = server.request(method, &format!("/elements/{path}"));
        Answer::of(request).await.error(404);
    }
}
