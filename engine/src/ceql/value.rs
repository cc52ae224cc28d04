//! Values that conditions compare with, and what two of them have to say about each other.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// What a condition compares with: the text as it was written, and what that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    kind: ValueKind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// It stood in quotes, or is a bare word of no other kind.
    Text,
    Number,
    Boolean,
    /// A day or a moment.
    Date,
    Null,
}

impl Value {
    /// What stood in quotes.
    pub fn quoted(text: impl Into<String>) -> Self {
        Self {
            kind: ValueKind::Text,
            text: text.into(),
        }
    }

    /// A word without quotes.
    pub fn bare(text: &str) -> Self {
        let (kind, text) = match text.to_ascii_lowercase() {
            word if word == "true" || word == "false" => (ValueKind::Boolean, word),
            word if word == "null" => (ValueKind::Null, word),
            _ if is_number(text) => (ValueKind::Number, text.to_owned()),
            _ if moment(text).is_some() => (ValueKind::Date, text.to_owned()),
            _ => (ValueKind::Text, text.to_owned()),
        };
        Self { kind, text }
    }

    pub fn kind(&self) -> ValueKind {
        self.kind
    }

    /// The text as it was written, without quotes.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

/// As JSON writes numbers: no sign of plus, no zeros in front, so that a code with digits stays one.
pub(super) fn is_number(text: &str) -> bool {
    let bytes = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match bytes.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (bytes, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// Exact for whole numbers, which ids are; both are numbers.
pub(super) fn compare_numbers(one: &str, other: &str) -> Option<Ordering> {
    if let (Ok(one), Ok(other)) = (one.parse::<i128>(), other.parse::<i128>()) {
        return Some(one.cmp(&other));
    }
    one.parse::<f64>().ok()?.partial_cmp(&other.parse().ok()?)
}

/// A day is its midnight, and what names no zone is in UTC. `None` for everything else.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let looks_like_one = bytes.len() >= 10
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-');
    if !looks_like_one {
        return None;
    }
    let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    if bytes.len() == 10 {
        let day: Date = text.parse().ok()?;
        return utc(day.to_datetime(jiff::civil::Time::midnight()));
    }
    match text.parse::<Timestamp>() {
        Ok(moment) => Some(moment),
        Err(_) => utc(text.parse().ok()?),
    }
}
