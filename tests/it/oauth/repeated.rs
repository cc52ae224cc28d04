//! Calls to the vendor's own API that are made again with new tokens: only what the vendor surely has not done, or may
//! do twice.

use bunsen_test_macros::database_test;

use super::{Place, application, body};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::vendors::until;

#[database_test]
async fn what_may_have_been_done_is_not_done_again(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.code("c0de");
    let brought = serde_json::json!({"code": "c0de"});
    let made = place
        .create(&body("tidepolite", application(), brought))
        .await;
    let made = made.success();
    let header = place
        .server
        .admin
        .with_token(made["token"].as_str().expect("a token"));
    let call = async |method: &str, path: &str| {
        let url = format!("/elements/api-v2/proxy{path}");
        let request = place.server.request(method, &url);
        let request = request.header("authorization", &header);
        Answer::of(request.body("{}")).await
    };
    // The vendor knows no access token any more, and those that there are are old.
    let ended = async || {
        place.vendor.world().access_tokens.clear();
        sqlx::query("update instances set renewed_at = now() - interval '1 hour'")
            .execute(&place.server.database.pool)
            .await
            .expect("a statement");
        place.vendor.calls();
    };
    let asked = |path: &str| {
        let calls = place.vendor.calls();
        calls.iter().filter(|call| call.1.ends_with(path)).count()
    };
    for (method, path, repeated) in [
        ("GET", "/polite", true),
        ("PUT", "/polite", true),
        ("DELETE", "/polite", true),
        ("POST", "/me", true),
        ("PATCH", "/me", true),
        ("POST", "/polite", false),
        ("PATCH", "/polite", false),
    ] {
        ended().await;
        let answer = call(method, path).await;
        assert_eq!(answer.status, 200, "{method} {path}: {answer}");
        assert_eq!(
            answer.text.contains("session"),
            !repeated,
            "{method} {path}: {answer}"
        );
        assert_eq!(asked(path), 1 + usize::from(repeated), "{method} {path}");
        // Whoever sends it again finds new tokens.
        until("the tokens are new", async || {
            !call(method, path).await.text.contains("session")
        })
        .await;
    }
}
