//! The way back. Everything that can be known beforehand is: the file is read to its end, its
//! schema and its keys are compared, before the database is touched.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use ring::digest::Digest;
use serde::Serialize;

use super::format::{Ending, FormatError, Header, Piece, Reader};
use super::{Counted, unhex};
use crate::bootstrap::{self, KeyringMismatch};
use crate::error::{Error, Result};
use crate::ids::{KeyCheck, KeyUse};
use crate::keyring::Keyring;
use crate::store::{AppliedMigration, LEFT_BEHIND, RestoreError, Store, knows_migration};

/// What was restored.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// ISO 8601, UTC.
    pub created: String,
    pub mode: Option<String>,
    pub tables: Vec<Counted>,
    /// Tables that are none of ours and were left out.
    pub left_out: Vec<String>,
}

/// A file that was read to its end and is whole.
struct Whole {
    header: Header,
    tables: Vec<Counted>,
    digest: Digest,
}

/// Brings a backup into an empty database: all of it, or nothing. `keyring`: what this server will
/// open it with; `None`: there is none yet.
pub async fn restore(store: &Store, file: &Path, keyring: Option<&Keyring>) -> Result<Restored> {
    let whole = read_through(file)?;
    let versions = known_versions(&whole.header)?;
    check_keyring(&whole.header, keyring)?;
    let told = |error: RestoreError| match error {
        RestoreError::NotEmpty(_) | RestoreError::Rows(_) => Error::Conflict(error.to_string()),
        other => Error::Invalid(with_causes(&other)),
    };
    let left_out = load(store, file, &whole, &versions).await.map_err(told)?;
    if let Err(error) = store.analyze().await {
        tracing::warn!(?error, "the database's statistics were not renewed");
    }
    let mut tables = whole.tables;
    tables.retain(|counted| !left_out.contains(&counted.table));
    Ok(Restored {
        created: whole.header.created,
        mode: whole.header.mode,
        tables,
        left_out,
    })
}

fn read_through(path: &Path) -> Result<Whole> {
    let refused = |error: FormatError| Error::Invalid(format!("{}: {error}", path.display()));
    let (mut reader, header) = open(path).map_err(refused)?;
    let mut tables: Vec<Counted> = Vec::new();
    let mut rows = 0;
    loop {
        match reader.next().map_err(refused)? {
            Piece::Table(table) => {
                rows = 0;
                tables.push(Counted {
                    table: table.name,
                    rows,
                });
            }
            Piece::Rows(text) => rows += lines(&text),
            Piece::TableEnd(end) => match tables.last_mut() {
                Some(table) if end.rows == rows => table.rows = rows,
                _ => return Err(refused(FormatError::Damaged("rows are missing"))),
            },
            Piece::Ending(_) => break,
        }
    }
    let digest = reader.finish().map_err(refused)?;
    Ok(Whole {
        header,
        tables,
        digest,
    })
}

fn open(path: &Path) -> Result<(Reader<BufReader<File>>, Header), FormatError> {
    Reader::begin(BufReader::with_capacity(256 * 1024, File::open(path)?))
}

fn known_versions(header: &Header) -> Result<Vec<i64>> {
    let mut versions = Vec::new();
    for migration in &header.migrations {
        let applied = AppliedMigration {
            version: migration.version,
            checksum: unhex(&migration.checksum).unwrap_or_default(),
        };
        match knows_migration(&applied) {
            Some(true) => versions.push(migration.version),
            Some(false) => {
                return Err(Error::Invalid(format!(
                    "the backup was made by a Bunsen {} whose migration {} is another one than \
                     here: restore it with that Bunsen",
                    header.bunsen, migration.version
                )));
            }
            None => {
                return Err(Error::Invalid(format!(
                    "the backup was made by a newer Bunsen ({}, with migration {} that is unknown \
                     here): restore it with that version or a later one",
                    header.bunsen, migration.version
                )));
            }
        }
    }
    Ok(versions)
}

/// A restored database that nobody can open would be found out too late.
fn check_keyring(header: &Header, keyring: Option<&Keyring>) -> Result<()> {
    let mut known = Vec::new();
    let mut retired = Vec::new();
    for key in &header.keys {
        if key.retired {
            retired.push(key.id.clone());
            continue;
        }
        known.push(KeyCheck {
            key_id: key.id.clone(),
            use_: match key.use_.as_str() {
                "find" => KeyUse::Find,
                _ => KeyUse::Encrypt,
            },
            check_value: unhex(&key.check).unwrap_or_default(),
        });
    }
    let mismatch = match keyring {
        Some(keyring) => bootstrap::compare(&known, &keyring.checks(), retired, keyring),
        None if known.is_empty() => Ok(()),
        None => Err(KeyringMismatch {
            missing: known.into_iter().map(|check| check.key_id).collect(),
            different: Vec::new(),
            retired: Vec::new(),
        }),
    };
    mismatch.map_err(|mismatch| {
        Error::Invalid(format!(
            "{mismatch}; write it from its export with `bunsen keys import`, or name its file with \
             --keyring. Nothing was restored"
        ))
    })
}

/// The second reading. Gives the tables that were left out.
async fn load(
    store: &Store,
    file: &Path,
    whole: &Whole,
    versions: &[i64],
) -> Result<Vec<String>, RestoreError> {
    let (mut reader, _) = open(file).map_err(unreadable)?;
    let mut restoration = store.begin_restore(versions).await?;
    let mut left_out = Vec::new();
    let ending: Ending = loop {
        let table = match reader.next().map_err(unreadable)? {
            Piece::Table(table) => table,
            Piece::Ending(ending) => break ending,
            Piece::Rows(_) | Piece::TableEnd(_) => {
                return Err(unreadable(FormatError::Damaged("it has changed")));
            }
        };
        let wanted = !LEFT_BEHIND.contains(&table.name.as_str());
        if !wanted || !restoration.has(&table.name) {
            while let Piece::Rows(_) = reader.next().map_err(unreadable)? {}
            left_out.push(table.name);
            continue;
        }
        let mut told = 0;
        let loaded = restoration
            .load(&table.name, &table.columns, || {
                match reader.next().map_err(unreadable)? {
                    Piece::Rows(rows) => Ok(Some(rows)),
                    Piece::TableEnd(end) => {
                        told = end.rows;
                        Ok(None)
                    }
                    _ => Err(unreadable(FormatError::Damaged("it has changed"))),
                }
            })
            .await?;
        if loaded != told {
            return Err(RestoreError::Rows(format!(
                "the table '{}' took {loaded} rows of {told}",
                table.name
            )));
        }
    };
    let digest = reader.finish().map_err(unreadable)?;
    if digest.as_ref() != whole.digest.as_ref() {
        return Err(unreadable(FormatError::Damaged("it has changed")));
    }
    restoration.finish(&ending.last_ids).await?;
    Ok(left_out)
}

fn unreadable(error: FormatError) -> RestoreError {
    RestoreError::Rows(format!(
        "the backup could be read once and not again: {error}"
    ))
}

fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let next = source.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = source.source();
    }
    text
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        Self::Rows(error.to_string())
    }
}
