//! Records of the vendor as callers know them, written from slices of the vendor's text.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::element::shape::{Added, Form, Index, Indexed, Lifted, Member, Record, Slot};
use crate::hub::scan::{self, unescaped};

impl Record {
    /// The record as callers know it; as it is where nothing of it is known otherwise.
    pub(in crate::hub) fn shown<'r>(&self, record: &'r str) -> Cow<'r, str> {
        // One that stands alone may be anything.
        if serde_json::from_str::<&RawValue>(record).is_err() {
            return Cow::Borrowed(record);
        }
        let mut out = String::with_capacity(record.len() + record.len() / 2);
        match Showing::new(self).changed(record, &mut out) {
            true => Cow::Owned(out),
            false => Cow::Borrowed(record),
        }
    }
}

/// A member's value as callers know it; `None`: as it is.
pub(super) fn value(member: &Member, json: &str) -> Option<String> {
    let index = Index::of(std::slice::from_ref(member), None, &[]);
    let mut out = String::new();
    formed(member, index.members.first()?, json, &mut out).then_some(out)
}

/// Shows records one after another.
pub(in crate::hub) struct Showing<'s, 'r> {
    members: &'s [Member],
    lifted: Option<&'s Lifted>,
    slots: &'s [Slot],
    index: &'s Index,
    /// Members of this record, and behind them of the one before: records of a list have the same ones in
    /// the same order, so their numbers need not be looked up.
    own: Vec<Own<'r>>,
    /// What this record has, by number. Of a name that occurs twice, the last counts.
    found: Vec<Option<&'r str>>,
}

struct Own<'r> {
    written: &'r str,
    name: Cow<'r, str>,
    number: Option<usize>,
}

impl<'s, 'r> Showing<'s, 'r> {
    pub(in crate::hub) fn new(record: &'s Record) -> Self {
        Self {
            lifted: record.lifted.as_ref(),
            slots: &record.slots,
            ..Self::of(&record.members, record.index())
        }
    }

    fn of(members: &'s [Member], index: &'s Index) -> Self {
        Self {
            members,
            lifted: None,
            slots: &[],
            index,
            own: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Adds the record, which is valid JSON, as callers know it.
    pub(in crate::hub) fn show(&mut self, record: &'r str, out: &mut String) {
        if !self.changed(record, out) {
            out.push_str(record);
        }
    }

    /// Whether anything of it is known otherwise; else nothing is added.
    fn changed(&mut self, record: &'r str, out: &mut String) -> bool {
        let Some(members) = scan::members(record) else {
            return false;
        };
        let begin = out.len();
        self.found.clear();
        self.found.resize(self.index.names(), None);
        out.push('{');
        let mut count = 0;
        let mut changed = false;
        for (written, json) in members {
            comma(out);
            out.push('"');
            out.push_str(written);
            out.push_str("\":");
            let in_place = self.number(count, written).and_then(|number| {
                if let Some(found) = self.found.get_mut(number) {
                    *found = Some(json);
                }
                self.index.in_place(number)
            });
            let is_formed = in_place.is_some_and(|member| self.formed(member, json, out));
            if !is_formed {
                out.push_str(json);
            }
            changed |= is_formed;
            count += 1;
        }
        let before = out.len();
        self.add(out);
        self.lift(count, out);
        self.number_items(out);
        changed |= out.len() > before;
        match changed {
            true => out.push('}'),
            false => out.truncate(begin),
        }
        changed
    }

    fn number(&mut self, position: usize, written: &'r str) -> Option<usize> {
        if let Some(own) = self.own.get(position)
            && own.written == written
        {
            return own.number;
        }
        let name = unescaped(written);
        let number = self.index.number(&name);
        let own = Own {
            written,
            name,
            number,
        };
        match self.own.get_mut(position) {
            Some(place) => *place = own,
            None => self.own.push(own),
        }
        number
    }

    fn formed(&self, member: usize, json: &str, out: &mut String) -> bool {
        let member = self.members.get(member).zip(self.index.members.get(member));
        member.is_some_and(|(member, indexed)| formed(member, indexed, json, out))
    }

    fn found(&self, number: usize) -> Option<&'r str> {
        self.found.get(number).copied().flatten()
    }

    /// What a member is made of, unless the vendor has one of that name itself: so what has been shown
    /// once is not shown again.
    fn source(&self, added: &Added) -> Option<&'r str> {
        match self.found(added.number) {
            Some(_) => None,
            None => self.found(added.of),
        }
    }

