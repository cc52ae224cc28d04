//! kill -9 at every step of a create, a change and a deletion.
//!
//! A server is held at a step by what it needs there: a slow vendor, or a table that the test has locked. A transaction
//! that waits when its server is killed is rolled back when the lock is gone.

mod meanwhile;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{CALLS, FAREWELL, Journalled, LOG_IN, create, execute, patiently};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::Server;
use crate::vendors::until;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    BeforeIntent,
    /// The intent is durable and the vendor has not been called.
    BeforeCall,
    DuringCall,
    /// The vendor has answered, and nobody knows but the server and the statement that it has sent.
    BeforeAnswer,
    /// The answer is durable and has not been applied.
    BeforeApplied,
    /// Everything is stored, and the caller has not heard of it.
    BeforeReply,
}

use Step::{BeforeAnswer, BeforeApplied, BeforeCall, BeforeIntent, BeforeReply, DuringCall};

/// Statements that a server waits with, at the locks of the test.
const INTENT: &str = "insert into exchanges%";
const ORGANIZATION: &str = "select id from organizations%for no key update";
const KEY: &str = "update idempotency_keys set exchange_id%";
const LOOK: &str = "select extract(epoch from lease_until%";
const ANSWER: &str = "update exchanges%set state = 'answered'%";
const NEW: &str = "with made as (%insert into instances%";
const CHANGED: &str = "%for no key update of i";
const DELETED: &str = "delete from instances%";

impl Journalled {
    /// Sends the request and kills the server when it has come to the step. `applying`: the statement that applies. Gives
    /// the step that it has come to in the end.
    async fn kill_at(
        &self,
        step: Step,
        server: Server,
        request: reqwest::RequestBuilder,
        applying: &str,
    ) -> Step {
        let vendors = &self.site.vendors;
        let before = vendors.calls().await;
        let milliseconds = match step {
            BeforeIntent | BeforeCall => 0,
            DuringCall => 5000,
            BeforeAnswer | BeforeApplied | BeforeReply => 1500,
        };
        vendors
            .fault(json!({"kind": "slow", "milliseconds": milliseconds}))
            .await;
        let mut lock = match step {
            BeforeIntent => Some(self.lock("exchanges", "exclusive").await),
            BeforeCall => {
                let mut row = self.connection().await;
                execute(&mut row, "begin; select from organizations for update").await;
                Some(row)
            }
            _ => None,
        };
        let mut sent = tokio::spawn(request.send());
        match step {
            BeforeIntent => self.wait_until_held(INTENT).await,
            BeforeCall => lock = Some(self.between_intent_and_look(lock).await),
            DuringCall => vendors.wait_for_calls(before + 1).await,
            BeforeAnswer => {
                vendors.wait_for_calls(before + CALLS).await;
                lock = Some(self.lock("exchanges", "exclusive").await);
                self.wait_until_held(ANSWER).await;
            }
            BeforeApplied => {
                vendors.wait_for_calls(before + CALLS).await;
                lock = Some(self.lock("instances", "exclusive").await);
                self.wait_until_held(applying).await;
            }
            BeforeReply => {
                vendors.wait_for_calls(before + CALLS).await;
                sent.abort();
                self.wait_for_states(&["applied"]).await;
            }
        }
        if step != BeforeReply {
            assert!(!sent.is_finished(), "{step:?}: the server is held");
        }
        server.kill().await;
        let told = (&mut sent).await.is_ok_and(|outcome| outcome.is_ok());
        assert!(!told, "{step:?}: nobody was told anything");
        let expected: &[&str] = match step {
            BeforeIntent => &[],
            BeforeCall | DuringCall | BeforeAnswer => &["intent"],
            BeforeApplied => &["answered"],
            BeforeReply => &["applied"],
        };
        if step != BeforeCall {
            assert_eq!(self.states().await, expected, "{step:?}");
            self.assert_sealed().await;
        }
        drop(lock);
        assert_eq!(
            vendors.calls().await - before,
            match step {
                BeforeIntent | BeforeCall => 0,
                DuringCall => 1,
                _ => CALLS,
            },
            "{step:?}"
        );
        vendors.control("DELETE", "/_control/faults", None).await;
        // What waited for a lock is rolled back when its server is gone.
        until("the server's connections are closed", async || {
            self.site
                .count(
                    "select count(*) from pg_stat_activity
                     where datname = current_database() and application_name = 'bunsen'",
                )
                .await
                == 0
        })
        .await;
        let stored = self.states().await;
        // The answer is one statement: when the database had all of it, it is stored.
        if step == BeforeAnswer && stored == ["answered"] {
            return BeforeApplied;
        }
        assert_eq!(stored, expected, "{step:?}");
        step
    }

