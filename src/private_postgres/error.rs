//! Why the private Postgres does not run, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::data_dir::FolderError;
use super::programs::OLDEST;

#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "Postgres {OLDEST} or later is not installed: `apt-get install postgresql` (or your \
         system's package), name its folder of programs with --postgres-bin, or give a database \
         with --database-url{}",
        looked_at(found)
    )]
    NoPrograms { found: Vec<String> },
    #[error(
        "the database in {} was made by Postgres {made_by}, which is not installed{}. Install \
         Postgres {made_by} (`apt-get install postgresql-{made_by}`) or name its folder with \
         --postgres-bin. To move to another version: run \
         `bunsen backup FILE --postgres-bin FOLDER_OF_POSTGRES_{made_by}`, move {} and the file \
         pg.password beside it away, then run `bunsen restore FILE`",
        cluster.display(), looked_at(found), cluster.display()
    )]
    OtherVersion {
        cluster: PathBuf,
        made_by: u32,
        found: Vec<String>,
    },
    #[error(
        "Postgres refuses to run as root, and this system has neither a user postgres nor a user \
         nobody: create one (`useradd --system postgres`), or run bunsen as an ordinary user"
    )]
    NoUser,
    #[error(
        "{} belongs to user {owner}, as whom its Postgres cannot be run from here: run bunsen as \
         that user, or as root after giving the folder to a user other than root (`chown -R`)",
        cluster.display()
    )]
    ClusterOwner { cluster: PathBuf, owner: u32 },
    #[error(
        "{} holds something that is not a Postgres database: move it away, or give another --data-dir",
        .0.display()
    )]
    NotACluster(PathBuf),
    #[error(
        "{} is missing, and without it the database beside it cannot be opened: \
         restore the file from a backup of the data folder",
        .0.display()
    )]
    NoPassword(PathBuf),
    #[error("cannot make the private database with {}:\n{output}", program.display())]
    Create { program: PathBuf, output: String },
    #[error("the private Postgres does not start ({status}); the end of {}:\n{output}", log.display())]
    Start {
        status: String,
        log: PathBuf,
        output: String,
    },
    #[error(
        "an earlier Postgres (process {pid}) of {} is still {doing} after {seconds} seconds: \
         look at pg.log beside that folder and try again when that process has ended",
        cluster.display()
    )]
    StillThere {
        cluster: PathBuf,
        pid: i32,
        doing: &'static str,
        seconds: u64,
    },
    #[error("no private Postgres runs in {}: start the server first", .0.display())]
    NotRunning(PathBuf),
    #[error("the private Postgres (process {pid}) does not end, not even after SIGQUIT")]
    DoesNotStop { pid: i32 },
}

impl PrivatePostgresError {
    /// For `map_err`: says what was tried on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Another process holds the data folder.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Folder(FolderError::InUse { .. }))
    }
}

fn looked_at(found: &[String]) -> String {
    if found.is_empty() {
        String::new()
    } else {
        format!(" (found: {})", found.join(", "))
    }
}
