//! What is found, or compared, without being stored: HMACs under the keyring's peppers.

use super::{Fingerprint, RequestFingerprint, SecretKind, Vault};
use crate::ids::{OrganizationId, Secret};
use crate::keyring::{fields, hmac_sha256};

impl Vault {
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

    /// What a call was given, for telling equal calls of one organization: under the current pepper,
    /// and cut to what that takes.
    pub fn arguments_hash(&self, organization: OrganizationId, arguments: &[u8]) -> [u8; 16] {
        let organization = organization.0.to_be_bytes();
        let message = fields(&[b"bunsen call arguments", &organization, arguments]);
        let keyring = self.keyring();
        let (_, pepper) = keyring
            .peppers()
            .next()
            .expect("a keyring has a current pepper");
        let whole = hmac_sha256(pepper, &message);
        let mut hash = [0; 16];
        hash.copy_from_slice(&whole[..16]);
        hash
    }
}
