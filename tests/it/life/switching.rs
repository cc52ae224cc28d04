//! Switched off, switched on, deleted.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Life, path};
use crate::database::TestDatabase;
use crate::vendors::{example, example_of_each};

#[database_test]
async fn disabling_and_enabling_by_id_and_by_token(database: TestDatabase) {
    let life = Life::start(database).await;
    for (_, example) in example_of_each() {
        switch_both_ways(&life, &example).await;
    }
}

async fn switch_both_ways(life: &Life, example: &Value) {
    let created = life.create(example).await;
    let other = life.create(example).await;
    let token = life.by_token(&created);
    let user = life.server.admin.header();
    let by_id = format!("{}/enabled", path(&created));
    let by_token = "/instances/enabled".to_owned();
    for (off, on) in [
        ((&user, &by_id), (&user, &by_id)),
        ((&token, &by_token), (&token, &by_token)),
        ((&user, &by_id), (&token, &by_token)),
    ] {
        // Twice each: the second time is no mistake.
        for _ in 0..2 {
            let answer = life.call_with(off.0, "DELETE", off.1, None).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""));
            let read = life.read(&created).await;
            assert_eq!(read["disabled"], true);
            let hub_call = life.call_with(&token, "GET", "/things", None).await;
            hub_call.error(403);
            let described = life.call_with(&token, "GET", "/objects", None).await;
            described.success();
        }
        for _ in 0..2 {
            let answer = life.call_with(on.0, "PUT", on.1, None).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""));
            assert_eq!(life.read(&created).await["disabled"], false);
            let hub_call = life.call_with(&token, "GET", "/things", None).await;
            hub_call.error(404);
        }
    }
    assert_eq!(life.read(&created).await, created, "nothing else changed");
    assert_eq!(life.read(&other).await["disabled"], false);
}

/// A disabled instance is changed like any other and stays disabled.
#[database_test]
async fn a_change_does_not_enable(database: TestDatabase) {
    let life = Life::start(database).await;
    let created = life.create(&example()).await;
    let switch = format!("{}/enabled", path(&created));
    life.call("DELETE", &switch, None).await;
    let mut body = created.clone();
    body["name"] = json!("other");
    let changed = life.call("PUT", &path(&created), Some(&body)).await;
    assert_eq!(changed.success()["disabled"], true);
    let token = life.by_token(&created);
    let body = json!({"tags": []});
    let changed = life
        .call_with(&token, "PATCH", "/instances", Some(&body))
        .await;
    assert_eq!(changed.success()["disabled"], true);
}

#[database_test]
async fn deleting_by_token_ends_the_token(database: TestDatabase) {
    let life = Life::start(database).await;
    for (_, example) in example_of_each() {
        delete_by_token(&life, &example).await;
    }
    let left: i64 = sqlx::query_scalar("select count(*) from secret_index where kind = 'instance'")
        .fetch_one(&life.server.database.pool)
        .await
        .expect("a count");
    assert_eq!(
        left,
        example_of_each().len() as i64,
        "a token outlives its instance"
    );
}

async fn delete_by_token(life: &Life, example: &Value) {
    let created = life.create(example).await;
    let stays = life.create(example).await;
    let token = life.by_token(&created);
    let deleted = life.call_with(&token, "DELETE", "/instances", None).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    for (method, path) in [
        ("DELETE", "/instances"),
        ("PUT", "/instances/enabled"),
        ("GET", "/instances/configuration"),
        ("GET", "/things"),
    ] {
        life.call_with(&token, method, path, None).await.error(401);
    }
    for (method, path) in [
        ("GET", path(&created)),
        ("PUT", format!("{}/enabled", path(&created))),
        ("GET", format!("{}/configuration", path(&created))),
    ] {
        life.call(method, &path, None).await.error(404);
    }
    let changed = life.patch(&created, &json!({"tags": []})).await;
    changed.error(404);
    assert_eq!(life.read(&stays).await, stays);
}
