//! Tokens of pages: opaque to callers, signed, and good for one instance.
//!
//! A token carries the query that it belongs to, so that later calls need not repeat it, and the
//! place in the vendor's list; nothing is kept here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::Mistake;
use crate::ids::ResourceId;

/// Signs tokens of one instance.
pub struct TokenKey {
    key: hmac::Key,
    older: Vec<hmac::Key>,
    /// What the tokens are good for.
    context: Vec<u8>,
}

/// Bytes of a signature.
const SIGNATURE: usize = 32;

/// Characters of a token at most.
const LIMIT: usize = 32 * 1024;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub resource: ResourceId,
    pub at: At,
    /// Records of the vendor's page that have been given already.
    pub skip: usize,
    /// Records of one vendor's page.
    pub size: usize,
    /// Records that the caller wants at once.
    pub want: usize,
    pub query: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum At {
    /// Pages or records before it, as the vendor counts.
    Number(u64),
    Cursor(String),
}

impl TokenKey {
    /// `secret` is the server's, of 32 bytes or more; `context` names what a token is good for, such
    /// as organization and instance.
    pub fn new(secret: &[u8], context: impl Into<Vec<u8>>) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            older: Vec::new(),
            context: context.into(),
        }
    }

    /// Tokens that this secret has signed are good, too.
    #[must_use]
    pub fn or(mut self, older: &[u8]) -> Self {
        self.older.push(hmac::Key::new(hmac::HMAC_SHA256, older));
        self
    }

    /// # Errors
    /// A query that makes a token longer than those that are read.
    pub(super) fn seal(&self, place: &Place) -> Result<String, Mistake> {
        // Such a value has nothing that could not be written.
        let text = serde_json::to_vec(place).unwrap_or_default();
        let signature = hmac::sign(&self.key, &self.signed(&text));
        let token = URL_SAFE_NO_PAD.encode([signature.as_ref(), &text].concat());
        if token.len() > LIMIT {
            return Err(Mistake(format!(
                "The query is too long for a list of several pages, whose token carries it (in {} \
                 characters, of {LIMIT} at most): shorten 'where' or 'fields'.",
                token.len()
            )));
        }
        Ok(token)
    }

    pub(super) fn open(&self, token: &str) -> Result<Place, Mistake> {
        let read = || {
            if token.len() > LIMIT {
                return None;
            }
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (signature, text) = bytes.split_at_checked(SIGNATURE)?;
            let signed = self.signed(text);
            let mut keys = std::iter::once(&self.key).chain(&self.older);
            keys.find(|key| hmac::verify(key, &signed, signature).is_ok())?;
            serde_json::from_slice(text).ok()
        };
        read().ok_or_else(|| {
            Mistake(
                "Query parameter 'nextPage' is not a token of this list: send Elements-Next-Page-Token as it was received, or none to begin again."
                    .to_owned(),
            )
        })
    }

    /// The length keeps context and text apart.
    fn signed(&self, text: &[u8]) -> Vec<u8> {
        let length = (self.context.len() as u64).to_be_bytes();
        [b"page.1".as_slice(), &length, &self.context, text].concat()
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(..)")
    }
}
