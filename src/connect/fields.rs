//! What a person is asked for one way of connecting, as the definition describes it.

use std::collections::BTreeMap;

use bunsen_engine::configuration::AUTHENTICATION_TYPE;
use bunsen_engine::element::oauth::CLIENT_ENTRIES;
use bunsen_engine::element::{Choice, Element, Entry, Group};

use super::Opened;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Secret,
    /// Several lines: a key in PEM form does not fit into one.
    Lines,
    SecretLines,
    /// One of a few, all of them seen.
    Pick,
    /// One of many.
    List,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub key: String,
    /// For the page: unique there, and nothing but letters, digits and a dash.
    pub id: String,
    pub label: String,
    /// What it is, and why it is asked.
    pub help: Option<String>,
    /// Where it is found at the vendor.
    pub place: Option<String>,
    /// Of a `Pick` and a `List`.
    pub choices: Vec<Choice>,
    pub kind: FieldKind,
    pub autocomplete: &'static str,
    pub required: bool,
    /// Never a secret's.
    pub value: String,
    pub error: Option<String>,
}

/// What the application has set and the person only reads.
#[derive(Debug, Clone)]
pub struct Fixed {
    pub label: String,
    pub value: String,
}

#[derive(Debug, Clone)]
pub struct Form {
    pub fields: Vec<Field>,
    pub fixed: Vec<Fixed>,
}

/// More choices than this go into a list that opens.
const SEEN_AT_ONCE: usize = 5;

/// Where calls go, and what provisioning or the page itself decides.
const NEVER_ASKED: &[&str] = &[AUTHENTICATION_TYPE, "base.url", "oauth.callback.url"];

/// `typed`: what came back with the form that is shown again.
pub fn form(
    opened: &Opened,
    element: &Element,
    group: &Group,
    typed: &BTreeMap<String, String>,
) -> Form {
    let mut entries: Vec<&Entry> = element
        .entries_of(group)
        .filter(|entry| is_asked(element, group, entry))
        .collect();
    entries.sort_by_key(|entry| entry.display_order);
    let mut form = Form {
        fields: Vec::new(),
        fixed: Vec::new(),
    };
    for entry in entries {
        if let Some(value) = opened.known(&entry.key) {
            if !element.is_secret(&entry.key) {
                form.fixed.push(Fixed {
                    label: label(entry, group),
                    value: in_words(entry, group, value),
                });
            }
            continue;
        }
        let clients = CLIENT_ENTRIES.contains(&entry.key.as_str());
        let stored = opened.stored_value(&entry.key).is_some();
        if clients && (stored || opened.has_stored_client(element)) {
            continue;
        }
        form.fields
            .push(field(opened, element, group, entry, typed));
    }
    form
}

fn is_asked(element: &Element, group: &Group, entry: &Entry) -> bool {
    let own = CLIENT_ENTRIES.contains(&entry.key.as_str()) && group.needs_person();
    element.decides_login(group, &entry.key)
        && !entry.internal
        && !entry.hide_from_console
        && !entry.group_control
        && !own
        && !NEVER_ASKED.contains(&entry.key.as_str())
}

fn label(entry: &Entry, group: &Group) -> String {
    let ask = entry.ask(group);
    ask.map_or(&entry.name, |ask| &ask.label).clone()
}

/// A choice as people read it.
fn in_words(entry: &Entry, group: &Group, value: String) -> String {
    let choice = entry.choices(group).iter().find(|one| one.value == value);
    choice.map_or(value, |choice| choice.label.clone())
}

/// What a person chooses among; empty: anything may be typed. A value that is stored, or the
/// default, can always be kept.
fn choices(entry: &Entry, group: &Group, known: Option<&str>) -> Vec<Choice> {
    let mut choices = match entry.kind.as_str() {
        "BOOLEAN" | "BOOLEAN_YESNO" => [("true", "Yes"), ("false", "No")]
            .map(|(value, label)| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
            })
            .to_vec(),
        _ => entry.choices(group).to_vec(),
    };
    if let Some(known) = known.filter(|text| !text.is_empty())
        && !choices.is_empty()
        && choices.iter().all(|choice| choice.value != known)
    {
        choices.push(Choice {
            value: known.to_owned(),
            label: known.to_owned(),
        });
    }
    choices
}

fn field(
    opened: &Opened,
    element: &Element,
    group: &Group,
    entry: &Entry,
    typed: &BTreeMap<String, String>,
) -> Field {
    let secret = element.is_secret(&entry.key);
    let lines = entry.kind.contains("TEXTAREA") || entry.key.ends_with("private.key");
    let known = match secret {
        true => None,
        false => opened.stored_value(&entry.key).or(entry.default.as_deref()),
    };
    let choices = match secret {
        true => Vec::new(),
        false => choices(entry, group, known),
    };
    let kind = match (secret, lines) {
        (true, true) => FieldKind::SecretLines,
        (true, false) => FieldKind::Secret,
        (false, _) if choices.len() > SEEN_AT_ONCE => FieldKind::List,
        (false, _) if !choices.is_empty() => FieldKind::Pick,
        (false, true) => FieldKind::Lines,
        (false, false) => FieldKind::Text,
    };
    let value = match secret {
        true => None,
        false => typed.get(&entry.key).map(String::as_str).or(known),
    };
    let ask = entry.ask(group);
    let help = match ask {
        Some(ask) => Some(ask.help.clone()),
        None => entry.description.clone(),
    };
    Field {
        key: entry.key.clone(),
        id: format!("f-{}", entry.id),
        label: label(entry, group),
        help: help.filter(|text| !text.is_empty()),
        place: ask.and_then(|ask| ask.place.clone()),
        choices,
        kind,
        autocomplete: autocomplete(&entry.key, secret),
        required: entry.required,
        value: value.unwrap_or_default().to_owned(),
        error: None,
    }
}

/// What a browser may fill in: words of HTML.
fn autocomplete(key: &str, secret: bool) -> &'static str {
    let last = key.rsplit('.').next().unwrap_or_default();
    match last {
        "password" if secret => "current-password",
        "username" | "email" | "login" if !secret => "username",
        _ => "off",
    }
}

impl Field {
    /// Why what was typed cannot be sent, if it cannot.
    pub fn refusal(&self, typed: &str) -> Option<&'static str> {
        let is_choice = || self.choices.iter().any(|choice| choice.value == typed);
        match typed.is_empty() {
            true if self.required && self.choices.is_empty() => Some("Fill this in."),
            true if self.required => Some("Choose one."),
            false if !self.choices.is_empty() && !is_choice() => Some("Choose one of these."),
            _ => None,
        }
    }
}
