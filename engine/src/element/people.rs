//! What people are asked and told: the words of a form for an entry, its choices, and whose account
//! at the vendor an instance belongs to.

use super::{Element, Entry, Group};
use crate::configuration::{Value, Values};

/// Who the vendor said was logged in, in its own terms, and what people call that account. Filled
/// by log-ins alone.
pub const ACCOUNT_ID: &str = "vendor.account.id";
pub const ACCOUNT_NAME: &str = "vendor.account.name";

/// One of the values that an entry may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// How a person is asked for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Of these groups of credentials; empty: all.
    pub groups: Vec<String>,
    pub label: String,
    /// What it is, and why it is asked.
    pub help: String,
    /// Where it is found at the vendor.
    pub place: Option<String>,
    /// In place of the entry's own.
    pub options: Vec<Choice>,
}

/// Another account than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAccount {
    pub before: String,
    pub now: String,
}

impl Entry {
    /// `None`: the definition has no words for people, only the platform's.
    pub fn ask(&self, group: &Group) -> Option<&Ask> {
        let is_of = |ask: &&Ask| ask.groups.is_empty() || ask.groups.contains(&group.name);
        self.ask.iter().find(is_of)
    }

    /// What there is to choose; empty: anything may be entered.
    pub fn choices(&self, group: &Group) -> &[Choice] {
        match self.ask(group) {
            Some(ask) if !ask.options.is_empty() => &ask.options,
            _ => &self.options,
        }
    }
}

impl Element {
    /// Whether another value of this entry is another account. Where no entry says so, each that is
    /// no secret may be one.
    pub fn names_account(&self, key: &str) -> bool {
        let mut entries = self.entries.iter().filter(|entry| entry.active);
        match entries.any(|entry| entry.account) {
            true => self.entry(key).is_some_and(|entry| entry.account),
            false => !self.is_secret(key),
        }
    }

    /// Whether two values of an entry mean the same: as hosts, and without letter case.
    pub fn same_value(&self, key: &str, one: &str, other: &str) -> bool {
        let fill = self.entry(key).and_then(|entry| entry.fill.as_ref());
        let plain = |text: &str| {
            let filled = fill.and_then(|fill| fill.apply(text.trim()).ok());
            filled.unwrap_or_else(|| text.trim().to_owned())
        };
        plain(one).eq_ignore_ascii_case(&plain(other))
    }
}

/// Whether a log-in has led to another account than the one there was. An account that the vendor
/// has never named cannot be told from another.
pub fn other_account(before: &Values, now: &Values) -> Option<OtherAccount> {
    let text = |values: &Values, key: &str| {
        let text = values.get(key).map(Value::reveal);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let was = text(before, ACCOUNT_ID)?;
    let is = text(now, ACCOUNT_ID)?;
    if was == is {
        return None;
    }
    let (mut called, mut calls) = (text(before, ACCOUNT_NAME), text(now, ACCOUNT_NAME));
    if called == calls {
        // Two of one name: only their ids tell them apart.
        let with_id = |name: Option<String>, id: &str| Some(format!("{} ({id})", name?));
        called = with_id(called, &was);
        calls = with_id(calls, &is);
    }
    Some(OtherAccount {
        before: called.unwrap_or(was),
        now: calls.unwrap_or(is),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, name: &str) -> Values {
        [(ACCOUNT_ID, id), (ACCOUNT_NAME, name)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), Value::Clear(text.to_owned())))
            .collect()
    }

    #[test]
    fn accounts_are_told_apart_by_their_ids() {
        let told = |before: (&str, &str), now: (&str, &str)| {
            let other = other_account(&account(before.0, before.1), &account(now.0, now.1))?;
            Some((other.before, other.now))
        };
        let some = |before: &str, now: &str| Some((before.to_owned(), now.to_owned()));
        assert_eq!(told(("1", "Ann"), ("1", "Ann B.")), None);
        assert_eq!(told(("", ""), ("1", "Ann")), None);
        assert_eq!(told(("1", "Ann"), ("", "")), None);
        assert_eq!(told(("1", "Ann"), ("2", "Bob")), some("Ann", "Bob"));
        assert_eq!(told(("1", ""), ("2", "Bob")), some("1", "Bob"));
        assert_eq!(told(("1", "Ann"), ("2", "Ann")), some("Ann (1)", "Ann (2)"));
        assert_eq!(told(("1", ""), ("2", "")), some("1", "2"));
    }
}