    /// The intent comes through and the look at its lease does not. The server first waits for the organization's row,
    /// then for the key's; by then its transaction has read the journal, so that it may also write there although
    /// somebody waits for the whole table, who gets it when the intent is committed.
    pub async fn between_intent_and_look(
        &self,
        organization: Option<PgConnection>,
    ) -> PgConnection {
        self.wait_until_held(ORGANIZATION).await;
        let mut key = self.connection().await;
        let running = "begin; select from idempotency_keys where state = 'running' for update";
        execute(&mut key, running).await;
        drop(organization);
        self.wait_until_held(KEY).await;
        let mut whole = self.connection().await;
        let waiting = tokio::spawn(async move {
            let statement = "begin; lock table exchanges in access exclusive mode";
            execute(&mut whole, statement).await;
            whole
        });
        self.wait_until_held("%lock table exchanges in access exclusive mode")
            .await;
        drop(key);
        let whole = waiting.await.expect("the lock");
        self.wait_until_held(LOOK).await;
        whole
    }
}

/// With the same key there is one instance in the end, and the vendor is asked no more often than it must be.
async fn killed_create(database: TestDatabase, step: Step) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let request = create(&server, &user, "key");
    let step = site.kill_at(step, server, request, NEW).await;
    let stored = i64::from(step == BeforeReply);
    assert_eq!(site.instances().await, stored, "{step:?}");
    let asked = site.site.vendors.calls_to(LOG_IN).await;

    let server = site.serve("one").await;
    if !matches!(step, BeforeApplied | BeforeReply) {
        // Nobody can know yet whether the one who claimed it is gone.
        let early = Answer::of(create(&server, &user, "key")).await;
        early.error(409);
        assert!(early.header("retry-after").is_some(), "{step:?}");
        site.expire().await;
    }
    let made = patiently(|| create(&server, &user, "key")).await.success();
    let again = Answer::of(create(&server, &user, "key")).await.success();
    assert_eq!(made["id"], again["id"], "{step:?}");
    assert_eq!(site.instances().await, 1, "{step:?}");
    let again = match step {
        // What the vendor has answered is what the instance is made of.
        BeforeApplied | BeforeReply => 0,
        _ => 1,
    };
    assert_eq!(
        site.site.vendors.calls_to(LOG_IN).await,
        asked + again,
        "{step:?}"
    );
    let expected: &[&str] = match step {
        BeforeIntent | BeforeApplied | BeforeReply => &["applied"],
        _ => &["unknown", "applied"],
    };
    assert_eq!(site.states().await, expected, "{step:?}");
    let read = server.request("GET", &format!("/instances/{}", made["id"]), &user);
    assert_eq!(Answer::of(read).await.success(), made, "{step:?}");
    site.assert_whole().await;
    site.assert_sealed().await;
    server.stop().await;
}

#[database_test]
async fn a_create_killed_before_its_intent(database: TestDatabase) {
    killed_create(database, BeforeIntent).await;
}

#[database_test]
async fn a_create_killed_before_the_call(database: TestDatabase) {
    killed_create(database, BeforeCall).await;
}

#[database_test]
async fn a_create_killed_during_the_call(database: TestDatabase) {
    killed_create(database, DuringCall).await;
}

#[database_test]
async fn a_create_killed_before_the_answer_is_stored(database: TestDatabase) {
    killed_create(database, BeforeAnswer).await;
}

