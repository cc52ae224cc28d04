//! The child process: takes one script after another, each in a JavaScript engine of its own, and
//! has nothing but its two pipes.

mod confine;
mod digest;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod filter;
mod host;
mod library;
mod run;
mod zones;

use std::io;
use std::process::ExitCode;

use super::frame::{self, FromChild, ToChild};
use crate::config::ScriptWorker;

/// Exit code of a child that could not give up what it must not have; no script was run.
pub const UNCONFINED: u8 = 125;

/// Runs until the server closes the pipe. Must be called before any other thread exists.
pub fn run(arguments: &ScriptWorker) -> ExitCode {
    let confined = confine::confine(arguments);
    let confined = confined.and_then(|filtered| match filtered {
        true => Ok(()),
        false => frame::write(&mut io::stdout(), &FromChild::Unfiltered)
            .map_err(|error| format!("cannot tell the server: {error}")),
    });
    if let Err(what) = confined {
        eprintln!("bunsen script-worker: {what}");
        return ExitCode::from(UNCONFINED);
    }
    loop {
        match frame::read(&mut io::stdin()) {
            Ok(ToChild::Run(script)) => {
                if run::run(&script).is_err() {
                    return ExitCode::FAILURE;
                }
            }
            // An answer to a run that is over.
            Ok(ToChild::Answer { .. }) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::FAILURE,
        }
    }
}
