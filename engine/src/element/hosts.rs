//! Where an element's credentials may go.

/// Hosts that an element's credentials may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRule {
    /// `.vendor.example`: one or more labels in front; `*.vendor.example`: one label;
    /// `api#.vendor.example`: digits or nothing for the `#`; `api.vendor.example`: exactly this
    /// host.
    Suffixes(Vec<String>),
    /// Any host that resolves to public addresses; what a caller or a vendor gives then has to
    /// name the one host of the instance's base URL.
    Public,
}

impl HostRule {
    /// Whether this (canonical, lower-case) host may be called.
    pub fn allows(&self, host: &str) -> bool {
        match self {
            Self::Public => true,
            Self::Suffixes(suffixes) => suffixes.iter().any(|suffix| fits(suffix, host)),
        }
    }
}

pub(super) fn fits(suffix: &str, host: &str) -> bool {
    if suffix.starts_with('.') {
        return host.len() > suffix.len() && host.ends_with(suffix);
    }
    if let Some(domain) = suffix.strip_prefix('*') {
        let label = host.strip_suffix(domain).unwrap_or_default();
        return !label.is_empty() && !label.contains('.');
    }
    let Some((before, after)) = suffix.split_once('#') else {
        return host == suffix;
    };
    host.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_allow_labels_before_a_suffix_and_nothing_else() {
        let rule = HostRule::Suffixes(vec![".vendor.example".into(), "api.other.example".into()]);
        for host in [
            "a.vendor.example",
            "a.b.vendor.example",
            "api.other.example",
        ] {
            assert!(rule.allows(host), "{host}");
        }
        for host in [
            "vendor.example",
            ".vendor.example",
            "evilvendor.example",
            "x.api.other.example",
            "other.example",
            "a.vendor.example.evil",
            "",
        ] {
            assert!(!rule.allows(host), "{host}");
        }
    }

    #[test]
    fn patterns_of_hosts_are_one_label_or_digits() {
        let rule = HostRule::Suffixes(vec!["*.vendor.example".into(), "ww#.other.example".into()]);
        for host in [
            "a.vendor.example",
            "ww.other.example",
            "ww2.other.example",
            "ww2026.other.example",
        ] {
            assert!(rule.allows(host), "{host}");
        }
        for host in [
            "vendor.example",
            ".vendor.example",
            "a.b.vendor.example",
            "avendor.example",
            "a.vendor.example.evil",
            "www.other.example",
            "ww2a.other.example",
            "a.ww2.other.example",
            "ww2.a.other.example",
            "ww-2.other.example",
            "w.other.example",
            "other.example",
            "",
        ] {
            assert!(!rule.allows(host), "{host}");
        }
    }
}
