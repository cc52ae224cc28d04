//! Three servers on one database, 64 callers, sessions that live for seconds; at random a server is killed, or stopped
//! for a moment or for longer than its leases, and answers of the vendor get lost.
//!
//! The ledger of what was sent when decides: a refresh token comes back to the vendor only when the answer to its first
//! use was lost and its access token has ended, or from a server that was stopped between its look at the lease and the
//! call; a session ends only so; and whatever has not ended works in the end without a manual act.
//!
//! `BUNSEN_TORTURE_SECONDS` makes it longer, `BUNSEN_TORTURE_SEED` repeats a run's chances.

mod judge;
mod replica;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::dice::{Dice, seed};
use super::front::Ledger;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::operators::Site;
use replica::Replica;

const SERVERS: usize = 3;
const CALLERS: usize = 64;
const INSTANCES: usize = 48;
const ACCESS_SECONDS: u64 = 12;
/// Of the storm, when nobody says otherwise.
const SECONDS: u64 = 24;
/// Longer than any call of a server that is alive.
const SETTLED: Duration = Duration::from_secs(6);

/// A call to the vendor that was not answered well.
#[derive(Debug, Clone)]
struct Failure {
    instance: i64,
    server: usize,
    at: Instant,
    said: String,
}

/// An instance, its token, and the first refresh token of its session that was stored.
#[derive(Debug, Clone)]
struct Made {
    id: i64,
    token: String,
    first: String,
}

struct Storm {
    site: Site,
    case: Case,
    ledger: Ledger,
    replicas: Vec<Arc<Replica>>,
    user: String,
    made: Vec<Made>,
    over: Arc<AtomicBool>,
    /// Calls answered well.
    answered: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<Failure>>>,
}

fn seconds() -> u64 {
    let given = std::env::var("BUNSEN_TORTURE_SECONDS").ok();
    given.map_or(SECONDS, |text| {
        text.parse()
            .expect("BUNSEN_TORTURE_SECONDS is a number of seconds")
    })
}

#[database_test]
async fn no_session_is_lost(database: TestDatabase) {
    let seed = seed();
    let mut storm = Storm::new(database, seed).await;
    storm.make(seed).await;
    for replica in &storm.replicas {
        replica.front.cuts(true);
    }
    let callers = storm.callers();
    let mut disturbers = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds());
    // One of them is always left alone.
    let at_once = Arc::new(tokio::sync::Semaphore::new(SERVERS - 1));
    for replica in &storm.replicas {
        let dice = Dice::new(seed, 100 + replica.number as u64);
        let disturbing = Arc::clone(replica).disturb(dice, end, Arc::clone(&at_once));
        disturbers.push(tokio::spawn(disturbing));
    }
    while Instant::now() < end {
        storm.age().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for disturber in disturbers {
        disturber.await.expect("the schedule is kept");
    }
    for replica in &storm.replicas {
        replica.front.cuts(false);
    }
    storm.settle().await;
    storm.over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every caller is served");
    }
    storm.everything_left_renews().await;
    storm.judge().await;
    for replica in storm.replicas {
        replica.stop().await;
    }
}

impl Storm {
    async fn new(database: TestDatabase, seed: u64) -> Self {
        let site = Site::new(database).await;
        let mut fatal = Case::all()
            .into_iter()
            .filter(|case| case.reuse() == "fatal");
        let case = fatal.next().expect("one such vendor is simulated");
        let ledger = Ledger::default();
        let mut replicas = Vec::new();
        for number in 0..SERVERS {
            let replica = Replica::start(number, &site, &ledger, seed).await;
            replicas.push(Arc::new(replica));
        }
        let user = replicas[0].authorization();
        Self {
            site,
            case,
            ledger,
            replicas,
            user,
            made: Vec::new(),
            over: Arc::default(),
            answered: Arc::default(),
            failures: Arc::default(),
        }
    }

    async fn settings(&self, access_seconds: u64) {
        let settings = json!({"rotation": "rotate_and_revoke_family_on_reuse", "access_seconds": access_seconds});
        let vendors = &self.site.vendors;
        self.case
            .control(vendors, "PATCH", "settings", Some(&settings))
            .await;
    }

    /// The instances, each with a session of its own.
    async fn make(&mut self, seed: u64) {
        self.settings(ACCESS_SECONDS).await;
        let mut dice = Dice::new(seed, 1);
        for _ in 0..INSTANCES {
            let given = self.case.granted(&self.site.vendors).await;
            let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
            let mut body = self.case.body_with(&json!(null), refresh);
            body["externalAuthentication"] = json!("initial");
            let replica = &self.replicas[dice.below(SERVERS as u64) as usize];
            let request = replica.request("POST", "/instances", &self.user);
            let made = Answer::of(request.json(&body)).await.success();
            self.made.push(Made {
                id: made["id"].as_i64().expect("an id"),
                token: made["token"].as_str().expect("a token").to_owned(),
                first: given["refresh_token"].as_str().expect("a token").to_owned(),
            });
        }
    }