    fn add(&self, out: &mut String) {
        for added in &self.index.added {
            let Some(json) = self.source(added) else {
                continue;
            };
            let Some(part) = &added.part else {
                comma(out);
                out.push_str(&added.key);
                if !self.formed(added.member, json, out) {
                    out.push_str(json);
                }
                continue;
            };
            if let Some(json) = member(json, part) {
                comma(out);
                out.push_str(&added.key);
                out.push_str(json);
            }
        }
    }

    fn has(&self, count: usize, is_name: impl Fn(&str) -> bool) -> bool {
        let own = self.own.iter().take(count);
        own.into_iter().any(|own| is_name(&own.name))
    }

    /// What the vendor has in an object below.
    fn lift(&self, count: usize, out: &mut String) {
        let inner = self.lifted.and(self.index.lifted);
        let inner = inner.and_then(|number| scan::members(self.found(number)?));
        for (written, json) in inner.into_iter().flatten() {
            let name = unescaped(written);
            let has_it = || self.has(count, |own| own == name);
            if let Some(parts) = scan::members(json) {
                for (written_part, json) in parts {
                    let part = unescaped(written_part);
                    if part == "value" {
                        if !has_it() {
                            put(out, &[written], json);
                        }
                    } else if !self.has(count, |own| is_part(own, &name, &part)) {
                        put(out, &[written, "_", written_part], json);
                    }
                }
            } else if !has_it() {
                match scan::items(json) {
                    Some(items) => put(out, &[written], &joined(items)),
                    None => put(out, &[written], json),
                }
            }
        }
    }

    /// The first items of lists by their numbered names.
    fn number_items(&self, out: &mut String) {
        for (slot, (list, numbered)) in self.slots.iter().zip(&self.index.slots) {
            let items = self.found(*list).and_then(scan::items);
            for (added, item) in numbered.iter().zip(items.into_iter().flatten()) {
                if self.source(added).is_some() {
                    number_item(slot, added, item, out);
                }
            }
        }
    }
}

fn number_item(slot: &Slot, added: &Added, item: &str, out: &mut String) {
    if item == "null" {
        return;
    }
    let Some(members) = scan::members(item) else {
        if let Some(main) = slot.members.first() {
            comma(out);
            out.push_str(&added.key);
            out.push('{');
            put(out, &[main], item);
            out.push('}');
        }
        return;
    };
    comma(out);
    out.push_str(&added.key);
    out.push('{');
    for (written, json) in members {
        let name = unescaped(written);
        if json != "null" && slot.members.iter().any(|member| *member == name) {
            put(out, &[written], json);
        }
    }
    out.push('}');
}

/// Before a member or an item, unless it is the first.
fn comma(out: &mut String) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
}

/// A member whose name is these, as they are written.
fn put(out: &mut String, name: &[&str], json: &str) {
    comma(out);
    out.push('"');
    for part in name {
        out.push_str(part);
    }
    out.push_str("\":");
    out.push_str(json);
}

fn is_part(own: &str, name: &str, part: &str) -> bool {
    let rest = own.strip_prefix(name);
    rest.and_then(|rest| rest.strip_prefix('_')) == Some(part)
}

/// Of a name that occurs twice, the last counts.
fn member<'r>(json: &'r str, name: &str) -> Option<&'r str> {
    let found = scan::members(json)?.filter(|(written, _)| unescaped(written) == name);
    found.last().map(|(_, json)| json)
}

