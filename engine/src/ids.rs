//! Ids of what an element is made of, and the type that keeps a secret from being printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

macro_rules! definition_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

definition_ids! {
    /// Catalogue id of an element. Clients should use keys; ids are stable within one catalogue.
    ElementId,
    /// A resource of an element.
    ResourceId,
    /// A configuration entry of an element.
    EntryId,
}

/// Text that must never be shown: no `Display`, no `Serialize`, a `Debug` that hides it,
/// memory wiped when dropped.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The one way to read it, so that every use can be found by this name.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
