//! Members of records that callers know otherwise than the vendor: under another name, as another
//! type, times in another notation, links and addresses as objects or without them. Answers are
//! made anew from slices of the vendor's text, bodies as trees.

mod lifted;
mod shown;

use serde_json::{Map, Value as Json};

pub(super) use self::shown::Showing;
use crate::ceql::moment;
use crate::element::shape::{Form, Member, Only, Record};

impl Record {
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

impl Member {
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
        let shown = shown::value(self, &theirs.to_string());
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
            (Form::Joined, Json::String(text)) => numbers(&text),
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

/// Of `1, 2`; what is no number stays a text.
fn numbers(text: &str) -> Json {
    let texts = text.split(',').map(str::trim);
    let texts = texts.filter(|text| !text.is_empty());
    texts.map(|text| number(Json::from(text))).collect()
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

#[cfg(test)]
mod tests;
