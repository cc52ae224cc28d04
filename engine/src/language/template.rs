//! Texts with references to the instance's configuration: `{config.key|filter}`, and the
//! platform's older `${configuration.key}` in the literals of `value` parameters.

use std::fmt;

use super::{Cursor, Filter, SyntaxError, is_key_character};
use crate::configuration::Values;

/// A parsed template. `{{` stands for one brace; a brace before anything but a letter is itself,
/// so JSON bodies can be written as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Value {
        key: String,
        filters: Vec<Filter>,
        /// Where the reference stands in the template, from 1.
        column: usize,
    },
}

/// A rendered text and whether a secret went into it.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    pub secret: bool,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.secret { "(secret)" } else { &self.text };
        f.debug_struct("Rendered").field("text", &text).finish()
    }
}

/// A configuration value that cannot stand where the definition puts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    pub key: String,
    pub message: String,
}

impl Template {
    /// `{config.key|filter|filter}`.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let mut template = Self::default();
        while let Some(next) = cursor.peek() {
            if cursor.eat("{{") {
                template.push_text("{");
                continue;
            }
            let start = cursor.clone();
            cursor.advance();
            let reference = next == '{'
                && cursor
                    .peek()
                    .is_some_and(|character| character.is_ascii_alphabetic());
            if !reference {
                template.push_text(next.encode_utf8(&mut [0; 4]));
                continue;
            }
            if !cursor.eat("config.") {
                return Err(start.error(
                    "unknown reference; write {config.key}, or {{ where a brace itself is meant",
                ));
            }
            let key = cursor.take_while(is_key_character);
            if key.is_empty() {
                return Err(cursor.error("a configuration key must follow config."));
            }
            let mut filters = Vec::new();
            while cursor.eat("|") {
                let column = cursor.column();
                let name = cursor.take_while(|character| !matches!(character, '|' | '}' | '{'));
                filters.push(Filter::parse(name).map_err(|error| SyntaxError {
                    column: column + error.column - 1,
                    message: error.message,
                })?);
            }
            if !cursor.eat("}") {
                return Err(start.error("this reference is never closed with }"));
            }
            template.parts.push(Part::Value {
                key: key.to_owned(),
                filters,
                column: start.column(),
            });
        }
        Ok(template)
    }

    /// A literal of the platform: only `${configuration.key}` is special.
    pub fn parse_literal(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let mut template = Self::default();
        while let Some(next) = cursor.peek() {
            let start = cursor.clone();
            if !cursor.eat("${configuration.") {
                cursor.advance();
                template.push_text(next.encode_utf8(&mut [0; 4]));
                continue;
            }
            let key = cursor.take_while(is_key_character);
            if key.is_empty() || !cursor.eat("}") {
                return Err(start.error("this mark is never closed; write ${configuration.key}"));
            }
            template.parts.push(Part::Value {
                key: key.to_owned(),
                filters: Vec::new(),
                column: start.column(),
            });
        }
        Ok(template)
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Every configuration key that is referred to, with its column.
    pub fn keys(&self) -> impl Iterator<Item = (&str, usize)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value { key, column, .. } => Some((key.as_str(), *column)),
            Part::Text(_) => None,
        })
    }

    /// References that name no filter.
    pub fn unfiltered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value {
                key,
                filters,
                column,
            } if filters.is_empty() => Some((*column, key.as_str())),
            _ => None,
        })
    }

    /// `None` when a value that is referred to is not there. `escape` is applied to references
    /// that name no filter of their own.
    pub fn render(
        &self,
        values: &Values,
        escape: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Option<Rendered>, ValueError> {
        let mut rendered = Rendered {
            text: String::new(),
            secret: false,
        };
        for part in &self.parts {
            match part {
                Part::Text(text) => rendered.text.push_str(text),
                Part::Value { key, filters, .. } => {
                    let Some(value) = values.get(key) else {
                        return Ok(None);
                    };
                    rendered.secret |= value.is_secret();
                    let wrong = |message| ValueError {
                        key: key.clone(),
                        message,
                    };
                    let mut text = value.reveal().to_owned();
                    for filter in filters {
                        text = filter.apply(&text).map_err(wrong)?;
                    }
                    if filters.is_empty() {
                        text = escape(&text).map_err(wrong)?;
                    }
                    rendered.text.push_str(&text);
                }
            }
        }
        Ok(Some(rendered))
    }
}

/// Writes what [`Template::parse`] reads.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{"))?,
                Part::Value { key, filters, .. } => {
                    write!(f, "{{config.{key}")?;
                    for filter in filters {
                        write!(f, "|{filter}")?;
                    }
                    f.write_str("}")?;
                }
            }
        }
        Ok(())
    }
}
