//! What strangers may read of calls to vendors.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Journalled, create};
use crate::answer::Answer;
use crate::database::TestDatabase;

#[database_test]
async fn a_private_element_is_not_named(database: TestDatabase) {
    let site = Journalled::with(database, |definition| {
        definition["private"] = json!(true);
    })
    .await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = Answer::of(create(&server, &user, "key")).await.success();
    let key = made["element"]["key"].as_str().expect("a key");
    let figures = Answer::of(crate::vendors::client().get(format!("{}/metrics", server.url))).await;
    assert_eq!(figures.status, 200);
    assert!(!figures.text.contains(&format!("\"{key}\"")));
    assert!(figures.text.contains("element=\"private\""));
    server.stop().await;
}
