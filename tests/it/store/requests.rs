//! Claims on keyed requests.

use std::time::Duration;

use bunsen::ids::RequestFingerprint;
use bunsen::store::{Claimed, RequestKey};
use bunsen_test_macros::database_test;

use super::World;
use crate::database::TestDatabase;

const MINUTE: Duration = Duration::from_secs(60);

/// As a server sees it that has these peppers, the current one first.
fn request(round: u8, peppers: [u8; 2]) -> RequestKey {
    RequestKey {
        link: None,
        route: "POST /instances".to_owned(),
        fingerprints: peppers
            .map(|pepper| RequestFingerprint {
                key: [2 * round + pepper; 32],
                body: [pepper; 32],
                pepper_id: format!("pepper {pepper}"),
            })
            .into(),
    }
}

#[database_test]
async fn one_has_the_claim_under_whatever_pepper(database: TestDatabase) {
    let world = World::new(&database).await;
    let (org, user) = (world.org(), world.one.user);
    for round in 0..40 {
        let requests: Vec<RequestKey> = (0..4)
            .map(|server| match server % 2 {
                0 => request(round, [0, 1]),
                _ => request(round, [1, 0]),
            })
            .collect();
        let claim = |server: usize| org.claim_request(user, &requests[server], MINUTE, MINUTE);
        let (a, b, c, d) = tokio::join!(claim(0), claim(1), claim(2), claim(3));
        let claimed = [a, b, c, d].map(|claimed| claimed.expect("an answer"));
        let ours = claimed
            .iter()
            .filter(|claimed| matches!(claimed, Claimed::Ours(_)));
        assert_eq!(ours.count(), 1, "round {round}: {claimed:?}");
    }
}
