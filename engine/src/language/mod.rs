//! The words of the `bunsen` key, and the platform's own `{key}` marks: a small closed language.
//!
//! | Form | Where | Example |
//! |---|---|---|
//! | [`Template`] | `bunsen.template`, `bunsen.groups[].authenticate` | `{config.username\|json}` |
//! | [`Filter`] | after `\|` in a template, and as `bunsen.fill` | `json`, `xml`, `url`, `host`, `site`, `label:.vendor.example`, `map:demo=test,*=live` |
//! | [`Placeholders`] | `vendorPath`, `defaultValue`, `base.url` (the platform's own form) | `https://{subdomain}.vendor.example` |
//! | [`AnswerPath`] | `vendorName` of what is read from an answer, `expect`, `fault` | `sites[?(@.main=='true')].url \|\| sites[0].url` |
//!
//! Everything is parsed once, when definitions are loaded. A mistake is a [`SyntaxError`] with the
//! column it stands in; nothing here panics on any text.
//!
//! A new need does not become a new word lightly: first data in the platform's own model, then a
//! word here when two elements need it.

mod filter;
mod path;
mod placeholder;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use filter::is_label;
pub use filter::{Filter, percent_encode};
pub use path::{AnswerPath, scalar_text};
pub use placeholder::{PlaceholderPart, Placeholders};
pub use template::{Part, Rendered, Template, ValueError};

/// What is wrong with a text of this language, and in which column (from 1) it starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct SyntaxError {
    pub column: usize,
    pub message: String,
}

/// Characters of a configuration key, as the platform uses them.
pub(crate) fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// A place in a text that only moves forward.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(crate) fn advance(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    /// Consumes `expected` if it stands here.
    pub(crate) fn eat(&mut self, expected: &str) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = match self.rest.find(|character| !keep(character)) {
            Some(end) => self.rest.split_at(end),
            None => (self.rest, ""),
        };
        self.rest = rest;
        taken
    }

    /// Column of the next character, from 1.
    pub(crate) fn column(&self) -> usize {
        self.text.chars().count() - self.rest.chars().count() + 1
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            column: self.column(),
            message: message.into(),
        }
    }
}
