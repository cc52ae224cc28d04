//! Measures a built server on this machine: start-up, idle memory, creates and reads beside
//! pgbench on the same Postgres, with few instances or a million; and a storm of renewals. Only ratios say something, since machines differ; nothing here
//! fails because it was slow.

mod crowd;
mod gauge;
mod hostile;
mod load;
mod pgbench;
mod pieces;
mod process;
mod renewals;
mod report;
mod runs;
mod scale;
mod seed;
mod server;
mod stages;
mod startup;
mod steady;
mod vendor;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// What is returned for everything that keeps the bench from measuring.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Measures start-up, memory, creates and reads of a built server
#[derive(Debug, Parser)]
#[command(name = "bunsen-bench", version)]
struct Arguments {
    /// Folder of `bunsen` and `bunsen-sandbox`; default: where this program is
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,

    /// Folder of `psql` and `pgbench`; default: the newest of the usual places, then PATH
    #[arg(long, env = "BUNSEN_POSTGRES_BIN", value_name = "DIR")]
    postgres_bin: Option<PathBuf>,

    /// Body of a create
    #[arg(
        long,
        value_name = "FILE",
        default_value = "examples/instances/freshdesk.json"
    )]
    body: PathBuf,

    /// Seconds of each timed piece
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u64,

    /// How often Bunsen and pgbench take turns
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,

    /// Numbers of clients
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [32, 1])]
    clients: Vec<usize>,

    /// How often each kind of start is repeated
    #[arg(long, value_name = "N", default_value_t = 5)]
    starts: usize,

    /// Instead: reads, lists and creates on 1,000 to a million instances, and keys rotated under load
    #[arg(long)]
    scale: bool,

    /// Instead: sessions that are all due at once, renewed while others read
    #[arg(long, conflicts_with = "scale")]
    renewals: bool,

    /// Instead: calls that all wait for a vendor at once, and what each of them weighs
    #[arg(long, conflicts_with_all = ["scale", "renewals"])]
    waiting: bool,

    /// Instead: how long calls of twenty organizations take beside one that means ill
    #[arg(long, conflicts_with_all = ["scale", "renewals", "waiting"])]
    hostile: bool,

    /// Instead: what each stage of a hub call takes
    #[arg(long, conflicts_with_all = ["scale", "renewals", "waiting", "hostile"])]
    stages: bool,

    /// Folder of the definition that --hostile and --stages use
    #[arg(long, value_name = "DIR", default_value = "bench/elements")]
    elements: PathBuf,

    /// A file that gets the figures which have a target, for bench/table
    #[arg(long, env = "BENCH_ROWS", value_name = "FILE")]
    rows: Option<PathBuf>,

    /// How many of --waiting, if the limit of open files allows it
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "waiting")]
    calls: usize,

    /// How many of --renewals
    #[arg(long, value_name = "N", default_value_t = 100_000, requires = "renewals",
          value_parser = clap::value_parser!(u32).range(100..))]
    due: u32,

    /// Log-in of the sessions, at the simulated vendor
    #[arg(
        long,
        value_name = "FILE",
        default_value = "elements/docusign/cases/oauth.json",
        requires = "renewals"
    )]
    case: PathBuf,

    /// Most instances of --scale
    #[arg(long, value_name = "N", default_value_t = 1_000_000, requires = "scale",
          value_parser = clap::value_parser!(u32).range(1000..))]
    instances: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bunsen-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: Arguments) -> Result<(), Error> {
    let programs = server::Programs::find(arguments.programs)?;
    let postgres = pgbench::Programs::find(arguments.postgres_bin)?;
    let body = std::fs::read(&arguments.body)
        .map_err(|error| format!("cannot read {}: {error}", arguments.body.display()))?;
    if let Some(rows) = arguments.rows {
        report::rows_go_to(rows);
    }
    let sandbox = server::Sandbox::start(&programs).await?;

    if arguments.waiting {
        let body = body.into();
        return waiting::measure(&programs, &sandbox, &body, arguments.calls.max(1)).await;
    }

    let duration = Duration::from_secs(arguments.seconds.max(1));
    let (elements, rounds) = (&arguments.elements, arguments.rounds.max(1));
    if arguments.hostile {
        return hostile::measure(&programs, &sandbox, elements, duration, rounds).await;
    }
    if arguments.stages {
        return stages::measure(&programs, &sandbox, elements, duration, rounds).await;
    }

    let plan = pieces::Plan {
        body: body.into(),
        seconds: arguments.seconds.max(1),
        rounds: arguments.rounds.max(1),
        clients: arguments.clients,
    };
    if arguments.scale {
        return scale::measure(&programs, &postgres, &sandbox, &plan, arguments.instances).await;
    }

    if arguments.renewals {
        let case = serde_json::from_slice(&std::fs::read(&arguments.case)?)?;
        let what = (&case, arguments.due);
        return renewals::measure(&programs, &postgres, &sandbox, &plan, what).await;
    }

    report::title("Start, until it listens");
    startup::measure(&programs, &sandbox, arguments.starts.max(1)).await?;
    runs::measure(&programs, &postgres, &sandbox, &plan).await
}
