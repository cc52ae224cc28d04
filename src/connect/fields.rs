//! What a person is asked for one way of connecting, as the definition describes it.

use std::collections::BTreeMap;

use bunsen_engine::configuration::AUTHENTICATION_TYPE;
use bunsen_engine::element::oauth::CLIENT_ENTRIES;
use bunsen_engine::element::{Element, Entry, Group};

use super::Opened;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Secret,
    /// Several lines: a key in PEM form does not fit into one.
    Lines,
    SecretLines,
    YesNo,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub key: String,
    /// For the page: unique there, and nothing but letters, digits and a dash.
    pub id: String,
    pub label: String,
    pub help: Option<String>,
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
                    label: entry.name.clone(),
                    value,
                });
            }
            continue;
        }
        let clients = CLIENT_ENTRIES.contains(&entry.key.as_str());
        let stored = opened.stored_value(&entry.key).is_some();
        if clients && (stored || opened.has_stored_client(element)) {
            continue;
        }
        form.fields.push(field(opened, element, entry, typed));
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

fn field(
    opened: &Opened,
    element: &Element,
    entry: &Entry,
    typed: &BTreeMap<String, String>,
) -> Field {
    let secret = element.is_secret(&entry.key);
    let lines = entry.kind.contains("TEXTAREA") || entry.key.ends_with("private.key");
    let kind = match (secret, lines) {
        (true, true) => FieldKind::SecretLines,
        (true, false) => FieldKind::Secret,
        (false, true) => FieldKind::Lines,
        (false, false) if entry.kind == "BOOLEAN" => FieldKind::YesNo,
        (false, false) => FieldKind::Text,
    };
    let known = || {
        let stored = opened.stored_value(&entry.key).map(str::to_owned);
        stored.or_else(|| entry.default.clone())
    };
    let value = match secret {
        true => None,
        false => typed.get(&entry.key).cloned().or_else(known),
    };
    Field {
        key: entry.key.clone(),
        id: format!("f-{}", entry.id),
        label: entry.name.clone(),
        help: entry.description.clone().filter(|text| !text.is_empty()),
        kind,
        autocomplete: autocomplete(&entry.key, secret),
        required: entry.required,
        value: value.unwrap_or_default(),
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
