//! Whether an expression holds for a record, read off the record's own JSON text: only the members
//! that are asked for are looked at, and no tree of values is built.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::value::{compare_numbers, is_number, moment};
use super::{Comparison, Condition, Expression, Test, Value, ValueKind};

/// Arrays inside arrays that a field is looked for in.
const ARRAY_DEPTH: usize = 8;

impl Expression {
    /// `record` is one JSON value; what is no object has no fields.
    pub fn matches(&self, record: &str) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(record)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Self::Is(condition) => condition.matches(record),
        }
    }
}

impl Condition {
    pub fn matches(&self, record: &str) -> bool {
        let any = |holds: &dyn Fn(&Scalar<'_>) -> bool| {
            any(record, &self.field, ARRAY_DEPTH, &mut |found| {
                holds(&Scalar::of(found))
            })
        };
        match &self.test {
            Test::Compare(Comparison::Equal, value) => any(&|found| found.equals(value)),
            Test::Compare(Comparison::NotEqual, value) => !any(&|found| found.equals(value)),
            Test::Compare(comparison, value) => any(&|found| match found.compare(value) {
                None => false,
                Some(Ordering::Less) => {
                    matches!(comparison, Comparison::Less | Comparison::LessOrEqual)
                }
                Some(Ordering::Equal) => matches!(
                    comparison,
                    Comparison::LessOrEqual | Comparison::GreaterOrEqual
                ),
                Some(Ordering::Greater) => {
                    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
                }
            }),
            Test::Like(pattern) => any(&|found| found.is_like(pattern)),
            Test::In(values) => any(&|found| values.iter().any(|value| found.equals(value))),
            Test::NotIn(values) => !any(&|found| values.iter().any(|value| found.equals(value))),
            Test::IsNull => !any(&|_| true),
            Test::IsNotNull => any(&|_| true),
        }
    }
}

/// A value of a record that is not null.
#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(&'a str),
    Boolean(bool),
    /// An object, which is there and equal to nothing.
    Object,
}

impl<'a> Scalar<'a> {
    fn of(json: &'a str) -> Self {
        match json.as_bytes().first() {
            Some(b'"') => Self::Text(text(json)),
            Some(b't') => Self::Boolean(true),
            Some(b'f') => Self::Boolean(false),
            Some(b'{' | b'[') | None => Self::Object,
            Some(_) => Self::Number(json),
        }
    }

    fn equals(&self, value: &Value) -> bool {
        let wanted = value.text();
        match self {
            Self::Text(found) if found == wanted => true,
            Self::Text(found) => match value.kind() {
                ValueKind::Number => {
                    is_number(found) && compare_numbers(found, wanted) == Some(Ordering::Equal)
                }
                ValueKind::Boolean => found.eq_ignore_ascii_case(wanted),
                ValueKind::Text | ValueKind::Date => {
                    moment(found).is_some_and(|found| moment(wanted) == Some(found))
                }
                ValueKind::Null => false,
            },
            Self::Number(found) => {
                is_number(wanted) && compare_numbers(found, wanted) == Some(Ordering::Equal)
            }
            Self::Boolean(found) => wanted.eq_ignore_ascii_case(match found {
                true => "true",
                false => "false",
            }),
            Self::Object => false,
        }
    }

    /// How what was found stands to `value`, where they can be compared at all.
    fn compare(&self, value: &Value) -> Option<Ordering> {
        let wanted = value.text();
        let found = match self {
            Self::Text(found) => found.as_ref(),
            Self::Number(found) => found,
            Self::Boolean(_) | Self::Object => return None,
        };
        if value.kind() == ValueKind::Boolean {
            None
        } else if is_number(wanted) {
            is_number(found).then(|| compare_numbers(found, wanted))?
        } else if let Some(wanted) = moment(wanted) {
            moment(found).map(|found| found.cmp(&wanted))
        } else {
            matches!(self, Self::Text(_)).then(|| found.cmp(wanted))
        }
    }

    fn is_like(&self, pattern: &str) -> bool {
        match self {
            Self::Text(found) => is_like(found, pattern),
            Self::Number(found) => is_like(found, pattern),
            Self::Boolean(found) => is_like(if *found { "true" } else { "false" }, pattern),
            Self::Object => false,
        }
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    let Some((first, others)) = pattern.split_once('%') else {
        return text == pattern;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let (between, last) = others.rsplit_once('%').unwrap_or(("", others));
    // The earliest place of each part leaves the most for those that follow.
    for part in between.split('%').filter(|part| !part.is_empty()) {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// The text of a JSON string.
pub(super) fn text(json: &str) -> Cow<'_, str> {
    let inner = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'));
    match inner {
        Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        // What is no text equals nothing that can be asked for but the empty text.
        _ => Cow::Owned(serde_json::from_str(json).unwrap_or_default()),
    }
}

/// Whether `holds` does for what `field` leads to, or for one item of an array on the way. Null
/// and what is not there are not looked at.
fn any(json: &str, field: &str, depth: usize, holds: &mut dyn FnMut(&str) -> bool) -> bool {
    let json = json.trim_ascii();
    match json.as_bytes().first() {
        Some(b'[') if depth > 0 => items(json, &mut |item| any(item, field, depth - 1, holds)),
        Some(b'[') => false,
        Some(b'{') if !field.is_empty() => {
            if let Some(found) = member(json, field) {
                return any(found, "", depth, holds);
            }
            let Some((name, rest)) = field.split_once('.') else {
                return false;
            };
            member(json, name).is_some_and(|inner| any(inner, rest, depth, holds))
        }
        None | Some(b'n') => false,
        Some(_) => field.is_empty() && holds(json),
    }
}

fn items(json: &str, holds: &mut dyn FnMut(&str) -> bool) -> bool {
    struct Items<'h>(&'h mut dyn FnMut(&str) -> bool);
    impl<'de> Visitor<'de> for Items<'_> {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
            let mut found = false;
            while let Some(item) = items.next_element::<&RawValue>()? {
                found = found || (self.0)(item.get());
            }
            Ok(found)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_seq(Items(holds)).unwrap_or(false)
}

/// The JSON text of an object's own member; of a name that occurs twice, the last counts.
pub(crate) fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    struct Member<'n>(&'n str);
    impl<'de> Visitor<'de> for Member<'_> {
        type Value = Option<&'de str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(same) = members.next_key_seed(IsName(self.0))? {
                if same {
                    found = Some(members.next_value::<&RawValue>()?.get());
                } else {
                    members.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Member(name)).ok().flatten()
}

/// Whether a member has this name, without keeping it.
struct IsName<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
