//! The last thing that a child gives up, on Linux: every call of the system's but those by which it
//! computes, and reads and writes what it has open. Anything else is answered with "not permitted".

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Whatever their arguments. The pipes, memory, clocks, sleeping, random bytes, the end.
const ALLOWED: [libc::c_long; 28] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_ppoll,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getpriority,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// From here on this thread, which is the only one, can do nothing else.
///
/// # Errors
/// Where the kernel has no filters (`false`: it goes without), nothing; else why it refuses this one.
pub(super) fn apply() -> Result<bool, Error> {
    match seccompiler::apply_filter(&program()?) {
        Ok(()) => Ok(true),
        // Built without them, or somebody else's idea of a kernel.
        Err(Error::Seccomp(error))
            if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn program() -> Result<BpfProgram, Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let is = |argument, comparison, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, comparison, value)
    };
    let only = |argument, comparison, value| -> Result<Vec<SeccompRule>, Error> {
        Ok(vec![SeccompRule::new(vec![is(
            argument, comparison, value,
        )?])?])
    };
    // Memory is never made to run.
    let executable = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, only(2, SeccompCmpOp::MaskedEq(executable), 0)?);
    }
    // Itself, and nobody else: to be put last, and to give up.
    let process = is(0, SeccompCmpOp::Eq, u64::from(libc::PRIO_PROCESS))?;
    let itself = is(1, SeccompCmpOp::Eq, 0)?;
    let priority = SeccompRule::new(vec![process, itself])?;
    rules.insert(libc::SYS_setpriority, vec![priority]);
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, only(0, SeccompCmpOp::Eq, own)?);
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let target = match cfg!(target_arch = "x86_64") {
        true => TargetArch::x86_64,
        false => TargetArch::aarch64,
    };
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, target)?;
    Ok(filter.try_into()?)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::{ErrorKind, Result};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;

    use rustix::process::{
        Pid, Resource, Rlimit, getpid, getppid, getpriority_pgrp, getpriority_process, getrlimit,
        setpriority_pgrp, setpriority_process, setrlimit, test_kill_process,
    };

    use super::apply;

    /// What a child could try, and whether it was refused as this filter does it.
    fn tries(parent: Pid, limit: Rlimit) -> Vec<(&'static str, bool)> {
        fn refused<T>(tried: Result<T>) -> bool {
            tried.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
        }
        let null = "/dev/null";
        vec![
            ("listen", refused(TcpListener::bind("127.0.0.1:0"))),
            ("connect", refused(TcpStream::connect("127.0.0.1:1"))),
            ("datagrams", refused(UdpSocket::bind("127.0.0.1:0"))),
            ("a local socket", refused(UnixDatagram::unbound())),
            ("read a file", refused(File::open(null))),
            (
                "write a file",
                refused(OpenOptions::new().write(true).open(null)),
            ),
            (
                "start a program",
                refused(Command::new("/bin/true").status()),
            ),
            (
                "start a thread",
                refused(std::thread::Builder::new().spawn(|| ())),
            ),
            (
                "signal the server",
                refused(test_kill_process(parent).map_err(Into::into)),
            ),
            (
                "lift a limit",
                refused(setrlimit(Resource::Core, limit).map_err(Into::into)),
            ),
        ]
    }

    #[test]
    fn a_child_can_open_call_and_start_nothing() {
        let parent = getppid().unwrap_or_else(getpid);
        let limit = getrlimit(Resource::Core);
        for (what, refused) in tries(parent, limit) {
            assert!(
                !refused,
                "without the filter it can {what}, or it is no test"
            );
        }
        // A filter is its thread's alone.
        let confined = std::thread::spawn(move || {
            let applied = apply()?;
            // `None`: itself, or its group. To what it has, should it not be refused.
            let own = getpriority_process(None).and_then(|own| setpriority_process(None, own));
            let group = getpriority_pgrp(None).and_then(|of| setpriority_pgrp(None, of));
            Ok((applied, tries(parent, limit), own, group))
        });
        let confined: std::result::Result<_, seccompiler::Error> =
            confined.join().expect("the thread ends as it should");
        let (applied, tried, own, group) = confined.expect("the filter is taken");
        assert_eq!(own, Ok(()), "a child may put itself last");
        assert_eq!(group, Err(rustix::io::Errno::PERM), "and nobody else");
        assert!(applied, "this kernel has filters");
        for (what, refused) in tried {
            assert!(refused, "a child can {what}");
        }
    }
}
