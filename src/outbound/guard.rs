//! May this URL be called at all? Decided from the parsed URL alone, before anything is
//! resolved, sent or routed. What a name resolves to is judged again in `resolve`.
//!
//! A URL that a vendor's answer contains goes through the same check as one that a tenant gave.

use std::fmt;

use bunsen_engine::element::HostRule;
use url::{Host, Url};

use super::grant::Grant;
use crate::meters;

/// What one element's credentials may reach on behalf of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The element's key, for figures.
    pub element: &'a str,
    pub hosts: &'a HostRule,
    /// Grants of this organization for this element, and no others.
    pub grants: &'a [Grant],
}

/// A URL that is not called. `Display` says why, with the host and without anything else of
/// the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Empty where the URL has none that can be shown.
    pub host: String,
    pub reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Any scheme but https.
    NotHttps,
    /// `user:password@` before the host.
    UserInfo,
    /// An address instead of a name, however it was spelled.
    Literal,
    NoDot,
    TrailingDot,
    /// Not letters, digits, hyphens and dots in the lengths that DNS knows.
    BadName,
    /// A name for use inside one machine or network.
    LocalName,
    Port(u16),
    /// The element's definition does not list this host.
    HostRule,
    /// Resolves, but to no address that may be reached; holds what kind the first one was.
    Address(&'static str),
    /// Has characters that HTTP cannot carry, or a method that is not a call.
    Unsendable,
}

impl Reason {
    /// A short constant name, for logs and tests.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotHttps => "not-https",
            Self::UserInfo => "user-info",
            Self::Literal => "literal",
            Self::NoDot => "no-dot",
            Self::TrailingDot => "trailing-dot",
            Self::BadName => "bad-name",
            Self::LocalName => "local-name",
            Self::Port(_) => "port",
            Self::HostRule => "host-rule",
            Self::Address(_) => "address",
            Self::Unsendable => "unsendable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttps => f.write_str("must be called over https"),
            Self::UserInfo => f.write_str("must be given without a user name or password in it"),
            Self::Literal => f.write_str("is an address; give the host's name instead"),
            Self::NoDot => f.write_str("is not a full host name: it has no dot"),
            Self::TrailingDot => f.write_str("must be given without the dot at its end"),
            Self::BadName => f.write_str("is not a valid host name"),
            Self::LocalName => f.write_str("is a name for local use; give the public host name"),
            Self::Port(port) => write!(f, "may not be called on port {port}"),
            Self::HostRule => f.write_str("is not a host of this element"),
            Self::Address(why) => write!(
                f,
                "resolves to an address that may not be reached ({why}); \
                 systems on a private network need the operator's grant"
            ),
            Self::Unsendable => f.write_str("cannot be called with this method or URL"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_str() {
            "" => write!(f, "the address {}", self.reason),
            host => write!(f, "{host} {}", self.reason),
        }
    }
}

impl std::error::Error for Refusal {}

/// Refuses what must never be called. Passing says nothing about what the name resolves to.
pub fn check_url(url: &Url, destination: &Destination<'_>) -> Result<(), Refusal> {
    check(url, destination)
        .map(drop)
        .inspect_err(|refusal| meters::guard_refused(refusal.reason.code()))
}

/// The URL was checked; whoever holds this may go on to the network.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    pub host: &'a str,
    pub port: u16,
    /// The grant for exactly this host and port, if there is one.
    pub grant: Option<&'a Grant>,
}

pub(super) fn check<'a>(
    url: &'a Url,
    destination: &Destination<'a>,
) -> Result<Permit<'a>, Refusal> {
    let refuse = |reason| Refusal {
        host: shown_host(url),
        reason,
    };
    if url.scheme() != "https" {
        return Err(refuse(Reason::NotHttps));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(Reason::UserInfo));
    }
    // The parser has already turned decimal, hexadecimal, octal and short forms, full-width
    // digits and percent signs into an address, so this is every spelling of one.
    let Some(Host::Domain(host)) = url.host() else {
        return Err(refuse(Reason::Literal));
    };
    let port = url.port().unwrap_or(443);
    let grant = destination
        .grants
        .iter()
        .find(|grant| grant.covers(host, port));
    check_name(host, grant.is_some()).map_err(refuse)?;
    if !destination.hosts.allows(host) {
        return Err(refuse(Reason::HostRule));
    }
    let port_allowed = port == 443
        || grant.is_some()
        || (matches!(destination.hosts, HostRule::Public) && port >= 1024);
    if !port_allowed {
        return Err(refuse(Reason::Port(port)));
    }
    Ok(Permit { host, port, grant })
}

/// Last labels of names that mean something only inside one machine or network.
const LOCAL: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "onion",
    "alt",
    "invalid",
];

/// Of `LOCAL`, what companies name their systems by; a grant for the exact name lifts it.
const GRANTABLE: &[&str] = &[
    "local", "internal", "intranet", "private", "corp", "home", "lan",
];

/// Is this the full name of a host on the internet, or with a grant on a private network?
/// Names are as the URL parser leaves them: lower case, international ones as `xn--`.
pub(super) fn check_name(host: &str, granted: bool) -> Result<(), Reason> {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Err(Reason::Literal);
    }
    if host.ends_with('.') {
        return Err(Reason::TrailingDot);
    }
    let valid_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if host.len() > 253 || !host.split('.').all(valid_label) {
        return Err(Reason::BadName);
    }
    let last = match host.rsplit_once('.') {
        Some((_, last)) => last,
        None if LOCAL.contains(&host) => return Err(Reason::LocalName),
        None => return Err(Reason::NoDot),
    };
    // No top-level domain begins with a digit, but spellings of addresses that only some
    // resolvers understand do.
    if !last.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(Reason::BadName);
    }
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(last));
    if is(LOCAL) && !(granted && is(GRANTABLE)) {
        return Err(Reason::LocalName);
    }
    Ok(())
}

/// The host for messages; a name of thousands of letters would only hide the reason.
pub(super) fn shown_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match host.char_indices().nth(253) {
        Some((end, _)) => format!("{}…", &host[..end]),
        None => host.to_owned(),
    }
}
