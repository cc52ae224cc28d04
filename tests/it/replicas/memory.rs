//! What a server remembers: that it is used at all, what it keeps apart, and what it never believes.

use bunsen::callers::{Callers, Watch, settle};
use bunsen::ids::{OrganizationId, UserId};
use bunsen::store::{Found, Owner, Store};
use bunsen_test_macros::database_test;
use sqlx::Connection;
use tokio::sync::oneshot;

use super::{Pair, call};
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::vendors::until;

/// While nobody can read the index of secrets, known callers do not notice.
#[database_test]
async fn a_known_caller_is_not_looked_up(database: TestDatabase) {
    let pair = Pair::start(database).await;
    let (_, token) = pair.instance().await;
    assert_eq!(call(&pair.two, &token).await, 404);
    let mut connection = pair
        .site
        .database
        .pool
        .acquire()
        .await
        .expect("a connection");
    let mut transaction = connection.begin().await.expect("a transaction");
    sqlx::query("lock table secret_index in access exclusive mode")
        .execute(&mut *transaction)
        .await
        .expect("a lock");
    for _ in 0..20 {
        assert_eq!(call(&pair.two, &token).await, 404);
    }
    // An unknown one waits for the database.
    let unknown = format!("{token}x");
    let patience = std::time::Duration::from_millis(300);
    let unknown = tokio::time::timeout(patience, call(&pair.two, &unknown)).await;
    assert!(unknown.is_err());
    transaction.rollback().await.expect("the lock is gone");
    pair.stop().await;
}

fn organization(id: i64, hmac: u8) -> std::sync::Arc<Found> {
    std::sync::Arc::new(Found {
        hmac: vec![hmac; 32],
        organization: OrganizationId(id),
        organization_active: true,
        owner: Owner::Organization,
    })
}

/// A server in this process: its memory, and the watch that keeps it honest.
async fn remembering(store: &Store) -> (Callers, oneshot::Sender<()>) {
    let callers = Callers::default();
    let watch = Watch::begin(store.clone(), callers.clone())
        .await
        .expect("a lease");
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(watch.run(async move {
        let _ = stopped.await;
    }));
    (callers, stop)
}

#[database_test]
async fn a_reading_that_comes_late_is_not_believed(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let (callers, _running) = remembering(&store).await;
    let (ended, other) = (organization(1, 1), organization(2, 2));
    let began = callers.begin();
    callers.remember(began, &ended);
    callers.remember(began, &other);
    assert!(callers.find(&[1; 32]).is_some() && callers.find(&[2; 32]).is_some());

    // Another server revokes; this one is in the middle of reading what was good until then.
    let late = callers.begin();
    let org = store.org(OrganizationId(1));
    let revoked = org.set_organization_active(false).await;
    settle(&store, revoked.expect("a revocation")).await;
    assert!(callers.find(&[1; 32]).is_none());
    callers.remember(late, &ended);
    assert!(callers.find(&[1; 32]).is_none(), "read before it ended");
    assert!(callers.find(&[2; 32]).is_some(), "another organization's");
    callers.remember(callers.begin(), &ended);
    assert!(callers.find(&[1; 32]).is_some(), "read after");

    let all = store.all_orgs().revoke_everything().await;
    settle(&store, all.expect("a revocation")).await;
    assert!(callers.find(&[2; 32]).is_none());
}

#[database_test]
async fn nothing_is_remembered_without_a_lease(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let never = Callers::default();
    never.remember(never.begin(), &organization(1, 1));
    assert!(never.find(&[1; 32]).is_none());

    let (callers, running) = remembering(&store).await;
    callers.remember(callers.begin(), &organization(1, 1));
    assert!(callers.find(&[1; 32]).is_some());
    drop(running);
    until("the lease is given back", async || {
        callers.find(&[1; 32]).is_none()
            && store.caller_caches(None).await.expect("leases").is_empty()
    })
    .await;
}

