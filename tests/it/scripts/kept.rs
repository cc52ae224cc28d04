//! What hooks around hub calls store: whoever leaves, whatever happens beside, and within bounds.

use bunsen_test_macros::database_test;

use super::harbour::{DUE, Place};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::vendors::until;

#[database_test]
async fn a_caller_who_hangs_up_loses_nothing_of_it(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    let calling = place.hub(&instance, "/rotates");
    let calling = tokio::spawn(async move { calling.send().await.map(drop) });
    until("the vendor is asked", async || {
        place.vendor.calls("/v1/gate").len() == 1
    })
    .await;
    calling.abort();
    let _ = calling.await;
    // The server knows that nobody is there any more.
    until("the call is over", async || {
        Answer::of(place.hub(&instance, "/me")).await.status == 200
    })
    .await;
    place.vendor.open();
    until("what the hook stores is there", async || {
        place.read(&instance).await["configuration"]["site.id"] == "rotated"
    })
    .await;
}

#[database_test]
async fn a_renewal_beside_it_loses_nothing_and_neither_does_the_hook(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    let calling = place.hub(&instance, "/slow");
    let calling = tokio::spawn(Answer::of(calling));
    until("the hook is at it", async || {
        place.vendor.calls("/v1/gate").len() == 1
    })
    .await;
    place.execute(DUE).await;
    until("it is renewed beside", async || {
        place.read(&instance).await["configuration"]["renewals"] == "1"
    })
    .await;
    place.vendor.open();
    calling.await.expect("it runs").success();
    let read = place.read(&instance).await;
    assert_eq!(read["configuration"]["site.id"], "by the hook", "{read}");
    assert_eq!(read["configuration"]["renewals"], "1", "{read}");
    // The tokens are the renewal's.
    place.execute(DUE).await;
    until("it is renewed again", async || {
        place.read(&instance).await["configuration"]["renewals"] == "2"
    })
    .await;
    let calls = place.vendor.calls("/token");
    assert_eq!(calls[2].form["refresh_token"], "refresh-2", "{calls:?}");
    let read = place.read(&instance).await;
    assert_eq!(read["configuration"]["site.id"], "by the hook", "{read}");
}

#[database_test]
async fn a_secret_that_is_replaced_is_told_no_more_than_the_new_one(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    let answer = Answer::of(place.hub(&instance, "/replaces")).await;
    let error = answer.error(400);
    assert!(message(&error).starts_with("First "), "{error}");
    for hidden in ["s3cret-key", "brand-new", "newest"] {
        assert!(!answer.text.contains(hidden), "{hidden}: {error}");
    }
}

#[database_test]
async fn what_hooks_store_has_a_bound(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    Answer::of(place.hub(&instance, "/hoards")).await.success();
    for _ in 0..2 {
        let error = Answer::of(place.hub(&instance, "/hoards")).await.error(500);
        for part in ["postRequest hook", "GET /hoards", "65536"] {
            assert!(message(&error).contains(part), "{part}: {error}");
        }
    }
    let longest = "select max(octet_length(credentials_sealed))::bigint from instances";
    let longest = place.count(longest).await;
    assert!((40_000..66_000).contains(&longest), "{longest}");
    // What leaves it as long as it is can still be stored.
    place.vendor.open();
    Answer::of(place.hub(&instance, "/rotates")).await.success();
    let read = place.read(&instance).await;
    assert_eq!(read["configuration"]["site.id"], "rotated", "{read}");
}

#[database_test]
async fn files_are_seen_by_hooks_that_are_for_them(database: TestDatabase) {
    let place = Place::start(database).await;
    let instance = place.create("c0de-1").await.success();
    let get = async |path: &str| {
        let answer = place.hub(&instance, path).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let header = move |name: &str| {
            let value = headers.get(name);
            value.map_or(String::new(), |value| {
                value.to_str().expect("text").to_owned()
            })
        };
        (status, header, answer.bytes().await.expect("a body"))
    };
    let (status, header, body) = get("/plain").await;
    assert_eq!((status, &body[..]), (200, &b"a,b"[..]));
    assert_eq!(
        (header("x-status"), header("x-body")),
        ("200".into(), "null".into())
    );
    assert_eq!(header("content-type"), "text/csv");

    let (status, header, body) = get("/shown").await;
    assert_eq!((status, &body[..]), (200, &b"A,B"[..]));
    assert_eq!(
        (header("x-seen"), header("content-type")),
        ("text/csv".into(), "text/csv".into())
    );

    let (_, header, body) = get("/binary").await;
    assert_eq!(body[..], [0xff, 0xfe, 0, 1, 2, 3]);
    assert_eq!(header("x-base64"), "//4AAQID");
    let (_, _, body) = get("/cut").await;
    assert_eq!(body[..], [0xff, 0xfe, 0]);
    let (status, ..) = get("/none").await;
    assert_eq!(status, 404);
}
