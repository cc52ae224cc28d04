//! `bunsen keys`: the keyring file, and the keys in use.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::bootstrap;
use crate::cli::state::{Opened, told};
use crate::config::{KeyKind, KeyringSource, Keys, State, data_dir};
use crate::error::{Error, Result};
use crate::keyring::{KeyUse, Keyring};
use crate::keys::{self, Work};
use crate::store::Store;
use crate::vault::Vault;

pub async fn run(command: &Keys, out: &mut impl Write) -> Result<()> {
    match command {
        Keys::Init { keyring, data_dir } => {
            let path = new_file(keyring.as_deref(), data_dir.as_deref())?;
            write_new(&Keyring::generate(), &path)?;
            say(
                out,
                &format!(
                    "New keyring: {}\nKeep a copy apart from the database's backups: without it \
                     nothing sealed can be opened.",
                    path.display()
                ),
            )
        }
        Keys::Export {
            keyring,
            data_dir,
            passphrase,
            to,
        } => {
            let passphrase = passphrase.read().map_err(told)?;
            let text = held(keyring, data_dir.as_deref())?
                .export(&passphrase)
                .map_err(told)?;
            let written = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(to)
                .and_then(|mut file| {
                    file.write_all(text.as_bytes())?;
                    file.sync_all()
                });
            written.map_err(|error| not_written(to, &error))?;
            say(out, &format!("Exported: {}", to.display()))
        }
        Keys::Import {
            keyring,
            data_dir,
            passphrase,
            from,
        } => {
            let passphrase = passphrase.read().map_err(told)?;
            let text = std::fs::read_to_string(from).map_err(|error| {
                Error::Invalid(format!("{} cannot be read: {error}", from.display()))
            })?;
            let imported = Keyring::from_export(&text, &passphrase).map_err(told)?;
            let path = new_file(keyring.as_deref(), data_dir.as_deref())?;
            write_new(&imported, &path)?;
            say(out, &format!("Keyring: {}", path.display()))
        }
        Keys::Status { state, json } => {
            let opened = Opened::for_command(state).await?;
            let outcome = show_status(&opened, state, *json, out).await;
            opened.close().await.and(outcome)
        }
        Keys::Rotate { state, .. } | Keys::Retire { state, .. } => {
            let file = rotatable(state)?;
            let opened = Opened::for_command(state).await?;
            let outcome = work(&opened, &file, command, out).await;
            opened.close().await.and(outcome)
        }
    }
}

/// Rotation and retirement, under the lease.
async fn work(opened: &Opened, file: &Path, command: &Keys, out: &mut impl Write) -> Result<()> {
    let (Keys::Rotate { pace, .. } | Keys::Retire { pace, .. }) = command else {
        return Ok(());
    };
    let store = &opened.store;
    store.migrate().await.map_err(told)?;
    let vault = Vault::new(checked(store, Keyring::read(file).map_err(told)?).await?);
    let pace = keys::Pace {
        batch: pace.batch,
        pause: pace.pause(),
        wait: pace.wait(),
    };
    let work = Work::begin(store, &vault, file, pace).await?;
    let outcome = done(&work, store, command).await;
    work.end().await?;
    let (json, value, text) = outcome?;
    if json {
        say(out, &value.to_string())
    } else {
        say(out, &text)
    }
}

/// Whether JSON is wanted, the JSON, the text.
async fn done(
    work: &Work<'_>,
    store: &Store,
    command: &Keys,
) -> Result<(bool, serde_json::Value, String)> {
    match command {
        Keys::Rotate {
            kind,
            organization,
            json,
            ..
        } => {
            let rotated = match kind {
                KeyKind::Encrypt => work.rotate_keyring(KeyUse::Encrypt).await?,
                KeyKind::Find => work.rotate_keyring(KeyUse::Find).await?,
                KeyKind::Organization => {
                    let all = store.all_orgs().organization_ids().await?;
                    let wanted = match organization {
                        None => all,
                        Some(id) if all.contains(id) => vec![*id],
                        Some(id) => {
                            return Err(Error::NotFound(format!(
                                "--organization: there is no organization {id}."
                            )));
                        }
                    };
                    work.rotate_organizations(&wanted).await?
                }
            };
            let resumed = if rotated.resumed {
                "An earlier rotation was brought to its end; "
            } else {
                ""
            };
            let left = match rotated.left {
                0 => String::new(),
                left => format!(
                    "\n{left} secrets stay under their old key: what is sealed beside them is \
                     another secret than the index finds"
                ),
            };
            let text = format!(
                "{resumed}current: {}, rows written anew: {}{left}",
                rotated.current, rotated.rows
            );
            let value = serde_json::to_value(&rotated).map_err(Error::internal)?;
            Ok((*json, value, text))
        }
        Keys::Retire { key, json, .. } => match key {
            Some(key) => {
                work.retire_key(key).await?;
                let value = serde_json::json!({"retired": key});
                Ok((*json, value, format!("Retired: {key}")))
            }
            None => {
                let all = store.all_orgs().organization_ids().await?;
                let count = work.retire_organization_keys(&all).await?;
                let value = serde_json::json!({"retiredOrganizationKeys": count});
                Ok((*json, value, format!("Retired: {count} data keys")))
            }
        },
        _ => Err(Error::internal("not a command that works on keys")),
    }
}

