//! What a vendor was asked and answered, for the caller who wants to see it.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{BASE, Place, application, body};
use crate::answer::Answer;
use crate::database::TestDatabase;

async fn read(place: &Place, header: String, path: &str) -> Answer {
    let request = place.server.request("GET", &format!("{BASE}{path}"));
    Answer::of(request.header("authorization", header)).await
}

#[database_test]
async fn a_create_is_written_down_without_its_secrets(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.code("c0de-1");
    let good = body(
        "tidepost",
        application(),
        json!({"code": "c0de-1", "debug": true}),
    );
    for (request, status) in [(&good, 200), (&good, 401)] {
        let created = place.create(request).await;
        assert_eq!(created.status, status, "{created}");
        let trace = created
            .header("elements-trace-id")
            .expect("a trace")
            .to_owned();
        let path = format!("/elements/tidepost/trace/{trace}");
        let told = place.call("GET", &path, None).await;
        for secret in ["c0de-1", "app-secret", "access-1", "refresh-1", "\"app\""] {
            assert!(!told.text.contains(secret), "{secret}: {told}");
        }
        let calls = told.success();
        let text = |call: &str, side: &str| calls[call][side].as_str().expect("a text").to_owned();
        let sent = text("POST:/token", "request");
        assert!(
            sent.starts_with("POST https://login.tidepost.example/token\n"),
            "{sent}"
        );
        assert!(
            sent.contains("grant_type=authorization_code&code=********"),
            "{sent}"
        );
        let answered = text("POST:/token", "response");
        if status == 200 {
            assert!(answered.starts_with("200 OK"), "{answered}");
            assert!(
                text("GET:/v3/me", "response").contains("\"id\": 1"),
                "{calls}"
            );
        } else {
            assert!(answered.contains("invalid_grant"), "{answered}");
            assert_eq!(calls.as_object().map(serde_json::Map::len), Some(1));
        }
        // Not for others, not for other elements, not without secrets.
        let (member, foreign) = (&place.server.member, &place.server.foreign);
        read(&place, member.header(), &path).await.error(404);
        read(&place, foreign.header(), &path).await.error(404);
        place.open(&path).await.error(401);
        let other = format!("/elements/tideold/trace/{trace}");
        place.call("GET", &other, None).await.error(404);
    }
    for debug in [json!(false), json!(null), json!("no")] {
        place.vendor.code("c0de-2");
        let quiet = body(
            "tidepost",
            application(),
            json!({"code": "c0de-2", "debug": debug}),
        );
        let created = place.create(&quiet).await;
        assert!(created.header("elements-trace-id").is_none(), "{created}");
        created.success();
    }
    let unknown: Value = json!("00000000-0000-0000-0000-000000000000");
    for id in [unknown.as_str().expect("a text"), "nothing", "1"] {
        let path = format!("/elements/tidepost/trace/{id}");
        place.call("GET", &path, None).await.error(404);
    }
}
