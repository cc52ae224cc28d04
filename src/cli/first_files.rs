//! The files of the first start: the credentials that make the first call possible, and the keyring
//! of a private database. Each is on disk before the database commits what it belongs to, under
//! `NAME.new`, and takes its name afterwards; a start that finds a pending one finishes it. The
//! header file for curl is made from the credentials whenever it is missing beside them.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bootstrap::{self, Bootstrapped, FirstCredentials, GivenKeyring};
use crate::cli::state::{Opened, told};
use crate::config::State;
use crate::error::Result;
use crate::ids::{Secret, SecretKind};
use crate::keyring::{Keyring, KeyringError};
use crate::private_postgres::data_dir::{
    discard_staged, publish_new_secret, publish_secret, secret_is_staged, stage_secret, staged,
    write_secret,
};
use crate::store::{Mode, Store};
use crate::vault::Vault;

const CREDENTIALS: &str = "credentials.json";
const HEADER: &str = "authorization.header";
const ADMINISTRATOR: &str = "admin@bunsen.example";

/// `credentials.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    base_url: String,
    organization: Named,
    user: Person,
    authorization: String,
}

#[derive(Serialize, Deserialize)]
struct Named {
    name: String,
    secret: String,
}

#[derive(Serialize, Deserialize)]
struct Person {
    email: String,
    password: String,
    secret: String,
}

/// Makes or finds the first organization, and gives the keyring to work with.
pub async fn bootstrap(
    opened: &Opened,
    state: &State,
    mode: Mode,
    base_url: &str,
) -> Result<Keyring> {
    let store = &opened.store;
    let keyring_file = state.keyring_file().map_err(told)?;
    let folder = &opened.data_dir;
    let given = given_keyring(opened, state, &keyring_file).await?;
    let generates = matches!(given, GivenKeyring::MayGenerate);
    let (keyring, outcome) =
        bootstrap::bootstrap(store, given, mode, ADMINISTRATOR, async |first, made| {
            stage(folder, &keyring_file, base_url, &first, made.as_ref())
        })
        .await
        .map_err(told)?;
    match outcome {
        Bootstrapped::Made(_) => {
            if generates {
                publish_new_secret(&keyring_file).map_err(told)?;
            } else if secret_is_staged(&keyring_file) {
                // Left by a start that never committed; the keyring in use is another one.
                discard_staged(&keyring_file).map_err(told)?;
            }
            set_aside(&folder.join(CREDENTIALS))?;
            set_aside(&folder.join(HEADER))?;
            publish_secret(&folder.join(CREDENTIALS)).map_err(told)?;
            tracing::info!(file = %folder.join(CREDENTIALS).display(), "wrote the first credentials");
        }
        Bootstrapped::Found => finish_pending(store, &keyring, folder, &keyring_file).await?,
    }
    write_header(folder)?;
    Ok(keyring)
}

/// From the environment, else the file, else a pending one that belongs to this database.
async fn given_keyring(opened: &Opened, state: &State, file: &Path) -> Result<GivenKeyring> {
    if let Some(json) = state.keyring.json().map_err(told)? {
        return Keyring::parse(&json)
            .map(GivenKeyring::Present)
            .map_err(told);
    }
    match Keyring::read(file) {
        Ok(keyring) => return Ok(GivenKeyring::Present(keyring)),
        Err(KeyringError::Missing(_)) => {}
        Err(error) => return Err(told(error)),
    }
    if secret_is_staged(file)
        && let Ok(keyring) = Keyring::read(&staged(file))
        && opened.store.mode().await?.is_some()
        && bootstrap::verify_keyring(&opened.store, &keyring)
            .await
            .is_ok()
    {
        return Ok(GivenKeyring::Present(keyring));
    }
    if opened.is_private() {
        return Ok(GivenKeyring::MayGenerate);
    }
    Err(told(KeyringError::Missing(file.to_owned())))
}

/// Runs inside the transaction that makes what the files are about.
fn stage(
    folder: &Path,
    keyring_file: &Path,
    base_url: &str,
    first: &FirstCredentials,
    made: Option<&Keyring>,
) -> io::Result<()> {
    let authorization = format!(
        "User {}, Organization {}",
        first.user_secret.reveal(),
        first.organization_secret.reveal()
    );
    let credentials = Credentials {
        base_url: base_url.to_owned(),
        organization: Named {
            name: first.organization_name.clone(),
            secret: first.organization_secret.reveal().to_owned(),
        },
        user: Person {
            email: first.user_email.clone(),
            password: first.user_password.reveal().to_owned(),
            secret: first.user_secret.reveal().to_owned(),
        },
        authorization,
    };
    let mut json = serde_json::to_vec_pretty(&credentials)?;
    json.push(b'\n');
    let stage =
        |path: PathBuf, content: &[u8]| stage_secret(&path, content).map_err(io::Error::other);
    if let Some(keyring) = made {
        stage(
            keyring_file.to_owned(),
            keyring.to_json().reveal().as_bytes(),
        )?;
    }
    stage(folder.join(CREDENTIALS), &json)
}

/// Credentials of another database, which used this folder before, are kept under another name.
fn set_aside(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{}", jiff::Timestamp::now().as_second()));
    let aside = PathBuf::from(name);
    std::fs::rename(path, &aside).map_err(told)?;
    tracing::warn!(
        file = %aside.display(),
        "the data folder held credentials of another database; they are kept under this name"
    );
    Ok(())
}

/// For `curl -H @FILE`. Nobody's credentials here: nothing to write.
fn write_header(folder: &Path) -> Result<()> {
    let header = folder.join(HEADER);
    if header.exists() {
        return Ok(());
    }
    match read_credentials(&folder.join(CREDENTIALS)) {
        Some(credentials) => {
            let line = format!("Authorization: {}\n", credentials.authorization);
            write_secret(&header, line.as_bytes()).map_err(told)
        }
        None => Ok(()),
    }
}

fn read_credentials(path: &Path) -> Option<Credentials> {
    let bytes = std::fs::read(path).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// After a crash between commit and rename. A pending file of a start that never committed is
/// about nothing, and goes.
async fn finish_pending(
    store: &Store,
    keyring: &Keyring,
    folder: &Path,
    keyring_file: &Path,
) -> Result<()> {
    if secret_is_staged(keyring_file) {
        let fits = Keyring::read(&staged(keyring_file))
            .is_ok_and(|pending| pending.checks() == keyring.checks());
        if fits && !keyring_file.exists() {
            publish_new_secret(keyring_file).map_err(told)?;
        } else {
            discard_staged(keyring_file).map_err(told)?;
        }
    }
    let credentials = folder.join(CREDENTIALS);
    if secret_is_staged(&credentials) {
        let ours = match read_credentials(&staged(&credentials)) {
            Some(pending) => is_known(store, keyring, &pending.organization.secret).await?,
            None => false,
        };
        let settled = if ours {
            publish_secret(&credentials)
        } else {
            discard_staged(&credentials)
        };
        settled.map_err(told)?;
    }
    Ok(())
}

async fn is_known(store: &Store, keyring: &Keyring, secret: &str) -> Result<bool> {
    let vault = Vault::new(keyring.clone());
    let prints = vault.fingerprints(SecretKind::Organization, &Secret::new(secret));
    let hmacs: Vec<&[u8]> = prints.iter().map(|print| print.hmac.as_slice()).collect();
    Ok(!store.directory().resolve(&hmacs).await?.is_empty())
}
