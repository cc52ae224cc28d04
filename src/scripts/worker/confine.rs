//! What a child gives up before it reads the first script: descriptors, its user, the right to get
//! others, files, sockets, processes and most calls of the system's. The script engine offers none of it to begin with; this is
//! for the day on which somebody breaks the engine.
//!
//! The order of the steps is the point. Descriptors are counted while there may still be one more;
//! Linux forgets a parent-death signal when the user changes; the parent may die before the signal
//! is set, so it is compared after.

use std::fmt::Display;

use rustix::process::{Resource, Rlimit, getppid, setrlimit, setsid};

use crate::config::ScriptWorker;

/// Beside the scripts' own memory: the program's heap, and copies of what comes and goes.
const OWN_MEMORY: u64 = 128 * 1024 * 1024;

/// Whether there is a filter on calls of the system.
pub(super) fn confine(arguments: &ScriptWorker) -> Result<bool, String> {
    close_inherited().map_err(|error| said("close inherited descriptors", &error))?;
    // Ctrl-C at a terminal is for the server, which lets calls finish. Fails only for the leader of
    // a group, which is apart already.
    let _ = setsid();
    leave_user(arguments)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Data, arguments.memory + OWN_MEMORY)?;
    limit_addresses(arguments.memory + OWN_MEMORY)?;
    limit(Resource::Fsize, 0)?;
    // A child is replaced long before; this ends one whose server is gone.
    limit(Resource::Cpu, arguments.cpu_seconds)?;
    die_with_parent().map_err(|error| said("ask to be told of the server's end", &error))?;
    let parent = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if parent != arguments.parent {
        return Err(format!(
            "the server, process {}, has ended",
            arguments.parent
        ));
    }
    keep_apart().map_err(|error| said("close its memory to others", &error))?;
    // Last: the steps before need a descriptor now and then. Neither files nor sockets after this.
    limit(Resource::Nproc, 0)?;
    limit(Resource::Nofile, 0)?;
    filter_calls()
}

/// Memory that is shared is not counted as data. Beside what may be data there is the program itself,
/// which is mapped already.
#[cfg(target_os = "linux")]
fn limit_addresses(data: u64) -> Result<(), String> {
    let known = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = known.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    // Without `/proc` nobody can tell.
    let Some(pages) = pages else {
        return Ok(());
    };
    let page = rustix::param::page_size() as u64;
    limit(
        Resource::As,
        pages.saturating_mul(page).saturating_add(data),
    )
}

/// Elsewhere it is not kept, or counts what is only reserved.
#[cfg(not(target_os = "linux"))]
fn limit_addresses(_: u64) -> Result<(), String> {
    Ok(())
}

/// A kernel without filters is one that has the limits alone.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn filter_calls() -> Result<bool, String> {
    let applied = super::filter::apply();
    let told = |error| said("filter the calls of the system", &error);
    applied.map_err(told)
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn filter_calls() -> Result<bool, String> {
    Ok(false)
}

fn said(what: &str, error: &impl Display) -> String {
    format!("cannot {what}: {error}")
}

fn limit(resource: Resource, most: u64) -> Result<(), String> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(resource, limit).map_err(|error| said(&format!("limit {resource:?}"), &error))
}

/// Whoever started the server may have left something open in it.
fn close_inherited() -> std::io::Result<()> {
    let folder = match cfg!(target_os = "linux") {
        true => "/proc/self/fd",
        false => "/dev/fd",
    };
    let numbers: Vec<i32> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // The folder's own descriptor was among them, and is closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Only root can; everybody else stays who they are.
#[cfg(target_os = "linux")]
fn leave_user(arguments: &ScriptWorker) -> Result<(), String> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    /// The user nobody, in a container that maps few users.
    const NOBODY: u32 = 65_534;

    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    // Users that nobody has, one per child: no child may signal or look into another.
    let mut last = None;
    for id in [arguments.user, NOBODY] {
        let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
        let left = set_thread_groups(&[gid])
            .and_then(|()| set_thread_res_gid(gid, gid, gid))
            .and_then(|()| set_thread_res_uid(uid, uid, uid));
        match left {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(said("leave the user root", &error)),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn leave_user(_: &ScriptWorker) -> Result<(), String> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn die_with_parent() -> rustix::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
}

/// Elsewhere the closed pipe and the limit of computing time end a child.
#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> rustix::io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn keep_apart() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    rustix::thread::set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

#[cfg(not(target_os = "linux"))]
fn keep_apart() -> rustix::io::Result<()> {
    Ok(())
}
