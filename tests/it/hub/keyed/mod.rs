//! Calls with an `Idempotency-Key`: made once, however often they are sent.

mod doubt;
mod servers;

use bunsen::store::Store;
use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{BASE, Depot, body};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer};
use crate::vendors::until;

impl Depot {
    async fn keyed(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        Answer::of(self.keyed_request(key, method, path).json(body)).await
    }

    fn keyed_request(&self, key: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).header("idempotency-key", key)
    }

    async fn rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from keyed_calls")
            .fetch_one(&self.server.database.pool)
            .await
            .expect("a count")
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&self.server.database.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// A box is made, and read again.
    fn makes(&self, id: u64) {
        let vendor = &self.vendor;
        vendor.will("POST /base/boxes", 201, &json!({"id": id}));
        let made = json!({"box": {"id": id, "name": "5ecret-name"}});
        vendor.will(&format!("GET /base/boxes/{id}"), 200, &made);
    }
}

#[database_test]
async fn the_same_call_again_is_answered_with_what_it_was(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.makes(7);
    let sent = json!({"name": "5ecret-name"});
    let first = depot.keyed("key-1", "POST", "/hubs/crm/boxes", &sent).await;
    assert_eq!(first.success(), json!({"id": 7, "name": "5ecret-name"}));
    assert_eq!(first.header("elements-attempts"), Some("2"));
    assert_eq!(depot.vendor.seen().len(), 2);
    depot.vendor.forget();
    // The hub's name is not looked at.
    for path in ["/hubs/crm/boxes", "/boxes"] {
        let again = depot.keyed("key-1", "POST", path, &sent).await;
        assert_eq!((again.status, &again.text), (200, &first.text));
        for name in ["content-type", "elements-element-instance-id"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        assert_eq!(again.header("elements-attempts"), Some("0"));
        assert_eq!(again.header("elements-vendor-status"), None);
    }
    assert_eq!(depot.vendor.count(), 0, "nobody was asked");

    // Nothing of key, call and answer can be read in the database.
    let text: String = sqlx::query_scalar("select string_agg(k::text, ' ') from keyed_calls k")
        .fetch_one(&depot.server.database.pool)
        .await
        .expect("rows");
    assert!(text.contains("POST /boxes"), "{text}");
    for secret in ["key-1", "5ecret-name"] {
        assert!(!text.contains(secret), "{text}");
    }

    // A day later the key is as good as new.
    depot
        .execute("update keyed_calls set expires_at = now()")
        .await;
    depot.makes(8);
    let next = depot.keyed("key-1", "POST", "/boxes", &sent).await;
    assert_eq!(next.success()["id"], 8);
    assert_eq!(depot.rows().await, 1);
    depot
        .execute("update keyed_calls set expires_at = now()")
        .await;
    let store = Store::with_pool(depot.server.database.pool.clone(), 100);
    assert_eq!(store.all_orgs().sweep_calls(10).await.expect("swept"), 1);
    assert_eq!(depot.rows().await, 0);
}

#[database_test]
async fn lists_notices_and_empty_answers_come_again(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    // It is made, and cannot be read again.
    vendor.will("POST /base/boxes", 201, &json!({"id": 8}));
    vendor.will("GET /base/boxes/8", 500, &json!({"message": "tired"}));
    vendor.will("DELETE /base/boxes/7", 204, &Value::Null);
    for (key, method, path) in [("made", "POST", "/boxes"), ("gone", "DELETE", "/boxes/7")] {
        let body = json!({"name": "x"});
        let first = depot.keyed(key, method, path, &body).await;
        assert_eq!(first.status, 200, "{first}");
        vendor.seen();
        let again = depot.keyed(key, method, path, &body).await;
        assert_eq!((again.status, &again.text), (200, &first.text), "{key}");
        for name in ["content-type", "elements-error", "elements-returned-count"] {
            assert_eq!(again.header(name), first.header(name), "{key}: {name}");
        }
        assert_eq!(first.header("elements-error").is_some(), key == "made");
        assert_eq!(vendor.count(), 0, "{key}: nobody was asked");
    }
}

#[database_test]
async fn another_call_with_the_key_is_told(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.makes(7);
    let vendor = &depot.vendor;
    for id in [7, 8] {
        let call = format!("PUT /base/boxes/{id}");
        vendor.will(&call, 200, &json!({"box": {"id": id}}));
    }
    let one = json!({"name": "one"});
    depot.keyed("key", "POST", "/boxes", &one).await.success();
    depot
        .keyed("key", "PATCH", "/boxes/7", &one)
        .await
        .success();
    vendor.seen();
    for (method, path, body) in [
        ("POST", "/boxes", json!({"name": "other"})),
        ("POST", "/boxes?silent=true", one.clone()),
        ("PATCH", "/boxes/8", one.clone()),
        ("PUT", "/boxes/8", one.clone()),
    ] {
        let other = depot.keyed("key", method, path, &body).await;
        let error = other.error(409);
        assert!(
            message(&error).contains("new key"),
            "{method} {path}: {error}"
        );
        assert_eq!(other.header("retry-after"), None);
        assert_eq!(other.header("elements-fault"), Some("caller"));
    }
    assert_eq!(vendor.count(), 0, "nobody was asked");
    // PUT stands for PATCH; a key of one resource is none of another.
    depot.keyed("key", "PUT", "/boxes/7", &one).await.success();
    assert_eq!(vendor.count(), 0);
    depot.keyed("new", "PUT", "/boxes/8", &one).await.success();
    assert_eq!(vendor.one().call, "PUT /base/boxes/8");
}

#[database_test]
async fn a_key_is_of_one_user_and_one_instance(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let server = &depot.server;
    let shared = server.create(&server.member, &body("shared")).await;
    let another = server.create(&server.member, &body("another")).await;
    let theirs = server.create(&server.foreign, &body("theirs")).await;
    depot.vendor.seen();
    let header = |caller: &Caller, instance: &Value| {
        caller.with_token(instance["token"].as_str().expect("a token"))
    };
    for (id, header) in [
        (1, header(&server.member, &shared)),
        (2, header(&server.colleague, &shared)),
        (3, header(&server.admin, &shared)),
        (4, header(&server.member, &another)),
        (5, header(&server.foreign, &theirs)),
    ] {
        depot.vendor.forget();
        depot.makes(id);
        for calls in [2, 0] {
            let request = server.request("POST", &format!("{BASE}/boxes"));
            let request = request.header("authorization", &header);
            let request = request.header("idempotency-key", "key");
            let answer = Answer::of(request.json(&json!({"name": "x"}))).await;
            assert_eq!(answer.success()["id"], id);
            assert_eq!(depot.vendor.seen().len(), calls);
        }
    }
    assert_eq!(depot.rows().await, 5);
}

#[database_test]
async fn who_may_not_call_is_not_answered_again(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.makes(7);
    let sent = json!({"name": "x"});
    let again = async || depot.keyed("key", "POST", "/boxes", &sent).await;
    again().await.success();
    depot.vendor.seen();
    // Whatever a server remembers: switched off a moment ago.
    depot.execute("update instances set disabled = true").await;
    again().await.error(403);
    depot
        .execute("update instances set disabled = false, valid = false, invalid_reason = 'Gone.', invalid_since = now()")
        .await;
    let error = again().await.error(401);
    assert!(message(&error).contains("Gone."), "{error}");
    depot
        .execute("update instances set valid = true, invalid_reason = null, invalid_since = null")
        .await;
    assert_eq!(again().await.success()["id"], 7);
    let token = depot.instance["token"].as_str().expect("a token");
    let stranger = depot.server.foreign.with_token(token);
    let request = depot.server.request("POST", &format!("{BASE}/boxes"));
    let request = request.header("authorization", stranger);
    let request = request.header("idempotency-key", "key");
    Answer::of(request.json(&sent)).await.error(401);

    // What was answered goes with the instance.
    let path = format!("{BASE}/instances/{}", depot.instance["id"]);
    let deleted = depot.server.request("DELETE", &path);
    let deleted = deleted.header("authorization", depot.server.admin.header());
    assert_eq!(Answer::of(deleted).await.status, 200);
    again().await.error(401);
    assert_eq!(depot.rows().await, 0);
    assert_eq!(depot.vendor.count(), 0, "nobody was asked");
}

/// What was done for one account says nothing of another.
#[database_test]
async fn an_instance_that_is_of_another_account_by_now(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.makes(7);
    let sent = json!({"name": "x"});
    let again = async || depot.keyed("key", "POST", "/boxes", &sent).await;
    again().await.success();
    depot.vendor.seen();
    // Whatever a server remembers.
    depot
        .execute(
            "update instances
             set configuration = jsonb_set(configuration, '{site}', '\"other\"')",
        )
        .await;
    for _ in 0..2 {
        let error = again().await.error(409);
        assert!(message(&error).contains("another account"), "{error}");
    }
    assert_eq!(depot.vendor.count(), 0, "nobody was asked");
}

#[database_test]
async fn an_organization_keeps_so_many_answers(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let rows = "insert into keyed_calls (org_id, id, user_id, instance_id, route, key_hmac, body_hmac,
                    pepper_id, state, answer_sealed, lease_until, expires_at)
                select i.org_id, gen_random_uuid(), u.id, i.id, 'POST /boxes',
                    convert_to(n::text, 'UTF8'), '\\x02', 'of then', 'done', '\\x03', now(),
                    now() + interval '1 day'
                from instances i join lateral (select id from users where org_id = i.org_id limit 1) u
                    on true cross join generate_series(1, 100000) n";
    depot.execute(rows).await;
    depot.makes(7);
    let sent = json!({"name": "x"});
    let full = depot.keyed("key", "POST", "/boxes", &sent).await;
    let error = full.error(429);
    assert!(message(&error).contains("Idempotency-Key"), "{error}");
    assert!(full.header("retry-after").is_some());
    assert_eq!((depot.vendor.count(), depot.rows().await), (0, 100_000));
    depot.send("POST", "/boxes", &sent).await.success();
}

