//! Row ids as types of their own, so that swapped arguments do not compile.
//!
//! On the wire every id is a JSON integer; gaps are allowed and order means nothing.

pub use bunsen_engine::ids::{ElementId, EntryId, ResourceId, Secret};

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

row_ids! {
    /// A tenant. Everything else belongs to exactly one.
    OrganizationId,
    /// A customer of the organization's application; instances belong to accounts.
    AccountId,
    /// A person or program with a user secret.
    UserId,
    /// One authenticated connection to one vendor account through one element.
    InstanceId,
    /// Something that an organization is told.
    NotificationId,
    /// Where an application wants to hear of notifications.
    SubscriptionId,
}

/// Whether a secret can stand in an `Authorization` header, which no secret of ours may fail.
pub fn can_be_presented(secret: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
    !secret.is_empty() && secret.bytes().all(allowed)
}

/// What clients send in place of an element token that they do not have yet.
pub fn is_placeholder(token: &str) -> bool {
    matches!(token, "undefined" | "null")
}

/// Which kind of secret finds its owner; part of what is hashed, so one kind never answers
/// for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    Organization,
    User,
    Instance,
    /// Token of a log-in session.
    Session,
    /// An e-mail address that somebody logs in with: no secret, but found the same way.
    Login,
    /// Token of a link to the connect page.
    ConnectLink,
    /// `state` of somebody on the way to a vendor's page.
    ConnectState,
    /// What proves which browser a form was shown to. Never stored.
    ConnectForm,
}

impl SecretKind {
    /// As stored and as hashed: part of the format, never to be changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User => "user",
            Self::Instance => "instance",
            Self::Session => "session",
            Self::Login => "login",
            Self::ConnectLink => "connect_link",
            Self::ConnectState => "connect_state",
            Self::ConnectForm => "connect_form",
        }
    }
}

/// What finds a secret's owner without knowing the secret: its HMAC under one pepper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub hmac: [u8; 32],
    pub pepper_id: String,
}

/// What finds a request that was made before, without knowing it: HMACs of its key and its body
/// under one pepper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFingerprint {
    pub pepper_id: String,
    pub key: [u8; 32],
    pub body: [u8; 32],
}

/// A data key of an organization as it is stored: sealed by a key of the keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Counts from 1 per organization; the highest that is not staged seals, all of them open.
    pub number: i32,
    pub kek_id: String,
    pub wrapped: Vec<u8>,
    /// It opens and does not seal yet: not every server has it.
    pub staged: bool,
}

/// What a key of the keyring is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyUse {
    /// Seals the organizations' data keys.
    Encrypt,
    /// Finds the owner of a secret.
    Find,
}

impl KeyUse {
    /// As stored and as hashed: part of the format, never to be changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Find => "find",
        }
    }
}

/// Proves that two keyrings hold the same key under an id, without telling the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCheck {
    pub key_id: String,
    pub use_: KeyUse,
    pub check_value: Vec<u8>,
}
