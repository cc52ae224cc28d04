//! Seals and opens what the database must not be able to read, and hashes secrets so that their
//! owner is found without storing them.
//!
//! A key of the keyring seals an organization's data keys; a data key seals one blob per row and
//! column. The vault knows no database: it is handed the wrapped keys and keeps the opened ones
//! for a short while.

mod pages;
pub mod password;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use moka::future::Cache;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use crate::ids::{Fingerprint, RequestFingerprint, SecretKind, WrappedKey};

use crate::error::Error;
use crate::ids::{OrganizationId, Secret};
use crate::keyring::{KeyBytes, Keyring, Stamp, fields, fill_random, hmac_sha256};

/// Opened data keys kept at most, and how long: 10,000 organizations are a few megabytes.
const KEPT_ORGANIZATIONS: u64 = 10_000;
const KEPT_FOR: Duration = Duration::from_secs(300);

/// The keyring and the organizations' keys that it opened lately. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    /// Replaced as a whole when the keyring's file changes.
    keyring: Arc<RwLock<Arc<Keyring>>>,
    /// The file it came from, and which state of it was looked at last.
    file: Arc<RwLock<Option<Followed>>>,
    /// Until when opened keys may be used without asking; `None`: always.
    trusted_until: Arc<RwLock<Option<Instant>>>,
    opened: Cache<OrganizationId, Arc<OrganizationKeys>>,
    /// Counts how often everything was forgotten.
    forgotten: Arc<AtomicU64>,
}

struct Followed {
    path: PathBuf,
    seen: Option<Stamp>,
}

/// Where a sealed value lives. It opens there and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    pub organization: OrganizationId,
    pub table: &'a str,
    /// The row's own UUID, made before the insert.
    pub row: Uuid,
    pub column: &'a str,
}

/// Why something does not open. Says nothing about the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("the keyring has no key '{0}', which sealed this organization's data key")]
    UnknownKey(String),
    #[error("organization {organization} has no data key number {number}")]
    UnknownNumber {
        organization: OrganizationId,
        number: u32,
    },
    #[error("organization {0} has no data key")]
    NoKey(OrganizationId),
    #[error("a data key of organization {0} has a number that is not positive")]
    BadNumber(OrganizationId),
    #[error("a sealed value of unknown version {0}; was it written by a newer server?")]
    UnknownVersion(u8),
    #[error("a sealed value is cut short")]
    TooShort,
    #[error("a sealed value was changed, moved, or sealed by another key")]
    NotAuthentic,
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Self::internal(error)
    }
}

impl Vault {
    pub fn new(keyring: Keyring) -> Self {
        let opened = Cache::builder()
            .max_capacity(KEPT_ORGANIZATIONS)
            .time_to_live(KEPT_FOR)
            .build();
        Self {
            keyring: Arc::new(RwLock::new(Arc::new(keyring))),
            file: Arc::default(),
            trusted_until: Arc::default(),
            opened,
            forgotten: Arc::default(),
        }
    }

    /// The keyring as it is now.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.keyring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// From now on these keys; who checked them against the database calls this.
    pub fn adopt(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }

    /// Where a newer keyring may appear.
    pub fn follow(&self, file: PathBuf) {
        let followed = Followed {
            path: file,
            seen: None,
        };
        *self.file.write().unwrap_or_else(PoisonError::into_inner) = Some(followed);
    }

    /// The keyring's file, if it was replaced or written since [`Vault::looked_at`].
    pub fn changed_file(&self) -> Option<(PathBuf, Stamp)> {
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        let Followed { path, seen } = file.as_ref()?;
        let stamp = Stamp::of(path).filter(|stamp| Some(*stamp) != *seen)?;
        Some((path.clone(), stamp))
    }

    pub fn looked_at(&self, stamp: Stamp) {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(followed) = file.as_mut() {
            followed.seen = Some(stamp);
        }
    }

    /// Opened keys may be used until then. Once a server has begun to say so it must go on: when
    /// the time has run out each use loads the keys anew, since a newer one may have come.
    pub fn trust_until(&self, until: Instant) {
        *self
            .trusted_until
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    fn trusts_opened(&self) -> bool {
        let until = *self
            .trusted_until
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| Instant::now() < until)
    }

    /// The first data key of a new organization, and its form for the database.
    pub fn new_organization_key(
        &self,
        organization: OrganizationId,
    ) -> (OrganizationKey, WrappedKey) {
        self.make_organization_key(organization, 1, false)
    }

    /// A further data key, which opens and does not seal until every server has it.
    ///
    /// # Panics
    /// If `number` is not positive: numbers are made by counting up.
    pub fn staged_organization_key(&self, organization: OrganizationId, number: i32) -> WrappedKey {
        let number = u32::try_from(number).expect("key numbers are positive");
        self.make_organization_key(organization, number, true).1
    }

