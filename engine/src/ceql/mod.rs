//! The query language of `where`, as far as lists of the platform need it: conditions with `=` and
//! `IN`, joined by `AND`.
//!
//! ```text
//! where     = condition *( "AND" condition )
//! condition = field "=" value / field "IN" "(" value *( "," value ) ")"
//! field     = name *( "." name ) / "`" 1*any-but-backtick "`"
//! value     = '…' with '' for one quote / "…" / a bare word of letters, digits and .:-+_/@
//! ```
//!
//! Keywords are read without regard to case, blanks around operators are optional, a leading word
//! WHERE is dropped and typographic quotes count as straight ones. What the whole language knows
//! beyond that is refused by its name, so that nobody takes an unfiltered list for the answer.

#[cfg(test)]
mod tests;

use crate::language::{Cursor, SyntaxError};

/// One thing that must hold for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub field: String,
    pub test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    Equals(String),
    In(Vec<String>),
}

impl Test {
    /// The values of which one must be met.
    pub fn into_values(self) -> Vec<String> {
        match self {
            Self::Equals(value) => vec![value],
            Self::In(values) => values,
        }
    }
}

/// Conditions that must all hold; never empty.
pub fn parse(text: &str) -> Result<Vec<Condition>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    drop_where(&mut cursor);
    let mut conditions = Vec::new();
    loop {
        conditions.push(condition(&mut cursor)?);
        skip_blanks(&mut cursor);
        if cursor.peek().is_none() {
            return Ok(conditions);
        }
        let before = cursor.clone();
        match word(&mut cursor).as_str() {
            "and" => {}
            "or" => return Err(before.error("OR is not understood here, only AND")),
            _ => return Err(before.error("expected AND or the end")),
        }
    }
}

/// `WHERE a = 1`; but `where = 1` and `where in (1)` are about a field of that name.
fn drop_where(cursor: &mut Cursor<'_>) {
    let mut ahead = cursor.clone();
    skip_blanks(&mut ahead);
    if word(&mut ahead) != "where" {
        return;
    }
    skip_blanks(&mut ahead);
    let begins_field = ahead
        .peek()
        .is_some_and(|next| next == '`' || begins_name(next));
    if begins_field && word(&mut ahead.clone()) != "in" {
        *cursor = ahead;
    }
}

fn condition(cursor: &mut Cursor<'_>) -> Result<Condition, SyntaxError> {
    skip_blanks(cursor);
    let field = field(cursor)?;
    skip_blanks(cursor);
    let before = cursor.clone();
    if cursor.eat("=") {
        skip_blanks(cursor);
        let test = Test::Equals(value(cursor)?);
        return Ok(Condition { field, test });
    }
    for operator in ["!=", "<=", ">=", "<", ">"] {
        if cursor.eat(operator) {
            return Err(before.error(format!("{operator} is not understood here, only = and IN")));
        }
    }
    match word(cursor).as_str() {
        "in" => {}
        known @ ("like" | "not" | "is") => {
            let known = known.to_uppercase();
            return Err(before.error(format!("{known} is not understood here, only = and IN")));
        }
        _ => return Err(before.error("expected = or IN")),
    }
    let test = Test::In(list(cursor)?);
    Ok(Condition { field, test })
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, SyntaxError> {
    skip_blanks(cursor);
    if !cursor.eat("(") {
        return Err(cursor.error("expected ( after IN"));
    }
    let mut values = Vec::new();
    loop {
        skip_blanks(cursor);
        values.push(value(cursor)?);
        skip_blanks(cursor);
        if cursor.eat(")") {
            return Ok(values);
        }
        if !cursor.eat(",") {
            return Err(cursor.error("expected , or )"));
        }
    }
}

fn field(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let before = cursor.clone();
    if cursor.eat("`") {
        let name = cursor.take_while(|next| next != '`').to_owned();
        if name.is_empty() || !cursor.eat("`") {
            return Err(before.error("a field in backticks has no end or no name"));
        }
        return Ok(name);
    }
    let mut field = String::new();
    loop {
        match cursor.peek() {
            Some(next) if begins_name(next) => {
                field.push_str(cursor.take_while(|next| begins_name(next) || continues_name(next)));
            }
            Some('(') => return Err(cursor.error("parentheses are not understood here")),
            _ => return Err(cursor.error("expected the name of a field")),
        }
        if !cursor.eat(".") {
            return Ok(field);
        }
        field.push('.');
    }
}

fn value(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let before = cursor.clone();
    let closing: &[char] = match cursor.peek() {
        Some('\'') => &['\''],
        Some('"') => &['"'],
        // Whoever begins with a typographic quote may end with any of its kind; inside straight
        // quotes they are part of the text.
        Some('‘' | '’') => &['’', '‘', '\''],
        Some('“' | '”') => &['”', '“', '"'],
        _ => {
            let bare = cursor.take_while(is_bare);
            if bare.is_empty() {
                return Err(before.error("expected a value, such as 'x'"));
            }
            return Ok(bare.to_owned());
        }
    };
    cursor.advance();
    let mut value = String::new();
    loop {
        match cursor.advance() {
            None => return Err(before.error("the quoted value has no end")),
            Some(next) if !closing.contains(&next) => value.push(next),
            // Twice the quote is the quote itself.
            Some('\'') if cursor.eat("'") => value.push('\''),
            Some(_) => return Ok(value),
        }
    }
}

/// Letters from here on, in lower case; empty when there is none.
fn word(cursor: &mut Cursor<'_>) -> String {
    cursor
        .take_while(|next| begins_name(next) || continues_name(next))
        .to_ascii_lowercase()
}

fn skip_blanks(cursor: &mut Cursor<'_>) {
    cursor.take_while(char::is_whitespace);
}

fn begins_name(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '_' | '$')
}

fn continues_name(character: char) -> bool {
    character.is_ascii_digit() || character == '-'
}

fn is_bare(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '.' | ':' | '-' | '+' | '_' | '/' | '@')
}
