//! What of a caller's body the vendor is not asked to take: members that the definition declares to
//! be read, not written. A record can so be sent back as it was read. What is declared nowhere is
//! sent, and the vendor says what is wrong with it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::Method;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::element::Element;
use crate::element::objects::{Field, Object};

impl Field {
    /// Whether calls by this method take it.
    pub fn is_taken_by(&self, method: &Method) -> bool {
        self.request
            && !self.read_only
            && match *method {
                Method::POST => self.createable,
                _ => self.updateable,
            }
    }
}

impl Element {
    /// Dotted names of what is left out of a body with such a record.
    pub(crate) fn unsent_by(object: Option<&Object>, method: &Method) -> Vec<String> {
        if ![Method::POST, Method::PUT, Method::PATCH].contains(method) {
            return Vec::new();
        }
        let fields = object.into_iter().flat_map(|object| &object.fields);
        fields
            .filter(|field| !field.is_taken_by(method))
            .map(|field| field.name.clone())
            .collect()
    }
}

/// `body` without the members of these dotted names; what is no object stays.
pub(super) fn without(body: &Bytes, names: &[String]) -> Bytes {
    let text = std::str::from_utf8(body).ok();
    let text = text.filter(|text| !names.is_empty() && text.trim_ascii_start().starts_with('{'));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match text.and_then(|text| left(text, &names)) {
        Some(Cow::Owned(text)) => Bytes::from(text),
        _ => body.clone(),
    }
}

/// `None`: it is no object.
fn left<'t>(object: &'t str, names: &[&str]) -> Option<Cow<'t, str>> {
    let mut deserializer = serde_json::Deserializer::from_str(object);
    let mut written = String::with_capacity(object.len());
    let changed = deserializer
        .deserialize_map(Members(names, &mut written))
        .ok()?;
    Some(match changed {
        true => Cow::Owned(written),
        false => Cow::Borrowed(object),
    })
}

/// Writes the members that stay, and tells whether any did not.
struct Members<'n>(&'n [&'n str], &'n mut String);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let Self(names, written) = self;
        let mut changed = false;
        while let Some((name, value)) = members.next_entry::<&RawValue, &RawValue>()? {
            let plain: Cow<'_, str> =
                serde_json::from_str(name.get()).map_err(serde::de::Error::custom)?;
            if names.contains(&plain.as_ref()) {
                changed = true;
                continue;
            }
            let inner: Vec<&str> = names
                .iter()
                .filter_map(|wanted| wanted.strip_prefix(plain.as_ref())?.strip_prefix('.'))
                .collect();
            let value = match inner.is_empty() {
                true => Cow::Borrowed(value.get()),
                false => left(value.get(), &inner).unwrap_or(Cow::Borrowed(value.get())),
            };
            changed |= matches!(value, Cow::Owned(_));
            written.push(if written.is_empty() { '{' } else { ',' });
            written.push_str(name.get());
            written.push(':');
            written.push_str(&value);
        }
        if written.is_empty() {
            written.push('{');
        }
        written.push('}');
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_is_left_out_and_all_else_stays_as_it_is_written() {
        let names = ["id".to_owned(), "of.made".to_owned(), "whole".to_owned()];
        for (body, sent) in [
            (r#"{"name": "x", "n": 1.10}"#, r#"{"name": "x", "n": 1.10}"#),
            (
                r#"{ "id": 7, "name" : "x", "n": 12345678901234567890.10 }"#,
                r#"{"name":"x","n":12345678901234567890.10}"#,
            ),
            (r#"{"\u0069d": 7}"#, "{}"),
            (r#"{"ids": 7, "Id": 1}"#, r#"{"ids": 7, "Id": 1}"#),
            (
                r#"{"of": {"made": 1, "by": {"id": 2}}, "whole": {"a": 1}}"#,
                r#"{"of":{"by":{"id": 2}}}"#,
            ),
            (r#"{"of": "made"}"#, r#"{"of": "made"}"#),
            (r#"{"of": [{"made": 1}]}"#, r#"{"of": [{"made": 1}]}"#),
            ("[{\"id\": 7}]", "[{\"id\": 7}]"),
            ("{}", "{}"),
            ("", ""),
            ("{\"id\": ", "{\"id\": "),
        ] {
            let body = Bytes::from(body);
            assert_eq!(without(&body, &names), sent, "{body:?}");
        }
        let body = Bytes::from(r#"{"id": 7}"#);
        assert_eq!(without(&body, &[]), body);
    }
}
