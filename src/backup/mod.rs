//! Use cases of an operator: everything the database holds in one file, and back.
//!
//! The file holds sealed values as they are stored and no key: it opens with the keyring of its
//! time, which is kept apart. It depends on no program of Postgres and on none of its versions, so
//! the same two commands move a database to another major version.

mod format;
mod restore;

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::store::{Snapshot, Store};

use format::{Ending, Header, Key, Migration, Table, TableEnd, Writer};
pub use restore::restore;

/// Since then the database knows which keys were retired.
const RETIREMENT: i64 = 4;

/// What a backup holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackedUp {
    pub file: PathBuf,
    pub bytes: u64,
    /// ISO 8601, UTC.
    pub created: String,
    pub mode: Option<String>,
    pub tables: Vec<Counted>,
    /// Ids of the keys that a restore needs.
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub table: String,
    pub rows: u64,
}

/// Writes everything as it is at one moment to `to`, a file or a folder, beside running servers.
/// Under the file's name there is the old content or all of the new one.
pub async fn backup(store: &Store, to: &Path) -> Result<BackedUp> {
    let created = jiff::Timestamp::now();
    let file = match to.is_dir() {
        true => to.join(created.strftime("bunsen-%Y%m%dT%H%M%SZ.backup").to_string()),
        false => to.to_owned(),
    };
    let mut staged = file.as_os_str().to_owned();
    staged.push(".new");
    let staged = PathBuf::from(staged);
    let out = new_file(&staged).map_err(|error| not_written(&staged, &error))?;
    let created = created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let written = match write(store, out, created.clone()).await {
        Ok(written) => publish(&staged, &file)
            .map(|bytes| (written, bytes))
            .map_err(|error| not_written(&file, &error)),
        Err(error) => Err(error),
    };
    if written.is_err() {
        // It says nothing that is true.
        let _ = std::fs::remove_file(&staged);
    }
    let ((header, tables), bytes) = written?;
    let needed = header.keys.iter().filter(|key| !key.retired);
    Ok(BackedUp {
        file,
        bytes,
        created,
        mode: header.mode.clone(),
        tables,
        keys: needed.map(|key| key.id.clone()).collect(),
    })
}

async fn write(store: &Store, out: File, created: String) -> Result<(Header, Vec<Counted>)> {
    let postgres = store.version_of_postgres().await?;
    let mut snapshot = store.snapshot().await?;
    let header = header(&mut snapshot, created, postgres).await?;
    let failed =
        |error: io::Error| Error::Invalid(format!("the backup cannot be written: {error}"));
    let mut writer = Writer::begin(BufWriter::new(out), &header).map_err(failed)?;
    let mut counts = Vec::new();
    for shape in snapshot.tables().await? {
        let table = Table {
            name: shape.name.clone(),
            columns: shape.columns.clone(),
        };
        writer.table(&table).map_err(failed)?;
        let mut count = 0;
        let mut rows = snapshot.rows(&shape).await?;
        while let Some(piece) = rows.try_next().await? {
            // A row is a line; line ends within values are written otherwise.
            count += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
            writer.rows(&piece).map_err(failed)?;
        }
        writer
            .end_table(&TableEnd { rows: count })
            .map_err(failed)?;
        counts.push(Counted {
            table: shape.name,
            rows: count,
        });
    }
    let ending = Ending {
        tables: counts.len(),
        last_ids: snapshot.last_ids().await?,
    };
    let mut out = writer.finish(&ending).map_err(failed)?;
    out.flush()
        .and_then(|()| out.get_ref().sync_all())
        .map_err(failed)?;
    Ok((header, counts))
}

async fn header(snapshot: &mut Snapshot, created: String, postgres: i32) -> Result<Header> {
    let migrations = snapshot.migrations().await?.filter(|all| !all.is_empty());
    let migrations = migrations.ok_or_else(|| {
        Error::NotFound("there is nothing to back up: the database has no tables of Bunsen".into())
    })?;
    let retirement = migrations.iter().any(|one| one.version >= RETIREMENT);
    let keys = snapshot.keys(retirement).await?;
    Ok(Header {
        created,
        bunsen: env!("CARGO_PKG_VERSION").to_owned(),
        postgres,
        mode: snapshot.mode().await?,
        migrations: migrations
            .into_iter()
            .map(|migration| Migration {
                version: migration.version,
                checksum: hex(&migration.checksum),
            })
            .collect(),
        keys: keys
            .into_iter()
            .map(|key| Key {
                id: key.key_id,
                use_: key.use_,
                check: hex(&key.check_value),
                retired: key.retired,
            })
            .collect(),
    })
}

/// Only we can read it: sealed or not, it is everything.
fn new_file(staged: &Path) -> io::Result<File> {
    match std::fs::remove_file(staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(staged)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn publish(staged: &Path, file: &Path) -> io::Result<u64> {
    std::fs::rename(staged, file)?;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()?;
    Ok(std::fs::metadata(file)?.len())
}

fn not_written(path: &Path, error: &io::Error) -> Error {
    Error::Invalid(format!("{} cannot be written: {error}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
