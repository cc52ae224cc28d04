//! A storm: sessions of many organizations are due at once. How many are renewed a second from the
//! look that finds them to the stored tokens, what that costs, and what readers notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bunsen::ids::{InstanceId, OrganizationId};
use serde_json::{Value, json};

use crate::Error;
use crate::crowd::{Access, Crowd, FIRST, pick_in_pgbench};
use crate::load::{self, Outcome, Work};
use crate::pgbench;
use crate::pieces::{Bench, Piece, Plan, show};
use crate::report;
use crate::seed::Seeder;
use crate::server::{Programs, Sandbox};
use crate::startup;

const TABLES: &str = include_str!("../sql/renewal_tables.sql");
const RENEWAL: &str = include_str!("../sql/renewal.sql");
/// Whoever reads meanwhile.
const READERS: usize = 2;
/// As many renewals are at one host at once.
const AT_ONE_HOST: usize = 8;
const READING: Duration = Duration::from_millis(200);
const RESTING: Duration = Duration::from_millis(1800);
const LOOK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(30);

pub async fn measure(
    programs: &Programs,
    postgres: &pgbench::Programs,
    sandbox: &Sandbox,
    plan: &Plan,
    (case, due): (&Value, u32),
) -> Result<(), Error> {
    let mut bench = Bench::start(programs, postgres, sandbox, plan).await?;
    let storm = Storm::start(&bench, sandbox, case, u64::from(due)).await?;
    report::title(&format!(
        "{due} sessions of {} organizations at one vendor host, due at once",
        storm.crowd.users.len()
    ));
    let before = storm
        .reads(&bench, Duration::from_secs(plan.seconds))
        .await?;
    show_reads("reads before", &before);
    startup::memory("before", &bench.trees()?);
    let (renewals, reads, peak) = storm.renew(&bench).await?;
    show_reads("reads meanwhile", &reads);
    report::line(format_args!(
        "ratio    p99 of reads: {:.1} times that before (target: 2)",
        reads.quantile(0.99) / before.quantile(0.99)
    ));
    report::line(format_args!(
        "memory   at most: server {:.1} MB, Postgres apart {:.1} MB",
        peak.0, peak.1
    ));
    startup::memory("after", &bench.trees()?);
    let beside = storm.beside(&bench).await?;
    show(&[renewals], &[beside]);
    bench.server.stop().await?;
    bench.keeper.stop().await
}

struct Storm {
    crowd: Arc<Crowd>,
    own: OrganizationId,
    others: OrganizationId,
    sealed: i64,
}

impl Storm {
    /// One session that does not rotate, and as many instances of it as are to be due.
    async fn start(
        bench: &Bench<'_>,
        sandbox: &Sandbox,
        case: &Value,
        due: u64,
    ) -> Result<Self, Error> {
        let case = case.get("sandbox").ok_or("the case has no sandbox")?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let control = text(case.get("control")).ok_or("the case names no control calls")?;
        let settings = json!({"rotation": "none", "access_seconds": 10_000_000});
        let at = |what: &str| format!("/_control/{control}/oauth/{what}");
        sandbox.control("PATCH", &at("settings"), &settings).await?;
        let grant = case.get("grant").ok_or("the case has no grant")?;
        let granted = sandbox.control("POST", &at("grants"), grant).await?;
        let token = granted.pointer("/answer/refresh_token");
        let mut configuration = case.get("configuration").cloned().unwrap_or_default();
        let entries = configuration.as_object_mut().ok_or("no configuration")?;
        entries.insert(
            "oauth.user.refresh_token".to_owned(),
            token.cloned().ok_or("no refresh token")?,
        );
        let body = json!({"element": {"key": &control}, "name": "renewed",
            "externalAuthentication": "initial", "configuration": configuration});
        let mut connection = load::Connection::open(bench.target.address).await?;
        let create = load::Call::create(&bench.target.authorization, body.to_string().into());
        connection
            .ask(&create.request(bench.target.address))
            .await?;
        let model = bench
            .ask("select org_id, id, length(credentials_sealed) from instances order by id limit 1")
            .await?;
        let mut model = model.trim().split('|');
        let mut number =
            || -> Result<i64, Error> { Ok(model.next().ok_or("no instance")?.parse()?) };
        let own = OrganizationId(number()?);
        let (model, sealed) = (InstanceId(number()?), number()?);
        let (seeder, users) = Seeder::start(
            &bench.folder.path().join("data"),
            &bench.database,
            bench.target.authorization.clone(),
            (own, model),
        )
        .await?;
        // Where the seed is put before it is inserted.
        bench.ask("create schema if not exists bench").await?;
        let ids = FIRST..FIRST + due.cast_signed();
        seeder
            .instances(bench.postgres, &bench.database, ids)
            .await?;
        bench.ask("vacuum (analyze)").await?;
        Ok(Self {
            crowd: Arc::new(Crowd { users, count: due }),
            own,
            others: seeder.second_organization()?,
            sealed,
        })
    }

