//! Where things stand in the text of a definition: members that occur twice, and the objects that
//! still lack an id. The tree of values cannot tell either.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object that has no `id` yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdGap {
    /// As in mistakes: `resources[3].parameters[1]`; empty for the element itself.
    pub place: String,
    /// Byte offset of the first character inside the object's braces.
    pub offset: usize,
}

/// One level of an object, in the order of the text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Members<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    fn list(&self, name: &str) -> Vec<&'a RawValue> {
        self.0
            .iter()
            .find(|(member, _)| member == name)
            .and_then(|(_, raw)| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

/// Places and names of members that occur twice in one object; only the last would count.
pub(super) fn repeated_members(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Nesting is bounded: the text has been read as JSON, which stops at 128 levels.
    if let Ok(raw) = serde_json::from_str(text) {
        look_for_repeats(raw, "", &mut found);
    }
    found
}

fn look_for_repeats(raw: &RawValue, place: &str, found: &mut Vec<String>) {
    match raw.get().as_bytes().first() {
        Some(b'{') => {
            let Some(members) = Members::of(raw) else {
                return;
            };
            let mut seen = std::collections::BTreeSet::new();
            for (name, value) in &members.0 {
                let inner = if place.is_empty() {
                    name.clone()
                } else {
                    format!("{place}.{name}")
                };
                if !seen.insert(name) {
                    found.push(inner.clone());
                }
                look_for_repeats(value, &inner, found);
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            for (index, item) in items.into_iter().enumerate() {
                look_for_repeats(item, &format!("{place}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// The element, entries, parameters, resources and hooks of a definition that have no id, in the
/// order of the text. Empty when the text is no JSON object.
pub(super) fn id_gaps(text: &str) -> Vec<IdGap> {
    let mut gaps = Vec::new();
    if let Ok(raw) = serde_json::from_str::<&RawValue>(text)
        && let Some(element) = Members::of(raw)
    {
        note_gap(text, raw, &element, String::new(), &mut gaps);
        for name in ["configuration", "parameters", "hooks"] {
            note_gaps_of_list(text, &element, name, "", &mut gaps);
        }
        for (index, raw) in element.list("resources").into_iter().enumerate() {
            if let Some(resource) = Members::of(raw) {
                let place = format!("resources[{index}]");
                for name in ["parameters", "hooks"] {
                    note_gaps_of_list(text, &resource, name, &format!("{place}."), &mut gaps);
                }
                note_gap(text, raw, &resource, place, &mut gaps);
            }
        }
    }
    gaps.sort_by_key(|gap| gap.offset);
    gaps
}

fn note_gaps_of_list(
    text: &str,
    owner: &Members<'_>,
    name: &str,
    prefix: &str,
    gaps: &mut Vec<IdGap>,
) {
    for (index, raw) in owner.list(name).into_iter().enumerate() {
        if let Some(members) = Members::of(raw) {
            note_gap(
                text,
                raw,
                &members,
                format!("{prefix}{name}[{index}]"),
                gaps,
            );
        }
    }
}

fn note_gap(
    text: &str,
    raw: &RawValue,
    members: &Members<'_>,
    place: String,
    gaps: &mut Vec<IdGap>,
) {
    if members.0.iter().any(|(name, _)| name == "id") {
        return;
    }
    // A raw value borrows from the text, so its address tells where it stands.
    let offset = (raw.get().as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    if text.get(offset..).is_some_and(|rest| rest.starts_with('{')) {
        gaps.push(IdGap {
            place,
            offset: offset + 1,
        });
    }
}
