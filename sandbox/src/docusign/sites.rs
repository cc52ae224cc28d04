//! Which host is which: the sites of the REST API, the account servers, and the two separate environments behind them.

use serde::{Deserialize, Serialize};

pub const SUFFIX: &str = ".docusign.net";

/// The sites that the vendor names. Accounts made by control calls may stand on others: the vendor says it adds sites.
pub const KNOWN: &[&str] = &["demo", "www", "na2", "na3", "na4", "ca", "eu", "au"];

/// The developer sandbox and production share neither users, nor accounts, nor tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    Demo,
    Production,
}

impl Environment {
    pub fn of(site: &str) -> Self {
        match site {
            "demo" => Self::Demo,
            _ => Self::Production,
        }
    }

    /// Its name, as the authorization server keeps it with what it gave out.
    pub fn realm(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Production => "production",
        }
    }

    pub fn of_realm(realm: &str) -> Option<Self> {
        let mut all = [Self::Demo, Self::Production].into_iter();
        all.find(|environment| environment.realm() == realm)
    }
}

/// The site of a REST host: one label, since two or more belong to other products of the vendor.
pub fn label(host: &str) -> Option<&str> {
    host.strip_suffix(SUFFIX).filter(|label| is_label(label))
}

pub fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(plain) && text != "api"
}

/// The environment of an account server.
pub fn account_server(host: &str) -> Option<Environment> {
    match host {
        "account-d.docusign.com" => Some(Environment::Demo),
        "account.docusign.com" => Some(Environment::Production),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_is_a_site_and_everything_else_is_not() {
        assert_eq!(label("na2.docusign.net"), Some("na2"));
        for host in [
            "docusign.net",
            ".docusign.net",
            "xx.services.docusign.net",
            "api.docusign.net",
            "demo.docusign.com",
            "demo.docusign.net.vendor.example",
        ] {
            assert_eq!(label(host), None, "{host}");
        }
        assert_eq!(account_server("account-s.docusign.com"), None);
    }
}
