//! The element model.

/// Which hosts an element's credentials may reach.
#[derive(Debug, Clone)]
pub enum HostRule {
    /// `.vendor.example`: that domain with one or more labels in front.
    Suffixes(Vec<String>),
    /// Any host that resolves to public addresses.
    Public,
}
