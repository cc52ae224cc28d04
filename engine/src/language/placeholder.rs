//! The platform's own `{key}` marks, in URLs and in defaults.

use std::fmt;

use super::{Cursor, SyntaxError, is_key_character};

/// A text in which `{key}` stands for a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placeholders {
    parts: Vec<PlaceholderPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceholderPart {
    Text(String),
    Key { key: String, column: usize },
}

impl Placeholders {
    /// A URL or a part of one, where a brace can mean nothing else.
    pub fn parse_url(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let mut parsed = Self::default();
        loop {
            let literal = cursor.take_while(|character| !matches!(character, '{' | '}'));
            parsed.push_text(literal);
            let start = cursor.clone();
            if cursor.eat("}") {
                return Err(start.error("} without a { before it"));
            }
            if !cursor.eat("{") {
                return Ok(parsed);
            }
            let key = cursor.take_while(is_key_character);
            if key.is_empty() {
                return Err(cursor.error("a key must follow {"));
            }
            if !cursor.eat("}") {
                return Err(start.error("this { is never closed with }"));
            }
            parsed.parts.push(PlaceholderPart::Key {
                key: key.to_owned(),
                column: start.column(),
            });
        }
    }

    /// Any other text: JSON, date masks `${date:…}` and the like are left as they are.
    pub fn parse_text(text: &str) -> Self {
        let mut cursor = Cursor::new(text);
        let mut parsed = Self::default();
        while let Some(next) = cursor.peek() {
            let start = cursor.clone();
            cursor.advance();
            if next == '$' && cursor.eat("{") {
                parsed.push_text("${");
                continue;
            }
            if next == '{' {
                let key = cursor.take_while(is_key_character);
                if !key.is_empty() && cursor.eat("}") {
                    parsed.parts.push(PlaceholderPart::Key {
                        key: key.to_owned(),
                        column: start.column(),
                    });
                    continue;
                }
                cursor = start.clone();
                cursor.advance();
            }
            parsed.push_text(next.encode_utf8(&mut [0; 4]));
        }
        parsed
    }

    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.parts.last_mut() {
            Some(PlaceholderPart::Text(last)) => last.push_str(text),
            _ => self.parts.push(PlaceholderPart::Text(text.to_owned())),
        }
    }

    pub fn parts(&self) -> &[PlaceholderPart] {
        &self.parts
    }

    pub fn keys(&self) -> impl Iterator<Item = (&str, usize)> {
        self.parts.iter().filter_map(|part| match part {
            PlaceholderPart::Key { key, column } => Some((key.as_str(), *column)),
            PlaceholderPart::Text(_) => None,
        })
    }
}

/// The text as it was written.
impl fmt::Display for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                PlaceholderPart::Text(text) => f.write_str(text)?,
                PlaceholderPart::Key { key, .. } => write!(f, "{{{key}}}")?,
            }
        }
        Ok(())
    }
}
