//! Members that callers have among the others, and the vendor in an object below: custom fields.

use serde_json::{Map, Value as Json};

use super::{number, numbers};
use crate::element::shape::Lifted;

impl Lifted {
    /// Whether a member of ours is one that the vendor has below.
    pub(in crate::hub) fn holds(&self, name: &str) -> bool {
        let (name, _) = name.split_once('_').unwrap_or((name, ""));
        name.len() == self.length && name.chars().all(|letter| self.letters.contains(letter))
    }

    pub(super) fn put_back(&self, body: &mut Map<String, Json>) -> bool {
        let names: Vec<String> = body
            .keys()
            .filter(|name| self.holds(name))
            .cloned()
            .collect();
        if names.is_empty() {
            return false;
        }
        let mut below = match body.remove(&self.of) {
            Some(Json::Object(below)) => below,
            _ => Map::new(),
        };
        // In the order of their names a value comes before what belongs to it.
        for name in names {
            let Some(value) = body.remove(&name) else {
                continue;
            };
            let Some((name, part)) = name.split_once('_') else {
                // Sent back as it was read: nothing of it is to be lost.
                let there = below.get(&name);
                let same = there.is_some_and(|there| plain(there) == value);
                if !same {
                    let value = like(there, value);
                    below.insert(name, value);
                }
                continue;
            };
            let there = below.entry(name).or_insert(Json::Null);
            match there {
                Json::Object(there) => {
                    there.insert(part.to_owned(), value);
                }
                _ if value.is_null() => {}
                _ => {
                    let main = std::mem::take(there);
                    let main = Some(main).filter(|main| !main.is_null());
                    let main = main.map(|main| ("value".to_owned(), main));
                    let own = [Some((part.to_owned(), value)), main];
                    *there = Json::Object(own.into_iter().flatten().collect());
                }
            }
        }
        body.insert(self.of.clone(), Json::Object(below));
        true
    }
}

/// In the form that the vendor has it in, where that is known: choices that callers have as a text are
/// a list of numbers there, or one.
fn like(there: Option<&Json>, value: Json) -> Json {
    match (there, value) {
        (Some(Json::Array(_)), Json::String(text)) => numbers(&text),
        (Some(Json::Array(_)), value @ Json::Number(_)) => Json::Array(vec![value]),
        (Some(Json::Number(_)), value) => number(value),
        (_, value) => value,
    }
}

/// As [`Lifted::show`] has it.
fn plain(value: &Json) -> Json {
    match value {
        Json::Object(members) => members.get("value").cloned().unwrap_or_default(),
        Json::Array(items) => {
            let texts = items.iter().map(|item| match item {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            });
            Json::from(texts.collect::<Vec<_>>().join(","))
        }
        other => other.clone(),
    }
}
