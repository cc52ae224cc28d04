//! What `postmaster.pid` in a cluster says, and whether its process is still that postmaster.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

/// The file, as far as the postmaster has written it: process, start, folder and port come first,
/// then socket folder, address, shared memory and, as the eighth line, the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    pub(super) port: Option<u16>,
    pub(super) socket_folder: Option<PathBuf>,
    pub(super) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Starting,
    Ready,
    Stopping,
}

impl State {
    /// For a sentence with "is still …".
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// `None` where there is no postmaster, living or dead.
pub(super) fn read(cluster: &Path) -> io::Result<Option<Postmaster>> {
    match fs::read_to_string(cluster.join("postmaster.pid")) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> Option<Postmaster> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let line = |number: usize| {
        lines
            .get(number - 1)
            .copied()
            .filter(|line| !line.is_empty())
    };
    Some(Postmaster {
        // Single-user mode writes its pid with a minus sign.
        pid: line(1)?.parse::<i32>().ok()?.checked_abs()?,
        port: line(4).and_then(|port| port.parse().ok()),
        socket_folder: line(5).map(PathBuf::from),
        state: match line(8) {
            Some("ready" | "standby") => State::Ready,
            Some("stopping") => State::Stopping,
            _ => State::Starting,
        },
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Lives,
    Gone,
    /// It has ended, but its number is in use: by another process, or by its own remains until
    /// somebody collects them, which under some first processes of containers is never.
    Replaced,
}

impl Postmaster {
    pub(super) fn life(&self, cluster: &Path) -> Life {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Life::Gone;
        };
        // Sends nothing: it only asks whether the process is there.
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            return Life::Gone;
        }
        life_by_working_folder(self.pid, cluster)
    }
}

/// A postmaster works in its data folder, so the number alone need not be trusted: after a restart
/// of the machine another process may have it.
#[cfg(target_os = "linux")]
fn life_by_working_folder(pid: i32, cluster: &Path) -> Life {
    use std::os::unix::fs::MetadataExt;

    let working = fs::metadata(format!("/proc/{pid}/cwd"));
    match (working, fs::metadata(cluster)) {
        (Ok(working), Ok(cluster)) => {
            if (working.dev(), working.ino()) == (cluster.dev(), cluster.ino()) {
                Life::Lives
            } else {
                Life::Replaced
            }
        }
        // Ended and not yet collected, or collected just now.
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Life::Replaced,
        // Some other user's, since we could look at our own. Postgres itself sees through that one.
        _ => Life::Gone,
    }
}

#[cfg(not(target_os = "linux"))]
fn life_by_working_folder(_: i32, _: &Path) -> Life {
    Life::Lives
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Life, Postmaster, State, parse};

    const READY: &str = "4711\n/data/pg\n1700000000\n5432\n/data/pg.socket\n\n  1 2\nready   \n";

    #[test]
    fn a_ready_postmaster_is_read() {
        let found = parse(READY).expect("is complete");
        assert_eq!(
            (found.pid, found.port, found.state),
            (4711, Some(5432), State::Ready)
        );
        assert_eq!(
            found.socket_folder.as_deref(),
            Some(Path::new("/data/pg.socket"))
        );
    }

    #[test]
    fn a_half_written_file_is_a_starting_postmaster_or_none() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("what"), None);
        for end in 5..READY.len() - "ready   \n".len() {
            let found = parse(&READY[..end]).expect("has a process");
            assert_eq!(found.state, State::Starting, "{end}");
        }
    }

    #[test]
    fn a_process_that_works_elsewhere_is_not_this_postmaster() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut found: Postmaster = parse(READY).expect("is complete");
        found.pid = i32::try_from(std::process::id()).expect("process ids are small");
        let expected = if cfg!(target_os = "linux") {
            Life::Replaced
        } else {
            Life::Lives
        };
        assert_eq!(found.life(folder.path()), expected);
        // Above the largest process id that Linux gives out.
        found.pid = 1 << 23;
        assert_eq!(found.life(folder.path()), Life::Gone);
    }
}
