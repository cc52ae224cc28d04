//! Budgets: what servers lease of one row together.

use std::time::Duration;

use bunsen::ids::Secret;
use bunsen::store::{Leased, Spending, Store};

use super::execute;
use crate::database::{TestDatabase, database_test};

const KEY: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];
const TEN: Spending = Spending {
    calls: 10,
    window: Duration::from_secs(600),
    learned: None,
    wanted: 4,
    back: 0,
};

async fn store(database: &TestDatabase) -> Store {
    Store::connect(&Secret::new(database.url.as_str()), 64, 8)
        .await
        .expect("the test's database answers")
}

async fn lease(store: &Store, spending: Spending) -> Leased {
    let leased = store.lease_calls(&KEY, spending).await;
    leased.expect("a lease")
}

#[database_test]
async fn calls_are_given_out_once_until_the_window_ends(database: TestDatabase) {
    let store = store(&database).await;
    let mut given = Vec::new();
    for _ in 0..4 {
        given.push(lease(&store, TEN).await.calls);
    }
    assert_eq!(given, [4, 4, 2, 0]);
    let left = lease(&store, TEN).await.window_left.as_secs();
    assert!((500..=600).contains(&left), "{left}");
    // What was not made is there for others, and never more than that.
    let back = Spending { back: 3, ..TEN };
    assert_eq!(lease(&store, back).await.calls, 3);
    let other = store.lease_calls(&OTHER, TEN).await.expect("a lease");
    assert_eq!(other.calls, 4, "another budget");
    execute(
        &database,
        "update budgets set window_ends_at = now() - interval '1 second'",
    )
    .await;
    // Of a window that is over nothing comes back.
    let back = Spending { back: 3, ..TEN };
    let given = [
        lease(&store, back).await.calls,
        lease(&store, TEN).await.calls,
    ];
    assert_eq!(given, [4, 4]);
    assert_eq!(lease(&store, TEN).await.calls, 2);
}

#[database_test]
async fn what_the_vendor_says_holds_for_everybody(database: TestDatabase) {
    let store = store(&database).await;
    let learned = Spending {
        learned: Some(6),
        ..TEN
    };
    assert_eq!(lease(&store, learned).await.calls, 4);
    let second = lease(&store, TEN).await;
    assert_eq!((second.calls, second.learned), (2, Some(6)));
    let long = Duration::from_secs(90);
    store.hold_calls(&OTHER, long).await.expect("a hold");
    let short = Duration::from_secs(5);
    store.hold_calls(&OTHER, short).await.expect("a hold");
    let held = store.lease_calls(&OTHER, TEN).await.expect("an answer");
    assert_eq!(held.calls, 0);
    let rest = held.held.expect("a hold").as_secs();
    assert!((60..=90).contains(&rest), "{rest}");
}

#[database_test]
async fn idle_budgets_are_forgotten(database: TestDatabase) {
    let store = store(&database).await;
    lease(&store, TEN).await;
    store
        .hold_calls(&OTHER, Duration::from_secs(600))
        .await
        .expect("a hold");
    let hour = Duration::from_hours(1);
    assert_eq!(store.forget_budgets(hour, 10).await.expect("done"), 0);
    execute(
        &database,
        "update budgets set window_ends_at = now() - interval '2 hours'",
    )
    .await;
    // One of them is held.
    assert_eq!(store.forget_budgets(hour, 10).await.expect("done"), 1);
}
