//! Several servers on one database, seen from the provider: nothing is asked twice.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{ACCESS_SECONDS, CALLBACK, Provider, begin, body, folder};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::vendors::until;

const INSTANCES: usize = 8;
const ROUNDS: usize = 3;
const DUE: &str =
    "update instances set renewal_due_at = now(), renewal_claimed_until = null, renewed_at = null";
const RENEWED: &str = "select count(*) from instances where renewed_at is not null and valid";

#[database_test]
async fn two_servers_spend_no_token_twice(database: TestDatabase) {
    let Some(provider) = Provider::open(ACCESS_SECONDS).await else {
        return;
    };
    let site = Site::new(database).await;
    let elements = folder().join("elements");
    let more = [
        "--elements",
        elements.to_str().expect("a UTF-8 path"),
        "--vendor-route",
        &provider.route(),
    ];
    let one = site.serve_with("one", &more).await;
    let user = one.authorization();
    let mut made = Vec::new();
    for number in 0..INSTANCES {
        let kind = ["code", "form", "public"][number % 3];
        let flow = begin(&provider, kind, CALLBACK, |query| {
            one.request(
                "GET",
                &format!("/elements/harbour/oauth/url?{query}"),
                &user,
            )
        })
        .await;
        assert_eq!(flow.url.host_str(), Some(provider.host().as_str()));
        let brought = flow.allow(&provider).await;
        made.push(one.create(&user, &body(&provider, kind, &brought)).await);
    }
    let two = site.serve_with("two", &more).await;
    for _ in 0..ROUNDS {
        site.execute(DUE).await;
        until("all are renewed", async || {
            site.count(RENEWED).await == INSTANCES as i64
        })
        .await;
    }
    let log = provider.log().await;
    log.is_clean();
    let mut spent = log.tokens("refresh_token.consumed");
    assert_eq!(spent.len(), INSTANCES * ROUNDS);
    spent.sort_unstable();
    spent.dedup();
    assert_eq!(spent.len(), INSTANCES * ROUNDS, "each of them once");

    // Both know what the other has got: whichever is asked, the newest tokens are ended.
    for (number, instance) in made.iter().enumerate() {
        let server = [&one, &two][number % 2];
        let path = format!("/instances/{}", instance["id"]);
        let read = Answer::of(server.request("GET", &path, &user))
            .await
            .success();
        assert_eq!(read["token"], instance["token"]);
        let deleted = Answer::of(server.request("DELETE", &path, &user)).await;
        assert_eq!(deleted.status, 200, "{deleted}");
    }
    let log = provider.log().await;
    assert_eq!(log.count("grant.revoked"), INSTANCES);
    assert_eq!(log.refused(), []);
    for (token, event) in log
        .0
        .iter()
        .filter_map(|entry| Some((entry["token"].as_str()?, &entry["event"])))
    {
        assert!(!provider.is_live(token).await, "{event}");
    }
    for server in [one, two] {
        let log = server.log();
        for secret in [json!("s3cret"), made[0]["token"].clone()] {
            assert!(!log.contains(secret.as_str().expect("a text")), "{log}");
        }
        server.stop().await;
    }
}