#[database_test]
async fn a_create_killed_before_it_is_applied(database: TestDatabase) {
    killed_create(database, BeforeApplied).await;
}

#[database_test]
async fn a_create_killed_before_the_reply(database: TestDatabase) {
    killed_create(database, BeforeReply).await;
}

/// Without a key nobody asks for it again; what the vendor has answered becomes an instance nevertheless, at another
/// server that was there all the time.
#[database_test]
async fn an_answered_create_is_applied_by_another_server(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let other = site.serve("two").await;
    let user = server.authorization();
    let vendors = &site.site.vendors;
    vendors
        .fault(json!({"kind": "slow", "milliseconds": 500}))
        .await;
    let request = server
        .request("POST", "/instances", &user)
        .json(&super::body("journalled"));
    let sent = tokio::spawn(request.send());
    vendors.wait_for_calls(CALLS).await;
    let lock = site.lock("instances", "exclusive").await;
    site.wait_for_states(&["answered"]).await;
    server.kill().await;
    assert!(sent.await.expect("the request ends").is_err());
    drop(lock);
    // Its own ten seconds, then somebody's look.
    site.wait_for_states(&["applied"]).await;
    assert_eq!(site.instances().await, 1);
    let listed = other.request("GET", "/instances", &user);
    let listed = Answer::of(listed).await.success();
    assert_eq!(listed[0]["name"], "journalled");
    assert_eq!(vendors.calls_to(LOG_IN).await, 1);
    site.assert_whole().await;
    site.assert_sealed().await;
    other.stop().await;
}

fn change(server: &Server, path: &str, user: &str) -> reqwest::RequestBuilder {
    // A changed entry asks the vendor again, and the session is the same one.
    let body = json!({"name": "changed", "configuration": super::body("")["configuration"]});
    server
        .request("PATCH", path, user)
        .header("idempotency-key", "change")
        .json(&body)
}

/// A change is written whole or not at all, and what the vendor has answered is written.
async fn killed_change(database: TestDatabase, step: Step) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = Answer::of(create(&server, &user, "key")).await.success();
    let path = format!("/instances/{}", made["id"]);
    site.site
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    site.site.execute("delete from exchanges").await;
    let row = "select to_jsonb(i) - 'lease_holder' - 'lease_until' from instances i";
    let row = async || -> Value {
        sqlx::query_scalar(row)
            .fetch_one(&site.site.database.pool)
            .await
            .expect("the row")
    };
    let before = row().await;
    let request = change(&server, &path, &user);
    let step = site.kill_at(step, server, request, CHANGED).await;
    let asked = site.site.vendors.calls_to(LOG_IN).await;
    if step != BeforeReply {
        assert_eq!(row().await, before, "{step:?}: nothing of it is written");
    }

    let server = site.serve("one").await;
    site.expire().await;
    until("nothing is open any more", async || {
        let states = site.states().await;
        !states
            .iter()
            .any(|state| state == "intent" || state == "answered")
    })
    .await;
    let written = matches!(step, BeforeApplied | BeforeReply);
    let now = row().await;
    if written {
        assert_eq!(
            (&now["name"], &now["valid"], &now["generation"]),
            (&json!("changed"), &json!(true), &json!(2)),
            "{step:?}"
        );
    } else {
        assert_eq!(now, before, "{step:?}");
    }
    site.assert_whole().await;
    // The same request again comes to the same, once.
    let changed = patiently(|| change(&server, &path, &user)).await.success();
    assert_eq!(
        (&changed["id"], &changed["name"], &changed["valid"]),
        (&made["id"], &json!("changed"), &json!(true)),
        "{step:?}"
    );
    assert_eq!(row().await["generation"], 2, "{step:?}");
    assert_eq!(
        site.site.vendors.calls_to(LOG_IN).await,
        asked + u64::from(!written),
        "{step:?}"
    );
    site.assert_whole().await;
    site.assert_sealed().await;
    server.stop().await;
}

#[database_test]
async fn a_change_killed_before_its_intent(database: TestDatabase) {
    killed_change(database, BeforeIntent).await;
}