    async fn reads(&self, bench: &Bench<'_>, duration: Duration) -> Result<Outcome, Error> {
        let work = Work::ReadOf(Arc::clone(&self.crowd), Access::Uniform);
        load::run(&bench.target, &work, READERS, duration).await
    }

    /// Gives the cost of one, what readers have seen, and the most memory of server and Postgres.
    async fn renew(&self, bench: &Bench<'_>) -> Result<(Piece, Outcome, (f64, f64)), Error> {
        let counters = bench.counters().await?;
        bench
            .ask(&format!(
                "update instances set renewal_due_at = now() - interval '1 hour' * random() \
                 where id >= {FIRST}"
            ))
            .await?;
        let begun = Instant::now();
        let over = AtomicBool::new(false);
        let reading = async {
            let mut all = Outcome::default();
            while !over.load(Ordering::Relaxed) {
                // Readers that never pause would take the cores from what is measured.
                let some = self.reads(bench, READING).await?;
                tokio::time::sleep(RESTING).await;
                all.latencies.extend(some.latencies);
                all.took += some.took;
            }
            all.latencies.sort_unstable();
            Ok::<_, Error>(all)
        };
        let looking = async {
            let watched = self.watch(bench, begun).await;
            over.store(true, Ordering::Relaxed);
            watched
        };
        let (reads, watched) = tokio::join!(reading, looking);
        let (peak, took) = watched?;
        let reads = reads?;
        let count = self.crowd.count as f64;
        let piece = bench
            .piece(&counters, count / took.as_secs_f64(), count, (0.0, None))
            .await?;
        Ok((piece, reads, peak))
    }

    async fn watch(
        &self,
        bench: &Bench<'_>,
        begun: Instant,
    ) -> Result<((f64, f64), Duration), Error> {
        let mut peak = (0.0_f64, 0.0_f64);
        let rest = "select count(*) from instances where renewal_due_at <= now()";
        loop {
            tokio::time::sleep(LOOK).await;
            let rest: u64 = bench.ask(rest).await?.trim().parse()?;
            let trees = bench.trees()?;
            peak.0 = peak.0.max(trees.server.memory().server);
            peak.1 = peak.1.max(trees.postgres.memory().postgres);
            if rest == 0 {
                return Ok((peak, begun.elapsed()));
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{rest} sessions are still due after {PATIENCE:?}").into());
            }
            if begun.elapsed().as_secs() % 20 < LOOK.as_secs() {
                report::line(format_args!(
                    "{:>5.0} s  {rest} left, {:.0}/s",
                    begun.elapsed().as_secs_f64(),
                    (self.crowd.count - rest) as f64 / begun.elapsed().as_secs_f64()
                ));
            }
        }
    }

    /// The same writes by pgbench.
    async fn beside(&self, bench: &Bench<'_>) -> Result<Piece, Error> {
        bench.ask(TABLES).await?;
        bench.ask("vacuum (analyze)").await?;
        let script = pick_in_pgbench(Access::Uniform) + RENEWAL;
        let variables = [
            ("count", self.crowd.count.cast_signed()),
            ("own", self.own.0),
            ("others", self.others.0),
            ("sealed", self.sealed),
        ];
        bench.pgbench(&script, &variables, AT_ONE_HOST).await
    }
}

fn show_reads(name: &str, outcome: &Outcome) {
    report::line(format_args!(
        "{name:<16} {READERS} clients: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
        outcome.per_second(),
        outcome.quantile(0.5),
        outcome.quantile(0.99)
    ));
}
