//! kill -9 and SIGSTOP at every step of a renewal. A server is held at a step by what it needs there: a table that the
//! test has locked, or a slow vendor. When it is stopped its leases end, others do what is to be done, and it goes on.

use bunsen_test_macros::database_test;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::operators::Site;
use crate::process::Server;
use crate::renewal::{DUE, OPEN, RENEWED, Renewing, fatal};
use crate::vendors::until;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Claimed, and nothing written.
    BeforeIntent,
    /// The intent is durable, and the look at the lease is not made.
    BeforeLook,
    /// The vendor has rotated the token, and has not answered.
    DuringCall,
    /// The answer is read, and nobody knows but the server.
    BeforeAnswer,
    /// The answer is durable, and has not been applied.
    BeforeApplied,
    /// Everything is stored.
    Applied,
}

use Step::{Applied, BeforeAnswer, BeforeApplied, BeforeIntent, BeforeLook, DuringCall};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Killed,
    Stopped,
}

use How::{Killed, Stopped};

const INTENT: &str = "insert into exchanges%";
const LOOK: &str = "select extract(epoch from lease_until%";
const ANSWER: &str = "update exchanges%set state = 'answered'%";
const APPLY: &str = "%for no key update of i%";
/// As if it had been a while.
const LEASES_END: [&str; 3] = [
    "update exchanges set lease_until = now() - interval '1 minute' where state in ('intent', 'answered')",
    "update instances set lease_until = now() - interval '1 minute' where lease_until is not null",
    "update instances set renewal_claimed_until = null",
];
const IN_DOUBT: &str = "select count(*) from instances where renewal_doubt_generation = generation
                        and renewal_due_at > now() + interval '50 minutes' and valid and lease_holder is null";

struct Steps {
    world: Renewing,
    case: Case,
    made: Value,
}

impl Steps {
    fn site(&self) -> &Site {
        &self.world.site
    }

    async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.site().database.url)
            .await
            .expect("the database answers")
    }

    async fn lock(&self, table: &str, mode: &str) -> PgConnection {
        let mut connection = self.connection().await;
        let statement = format!("begin; lock table {table} in {mode} mode");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("a lock");
        connection
    }

    async fn wait_until_held(&self, statement: &str) {
        until(&format!("{statement:?} stands before a lock"), async || {
            let held: bool = sqlx::query_scalar(
                "select exists (select 1 from pg_stat_activity
                                where datname = current_database() and wait_event_type = 'Lock'
                                    and query like $1)",
            )
            .bind(statement)
            .fetch_one(&self.site().database.pool)
            .await
            .expect("an answer");
            held
        })
        .await;
    }

    /// Lets the server come to the step; what holds it there is given.
    async fn hold_at(&self, step: Step) -> Option<PgConnection> {
        let vendors = &self.site().vendors;
        let before = vendors.calls().await;
        let slow = json!({"kind": "slow", "milliseconds": 1500});
        if matches!(step, DuringCall | BeforeAnswer | BeforeApplied) {
            self.world.fault(&self.case, slow).await;
        }
        let first = match step {
            BeforeIntent | BeforeLook => Some(self.lock("exchanges", "share").await),
            _ => None,
        };
        self.site().execute(DUE).await;
        match step {
            BeforeIntent => {
                self.wait_until_held(INTENT).await;
                first
            }
            BeforeLook => {
                self.wait_until_held(INTENT).await;
                // It waits behind the intent, and gets the table when that is committed.
                let mut whole = self.connection().await;
                let waiting = tokio::spawn(async move {
                    sqlx::raw_sql("begin; lock table exchanges in access exclusive mode")
                        .execute(&mut whole)
                        .await
                        .expect("the lock");
                    whole
                });
                self.wait_until_held("begin; lock table exchanges in access exclusive%")
                    .await;
                drop(first);
                let whole = waiting.await.expect("the lock");
                self.wait_until_held(LOOK).await;
                Some(whole)
            }
            DuringCall => {
                vendors.wait_for_calls(before + 1).await;
                None
            }
            BeforeAnswer => {
                vendors.wait_for_calls(before + 1).await;
                let lock = self.lock("exchanges", "exclusive").await;
                self.wait_until_held(ANSWER).await;
                Some(lock)
            }
            BeforeApplied => {
                vendors.wait_for_calls(before + 1).await;
                let lock = self.lock("instances", "exclusive").await;
                self.wait_until_held(APPLY).await;
                Some(lock)
            }
            Applied => {
                self.world.wait_for("it is renewed", RENEWED, 1).await;
                None
            }
        }
    }

    async fn leases_end(&self) {
        for statement in LEASES_END {
            self.site().execute(statement).await;
        }
    }

    /// The stored token is the one that the vendor takes.
    async fn renews_once_more(&self, spends: u64) {
        self.site()
            .execute("update instances set renewed_at = null")
            .await;
        self.site().execute(DUE).await;
        self.world
            .wait_for("it is renewed once more", RENEWED, 1)
            .await;
        assert_eq!(self.world.spends(&self.case).await, (spends, 0));
    }
}

