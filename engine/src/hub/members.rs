//! Members of records that callers know otherwise than the vendor: under another name, as another
//! type, times in another notation, links and addresses as objects or without them. Answers are
//! made anew from slices of the vendor's text, bodies as trees.

mod lifted;

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::envelope;
use crate::ceql::moment;
use crate::element::shape::{Form, Member, Only, Record};

/// A member's name and what it holds, as they are written.
type Own<'r> = (Cow<'r, str>, &'r str);

/// The members of an object in their order. `None`: it is none.
pub(super) fn own(json: &str) -> Option<Vec<Own<'_>>> {
    #[derive(Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<Own<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut own = Vec::with_capacity(32);
            while let Some((Name(name), json)) = members.next_entry::<Name<'de>, &RawValue>()? {
                own.push((name, json.get()));
            }
            Ok(own)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Members).ok()
}

/// Of a name that occurs twice, the last counts.
fn find<'r>(own: &[Own<'r>], name: &str) -> Option<&'r str> {
    let found = own.iter().rev().find(|(other, _)| other == name);
    found.map(|(_, json)| *json)
}

/// An object that is being written.
struct Written<'o, 'r> {
    own: &'o [Own<'r>],
    out: String,
    changed: bool,
}

impl Written<'_, '_> {
    fn put(&mut self, name: &str, json: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        match name.contains(['"', '\\']) || name.contains(char::is_control) {
            true => self.out.push_str(&Json::from(name).to_string()),
            false => {
                self.out.push('"');
                self.out.push_str(name);
                self.out.push('"');
            }
        }
        self.out.push(':');
        self.out.push_str(json);
    }

    /// What the vendor has not: its own member of that name stays, so that what has been shown once is
    /// not shown again.
    fn add(&mut self, name: &str, json: &str) {
        if find(self.own, name).is_none() {
            self.put(name, json);
            self.changed = true;
        }
    }
}

impl Record {
    /// The record as callers know it; as it is where nothing of it is known otherwise.
    pub(super) fn shown<'r>(&self, record: &'r str) -> Cow<'r, str> {
        let Some(own) = own(record) else {
            return Cow::Borrowed(record);
        };
        let mut written = begun(&self.members, &own, record.len());
        if let Some(lifted) = &self.lifted
            && let Some(inner) = find(&own, &lifted.of).and_then(self::own)
        {
            lifted.show(&inner, &mut written);
        }
        for slot in &self.slots {
            let list = find(&own, &slot.list).and_then(envelope::items);
            for (name, item) in slot.numbered(list.unwrap_or_default()) {
                written.add(&name, &item.to_string());
            }
        }
        ended(written, record)
    }

    /// Puts what the body holds under our names where the vendor wants it. `false`: there is nothing.
    pub(super) fn put_back(&self, body: &mut Map<String, Json>) -> bool {
        let mut changed = false;
        for member in &self.members {
            changed |= member.put_back(body);
        }
        if let Some(lifted) = &self.lifted {
            changed |= lifted.put_back(body);
        }
        changed
    }
}

fn begun<'o, 'r>(members: &[Member], own: &'o [Own<'r>], length: usize) -> Written<'o, 'r> {
    let mut written = Written {
        own,
        out: String::with_capacity(length + length / 2),
        changed: false,
    };
    written.out.push('{');
    for (name, json) in own {
        let mut in_place = members.iter().filter(|member| member.is_in_place());
        let shown = in_place
            .find(|member| member.name == *name)
            .and_then(|member| member.shown(json));
        written.changed |= shown.is_some();
        written.put(name, shown.as_deref().unwrap_or(json));
    }
    for member in members.iter().filter(|member| member.is_shown()) {
        let Some(json) = find(own, &member.of) else {
            continue;
        };
        if !member.is_in_place() {
            written.add(&member.name, member.shown(json).as_deref().unwrap_or(json));
        }
        if member.form == Form::Parts
            && let Some(inner) = self::own(json)
        {
            for part in member.members.iter().skip(1) {
                if let Some(json) = find(&inner, part) {
                    written.add(&format!("{}_{part}", member.name), json);
                }
            }
        }
    }
    written
}

