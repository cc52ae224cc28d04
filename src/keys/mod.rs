//! Keys in use: what a running server holds, rotated and retired beside it.
//!
//! Three kinds, one course. A new key is *staged*: every server learns it and none uses it. Once
//! all have said so it becomes *current*; once all have said that too, what older keys made is
//! made anew in small batches. A key that nothing needs any more is *retired*. So a server never
//! meets what it cannot read, and each step may be cut short and taken up again: what is done can
//! be seen in the keyring and in the rows.
//!
//! | Kind | Seals or finds | Made anew |
//! |---|---|---|
//! | `encrypt`, of the keyring | the organizations' data keys | their wrapping |
//! | `find`, of the keyring | secrets and tokens, by HMAC | the rows of the index |
//! | data key of an organization | its rows | the sealed columns |

mod retire;
mod rotate;
mod status;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::bootstrap;
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::keyring::{Keyring, KeyringError};
use crate::store::{HELD_COLUMNS, KeyHolder, Store};
use crate::vault::{OrganizationKeys, Vault};

pub use rotate::Rotated;
pub use status::{KeyStatus, OrganizationKeyStatus, Status, status};
pub use watch::Watch;

const LEASE: &str = "keys";
/// After a kill the next command waits for as long.
const LEASE_TIME: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(200);

/// One command at work on the keys; a second one is kept out.
#[derive(Debug)]
pub struct Work<'a> {
    store: &'a Store,
    vault: &'a Vault,
    file: &'a Path,
    pace: Pace,
    holder: Uuid,
}

/// How fast rows are made anew, and how long servers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Rows of one transaction.
    pub batch: i64,
    /// Between two of them.
    pub pause: Duration,
    pub wait: Duration,
}

impl<'a> Work<'a> {
    /// Takes the lease, waiting as long as a killed command may have left it.
    pub async fn begin(
        store: &'a Store,
        vault: &'a Vault,
        file: &'a Path,
        pace: Pace,
    ) -> Result<Self> {
        let work = Self {
            store,
            vault,
            file,
            pace,
            holder: Uuid::new_v4(),
        };
        let deadline = Instant::now() + LEASE_TIME + Duration::from_secs(5);
        while !store.try_lease(LEASE, work.holder, LEASE_TIME).await? {
            if Instant::now() > deadline {
                return Err(Error::Conflict(
                    "another `bunsen keys` command is at work on this database".into(),
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(work)
    }

    pub async fn end(self) -> Result<()> {
        self.store.release(LEASE, self.holder).await
    }

    /// Before every step: it is still ours alone.
    async fn hold(&self) -> Result<()> {
        if self.store.try_lease(LEASE, self.holder, LEASE_TIME).await? {
            return Ok(());
        }
        Err(Error::Conflict(
            "this command was held up and another one took over; run it again".into(),
        ))
    }

    async fn breathe(&self) {
        if !self.pace.pause.is_zero() {
            tokio::time::sleep(self.pace.pause).await;
        }
    }

    /// Writes the keyring, tells the database, and works with it.
    async fn write(&self, keyring: Keyring) -> Result<()> {
        keyring.replace(self.file).map_err(|error| {
            Error::Invalid(format!(
                "{} cannot be written: {error}",
                self.file.display()
            ))
        })?;
        bootstrap::verify_keyring(self.store, &keyring)
            .await
            .map_err(refused)?;
        self.vault.adopt(keyring);
        Ok(())
    }

    /// Waits until every running server is as `ready` asks.
    async fn servers(&self, lack: &str, ready: impl Fn(&KeyHolder) -> bool) -> Result<()> {
        let deadline = Instant::now() + self.pace.wait;
        loop {
            self.hold().await?;
            let mut holders = self.store.key_holders().await?;
            holders.retain(|holder| !ready(holder));
            if holders.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let hosts: Vec<&str> = holders.iter().map(|holder| holder.host.as_str()).collect();
                return Err(Error::Conflict(format!(
                    "{} of the running servers {lack} (on {}): copy {} to where they read their \
                     keyring, then run this command again; it goes on where it stopped",
                    holders.len(),
                    hosts.join(", "),
                    self.file.display()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until every running server has forgotten what it opened before.
    async fn epoch(&self, epoch: i64) -> Result<()> {
        self.servers("do not answer", |holder| holder.epoch >= epoch)
            .await
    }
}

/// Reads the keyring again if its file has changed, and takes it over if it fits the database.
/// One that does not is told once, and the keyring in use stays.
pub async fn refresh(store: &Store, vault: &Vault) {
    let Some((path, stamp)) = vault.changed_file() else {
        return;
    };
    let read = tokio::task::spawn_blocking({
        let path = path.clone();
        move || Keyring::read(&path)
    });
    let keyring = match read.await {
        Ok(Ok(keyring)) => keyring,
        Ok(Err(error)) => return unusable(vault, stamp, &path, &error),
        Err(error) => return tracing::error!(%error, "the keyring was not read"),
    };
    match bootstrap::verify_keyring(store, &keyring).await {
        Ok(()) => {
            if keyring.checks() != vault.keyring().checks()
                || keyring.to_json().reveal() != vault.keyring().to_json().reveal()
            {
                tracing::info!(file = %path.display(), "read a changed keyring");
                vault.adopt(keyring);
            }
            vault.looked_at(stamp);
        }
        Err(bootstrap::VerifyError::Mismatch(error)) => unusable(vault, stamp, &path, &error),
        // The next look tries again.
        Err(bootstrap::VerifyError::Database(error)) => {
            tracing::warn!(?error, "a changed keyring could not be checked");
        }
    }
}

fn unusable(
    vault: &Vault,
    stamp: crate::keyring::Stamp,
    path: &Path,
    error: &dyn std::error::Error,
) {
    tracing::error!(file = %path.display(), %error, "the changed keyring is not used");
    vault.looked_at(stamp);
}

/// The organization's data keys as they are stored now.
async fn opened(
    store: &Store,
    vault: &Vault,
    organization: OrganizationId,
) -> Result<OrganizationKeys> {
    let wrapped = store.org(organization).organization_keys().await?;
    Ok(vault.open_organization_keys(organization, &wrapped)?)
}

/// How many values each data key of the organization sealed, by number.
async fn values_by_number(
    store: &Store,
    organization: OrganizationId,
) -> Result<std::collections::BTreeMap<i32, i64>> {
    let mut counts = std::collections::BTreeMap::new();
    for column in HELD_COLUMNS {
        for (number, count) in store.org(organization).sealed_by_number(column).await? {
            *counts.entry(number).or_default() += count;
        }
    }
    Ok(counts)
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Invalid(error.to_string())
}

impl From<KeyringError> for Error {
    fn from(error: KeyringError) -> Self {
        Self::Invalid(error.to_string())
    }
}
