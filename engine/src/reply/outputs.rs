//! What one answer gives to the instance.

use serde_json::Value as Json;
use url::Url;

use super::Seen;
use crate::element::oauth::{ACCESS_TOKEN, REFRESH_INTERVAL, REFRESH_TOKEN, seconds};
use crate::element::{Output, OutputFrom, Piece};
use crate::language::{AnswerPath, percent_encode, scalar_text};

/// Seconds that a token may live. What somebody calls longer than a century is a mistake.
const LIVES: std::ops::RangeInclusive<i64> = 1..=100 * 366 * 24 * 60 * 60;

impl Seen<'_> {
    pub(crate) fn output(&self, output: &Output) -> Option<String> {
        let text = self.text(&output.from)?;
        let says = match output.key.as_str() {
            // A life that is no number, over, or without end says nothing; what is known of it stays.
            REFRESH_INTERVAL => seconds(&text).is_some_and(|life| LIVES.contains(&life)),
            ACCESS_TOKEN | REFRESH_TOKEN => !text.contains(char::is_control),
            // The database's JSON has none.
            _ => !text.contains('\0'),
        };
        (says && !text.is_empty()).then_some(text)
    }

    /// In the place of a token stands what is none: written as a text it would replace a good one.
    pub(super) fn is_malformed(&self, output: &Output) -> bool {
        let token = [ACCESS_TOKEN, REFRESH_TOKEN].contains(&output.key.as_str());
        match (&output.from, &self.json) {
            (OutputFrom::Field(path), Some(json)) if token => path
                .find(json, self.values)
                .is_some_and(|found| !matches!(found, Json::Null | Json::String(_))),
            _ => false,
        }
    }

    pub(crate) fn text(&self, from: &OutputFrom) -> Option<String> {
        Some(match from {
            OutputFrom::Field(path) => {
                let found = path.find(self.json.as_ref()?, self.values)?;
                scalar_text(found).unwrap_or_else(|| found.to_string())
            }
            OutputFrom::Header(name) => self.reply.headers.get(name)?.to_str().ok()?.to_owned(),
            OutputFrom::Now => self.now.to_string(),
            OutputFrom::Body => std::str::from_utf8(&self.reply.body).ok()?.to_owned(),
            OutputFrom::Composed(pieces) => self.composed(pieces)?,
            OutputFrom::AccountId(paths) => {
                let parts = paths.iter().map(|path| self.text_at(path));
                parts.collect::<Option<Vec<String>>>()?.join("/")
            }
            OutputFrom::AccountName(paths) => {
                let mut parts: Vec<String> =
                    paths.iter().filter_map(|path| self.text_at(path)).collect();
                parts.dedup();
                parts.join(", ")
            }
        })
    }

    /// One line of it.
    fn text_at(&self, path: &AnswerPath) -> Option<String> {
        let found = path.find_text(self.json.as_ref()?, self.values)?;
        let line: String = found.chars().filter(|c| !c.is_control()).collect();
        Some(line.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// What a vendor says fills one place and never makes two of it.
    fn composed(&self, pieces: &[Piece]) -> Option<String> {
        let json = self.json.as_ref()?;
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Answer(path) => {
                    let found = path.find_text(json, self.values)?;
                    let found = match text.is_empty() {
                        true => origin(&found)?,
                        false => percent_encode(&found),
                    };
                    text.push_str(&found);
                }
            }
        }
        Some(text)
    }
}

/// Scheme and host alone; `None` for a URL with anything more.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let origin = url.origin().ascii_serialization();
    let bare = text.strip_suffix('/').unwrap_or(text);
    (url.scheme() == "https" && bare.eq_ignore_ascii_case(&origin)).then_some(origin)
}
