//! Reading valid JSON as slices: what a JSON reader has been through once need not be checked again.
//! What is no valid JSON gives some slices or none, and never a panic.

use std::borrow::Cow;

/// The members of an object in their order: names as they are written between their quotes, and
/// values. `None`: it is no object.
pub(super) fn members(json: &str) -> Option<Members<'_>> {
    let mut scan = Scan::new(json);
    scan.take(b'{').then_some(Members(scan))
}

/// The items of an array. `None`: it is none.
pub(super) fn items(json: &str) -> Option<Items<'_>> {
    let mut scan = Scan::new(json);
    scan.take(b'[').then_some(Items(scan))
}

/// A text as it is, of what is written between its quotes.
pub(super) fn unescaped(written: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', written.as_bytes()).is_none() {
        return Cow::Borrowed(written);
    }
    let text = serde_json::from_str(&format!("\"{written}\""));
    text.map_or(Cow::Borrowed(written), Cow::Owned)
}

#[derive(Debug, Clone)]
pub(super) struct Members<'a>(Scan<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let scan = &mut self.0;
        scan.take(b',');
        let name = scan.value().strip_prefix('"')?.strip_suffix('"')?;
        if !scan.take(b':') {
            return None;
        }
        Some((name, scan.value()))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Items<'a>(Scan<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        let scan = &mut self.0;
        scan.take(b',');
        Some(scan.value()).filter(|value| !value.is_empty())
    }
}

#[derive(Debug, Clone)]
struct Scan<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn new(json: &'a str) -> Self {
        Self { json, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.json.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.rest().first() {
            self.at += 1;
        }
    }

    /// Whether this is next; then it is passed.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_blank();
        let is_next = self.rest().first() == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The next value; empty: there is none.
    fn value(&mut self) -> &'a str {
        self.skip_blank();
        let length = value_length(self.rest());
        let end = self.at + length;
        let value = self.json.get(self.at..end).unwrap_or_default();
        self.at = end;
        value
    }
}

fn value_length(json: &[u8]) -> usize {
    match json.first() {
        Some(b'"') => text_length(json),
        Some(b'{' | b'[') => nested_length(json),
        _ => {
            let ends =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':') || byte.is_ascii_whitespace();
            json.iter().position(ends).unwrap_or(json.len())
        }
    }
}

/// Of an object or an array.
fn nested_length(json: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        at += match byte {
            b'"' => text_length(json.get(at..).unwrap_or_default()),
            b'{' | b'[' => {
                depth += 1;
                1
            }
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
                1
            }
            _ => 1,
        };
    }
    json.len()
}

/// Of a text with its quotes.
pub(super) fn text_length(json: &[u8]) -> usize {
    let mut at = 1;
    loop {
        let rest = json.get(at..).unwrap_or_default();
        // Most are short.
        let found = match rest
            .iter()
            .take(16)
            .position(|byte| matches!(byte, b'"' | b'\\'))
        {
            None => memchr::memchr2(b'"', b'\\', rest),
            found => found,
        };
        let Some(found) = found else {
            return json.len();
        };
        at += found;
        match json.get(at) {
            Some(b'"') => return at + 1,
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json};

    use super::*;

    fn read(json: &str) -> Json {
        let value = |json: &str| read(json);
        if let Some(all) = members(json) {
            let all = all.map(|(name, json)| (unescaped(name).into_owned(), value(json)));
            return Json::Object(all.collect());
        }
        match items(json) {
            Some(items) => Json::Array(items.map(value).collect()),
            None => serde_json::from_str(json).expect("a scalar"),
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let scalar = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i32>().prop_map(Json::from),
            any::<f32>().prop_map(Json::from),
            any::<String>().prop_map(Json::from),
            r#"[a"\\{}\[\],: \n]{0,24}"#.prop_map(Json::from),
        ];
        let name = prop_oneof![any::<String>(), r#"[a"\\{}:]{0,20}"#];
        scalar.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                prop::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|all| Json::Object(Map::from_iter(all))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_is_there(json in any_json()) {
            prop_assert_eq!(read(&json.to_string()), json.clone());
            let blank = serde_json::to_string_pretty(&json).expect("text");
            prop_assert_eq!(read(&format!(" {blank}\r\n")), json);
        }

        #[test]
        fn whatever_it_is_it_ends(text in r#"[\[\]{}":,\\ a1é]{0,40}"#) {
            for part in members(&text).into_iter().flatten() {
                prop_assert!(text.contains(part.0) && text.contains(part.1));
            }
            for part in items(&text).into_iter().flatten() {
                prop_assert!(text.contains(part));
            }
        }
    }
}
