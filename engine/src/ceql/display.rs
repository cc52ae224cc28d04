//! Writes what [`super::parse`] reads.

use std::fmt;

use super::parse::{begins_name, continues_name};
use super::{Condition, Expression, Test, Value, ValueKind};

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::And(parts) => (parts, " AND "),
            Self::Or(parts) => (parts, " OR "),
            Self::Is(condition) => return condition.fmt(f),
        };
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                f.write_str(word)?;
            }
            match (self, part) {
                (_, Self::Is(condition)) => condition.fmt(f)?,
                // AND binds closer.
                (Self::Or(_), Self::And(_)) => part.fmt(f)?,
                _ => write!(f, "({part})")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_field(f, &self.field)?;
        match &self.test {
            Test::Compare(comparison, value) => write!(f, " {} {value}", comparison.sign()),
            Test::Like(pattern) => write!(f, " LIKE {}", Value::quoted(pattern)),
            Test::In(values) | Test::NotIn(values) => {
                write!(f, " {} (", self.test.operator())?;
                for (number, value) in values.iter().enumerate() {
                    let comma = if number > 0 { ", " } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str(")")
            }
            Test::IsNull | Test::IsNotNull => write!(f, " {}", self.test.operator()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ValueKind::Text => write!(f, "'{}'", self.text().replace('\'', "''")),
            _ => f.write_str(self.text()),
        }
    }
}

pub(super) fn write_field(f: &mut fmt::Formatter<'_>, field: &str) -> fmt::Result {
    let plain = |name: &str| {
        name.starts_with(begins_name) && name.chars().all(|c| begins_name(c) || continues_name(c))
    };
    // At the beginning of an expression, the word itself would be dropped.
    if field.split('.').all(plain) && !field.eq_ignore_ascii_case("where") {
        f.write_str(field)
    } else {
        write!(f, "`{field}`")
    }
}
