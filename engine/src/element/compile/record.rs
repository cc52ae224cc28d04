//! What callers know of records otherwise than the vendor: `bunsen.record` of a resource, and what it
//! is like of `bunsen.records` of the element.

use std::collections::BTreeMap;

use super::Checker;
use crate::element::definition::{MemberWords, RecordWords};
use crate::element::shape::{Form, Joined, Lifted, Member, Only, Record, Slot};

/// What holds the value where nothing else is said.
const MAIN: &str = "value";

pub(super) fn record(
    words: &RecordWords,
    place: &str,
    names: &[String],
    records: &BTreeMap<String, RecordWords>,
    checker: &mut Checker<'_>,
) -> Record {
    let like = words.like.as_ref().and_then(|name| {
        let found = records.get(name);
        if found.is_none() {
            let message = format!("no {name:?} in bunsen.records");
            checker.wrong(format!("{place}.like"), message);
        }
        found
    });
    let all: Vec<&RecordWords> = like.into_iter().chain([words]).collect();
    let slots = all.iter().flat_map(|words| &words.slots.0);
    let slots = slots.filter_map(|slot| {
        Some(Slot {
            name: slot.name.clone()?,
            list: slot.list.clone()?,
            count: slot.count.unwrap_or_default(),
            members: slot.members.clone(),
            first: slot.first.clone(),
        })
    });
    let joined = all.iter().flat_map(|words| &words.joined.0);
    let joined = joined.filter_map(|joined| {
        Some(Joined {
            name: joined.name.clone()?,
            of: joined.of.clone(),
        })
    });
    let known = words.known.as_ref().and_then(|resource| {
        let found = names.iter().position(|name| name == resource);
        if found.is_none() {
            checker.wrong(format!("{place}.known"), format!("no resource {resource}"));
        }
        found
    });
    let lifted = all.iter().rev().find_map(|words| words.lifted.as_ref());
    Record {
        slots: slots.collect(),
        joined: joined.collect(),
        known,
        members: all
            .iter()
            .flat_map(|words| members(&words.members.0))
            .collect(),
        lifted: lifted.and_then(|lifted| {
            Some(Lifted {
                of: lifted.of.clone()?,
                letters: lifted.letters.clone()?,
                length: lifted.length?,
            })
        }),
        ..Record::default()
    }
}

fn members(words: &[MemberWords]) -> Vec<Member> {
    words.iter().filter_map(member).collect()
}

fn member(words: &MemberWords) -> Option<Member> {
    let name = words.name.clone()?;
    let members = match words.members.is_empty() {
        true => vec![MAIN.to_owned()],
        false => words.members.clone(),
    };
    Some(Member {
        of: words.of.clone().unwrap_or_else(|| name.clone()),
        name,
        form: match words.form.as_deref() {
            Some("time") => Form::Time,
            Some("minute") => Form::Minute,
            Some("text") => Form::Text,
            Some("number") => Form::Number,
            Some("boolean") => Form::Boolean,
            Some("reversed") => Form::Reversed,
            Some("link") => Form::Link,
            Some("first") => Form::First,
            Some("joined") => Form::Joined,
            Some("items") => Form::Items,
            Some("parts") => Form::Parts,
            _ => Form::Same,
        },
        members,
        first: words.first.clone(),
        inside: self::members(&words.inside.0),
        only: match words.only.as_deref() {
            Some("sent") => Some(Only::Sent),
            Some("shown") => Some(Only::Shown),
            _ => None,
        },
    })
}