async fn show_status(
    opened: &Opened,
    state: &State,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    opened.store.migrate().await.map_err(told)?;
    let keyring = match state.keyring.json().map_err(told)? {
        Some(json) => Keyring::parse(&json).map_err(told)?,
        None => Keyring::read(&state.keyring_file().map_err(told)?).map_err(told)?,
    };
    let status = keys::status(&opened.store, &keyring).await?;
    if json {
        let text = serde_json::to_string_pretty(&status).map_err(Error::internal)?;
        return say(out, &text);
    }
    for (title, list) in [("encrypt", &status.encrypt), ("find", &status.find)] {
        for key in list {
            let mut line = format!("{title}  {}  {}", key.id, key.state);
            for (count, what) in [
                (key.organization_keys, "organization keys"),
                (key.secrets, "secrets"),
                (key.idempotency_keys, "idempotency keys"),
                (key.exchanges, "exchanges"),
            ] {
                if count > 0 {
                    let _ = write!(line, "  {count} {what}");
                }
            }
            say(out, &line)?;
        }
    }
    for key in &status.organization_keys {
        say(
            out,
            &format!(
                "organization {}  key {}  {}  {} values",
                key.organization, key.number, key.state, key.values
            ),
        )?;
    }
    for server in &status.servers {
        say(
            out,
            &format!(
                "server on {}  {}  {}",
                server.host, server.current_encrypt, server.current_find
            ),
        )?;
    }
    Ok(())
}

/// The keyring's file, which a rotation writes.
fn rotatable(state: &State) -> Result<PathBuf> {
    if state.keyring.json().map_err(told)?.is_some() {
        return Err(Error::Invalid(
            "the keyring comes from BUNSEN_KEYRING and cannot be changed there: write it to a \
             file, name that in BUNSEN_KEYRING_FILE, start the servers with it, then rotate"
                .into(),
        ));
    }
    state.keyring_file().map_err(told)
}

async fn checked(store: &Store, keyring: Keyring) -> Result<Keyring> {
    bootstrap::verify_keyring(store, &keyring)
        .await
        .map_err(told)?;
    Ok(keyring)
}

fn held(source: &KeyringSource, folder: Option<&Path>) -> Result<Keyring> {
    if let Some(json) = source.json().map_err(told)? {
        return Keyring::parse(&json).map_err(told);
    }
    let path = match &source.file {
        Some(file) => file.clone(),
        None => data_dir(folder).map_err(told)?.join("keyring.json"),
    };
    Keyring::read(&path).map_err(told)
}

/// Where a new keyring goes; the data folder is made if it is asked for by default.
fn new_file(file: Option<&Path>, folder: Option<&Path>) -> Result<PathBuf> {
    if let Some(file) = file {
        return Ok(file.to_owned());
    }
    let folder = data_dir(folder).map_err(told)?;
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(&folder);
    made.map_err(|error| Error::Invalid(format!("{} cannot be made: {error}", folder.display())))?;
    Ok(folder.join("keyring.json"))
}

fn write_new(keyring: &Keyring, path: &Path) -> Result<()> {
    keyring.write_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Conflict(format!(
            "{} exists already and is not overwritten: it may be the only key to a \
                 database; name another file with --keyring",
            path.display()
        )),
        _ => not_written(path, &error),
    })
}

fn not_written(path: &Path, error: &io::Error) -> Error {
    Error::Invalid(format!("{} cannot be written: {error}", path.display()))
}

fn say(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "{text}").map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn init_writes_a_usable_keyring_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let command = Keys::Init {
            keyring: None,
            data_dir: Some(data.clone()),
        };
        let mut out = Vec::new();
        run(&command, &mut out).await.expect("the first time");

        let path = data.join("keyring.json");
        let mode = std::fs::metadata(&path)
            .expect("written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
        let ids = Keyring::read(&path).expect("readable").checks();
        assert_eq!(ids.len(), 2);

        let said = String::from_utf8(out).expect("text");
        assert!(said.contains("keyring.json"));
        let again = run(&command, &mut Vec::new())
            .await
            .expect_err("never overwritten");
        assert!(matches!(again, Error::Conflict(_)), "{again:?}");
        assert_eq!(Keyring::read(&path).expect("still there").checks(), ids);
    }
}
