//! Wiring only.

use std::process::ExitCode;

use bunsen::config::{Cli, Command};
use bunsen::{cli, private_postgres, scripts};
use clap::Parser;

fn main() -> ExitCode {
    let arguments = Cli::parse();
    if let Command::PostgresGuard(arguments) = &arguments.command {
        // Before any thread exists: the guard changes its user, which Linux does per thread.
        return private_postgres::guard::run(arguments);
    }
    if let Command::ScriptWorker(arguments) = &arguments.command {
        // For the same reason, and so that nothing is there that a script could reach.
        return scripts::worker::run(arguments);
    }
    cli::run(arguments)
}
