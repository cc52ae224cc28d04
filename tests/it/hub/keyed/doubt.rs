//! What nobody can know is told as such, and not done a second time.

use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Depot;
use crate::answer::message;
use crate::database::TestDatabase;
use crate::server::TestOptions;

/// What comes of one call whose vendor does so.
struct Doubtful {
    what: &'static str,
    does: fn(&Depot, &str),
    ours: u16,
}

const DOUBTFUL: &[Doubtful] = &[
    Doubtful {
        what: "breaks off",
        does: |depot, call| depot.vendor.will_break(call),
        ours: 502,
    },
    Doubtful {
        what: "says nothing",
        does: |depot, call| depot.vendor.will_be_silent(call),
        ours: 502,
    },
    Doubtful {
        what: "fails",
        does: |depot, call| depot.vendor.will(call, 503, &json!({"message": "tired"})),
        ours: 502,
    },
    Doubtful {
        what: "answers with a page",
        does: |depot, call| {
            let page = [("content-type", "text/html")];
            depot
                .vendor
                .will_say(call, 200, &page, "<html>hello</html>");
        },
        ours: 502,
    },
];

async fn impatient(database: TestDatabase) -> Depot {
    let options = TestOptions {
        vendor_timeout: Duration::from_secs(1),
        ..TestOptions::default()
    };
    Depot::start_with(database, options).await
}

#[database_test]
async fn what_may_have_been_made_is_not_made_again(database: TestDatabase) {
    let depot = impatient(database).await;
    for Doubtful { what, does, ours } in DOUBTFUL {
        for (path, call, look) in [
            ("/boxes", "POST /base/boxes", "for what it makes"),
            ("/seals/7", "PUT /base/seals/7", "for a seal on the box"),
        ] {
            let (method, vendors) = call.split_once(' ').expect("a method");
            depot.vendor.forget();
            does(&depot, call);
            depot.vendor.will(call, 200, &json!({"id": 7}));
            let body = json!({"name": "x"});
            let key = format!("{}{}", what.replace(' ', "-"), vendors.len());
            depot.keyed(&key, method, path, &body).await.error(*ours);
            assert_eq!(depot.vendor.seen().len(), 1, "{call} {what}");
            for _ in 0..2 {
                let unknown = depot.keyed(&key, method, path, &body).await;
                let error = unknown.error(409);
                let text = message(&error);
                assert!(text.contains("outcome of this call is unknown"), "{text}");
                assert!(text.contains(look) && text.contains("Depot"), "{text}");
                assert_eq!(unknown.header("retry-after"), None);
            }
            let other = depot.keyed(&key, method, path, &json!({"name": "y"})).await;
            assert!(message(&other.error(409)).contains("new key"));
            assert_eq!(depot.vendor.count(), 0, "{call} {what}: not asked again");
        }
    }
}

/// By its method, or since the definition says so.
#[database_test]
async fn what_can_be_done_twice_is_done_again(database: TestDatabase) {
    let depot = impatient(database).await;
    for Doubtful { what, does, ours } in DOUBTFUL {
        for (method, path, call) in [
            ("PATCH", "/boxes/7", "PUT /base/boxes/7"),
            ("DELETE", "/boxes/7", "DELETE /base/boxes/7"),
            ("POST", "/marks", "POST /base/marks"),
        ] {
            depot.vendor.forget();
            does(&depot, call);
            depot.vendor.will(call, 200, &json!({"box": {"id": 7}}));
            let body = json!({"name": "x"});
            let key = format!("{}-{method}", what.replace(' ', "-"));
            depot.keyed(&key, method, path, &body).await.error(*ours);
            let other = depot.keyed(&key, method, path, &json!({"name": "y"})).await;
            assert!(message(&other.error(409)).contains("new key"));
            let again = depot.keyed(&key, method, path, &body).await;
            assert_eq!(again.status, 200, "{call} {what}: {again}");
            assert_eq!(depot.vendor.seen().len(), 2, "{call} {what}");
            let kept = depot.keyed(&key, method, path, &body).await;
            assert_eq!((kept.status, &kept.text), (200, &again.text));
            assert_eq!(depot.vendor.count(), 0, "{call} {what}");
        }
    }
}

