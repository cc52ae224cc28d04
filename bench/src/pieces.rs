//! The measured server beside pgbench on one Postgres: timed pieces of the one and the other, and
//! what each request of them cost.

use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use crate::Error;
use crate::load::{self, Outcome, Target, Work};
use crate::pgbench::{self, Database};
use crate::process::{Split, Tree};
use crate::report::{self, Middle, Row};
use crate::server::{Programs, Sandbox, Server, authorization, replica_settings, temporary_folder};

/// Connections to Postgres beside pgbench's: the measured server's own, and some to ask with.
const OTHER_CONNECTIONS: usize = 40;

#[derive(Debug)]
pub struct Plan {
    pub body: Bytes,
    pub seconds: u64,
    pub rounds: usize,
    pub clients: Vec<usize>,
}

pub struct Bench<'a> {
    pub target: Target,
    pub database: Database,
    pub postgres: &'a pgbench::Programs,
    pub server: Server,
    /// Has Postgres below it.
    pub keeper: Server,
    pub plan: &'a Plan,
    pub folder: TempDir,
    /// That were created here.
    pub instances: Vec<i64>,
    sandbox: u32,
}

/// One timed piece of Bunsen's or of pgbench's.
pub struct Piece {
    pub per_second: f64,
    /// Per request, in microseconds.
    pub cpu: Split<f64>,
    sandbox_cpu: f64,
    wal_bytes: f64,
    transactions: f64,
    /// Milliseconds: middle and 99th of a hundred, or only a mean.
    pub latency: (f64, Option<f64>),
}

/// What is counted before and after a piece.
pub struct Counters {
    cpu: Split<f64>,
    sandbox_cpu: f64,
    wal: f64,
    transactions: f64,
}

impl<'a> Bench<'a> {
    /// A private Postgres takes a few connections more than its server's pool holds, and pgbench
    /// needs one per client. So one server keeps Postgres, made large, and stays idle; the measured
    /// one is a replica beside it with everything as it is by default.
    pub async fn start(
        programs: &Programs,
        postgres: &'a pgbench::Programs,
        sandbox: &Sandbox,
        plan: &'a Plan,
    ) -> Result<Self, Error> {
        let folder = temporary_folder()?;
        let data_dir = folder.path().join("data");
        let connections = (plan.most_clients() + OTHER_CONNECTIONS).to_string();
        let large = [
            ("BUNSEN_DATABASE_CONNECTIONS", connections),
            ("BUNSEN_ROLES", "api".to_owned()),
        ];
        let keeper = Server::start(programs, sandbox, &data_dir, &large).await?;
        let replica_dir = folder.path().join("replica");
        let settings = replica_settings(&data_dir)?;
        let server = Server::start(programs, sandbox, &replica_dir, &settings).await?;
        Ok(Self {
            target: Target {
                address: server.address(),
                authorization: authorization(&data_dir)?,
            },
            database: Database::private(&data_dir)?,
            postgres,
            server,
            keeper,
            plan,
            folder,
            instances: Vec::new(),
            sandbox: sandbox.process_id(),
        })
    }

    /// The measured server, and the Postgres that another one keeps.
    pub fn trees(&self) -> Result<Split<Tree>, Error> {
        Ok(Split {
            server: Tree::of(self.server.process_id())?,
            postgres: Tree::of(self.keeper.process_id())?,
        })
    }

    pub async fn ask(&self, statements: &str) -> Result<String, Error> {
        self.postgres.ask(&self.database, statements).await
    }

    pub async fn counters(&self) -> Result<Counters, Error> {
        // The second counts transactions that wrote something: only those get a number.
        let text = self
            .ask(
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

    pub async fn piece(
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

    pub async fn load(&self, work: &Work, clients: usize) -> Result<(Outcome, Piece), Error> {
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

    pub async fn pgbench(
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
}

impl Plan {
    pub fn most_clients(&self) -> usize {
        self.clients.iter().max().copied().unwrap_or(1)
    }
}

/// How much of pgbench's rate it is, for the table of all figures.
pub fn row(work: &str, ours: &[Piece], theirs: &[Piece]) -> Result<(), Error> {
    let rate = |pieces: &[Piece]| Middle::of(pieces.iter().map(|piece| piece.per_second)).median;
    let ratio = rate(ours) / rate(theirs);
    report::row(&Row {
        work,
        beside: &format!("pgbench {:.0}/s", rate(theirs)),
        measured: &format!("{ratio:.2}"),
        target: "≥ 0.5",
        reached: Some(ratio >= 0.5),
    })
}

pub fn show(ours: &[Piece], theirs: &[Piece]) {
    let middle = |pieces: &[Piece], value: fn(&Piece) -> f64| Middle::of(pieces.iter().map(value));
    for (name, pieces) in [("Bunsen", ours), ("pgbench", theirs)] {
        if pieces.is_empty() {
            continue;
        }
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
    if theirs.is_empty() {
        return;
    }
    let ratios = ours.iter().zip(theirs);
    let ratio = Middle::of(ratios.map(|(ours, theirs)| ours.per_second / theirs.per_second));
    report::line(format_args!(
        "ratio    {} of pgbench's rate (target: 0.5)",
        ratio.show(2)
    ));
}
