//! Leases: one holder at a time, by the database's clock.

use std::time::Duration;

use bunsen::ids::Secret;
use bunsen::store::Store;
use uuid::Uuid;

use super::execute;
use crate::database::{TestDatabase, database_test};

const LONG: Duration = Duration::from_secs(60);

async fn store(database: &TestDatabase) -> Store {
    Store::connect(&Secret::new(database.url.as_str()), 64, 8)
        .await
        .expect("the test's database answers")
}

#[database_test]
async fn a_lease_has_one_holder_until_it_ends(database: TestDatabase) {
    let store = store(&database).await;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let take = async |name, holder| {
        store
            .try_lease(name, holder, LONG)
            .await
            .expect("an answer")
    };
    assert!(take("work", one).await);
    assert!(take("work", one).await, "renewed");
    assert!(!take("work", other).await);
    assert!(take("other work", other).await);

    store.release("work", other).await.expect("an answer");
    assert!(!take("work", other).await, "not theirs to give back");
    store.release("work", one).await.expect("an answer");
    assert!(take("work", other).await);

    execute(
        &database,
        "update leases set expires_at = clock_timestamp()",
    )
    .await;
    assert!(take("work", one).await, "it ran out");
    assert!(!take("work", other).await);
}

#[database_test]
async fn of_many_who_ask_at_once_one_gets_it(database: TestDatabase) {
    let store = store(&database).await;
    for round in 0..10 {
        let name = format!("round {round}");
        let askers: Vec<_> = (0..16)
            .map(|_| {
                let (store, name) = (store.clone(), name.clone());
                tokio::spawn(async move { store.try_lease(&name, Uuid::new_v4(), LONG).await })
            })
            .collect();
        let mut holders = 0;
        for asker in askers {
            holders += u32::from(asker.await.expect("no panic").expect("an answer"));
        }
        assert_eq!(holders, 1);
        // The next round takes over what ran out.
        execute(
            &database,
            "update leases set expires_at = clock_timestamp()",
        )
        .await;
    }
}
