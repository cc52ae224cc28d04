//! Which simulated vendor serves a host, and which hosts are the sandbox itself.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::Uri;
use http::header::HOST;
use http::uri::Authority;

use crate::autotask;
use crate::docusign;
use crate::freshdesk;
use crate::pipedrive;
use crate::sugarcrm;
use crate::vendor::Vendor;

/// All simulated vendors. A new one is a folder beside this file and one line here.
const VENDORS: &[fn() -> Arc<dyn Vendor>] = &[
    freshdesk::vendor,
    docusign::vendor,
    pipedrive::vendor,
    autotask::vendor,
    sugarcrm::vendor,
];

pub struct Hosts {
    vendors: Vec<Arc<dyn Vendor>>,
    /// Names with a dot that are the sandbox's own, beside addresses and plain names.
    own: Vec<String>,
}

impl Hosts {
    pub fn new(own: &[String]) -> Self {
        Self {
            vendors: VENDORS.iter().map(|make| make()).collect(),
            own: own.iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }

    pub fn vendors(&self) -> &[Arc<dyn Vendor>] {
        &self.vendors
    }

    pub fn vendor(&self, host: &str) -> Option<&Arc<dyn Vendor>> {
        self.vendors.iter().find(|vendor| vendor.serves(host))
    }

    /// Whether the control calls may be reached under this name.
    ///
    /// Only literal addresses, plain names without a dot and the names given at the start: a server in sandbox mode
    /// refuses the first two as vendors, so nobody reaches the control calls through it.
    pub fn is_own(&self, host: &str) -> bool {
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        literal.parse::<IpAddr>().is_ok()
            || !host.contains('.')
            || self.own.iter().any(|name| name == host)
    }

    /// The hosts that vendors serve, for error texts.
    pub fn known(&self) -> Vec<&'static str> {
        self.vendors.iter().map(|vendor| vendor.hosts()).collect()
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hosts({:?})", self.known())
    }
}

/// The host that a request names: lower-case, without port and final dot. `None` when there is none or it is unreadable.
pub fn named(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let host = match uri.authority() {
        Some(authority) => authority.host().to_owned(),
        None => {
            let value = headers.get(HOST)?.to_str().ok()?;
            if value.contains('@') {
                return None;
            }
            value.parse::<Authority>().ok()?.host().to_owned()
        }
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// `/_host/{vendor host}/rest` as vendor host and path. Browsers are sent this way, since they cannot set a Host header.
pub fn embedded(path: &str) -> Option<(String, String)> {
    let rest = path.strip_prefix("/_host/")?;
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, String::from("/")),
    };
    Some((host.to_ascii_lowercase(), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_without_port_case_and_final_dot() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, value.parse().expect("a header value"));
            named(&Uri::from_static("/path"), &headers)
        };
        assert_eq!(
            read("Acme.Vendor.Example:443").as_deref(),
            Some("acme.vendor.example")
        );
        assert_eq!(
            read("acme.vendor.example.").as_deref(),
            Some("acme.vendor.example")
        );
        assert_eq!(read("[::1]:8090").as_deref(), Some("[::1]"));
        assert_eq!(read("user@acme.vendor.example"), None);
        assert_eq!(read("a b"), None);
        assert_eq!(named(&Uri::from_static("/path"), &HeaderMap::new()), None);
        let absolute = Uri::from_static("http://Acme.vendor.example/path");
        assert_eq!(
            named(&absolute, &HeaderMap::new()).as_deref(),
            Some("acme.vendor.example")
        );
    }

    #[test]
    fn only_addresses_plain_names_and_given_names_are_our_own() {
        let hosts = Hosts::new(&[String::from("Sandbox.Example")]);
        for host in [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "sandbox",
            "sandbox.example",
        ] {
            assert!(hosts.is_own(host), "{host}");
        }
        for host in ["evil.example", "a.sandbox.example", "1.2.3.4.5"] {
            assert!(!hosts.is_own(host), "{host}");
        }
    }

    #[test]
    fn a_vendor_host_in_the_path_is_taken_apart() {
        let parts = |path| embedded(path).map(|(host, path)| format!("{host} {path}"));
        assert_eq!(
            parts("/_host/A.vendor.example/x/y").as_deref(),
            Some("a.vendor.example /x/y")
        );
        assert_eq!(
            parts("/_host/a.vendor.example").as_deref(),
            Some("a.vendor.example /")
        );
        assert_eq!(parts("/_hosts/a"), None);
    }
}
