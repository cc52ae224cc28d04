//! What a change of the configuration comes to, as a pure function of what is stored and what is
//! sent: which values there are afterwards, and whether the vendor has to be asked first.

use bunsen_engine::configuration::{AUTHENTICATION_TYPE, ConfigurationMistake, Value, Values};
use bunsen_engine::element::oauth::{ACCESS_TOKEN, REFRESH_TOKEN};
use bunsen_engine::element::{Element, Group, Login, Start};
use serde_json::{Map, Value as Json};

use crate::clients::Client;
use crate::error::Result;
use crate::provisioning::authorization::Brought;
use crate::provisioning::client::{Clients, completed, refer};
use crate::provisioning::missing::refuse_missing_for;
use crate::provisioning::request::mistaken;

/// How the instance stands before the change.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub element: &'a Element,
    pub group: &'a Group,
    pub values: &'a Values,
    /// The vendor has not refused the credentials since they were given.
    pub valid: bool,
}

/// How it shall stand.
#[derive(Debug)]
pub struct Plan<'a> {
    pub group: &'a Group,
    pub values: Values,
    pub changed: bool,
    /// The vendor has to be asked first, beginning with this, and what it returns comes on top of
    /// the values.
    pub log_in: Option<Login>,
    /// The stored client that it is made with.
    pub client: Option<Client>,
}

/// What comes beside the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    pub brought: &'a Brought,
    /// The tokens in the configuration are good, the caller says.
    pub external: bool,
    /// Whatever is given is tried, also when it is what there is.
    pub ask_again: bool,
    pub clients: &'a Clients,
}

