//! The same work on a thousand instances and on a million: what stays as it was, and what grows.

use std::sync::Arc;
use std::time::Instant;

use bunsen::ids::{InstanceId, OrganizationId};

use crate::Error;
use crate::crowd::{Access, Crowd, FIRST, pick_in_pgbench};
use crate::load::Work;
use crate::pgbench;
use crate::pieces::{Bench, Piece, Plan, show};
use crate::report::{self, Middle, Row};
use crate::seed::Seeder;
use crate::server::{Programs, Sandbox};
use crate::startup;
use crate::steady;

const SELECT: &str = "select * from public.instances where org_id = :organization and id = :id;\n";

pub async fn measure(
    programs: &Programs,
    postgres: &pgbench::Programs,
    sandbox: &Sandbox,
    plan: &Plan,
    instances: u32,
) -> Result<(), Error> {
    let mut bench = Bench::start(programs, postgres, sandbox, plan).await?;
    report::title("Memory (PSS)");
    startup::memory("just started", &bench.trees()?);
    let creating = bench.prepare().await?;
    startup::memory("after creates for 2 s", &bench.trees()?);
    let mut scale = Scale::start(&bench, creating).await?;
    // What the server makes now comes after the crowd.
    let next = FIRST + i64::from(instances);
    let sequence = "pg_get_serial_sequence('public.instances', 'id')";
    bench
        .ask(&format!("select setval({sequence}, {next})"))
        .await?;

    let mut growth = Vec::new();
    for count in [1_000, 100_000, instances] {
        if u64::from(count) > scale.crowd.count && count <= instances {
            scale.grow(&bench, u64::from(count)).await?;
            growth.push((count, scale.level(&mut bench).await?));
            startup::memory(&format!("\nmemory, {count} instances"), &bench.trees()?);
        }
    }
    show_growth(&growth)?;
    steady::measure(&bench, programs, &Arc::new(scale.crowd)).await?;
    startup::memory("\nmemory after rotations", &bench.trees()?);
    bench.server.stop().await?;
    bench.keeper.stop().await
}

struct Scale {
    seeder: Seeder,
    crowd: Crowd,
    /// Ids of the first organization and of the next one.
    own: OrganizationId,
    others: OrganizationId,
    /// By which pgbench repeats a create.
    creating: String,
}

/// What a kind of work costs: CPU of server and Postgres per request, and its share of pgbench's
/// rate.
type Cost = (&'static str, f64, Option<f64>);

impl Scale {
    async fn start(bench: &Bench<'_>, creating: String) -> Result<Self, Error> {
        let model = bench
            .ask("select org_id, id from instances order by id limit 1")
            .await?;
        let (own, model) = model.trim().split_once('|').ok_or("no instance")?;
        let own = OrganizationId(own.parse()?);
        let begun = Instant::now();
        let (seeder, users) = Seeder::start(
            &bench.folder.path().join("data"),
            &bench.database,
            bench.target.authorization.clone(),
            (own, InstanceId(model.parse()?)),
        )
        .await?;
        report::title(&format!(
            "{} organizations, made in {:.1} s",
            users.len(),
            begun.elapsed().as_secs_f64()
        ));
        Ok(Self {
            others: seeder.second_organization()?,
            seeder,
            crowd: Crowd { users, count: 0 },
            own,
            creating,
        })
    }

    async fn grow(&mut self, bench: &Bench<'_>, count: u64) -> Result<(), Error> {
        let begun = Instant::now();
        let ids = FIRST + self.crowd.count.cast_signed()..FIRST + count.cast_signed();
        self.seeder
            .instances(bench.postgres, &bench.database, ids)
            .await?;
        bench.ask("vacuum (analyze)").await?;
        self.crowd.count = count;
        let size = "select pg_size_pretty(pg_database_size(current_database()))";
        report::title(&format!(
            "{count} instances, {}; seeded in {:.1} s",
            bench.ask(size).await?.trim(),
            begun.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    async fn level(&self, bench: &mut Bench<'_>) -> Result<Vec<Cost>, Error> {
        let crowd = Arc::new(self.crowd.clone());
        let select = |access| Some(pick_in_pgbench(access) + SELECT);
        let read = |access| Work::ReadOf(Arc::clone(&crowd), access);
        let by_token = Work::ReadByToken(Arc::clone(&crowd), Access::Uniform);
        let create = Work::Create(bench.plan.body.clone());
        let kinds = [
            (
                "reads by id, uniform",
                read(Access::Uniform),
                select(Access::Uniform),
            ),
            (
                "reads by id, Zipf",
                read(Access::Zipf),
                select(Access::Zipf),
            ),
            ("reads by token, uniform", by_token, select(Access::Uniform)),
            ("lists of 20, all pages", Work::List, None),
            ("creates", create, Some(self.creating.clone())),
        ];
        let mut costs = Vec::new();
        for (name, work, script) in kinds {
            let (ours, theirs) = self.turns(bench, &work, script.as_deref()).await?;
            report::line(format_args!("\n{name}"));
            show(&ours, &theirs);
            let cpu = Middle::of(
                ours.iter()
                    .map(|piece| piece.cpu.server + piece.cpu.postgres),
            );
            let shares = ours.iter().zip(&theirs);
            let share =
                Middle::of(shares.map(|(ours, theirs)| ours.per_second / theirs.per_second));
            costs.push((name, cpu.median, script.map(|_| share.median)));
        }
        Ok(costs)
    }

    async fn turns(
        &self,
        bench: &mut Bench<'_>,
        work: &Work,
        script: Option<&str>,
    ) -> Result<(Vec<Piece>, Vec<Piece>), Error> {
        let clients = bench.plan.most_clients();
        let variables = [
            ("count", self.crowd.count.cast_signed()),
            ("own", self.own.0),
            ("others", self.others.0),
        ];
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..bench.plan.rounds {
            ours.push(bench.load(work, clients).await?.1);
            if let Some(script) = script {
                theirs.push(bench.pgbench(script, &variables, clients).await?);
            }
        }
        Ok((ours, theirs))
    }
}

/// Each count beside the first.
fn show_growth(levels: &[(u32, Vec<Cost>)]) -> Result<(), Error> {
    let Some(((least, first), rest)) = levels.split_first() else {
        return Ok(());
    };
    report::title(&format!(
        "Growth: what each number of instances costs, as multiple of {least}"
    ));
    for (count, costs) in rest {
        for ((name, cpu, share), (_, first_cpu, first_share)) in costs.iter().zip(first) {
            let beside = share
                .zip(*first_share)
                .map_or_else(String::new, |(share, first)| {
                    format!("; rate beside pgbench {:.2} times", share / first)
                });
            report::line(format_args!(
                "{count:<8} {name:<24} CPU per request {:.2} times{beside}",
                cpu / first_cpu
            ));
            report::row(&Row {
                work: &format!("growth: {name}, {count} instances"),
                beside: &format!("{least} instances, {first_cpu:.0} µs"),
                measured: &format!("{:.2} times", cpu / first_cpu),
                target: "flat: ≤ 1.25 times",
                reached: Some(*cpu <= 1.25 * first_cpu),
            })?;
        }
    }
    Ok(())
}
