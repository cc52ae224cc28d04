//! `fields`: which members of a record the caller wants.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::language::{Cursor, SyntaxError};

/// Fields as they were named; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(pub Vec<String>);

/// Fields at most, and how deep one may lead.
const LIMIT: usize = 200;
const DEPTH: usize = 16;

impl Fields {
    /// Names by comma, dotted ones too.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let fields = Self::read(&mut cursor)?;
        match cursor.peek() {
            None => Ok(fields),
            Some(_) => Err(cursor.error("expected a comma or the end")),
        }
    }

    /// The same at the beginning of a longer text.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut fields = Vec::new();
        loop {
            cursor.skip_blanks();
            let before = cursor.clone();
            let field = cursor.field()?;
            if fields.len() == LIMIT {
                return Err(before.error(format!("more than {LIMIT} fields")));
            }
            if field.split('.').count() > DEPTH {
                return Err(before.error(format!("leads deeper than {DEPTH} objects")));
            }
            fields.push(field);
            cursor.skip_blanks();
            if !cursor.eat(",") {
                return Ok(Self(fields));
            }
        }
    }

    /// Adds the record with these fields alone, in the record's order; what is no object as it is.
    pub fn write(&self, record: &str, out: &mut Vec<u8>) {
        let fields: Vec<&str> = self.0.iter().map(String::as_str).collect();
        write(record, &fields, out);
    }
}

fn write(json: &str, fields: &[&str], out: &mut Vec<u8>) {
    let start = out.len();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let written = match json.trim_ascii_start().as_bytes().first() {
        Some(b'{') => deserializer.deserialize_map(Object(fields, out)),
        Some(b'[') => deserializer.deserialize_seq(Array(fields, out)),
        _ => {
            out.extend_from_slice(json.as_bytes());
            return;
        }
    };
    if written.is_err() {
        // It was no JSON to begin with; nothing is better than half of it.
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

struct Object<'f>(&'f [&'f str], &'f mut Vec<u8>);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(fields, out) = self;
        let mut first = true;
        out.push(b'{');
        while let Some((name, value)) = members.next_entry::<Cow<'de, str>, &RawValue>()? {
            let inner: Vec<&str> = fields
                .iter()
                .filter_map(|field| field.strip_prefix(name.as_ref())?.strip_prefix('.'))
                .collect();
            let whole = fields.contains(&name.as_ref());
            if !whole && inner.is_empty() {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            // A name is written as JSON; that cannot fail.
            let _ = serde_json::to_writer(&mut *out, name.as_ref());
            out.push(b':');
            match whole {
                true => out.extend_from_slice(value.get().as_bytes()),
                false => write(value.get(), &inner, out),
            }
        }
        out.push(b'}');
        Ok(())
    }
}

struct Array<'f>(&'f [&'f str], &'f mut Vec<u8>);

impl<'de> Visitor<'de> for Array<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(fields, out) = self;
        let mut first = true;
        out.push(b'[');
        while let Some(item) = items.next_element::<&RawValue>()? {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            match item.get().starts_with('{') {
                true => write(item.get(), fields, out),
                false => out.extend_from_slice(item.get().as_bytes()),
            }
        }
        out.push(b']');
        Ok(())
    }
}
