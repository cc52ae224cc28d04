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
}
