//! `q` of a bulk query: `select id, name from contacts where active = true limit 10`.

use std::fmt;

use super::display::write_field;
use super::parse::Parser;
use super::{Expression, Fields, LENGTH_LIMIT};
use crate::language::{Cursor, SyntaxError};

/// What a bulk query asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// `None`: all, which is written `*`.
    pub fields: Option<Fields>,
    pub object: String,
    pub condition: Option<Expression>,
    pub limit: Option<u64>,
}

impl Select {
    /// `select` fields `from` object, then `where` and `limit` in either order.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        if text.len() > LENGTH_LIMIT {
            return Err(cursor.error(format!("longer than {LENGTH_LIMIT} bytes")));
        }
        if !cursor.eat_keyword("select") {
            return Err(cursor.error("expected SELECT, as in select * from contacts"));
        }
        cursor.skip_blanks();
        let fields = match cursor.eat("*") {
            true => None,
            false => Some(Fields::read(&mut cursor)?),
        };
        if !cursor.eat_keyword("from") {
            cursor.skip_blanks();
            return Err(cursor.error("expected FROM and the name of an object"));
        }
        cursor.skip_blanks();
        let object = cursor.field()?;
        let mut limit = cursor.limit()?;
        let mut condition = None;
        if cursor.eat_keyword("where") {
            let mut parser = Parser::new(cursor);
            condition = Some(parser.any_of(0)?);
            cursor = parser.cursor;
            if limit.is_none() {
                limit = cursor.limit()?;
            }
        }
        cursor.skip_blanks();
        match cursor.peek() {
            None => Ok(Self {
                fields,
                object,
                condition,
                limit,
            }),
            Some(_) => Err(cursor.error("expected WHERE, LIMIT or the end")),
        }
    }
}

impl Cursor<'_> {
    fn limit(&mut self) -> Result<Option<u64>, SyntaxError> {
        if !self.eat_keyword("limit") {
            return Ok(None);
        }
        self.skip_blanks();
        let before = self.clone();
        let digits = self.take_while(|next| next.is_ascii_digit());
        match digits.parse() {
            Ok(limit) => Ok(Some(limit)),
            Err(_) => Err(before.error("expected a number after LIMIT")),
        }
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("select ")?;
        match &self.fields {
            None => f.write_str("*")?,
            Some(Fields(names)) => {
                for (number, name) in names.iter().enumerate() {
                    f.write_str(if number > 0 { ", " } else { "" })?;
                    write_field(f, name)?;
                }
            }
        }
        f.write_str(" from ")?;
        write_field(f, &self.object)?;
        if let Some(condition) = &self.condition {
            write!(f, " where {condition}")?;
        }
        match self.limit {
            Some(limit) => write!(f, " limit {limit}"),
            None => Ok(()),
        }
    }
}
