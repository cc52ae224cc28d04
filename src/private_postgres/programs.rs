//! Finds the programs of Postgres: those that match an existing cluster, else the newest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::PrivatePostgresError;
use crate::config;

/// The store's statements need nothing newer.
pub(super) const OLDEST: u32 = 15;

/// Folders of distributions that say in their name which version they hold: the parent, what stands
/// in the name before the version, and where in the folder the programs are.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("usr/lib/postgresql", "", "bin"),
    ("usr", "pgsql-", "bin"),
    ("usr/lib", "postgresql", "bin"),
    ("usr/libexec", "postgresql", ""),
    ("opt/homebrew/opt", "postgresql@", "bin"),
    ("usr/local/opt", "postgresql@", "bin"),
    ("home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Programs of one version, in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

impl Programs {
    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// For a new cluster: the newest version, from the configured folder only when there is one.
pub(super) fn newest(configured: Option<&Path>) -> Result<Programs, PrivatePostgresError> {
    let found: Vec<Programs> = match configured {
        Some(folder) => asked(folder).into_iter().collect(),
        None => versioned(Path::new("/"))
            .into_iter()
            .chain(unversioned())
            .collect(),
    };
    found
        .iter()
        .filter(|programs| programs.major >= OLDEST && programs.initdb().is_file())
        // Of two folders with the same version the first one counts.
        .rev()
        .max_by_key(|programs| programs.major)
        .cloned()
        .ok_or_else(|| PrivatePostgresError::NoPrograms {
            found: names(&found),
        })
}

/// For an existing cluster: exactly the version that made it.
pub(super) fn matching(
    configured: Option<&Path>,
    cluster: &Path,
    made_by: u32,
) -> Result<Programs, PrivatePostgresError> {
    let mut found: Vec<Programs> = match configured {
        Some(folder) => asked(folder).into_iter().collect(),
        None => versioned(Path::new("/")),
    };
    // Everyday starts end here without having run a program.
    if let Some(programs) = found.iter().find(|programs| programs.major == made_by) {
        return Ok(programs.clone());
    }
    if configured.is_none() {
        found.extend(unversioned());
    }
    found
        .iter()
        .find(|programs| programs.major == made_by)
        .cloned()
        .ok_or_else(|| PrivatePostgresError::OtherVersion {
            cluster: cluster.to_owned(),
            made_by,
            found: names(&found),
        })
}

/// `root` is `/` except in tests.
fn versioned(root: &Path) -> Vec<Programs> {
    let mut found = Vec::new();
    for (parent, before, programs) in VERSIONED {
        // Most of these folders are missing on any one system.
        let entries = fs::read_dir(root.join(parent))
            .into_iter()
            .flatten()
            .flatten();
        found.extend(entries.filter_map(|entry| {
            let name = entry.file_name();
            let major = name.to_str()?.strip_prefix(before)?.parse().ok()?;
            let folder = entry.path().join(programs);
            folder
                .join("postgres")
                .is_file()
                .then_some(Programs { folder, major })
        }));
    }
    found
}

/// Folders whose version only the programs in them can tell.
fn unversioned() -> Vec<Programs> {
    let mut folders = config::program_folders();
    if let Some(bindir) = output(Path::new("pg_config"), "--bindir") {
        folders.insert(0, PathBuf::from(bindir.trim()));
    }
    let mut seen = BTreeSet::new();
    folders
        .into_iter()
        // /bin and /usr/bin are often the same folder.
        .filter(|folder| fs::canonicalize(folder).is_ok_and(|folder| seen.insert(folder)))
        .filter_map(|folder| asked(&folder))
        .collect()
}

fn asked(folder: &Path) -> Option<Programs> {
    let postgres = folder.join("postgres");
    if !postgres.is_file() {
        return None;
    }
    Some(Programs {
        major: major(&output(&postgres, "--version")?)?,
        folder: folder.to_owned(),
    })
}

/// From `postgres (PostgreSQL) 15.9 (Debian 15.9-1)`, `… 17beta2` or `… 18devel`.
fn major(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number[..end].parse().ok()
}

fn output(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        // Theirs to run, not to know: our environment may hold secrets.
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn names(found: &[Programs]) -> Vec<String> {
    found
        .iter()
        .map(|programs| format!("{} in {}", programs.major, programs.folder.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Programs, major, versioned};

    #[test]
    fn version_numbers_are_read() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.9 (Debian 15.9-1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 17beta2\n"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) 18\n"), Some(18));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn folders_of_distributions_are_found_only_with_a_server_in_them() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in [
            "usr/lib/postgresql/16/bin",
            "usr/pgsql-17/bin",
            "usr/libexec/postgresql18",
        ] {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).expect("can be created");
            fs::write(folder.join("postgres"), "").expect("can be written");
        }
        fs::create_dir_all(root.path().join("usr/lib/postgresql/19/bin")).expect("can be created");
        let found: Vec<u32> = versioned(root.path())
            .iter()
            .map(|p: &Programs| p.major)
            .collect();
        assert_eq!(found, [16, 17, 18]);
    }
}