#[database_test]
async fn what_an_organization_keeps_is_limited_in_bytes(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let row = "insert into keyed_calls (org_id, id, user_id, instance_id, route, key_hmac, body_hmac,
                   pepper_id, state, answer_sealed, lease_until, expires_at)
               select i.org_id, gen_random_uuid(), u.id, i.id, 'POST /boxes', '\\x01', '\\x02', 'of then',
                   'done', convert_to(repeat('x', 67108864), 'UTF8'), now(), now() + interval '1 day'
               from instances i join lateral (select id from users where org_id = i.org_id limit 1) u
                   on true limit 1";
    depot.execute(row).await;
    depot.makes(7);
    let sent = json!({"name": "x"});
    depot.keyed("key", "POST", "/boxes", &sent).await.success();
    depot.vendor.seen();
    let again = depot.keyed("key", "POST", "/boxes", &sent).await;
    let error = again.error(409);
    assert!(message(&error).contains("Do not send it again"), "{error}");
    assert_eq!(depot.vendor.count(), 0);
}

#[database_test]
async fn what_the_vendor_refuses_is_forgotten(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    for (status, ours) in [(400, 400), (404, 404), (409, 409), (422, 400), (429, 429)] {
        vendor.forget();
        let answer = json!({"message": "no"});
        vendor.will("POST /base/boxes", status, &answer);
        for _ in 0..2 {
            let refused = depot.keyed("key", "POST", "/boxes", &json!({})).await;
            assert_eq!(refused.status, 400, "an empty body");
            let refused = depot.keyed("key", "POST", "/boxes", &json!({"a": 1})).await;
            refused.error(ours);
        }
        assert_eq!(vendor.seen().len(), 2, "{status}: asked each time");
        assert_eq!(depot.rows().await, 0, "{status}");
    }
    // A refusal that claims to be a success.
    vendor.forget();
    let complaint = json!({"complaint": "full"});
    vendor.will("POST /base/boxes", 200, &complaint);
    depot
        .keyed("key", "POST", "/boxes", &json!({"a": 1}))
        .await
        .error(409);
    assert_eq!(depot.rows().await, 0);
    // Nothing was sent.
    vendor.forget();
    for (method, path, body) in [("POST", "/boxes", "{"), ("POST", "/nothing", "{}")] {
        let request = depot.keyed_request("key", method, path);
        let request = request.header("content-type", "application/json");
        let answer = Answer::of(request.body(body)).await;
        assert!((400..500).contains(&answer.status), "{answer}");
    }
    assert_eq!((vendor.count(), depot.rows().await), (0, 0));
    // The same key, even for another body.
    depot.makes(7);
    let made = depot
        .keyed("key", "POST", "/boxes", &json!({"at": "last"}))
        .await;
    assert_eq!(made.success()["id"], 7);
}