    /// The same data key, sealed by the current key of the keyring.
    pub fn rewrap(
        &self,
        organization: OrganizationId,
        wrapped: &WrappedKey,
    ) -> Result<WrappedKey, VaultError> {
        let key = self.open_organization_key(organization, wrapped)?;
        let keyring = self.keyring();
        let (kek_id, kek) = keyring.current_encrypt();
        let context = wrapping_context(organization, key.number, kek_id);
        Ok(WrappedKey {
            kek_id: kek_id.to_owned(),
            wrapped: sealed::wrap(kek, &context, key.bytes.reveal()),
            ..*wrapped
        })
    }

    fn make_organization_key(
        &self,
        organization: OrganizationId,
        number: u32,
        staged: bool,
    ) -> (OrganizationKey, WrappedKey) {
        let key = OrganizationKey {
            organization,
            number,
            bytes: KeyBytes::random(),
        };
        let keyring = self.keyring();
        let (kek_id, kek) = keyring.current_encrypt();
        let context = wrapping_context(organization, number, kek_id);
        let wrapped = WrappedKey {
            number: i32::try_from(number).expect("a key number fits its column"),
            staged,
            kek_id: kek_id.to_owned(),
            wrapped: sealed::wrap(kek, &context, key.bytes.reveal()),
        };
        (key, wrapped)
    }

    pub fn open_organization_key(
        &self,
        organization: OrganizationId,
        wrapped: &WrappedKey,
    ) -> Result<OrganizationKey, VaultError> {
        let number = u32::try_from(wrapped.number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or(VaultError::BadNumber(organization))?;
        let keyring = self.keyring();
        let kek = keyring
            .encrypt_key(&wrapped.kek_id)
            .ok_or_else(|| VaultError::UnknownKey(wrapped.kek_id.clone()))?;
        let context = wrapping_context(organization, number, &wrapped.kek_id);
        let clear = sealed::unwrap(kek, &context, &wrapped.wrapped)?;
        let bytes = KeyBytes::from_slice(&clear).ok_or(VaultError::NotAuthentic)?;
        Ok(OrganizationKey {
            organization,
            number,
            bytes,
        })
    }

    /// The organization's data keys: from the cache, else opened from what `load` brings.
    ///
    /// Calls that miss at the same moment each load: no call waits for another one's database.
    pub async fn organization_keys<E: From<VaultError>>(
        &self,
        organization: OrganizationId,
        load: impl Future<Output = Result<Vec<WrappedKey>, E>>,
    ) -> Result<Arc<OrganizationKeys>, E> {
        if self.trusts_opened()
            && let Some(keys) = self.opened.get(&organization).await
        {
            return Ok(keys);
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let wrapped = load.await?;
        let keys = Arc::new(self.open_organization_keys(organization, &wrapped)?);
        self.opened.insert(organization, keys.clone()).await;
        // What was read before everything was forgotten must not stay.
        if self.forgotten.load(Ordering::SeqCst) != before {
            self.forget(organization).await;
        }
        Ok(keys)
    }

    pub fn open_organization_keys(
        &self,
        organization: OrganizationId,
        wrapped: &[WrappedKey],
    ) -> Result<OrganizationKeys, VaultError> {
        let keys = wrapped
            .iter()
            .map(|wrapped| {
                let key = self.open_organization_key(organization, wrapped)?;
                Ok((key.number, key))
            })
            .collect::<Result<BTreeMap<_, _>, VaultError>>()?;
        let sealing = wrapped.iter().filter(|wrapped| !wrapped.staged);
        let sealing = sealing
            .filter_map(|wrapped| u32::try_from(wrapped.number).ok())
            .max()
            .ok_or(VaultError::NoKey(organization))?;
        Ok(OrganizationKeys {
            organization,
            sealing,
            keys,
        })
    }

    /// Drops the opened keys: after a rotation, and when an organization is erased.
    pub async fn forget(&self, organization: OrganizationId) {
        self.opened.invalidate(&organization).await;
    }

    /// The same for every organization.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.opened.invalidate_all();
    }

    /// What finds the owner of `secret`: one HMAC per pepper, the current pepper's first. The
    /// first is what new rows store; all of them are looked for.
    pub fn fingerprints(&self, kind: SecretKind, secret: &Secret) -> Vec<Fingerprint> {
        let message = fields(&[
            b"bunsen secret",
            kind.as_str().as_bytes(),
            secret.reveal().as_bytes(),
        ]);
        self.under_peppers(&message)
    }

    fn under_peppers(&self, message: &[u8]) -> Vec<Fingerprint> {
        self.keyring()
            .peppers()
            .map(|(id, pepper)| Fingerprint {
                hmac: hmac_sha256(pepper, message),
                pepper_id: id.to_owned(),
            })
            .collect()
    }

    /// The fingerprint that new rows store.
    pub fn fingerprint(&self, kind: SecretKind, secret: &Secret) -> Fingerprint {
        self.fingerprints(kind, secret).swap_remove(0)
    }

    /// A request's key and body under every pepper; the first is the one that new rows store.
    pub fn request_fingerprints(&self, key: &str, body: &[u8]) -> Vec<RequestFingerprint> {
        let key = fields(&[b"bunsen request key", key.as_bytes()]);
        let body = fields(&[b"bunsen request body", body]);
        self.keyring()
            .peppers()
            .map(|(id, pepper)| RequestFingerprint {
                pepper_id: id.to_owned(),
                key: hmac_sha256(pepper, &key),
                body: hmac_sha256(pepper, &body),
            })
            .collect()
    }

    /// A vendor session under every pepper, by what identifies it; the first is the one that new
    /// rows store.
    pub fn session_fingerprints(
        &self,
        element: &str,
        parts: &[(&str, String)],
    ) -> Vec<Fingerprint> {
        let mut message: Vec<&[u8]> = vec![b"bunsen vendor session", element.as_bytes()];
        for (key, value) in parts {
            message.extend([key.as_bytes(), value.as_bytes()]);
        }
        let message = fields(&message);
        self.under_peppers(&message)
    }

    /// 32 lower-case hexadecimal digits.
    pub fn new_organization_secret(&self) -> Secret {
        let mut random = Zeroizing::new([0_u8; 16]);
        fill_random(random.as_mut_slice());
        let mut text = String::with_capacity(32);
        for byte in random.iter() {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(half), 16).expect("half a byte is a digit"));
            }
        }
        Secret::new(text)
    }

    /// 32 random bytes in standard base64.
    pub fn new_user_secret(&self) -> Secret {
        Secret::new(STANDARD.encode(KeyBytes::random().reveal()))
    }

    /// 32 random bytes in the base64 that fits into a cookie.
    pub fn new_session_token(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(KeyBytes::random().reveal()))
    }

    /// Same form as a user secret.
    pub fn new_element_token(&self) -> Secret {
        self.new_user_secret()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("keyring", &self.keyring())
            .finish_non_exhaustive()
    }
}

