//! What an instance knows: configuration keys and their values, and how a definition judges them.
//!
//! Three views are kept apart: what a caller gives ([`Element::accept`]), what is stored, and what
//! templates see ([`Element::effective`]) or answers show ([`Element::shown`]). Defaults are never
//! stored, so a corrected default reaches old instances.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value as Json};
use url::Url;

use crate::element::oauth::{ACCESS_TOKEN, CALLBACK_URL, REFRESH_TOKEN};
use crate::element::people::{ACCOUNT_ID, ACCOUNT_NAME};
use crate::element::platform;
use crate::element::{Element, Entry, Group};
use crate::ids::Secret;
use crate::language::Filter;

/// Shown in place of a secret; in a request it means "unchanged".
pub const MASK: &str = "********";

/// Key that chooses a group of credentials.
pub const AUTHENTICATION_TYPE: &str = "authentication.type";

/// Names the stored client, in place of an id and a secret of the instance's own. No caller can set
/// it, and no answer shows it.
pub const CLIENT_REFERENCE: &str = "bunsen.oauth.client";

const BASE_URL: &str = "base.url";

/// Characters that [`Element::generated`] makes for one entry at most.
pub(crate) const GENERATED_LIMIT: usize = 64;

/// Random bytes that [`Element::generated`] wants: one makes one character, as a rule, and a
/// definition makes at most half as many.
pub const RANDOM_BYTES: usize = 4 * GENERATED_LIMIT;

/// Configuration key to value.
pub type Values = BTreeMap<String, Value>;

/// One value, sealed from view when it is a secret.
#[derive(Clone)]
pub enum Value {
    Clear(String),
    Secret(Secret),
}

impl Value {
    pub fn reveal(&self) -> &str {
        match self {
            Self::Clear(text) => text,
            Self::Secret(secret) => secret.reveal(),
        }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(text) => fmt::Debug::fmt(text, f),
            Self::Secret(_) => f.write_str("Secret(..)"),
        }
    }
}

/// A configuration value that its caller has to correct. `message` never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConfigurationMistake {
    pub key: String,
    pub message: String,
}

/// Of the common keys, those that have a say in where credentials go and how.
const LOGIN_KEYS: &[&str] = &[AUTHENTICATION_TYPE, BASE_URL];

/// A slip in an old documentation page that callers copied.
const SYNONYMS: &[(&str, &str)] = &[("vendor.event.type", "event.vendor.type")];

/// Keys that are secret whatever their declared type, and endings that make a key secret.
const SECRET_KEYS: &[&str] = &[
    "aws.api.key",
    "aws.api.secret",
    "event.notification.callback.headers",
    "event.notification.signature.key",
    "oauth.api.key",
    "oauth.api.secret",
    "oauth.user.refresh_token",
    "oauth.user.token",
    "oauth.user.token.secret",
    "password",
];
const SECRET_ENDINGS: &[&str] = &[".password", ".api.token"];

impl Element {
    /// Whether a key means something in the `configuration` member of a request.
    pub fn knows(&self, key: &str) -> bool {
        self.entry(key).is_some()
            || platform::has_key(key)
            || SYNONYMS.iter().any(|(synonym, _)| *synonym == key)
    }

