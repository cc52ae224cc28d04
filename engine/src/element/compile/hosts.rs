//! Where an element's credentials may go.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Checker;
use crate::element::HostRule;
use crate::element::definition::{DefaultValue, ElementDefinition};
use crate::element::oauth::{AUTHORIZATION_URL, REFRESH_URL, REQUEST_URL, REVOKE_URL, TOKEN_URL};
use crate::language::{PlaceholderPart, Placeholders};
use crate::suffixes;

/// `bunsen.hosts`; a foreign definition without it is held to the hosts of its own base URL and of
/// the URLs that tokens come from.
pub(super) fn hosts(definition: &ElementDefinition, checker: &mut Checker<'_>) -> HostRule {
    match &definition.bunsen.hosts {
        None if checker.shipped => {
            checker.wrong("bunsen.hosts", "is missing; say where credentials may go");
            HostRule::Suffixes(Vec::new())
        }
        None => hosts_of_urls(definition),
        Some(Value::String(word)) => {
            if word != "public" {
                checker.wrong("bunsen.hosts", "must be a list of suffixes or \"public\"");
            }
            HostRule::Public
        }
        Some(list) => {
            let suffixes = list.as_array().into_iter().flatten();
            let suffixes: Vec<String> = suffixes
                .map(|suffix| suffix.as_str().unwrap_or_default().to_owned())
                .collect();
            check_patterns("bunsen.hosts", &suffixes, checker);
            HostRule::Suffixes(suffixes)
        }
    }
}

/// `bunsen.apart`.
pub(super) fn apart(definition: &ElementDefinition, checker: &mut Checker<'_>) -> Vec<String> {
    let patterns = &definition.bunsen.apart;
    check_patterns("bunsen.apart", patterns, checker);
    patterns.clone()
}

fn check_patterns(place: &str, patterns: &[String], checker: &mut Checker<'_>) {
    for (index, suffix) in patterns.iter().enumerate() {
        let host = suffix.strip_prefix("*.").unwrap_or(suffix);
        let host = host.strip_prefix('.').unwrap_or(host);
        // Digits can stand at the end of a label.
        let host = host.replacen("#.", ".", usize::from(host == suffix));
        let canonical = url::Host::parse(&host).is_ok_and(|parsed| {
            matches!(parsed, url::Host::Domain(_)) && parsed.to_string() == host
        });
        // A suffix of one label would let credentials go to a whole top-level domain.
        if !canonical
            || host.contains(['*', '#'])
            || host.starts_with('.')
            || !host.contains('.')
            || host.ends_with('.')
        {
            let message =
                format!("{suffix:?} is no host name; write .vendor.example in lower case");
            checker.wrong(format!("{place}[{index}]"), message);
        } else if suffix.starts_with(['.', '*']) && suffixes::is_registry(&host) {
            let message =
                format!("{suffix:?} lets in whoever registers a name there; name the vendor's own");
            checker.wrong(format!("{place}[{index}]"), message);
        }
    }
}

/// Beside the base URL, where credentials go.
const TOKEN_URLS: &[&str] = &[
    AUTHORIZATION_URL,
    TOKEN_URL,
    REFRESH_URL,
    REVOKE_URL,
    REQUEST_URL,
];

fn hosts_of_urls(definition: &ElementDefinition) -> HostRule {
    let default = |key: &str| {
        let mut entries = definition.configuration.0.iter();
        match &entries
            .find(|entry| entry.key.as_deref() == Some(key))?
            .default_value
        {
            DefaultValue::Text(text) => Some(text.as_str()),
            _ => None,
        }
    };
    let mut suffixes = match hosts_of_url(default("base.url").unwrap_or_default()) {
        HostRule::Public => return HostRule::Public,
        HostRule::Suffixes(suffixes) => suffixes,
    };
    for url in TOKEN_URLS.iter().filter_map(|key| default(key)) {
        match hosts_of_url(url) {
            HostRule::Public => return HostRule::Public,
            HostRule::Suffixes(more) => suffixes.extend(more),
        }
    }
    suffixes.sort();
    suffixes.dedup();
    HostRule::Suffixes(suffixes)
}

/// Keys of entries that are the whole host of a URL: `https://{site.address}/oauth`.
pub(super) fn whole_hosts(definition: &ElementDefinition) -> BTreeSet<String> {
    let entries = definition.configuration.0.iter();
    let defaults = entries.filter_map(|entry| match &entry.default_value {
        DefaultValue::Text(text) => text.strip_prefix("https://{"),
        _ => None,
    });
    defaults
        .filter_map(|text| text.split_once('}'))
        .filter(|(_, rest)| rest.is_empty() || rest.starts_with(['/', '?']))
        .map(|(key, _)| key.to_owned())
        .collect()
}

fn hosts_of_url(default: &str) -> HostRule {
    let Ok(placeholders) = Placeholders::parse_url(default) else {
        return HostRule::Public;
    };
    // A mark becomes a NUL, which no host holds; what follows the last one is fixed.
    let flat: String = placeholders
        .parts()
        .iter()
        .map(|part| match part {
            PlaceholderPart::Text(text) => text.as_str(),
            PlaceholderPart::Key { .. } => "\0",
        })
        .collect();
    let host = flat
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#', ':']).next())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let fixed = host.rsplit('\0').next().unwrap_or_default();
    let has_mark = fixed.len() < host.len();
    match fixed.find('.') {
        // Partial labels (`{zone}na.vendor.example`) are cut to the next dot.
        Some(dot) if has_mark => {
            let suffix = fixed.get(dot..).unwrap_or_default();
            match suffixes::is_registry(suffix.trim_start_matches('.')) {
                true => HostRule::Public,
                false => HostRule::Suffixes(vec![suffix.to_owned()]),
            }
        }
        None if has_mark => HostRule::Public,
        _ if fixed.is_empty() => HostRule::Public,
        _ => HostRule::Suffixes(vec![fixed.to_owned()]),
    }
}
