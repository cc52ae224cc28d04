//! The words for people: how an entry is asked for, what there is to choose, and where an answer says
//! whose account it is.

use super::Checker;
use crate::element::definition::{EntryDefinition, OptionDefinition, ResourceDefinition};
use crate::element::people::{ACCOUNT_ID, ACCOUNT_NAME};
use crate::element::{Ask, Choice, Output, OutputFrom};

/// The options of a COMBO, save the one that chooses a group.
pub(super) fn options(entry: &EntryDefinition) -> Vec<Choice> {
    match entry.kind.as_deref() == Some("COMBO") && !entry.group_control {
        true => choices(&entry.options.0),
        false => Vec::new(),
    }
}

fn choices(options: &[OptionDefinition]) -> Vec<Choice> {
    let named = options.iter().filter_map(|option| {
        let value = option.value.clone().filter(|value| !value.is_empty())?;
        let label = option.description.clone().filter(|text| !text.is_empty());
        Some(Choice {
            label: label.unwrap_or_else(|| value.clone()),
            value,
        })
    });
    named.collect()
}

pub(super) fn ask(entry: &EntryDefinition, place: &str, checker: &mut Checker<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    for (index, words) in entry.bunsen.ask.0.iter().enumerate() {
        for name in &words.groups {
            checker.group(&format!("{place}.bunsen.ask[{index}].groups"), name);
        }
        let (Some(label), Some(help)) = (&words.label, &words.help) else {
            continue;
        };
        asks.push(Ask {
            groups: words.groups.clone(),
            label: label.clone(),
            help: help.clone(),
            place: words.place.clone(),
            options: choices(&words.options.0),
        });
    }
    asks
}

/// What is stored of an answer that says whose account it is.
pub(super) fn account(
    resource: &ResourceDefinition,
    place: &str,
    checker: &mut Checker<'_>,
) -> Vec<Output> {
    let Some(words) = &resource.bunsen.account else {
        return Vec::new();
    };
    let place = format!("{place}.bunsen.account");
    let mut paths = |member: &str, texts: &[String]| {
        let place = format!("{place}.{member}");
        let paths = texts.iter().map(|text| checker.answer_path(&place, text));
        paths.collect::<Option<Vec<_>>>()
    };
    let id = paths("id", &words.id).map(OutputFrom::AccountId);
    let name = paths("name", &words.name).map(OutputFrom::AccountName);
    let output = |key: &str, from: OutputFrom| Output {
        key: key.to_owned(),
        from,
        required: false,
    };
    let id = id.map(|from| output(ACCOUNT_ID, from));
    id.into_iter()
        .chain(name.map(|from| output(ACCOUNT_NAME, from)))
        .collect()
}
