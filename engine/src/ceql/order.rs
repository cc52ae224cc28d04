//! `orderBy`: `name asc, created_at desc`.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;

use super::display::write_field;
use super::evaluate::{member, text};
use super::value::{is_number, moment};
use crate::language::{Cursor, SyntaxError};

/// Fields by which records stand in order, the most important first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(pub Vec<(String, Direction)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// Fields at most.
const LIMIT: usize = 16;

impl Order {
    /// Fields by comma, each with `asc` (which is meant without a word) or `desc`.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let mut terms = Vec::new();
        loop {
            cursor.skip_blanks();
            if terms.len() == LIMIT {
                return Err(cursor.error(format!("more than {LIMIT} fields")));
            }
            let field = cursor.field()?;
            let direction = if cursor.eat_keyword("desc") {
                Direction::Descending
            } else {
                cursor.eat_keyword("asc");
                Direction::Ascending
            };
            terms.push((field, direction));
            cursor.skip_blanks();
            if cursor.peek().is_none() {
                return Ok(Self(terms));
            }
            if !cursor.eat(",") {
                return Err(cursor.error("expected asc, desc, a comma or the end"));
            }
        }
    }

    /// Puts records into this order. Numbers come before moments, those before texts, and what has
    /// no value last, whatever the direction; equal ones keep their places.
    pub fn sort<R>(&self, records: &mut Vec<R>, json: impl Fn(&R) -> &str) {
        let key = |record: &R| -> Vec<Key> {
            let fields = self.0.iter();
            fields
                .map(|(field, _)| Key::of(json(record), field))
                .collect()
        };
        let mut keyed: Vec<(Vec<Key>, R)> = records
            .drain(..)
            .map(|record| (key(&record), record))
            .collect();
        keyed.sort_by(|(one, _), (other, _)| {
            let pairs = one.iter().zip(other).zip(&self.0);
            pairs
                .map(|((one, other), (_, direction))| one.compare(other, *direction))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        records.extend(keyed.into_iter().map(|(_, record)| record));
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (field, direction)) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            write_field(f, field)?;
            f.write_str(match direction {
                Direction::Ascending => " asc",
                Direction::Descending => " desc",
            })?;
        }
        Ok(())
    }
}

/// Where a record belongs by one field. The order of these is total, which sorting relies on.
enum Key {
    Boolean(bool),
    Number(f64, Option<i128>),
    Moment(Timestamp),
    Text(String),
    Absent,
}

impl Key {
    fn of(record: &str, field: &str) -> Self {
        let json = path(record, field).unwrap_or("null").trim_ascii();
        match json.as_bytes().first() {
            Some(b'"') => {
                let text = text(json);
                match moment(&text) {
                    Some(moment) => Self::Moment(moment),
                    None if is_number(&text) => Self::number(&text),
                    None => Self::Text(text.into_owned()),
                }
            }
            Some(b't') => Self::Boolean(true),
            Some(b'f') => Self::Boolean(false),
            Some(b'-' | b'0'..=b'9') => Self::number(json),
            _ => Self::Absent,
        }
    }

    fn number(text: &str) -> Self {
        Self::Number(text.parse().unwrap_or_default(), text.parse().ok())
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Boolean(_) => 0,
            Self::Number(..) => 1,
            Self::Moment(_) => 2,
            Self::Text(_) => 3,
            Self::Absent => 4,
        }
    }

    fn compare(&self, other: &Self, direction: Direction) -> Ordering {
        let ordering = match (self, other) {
            (Self::Boolean(one), Self::Boolean(other)) => one.cmp(other),
            // Whole numbers beyond what the first holds exactly differ in the second.
            (Self::Number(one, whole), Self::Number(other, other_whole)) => {
                one.total_cmp(other).then(whole.cmp(other_whole))
            }
            (Self::Moment(one), Self::Moment(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            _ => return self.rank().cmp(&other.rank()),
        };
        match direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        }
    }
}

/// What a field leads to, through objects.
fn path<'a>(json: &'a str, field: &str) -> Option<&'a str> {
    member(json, field).or_else(|| {
        let (name, rest) = field.split_once('.')?;
        path(member(json, name)?, rest)
    })
}