async fn at(database: TestDatabase, step: Step, how: How) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    // Without named statements whatever writes is a transaction of several: what waits for a lock is not all there.
    let one = ["--statement-cache", "0"];
    let one = world.site.serve_with("one", &one).await;
    let made = world.create(&case, &one).await;
    let steps = Steps { world, case, made };
    let held = steps.hold_at(step).await;
    match how {
        Killed => killed(&steps, step, one, held).await,
        Stopped => stopped(&steps, step, one, held).await,
    }
}

async fn killed(steps: &Steps, step: Step, one: Server, held: Option<PgConnection>) {
    let (world, case) = (&steps.world, &steps.case);
    one.kill().await;
    drop(held);
    world.no_faults().await;
    until("what its connections had begun is over", async || {
        let connected = "select count(*) from pg_stat_activity
                         where datname = current_database() and application_name = 'bunsen'";
        world.site.count(connected).await == 0
    })
    .await;
    steps.leases_end().await;
    let two = world.site.serve("one").await;
    match step {
        // The vendor has not been asked, and nothing was written of it.
        BeforeIntent => world.wait_for("it is renewed", RENEWED, 1).await,
        // It may have been asked: nobody knows.
        BeforeLook | DuringCall | BeforeAnswer => {
            world.wait_for("it is in doubt", IN_DOUBT, 1).await;
            assert_eq!(world.site.count(OPEN).await, 0);
            let spent = u64::from(step != BeforeLook);
            assert_eq!(world.spends(case).await, (1 + spent, 0));
            // Whatever says that it is due.
            let calls = world.site.vendors.calls().await;
            world.site.execute(DUE).await;
            world.wait_for("it is put off", IN_DOUBT, 1).await;
            assert_eq!(world.site.vendors.calls().await, calls);
            assert_eq!(world.read(&two, &steps.made).await["valid"], true);
            two.stop().await;
            return;
        }
        // What the vendor has answered is written.
        BeforeApplied | Applied => world.wait_for("it is written", RENEWED, 1).await,
    }
    assert_eq!(world.spends(case).await, (2, 0));
    steps.renews_once_more(3).await;
    two.stop().await;
}

async fn stopped(steps: &Steps, step: Step, one: Server, held: Option<PgConnection>) {
    let (world, case) = (&steps.world, &steps.case);
    one.signal(Signal::STOP);
    if let (BeforeLook, Some(mut held)) = (step, held) {
        // The look comes when the lease is over; before, it would be the window that stays.
        for statement in LEASES_END {
            sqlx::raw_sql(statement)
                .execute(&mut held)
                .await
                .expect("leases end");
        }
        sqlx::raw_sql("commit")
            .execute(&mut held)
            .await
            .expect("a commit");
    }
    let two = world.site.serve("two").await;
    let over = match step {
        // Stopped inside a transaction, it holds what it has locked: nobody passes it by, for half a minute.
        BeforeIntent | BeforeAnswer | BeforeApplied => None,
        BeforeLook | DuringCall => Some(IN_DOUBT),
        Applied => Some(RENEWED),
    };
    if over.is_some() {
        steps.leases_end().await;
    }
    if let Some(over) = over {
        world
            .wait_for("others do what is to be done", over, 1)
            .await;
    }
    world.no_faults().await;
    one.signal(Signal::CONT);
    match step {
        // It sees that its time is over, and sends nothing.
        BeforeLook => {
            let gave_up = async || one.log().contains("held up too long");
            until("it gives up", gave_up).await;
            assert_eq!(world.spends(case).await, (1, 0));
            assert_eq!(world.site.count(IN_DOUBT).await, 1);
        }
        // Its answer comes late, and nobody has sent anything since.
        _ => {
            world.wait_for("it is renewed", RENEWED, 1).await;
            world.wait_for("nothing is open", OPEN, 0).await;
            assert_eq!(world.spends(case).await, (2, 0));
            steps.renews_once_more(3).await;
        }
    }
    one.stop().await;
    two.stop().await;
}

macro_rules! steps {
    ($($name:ident: $step:ident $how:ident;)*) => {
        $(#[database_test]
        async fn $name(database: TestDatabase) {
            at(database, $step, $how).await;
        })*
    };
}

steps! {
    killed_before_its_intent: BeforeIntent Killed;
    killed_before_its_look: BeforeLook Killed;
    killed_during_its_call: DuringCall Killed;
    killed_before_its_answer_is_stored: BeforeAnswer Killed;
    killed_before_it_is_applied: BeforeApplied Killed;
    killed_when_it_is_applied: Applied Killed;
    stopped_before_its_intent: BeforeIntent Stopped;
    stopped_before_its_look: BeforeLook Stopped;
    stopped_during_its_call: DuringCall Stopped;
    stopped_before_its_answer_is_stored: BeforeAnswer Stopped;
    stopped_before_it_is_applied: BeforeApplied Stopped;
    stopped_when_it_is_applied: Applied Stopped;
}
