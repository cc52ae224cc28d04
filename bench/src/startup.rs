//! How long a start takes, and what an idle server weighs.

use std::time::Duration;

use crate::Error;
use crate::process::{Split, Tree};
use crate::report::{self, Middle, Row};
use crate::server::{Programs, Sandbox, Server, replica_settings, temporary_folder};

/// Long enough for what a start leaves to be done in the background.
const SETTLE: Duration = Duration::from_secs(3);

pub async fn measure(programs: &Programs, sandbox: &Sandbox, times: usize) -> Result<(), Error> {
    let folder = temporary_folder()?;
    let mut first = Vec::new();
    for number in 0..times {
        let data_dir = folder.path().join(format!("first-{number}"));
        let mut server = Server::start(programs, sandbox, &data_dir, &[]).await?;
        first.push(server.start.as_secs_f64());
        server.stop().await?;
    }
    show("first, initdb included", first, Some(1.5))?;

    let data_dir = folder.path().join("first-0");
    let mut warm = Vec::new();
    for _ in 0..times {
        let mut server = Server::start(programs, sandbox, &data_dir, &[]).await?;
        warm.push(server.start.as_secs_f64());
        server.stop().await?;
    }
    show("warm, private Postgres", warm, None)?;

    // Another replica on the database of a server that runs.
    let mut server = Server::start(programs, sandbox, &data_dir, &[]).await?;
    let settings = replica_settings(&data_dir)?;
    let replica_dir = folder.path().join("replica");
    let mut at_hand = Vec::new();
    for _ in 0..times {
        let mut replica = Server::start(programs, sandbox, &replica_dir, &settings).await?;
        at_hand.push(replica.start.as_secs_f64());
        replica.stop().await?;
    }
    show("database at hand", at_hand, Some(0.2))?;

    tokio::time::sleep(SETTLE).await;
    report::title("Memory, idle (PSS)");
    let trees = Split {
        server: Tree::of(server.process_id())?,
        postgres: Tree::of(server.process_id())?,
    };
    memory("just started", &trees);
    let weight = trees.server.memory().server;
    report::row(&Row {
        work: "memory, idle (PSS, Postgres apart)",
        beside: "-",
        measured: &format!("{weight:.0} MB"),
        target: "≤ 40 MB",
        reached: Some(weight <= 40.0),
    })?;
    server.stop().await
}

/// The server's part of the first tree, Postgres's of the second: they may be one.
pub fn memory(name: &str, trees: &Split<Tree>) {
    report::line(format_args!(
        "{name:<26} server {:.1} MB (target: 40), Postgres apart {:.1} MB",
        trees.server.memory().server,
        trees.postgres.memory().postgres
    ));
}

fn show(name: &str, seconds: Vec<f64>, target: Option<f64>) -> Result<(), Error> {
    let seconds = Middle::of(seconds);
    let most = target.map_or_else(|| "-".to_owned(), |target| target.to_string());
    report::line(format_args!(
        "{name:<26} {} s (target: {most})",
        seconds.show(3)
    ));
    let Some(target) = target else {
        return Ok(());
    };
    report::row(&Row {
        work: &format!("start: {name}"),
        beside: "-",
        measured: &format!("{:.2} s", seconds.median),
        target: &format!("≤ {target} s"),
        reached: Some(seconds.median <= target),
    })
}
