//! Secrets that are made of an organization's data keys.

use super::OrganizationKeys;
use crate::keyring::{fields, hmac_sha256};

impl OrganizationKeys {
    /// What tokens of pages are signed by: the first of these, which is made of the key that seals.
    /// What any other key has signed is good as well, so a token outlives a rotation, until the key
    /// that it was made under is retired. Staged keys are among them: a server that does not seal by
    /// one yet takes the tokens of another that does.
    pub fn page_secrets(&self) -> impl Iterator<Item = [u8; 32]> {
        let sealing = self.keys.get(&self.sealing);
        let others = self.keys.iter();
        let others = others.filter(|(number, _)| **number != self.sealing);
        let keys = sealing.into_iter().chain(others.map(|(_, key)| key));
        let message = fields(&[b"bunsen page token"]);
        keys.map(move |key| hmac_sha256(&key.bytes, &message))
    }
}