#[database_test]
async fn what_never_left_may_be_sent_again(database: TestDatabase) {
    let options = TestOptions {
        // Nobody listens there.
        vendor_routes: vec!["closed.depot.example=http://127.0.0.1:9".to_owned()],
        ..TestOptions::default()
    };
    let depot = Depot::start_with(database, options).await;
    depot
        .execute(
            "update instances
             set configuration = jsonb_set(configuration, '{site}', '\"closed\"')",
        )
        .await;
    let body = json!({"name": "x"});
    for _ in 0..2 {
        let answer = depot.keyed("key", "POST", "/boxes", &body).await;
        let error = answer.error(502);
        assert!(
            message(&error).contains("refused the connection"),
            "{error}"
        );
        assert_eq!(depot.rows().await, 0, "the key is free");
    }
}

/// The vendor has done it, and what follows fails: that is the outcome, each time.
#[database_test]
async fn what_fails_behind_a_write_is_not_made_again(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    vendor.will("POST /base/stacks", 201, &json!({"id": 7}));
    let refused = json!({"message": "no room"});
    let later = [("content-type", "application/json"), ("retry-after", "9")];
    vendor.will_say(
        "POST /base/stacks/7/boxes",
        429,
        &later,
        &refused.to_string(),
    );
    vendor.will("POST /base/hooked", 201, &json!({"id": 7}));
    for (path, status, part, calls) in [
        ("/stacks", 500, "Part of it is done at the vendor", 2),
        ("/hooked", 500, "done at the vendor", 1),
    ] {
        let body = json!({"name": "x"});
        let first = depot.keyed("key", "POST", path, &body).await;
        let error = first.error(status);
        assert!(message(&error).contains(part), "{error}");
        assert_eq!(message(&error).matches("do not send").count(), 1, "{error}");
        assert_eq!(first.header("retry-after"), None, "{path}");
        assert_eq!(vendor.seen().len(), calls, "{path}");
        let again = depot.keyed("key", "POST", path, &body).await;
        let told = again.error(status);
        for member in ["message", "providerMessage"] {
            assert_eq!(told.get(member), error.get(member), "{path}");
        }
        assert_eq!(vendor.count(), 0, "{path}: not asked again");
    }
    assert_eq!(refused["message"], Value::from("no room"));
}

/// What the vendor did is its own status to say, whatever hooks make of its answer.
#[database_test]
async fn hooks_do_not_say_what_the_vendor_did(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    let body = json!({"name": "x"});
    for _ in 0..2 {
        vendor.will("POST /base/denied", 201, &json!({"id": 7}));
        let denied = depot.keyed("key", "POST", "/denied", &body).await;
        let error = denied.error(500);
        assert!(message(&error).contains("done at the vendor"), "{error}");
    }
    assert_eq!(vendor.seen().len(), 1, "accepted once, and not made again");
    let rows = depot.rows().await;
    for _ in 0..2 {
        vendor.will("POST /base/hooked", 422, &json!({"message": "no"}));
        let refused = depot.keyed("key", "POST", "/hooked", &body).await;
        refused.error(500);
        assert_eq!(depot.rows().await, rows, "the key is free again");
    }
    assert_eq!(vendor.seen().len(), 2, "refused each time");
}

/// What a hook writes by itself is done, too.
#[database_test]
async fn what_a_hook_has_written_is_not_written_again(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    vendor.will("POST /base/side", 201, &json!({"id": 1}));
    vendor.will("POST /base/sided", 422, &json!({"message": "no"}));
    let body = json!({"name": "x"});
    let first = depot.keyed("key", "POST", "/sided", &body).await;
    let error = first.error(500);
    assert!(message(&error).contains("Part of it is done"), "{error}");
    assert_eq!(first.header("elements-attempts"), Some("2"));
    assert_eq!(vendor.seen().len(), 2);
    depot.keyed("key", "POST", "/sided", &body).await.error(500);
    assert_eq!(vendor.count(), 0, "nobody was asked");
    // A hook's call that is refused leaves the key free, as any other.
    vendor.forget();
    vendor.will("POST /base/side", 422, &json!({"message": "no"}));
    vendor.will("POST /base/sided", 422, &json!({"message": "no"}));
    for _ in 0..2 {
        depot
            .keyed("other", "POST", "/sided", &body)
            .await
            .error(400);
        assert_eq!(vendor.seen().len(), 2);
    }
    // One that breaks off may have been made.
    vendor.forget();
    vendor.will_break("POST /base/side");
    vendor.will("POST /base/sided", 422, &json!({"message": "no"}));
    depot
        .keyed("third", "POST", "/sided", &body)
        .await
        .error(500);
    let unknown = depot.keyed("third", "POST", "/sided", &body).await;
    let error = unknown.error(409);
    assert!(message(&error).contains("is unknown"), "{error}");
}