#[database_test]
async fn what_has_no_key_costs_nothing_and_what_cannot_have_one_is_told(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let vendor = &depot.vendor;
    depot.makes(7);
    depot
        .send("POST", "/boxes", &json!({"a": 1}))
        .await
        .success();
    // What only reads has nothing to be made once.
    for _ in 0..2 {
        vendor.seen();
        let request = depot.keyed_request("two words", "GET", "/boxes/7");
        Answer::of(request).await.success();
        assert_eq!(vendor.count(), 1);
    }
    vendor.seen();
    assert_eq!(depot.rows().await, 0);

    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ntext\r\n--b--\r\n";
    let request = depot.keyed_request("key", "POST", "/boxes/7/papers");
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    let error = Answer::of(request.body(form)).await.error(400);
    assert!(message(&error).contains("Idempotency-Key"), "{error}");
    let long = "k".repeat(256);
    for key in ["", " ", "two words", long.as_str()] {
        let error = depot.keyed(key, "POST", "/boxes", &json!({"a": 1})).await;
        let error = error.error(400);
        assert!(message(&error).contains("Idempotency-Key"), "{error}");
    }
    assert_eq!((vendor.count(), depot.rows().await), (0, 0));
}

#[database_test]
async fn an_answer_that_is_too_long_to_be_kept(database: TestDatabase) {
    let depot = Depot::start(database).await;
    let long = json!({"box": {"id": 7, "name": "x".repeat(300_000)}});
    depot.vendor.will("PUT /base/boxes/7", 200, &long);
    let sent = json!({"name": "x"});
    let first = depot.keyed("key", "PATCH", "/boxes/7", &sent).await;
    assert_eq!(first.success(), long["box"]);
    depot.vendor.seen();
    let error = depot
        .keyed("key", "PATCH", "/boxes/7", &sent)
        .await
        .error(409);
    assert!(message(&error).contains("Do not send it again"), "{error}");
    assert_eq!(depot.vendor.count(), 0);
}

