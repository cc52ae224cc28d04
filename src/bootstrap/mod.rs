//! The first `serve` on a database: its stamp, the keys it knows, one organization with its
//! default account and administrator, all in one transaction. Every later `serve` finds these,
//! and is refused when its mode or its keyring does not fit.

mod password;

use std::fmt;
use std::io;

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ids::{KeyCheck, KeyUse, Secret, SecretKind};
use crate::keyring::Keyring;
use crate::store::{Mode, NewAccount, NewOrganization, NewUser, Store, Transaction, is_passing};
use crate::vault::{self, Place, Vault};

const ORGANIZATION: &str = "Company";
const DEFAULT_ACCOUNT: &str = "Company Default Account";
const ADMINISTRATOR: (&str, &str) = ("Company", "Administrator");
const ADMINISTRATOR_ROLES: &[&str] = &["org-admin", "admin"];
/// Tries when the database asks for another one.
const TRIES: u32 = 5;

/// What the operator gave.
#[derive(Debug, Clone)]
pub enum GivenKeyring {
    Present(Keyring),
    /// None, and the database is our own private one: a keyring is made if it is empty.
    MayGenerate,
}

/// What a person needs to make the first call. Shown nowhere else.
#[derive(Debug, Clone)]
pub struct FirstCredentials {
    pub organization_name: String,
    pub organization_secret: Secret,
    pub user_email: String,
    pub user_password: Secret,
    pub user_secret: Secret,
}

#[derive(Debug, Clone)]
pub enum Bootstrapped {
    Made(FirstCredentials),
    Found,
}

/// Why this server must not work on this database.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error(
        "this database belongs to a {database} server and this one is a {server} server: \
         {}", advice(.database)
    )]
    WrongMode { database: Mode, server: Mode },
    #[error(transparent)]
    Keyring(#[from] KeyringMismatch),
    #[error("the first credentials could not be kept, so nothing was made")]
    BeforeCommit(#[source] io::Error),
    #[error("the database could not be prepared")]
    Database(#[source] Error),
}

fn advice(database: &Mode) -> &'static str {
    match database {
        Mode::Production => "start without --sandbox, or give the sandbox a database of its own",
        Mode::Sandbox => "start with --sandbox, or give this server a database of its own",
    }
}

/// The keyring is not the one that this database was made with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct KeyringMismatch {
    /// Ids that the database knows and the keyring lacks.
    pub missing: Vec<String>,
    /// Ids under which the keyring holds another key.
    pub different: Vec<String>,
    /// Ids that were retired and that the keyring still works with.
    pub retired: Vec<String>,
}

impl fmt::Display for KeyringMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keyring does not fit this database:")?;
        for id in &self.missing {
            write!(f, " the key '{id}' is missing;")?;
        }
        for id in &self.different {
            write!(
                f,
                " the key '{id}' is not the one that the database was made with;"
            )?;
        }
        for id in &self.retired {
            write!(
                f,
                " the key '{id}' was retired and is still the current one;"
            )?;
        }
        f.write_str(" start with the keyring that belongs to this database")
    }
}

/// Why a keyring could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Mismatch(#[from] KeyringMismatch),
    #[error("the keys that the database knows could not be read")]
    Database(#[from] Error),
}

impl From<Error> for BootstrapError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<VerifyError> for BootstrapError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Mismatch(mismatch) => Self::Keyring(mismatch),
            VerifyError::Database(error) => Self::Database(error),
        }
    }
}

