//! Makes the cluster of a private Postgres: all of it or nothing, however often it is interrupted.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::data_dir;
use super::error::PrivatePostgresError;
use super::place::{self, Place};
use super::{DATABASE, USER};

/// Bytes of the password, from the system's generator.
const PASSWORD_BYTES: usize = 32;

/// What an interrupted creation left. Must be called by whoever holds the data folder's lock.
pub(super) fn remove_leftovers(data_dir: &Path) -> Result<(), PrivatePostgresError> {
    let password = handed_over(data_dir);
    let cluster = unfinished(data_dir);
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(fs::remove_file(&password))
        .map_err(PrivatePostgresError::io("cannot remove", &password))?;
    // The initdb of a killed server may write its last file while we remove.
    gone(fs::remove_dir_all(&cluster))
        .or_else(|_| gone(fs::remove_dir_all(&cluster)))
        .map_err(PrivatePostgresError::io("cannot remove", &cluster))
}

/// The caller holds the lock, has removed what was left, and there is no cluster. Blocks.
pub(super) fn create(place: &Place) -> Result<(), PrivatePostgresError> {
    let unfinished = unfinished(&place.data_dir);
    DirBuilder::new()
        .mode(0o700)
        .create(&unfinished)
        .and_then(|()| give(&unfinished, place))
        .map_err(PrivatePostgresError::io("cannot create", &unfinished))?;
    // Before the cluster has its name, so that a named cluster always has its password beside it.
    let password = random_password();
    data_dir::write_secret(&place::password_file(&place.data_dir), password.as_bytes())?;
    initialize(place, &unfinished, &password)?;
    create_database(place, &unfinished)?;
    if !place.fast_and_unsafe {
        sync(place, &unfinished)?;
    }
    let cluster = place.cluster();
    fs::rename(&unfinished, &cluster)
        .and_then(|()| data_dir::sync_folder_of(&cluster))
        .map_err(PrivatePostgresError::io(
            "cannot give its name to",
            &cluster,
        ))
}

fn initialize(place: &Place, cluster: &Path, password: &str) -> Result<(), PrivatePostgresError> {
    let handed_over = HandedOver::write(place, password)?;
    let mut command = place.guarded(&place.programs.initdb());
    command.arg("-D").arg(cluster);
    command.arg(format!("--username={USER}"));
    command.arg("--pwfile").arg(&handed_over.0);
    command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]);
    command.args(["--data-checksums", "--no-instructions", "--no-sync"]);
    run(command, &place.programs.initdb(), "")
}

/// In single-user mode and before the rename, so that no start ever has to look whether the
/// database is there.
fn create_database(place: &Place, cluster: &Path) -> Result<(), PrivatePostgresError> {
    let mut command = place.guarded(&place.programs.postgres());
    command.arg("--single").arg("-D").arg(cluster);
    // Otherwise a failed statement would still end in success.
    command.args(["-c", "exit_on_error=true", "-c", "fsync=off", "postgres"]);
    let statement = format!("create database {DATABASE} strategy file_copy\n");
    run(command, &place.programs.postgres(), &statement)
}

/// Once for all files; the steps before leave it out.
fn sync(place: &Place, cluster: &Path) -> Result<(), PrivatePostgresError> {
    let mut command = place.guarded(&place.programs.initdb());
    command.arg("--sync-only").arg("-D").arg(cluster);
    run(command, &place.programs.initdb(), "")
}

fn run(mut command: Command, program: &Path, input: &str) -> Result<(), PrivatePostgresError> {
    let failed = |output: String| PrivatePostgresError::Create {
        program: program.to_owned(),
        output,
    };
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| failed(format!("{}: {error}", command.get_program().display())))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why on its own.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = place::last_lines(&String::from_utf8_lossy(&said));
    Err(failed(format!("{said}\n({})", output.status)))
}

/// The password in a file that the Postgres user can read; gone when initdb has ended.
struct HandedOver(PathBuf);

impl HandedOver {
    fn write(place: &Place, password: &str) -> Result<Self, PrivatePostgresError> {
        let path = handed_over(&place.data_dir);
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(password.as_bytes())?;
            give(&path, place)
        };
        write().map_err(PrivatePostgresError::io("cannot write", &path))?;
        Ok(Self(path))
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        // If it stays, the next start removes it.
        drop(fs::remove_file(&self.0));
    }
}

fn give(path: &Path, place: &Place) -> io::Result<()> {
    match &place.user {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}

fn unfinished(data_dir: &Path) -> PathBuf {
    data_dir.join("pg.new")
}

fn handed_over(data_dir: &Path) -> PathBuf {
    data_dir.join("pg.password.initdb")
}

/// Hexadecimal, so that it needs no escaping anywhere.
fn random_password() -> String {
    rand::random::<[u8; PASSWORD_BYTES]>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
