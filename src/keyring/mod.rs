//! The keyring: keys that never enter the database. It is read here from a file or from text;
//! what its keys do is in `vault`.
//!
//! It holds keys of two uses: those that encrypt (each seals organizations' data keys) and
//! those that find (peppers of the index of secrets). Several of each may be present at once
//! while they are rotated; which one is current is written in the file, never derived. Keys stand in
//! the order in which they were made: those before the current one are old, one behind it is
//! staged and about to become current.
//!
//! ```json
//! {"version": 1,
//!  "encrypt": {"current": "encrypt-1", "keys": [{"id": "encrypt-1", "key": "<base64, 32 bytes>"}]},
//!  "find":    {"current": "find-1",    "keys": [{"id": "find-1",    "key": "<base64, 32 bytes>"}]}}
//! ```

mod export;
mod file;
mod key;
mod rotation;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use crate::ids::{KeyCheck, KeyUse};
pub use export::ExportError;
pub use file::Stamp;
pub(crate) use key::{KeyBytes, fields, fill_random, hmac_sha256};

use crate::ids::Secret;

const VERSION: u32 = 1;
const LONGEST_ID: usize = 64;

/// Keys by id. `Debug` shows the ids alone.
#[derive(Debug, Clone)]
pub struct Keyring {
    encrypt: Keys,
    find: Keys,
}

/// The keys of one use.
#[derive(Debug, Clone)]
struct Keys {
    current: String,
    keys: Vec<NamedKey>,
}

#[derive(Debug, Clone)]
struct NamedKey {
    id: String,
    bytes: KeyBytes,
}

/// Why a keyring cannot be used. Never holds any of its content but ids.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error(
        "there is no keyring at {}: restore the one this database was made with, \
         or make one with `bunsen keys init` for a new database", .0.display()
    )]
    Missing(PathBuf),
    #[error("the keyring {} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error(
        "the keyring {} can be read by others (mode {mode:04o}): run `chmod 600 {}`",
        path.display(), path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the keyring is not valid: {0}")]
    Malformed(String),
}

impl Keyring {
    /// New random keys. Only for `keys init` and for the bootstrap of an empty private database:
    /// anywhere else a new keyring would stand beside data that it cannot open.
    pub fn generate() -> Self {
        let keys = |use_: KeyUse| {
            let key = NamedKey::random(use_);
            Keys {
                current: key.id.clone(),
                keys: vec![key],
            }
        };
        Self {
            encrypt: keys(KeyUse::Encrypt),
            find: keys(KeyUse::Find),
        }
    }

    /// Reads the JSON form.
    pub fn parse(text: &Secret) -> Result<Self, KeyringError> {
        // serde's own message may quote a value, and values are keys: only the place is passed on.
        let written: Written = serde_json::from_str(text.reveal()).map_err(|error| {
            KeyringError::Malformed(format!(
                "line {}, column {} is not what a keyring holds there (version, encrypt and find, \
                 each with current and keys, each key with id and key)",
                error.line(),
                error.column()
            ))
        })?;
        if written.version != VERSION {
            return Err(KeyringError::Malformed(format!(
                "version is {}, this server knows version {VERSION}",
                written.version
            )));
        }
        let keyring = Self {
            encrypt: Keys::check("encrypt", written.encrypt)?,
            find: Keys::check("find", written.find)?,
        };
        let shared = keyring
            .encrypt
            .keys
            .iter()
            .find(|key| keyring.find.get(&key.id).is_some());
        match shared {
            // The database knows a key by its id alone.
            Some(key) => Err(KeyringError::Malformed(format!(
                "the id '{}' stands in encrypt and in find; give each key its own id",
                key.id
            ))),
            None => Ok(keyring),
        }
    }