/// Makes what a new database needs, or finds it. Gives the keyring to work with.
///
/// `before_commit` keeps the credentials, and the keyring if one was made here, where a crash
/// cannot take them; if it fails nothing is made. It may run more than once, and what it kept is
/// only true once this function has returned `Made`.
pub async fn bootstrap<Keep, Kept>(
    store: &Store,
    given: GivenKeyring,
    mode: Mode,
    administrator_email: &str,
    before_commit: Keep,
) -> Result<(Keyring, Bootstrapped), BootstrapError>
where
    Keep: Fn(FirstCredentials, Option<Keyring>) -> Kept,
    Kept: Future<Output = io::Result<()>>,
{
    let mut tried = 1;
    loop {
        if let Some(stamped) = store.mode().await? {
            let keyring = find(store, &given, stamped, mode).await?;
            return Ok((keyring, Bootstrapped::Found));
        }
        let made = make(store, &given, mode, administrator_email, &before_commit).await;
        match made {
            Ok(Some((keyring, credentials))) => {
                return Ok((keyring, Bootstrapped::Made(credentials)));
            }
            // Another server was faster, or the stamp was all that was missing.
            Ok(None) => {}
            Err(BootstrapError::Database(error)) if tried < TRIES && is_passing(&error) => {
                tried += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether the keyring is the one that the database was made with. Keys that the database does
/// not know yet are remembered.
pub async fn verify_keyring(store: &Store, keyring: &Keyring) -> Result<(), VerifyError> {
    let mut transaction = store.begin().await?;
    match remember_keys(store, &mut transaction, keyring).await {
        Ok(()) => Ok(transaction.commit().await.map_err(Error::from)?),
        Err(error) => {
            transaction.rollback().await.map_err(Error::from)?;
            Err(error)
        }
    }
}

/// Writes before it reads: what another server wrote meanwhile is then seen too.
async fn remember_keys(
    store: &Store,
    transaction: &mut Transaction,
    keyring: &Keyring,
) -> Result<(), VerifyError> {
    let checks = keyring.checks();
    store.add_key_checks(transaction, &checks).await?;
    let known = store.key_checks_in(transaction).await?;
    let retired = store.retired_keys_in(transaction).await?;
    Ok(compare(&known, &checks, retired, keyring)?)
}

/// Whether the keyring holds what a database knows, and works with nothing retired.
pub fn compare(
    known: &[KeyCheck],
    held: &[KeyCheck],
    mut retired: Vec<String>,
    keyring: &Keyring,
) -> Result<(), KeyringMismatch> {
    retired.retain(|id| {
        [KeyUse::Encrypt, KeyUse::Find]
            .into_iter()
            .any(|use_| keyring.current_id(use_) == id)
    });
    let mut mismatch = KeyringMismatch {
        missing: Vec::new(),
        different: Vec::new(),
        retired,
    };
    for check in known {
        match held.iter().find(|held| held.key_id == check.key_id) {
            None => mismatch.missing.push(check.key_id.clone()),
            Some(held) if held != check => mismatch.different.push(check.key_id.clone()),
            Some(_) => {}
        }
    }
    if [&mismatch.missing, &mismatch.different, &mismatch.retired]
        .into_iter()
        .all(Vec::is_empty)
    {
        Ok(())
    } else {
        Err(mismatch)
    }
}

/// The database is in use: this server must be of its kind and hold its keys.
async fn find(
    store: &Store,
    given: &GivenKeyring,
    stamped: Mode,
    mode: Mode,
) -> Result<Keyring, BootstrapError> {
    if stamped != mode {
        return Err(BootstrapError::WrongMode {
            database: stamped,
            server: mode,
        });
    }
    match given {
        GivenKeyring::Present(keyring) => {
            verify_keyring(store, keyring).await?;
            Ok(keyring.clone())
        }
        GivenKeyring::MayGenerate => Err(lacking(&store.key_checks().await?).into()),
    }
}

/// What is said to a server without any keyring.
fn lacking(known: &[KeyCheck]) -> KeyringMismatch {
    let missing = known.iter().map(|check| check.key_id.clone()).collect();
    KeyringMismatch {
        missing,
        different: Vec::new(),
        retired: Vec::new(),
    }
}

/// `None`: the database is stamped now, by us or by another server, and nothing was left to make.
async fn make<Keep, Kept>(
    store: &Store,
    given: &GivenKeyring,
    mode: Mode,
    administrator_email: &str,
    before_commit: &Keep,
) -> Result<Option<(Keyring, FirstCredentials)>, BootstrapError>
where
    Keep: Fn(FirstCredentials, Option<Keyring>) -> Kept,
    Kept: Future<Output = io::Result<()>>,
{
    // Slow, so before the transaction that others wait for.
    let user_password = password::generate();
    let password_hash = vault::password::hash(user_password.clone()).await?;

    let mut transaction = store.begin().await?;
    // The stamp is what two servers that start at once meet at: the second waits here for the
    // first one's commit.
    if !store.stamp(&mut transaction, mode).await? {
        transaction.rollback().await.map_err(Error::from)?;
        return Ok(None);
    }
    let in_use = store.has_organizations(&mut transaction).await?;
    let keyring = match given {
        GivenKeyring::Present(keyring) => keyring.clone(),
        GivenKeyring::MayGenerate => {
            let known = store.key_checks_in(&mut transaction).await?;
            if in_use || !known.is_empty() {
                return Err(lacking(&known).into());
            }
            Keyring::generate()
        }
    };
    remember_keys(store, &mut transaction, &keyring).await?;
    if in_use {
        // Brought here by other means than a server; it only lacked the stamp.
        transaction.commit().await.map_err(Error::from)?;
        return Ok(None);
    }
    let vault = Vault::new(keyring.clone());
    let credentials = FirstCredentials {
        organization_name: ORGANIZATION.to_owned(),
        organization_secret: vault.new_organization_secret(),
        user_email: administrator_email.to_owned(),
        user_password,
        user_secret: vault.new_user_secret(),
    };
    insert_all(
        store,
        &mut transaction,
        &vault,
        &credentials,
        &password_hash,
    )
    .await?;
    let generated = matches!(given, GivenKeyring::MayGenerate).then(|| keyring.clone());
    before_commit(credentials.clone(), generated)
        .await
        .map_err(BootstrapError::BeforeCommit)?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(Some((keyring, credentials)))
}

async fn insert_all(
    store: &Store,
    transaction: &mut Transaction,
    vault: &Vault,
    credentials: &FirstCredentials,
    password_hash: &Secret,
) -> Result<()> {
    let organization = store.next_organization_id(transaction).await?;
    let (key, wrapped) = vault.new_organization_key(organization);
    let seal = |table, row, secret: &Secret| {
        let place = Place {
            organization,
            table,
            row,
            column: "secret_sealed",
        };
        key.seal(&place, secret.reveal().as_bytes())
    };
    let org = store.org(organization);

    let row_id = Uuid::new_v4();
    let secret = &credentials.organization_secret;
    org.insert_organization(
        transaction,
        &NewOrganization {
            row_id,
            name: &credentials.organization_name,
            secret_sealed: &seal("organizations", row_id, secret),
            secret: &vault.fingerprint(SecretKind::Organization, secret),
            key: &wrapped,
        },
    )
    .await?;

    let account_id = org
        .insert_account(
            transaction,
            &NewAccount {
                external_id: DEFAULT_ACCOUNT,
                name: DEFAULT_ACCOUNT,
                description: DEFAULT_ACCOUNT,
                default_account: true,
            },
        )
        .await?;

    let row_id = Uuid::new_v4();
    let secret = &credentials.user_secret;
    let (first_name, last_name) = ADMINISTRATOR;
    org.insert_user(
        transaction,
        &NewUser {
            account_id,
            row_id,
            email: &credentials.user_email,
            first_name,
            last_name,
            password_hash: Some(password_hash),
            secret_sealed: &seal("users", row_id, secret),
            secret: &vault.fingerprint(SecretKind::User, secret),
            roles: ADMINISTRATOR_ROLES,
        },
    )
    .await?;
    Ok(())
}