/// Merges what is given into what is stored. Null, the mask and whatever answers show already say
/// nothing; an empty text takes an entry's value away, so that its default counts again.
///
/// # Errors
/// 400 naming every entry that is wrong, missing or needed.
pub fn plan<'a>(
    standing: Standing<'a>,
    given: &Map<String, Json>,
    beside: Beside<'_>,
) -> Result<Plan<'a>> {
    let Standing {
        element, values, ..
    } = standing;
    let shown = element.shown(standing.group, values);
    let said = said(&shown, given);
    let mut accepted = element.accept(&said).map_err(mistaken)?;
    beside.brought.add_tokens(element, &mut accepted);
    beside.brought.add_entries(element, &mut accepted)?;
    let set: Values = accepted
        .iter()
        .filter(|(key, value)| {
            let as_shown =
                !value.is_secret() && shown.get(*key).is_some_and(|text| text == value.reveal());
            !as_shown && values.get(*key).map(Value::reveal) != Some(value.reveal())
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let emptied: Vec<&String> = said
        .iter()
        .filter(|(key, value)| value.as_str() == Some("") && values.contains_key(*key))
        .map(|(key, _)| key)
        .collect();

    let mut merged = values.clone();
    merged.retain(|key, _| !emptied.contains(&key));
    merged.extend(set.clone());
    let anew = beside.brought.is_from_browser();
    let mut client = beside.clients.choose(element, &merged, anew);
    let completed = completed(client, &merged);
    let group = meant_group(standing, &set, &completed, beside.brought)?;
    refuse_emptied(element, group, &said)?;
    // What was asked for by name is stored under that name; else a switch would not last.
    if let Some(named) = merged.get_mut(AUTHENTICATION_TYPE) {
        *named = element.value(AUTHENTICATION_TYPE, group.name.clone());
    }

    let switched = group.name != standing.group.name;
    let decides = |key: &String| element.decides_login(group, key);
    let given_again = (!standing.valid || beside.ask_again) && accepted.keys().any(decides);
    // Whoever sends an instance that needs its owner as it is wants it to be tried.
    let named = given
        .iter()
        .any(|(key, value)| !value.is_null() && decides(key));
    let wanted = !standing.valid && (named || beside.external);
    let sent_again = wanted && can_log_in(element, group, &completed);
    let brought = beside.brought.is_from_browser() && group.needs_person();
    let asked = switched
        || given_again
        || sent_again
        || brought
        || set.keys().chain(emptied.iter().copied()).any(decides);
    let mut log_in = None;
    if asked {
        // Tokens that were stored before are not what the caller speaks of.
        let tokens = [ACCESS_TOKEN, REFRESH_TOKEN];
        let external = beside.external && tokens.iter().any(|key| set.contains_key(*key));
        let login = beside.brought.login(element, group, &completed, external)?;
        refuse_missing_for(element, group, &completed, &login)?;
        let anew = login.start == Start::LogIn;
        client = beside.clients.choose(element, &merged, anew);
        refer(client, element, group, &mut merged);
        // As on create the vendor says these anew, unless the caller has just said otherwise, or
        // the log-in begins with them.
        for key in element.returned_keys(group) {
            if login.start == Start::LogIn && !set.contains_key(key) {
                merged.remove(key);
            }
        }
        log_in = Some(login);
    }
    Ok(Plan {
        group,
        values: merged,
        changed: switched || asked || !set.is_empty() || !emptied.is_empty(),
        client: client.filter(|_| log_in.is_some()).cloned(),
        log_in,
    })
}

/// With what is stored: without a person.
fn can_log_in(element: &Element, group: &Group, values: &Values) -> bool {
    let effective = element.effective(group, values);
    let renews = element
        .renewal(group)
        .is_some_and(|renewal| renewal.start(&effective).is_some());
    renews || (!group.needs_person() && element.missing(group, values).is_empty())
}

/// Without what answers show already: those values were accepted once and are not judged again.
fn said(shown: &Map<String, Json>, given: &Map<String, Json>) -> Map<String, Json> {
    let says = |key: &String, value: &Json| {
        let text = value.as_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| value.to_string());
        !value.is_null() && shown.get(key).is_none_or(|shown| *shown != text)
    };
    given
        .iter()
        .filter(|(key, value)| says(key, value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The group that the change names; else the one whose own entries it gives, when they are
/// complete then; else the one there is.
fn meant_group<'a>(
    standing: Standing<'a>,
    set: &Values,
    merged: &Values,
    brought: &Brought,
) -> Result<&'a Group> {
    let Standing { element, group, .. } = standing;
    let in_browser = brought.is_from_browser() && !group.needs_person();
    if set.contains_key(AUTHENTICATION_TYPE) || in_browser {
        let meant = element.group_meant(set, in_browser);
        let meant = meant.map_err(|mistake| mistaken(vec![mistake]))?;
        // An element without such a log-in passes over what a browser brought.
        let named = set.contains_key(AUTHENTICATION_TYPE);
        return Ok(if named || meant.needs_person() {
            meant
        } else {
            group
        });
    }
    let counts = |group: &Group, key: &String| {
        element.entry(key).is_none() || element.entries_of(group).any(|entry| entry.key == *key)
    };
    let elsewhere: Vec<&String> = set.keys().filter(|key| !counts(group, key)).collect();
    if elsewhere.is_empty() {
        return Ok(group);
    }
    let meant = element.groups.iter().find(|other| {
        elsewhere.iter().all(|key| counts(other, key)) && element.missing(other, merged).is_empty()
    });
    Ok(meant.unwrap_or(group))
}

fn refuse_emptied(element: &Element, group: &Group, said: &Map<String, Json>) -> Result<()> {
    let mistakes: Vec<ConfigurationMistake> = element
        .entries_of(group)
        .filter(|entry| entry.required)
        .filter(|entry| said.get(&entry.key).and_then(Json::as_str) == Some(""))
        .map(|entry| ConfigurationMistake {
            key: entry.key.clone(),
            message: "is required and cannot be emptied".to_owned(),
        })
        .collect();
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(mistaken(mistakes))
}

#[cfg(test)]
mod tests;
