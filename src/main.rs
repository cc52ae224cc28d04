//! Wiring only.

use std::process::ExitCode;

use bunsen::config::{Cli, Command};
use bunsen::private_postgres;
use clap::Parser;

fn main() -> ExitCode {
    match Cli::parse().command {
        // Before any thread exists: the guard changes its user, which Linux does per thread.
        Command::PostgresGuard(arguments) => private_postgres::guard::run(&arguments),
        _ => ExitCode::FAILURE,
    }
}
