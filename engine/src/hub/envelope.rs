//! Cutting the records out of an answer in one pass: they stay slices of the vendor's bytes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::ceql::member;
use crate::element::shape::{Root, Step};

/// What stands under a root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inside<'a> {
    List(Vec<&'a str>),
    /// Anything but an array.
    One(&'a str),
}

/// The list under the root key and, if `around` is wanted, everything around it as a tree in which
/// the list is left out. `None`: there is no such list (null is an empty one), or it is no JSON.
pub(super) fn list<'a>(
    body: &'a str,
    root: &Root,
    around: bool,
) -> Option<(Vec<&'a str>, Option<Json>)> {
    let mut list = None;
    let mut tree = around.then(Map::new);
    let level = Level {
        steps: &root.steps,
        list: &mut list,
        around: tree.as_mut(),
    };
    let mut deserializer = serde_json::Deserializer::from_str(body);
    level.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some((records(list?, root), tree.map(Json::Object)))
}

/// What is under the root key.
pub(super) fn strictly_inside<'a>(body: &'a str, root: &Root) -> Option<&'a str> {
    root.steps.iter().try_fold(body, |json, step| match step {
        Step::Name(name) => member(json, name),
        Step::Index(index) => items(json)?.get(*index).copied(),
    })
}

/// The same for any content; a root key that is not there leaves the body as it is.
pub(super) fn inside<'a>(body: &'a str, root: &Root) -> Inside<'a> {
    let found = strictly_inside(body, root).unwrap_or(body);
    match items(found) {
        Some(list) => Inside::List(records(list, root)),
        None => Inside::One(found.trim_ascii()),
    }
}

/// Each record out of what is around it in the list.
fn records<'a>(mut list: Vec<&'a str>, root: &Root) -> Vec<&'a str> {
    for record in &mut list {
        let names = root.inside.iter();
        let inner = names
            .into_iter()
            .try_fold(*record, |json, name| member(json, name));
        *record = inner.unwrap_or(record);
    }
    list
}

/// The items of an array.
pub(super) fn items(json: &str) -> Option<Vec<&str>> {
    if !json.trim_ascii_start().starts_with('[') {
        return None;
    }
    let raw: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(raw.into_iter().map(RawValue::get).collect())
}

/// An object on the way to the list, or the list itself when no steps are left.
struct Level<'s, 'o, 'de> {
    steps: &'s [Step],
    list: &'o mut Option<Vec<&'de str>>,
    around: Option<&'o mut Map<String, Json>>,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.steps {
            [] => deserializer.deserialize_option(self),
            _ => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Level<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the root key leads through")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        *self.list = Some(Vec::new());
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let list = self.list.insert(Vec::new());
        while let Some(item) = items.next_element::<&RawValue>()? {
            list.push(item.get());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self {
            steps,
            list,
            mut around,
        } = self;
        let Some((Step::Name(wanted), steps)) = steps.split_first() else {
            return Err(serde::de::Error::custom("an index is looked up elsewhere"));
        };
        while let Some(name) = members.next_key::<String>()? {
            if name == *wanted {
                // The list itself is left out of what is around it.
                let inner = around.as_mut().and_then(|around| {
                    let slot = around.entry(name.clone()).or_insert(Json::Null);
                    *slot = match steps.is_empty() {
                        true => Json::Null,
                        false => Json::Object(Map::new()),
                    };
                    slot.as_object_mut()
                });
                members.next_value_seed(Level {
                    steps,
                    list: &mut *list,
                    around: inner,
                })?;
            } else if let Some(around) = &mut around {
                around.insert(name, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