    /// The `configuration` member of a request. Values that are no text become their JSON text;
    /// null, the mask and empty text count as not given; keys that neither the definition nor the
    /// platform knows are dropped. Every mistake is reported, none only first.
    pub fn accept(&self, given: &Map<String, Json>) -> Result<Values, Vec<ConfigurationMistake>> {
        let mut accepted = Values::new();
        let mut mistakes = Vec::new();
        for (key, value) in given {
            let key = match SYNONYMS.iter().find(|(synonym, _)| synonym == key) {
                Some((_, meant)) if given.contains_key(*meant) => continue,
                Some((_, meant)) => *meant,
                None => key.as_str(),
            };
            if self.entry(key).is_none() && !platform::has_key(key) {
                continue;
            }
            // Only the vendor says whose account it is.
            if [ACCOUNT_ID, ACCOUNT_NAME].contains(&key) {
                continue;
            }
            let text = match value {
                Json::Null => continue,
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            if text.is_empty() || text == MASK {
                continue;
            }
            match self.judge(key, &text) {
                Ok(()) => {
                    accepted.insert(key.to_owned(), self.value(key, text));
                }
                Err(message) => mistakes.push(ConfigurationMistake {
                    key: key.to_owned(),
                    message,
                }),
            }
        }
        if mistakes.is_empty() {
            Ok(accepted)
        } else {
            Err(mistakes)
        }
    }

    fn judge(&self, key: &str, text: &str) -> Result<(), String> {
        if text.contains('\0') {
            return Err("must not contain a NUL character".to_owned());
        }
        if text.starts_with("<INSERT_") && text.ends_with('>') {
            return Err(format!(
                "still holds the placeholder {text}; put the real value there"
            ));
        }
        if key == BASE_URL {
            let url = Url::parse(text).ok();
            let host = url.as_ref().and_then(Url::host_str);
            if host.is_some_and(|host| !text.contains('{') && !self.hosts.allows(host)) {
                return Err("is not a host of this vendor".to_owned());
            }
        }
        let Some(fill) = self.entry(key).and_then(|entry| entry.fill.as_ref()) else {
            return Ok(());
        };
        let filled = fill.apply(text)?;
        // A whole host is told at once, although it may not be called at all.
        match fill {
            Filter::Host if !self.hosts.allows(&filled) => {
                Err("is not a host of this vendor".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// `text` as a value of `key`, hidden when the key is a secret.
    pub fn value(&self, key: &str, text: impl Into<String>) -> Value {
        if self.is_secret(key) {
            Value::Secret(Secret::new(text))
        } else {
            Value::Clear(text.into())
        }
    }

    /// The same of a key that the definition need not describe: what it does not may be a token.
    pub fn kept_value(&self, key: &str, text: impl Into<String>) -> Value {
        match self.entry(key) {
            Some(_) => self.value(key, text),
            None => Value::Secret(Secret::new(text)),
        }
    }

    /// Values that an instance of this group gets when it has none, made of `random`; they are to
    /// be stored, so that it keeps them.
    pub fn generated(&self, group: &Group, stored: &Values, random: &[u8; RANDOM_BYTES]) -> Values {
        const LETTERS: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        // What is left of 256 after whole rounds would make some letters more frequent.
        let mut letters = random
            .iter()
            .filter_map(|byte| LETTERS.get(usize::from(byte >> 2)))
            .map(|letter| char::from(*letter));
        let wanted = self
            .entries_of(group)
            .filter_map(|entry| Some((entry, entry.generated?)))
            .filter(|(entry, _)| entry.default.is_none() && !stored.contains_key(&entry.key));
        let mut generated = Values::new();
        for (entry, number) in wanted {
            let text: String = letters.by_ref().take(number).collect();
            // Too few bytes of 62 in 64 will do is next to impossible; a short value is none.
            if text.len() == number {
                generated.insert(entry.key.clone(), self.value(&entry.key, text));
            }
        }
        generated
    }

    /// Which credentials are meant: `authentication.type` if given, else the first group whose
    /// own required entries are all given (one that the vendor still offers before one that it
    /// ended), else the founding group.
    pub fn group_for(&self, given: &Values) -> Result<&Group, ConfigurationMistake> {
        self.group_meant(given, false)
    }

    /// The same; `brought`: a person's browser brought something to exchange for a token. Without
    /// that, and without a token, no group is meant that needs a person.
    pub fn group_meant(
        &self,
        given: &Values,
        brought: bool,
    ) -> Result<&Group, ConfigurationMistake> {
        if let Some(named) = given.get(AUTHENTICATION_TYPE) {
            return self.group(named.reveal()).ok_or_else(|| {
                let names: Vec<&str> = self.groups.iter().map(|g| g.name.as_str()).collect();
                ConfigurationMistake {
                    key: AUTHENTICATION_TYPE.to_owned(),
                    message: format!("must be one of {}", names.join(", ")),
                }
            });
        }
        let has_token = given.contains_key(ACCESS_TOKEN) || given.contains_key(REFRESH_TOKEN);
        let complete = |group: &&Group| {
            let mut own = self
                .active_entries()
                .filter(|entry| entry.required && entry.group.as_deref() == Some(&group.name))
                .peekable();
            // A group without entries of its own is never meant by what was left out.
            own.peek().is_some() && own.all(|entry| given.contains_key(&entry.key))
        };
        let mut complete: Vec<&Group> = self
            .groups
            .iter()
            .filter(complete)
            .filter(|group| brought || has_token || !group.needs_person())
            .collect();
        let ended = |group: &&Group| {
            group
                .retired
                .as_ref()
                .is_some_and(|retired| retired.date.is_some())
        };
        complete.sort_by_key(ended);
        let in_browser = self
            .groups
            .iter()
            .find(|group| brought && group.needs_person());
        let person = complete.iter().find(|group| group.needs_person());
        Ok(match (brought, person.copied().or(in_browser)) {
            (true, Some(group)) => group,
            _ => complete
                .first()
                .copied()
                .unwrap_or_else(|| self.founding_group()),
        })
    }

    /// Required entries of the group that have no value after defaults, in display order.
    pub fn missing(&self, group: &Group, given: &Values) -> Vec<&str> {
        let mut missing: Vec<&Entry> = self
            .entries_of(group)
            .filter(|entry| entry.required)
            .filter(|entry| entry.default.is_none() && !given.contains_key(&entry.key))
            .collect();
        missing.sort_by_key(|entry| entry.display_order);
        missing
            .into_iter()
            .map(|entry| entry.key.as_str())
            .collect()
    }

    /// Defaults overlaid with stored values: what templates and parameters see.
    pub fn effective(&self, group: &Group, stored: &Values) -> Values {
        let mut values: Values = self
            .entries_of(group)
            .filter_map(|entry| {
                let default = entry.default.clone()?;
                Some((entry.key.clone(), self.value(&entry.key, default)))
            })
            .collect();
        values.extend(
            stored
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        self.name_group(group, |key, name| {
            values.insert(key, Value::Clear(name));
        });
        values
    }

    /// As answers show it: secrets masked, defaults included, `{key}` marks unresolved. An entry
    /// without a value is shown, as null, only where the definition writes `"defaultValue": null`. The
    /// callback URL of a stored client is that client's, so no default stands for it.
    pub fn shown(&self, group: &Group, stored: &Values) -> Map<String, Json> {
        let mut shown = Map::new();
        for entry in self.entries_of(group) {
            if let Some(default) = &entry.default {
                let text = if entry.secret { MASK } else { default };
                shown.insert(entry.key.clone(), Json::from(text));
            } else if entry.shown_empty {
                shown.insert(entry.key.clone(), Json::Null);
            }
        }
        // A stored client's own are another's.
        if stored.contains_key(CLIENT_REFERENCE) {
            shown.remove(CALLBACK_URL);
        }
        for (key, value) in stored.iter().filter(|(key, _)| *key != CLIENT_REFERENCE) {
            let masked = (value.is_secret() || self.is_secret(key)) && !value.reveal().is_empty();
            let text = if masked { MASK } else { value.reveal() };
            shown.insert(key.clone(), Json::from(text));
        }
        self.name_group(group, |key, name| {
            shown.insert(key, Json::from(name));
        });
        shown
    }

    /// The entry that chooses a group always tells the group in force.
    fn name_group(&self, group: &Group, mut set: impl FnMut(String, String)) {
        for entry in self.active_entries().filter(|entry| entry.group_control) {
            set(entry.key.clone(), group.name.clone());
        }
    }

    /// Whether values of this key are sealed and masked.
    pub fn is_secret(&self, key: &str) -> bool {
        is_secret_key(key) || self.entry(key).is_some_and(|entry| entry.secret)
    }

    /// Whether a new value of `key` asks the vendor again: credentials, and whatever has a say in
    /// the host or the log-in. The platform's own keys have none, save two; of a definition's own
    /// entries each may.
    pub fn decides_login(&self, group: &Group, key: &str) -> bool {
        if platform::has_key(key) || key.starts_with("event.") {
            return LOGIN_KEYS.contains(&key);
        }
        self.entries_of(group).any(|entry| entry.key == key)
    }

    fn active_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.active)
    }

    /// Entries that count while `group` is chosen.
    pub fn entries_of<'a, 'g>(
        &'a self,
        group: &'g Group,
    ) -> impl Iterator<Item = &'a Entry> + use<'a, 'g> {
        self.active_entries()
            .filter(|entry| entry.group.as_deref().is_none_or(|name| name == group.name))
    }
}

/// By name alone; a definition can add to this, never take away.
pub(crate) fn is_secret_key(key: &str) -> bool {
    SECRET_KEYS.contains(&key) || SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

#[cfg(test)]
mod tests;
