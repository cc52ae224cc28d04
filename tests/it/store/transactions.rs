//! Connections and transactions as every store function uses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bunsen::error::Error;
use bunsen::ids::Secret;
use bunsen::store::{ConnectError, InstanceFilter, Store};

use super::{Made, World, count, execute};
use crate::database::{TestDatabase, database_test};

/// A server that is stopped in the middle of a transaction does not hold its locks for ever.
#[database_test]
async fn a_transaction_in_which_nothing_happens_ends(database: TestDatabase) {
    let world = World::new(&database).await;
    let mut transaction = world.store.begin().await.expect("a transaction");
    let (limit,): (String,) =
        sqlx::query_as("select current_setting('idle_in_transaction_session_timeout')")
            .fetch_one(&mut *transaction)
            .await
            .expect("a setting");
    assert_eq!(limit, "30s");
    transaction.rollback().await.expect("it ends");
    // No setting of the connection's, which a pooler gives to others.
    let mut connection = world.store.begin().await.expect("a transaction");
    sqlx::query("rollback")
        .execute(&mut *connection)
        .await
        .expect("it ends");
    let (limit,): (String,) =
        sqlx::query_as("select current_setting('idle_in_transaction_session_timeout')")
            .fetch_one(&mut *connection)
            .await
            .expect("a setting");
    assert_eq!(limit, "0");
}

#[database_test]
async fn a_deadlock_is_run_again(database: TestDatabase) {
    let world = World::new(&database).await;
    execute(
        &database,
        "create table counters (id int primary key, n int not null);
         insert into counters values (1, 0), (2, 0)",
    )
    .await;
    let runs = Arc::new(AtomicU32::new(0));
    let meet = Arc::new(tokio::sync::Barrier::new(2));
    // Two that take the same rows in opposite order, each holding its first when it asks for
    // its second: Postgres ends one of them.
    let workers: Vec<_> = [[1, 2], [2, 1]]
        .into_iter()
        .map(|order: [i32; 2]| {
            let (store, runs, meet) = (world.store.clone(), runs.clone(), meet.clone());
            tokio::spawn(async move {
                let mut first_run = true;
                let (runs, meet) = (&runs, &meet);
                store
                    .transaction(|mut transaction| {
                        let first_run = std::mem::take(&mut first_run);
                        async move {
                            runs.fetch_add(1, Ordering::SeqCst);
                            for (step, id) in order.into_iter().enumerate() {
                                if step == 1 && first_run {
                                    meet.wait().await;
                                }
                                sqlx::query("update counters set n = n + 1 where id = $1")
                                    .bind(id)
                                    .execute(&mut *transaction)
                                    .await?;
                            }
                            Ok((transaction, ()))
                        }
                    })
                    .await
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("no panic").expect("in the end");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one was run again");
    assert_eq!(count(&database, "select sum(n) from counters").await, 4);
}

#[database_test]
async fn other_failures_are_not_run_again_and_leave_nothing(database: TestDatabase) {
    let world = World::new(&database).await;
    let mut runs = 0;
    let outcome: Result<(), Error> = world
        .store
        .transaction(|mut transaction| {
            runs += 1;
            async move {
                sqlx::query("update organizations set name = 'changed'")
                    .execute(&mut *transaction)
                    .await?;
                Err(Error::Conflict("no".into()))
            }
        })
        .await;
    assert!(matches!(outcome, Err(Error::Conflict(_))));
    assert_eq!(runs, 1);
    let changed = "select count(*) from organizations where name = 'changed'";
    assert_eq!(count(&database, changed).await, 0);
}

/// What a pooler of transactions does between two transactions: nothing of a session may matter.
/// `discard all` takes what sessions keep; a named statement that we counted on would be missed.
#[database_test]
async fn without_a_statement_cache_nothing_outlives_a_transaction(database: TestDatabase) {
    let url = Secret::new(database.url.as_str());
    let store = Store::connect(&url, 0, 1).await.expect("answers");
    let world = World::on(store).await;
    let id = world.instance(&world.one, Made::default()).await;
    for _ in 0..3 {
        let found = world.org().instances(&InstanceFilter::default()).await;
        assert_eq!(found.expect("a list").len(), 1);
        assert!(world.org().instance(id).await.expect("readable").is_some());
        world.org().organization_keys().await.expect("readable");
    }
    // On the store's only connection.
    let mut transaction = world.store.begin().await.expect("the connection");
    let (named,): (i64,) = sqlx::query_as("select count(*) from pg_prepared_statements")
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await
        .expect("a count");
    assert_eq!(named, 0);
}

#[database_test]
async fn a_wrong_database_is_refused_in_words(database: TestDatabase) {
    for (url, expected) in [
        (
            "mysql://user:marked-secret@host/db".to_owned(),
            "postgres://",
        ),
        ("not a url marked-secret".to_owned(), "postgres://"),
        (
            "postgres://user:marked-secret@host:port/db".to_owned(),
            "postgres://",
        ),
        (
            database
                .url
                .replace("/test_", "/missing_marked-secret_test_"),
            "cannot be used",
        ),
    ] {
        let error = Store::connect(&Secret::new(url), 64, 1).await;
        let error = error.expect_err("refused");
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("marked-secret@"), "{text}");
        assert!(matches!(
            error,
            ConnectError::Url | ConnectError::Database(_)
        ));
    }
    let shown = format!("{:?}", World::new(&database).await.store);
    assert!(!shown.contains("postgres"), "{shown}");
}
