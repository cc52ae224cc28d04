//! JSON read one level at a time out of the document's own text, so that a large document costs its
//! text and little more, and every mistake is told with its path.

use std::fmt::{self, Display};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::slips::curly_quote;

/// The largest whole number that every JSON client keeps exactly, and far from the end of what the
/// database can count.
pub const HIGHEST_ID: i64 = (1 << 53) - 1;
/// More than this nobody reads at once.
const MOST_MISTAKES: usize = 200;

/// What is wrong with the document, each with its path.
#[derive(Debug, Default)]
pub struct Mistakes {
    told: Vec<String>,
    more: usize,
}

impl Mistakes {
    pub fn add(&mut self, path: &str, message: impl Display) {
        if self.told.len() < MOST_MISTAKES {
            self.told.push(format!("{path}: {message}"));
        } else {
            self.more += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// One line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.told.clone();
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        lines
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    pub path: String,
    pub raw: &'a RawValue,
}

/// The members of an object, taken one by one.
#[derive(Debug)]
pub struct Fields<'a> {
    pub path: String,
    members: Vec<(String, &'a RawValue)>,
}

/// Makes sure that the text is JSON to its end.
///
/// # Errors
/// 400 with line and column.
pub fn check_syntax(text: &str) -> Result<&RawValue> {
    serde_json::from_str(text).map_err(|error| {
        let line = error.line();
        let found = curly_quote(text, line);
        Error::Invalid(match found {
            Some((line, column, quote)) => format!(
                "the document is not JSON: line {line}, column {column} has the curly quote {quote}; \
                 JSON needs the straight quote \""
            ),
            None if text.trim().is_empty() => "the document is empty".to_owned(),
            None => format!(
                "the document is not JSON: {} at line {line}, column {}",
                if error.is_eof() { "it ends too early" } else { "unexpected character" },
                error.column()
            ),
        })
    })
}

impl<'a> Place<'a> {
    fn wrong(&self, expected: &str, mistakes: &mut Mistakes) {
        let found = match self.raw.get().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        };
        mistakes.add(&self.path, format_args!("must be {expected}, not {found}"));
    }

    pub fn object(&self, mistakes: &mut Mistakes) -> Option<Fields<'a>> {
        if !self.raw.get().starts_with('{') {
            self.wrong("an object", mistakes);
            return None;
        }
        let Ok(Members(members)) = serde_json::from_str(self.raw.get()) else {
            mistakes.add(&self.path, "has a name that is not text");
            return None;
        };
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [one, other] = pair
                && one == other
            {
                mistakes.add(&self.path, format_args!("has '{}' twice", short(one)));
            }
        }
        Some(Fields {
            path: self.path.clone(),
            members,
        })
    }

    /// Its entries, without their paths.
    pub fn entries(&self, mistakes: &mut Mistakes) -> Vec<&'a RawValue> {
        match self.raw.get().starts_with('[') {
            true => serde_json::from_str(self.raw.get()).unwrap_or_default(),
            false => {
                self.wrong("a list", mistakes);
                Vec::new()
            }
        }
    }

    pub fn list(&self, mistakes: &mut Mistakes) -> Vec<Place<'a>> {
        let entries = self.entries(mistakes).into_iter().enumerate();
        entries
            .map(|(index, raw)| Place {
                path: format!("{}[{index}]", self.path),
                raw,
            })
            .collect()
    }

    /// A text that the database can hold.
    pub fn text(&self, mistakes: &mut Mistakes) -> Option<String> {
        if !self.raw.get().starts_with('"') {
            self.wrong("a text", mistakes);
            return None;
        }
        match serde_json::from_str::<String>(self.raw.get()) {
            Ok(text) if text.contains('\0') => {
                mistakes.add(&self.path, "holds a NUL character; remove it");
                None
            }
            Ok(text) => Some(text),
            Err(_) => {
                mistakes.add(&self.path, "holds half of a surrogate pair");
                None
            }
        }
    }

    /// A positive whole number, or its digits as text.
    pub fn id(&self, mistakes: &mut Mistakes) -> Option<i64> {
        let digits = self.raw.get().trim_matches('"');
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 16;
        let id = plain.then(|| digits.parse().ok()).flatten();
        let id = id.filter(|id| (1..=HIGHEST_ID).contains(id));
        if id.is_none() {
            mistakes.add(
                &self.path,
                format_args!("must be a whole number from 1 to {HIGHEST_ID}"),
            );
        }
        id
    }

    pub fn flag(&self, mistakes: &mut Mistakes) -> Option<bool> {
        let flag = match self.raw.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        if flag.is_none() {
            self.wrong("true or false", mistakes);
        }
        flag
    }

    /// A whole value, for what is passed on as it is.
    pub fn value(&self, mistakes: &mut Mistakes) -> Option<serde_json::Value> {
        let value = serde_json::from_str(self.raw.get());
        if value.is_err() {
            mistakes.add(
                &self.path,
                "is nested too deeply, or holds half of a surrogate pair",
            );
        }
        value.ok()
    }
}

