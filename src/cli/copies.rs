//! `bunsen backup` and `bunsen restore`.

use std::io::Write;

use serde::Serialize;

use crate::backup::{self, Counted};
use crate::cli::state::{Opened, told};
use crate::config::{Backup, Restore, State};
use crate::error::{Error, Result};
use crate::keyring::{Keyring, KeyringError};

pub async fn backup(command: &Backup, out: &mut impl Write) -> Result<()> {
    let opened = Opened::for_command(&command.state).await?;
    let made = backup::backup(&opened.store, &command.to).await;
    let made = opened.close().await.and(made.map_err(explained))?;
    if command.json {
        return say_json(out, &made);
    }
    say(
        out,
        &format!(
            "Backup: {} ({} bytes, {})\nIt opens with the keys {} alone, which are not in it: keep \
             a copy of the keyring elsewhere (`bunsen keys export`).",
            made.file.display(),
            made.bytes,
            counted(&made.tables),
            made.keys.join(", ")
        ),
    )
}

pub async fn restore(command: &Restore, out: &mut impl Write) -> Result<()> {
    let keyring = keyring(&command.state)?;
    let opened = Opened::for_command(&command.state).await?;
    let done = backup::restore(&opened.store, &command.from, keyring.as_ref()).await;
    let done = opened.close().await.and(done.map_err(explained))?;
    if command.json {
        return say_json(out, &done);
    }
    let left_out = match done.left_out.as_slice() {
        [] => String::new(),
        names => format!("\nLeft out, since no table of Bunsen: {}", names.join(", ")),
    };
    let start = match done.mode.as_deref() {
        Some("sandbox") => "It belongs to a sandbox: start the server with --sandbox.",
        _ => "Start the server; secrets, tokens and passwords are those of then.",
    };
    say(
        out,
        &format!(
            "Restored: {}, as of {}{left_out}\n{start}",
            counted(&done.tables),
            done.created
        ),
    )
}

/// `None`: there is none yet, which the restore may be about to tell.
fn keyring(state: &State) -> Result<Option<Keyring>> {
    if let Some(json) = state.keyring.json().map_err(told)? {
        return Keyring::parse(&json).map(Some).map_err(told);
    }
    match Keyring::read(&state.keyring_file().map_err(told)?) {
        Ok(keyring) => Ok(Some(keyring)),
        Err(KeyringError::Missing(_)) => Ok(None),
        Err(error) => Err(told(error)),
    }
}

fn counted(tables: &[Counted]) -> String {
    let rows = |wanted: &str| {
        let found = tables.iter().find(|counted| counted.table == wanted);
        found.map_or(0, |counted| counted.rows)
    };
    format!(
        "{} organizations, {} users, {} instances",
        rows("organizations"),
        rows("users"),
        rows("instances")
    )
}

/// An operator is told the cause too.
fn explained(error: Error) -> Error {
    match error {
        Error::Internal(_) => told(error),
        other => other,
    }
}

fn say(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "{text}").map_err(Error::internal)
}

fn say_json(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(Error::internal)?;
    say(out, &text)
}
