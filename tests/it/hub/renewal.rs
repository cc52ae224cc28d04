//! Tokens that have ended are renewed because a hub call needs them, once for all callers.

use bunsen_test_macros::database_test;
use serde_json::Value;

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::operators::Site;
use crate::passthrough::renewal::{
    NOT_DUE, SPENT, all_are_answered, create, expire, spends, together,
};

/// Of each element whose tokens end: a list that wants nothing to be named.
fn lists() -> Vec<(Case, String)> {
    let list = |case: Case| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
        let text = std::fs::read_to_string(folder.join(&case.element).join("element.json"));
        let definition: Value = serde_json::from_str(&text.expect("a definition")).expect("JSON");
        let resources = definition["resources"].as_array().expect("resources");
        let path = resources.iter().find_map(|resource| {
            let path = resource["path"].as_str()?;
            let parameters = resource["parameters"].as_array()?;
            let plain = resource["type"] == "api"
                && resource["method"] == "GET"
                && !path.contains('{')
                && !path.ends_with("/ping")
                && parameters
                    .iter()
                    .all(|parameter| parameter["required"] != true);
            plain.then(|| path.to_owned())
        });
        Some((case, path?))
    };
    let lists: Vec<(Case, String)> = Case::all().into_iter().filter_map(list).collect();
    assert!(
        !lists.is_empty(),
        "an element has tokens that end, and resources"
    );
    lists
}

#[database_test]
async fn one_renewal_for_all_hub_calls_of_two_servers(database: TestDatabase) {
    let site = Site::new(database).await;
    let one = site.serve("one").await;
    let two = site.serve_with("two", &[]).await;
    for (case, path) in lists() {
        site.vendors.reset().await;
        let header = create(&site, &case, &one).await;
        let first = spends(&site, &case).await.0;
        all_are_answered(&together(&[&one, &two], &header, &path).await);
        assert_eq!(
            spends(&site, &case).await,
            (first, 0),
            "{}: all is well",
            case.element
        );

        expire(&site, &case).await;
        let answers = together(&[&one, &two], &header, &path).await;
        all_are_answered(&answers);
        let most = answers
            .iter()
            .map(|answer| answer.header("elements-attempts"));
        assert!(most.max() == Some(Some("2")), "refused, and repeated once");
        assert_eq!(
            spends(&site, &case).await,
            (first + 1, 0),
            "{}: refused",
            case.element
        );

        // Known to have ended: the vendor does not see the old one at all.
        site.execute(NOT_DUE).await;
        site.execute(SPENT).await;
        let answers = together(&[&one, &two], &header, &path).await;
        all_are_answered(&answers);
        assert!(
            answers
                .iter()
                .all(|answer| answer.header("elements-attempts") == Some("1"))
        );
        assert_eq!(
            spends(&site, &case).await,
            (first + 2, 0),
            "{}: ended",
            case.element
        );
    }
    one.stop().await;
    two.stop().await;
}

#[database_test]
async fn a_vendor_that_refuses_new_tokens_is_believed(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    for (case, path) in lists() {
        site.vendors.reset().await;
        let header = create(&site, &case, &server).await;
        let renewed = spends(&site, &case).await.0;
        let refused = serde_json::json!({"kind": "status", "status": 401, "body": "{\"no\":1}", "path": "/api/*"});
        site.vendors.fault(refused).await;
        let answer = Answer::of(server.request("GET", &path, &header)).await;
        answer.error(401);
        assert_eq!(answer.header("elements-attempts"), Some("2"));
        assert_eq!(answer.header("elements-fault"), Some("vendor"));
        assert_eq!(spends(&site, &case).await, (renewed + 1, 0));
        // New tokens are not renewed again for that.
        let answer = Answer::of(server.request("GET", &path, &header)).await;
        answer.error(401);
        assert_eq!(answer.header("elements-attempts"), Some("1"));
        assert_eq!(spends(&site, &case).await, (renewed + 1, 0));
        site.vendors
            .control("DELETE", "/_control/faults", None)
            .await;
        Answer::of(server.request("GET", &path, &header))
            .await
            .success();
    }
    server.stop().await;
}