/// Somebody works on it; and when the caller is gone, somebody still does.
#[database_test]
async fn a_call_under_way_is_told_and_comes_to_its_end(database: TestDatabase) {
    let depot = Depot::start(database).await;
    depot.makes(7);
    let gate = depot.vendor.holds("POST /base/boxes");
    let sent = json!({"name": "x"});
    let request = depot.keyed_request("key", "POST", "/boxes").json(&sent);
    let first = tokio::spawn(request.send());
    until("the vendor is asked", async || depot.vendor.count() == 1).await;
    let second = depot.keyed("key", "POST", "/boxes", &sent).await;
    second.error(409);
    assert_eq!(second.header("retry-after"), Some("2"));
    let other = depot
        .keyed("key", "POST", "/boxes", &json!({"name": "y"}))
        .await;
    other.error(409);
    assert_eq!(other.header("retry-after"), None);
    first.abort();
    assert!(first.await.is_err(), "the caller is gone");
    gate.add_permits(1);
    let server = &depot.server;
    answered(server).await;
    let again = depot.keyed("key", "POST", "/boxes", &sent).await;
    assert_eq!(again.success()["id"], 7);
    assert_eq!(depot.vendor.seen().len(), 2, "made once");
}

async fn answered(server: &TestServer) {
    until("the answer is kept", async || {
        let done = "select count(*) from keyed_calls where state = 'done'";
        let done: i64 = sqlx::query_scalar(done)
            .fetch_one(&server.database.pool)
            .await
            .expect("a count");
        done == 1
    })
    .await;
}