#[database_test]
async fn who_may_not_call_is_not_remembered(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let (callers, _running) = remembering(&store).await;
    let user = |active, account_active| {
        Owner::User(bunsen::store::FoundUser {
            id: UserId(1),
            active,
            roles: vec!["org".into()],
            account: bunsen::ids::AccountId(1),
            account_active,
        })
    };
    for (organization_active, owner, kept) in [
        (true, user(true, true), true),
        (false, user(true, true), false),
        (true, user(false, true), false),
        (true, user(true, false), false),
        (false, Owner::Organization, false),
    ] {
        let found = std::sync::Arc::new(Found {
            hmac: vec![9; 32],
            organization: OrganizationId(1),
            organization_active,
            owner,
        });
        let everybody = store.all_orgs().revoke_everything().await;
        settle(&store, everybody.expect("a revocation")).await;
        callers.remember(callers.begin(), &found);
        assert_eq!(callers.find(&[9; 32]).is_some(), kept, "{found:?}");
    }
}

/// Revocations go once every server has acted upon them, and not before.
#[database_test]
async fn what_everybody_has_heard_is_swept(database: TestDatabase) {
    let site = Site::new(database).await;
    let store = Store::with_pool(site.database.pool.clone(), 100);
    let old = "select count(*) from revocations";
    let deaf = store.look_for_revocations(None).await.expect("a look");
    let server = uuid::Uuid::new_v4();
    let lease = std::time::Duration::from_secs(600);
    store
        .announce_caller_cache(server, &deaf.snapshot, lease)
        .await
        .expect("a lease");
    let org = store.org(OrganizationId(1));
    let revoked = org.set_organization_active(true).await;
    let revocation = revoked.expect("a revocation");
    assert!(!revocation.is_seen_by(&deaf.snapshot));
    site.execute("update revocations set made_at = made_at - interval '5 minutes'")
        .await;
    store.sweep_revocations().await.expect("swept");
    assert_eq!(site.count(old).await, 1, "one server has not heard of it");
    let look = store.look_for_revocations(Some(&deaf.snapshot)).await;
    let look = look.expect("a look");
    assert_eq!(look.revoked, [Some(OrganizationId(1))]);
    assert!(revocation.is_seen_by(&look.snapshot));
    let again = store.look_for_revocations(Some(&look.snapshot)).await;
    assert!(again.expect("a look").revoked.is_empty());
    store
        .announce_caller_cache(server, &look.snapshot, lease)
        .await
        .expect("heard");
    store.sweep_revocations().await.expect("swept");
    assert_eq!(site.count(old).await, 0);
}

/// Rows of another cluster's transactions would be news at every look.
#[database_test]
async fn what_a_backup_brought_along_is_swept(database: TestDatabase) {
    let site = Site::new(database).await;
    let store = Store::with_pool(site.database.pool.clone(), 100);
    site.execute(
        "insert into revocations (by_transaction, org_id) values ('99999999999', 1), ('3', 1)",
    )
    .await;
    store.sweep_revocations().await.expect("swept");
    let left = "select by_transaction::text::bigint from revocations";
    assert_eq!(
        site.count(left).await,
        3,
        "one as old as that is seen already"
    );
    site.execute("update revocations set made_at = made_at - interval '2 minutes'")
        .await;
    store.sweep_revocations().await.expect("swept");
    assert_eq!(site.count("select count(*) from revocations").await, 0);
}

/// Two transactions that end in another order than they began.
#[database_test]
async fn an_older_transaction_that_commits_later_is_seen(database: TestDatabase) {
    let store = Store::with_pool(database.pool.clone(), 100);
    let insert = "insert into revocations (org_id) values ($1)";
    let mut slow = database.pool.begin().await.expect("a transaction");
    sqlx::query(insert)
        .bind(1_i64)
        .execute(&mut *slow)
        .await
        .expect("a row");
    sqlx::query(insert)
        .bind(2_i64)
        .execute(&database.pool)
        .await
        .expect("a row");
    let first = store.look_for_revocations(None).await.expect("a look");
    assert_eq!(first.revoked, [Some(OrganizationId(2))]);
    slow.commit().await.expect("a commit");
    let second = store.look_for_revocations(Some(&first.snapshot)).await;
    assert_eq!(second.expect("a look").revoked, [Some(OrganizationId(1))]);
}
