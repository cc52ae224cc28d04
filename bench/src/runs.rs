//! Bunsen and pgbench in turns on one Postgres.

use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::load::{self, Work};
use crate::pgbench;
use crate::pieces::{Bench, Plan, row, show};
use crate::report;
use crate::server::{Programs, Sandbox};
use crate::startup;

const TABLES: &str = include_str!("../sql/tables.sql");
const TEMPLATE: &str = include_str!("../sql/template.sql");
const READ: &str = include_str!("../sql/read.sql");

pub async fn measure(
    programs: &Programs,
    postgres: &pgbench::Programs,
    sandbox: &Sandbox,
    plan: &Plan,
) -> Result<(), Error> {
    let mut bench = Bench::start(programs, postgres, sandbox, plan).await?;
    let script = bench.prepare().await?;
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
    bench.server.stop().await?;
    bench.target.address = bench.keeper.address();
    bench.revocations("1 server", rest).await?;
    bench.keeper.stop().await
}

impl Bench<'_> {
    /// Opens connections and fills caches, and leaves an instance to take as a model. Gives the
    /// script by which pgbench repeats a create.
    pub async fn prepare(&mut self) -> Result<String, Error> {
        self.create(self.plan.most_clients(), 2).await?;
        self.ask(TABLES).await?;
        // What Postgres does by itself within its first minute: until then it keeps plans for
        // empty tables, which would be measured instead.
        self.ask("vacuum (analyze)").await?;
        self.ask(TEMPLATE).await
    }

    async fn create(&mut self, clients: usize, seconds: u64) -> Result<(), Error> {
        let work = Work::Create(self.plan.body.clone());
        let duration = Duration::from_secs(seconds);
        let outcome = load::run(&self.target, &work, clients, duration).await?;
        self.instances.extend(outcome.created);
        Ok(())
    }

    pub async fn creates(&mut self, clients: usize, script: &str) -> Result<(), Error> {
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
        let work = format!("create instance, simulated vendor, clients: {clients}");
        row(&work, &ours, &theirs)
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
        let organization = self.ask(organization).await?;
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
        let work = format!("read instance by id, clients: {clients}");
        row(&work, &ours, &theirs)
    }
}
