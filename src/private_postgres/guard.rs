//! The process between the supervisor and Postgres: this binary, started again with another
//! subcommand. It becomes the Postgres user, ties its life to the supervisor's and then turns into
//! the program it was given, so that the supervisor's child *is* Postgres.
//!
//! The order of the steps is the point. Linux forgets a parent-death signal when the user changes,
//! so the user comes first; the parent may die before the signal is set, so it is compared after.
//! Executing an ordinary program keeps the signal.
//!
//! It must run before any other thread exists: Linux changes users per thread.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{getppid, setsid};

use crate::config::PostgresGuard;

/// Exit code of a guard that could not hand over; Postgres and initdb never use it.
pub(super) const FAILED: u8 = 125;

/// Returns only when the hand-over fails, with the reason on stderr.
pub fn run(arguments: &PostgresGuard) -> ExitCode {
    eprintln!("bunsen postgres-guard: {}", hand_over(arguments));
    ExitCode::from(FAILED)
}

/// Executes the command; the returned text says why it did not come to that.
fn hand_over(arguments: &PostgresGuard) -> String {
    let Some((program, rest)) = arguments.command.split_first() else {
        return "no program given".into();
    };
    // A terminal sends Ctrl-C to every process of its foreground group. Postgres has to outlive the
    // requests that the server finishes after Ctrl-C, so it gets a session of its own. This can
    // only fail for the leader of a process group, which already is one.
    let _ = setsid();
    let mut command = Command::new(program);
    command.args(rest);
    if let (Some(uid), Some(gid)) = (arguments.uid, arguments.gid)
        && let Err(error) = become_user(&mut command, uid, gid)
    {
        return format!("cannot become user {uid} with group {gid}: {error}");
    }
    if let Err(error) = die_with_parent() {
        return format!("cannot ask to be told of the supervisor's end: {error}");
    }
    let parent = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if parent != arguments.parent {
        return format!("the supervisor, process {}, has ended", arguments.parent);
    }
    format!("{}: {}", program.to_string_lossy(), command.exec())
}

/// Groups first, user last: after the user nothing else may be changed.
#[cfg(target_os = "linux")]
fn become_user(_: &mut Command, uid: u32, gid: u32) -> rustix::io::Result<()> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// Elsewhere the standard library does the same three steps when it executes the program; there is
/// no parent-death signal that they could erase.
#[cfg(not(target_os = "linux"))]
fn become_user(command: &mut Command, uid: u32, gid: u32) -> rustix::io::Result<()> {
    command.uid(uid).gid(gid);
    Ok(())
}

/// SIGINT is Postgres's fast shutdown: connections are cut, everything acknowledged is kept.
#[cfg(target_os = "linux")]
fn die_with_parent() -> rustix::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::INT))
}

/// Elsewhere a Postgres whose supervisor was killed lives on, and the next start attaches to it.
#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> rustix::io::Result<()> {
    Ok(())
}
