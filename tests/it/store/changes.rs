//! Instances changed, switched off and on: one organization's, and never another's.

use std::collections::BTreeMap;

use bunsen::store::{ExternalAuthentication, InstanceChange, InstanceFilter};

use super::{Made, World, commit, execute};
use crate::database::{TestDatabase, database_test};

fn change<'a>(
    configuration: &'a BTreeMap<String, String>,
    tags: &'a [String],
    logged_in: bool,
) -> InstanceChange<'a> {
    InstanceChange {
        name: "MÜLLER",
        tags,
        credential_group: "token",
        configuration,
        credentials_sealed: b"sealed anew",
        external_authentication: ExternalAuthentication::None,
        logged_in,
        renewal_due_at: None,
    }
}

#[database_test]
async fn a_change_is_whole_and_a_log_in_makes_valid(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let other = world.instance(&world.one, Made::default()).await;
    execute(
        &database,
        "update instances set valid = false, invalid_reason = 'refused', invalid_since = now()",
    )
    .await;
    let before = world.org().instance(id).await.expect("readable");
    let before = before.expect("there");
    let configuration = BTreeMap::from([("site".to_owned(), "b".to_owned())]);
    let tags = ["new".to_owned()];
    for (logged_in, generation) in [(false, 1), (true, 2), (false, 2)] {
        let changed = commit(&world.store, async |connection| {
            let locked = world.org().lock_instance(connection, id).await?;
            let locked = locked.expect("there");
            let change = change(&configuration, &tags, logged_in);
            world
                .org()
                .change_instance(connection, &locked, &change)
                .await
        })
        .await
        .expect("a change")
        .expect("there");
        let (changed, revocation) = changed;
        // Calls are made in another way after the first of them.
        assert_eq!(revocation.is_some(), generation == 1);
        assert_eq!(changed.name, "MÜLLER");
        assert_eq!(changed.tags, tags);
        assert_eq!(changed.credential_group, "token");
        assert_eq!(changed.configuration, configuration);
        assert_eq!(changed.credentials_sealed, b"sealed anew");
        assert_eq!(
            changed.external_authentication,
            ExternalAuthentication::None
        );
        assert_eq!(changed.generation, generation);
        // What a log-in has made valid stays so.
        assert_eq!(changed.valid, generation == 2);
        assert_eq!(changed.invalid_reason.is_none(), generation == 2);
        assert_eq!(changed.invalid_since.is_none(), generation == 2);
        assert_eq!(changed.token_sealed, before.token_sealed);
        assert_eq!(changed.created_at, before.created_at);
        assert!(changed.updated_at > before.updated_at);
    }
    let search = InstanceFilter {
        search_text: Some("müll"),
        ..InstanceFilter::default()
    };
    let found = world.org().instances(&search).await.expect("a list");
    assert_eq!(found.len(), 1, "the folded name follows");
    let other = world.org().instance(other).await.expect("readable");
    assert_eq!(other.expect("there").generation, 1);
}

#[database_test]
async fn another_organization_changes_and_switches_nothing(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let before = world.org().instance(id).await.expect("readable");
    let before = before.expect("there");
    let foreign = world.other_org();
    let configuration = BTreeMap::new();
    let changed = commit(&world.store, async |connection| {
        let locked = foreign.lock_instance(connection, id).await?;
        assert!(locked.is_none());
        let change = change(&configuration, &[], true);
        foreign.change_instance(connection, &before, &change).await
    })
    .await;
    assert!(changed.expect("an answer").is_none());
    let switched = foreign.set_instance_disabled(id, true).await;
    assert!(switched.expect("an answer").is_none());
    let found = world.org().instance(id).await.expect("readable");
    let found = found.expect("there");
    assert_eq!(
        (found.name.as_str(), found.disabled),
        ("an instance", false)
    );
    assert_eq!(found.generation, 1);
}

#[database_test]
async fn switching_again_is_no_change(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let mut times = Vec::new();
    for disabled in [true, true, false, false] {
        let switched = world.org().set_instance_disabled(id, disabled).await;
        assert!(switched.expect("an answer").is_some());
        let found = world.org().instance(id).await.expect("readable");
        let found = found.expect("there");
        assert_eq!(found.disabled, disabled);
        times.push(found.updated_at);
    }
    assert_eq!(times[0], times[1]);
    assert!(times[2] > times[1]);
    assert_eq!(times[2], times[3]);
}

/// Who has locked the instance is the only one to change it.
#[database_test]
async fn a_lock_keeps_others_waiting(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let mut holding = world.store.begin().await.expect("a transaction");
    let locked = world.org().lock_instance(&mut holding, id).await;
    assert!(locked.expect("an answer").is_some());
    // Reading goes on.
    assert!(world.org().instance(id).await.expect("readable").is_some());
    let mut waiting = world.store.begin().await.expect("a transaction");
    sqlx::raw_sql("set local lock_timeout = '200ms'")
        .execute(&mut *waiting)
        .await
        .expect("a setting");
    let refused = world.org().lock_instance(&mut waiting, id).await;
    assert!(refused.is_err(), "somebody else has it");
    drop(waiting);
    holding.commit().await.expect("a commit");
    let mut next = world.store.begin().await.expect("a transaction");
    let locked = world.org().lock_instance(&mut next, id).await;
    assert!(locked.expect("an answer").is_some());
}
