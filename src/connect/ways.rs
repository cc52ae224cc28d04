//! The ways in which a person may connect an element here: its groups of credentials, today's first.

use bunsen_engine::configuration::AUTHENTICATION_TYPE;
use bunsen_engine::element::oauth::CLIENT_ENTRIES;
use bunsen_engine::element::{Element, Group};

use super::Opened;
use crate::app::App;

#[derive(Debug, Clone)]
pub struct Way {
    /// Of the group of credentials.
    pub name: String,
    pub title: String,
    /// The person says yes on the vendor's own page.
    pub in_browser: bool,
    /// The vendor no longer takes it, or speaks of it no more: only the simulated one does.
    pub ended: bool,
    /// Since when, where that is known.
    pub date: Option<String>,
}

/// What the application fixed it to, else all that can work: no log-in that the vendor has ended
/// (save in the sandbox), and none with the vendor's page unless the client's id and secret are
/// there, which no person has. What is the application's own to give, a private key say, is asked
/// only where the application has said so.
pub fn ways(app: &App, opened: &Opened, element: &Element) -> Vec<Way> {
    let fixed = opened.known(AUTHENTICATION_TYPE);
    let mut found: Vec<(&Group, Way)> = element
        .groups
        .iter()
        .filter(|group| fixed.as_ref().is_none_or(|name| *name == group.name))
        .filter(|group| group.retired.is_none() || app.is_sandbox())
        .filter(|group| !group.needs_person() || has_client(opened, element, group))
        .filter(|group| !group.is_of_application() || fixed.is_some() || stands(opened, group))
        .map(|group| (group, way(element, group)))
        .collect();
    found.sort_by_key(|(group, way)| {
        (
            way.ended,
            !stands(opened, group),
            !group.today,
            !way.in_browser,
        )
    });
    found.into_iter().map(|(_, way)| way).collect()
}

/// The instance that is connected again has this one.
fn stands(opened: &Opened, group: &Group) -> bool {
    opened.group() == Some(group.name.as_str())
}

/// What people call it.
pub fn called(element: &Element) -> &str {
    element.name.trim_end_matches(" Beta")
}

fn way(element: &Element, group: &Group) -> Way {
    let in_browser = group.needs_person();
    Way {
        name: group.name.clone(),
        title: match in_browser {
            true => format!("Sign in at {}", called(element)),
            false => group.title.clone(),
        },
        in_browser,
        ended: group.retired.is_some(),
        date: group
            .retired
            .as_ref()
            .and_then(|retired| retired.date.clone()),
    }
}

/// A page is asked for by a client's id at the least, whatever an export says is required.
fn has_client(opened: &Opened, element: &Element, group: &Group) -> bool {
    let [id, secret] = CLIENT_ENTRIES;
    let mut needed = element.entries_of(group).filter(|entry| {
        entry.key == id || (entry.key == secret && entry.required && !group.may_be_public())
    });
    opened.has_stored_client(element)
        || needed.all(|entry| {
            entry.default.is_some()
                || opened.known(&entry.key).is_some()
                || opened.stored_value(&entry.key).is_some()
        })
}