    /// The JSON form, as `parse` reads it.
    pub fn to_json(&self) -> Secret {
        // Ids are plain letters, digits and signs, keys are base64: nothing needs escaping, and
        // one growing string that is wiped is all that ever holds the text. It is sized so that
        // growing never leaves a copy behind.
        let count = self.encrypt.keys.len() + self.find.keys.len();
        let mut json = String::with_capacity(256 + (count + 2) * (LONGEST_ID + 96));
        let _ = write!(json, "{{\n  \"version\": {VERSION}");
        for (use_, keys) in [(KeyUse::Encrypt, &self.encrypt), (KeyUse::Find, &self.find)] {
            let _ = write!(
                json,
                ",\n  \"{}\": {{\n    \"current\": \"{}\",\n    \"keys\": [",
                use_.as_str(),
                keys.current
            );
            for (index, key) in keys.keys.iter().enumerate() {
                let text = Zeroizing::new(STANDARD.encode(key.bytes.reveal()));
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(
                    json,
                    "{comma}\n      {{ \"id\": \"{}\", \"key\": \"{}\" }}",
                    key.id,
                    text.as_str()
                );
            }
            json.push_str("\n    ]\n  }");
        }
        json.push_str("\n}\n");
        Secret::new(json)
    }

    /// One proof per key, for the database to remember.
    pub fn checks(&self) -> Vec<KeyCheck> {
        [(KeyUse::Encrypt, &self.encrypt), (KeyUse::Find, &self.find)]
            .into_iter()
            .flat_map(|(use_, keys)| keys.keys.iter().map(move |key| (use_, key)))
            .map(|(use_, key)| {
                let message = fields(&[
                    b"bunsen key check",
                    use_.as_str().as_bytes(),
                    key.id.as_bytes(),
                ]);
                KeyCheck {
                    key_id: key.id.clone(),
                    use_,
                    check_value: hmac_sha256(&key.bytes, &message).to_vec(),
                }
            })
            .collect()
    }

    /// The key that seals data keys from now on.
    pub(crate) fn current_encrypt(&self) -> (&str, &KeyBytes) {
        self.encrypt.current()
    }

    /// A key that sealed data keys before, or still does.
    pub(crate) fn encrypt_key(&self, id: &str) -> Option<&KeyBytes> {
        self.encrypt.get(id)
    }

    /// All peppers, the current one first.
    pub(crate) fn peppers(&self) -> impl Iterator<Item = (&str, &KeyBytes)> {
        let (current, bytes) = self.find.current();
        let others = self.find.keys.iter().filter(move |key| key.id != current);
        std::iter::once((current, bytes)).chain(others.map(|key| (key.id.as_str(), &key.bytes)))
    }
}

impl Keys {
    fn check(use_: &str, written: WrittenKeys) -> Result<Self, KeyringError> {
        let mut keys: Vec<NamedKey> = Vec::with_capacity(written.keys.len());
        for (index, key) in written.keys.into_iter().enumerate() {
            let place = format!("{use_}.keys[{index}]");
            if !is_id(&key.id) {
                return Err(KeyringError::Malformed(format!(
                    "{place}.id must be 1 to {LONGEST_ID} letters, digits, '.', '_' or '-'"
                )));
            }
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeyringError::Malformed(format!(
                    "{place}.id: '{}' stands there twice",
                    key.id
                )));
            }
            let bytes = KeyBytes::from_base64(key.key.reveal()).ok_or_else(|| {
                KeyringError::Malformed(format!("{place}.key must be base64 of 32 bytes"))
            })?;
            keys.push(NamedKey { id: key.id, bytes });
        }
        if !keys.iter().any(|key| key.id == written.current) {
            return Err(KeyringError::Malformed(format!(
                "{use_}.current must be the id of one of {use_}.keys"
            )));
        }
        Ok(Self {
            current: written.current,
            keys,
        })
    }

    fn get(&self, id: &str) -> Option<&KeyBytes> {
        self.keys
            .iter()
            .find(|key| key.id == id)
            .map(|key| &key.bytes)
    }

    fn current(&self) -> (&str, &KeyBytes) {
        let bytes = self
            .get(&self.current)
            .expect("the current key was checked to exist");
        (&self.current, bytes)
    }
}

impl NamedKey {
    fn random(use_: KeyUse) -> Self {
        let mut id = format!("{}-", use_.as_str());
        let random: [u8; 6] = rand::random();
        for byte in random {
            let _ = write!(id, "{byte:02x}");
        }
        Self {
            id,
            bytes: KeyBytes::random(),
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    encrypt: WrittenKeys,
    find: WrittenKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKeys {
    current: String,
    keys: Vec<WrittenKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    id: String,
    #[serde(deserialize_with = "secret")]
    key: Secret,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
