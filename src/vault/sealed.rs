//! The sealed formats, version 1, fixed by golden values in the tests: data in every database
//! has this form, so a change needs a new version byte beside this one.
//!
//! - a row's value: version (1 byte), data key number (u32, big endian), nonce (12), ciphertext
//!   and tag (16)
//! - a wrapped data key: version (1 byte), nonce (12), ciphertext (32) and tag (16)
//!
//! AES-256-GCM, nonces random: safe for 2^32 values under one key.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::VaultError;
use crate::keyring::{KeyBytes, fill_random};

pub(super) const VERSION: u8 = 1;
const NUMBER_LENGTH: usize = 4;
const TAG_LENGTH: usize = 16;

pub(super) fn seal(key: &KeyBytes, number: u32, context: &[u8], clear: &[u8]) -> Vec<u8> {
    seal_with_nonce(key, number, context, clear, random_nonce())
}

pub(super) fn wrap(kek: &KeyBytes, context: &[u8], clear: &[u8]) -> Vec<u8> {
    wrap_with_nonce(kek, context, clear, random_nonce())
}

pub(super) fn seal_with_nonce(
    key: &KeyBytes,
    number: u32,
    context: &[u8],
    clear: &[u8],
    nonce: [u8; NONCE_LEN],
) -> Vec<u8> {
    let [a, b, c, d] = number.to_be_bytes();
    encrypt(&[VERSION, a, b, c, d], key, context, clear, nonce)
}

pub(super) fn wrap_with_nonce(
    kek: &KeyBytes,
    context: &[u8],
    clear: &[u8],
    nonce: [u8; NONCE_LEN],
) -> Vec<u8> {
    encrypt(&[VERSION], kek, context, clear, nonce)
}

/// Which data key sealed this, as far as the version is known.
pub(super) fn key_number(sealed: &[u8]) -> Result<u32, VaultError> {
    let rest = after_version(sealed)?;
    let (number, _) = rest
        .split_first_chunk::<NUMBER_LENGTH>()
        .ok_or(VaultError::TooShort)?;
    Ok(u32::from_be_bytes(*number))
}

pub(super) fn open(
    key: &KeyBytes,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let rest = after_version(sealed)?;
    let (_, rest) = rest
        .split_first_chunk::<NUMBER_LENGTH>()
        .ok_or(VaultError::TooShort)?;
    decrypt(key, context, rest)
}

pub(super) fn unwrap(
    kek: &KeyBytes,
    context: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    decrypt(kek, context, after_version(wrapped)?)
}

fn after_version(sealed: &[u8]) -> Result<&[u8], VaultError> {
    match sealed.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&other, _)) => Err(VaultError::UnknownVersion(other)),
        None => Err(VaultError::TooShort),
    }
}

fn encrypt(
    header: &[u8],
    key: &KeyBytes,
    context: &[u8],
    clear: &[u8],
    nonce: [u8; NONCE_LEN],
) -> Vec<u8> {
    // Room for everything at once: growing would leave a copy of the clear text behind.
    let mut sealed = Vec::with_capacity(header.len() + NONCE_LEN + clear.len() + TAG_LENGTH);
    sealed.extend_from_slice(header);
    sealed.extend_from_slice(&nonce);
    let start = sealed.len();
    sealed.extend_from_slice(clear);
    let tag = {
        let (_, in_place) = sealed.split_at_mut(start);
        cipher(key)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                in_place,
            )
            .expect("a value is far below the cipher's limit of 64 GiB")
    };
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

/// `sealed`: nonce, ciphertext, tag.
fn decrypt(
    key: &KeyBytes,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, ciphertext) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(VaultError::TooShort)?;
    if ciphertext.len() < TAG_LENGTH {
        return Err(VaultError::TooShort);
    }
    let mut clear = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key)
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(context),
            &mut clear,
        )
        .map_err(|_| VaultError::NotAuthentic)?
        .len();
    clear.truncate(length);
    Ok(clear)
}

fn cipher(key: &KeyBytes) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key.reveal()).expect("the key has 32 bytes");
    LessSafeKey::new(key)
}

fn random_nonce() -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    fill_random(&mut nonce);
    nonce
}
