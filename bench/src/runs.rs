//! Bunsen and pgbench in turns on one Postgres.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::Error;
use crate::load::{self, Outcome, Target, Work};
use crate::pgbench::{self, Database};
use crate::process::{Split, Tree};
use crate::report::{self, Middle};
use crate::server::{Programs, Sandbox, Server, authorization, replica_settings, temporary_folder};
use crate::startup;

const TABLES: &str = include_str!("../sql/tables.sql");
const TEMPLATE: &str = include_str!("../sql/template.sql");
const READ: &str = include_str!("../sql/read.sql");

/// Connections to Postgres beside pgbench's: the measured server's own, and some to ask with.
const OTHER_CONNECTIONS: usize = 32;

#[derive(Debug)]
pub struct Plan {
    pub body: Bytes,
    pub seconds: u64,
    pub rounds: usize,
    pub clients: Vec<usize>,
}

pub async fn measure(
    programs: &Programs,
    postgres: &pgbench::Programs,
    sandbox: &Sandbox,
    plan: &Plan,
) -> Result<(), Error> {
    let folder = temporary_folder()?;
    let data_dir = folder.path().join("data");
    let most = plan.clients.iter().max().copied().unwrap_or(1);
    // A private Postgres takes a few connections more than its server's pool holds, and pgbench
    // needs one per client. So one server keeps Postgres, made large, and stays idle; the measured
    // one is a replica beside it with everything as it is by default.
    let connections = (most + OTHER_CONNECTIONS).to_string();
    let large = [("BUNSEN_DATABASE_CONNECTIONS", connections)];
    let keeper = Server::start(programs, sandbox, &data_dir, &large).await?;
    let replica_dir = folder.path().join("replica");
    let settings = replica_settings(&data_dir)?;
    let server = Server::start(programs, sandbox, &replica_dir, &settings).await?;
    let mut bench = Bench {
        target: Target {
            address: server.address(),
            authorization: authorization(&data_dir)?,
        },
        database: Database::private(&data_dir)?,
        postgres,
        server: server.process_id(),
        keeper: keeper.process_id(),
        sandbox: sandbox.process_id(),
        instances: Vec::new(),
        plan,
    };
    // Connections are opened, caches filled, and there is an instance to take as a model.
    bench.create(most, 2).await?;
    postgres.ask(&bench.database, TABLES).await?;
    // What Postgres does by itself within its first minute: until then it keeps plans for empty
    // tables, which would be measured instead.
    postgres.ask(&bench.database, "vacuum (analyze)").await?;
    let script = postgres.ask(&bench.database, TEMPLATE).await?;
    for &clients in &plan.clients {
        bench.creates(clients, &script).await?;
    }
    for &clients in &plan.clients {
        bench.reads(clients).await?;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    report::title("Memory after the load (PSS)");
    let count = bench.instances.len();
    startup::memory(&format!("{count} instances"), &bench.trees()?);
    report::title("Revocations: a DELETE, answered when no server takes the token any more");
    let (first, rest) = bench.instances.split_at(bench.instances.len() / 2);
    bench.revocations("2 servers", first).await?;
    server.stop().await?;
    bench.target.address = keeper.address();
    bench.revocations("1 server", rest).await?;
    keeper.stop().await
}

struct Bench<'a> {
    target: Target,
    database: Database,
    postgres: &'a pgbench::Programs,
    server: u32,
    /// Has Postgres below it.
    keeper: u32,
    sandbox: u32,
    instances: Vec<i64>,
    plan: &'a Plan,
}

/// One timed piece of Bunsen's or of pgbench's.
struct Piece {
    per_second: f64,
    /// Per request, in microseconds.
    cpu: Split<f64>,
    sandbox_cpu: f64,
    wal_bytes: f64,
    transactions: f64,
    /// Milliseconds: middle and 99th of a hundred, or only a mean.
    latency: (f64, Option<f64>),
}

/// What is counted before and after a piece.
struct Counters {
    cpu: Split<f64>,
    sandbox_cpu: f64,
    wal: f64,
    transactions: f64,
}