#[database_test]
async fn a_change_killed_before_the_call(database: TestDatabase) {
    killed_change(database, BeforeCall).await;
}

#[database_test]
async fn a_change_killed_during_the_call(database: TestDatabase) {
    killed_change(database, DuringCall).await;
}

#[database_test]
async fn a_change_killed_before_the_answer_is_stored(database: TestDatabase) {
    killed_change(database, BeforeAnswer).await;
}

#[database_test]
async fn a_change_killed_before_it_is_applied(database: TestDatabase) {
    killed_change(database, BeforeApplied).await;
}

#[database_test]
async fn a_change_killed_before_the_reply(database: TestDatabase) {
    killed_change(database, BeforeReply).await;
}

/// An answer that was overtaken by another log-in is thrown away.
#[database_test]
async fn an_answer_of_an_older_generation_is_not_written(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = Answer::of(create(&server, &user, "key")).await.success();
    let path = format!("/instances/{}", made["id"]);
    site.site
        .execute("update instances set valid = false, invalid_reason = 'refused'")
        .await;
    site.site.execute("delete from exchanges").await;
    let request = change(&server, &path, &user);
    site.kill_at(BeforeApplied, server, request, CHANGED).await;
    site.site
        .execute("update instances set generation = generation + 1")
        .await;
    let server = site.serve("one").await;
    site.expire().await;
    site.wait_for_states(&["refused"]).await;
    let read = Answer::of(server.request("GET", &path, &user)).await;
    let read = read.success();
    assert_eq!(
        (&read["name"], &read["valid"]),
        (&made["name"], &json!(false))
    );
    site.assert_whole().await;
    server.stop().await;
}

/// Once its intent is durable the deletion happens, whatever the vendor was told.
async fn killed_deletion(database: TestDatabase, step: Step) {
    let site = Journalled::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let made = Answer::of(create(&server, &user, "key")).await.success();
    let path = format!("/instances/{}", made["id"]);
    let vendors = &site.site.vendors;
    let before = vendors.calls().await;
    site.site.execute("delete from exchanges").await;
    let slow = json!({"kind": "slow", "milliseconds": 700});
    vendors.fault(slow).await;
    let mut lock = None;
    if step == BeforeIntent {
        lock = Some(site.lock("exchanges", "exclusive").await);
    }
    let sent = tokio::spawn(server.request("DELETE", &path, &user).send());
    match step {
        BeforeIntent => site.wait_until_held(INTENT).await,
        DuringCall => vendors.wait_for_calls(before + 1).await,
        _ => {
            vendors.wait_for_calls(before + 1).await;
            lock = Some(site.lock("instances", "exclusive").await);
            site.wait_until_held(DELETED).await;
        }
    }
    server.kill().await;
    assert!(sent.await.expect("the request ends").is_err());
    drop(lock);
    assert_eq!(site.instances().await, 1, "{step:?}");

    let server = site.serve("one").await;
    site.expire().await;
    let token = made["token"].as_str().expect("a token");
    if step == BeforeIntent {
        let read = Answer::of(server.request("GET", &path, &user)).await;
        assert_eq!(read.success(), made, "nobody was told that it is gone");
    } else {
        until("the instance is gone", async || {
            Answer::of(server.request("GET", &path, &user)).await.status == 404
        })
        .await;
        let with_token = format!("{user}, Element {token}");
        let hub_call = server.request("GET", "/accounts", &with_token);
        Answer::of(hub_call).await.error(401);
        assert_eq!(vendors.calls_to(FAREWELL).await, 1, "{step:?}");
    }
    site.assert_whole().await;
    site.assert_sealed().await;
    server.stop().await;
}

#[database_test]
async fn a_deletion_killed_before_its_intent(database: TestDatabase) {
    killed_deletion(database, BeforeIntent).await;
}

#[database_test]
async fn a_deletion_killed_during_the_call(database: TestDatabase) {
    killed_deletion(database, DuringCall).await;
}

#[database_test]
async fn a_deletion_killed_before_it_is_applied(database: TestDatabase) {
    killed_deletion(database, BeforeApplied).await;
}
