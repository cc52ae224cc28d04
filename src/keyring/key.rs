//! Key material that wipes itself, and the unambiguous encoding under every HMAC and every
//! associated data: each field behind its length.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

pub(crate) const KEY_LENGTH: usize = 32;

/// 32 secret bytes, in one place of the heap, wiped when dropped. Never shown.
///
/// Expanded cipher keys are made for each use and not kept: the packages that make them do not
/// wipe them.
#[derive(Clone)]
pub struct KeyBytes(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl KeyBytes {
    pub(crate) fn random() -> Self {
        let mut bytes = Self::zero();
        fill_random(bytes.0.as_mut_slice());
        bytes
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        let mut key = Self::zero();
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
        Self::from_slice(&bytes)
    }

    pub(crate) fn reveal(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LENGTH])))
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(..)")
    }
}

/// Randomness of the operating system; without it nothing may be sealed or issued.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    SystemRandom::new()
        .fill(bytes)
        .expect("the operating system must give randomness");
}

/// Each field behind its length (u32, big endian): two different lists of fields never encode
/// to the same bytes.
pub(crate) fn fields(fields: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length = fields.iter().map(|field| 4 + field.len()).sum();
    let mut encoded = Zeroizing::new(Vec::with_capacity(length));
    for field in fields {
        let length = u32::try_from(field.len()).expect("a field is far below 4 GiB");
        encoded.extend_from_slice(&length.to_be_bytes());
        encoded.extend_from_slice(field);
    }
    encoded
}

pub(crate) fn hmac_sha256(key: &KeyBytes, message: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.reveal());
    let tag = hmac::sign(&key, message);
    tag.as_ref()
        .try_into()
        .expect("an HMAC-SHA-256 has 32 bytes")
}