/// Writes it in our form; `false`: as it is, and nothing is written.
fn formed(member: &Member, indexed: &Indexed, json: &str, out: &mut String) -> bool {
    match member.form {
        Form::Same | Form::Number | Form::Boolean | Form::Items => {
            inner_formed(member, indexed, json, out)
        }
        Form::Time => text(json).is_some_and(|text| time(text, out)),
        Form::Minute => match text(json).and_then(minute) {
            Some(minute) => quoted(minute, out),
            None => false,
        },
        Form::Text => is_number(json) && quoted(json, out),
        Form::Reversed => {
            let reversed = match json {
                "true" => "false",
                "false" => "true",
                _ => return false,
            };
            out.push_str(reversed);
            true
        }
        Form::Link => {
            if !is_number(json) {
                return false;
            }
            out.push('{');
            for key in &indexed.keys {
                comma(out);
                out.push_str(key);
                out.push_str(json);
            }
            out.push('}');
            true
        }
        Form::First => match scan::items(json) {
            Some(mut items) => {
                out.push_str(items.next().unwrap_or("null"));
                true
            }
            None => false,
        },
        Form::Joined => match scan::items(json) {
            Some(items) => {
                match items.clone().next() {
                    Some(_) => out.push_str(&joined(items)),
                    None => out.push_str("null"),
                }
                true
            }
            None => false,
        },
        Form::Parts => match (member.members.first(), scan::members(json)) {
            (Some(main), Some(_)) => {
                out.push_str(self::member(json, main).unwrap_or("null"));
                true
            }
            _ => false,
        },
    }
}

fn inner_formed(member: &Member, indexed: &Indexed, json: &str, out: &mut String) -> bool {
    if member.inside.is_empty() {
        return false;
    }
    let Some(items) = scan::items(json) else {
        return false;
    };
    let mut showing = Showing::of(&member.inside, &indexed.inside);
    out.push('[');
    for item in items {
        comma(out);
        showing.show(item, out);
    }
    out.push(']');
    true
}

fn quoted(text: &str, out: &mut String) -> bool {
    out.push('"');
    out.push_str(text);
    out.push('"');
    true
}

/// What stands between the quotes of a JSON text, if it needs no reading.
fn text(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// Items of a list as one text, with commas.
fn joined<'r>(items: impl Iterator<Item = &'r str>) -> String {
    let texts = items.map(|item| match serde_json::from_str(item) {
        Ok(Json::String(text)) => text,
        _ => item.to_owned(),
    });
    Json::from(texts.collect::<Vec<_>>().join(",")).to_string()
}

fn is_number(json: &str) -> bool {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// `2017-03-01T10:00:00Z` as `2017-03-01 10:00:00`.
fn time(text: &str, out: &mut String) -> bool {
    let Some((day, clock)) = text.split_once('T') else {
        return false;
    };
    if let Some(clock) = clock.strip_suffix('Z').filter(|clock| clock.len() == 8) {
        put_time(day, clock, out);
        return true;
    }
    let moment = text.parse().ok();
    let second =
        moment.and_then(|moment: Timestamp| Timestamp::from_second(moment.as_second()).ok());
    let text = second.map(|second| second.to_string()).unwrap_or_default();
    match text.split_once('T') {
        Some((day, clock)) => {
            put_time(day, clock.trim_end_matches('Z'), out);
            true
        }
        None => false,
    }
}

fn put_time(day: &str, clock: &str, out: &mut String) {
    for part in ["\"", day, " ", clock, "\""] {
        out.push_str(part);
    }
}

/// `10:30:00` as `10:30`.
fn minute(text: &str) -> Option<&str> {
    let (minutes, seconds) = text.rsplit_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (_, of_hour) = minutes.split_once(':')?;
    (digits(seconds) && digits(of_hour)).then_some(minutes)
}