/// A data key of one organization; wiped when dropped.
#[derive(Debug)]
pub struct OrganizationKey {
    organization: OrganizationId,
    number: u32,
    bytes: KeyBytes,
}

impl OrganizationKey {
    pub fn number(&self) -> u32 {
        self.number
    }

    /// # Panics
    /// If `place` is another organization's: a bug of ours that must never reach the disk.
    pub fn seal(&self, place: &Place<'_>, clear: &[u8]) -> Vec<u8> {
        assert_eq!(
            place.organization, self.organization,
            "sealed with another's key"
        );
        sealed::seal(
            &self.bytes,
            self.number,
            &row_context(place, self.number),
            clear,
        )
    }

    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let number = sealed::key_number(sealed)?;
        if number != self.number {
            let organization = self.organization;
            return Err(VaultError::UnknownNumber {
                organization,
                number,
            });
        }
        sealed::open(&self.bytes, &row_context(place, number), sealed)
    }
}

/// All data keys of one organization: one seals, each opens what it sealed.
#[derive(Debug)]
pub struct OrganizationKeys {
    organization: OrganizationId,
    /// Number of the key that seals: the highest that is not staged.
    sealing: u32,
    keys: BTreeMap<u32, OrganizationKey>,
}

impl OrganizationKeys {
    pub fn seal(&self, place: &Place<'_>, clear: &[u8]) -> Vec<u8> {
        let key = self
            .keys
            .get(&self.sealing)
            .expect("made with the key that seals");
        key.seal(place, clear)
    }

    /// Whether the key that seals now sealed this.
    pub fn is_sealed_anew(&self, sealed: &[u8]) -> Result<bool, VaultError> {
        Ok(sealed::key_number(sealed)? == self.sealing)
    }

    /// Number of the key that seals.
    pub fn sealing(&self) -> u32 {
        self.sealing
    }

    /// `UnknownNumber` may mean that a newer key was made elsewhere: forget and load again.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let number = sealed::key_number(sealed)?;
        let organization = self.organization;
        self.keys
            .get(&number)
            .ok_or(VaultError::UnknownNumber {
                organization,
                number,
            })?
            .open(place, sealed)
    }
}

/// Associated data of a row's sealed value.
fn row_context(place: &Place<'_>, number: u32) -> Zeroizing<Vec<u8>> {
    fields(&[
        &[sealed::VERSION],
        &place.organization.0.to_be_bytes(),
        place.table.as_bytes(),
        place.row.as_bytes(),
        place.column.as_bytes(),
        &number.to_be_bytes(),
    ])
}

/// Associated data of a wrapped data key. It has one field less than a row's, so that neither
/// can pass for the other.
fn wrapping_context(organization: OrganizationId, number: u32, kek_id: &str) -> Zeroizing<Vec<u8>> {
    fields(&[
        &[sealed::VERSION],
        b"organization key",
        &organization.0.to_be_bytes(),
        &number.to_be_bytes(),
        kek_id.as_bytes(),
    ])
}
