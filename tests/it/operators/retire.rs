//! Keys leave only when nothing needs them.

use bunsen_test_macros::database_test;

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{try_serve, written};
use crate::vendors::example;

#[database_test]
async fn a_key_is_retired_only_when_nothing_needs_it(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let authorization = server.authorization();
    let created = server.create(&authorization, &example()).await;
    for (kind, held) in [("encrypt", "organization keys"), ("find", "secrets")] {
        let old = site.current(kind).await;
        let text = site.refused(&["keys", "retire", &old]).await;
        assert!(text.contains("is in use"), "{text}");
        site.json(&["keys", "rotate", kind]).await;
        // A row of the old key, as a call that was held up for long would leave it.
        let statement = match kind {
            "encrypt" => {
                "insert into organization_keys (org_id, number, kek_id, wrapped, staged)
                 select org_id, number + 1000, $1, wrapped, true from organization_keys"
            }
            _ => {
                "insert into secret_index (hmac, kind, org_id, object_id, pepper_id)
                 select decode(repeat('ab', 32), 'hex'), kind, org_id, object_id, $1
                 from secret_index where kind = 'user'"
            }
        };
        sqlx::query(statement)
            .bind(&old)
            .execute(&site.database.pool)
            .await
            .expect("a row of the old key");
        let text = site.refused(&["keys", "retire", &old]).await;
        assert!(text.contains(&format!("1 {held}")), "{text}");
        site.execute("delete from organization_keys where number > 1000")
            .await;
        site.execute("delete from secret_index where hmac = decode(repeat('ab', 32), 'hex')")
            .await;
        let retired = site.json(&["keys", "retire", &old]).await;
        assert_eq!(retired["retired"], old.as_str());
        let status = site.json(&["keys", "status"]).await;
        assert_eq!(status[kind].as_array().map(Vec::len), Some(1), "{status}");
    }
    let read = format!("/instances/{}", created["id"]);
    let read = Answer::of(server.request("GET", &read, &authorization)).await;
    assert_eq!(read.success(), created);
    server.stop().await;
    site.serve("one").await.stop().await;
}

/// Two rows under a pepper that this server should not use any more cannot be written.
#[database_test]
async fn a_server_with_a_retired_current_key_is_refused(database: TestDatabase) {
    let mut site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let before = site.folder.text("before.json");
    site.json(&["keys", "rotate", "find"]).await;
    let text = std::fs::read_to_string(&site.keyring).expect("a keyring");
    let mut old: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let retired = old["find"]["keys"][0]["id"].clone();
    old["find"]["current"] = retired.clone();
    std::fs::copy(&site.keyring, &before).expect("copied");
    std::fs::write(&before, old.to_string()).expect("written");
    let retired = retired.as_str().expect("an id").to_owned();
    site.json(&["keys", "retire", &retired]).await;
    site.keyring = before;
    let arguments = [
        "--sandbox",
        &site.vendors.url,
        "--database-url",
        &site.database.url,
        "--keyring",
        &site.keyring,
    ];
    let refused = try_serve(&site.folder.path("one"), &arguments)
        .await
        .expect_err("an old keyring");
    let text = written(&refused);
    assert!(
        text.contains(&retired) && text.contains("retired"),
        "{text}"
    );
}

#[database_test]
async fn a_data_key_is_retired_an_hour_after_it_was_replaced(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let authorization = server.authorization();
    server.create(&authorization, &example()).await;
    site.execute("create table kept as select id, token_sealed from instances")
        .await;
    site.json(&["keys", "rotate", "organization"]).await;
    let text = site.refused(&["keys", "retire", "--organizations"]).await;
    assert!(text.contains("run this again in"), "{text}");
    site.execute("update organization_keys set created_at = created_at - interval '2 hours'")
        .await;
    // What a call that began before sealed after all.
    site.execute("update instances set token_sealed = kept.token_sealed from kept where kept.id = instances.id")
        .await;
    let text = site.refused(&["keys", "retire", "--organizations"]).await;
    assert!(text.contains("still seals 1 values"), "{text}");
    let resumed = site.json(&["keys", "rotate", "organization"]).await;
    assert_eq!(
        (&resumed["resumed"], &resumed["rows"]),
        (&true.into(), &1.into())
    );
    let retired = site.json(&["keys", "retire", "--organizations"]).await;
    assert_eq!(retired["retiredOrganizationKeys"], 1);
    assert_eq!(
        site.count("select count(*) from organization_keys").await,
        1
    );
    Answer::of(server.request("GET", "/instances", &authorization))
        .await
        .success();
    server.stop().await;
}
