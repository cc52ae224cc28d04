//! Wiring only.

use std::process::ExitCode;

use bunsen::config::{Cli, Command};
use bunsen::{cli, private_postgres};
use clap::Parser;

fn main() -> ExitCode {
    let arguments = Cli::parse();
    if let Command::PostgresGuard(arguments) = &arguments.command {
        // Before any thread exists: the guard changes its user, which Linux does per thread.
        return private_postgres::guard::run(arguments);
    }
    cli::run(arguments)
}