fn ended<'r>(written: Written<'_, '_>, record: &'r str) -> Cow<'r, str> {
    match written.changed {
        true => Cow::Owned(written.out + "}"),
        false => Cow::Borrowed(record),
    }
}

impl Member {
    pub(super) fn is_in_place(&self) -> bool {
        self.name == self.of && self.is_shown()
    }

    pub(super) fn is_shown(&self) -> bool {
        self.only != Some(Only::Sent)
    }

    /// In our form; `None`: as it is.
    fn shown(&self, json: &str) -> Option<String> {
        match self.form {
            Form::Same | Form::Number | Form::Boolean | Form::Items => self.inner_shown(json),
            Form::Time => time(text(json)?).map(|text| format!("\"{text}\"")),
            Form::Minute => minute(text(json)?).map(|text| format!("\"{text}\"")),
            Form::Text => is_number(json).then(|| format!("\"{json}\"")),
            Form::Reversed => match json {
                "true" => Some("false".to_owned()),
                "false" => Some("true".to_owned()),
                _ => None,
            },
            Form::Link => is_number(json).then(|| {
                let members = self.members.iter();
                let members = members.map(|name| format!("{}:{json}", Json::from(name.as_str())));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
            Form::First => {
                let items = envelope::items(json)?;
                Some(items.first().copied().unwrap_or("null").to_owned())
            }
            Form::Joined => {
                let items = envelope::items(json)?;
                Some(match items.is_empty() {
                    true => "null".to_owned(),
                    false => joined(&items),
                })
            }
            Form::Parts => {
                let inner = own(json)?;
                let main = self.members.first()?;
                Some(find(&inner, main).unwrap_or("null").to_owned())
            }
        }
    }

    fn inner_shown(&self, json: &str) -> Option<String> {
        if self.inside.is_empty() {
            return None;
        }
        let items = envelope::items(json)?;
        let items = items.into_iter().map(|item| match own(item) {
            Some(own) => ended(begun(&self.inside, &own, item.len()), item),
            None => Cow::Borrowed(item),
        });
        Some(format!("[{}]", items.collect::<Vec<_>>().join(",")))
    }

    /// Whether the body had it and is another one now.
    fn put_back(&self, body: &mut Map<String, Json>) -> bool {
        if self.only == Some(Only::Shown) {
            return body.remove(&self.name).is_some();
        }
        let parts = self.parts(body);
        let given = body.get(&self.name).cloned();
        if given.is_none() && parts.is_empty() {
            return false;
        }
        let other_name = self.name != self.of;
        if other_name {
            body.remove(&self.name);
        }
        // Who sends back what was read has changed one of the two, or neither.
        if let Some(theirs) = body.get(&self.of).filter(|_| other_name)
            && (self.only.is_some() || given.as_ref() == Some(&self.as_shown(theirs)))
            && parts.is_empty()
        {
            return true;
        }
        let mut value = self.sent(given.clone().unwrap_or_default());
        if !parts.is_empty() {
            let mut whole = match value {
                Json::Object(whole) => whole,
                _ => Map::new(),
            };
            whole.extend(parts);
            value = Json::Object(whole);
        } else if !other_name && given.as_ref() == Some(&value) {
            return false;
        }
        body.insert(self.of.clone(), value);
        true
    }

    fn as_shown(&self, theirs: &Json) -> Json {
        let shown = self.shown(&theirs.to_string());
        let shown = shown.and_then(|shown| serde_json::from_str(&shown).ok());
        shown.unwrap_or_else(|| theirs.clone())
    }

    /// Takes `address_country` and its like.
    fn parts(&self, body: &mut Map<String, Json>) -> Map<String, Json> {
        if self.form != Form::Parts {
            return Map::new();
        }
        let parts = self.members.iter().skip(1);
        let given = parts.filter_map(|part| {
            let value = body.remove(&format!("{}_{part}", self.name))?;
            Some((part.clone(), value))
        });
        given.collect()
    }

    /// In the vendor's form; what cannot be that is the vendor's to judge.
    fn sent(&self, given: Json) -> Json {
        let sent = match (self.form, given) {
            (Form::Time, Json::String(text)) if !text.contains('T') => match moment(&text) {
                Some(moment) => Json::from(moment.to_string()),
                None => Json::from(text),
            },
            (Form::Text | Form::Number, given) => number(given),
            (Form::Boolean, given) => boolean(given),
            (Form::Reversed, given) => match boolean(given) {
                Json::Bool(on) => Json::Bool(!on),
                other => other,
            },
            (Form::Link, Json::Object(given)) => {
                let mut names = self.members.iter();
                let found = names.find_map(|name| given.get(name));
                number(found.cloned().unwrap_or_default())
            }
            (Form::Link, given) => number(given),
            (Form::First | Form::Joined | Form::Items, Json::Null) => Json::Array(Vec::new()),
            (Form::First, given @ (Json::Number(_) | Json::String(_))) => {
                Json::Array(vec![number(given)])
            }
            (Form::Joined, Json::String(text)) => {
                let texts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty());
                texts.map(|text| number(Json::from(text))).collect()
            }
            (Form::Joined, given @ Json::Number(_)) => Json::Array(vec![given]),
            (Form::Items, given) => self.items(given),
            (Form::Parts, Json::String(text)) => match self.members.first() {
                Some(main) => Json::Object(Map::from_iter([(main.clone(), Json::from(text))])),
                None => Json::from(text),
            },
            (_, given) => given,
        };
        self.inner_sent(sent)
    }

    fn inner_sent(&self, sent: Json) -> Json {
        match sent {
            Json::Array(items) if !self.inside.is_empty() => {
                let items = items.into_iter().map(|mut item| {
                    if let Json::Object(item) = &mut item {
                        for member in &self.inside {
                            member.put_back(item);
                        }
                    }
                    item
                });
                items.collect()
            }
            other => other,
        }
    }

    /// A list of objects, of what may be one plain text or several.
    fn items(&self, given: Json) -> Json {
        let Some(main) = self.members.first() else {
            return given;
        };
        let given = match given {
            Json::Array(items) => items,
            one => vec![one],
        };
        let object = |item: Json| match item {
            item @ Json::Object(_) => item,
            plain => Json::Object(Map::from_iter([(main.clone(), plain)])),
        };
        let filled = given.into_iter().filter(|item| !is_empty(item));
        let mut items: Vec<Json> = filled.map(object).collect();
        super::slots::mark_first(&mut items, &self.first);
        Json::Array(items)
    }
}

fn is_empty(item: &Json) -> bool {
    match item {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// What stands between the quotes of a JSON text, if it needs no reading.
fn text(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// Items of a list as one text, with commas.
fn joined(items: &[&str]) -> String {
    let texts = items.iter().map(|item| match serde_json::from_str(item) {
        Ok(Json::String(text)) => text,
        _ => (*item).to_owned(),
    });
    Json::from(texts.collect::<Vec<_>>().join(",")).to_string()
}

fn is_number(json: &str) -> bool {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// A number that was sent as text.
fn number(given: Json) -> Json {
    match given {
        Json::String(text) => match serde_json::from_str(text.trim()) {
            Ok(number @ Json::Number(_)) => number,
            _ => Json::String(text),
        },
        other => other,
    }
}

/// As clients send it: 0, 1, "0", "1", "true".
fn boolean(given: Json) -> Json {
    let on = match &given {
        Json::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Json::String(text) => truth(text),
        _ => None,
    };
    on.map_or(given, Json::Bool)
}

/// What a text says of yes and no.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "0" | "false" => Some(false),
        "1" | "true" => Some(true),
        _ => None,
    }
}

/// `2017-03-01T10:00:00Z` as `2017-03-01 10:00:00`.
fn time(text: &str) -> Option<String> {
    let (day, clock) = text.split_once('T')?;
    let plain = clock.len() == 9 && clock.ends_with('Z');
    if plain {
        return Some(format!("{day} {}", clock.trim_end_matches('Z')));
    }
    let moment: Timestamp = text.parse().ok()?;
    let second = Timestamp::from_second(moment.as_second()).ok()?;
    let text = second.to_string();
    Some(text.replace('T', " ").trim_end_matches('Z').to_owned())
}

/// `10:30:00` as `10:30`.
fn minute(text: &str) -> Option<&str> {
    let (minutes, seconds) = text.rsplit_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (_, of_hour) = minutes.split_once(':')?;
    (digits(seconds) && digits(of_hour)).then_some(minutes)
}

#[cfg(test)]
mod tests;
