//! The files of one private Postgres, and the commands that work on them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::PrivatePostgresError;
use super::programs::Programs;
use super::user::User;
use crate::ids::Secret;

/// A log larger than this is set aside at the next start, in place of the one set aside before.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
/// What an error quotes of the log.
const QUOTED_BYTES: u64 = 8 * 1024;
const QUOTED_LINES: usize = 12;

pub(super) fn cluster(data_dir: &Path) -> PathBuf {
    data_dir.join("pg")
}

pub(super) fn password_file(data_dir: &Path) -> PathBuf {
    data_dir.join("pg.password")
}

/// Everything that does not change while a start is tried, perhaps several times.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) data_dir: PathBuf,
    pub(super) programs: Programs,
    /// `None`: Postgres runs as we do.
    pub(super) user: Option<User>,
    pub(super) guard: PathBuf,
    pub(super) fast_and_unsafe: bool,
}

impl Place {
    pub(super) fn cluster(&self) -> PathBuf {
        cluster(&self.data_dir)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.data_dir.join("pg.log")
    }

    /// The program under the guard. Call from the process that is to be its supervisor; the thread
    /// that starts it must live as long as the program.
    pub(super) fn guarded(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.guard);
        command.arg("postgres-guard");
        command.arg("--parent").arg(std::process::id().to_string());
        if let Some(user) = &self.user {
            command.arg("--uid").arg(user.uid.to_string());
            command.arg("--gid").arg(user.gid.to_string());
        }
        command.arg("--").arg(program);
        // Our environment may hold the keyring, and PG… variables of somebody's shell would change
        // what the programs do. The language is fixed because we look for words in the log; with a
        // time zone given initdb need not search for the machine's.
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC");
        // The Postgres user may not be able to enter the folder that we were started in.
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// Postgres on the cluster, writing to the log.
    pub(super) fn server(
        &self,
        socket_folder: &Path,
        max_connections: u32,
    ) -> Result<Command, PrivatePostgresError> {
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(self.log())
            .and_then(|log| Ok((log.try_clone()?, log)))
            .map_err(PrivatePostgresError::io("cannot open", &self.log()))?;
        let mut command = self.guarded(&self.programs.postgres());
        command.arg("-D").arg(self.cluster());
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", "");
        set("port", &super::socket::PORT.to_string());
        set("unix_socket_directories", &quoted(socket_folder));
        set("unix_socket_permissions", "0700");
        set("max_connections", &max_connections.to_string());
        set("logging_collector", "off");
        set("log_destination", "stderr");
        // Details of an error quote rows, and rows hold personal data.
        set("log_error_verbosity", "terse");
        set("log_checkpoints", "off");
        if self.fast_and_unsafe {
            for name in ["fsync", "full_page_writes", "synchronous_commit"] {
                set(name, "off");
            }
        }
        command.stdout(log.0).stderr(log.1);
        Ok(command)
    }

    pub(super) fn rotate_log(&self) -> Result<(), PrivatePostgresError> {
        let log = self.log();
        match fs::metadata(&log) {
            Ok(found) if found.len() > LOG_LIMIT => {
                fs::rename(&log, self.data_dir.join("pg.log.1"))
                    .map_err(PrivatePostgresError::io("cannot rename", &log))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn log_length(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |found| found.len())
    }

    /// The last lines that were written after the log was `since` bytes long.
    pub(super) fn log_tail(&self, since: u64) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut log = File::open(self.log())?;
            let end = log.metadata()?.len();
            log.seek(SeekFrom::Start(since.max(end.saturating_sub(QUOTED_BYTES))))?;
            let mut text = Vec::new();
            log.take(QUOTED_BYTES).read_to_end(&mut text)?;
            Ok(text)
        };
        match read() {
            Ok(text) => last_lines(&String::from_utf8_lossy(&text)),
            Err(error) => format!("(cannot be read: {error})"),
        }
    }
}

pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

pub(super) fn read_password(data_dir: &Path) -> Result<Secret, PrivatePostgresError> {
    let path = password_file(data_dir);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Secret::new(text.trim_end())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(PrivatePostgresError::NoPassword(path))
        }
        Err(error) => Err(PrivatePostgresError::io("cannot read", &path)(error)),
    }
}

/// One element of a list setting; a folder's name may hold blanks and commas.
fn quoted(folder: &Path) -> String {
    format!("\"{}\"", folder.to_string_lossy().replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{last_lines, quoted};

    #[test]
    fn a_folder_is_one_element_of_a_list() {
        assert_eq!(quoted(Path::new("/a, \"b\"")), "\"/a, \"\"b\"\"\"");
    }

    #[test]
    fn only_the_last_lines_are_quoted() {
        let text: String = (1..=20)
            .map(|number| format!("line {number}\n\n"))
            .collect();
        let quoted = last_lines(&text);
        assert!(
            quoted.starts_with("line 9\n") && quoted.ends_with("line 20"),
            "{quoted}"
        );
        assert_eq!(last_lines(""), "");
    }
}
