//! Claims on hub calls with a key.

use std::time::Duration;

use bunsen::ids::{InstanceId, RequestFingerprint, UserId};
use bunsen::store::{CallClaimed, CallKey};
use bunsen_test_macros::database_test;
use uuid::Uuid;

use super::{Made, World};
use crate::database::TestDatabase;

const MINUTE: Duration = Duration::from_secs(60);

/// As a server sees it that has these peppers, the current one first.
fn key(user: UserId, instance: InstanceId, round: u8, peppers: [u8; 2]) -> CallKey {
    CallKey {
        user,
        instance,
        route: "POST /contacts".to_owned(),
        fingerprints: peppers
            .map(|pepper| RequestFingerprint {
                key: [2 * round + pepper; 32],
                body: [pepper; 32],
                pepper_id: format!("pepper {pepper}"),
            })
            .into(),
    }
}

fn ours(claimed: CallClaimed) -> Uuid {
    match claimed {
        CallClaimed::Ours(id) => id,
        other => panic!("{other:?}"),
    }
}

#[database_test]
async fn one_has_the_call_under_whatever_pepper(database: TestDatabase) {
    let world = World::new(&database).await;
    let (org, user) = (world.org(), world.one.user);
    let instance = world.instance(&world.one, Made::default()).await;
    for round in 0..40 {
        let keys: Vec<CallKey> = (0..4)
            .map(|server| match server % 2 {
                0 => key(user, instance, round, [0, 1]),
                _ => key(user, instance, round, [1, 0]),
            })
            .collect();
        let claim = |server: usize| org.claim_call(&keys[server], MINUTE, MINUTE);
        let (a, b, c, d) = tokio::join!(claim(0), claim(1), claim(2), claim(3));
        let claimed = [a, b, c, d].map(|claimed| claimed.expect("an answer"));
        let ours = claimed
            .iter()
            .filter(|claimed| matches!(claimed, CallClaimed::Ours(_)));
        assert_eq!(ours.count(), 1, "round {round}: {claimed:?}");
    }
}

/// Whoever was held up finds that the call is another's by now; of another organization's nobody
/// finds anything.
#[database_test]
async fn who_comes_too_late_changes_nothing(database: TestDatabase) {
    let world = World::new(&database).await;
    let (org, other) = (world.org(), world.other_org());
    let instance = world.instance(&world.one, Made::default()).await;
    let key = key(world.one.user, instance, 0, [0, 1]);
    let claim = async |lease| org.claim_call(&key, lease, MINUTE).await.expect("a claim");
    let late = ours(claim(Duration::ZERO).await);
    let next = ours(claim(MINUTE).await);
    assert!(!org.call_is_sending(late, true, MINUTE).await.expect("told"));
    org.finish_call(late, b"late").await.expect("nothing");
    org.release_call(late).await.expect("nothing");
    for id in [late, next] {
        assert!(!other.call_is_sending(id, true, MINUTE).await.expect("told"));
        other.finish_call(id, b"theirs").await.expect("nothing");
        other.release_call(id).await.expect("nothing");
    }
    assert!(matches!(claim(MINUTE).await, CallClaimed::InFlight));

    // What was sent once that must not be sent twice stays so, whatever follows.
    assert!(
        org.call_is_sending(next, false, MINUTE)
            .await
            .expect("told")
    );
    assert!(
        org.call_is_sending(next, true, Duration::ZERO)
            .await
            .expect("told")
    );
    assert!(matches!(claim(MINUTE).await, CallClaimed::Unknown { .. }));
    org.finish_call(next, b"answer").await.expect("kept");
    let done = claim(MINUTE).await;
    let CallClaimed::Done { id, answer_sealed } = done else {
        panic!("{done:?}");
    };
    assert_eq!((id, answer_sealed.as_slice()), (next, b"answer".as_slice()));
    org.release_call(next).await.expect("nothing");
    assert!(matches!(claim(MINUTE).await, CallClaimed::Done { .. }));
    let removed = org.remove_instance(instance, None).await.expect("removed");
    assert!(removed.is_some());
    assert!(matches!(claim(MINUTE).await, CallClaimed::InFlight), "gone");
}