impl<'a> Fields<'a> {
    /// Null counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Place<'a>> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        let (name, raw) = self.members.swap_remove(at);
        (raw.get() != "null").then(|| Place {
            path: below(&self.path, &name),
            raw,
        })
    }

    pub fn text(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<String> {
        self.take(name)?.text(mistakes)
    }

    pub fn id(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<i64> {
        self.take(name)?.id(mistakes)
    }

    pub fn flag(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<bool> {
        self.take(name)?.flag(mistakes)
    }

    pub fn list(&mut self, name: &str, mistakes: &mut Mistakes) -> Vec<Place<'a>> {
        let place = self.take(name);
        place.map_or_else(Vec::new, |place| place.list(mistakes))
    }

    /// A text that has to be there; empty when it is not, which has been told then.
    pub fn needed(&mut self, name: &str, mistakes: &mut Mistakes) -> String {
        match self.take(name) {
            Some(place) => place.text(mistakes).unwrap_or_default(),
            None => {
                mistakes.add(&self.path, format_args!("'{name}' is missing"));
                String::new()
            }
        }
    }

    /// All that is left, each with its name for a path.
    pub fn all(&mut self) -> Vec<Place<'a>> {
        let members = std::mem::take(&mut self.members).into_iter();
        members
            .map(|(name, raw)| Place { path: name, raw })
            .collect()
    }

    /// Whatever has not been taken is a slip.
    pub fn nothing_else(self, known: &[&str], mistakes: &mut Mistakes) {
        for (name, _) in &self.members {
            // A second one of a name has been told.
            if !known.contains(&name.as_str()) {
                mistakes.add(
                    &self.path,
                    format_args!(
                        "'{}' is not known here; there are {}",
                        short(name),
                        known.join(", ")
                    ),
                );
            }
        }
    }
}

pub fn below(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// What somebody wrote, for a message.
pub fn short(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    shown
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place<'_> {
        Place {
            path: "here".into(),
            raw: check_syntax(text).expect("JSON"),
        }
    }

    #[test]
    fn ids_are_whole_positive_and_exact() {
        for (text, expected) in [
            ("1", Some(1)),
            ("\"417\"", Some(417)),
            ("9007199254740991", Some(HIGHEST_ID)),
            ("9007199254740992", None),
            ("9223372036854775808", None),
            ("1e3", None),
            ("1.0", None),
            ("0", None),
            ("-4", None),
            ("\"\"", None),
            ("\"4 \"", None),
            ("\"\\u0031\"", None),
            ("[1]", None),
            ("true", None),
        ] {
            let mut mistakes = Mistakes::default();
            assert_eq!(place(text).id(&mut mistakes), expected, "{text}");
            assert_eq!(mistakes.is_empty(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn mistakes_name_their_place_and_never_the_value() {
        let mut mistakes = Mistakes::default();
        let text =
            r#"{"a": 4711, "b": "x", "b": "\u0000", "c": [true, "\ud800"], "d": null, "e": {}}"#;
        let mut fields = place(text).object(&mut mistakes).expect("an object");
        assert_eq!(fields.text("a", &mut mistakes), None);
        for entry in fields.list("c", &mut mistakes) {
            entry.text(&mut mistakes);
        }
        assert!(fields.take("d").is_none());
        assert_eq!(fields.needed("f", &mut mistakes), "");
        fields.nothing_else(&["a", "b", "c"], &mut mistakes);
        assert_eq!(
            mistakes.lines(),
            [
                "here: has 'b' twice",
                "here.a: must be a text, not a number",
                "here.c[0]: must be a text, not true or false",
                "here.c[1]: holds half of a surrogate pair",
                "here: 'f' is missing",
                "here: 'e' is not known here; there are a, b, c",
            ]
        );
    }

    #[test]
    fn depth_and_broken_text_are_no_crash() {
        let deep = format!("{}1{}", "[".repeat(300_000), "]".repeat(300_000));
        let mut mistakes = Mistakes::default();
        match check_syntax(&deep) {
            Ok(_) => assert!(place(&deep).value(&mut mistakes).is_none()),
            Err(error) => assert!(error.to_string().contains("not JSON")),
        }
        for (text, words) in [
            ("", "is empty"),
            ("{\"a\": ", "ends too early at line 1"),
            (
                "{\n  \"a\": \u{201c}b\u{201d}\n}",
                "line 2, column 8 has the curly quote",
            ),
            ("{} {}", "unexpected character at line 1, column 4"),
        ] {
            let error = check_syntax(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
