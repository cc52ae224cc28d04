//! The keyring under a passphrase, for a safe place apart from the server.
//!
//! JSON, version 1: Argon2id makes a key from the passphrase and a random salt, AES-256-GCM seals
//! the keyring's JSON with it. What the header says is bound as associated data, and what it asks
//! of memory and time is bounded when it is read: the file may come from anywhere.

use argon2::{Algorithm, Argon2, Params};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::{KEY_LENGTH, fields, fill_random};
use super::{Keyring, KeyringError};
use crate::ids::Secret;

const VERSION: u32 = 1;
/// 64 MiB, three passes: about a quarter of a second, once per export and import.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 100;
const MOST_LANES: u32 = 16;
/// Whoever has the file can try passphrases as fast as their machines allow.
const SHORTEST_PASSPHRASE: usize = 12;

/// Why a keyring cannot be exported or an export not be read. Never holds any of its content.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the passphrase needs at least {SHORTEST_PASSPHRASE} characters")]
    ShortPassphrase,
    #[error("this is not an exported keyring (line {0}, column {1})")]
    Malformed(usize, usize),
    #[error("the exported keyring has version {0}, this program knows version {VERSION}")]
    UnknownVersion(u32),
    #[error("the exported keyring's {0} is not one that this program accepts")]
    Refused(&'static str),
    #[error("the passphrase is wrong, or the exported keyring was changed")]
    DoesNotOpen,
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    bunsen_keyring_export: u32,
    kdf: String,
    memory_ki_b: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    cipher: String,
    nonce: String,
    sealed: String,
}

impl Keyring {
    pub fn export(&self, passphrase: &Secret) -> Result<String, ExportError> {
        if passphrase.reveal().chars().count() < SHORTEST_PASSPHRASE {
            return Err(ExportError::ShortPassphrase);
        }
        let mut salt = [0_u8; 16];
        let mut nonce = [0_u8; NONCE_LEN];
        fill_random(&mut salt);
        fill_random(&mut nonce);
        let mut written = Written {
            bunsen_keyring_export: VERSION,
            kdf: "argon2id".into(),
            memory_ki_b: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: STANDARD.encode(salt),
            cipher: "aes-256-gcm".into(),
            nonce: STANDARD.encode(nonce),
            sealed: String::new(),
        };
        let clear = self.to_json();
        // Room for the tag: growing would leave a copy of the clear text behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(clear.reveal().len() + 16));
        sealed.extend_from_slice(clear.reveal().as_bytes());
        let context = written.context(&salt);
        written
            .cipher(passphrase, &salt)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_slice()),
                &mut *sealed,
            )
            .map_err(|_| ExportError::Refused("length"))?;
        written.sealed = STANDARD.encode(&*sealed);
        let mut text = serde_json::to_string_pretty(&written)
            .map_err(|error| ExportError::Malformed(error.line(), error.column()))?;
        text.push('\n');
        Ok(text)
    }

    pub fn from_export(text: &str, passphrase: &Secret) -> Result<Self, ExportError> {
        let written: Written = serde_json::from_str(text)
            .map_err(|error| ExportError::Malformed(error.line(), error.column()))?;
        if written.bunsen_keyring_export != VERSION {
            return Err(ExportError::UnknownVersion(written.bunsen_keyring_export));
        }
        written.check()?;
        let bytes = |text: &str, name| {
            STANDARD
                .decode(text)
                .map_err(|_| ExportError::Refused(name))
        };
        let salt = bytes(&written.salt, "salt")?;
        let nonce = <[u8; NONCE_LEN]>::try_from(bytes(&written.nonce, "nonce")?)
            .map_err(|_| ExportError::Refused("nonce"))?;
        let mut sealed = Zeroizing::new(bytes(&written.sealed, "sealed")?);
        let context = written.context(&salt);
        let cipher = written.cipher(passphrase, &salt)?;
        let clear = cipher
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_slice()),
                &mut sealed,
            )
            .map_err(|_| ExportError::DoesNotOpen)?;
        let clear = std::str::from_utf8(clear).map_err(|_| ExportError::DoesNotOpen)?;
        Ok(Self::parse(&Secret::new(clear))?)
    }
}

impl Written {
    fn check(&self) -> Result<(), ExportError> {
        if self.kdf != "argon2id" {
            return Err(ExportError::Refused("kdf"));
        }
        if self.cipher != "aes-256-gcm" {
            return Err(ExportError::Refused("cipher"));
        }
        let bounded = self.memory_ki_b <= MOST_MEMORY_KIB
            && self.passes <= MOST_PASSES
            && self.lanes <= MOST_LANES;
        bounded
            .then_some(())
            .ok_or(ExportError::Refused("memory, passes or lanes"))
    }

    fn context(&self, salt: &[u8]) -> Zeroizing<Vec<u8>> {
        fields(&[
            b"bunsen keyring export",
            &self.bunsen_keyring_export.to_be_bytes(),
            self.kdf.as_bytes(),
            &self.memory_ki_b.to_be_bytes(),
            &self.passes.to_be_bytes(),
            &self.lanes.to_be_bytes(),
            salt,
            self.cipher.as_bytes(),
        ])
    }

    fn cipher(&self, passphrase: &Secret, salt: &[u8]) -> Result<LessSafeKey, ExportError> {
        let refused = |_| ExportError::Refused("memory, passes, lanes or salt");
        let params = Params::new(self.memory_ki_b, self.passes, self.lanes, Some(KEY_LENGTH))
            .map_err(refused)?;
        let mut key = Zeroizing::new([0_u8; KEY_LENGTH]);
        Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase.reveal().as_bytes(), salt, key.as_mut_slice())
            .map_err(refused)?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_slice())
            .map_err(|_| ExportError::Refused("key"))?;
        Ok(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_opens_with_its_passphrase_alone() {
        let keyring = Keyring::generate().with_staged(super::super::KeyUse::Find);
        let passphrase = Secret::new("correct horse battery");
        let text = keyring.export(&passphrase).expect("exports");
        let back = Keyring::from_export(&text, &passphrase).expect("opens");
        assert_eq!(back.to_json().reveal(), keyring.to_json().reveal());
        let wrong = Keyring::from_export(&text, &Secret::new("correct horse batterz"));
        assert!(matches!(wrong, Err(ExportError::DoesNotOpen)));
        // A weaker header than the one it was made with does not open it either.
        let weaker = text.replace("\"passes\": 3", "\"passes\": 1");
        assert_ne!(weaker, text);
        let weaker = Keyring::from_export(&weaker, &passphrase);
        assert!(matches!(weaker, Err(ExportError::DoesNotOpen)));
    }

    #[test]
    fn hostile_exports_are_refused_before_they_cost_anything() {
        let passphrase = Secret::new("correct horse battery");
        let text = Keyring::generate().export(&passphrase).expect("exports");
        let huge = text.replace("65536", "4000000000");
        let huge = Keyring::from_export(&huge, &passphrase);
        assert!(matches!(huge, Err(ExportError::Refused(_))), "{huge:?}");
        let newer = text.replace("Export\": 1", "Export\": 2");
        let newer = Keyring::from_export(&newer, &passphrase);
        assert!(matches!(newer, Err(ExportError::UnknownVersion(2))));
        let short = Keyring::generate().export(&Secret::new("too short"));
        assert!(matches!(short, Err(ExportError::ShortPassphrase)));
        let nothing = Keyring::from_export("{}", &passphrase);
        assert!(matches!(nothing, Err(ExportError::Malformed(..))));
    }
}
