//! One record, lists, chains: what callers send and what they get.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::vendor::row;
use super::{Depot, by_token};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;

fn ids(list: &Value) -> Vec<u64> {
    let records = list.as_array().expect("a list").iter();
    records
        .map(|row| row["id"].as_u64().expect("an id"))
        .collect()
}

#[database_test]
async fn one_record_in_every_form_of_its_path(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let record = json!({"id": "a b", "lid": null, "parts": [null, {"x": null, "y": 1}]});
    depot
        .vendor
        .will("GET /base/boxes/a%20b", 200, &json!({"box": record}));
    for path in [
        "/hubs/crm/boxes/a%20b",
        "/hubs/any-word/boxes/a%20b",
        "/boxes/a%20b",
    ] {
        let answer = depot.call("GET", path).await;
        assert_eq!(
            answer.success(),
            json!({"id": "a b", "parts": [null, {"y": 1}]}),
            "{path}"
        );
        let seen = depot.vendor.one();
        assert_eq!(seen.header("x-word"), Some("5ecret-word"));
        assert_eq!(seen.header("accept"), Some("application/json"));
        assert_eq!(seen.header("authorization"), None);
        let id = depot.instance["id"].to_string();
        assert_eq!(
            answer.header("elements-element-instance-id"),
            Some(id.as_str())
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/json;charset=UTF-8")
        );
        assert_eq!(answer.header("elements-attempts"), Some("1"));
        assert_eq!(answer.header("elements-vendor-status"), Some("200"));
        for name in ["elements-vendor-time", "elements-own-time"] {
            let time: f64 = answer.header(name).expect(name).parse().expect("a number");
            assert!((0.0..20_000.0).contains(&time), "{name}: {time}");
        }
        assert_eq!(answer.header("elements-fault"), None);
    }
    let head = depot.call("HEAD", "/boxes/a%20b").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(depot.vendor.one().call, "GET /base/boxes/a%20b");

    // Nulls are shown to who wants them.
    let id = &depot.instance["id"];
    let change = json!({"configuration": {"filter.response.nulls": "false"}});
    let path = format!("/instances/{id}");
    let changed = depot
        .server
        .request("PATCH", &format!("{}{path}", super::BASE));
    let changed = changed.header("authorization", depot.server.admin.header());
    Answer::of(changed.json(&change)).await.success();
    assert_eq!(depot.call("GET", "/boxes/a%20b").await.success(), record);
}