    /// Each calls the vendor by one instance again and again, reads it, and now and then changes something that asks no
    /// vendor.
    fn callers(&self) -> Vec<tokio::task::JoinHandle<()>> {
        let caller = |number: usize| {
            let made = self.made[number % INSTANCES].clone();
            let replicas = self.replicas.clone();
            let (over, answered) = (Arc::clone(&self.over), Arc::clone(&self.answered));
            let failures = Arc::clone(&self.failures);
            let passed = self.case.passed();
            let user = self.user.clone();
            let mut dice = Dice::new(number as u64, 7);
            async move {
                let path = format!("/instances/{}", made.id);
                let by_token = format!("{user}, Element {}", made.token);
                while !over.load(Ordering::Relaxed) {
                    let replica = &replicas[dice.below(SERVERS as u64) as usize];
                    let asked = Instant::now();
                    let kind = dice.below(10);
                    let request = match kind {
                        0 => replica
                            .request("PATCH", &path, &user)
                            .json(&json!({"tags": [dice.below(1000).to_string()]})),
                        1..3 => replica.request("GET", &path, &user),
                        _ => replica.request("GET", &passed, &by_token),
                    };
                    match request.send().await {
                        Ok(answer) => {
                            let status = answer.status();
                            let text = answer.text().await.unwrap_or_default();
                            if status == 200 {
                                answered.fetch_add(1, Ordering::Relaxed);
                            } else if status == 503 && text.contains("The database cannot be") {
                                // All tests share one Postgres.
                            } else {
                                // Whether a token lived then, the ledger says.
                                let failure = Failure {
                                    instance: made.id,
                                    server: replica.number,
                                    at: asked,
                                    said: format!("{status} {text}"),
                                };
                                assert!(kind > 2 || replica.was_disturbed(asked), "{failure:?}");
                                failures.lock().expect("failures").push(failure);
                            }
                        }
                        Err(error) => assert!(
                            replica.was_disturbed(asked),
                            "server {} does not answer: {error}",
                            replica.number
                        ),
                    }
                    tokio::time::sleep(dice.milliseconds(20, 200)).await;
                }
            }
        };
        (0..CALLERS)
            .map(|number| tokio::spawn(caller(number)))
            .collect()
    }

    /// Of exchanges that are open for longer than a living server takes the lease is over: their server is dead, or
    /// stopped.
    async fn age(&self) {
        let statements = [
            "update exchanges set lease_until = now() - interval '1 minute'
             where state in ('intent', 'answered') and created_at < now() - make_interval(secs => $1)",
            "update instances set lease_until = now() - interval '1 minute'
             where lease_holder in (select id from exchanges where state in ('intent', 'answered')
                                    and created_at < now() - make_interval(secs => $1))",
            "update instances set renewal_claimed_until = now() - interval '1 second'
             where renewal_claimed_until < now() + interval '120 seconds' - make_interval(secs => $1)",
        ];
        for statement in statements {
            sqlx::query(statement)
                .bind(SETTLED.as_secs_f64())
                .execute(&self.site.database.pool)
                .await
                .expect("leases end");
        }
    }

    /// Until nothing is open and nobody waits in doubt for the end of an access token.
    async fn settle(&self) {
        let end = Instant::now() + Duration::from_secs(90);
        let open = "select (select count(*) from exchanges where state in ('intent', 'answered')
                                and created_at < now() - interval '6 seconds')
                         + (select count(*) from instances where valid
                                and (renewal_doubt_generation = generation or renewal_attempts > 0))";
        while self.site.count(open).await > 0 {
            assert!(Instant::now() < end, "the storm does not settle");
            self.age().await;
            // What only waits after a failure is not waited for, what waits for the end of a token is.
            self.site
                .execute(
                    "update instances set renewal_due_at = now()
                     where valid and renewal_attempts > 0
                         and renewal_doubt_generation is distinct from generation",
                )
                .await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// From now on tokens live long: each that is left has to be renewed once more.
    async fn everything_left_renews(&self) {
        self.settings(7200).await;
        self.site
            .execute("update instances set renewed_at = null")
            .await;
        let left = "select count(*) from instances where valid and renewed_at is null";
        let end = Instant::now() + Duration::from_secs(60);
        while self.site.count(left).await > 0 {
            assert!(Instant::now() < end, "not everything that is valid renews");
            self.site
                .execute(
                    "update instances set renewal_due_at = now() where renewed_at is null and valid",
                )
                .await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn rows(&self) -> HashMap<i64, (bool, Option<String>)> {
        let rows: Vec<(i64, bool, Option<String>)> =
            sqlx::query_as("select id, valid, invalid_reason from instances")
                .fetch_all(&self.site.database.pool)
                .await
                .expect("the instances");
        let rows = rows.into_iter();
        rows.map(|(id, valid, reason)| (id, (valid, reason)))
            .collect()
    }

    /// Families of the vendor that have ended, by the refresh token that they have or had last.
    async fn ended(&self) -> HashMap<String, bool> {
        let grants = self
            .case
            .control(&self.site.vendors, "GET", "grants", None)
            .await;
        let grants: Vec<Value> = grants.as_array().expect("grants").clone();
        let of = |grant: &Value| {
            let last = grant["refresh_token"].as_str()?.to_owned();
            Some((last, grant["revoked"].as_bool()?))
        };
        grants.iter().filter_map(of).collect()
    }
}