impl Bench<'_> {
    /// The measured server, and the Postgres that another one keeps.
    fn trees(&self) -> Result<Split<Tree>, Error> {
        Ok(Split {
            server: Tree::of(self.server)?,
            postgres: Tree::of(self.keeper)?,
        })
    }

    async fn counters(&self) -> Result<Counters, Error> {
        // The second counts transactions that wrote something: only those get a number.
        let text = self
            .postgres
            .ask(
                &self.database,
                "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn, \
                 pg_snapshot_xmax(pg_current_snapshot())",
            )
            .await?;
        let (wal, transactions) = text.trim().split_once('|').ok_or("psql says nothing")?;
        let trees = self.trees()?;
        Ok(Counters {
            cpu: Split {
                server: trees.server.cpu().server,
                postgres: trees.postgres.cpu().postgres,
            },
            sandbox_cpu: Tree::of(self.sandbox)?.cpu().server,
            wal: wal.parse()?,
            transactions: transactions.parse()?,
        })
    }

    async fn piece(
        &self,
        before: &Counters,
        per_second: f64,
        count: f64,
        latency: (f64, Option<f64>),
    ) -> Result<Piece, Error> {
        let after = self.counters().await?;
        let each = |after: f64, before: f64| (after - before) / count.max(1.0);
        Ok(Piece {
            per_second,
            cpu: Split {
                server: each(after.cpu.server, before.cpu.server),
                postgres: each(after.cpu.postgres, before.cpu.postgres),
            },
            sandbox_cpu: each(after.sandbox_cpu, before.sandbox_cpu),
            wal_bytes: each(after.wal, before.wal),
            transactions: each(after.transactions, before.transactions),
            latency,
        })
    }

    async fn load(&self, work: &Work, clients: usize) -> Result<(Outcome, Piece), Error> {
        let duration = Duration::from_secs(self.plan.seconds);
        let before = self.counters().await?;
        let outcome = load::run(&self.target, work, clients, duration).await?;
        let latency = (outcome.quantile(0.5), Some(outcome.quantile(0.99)));
        let piece = self
            .piece(
                &before,
                outcome.per_second(),
                outcome.count() as f64,
                latency,
            )
            .await?;
        Ok((outcome, piece))
    }

    async fn pgbench(
        &self,
        script: &str,
        variables: &[(&str, i64)],
        clients: usize,
    ) -> Result<Piece, Error> {
        let before = self.counters().await?;
        let seconds = self.plan.seconds;
        let rate = self
            .postgres
            .run(&self.database, script, variables, clients, seconds)
            .await?;
        let latency = (rate.mean_latency, None);
        self.piece(&before, rate.per_second, rate.count, latency)
            .await
    }

    async fn create(&mut self, clients: usize, seconds: u64) -> Result<(), Error> {
        let work = Work::Create(self.plan.body.clone());
        let duration = Duration::from_secs(seconds);
        let outcome = load::run(&self.target, &work, clients, duration).await?;
        self.instances.extend(outcome.created);
        Ok(())
    }

    async fn creates(&mut self, clients: usize, script: &str) -> Result<(), Error> {
        report::title(&format!(
            "Creates, clients: {clients}; pgbench commits rows of the same sizes"
        ));
        let work = Work::Create(self.plan.body.clone());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.plan.rounds {
            let (outcome, piece) = self.load(&work, clients).await?;
            self.instances.extend(outcome.created);
            ours.push(piece);
            theirs.push(self.pgbench(script, &[], clients).await?);
        }
        show(&ours, &theirs);
        Ok(())
    }

    /// By one client, so that what is measured is the wait of one.
    async fn revocations(&self, servers: &str, instances: &[i64]) -> Result<(), Error> {
        let work = Work::Delete(Arc::from(instances));
        let duration = Duration::from_secs(self.plan.seconds.min(5));
        let outcome = load::run(&self.target, &work, 1, duration).await?;
        report::line(format_args!(
            "{servers:<10} p50 {:.1} ms, p99 {:.1} ms, of {} (limit: a lease of 2 s)",
            outcome.quantile(0.5),
            outcome.quantile(0.99),
            outcome.count()
        ));
        Ok(())
    }

    async fn reads(&self, clients: usize) -> Result<(), Error> {
        report::title(&format!(
            "Reads of an instance by id, clients: {clients}; pgbench selects by key"
        ));
        let organization = "select org_id from public.instances order by id desc limit 1";
        let organization = self.postgres.ask(&self.database, organization).await?;
        let lowest = self.instances.iter().min().copied().unwrap_or(1);
        let highest = self.instances.iter().max().copied().unwrap_or(1);
        let variables = [
            ("organization", organization.trim().parse()?),
            ("lowest", lowest),
            ("highest", highest),
        ];
        let work = Work::Read(Arc::from(self.instances.as_slice()));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.plan.rounds {
            ours.push(self.load(&work, clients).await?.1);
            theirs.push(self.pgbench(READ, &variables, clients).await?);
        }
        show(&ours, &theirs);
        Ok(())
    }
}

fn show(ours: &[Piece], theirs: &[Piece]) {
    let middle = |pieces: &[Piece], value: fn(&Piece) -> f64| Middle::of(pieces.iter().map(value));
    for (name, pieces) in [("Bunsen", ours), ("pgbench", theirs)] {
        let median = |value: fn(&Piece) -> f64| middle(pieces, value).median;
        let latency = match pieces.first().and_then(|piece| piece.latency.1) {
            Some(_) => format!(
                "p50 {:.2} ms, p99 {:.2} ms",
                median(|piece| piece.latency.0),
                median(|piece| piece.latency.1.unwrap_or_default())
            ),
            None => format!("mean {:.2} ms", median(|piece| piece.latency.0)),
        };
        report::line(format_args!(
            "{name:<8} {}/s, {latency}",
            middle(pieces, |piece| piece.per_second).show(0)
        ));
        report::line(format_args!(
            "         each: CPU server {:.0} µs, Postgres {:.0} µs (simulated vendor {:.0} µs); \
             {:.2} writing transactions, {:.0} bytes of WAL",
            median(|piece| piece.cpu.server),
            median(|piece| piece.cpu.postgres),
            median(|piece| piece.sandbox_cpu),
            median(|piece| piece.transactions),
            median(|piece| piece.wal_bytes),
        ));
    }
    let ratios = ours.iter().zip(theirs);
    let ratio = Middle::of(ratios.map(|(ours, theirs)| ours.per_second / theirs.per_second));
    report::line(format_args!(
        "ratio    {} of pgbench's rate (target: 0.5)",
        ratio.show(2)
    ));
}