#[database_test]
async fn what_is_written_and_what_is_read_of_it(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    vendor.will("POST /base/boxes", 201, &json!({"id": 7}));
    vendor.will(
        "GET /base/boxes/7",
        200,
        &json!({"box": {"id": 7, "name": "new"}}),
    );
    let made = depot.send("POST", "/boxes", &json!({"name": "new"})).await;
    assert_eq!(made.success(), json!({"id": 7, "name": "new"}));
    assert_eq!(made.header("elements-attempts"), Some("2"));
    let seen = vendor.seen();
    assert_eq!(seen[0].json(), json!({"name": "new"}));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[1].call, "GET /base/boxes/7");

    // What `curl -d` sends is JSON, too.
    let form = depot
        .request("POST", "/boxes")
        .header("content-type", "application/x-www-form-urlencoded");
    Answer::of(form.body("{\"name\": \"new\"}")).await.success();
    vendor.seen();

    // It is made, although it cannot be read: nobody shall make it again.
    vendor.forget();
    vendor.will("POST /base/boxes", 201, &json!({"id": 8}));
    vendor.will("GET /base/boxes/8", 500, &json!({"message": "tired"}));
    let made = depot.send("POST", "/boxes", &json!({"name": "new"})).await;
    assert_eq!(made.success(), json!({"id": 8}));
    let notice = made.header("elements-error").expect("a notice");
    assert!(notice.contains("done at the vendor"), "{notice}");
    vendor.seen();

    // PUT stands for PATCH; the body goes into the vendor's envelope.
    vendor.will(
        "PUT /base/boxes/7",
        200,
        &json!({"box": {"id": 7, "name": "other"}}),
    );
    for method in ["PATCH", "PUT"] {
        let changed = depot
            .send(method, "/boxes/7", &json!({"name": "other"}))
            .await;
        assert_eq!(changed.success(), json!({"id": 7, "name": "other"}));
        assert_eq!(vendor.one().json(), json!({"box": {"name": "other"}}));
    }
    vendor.will_say("DELETE /base/boxes/7", 204, &[], "");
    let deleted = depot.call("DELETE", "/boxes/7").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    assert!(vendor.one().body.is_empty());

    vendor.will("POST /base/labels", 200, &json!({"ok": true}));
    let form = depot
        .request("POST", "/labels")
        .header("content-type", "application/x-www-form-urlencoded");
    Answer::of(form.body("colour=sea+green&other=1"))
        .await
        .success();
    let seen = vendor.one();
    assert_eq!(seen.body, b"color=sea+green");
    assert_eq!(
        seen.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[database_test]
async fn pages_fit_together(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.vendor.will_list("GET /base/boxes", 11);
    let first = depot.call("GET", "/hubs/crm/boxes").await;
    assert_eq!(
        ids(&first.success()),
        [1, 2, 3],
        "the vendor's largest page"
    );
    assert_eq!(first.header("elements-returned-count"), Some("3"));
    assert_eq!(first.header("elements-total-count"), None);
    let counted = depot.call("GET", "/boxes?returnCount=true").await;
    assert_eq!(counted.header("elements-total-count"), Some("11"));
    for size in [1, 2, 4, 5, 7] {
        let page = async |number: usize, size: usize| {
            let path = format!("/boxes?page={number}&pageSize={size}");
            let answer = depot.call("GET", &path).await;
            (ids(&answer.success()), answer)
        };
        let (one, _) = page(1, size).await;
        let (two, _) = page(2, size).await;
        let (both, _) = page(1, size * 2).await;
        assert_eq!([one, two].concat(), both, "{size}");
        // By token, to the end.
        let mut all = Vec::new();
        let mut next = Some(String::new());
        while let Some(token) = next {
            let path = format!("/boxes?pageSize={size}&nextPage={token}");
            let answer = depot.call("GET", &path).await;
            let got = ids(&answer.success());
            assert!(got.len() <= size);
            all.extend(got);
            next = answer.header("elements-next-page-token").map(str::to_owned);
        }
        assert_eq!(all, (1..=11).collect::<Vec<u64>>(), "{size}");
    }
    let beyond = depot.call("GET", "/boxes?page=9&pageSize=5").await;
    assert_eq!(beyond.success(), json!([]));
    assert_eq!(beyond.header("elements-next-page-token"), None);
    depot.vendor.seen();

    // A token is one instance's, and says so.
    let token = first.header("elements-next-page-token").expect("a token");
    let path = format!("/boxes?nextPage={token}");
    depot.call("GET", &path).await.success();
    let other = depot
        .server
        .create(&depot.server.admin, &super::body("other"))
        .await;
    let request = depot
        .server
        .request("GET", &format!("{}{path}", super::BASE));
    let request = request.header("authorization", by_token(&depot.server, &other));
    let refused = Answer::of(request).await.error(400);
    assert!(message(&refused).contains("nextPage"), "{refused}");
}

#[database_test]
async fn conditions_reach_the_vendor_or_are_ours(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    vendor.will_list("GET /base/boxes", 7);
    vendor.will("GET /base/boxes/4", 200, &json!({"box": row(4)}));
    vendor.seen();
    let pushed = depot
        .call("GET", "/boxes?where=name%3D'x'&pageSize=2")
        .await;
    assert_eq!(ids(&pushed.success()), [1, 2], "the vendor's word is taken");
    assert_eq!(vendor.one().query, "page=1&size=2&called=x");
    let ours = depot
        .call("GET", "/boxes?where=weight%3D1&fields=id,weight")
        .await;
    assert_eq!(
        ours.success(),
        json!([{"id": 1, "weight": 1}, {"id": 4, "weight": 1}, {"id": 7, "weight": 1}])
    );
    vendor.seen();
    let found = depot.call("GET", "/boxes?where=id%3D'4'").await;
    assert_eq!(ids(&found.success()), [4]);
    assert_eq!(vendor.one().call, "GET /base/boxes/4");
    let none = depot.call("GET", "/boxes?where=id%3D99").await;
    assert_eq!(
        none.success(),
        json!([]),
        "a filter that finds nothing is no failure"
    );
    let ignored = depot.call("GET", "/boxes?orderBy=weight").await;
    ignored.success();
    let notice = ignored.header("elements-error").expect("a notice");
    assert!(notice.contains("orderBy"), "{notice}");
    vendor.seen();
    for (query, part) in [
        ("where=lid%3D1", "cannot be filtered"),
        ("where=name%3D", "Error parsing query"),
        ("orderBy=weight%20sideways", "orderBy"),
        ("pageSize=0", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("page=x", "page"),
        ("nextPage=nonsense", "nextPage"),
    ] {
        let refused = depot.call("GET", &format!("/boxes?{query}")).await;
        let error = refused.error(400);
        assert!(message(&error).contains(part), "{query}: {error}");
        assert_eq!(refused.header("elements-fault"), Some("caller"));
        assert_eq!(refused.header("elements-attempts"), Some("0"));
    }
    assert!(vendor.seen().is_empty(), "nobody was asked");
}

/// Names that platform and elements share: an element's own resource comes before the platform's list.
#[database_test]
async fn users_of_an_element_that_has_some(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.vendor.will(
        "GET /base/people",
        200,
        &json!([{"id": 1, "of": "the vendor"}]),
    );
    let theirs = depot.call("GET", "/users").await;
    assert_eq!(theirs.success(), json!([{"id": 1, "of": "the vendor"}]));
    assert_eq!(theirs.header("elements-returned-count"), Some("1"));
    assert_eq!(depot.call("GET", "/hubs/crm/users").await.text, theirs.text);
    let platform = depot
        .server
        .request("GET", &format!("{}/users", super::BASE));
    let platform = platform.header("authorization", depot.server.admin.header());
    let platform = Answer::of(platform).await.success();
    assert!(platform[0]["email"].is_string(), "{platform}");
    // What the element does not have stays the platform's.
    for (method, path, status) in [
        ("GET", "/users/1", 200),
        ("GET", "/accounts", 200),
        ("POST", "/users", 405),
        ("GET", "/accounts/1/notes", 404),
    ] {
        let answer = depot.call(method, path).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer}");
        assert_eq!(answer.header("elements-element-instance-id"), None);
    }
}
