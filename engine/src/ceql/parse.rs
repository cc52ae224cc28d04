//! From text to an [`Expression`]. Every mistake has its column, names field and operator where
//! there are some, and says what to write instead.

use super::{
    Comparison, Condition, DEPTH_LIMIT, Expression, LENGTH_LIMIT, TERM_LIMIT, Test, Value,
    ValueKind,
};
use crate::language::{Cursor, SyntaxError};

/// Reads an expression; a text without one is a mistake.
pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
    let mut parser = Parser::new(Cursor::new(text));
    if text.len() > LENGTH_LIMIT {
        let message = format!("longer than {LENGTH_LIMIT} bytes; ask in several calls");
        return Err(parser.cursor.error(message));
    }
    parser.drop_where();
    let expression = parser.any_of(0)?;
    parser.cursor.skip_blanks();
    match parser.cursor.peek() {
        None => Ok(expression),
        Some(')') => Err(parser.cursor.error("a ) without a ( before it")),
        Some(_) => Err(parser.cursor.error("expected AND, OR or the end")),
    }
}

pub(super) struct Parser<'a> {
    pub cursor: Cursor<'a>,
    /// Values seen so far.
    terms: usize,
}

impl Cursor<'_> {
    pub(super) fn skip_blanks(&mut self) {
        self.take_while(char::is_whitespace);
    }

    /// Letters from here on, in lower case; empty when there is none.
    pub(super) fn word(&mut self) -> String {
        self.take_while(|next| begins_name(next) || continues_name(next))
            .to_ascii_lowercase()
    }

    /// Consumes this keyword, with blanks before it, if it stands here.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let mut ahead = self.clone();
        ahead.skip_blanks();
        let found = ahead.word() == keyword;
        if found {
            *self = ahead;
        }
        found
    }

    /// A field, as `where`, `orderBy` and `fields` name it.
    pub(super) fn field(&mut self) -> Result<String, SyntaxError> {
        let before = self.clone();
        if self.eat("`") {
            let name = self.take_while(|next| next != '`').to_owned();
            if name.is_empty() || !self.eat("`") {
                return Err(before.error("a field in backticks has no end or no name"));
            }
            return Ok(name);
        }
        let mut field = String::new();
        loop {
            if !self.peek().is_some_and(begins_name) {
                return Err(self.error(
                    "expected the name of a field; one with unusual characters goes in backticks",
                ));
            }
            field.push_str(self.take_while(|next| begins_name(next) || continues_name(next)));
            if !self.eat(".") {
                return Ok(field);
            }
            field.push('.');
        }
    }
}

impl<'a> Parser<'a> {
    pub fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, terms: 0 }
    }

    /// `WHERE a = 1`; but `where = 1` and `where in (1)` are about a field of that name.
    fn drop_where(&mut self) {
        let mut ahead = self.cursor.clone();
        ahead.skip_blanks();
        if ahead.word() != "where" {
            return;
        }
        ahead.skip_blanks();
        let mut after = ahead.clone();
        let operator = matches!(after.word().as_str(), "in" | "is" | "like" | "not");
        after.skip_blanks();
        let is_field = operator && !after.peek().is_some_and(|next| "=!<>".contains(next));
        let begins = |next| matches!(next, '`' | '(') || begins_name(next);
        if ahead.peek().is_some_and(begins) && !is_field {
            self.cursor = ahead;
        }
    }

    pub fn any_of(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        let first = self.all_of(depth)?;
        let mut parts = vec![first];
        while self.cursor.eat_keyword("or") {
            parts.push(self.all_of(depth)?);
        }
        Ok(one_or(parts, Expression::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        let first = self.term(depth)?;
        let mut parts = vec![first];
        while self.cursor.eat_keyword("and") {
            parts.push(self.term(depth)?);
        }
        Ok(one_or(parts, Expression::And))
    }

    fn term(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        self.cursor.skip_blanks();
        let before = self.cursor.clone();
        if !self.cursor.eat("(") {
            return self.condition().map(Expression::Is);
        }
        if depth == DEPTH_LIMIT {
            let message = format!("more than {DEPTH_LIMIT} parentheses inside each other");
            return Err(before.error(message));
        }
        let inner = self.any_of(depth + 1)?;
        self.cursor.skip_blanks();
        if self.cursor.eat(")") {
            return Ok(inner);
        }
        Err(match self.cursor.peek() {
            None => before.error("this ( is never closed with )"),
            Some(_) => self.cursor.error("expected AND, OR or )"),
        })
    }

    fn condition(&mut self) -> Result<Condition, SyntaxError> {
        let field = self.cursor.field()?;
        self.cursor.skip_blanks();
        let before = self.cursor.clone();
        let named = field.escape_debug();
        let wrong = |message: String| Err(before.error(message));
        for (sign, instead) in [("==", "="), ("<>", "!="), ("=>", ">="), ("=<", "<=")] {
            if self.cursor.clone().eat(sign) {
                return wrong(format!(
                    "{sign} is no operator; write '{named}' {instead} …"
                ));
            }
        }
        for comparison in [
            Comparison::NotEqual,
            Comparison::LessOrEqual,
            Comparison::GreaterOrEqual,
            Comparison::Equal,
            Comparison::Less,
            Comparison::Greater,
        ] {
            if self.cursor.eat(comparison.sign()) {
                let test = self.compared(&field, comparison)?;
                return Ok(Condition { field, test });
            }
        }
        if self.cursor.peek() == Some('(') {
            return wrong(match field.to_ascii_lowercase().as_str() {
                "not" => "NOT (…) is not understood; turn the conditions inside around".to_owned(),
                _ => format!("'{named}' looks like a function, and there are none here"),
            });
        }
        let test = match self.cursor.word().as_str() {
            "like" => {
                let value = self.value(&field, "LIKE")?;
                if value.kind() == ValueKind::Null {
                    return wrong(format!("null is no pattern; write {named} IS NULL"));
                }
                Test::Like(value.into_text())
            }
            "in" => Test::In(self.list(&field, "IN")?),
            "is" => {
                let negated = self.cursor.eat_keyword("not");
                if !self.cursor.eat_keyword("null") {
                    self.cursor.skip_blanks();
                    let message = "expected NULL after IS; compare with a value by =";
                    return Err(self.cursor.error(message));
                }
                match negated {
                    true => Test::IsNotNull,
                    false => Test::IsNull,
                }
            }
            "not" => {
                if !self.cursor.eat_keyword("in") {
                    return wrong(format!(
                        "NOT goes before IN only, as in {named} NOT IN (1, 2)"
                    ));
                }
                Test::NotIn(self.list(&field, "NOT IN")?)
            }
            "between" => {
                return wrong(format!(
                    "BETWEEN is not understood; write {named} >= … AND {named} <= …"
                ));
            }
            _ => {
                return wrong(format!(
                    "expected an operator after '{named}': =, !=, <, <=, >, >=, LIKE, IN, NOT IN, IS NULL or IS NOT NULL"
                ));
            }
        };
        Ok(Condition { field, test })
    }

    fn compared(&mut self, field: &str, comparison: Comparison) -> Result<Test, SyntaxError> {
        let before = self.cursor.clone();
        let value = self.value(field, comparison.sign())?;
        match (value.kind(), comparison) {
            (ValueKind::Null, Comparison::Equal) => Ok(Test::IsNull),
            (ValueKind::Null, Comparison::NotEqual) => Ok(Test::IsNotNull),
            (ValueKind::Null, _) => Err(before.error(format!(
                "nothing is {} null; write {} IS NULL or IS NOT NULL",
                comparison.sign(),
                field.escape_debug()
            ))),
            _ => Ok(Test::Compare(comparison, value)),
        }
    }

    fn list(&mut self, field: &str, operator: &str) -> Result<Vec<Value>, SyntaxError> {
        self.cursor.skip_blanks();
        if !self.cursor.eat("(") {
            let named = field.escape_debug();
            let message = format!("expected ( after {operator}, as in {named} {operator} (1, 2)");
            return Err(self.cursor.error(message));
        }
        let mut values = Vec::new();
        loop {
            let before = self.cursor.clone();
            let value = self.value(field, operator)?;
            if value.kind() == ValueKind::Null {
                let named = field.escape_debug();
                return Err(before.error(format!("null is no member; write {named} IS NULL")));
            }
            values.push(value);
            self.cursor.skip_blanks();
            if self.cursor.eat(")") {
                return Ok(values);
            }
            if !self.cursor.eat(",") {
                return Err(self.cursor.error("expected , or )"));
            }
        }
    }

    fn value(&mut self, field: &str, operator: &str) -> Result<Value, SyntaxError> {
        self.cursor.skip_blanks();
        let before = self.cursor.clone();
        self.terms += 1;
        if self.terms > TERM_LIMIT {
            let message = format!("more than {TERM_LIMIT} values; ask in several calls");
            return Err(before.error(message));
        }
        let named = field.escape_debug();
        let closing: &[char] = match self.cursor.peek() {
            Some('\'') => &['\''],
            Some('"') => &['"'],
            // Whoever begins with a typographic quote may end with any of its kind; inside straight
            // quotes they are part of the text.
            Some('‘' | '’') => &['’', '‘', '\''],
            Some('“' | '”') => &['”', '“', '"'],
            _ => {
                let bare = self.cursor.take_while(is_bare);
                if bare.is_empty() {
                    return Err(before.error(format!(
                        "expected a value after {operator} for the field '{named}', such as 'x'"
                    )));
                }
                return Ok(Value::bare(bare));
            }
        };
        self.cursor.advance();
        let mut value = String::new();
        loop {
            match self.cursor.advance() {
                None => {
                    return Err(before.error(format!(
                        "the quoted value of '{named}' has no end; a quote inside it is written twice"
                    )));
                }
                Some(next) if !closing.contains(&next) => value.push(next),
                // Twice the quote is the quote itself.
                Some('\'') if self.cursor.eat("'") => value.push('\''),
                Some(_) => return Ok(Value::quoted(value)),
            }
        }
    }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

pub(super) fn begins_name(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '_' | '$')
}

pub(super) fn continues_name(character: char) -> bool {
    character.is_ascii_digit() || character == '-'
}

fn is_bare(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '.' | ':' | '-' | '+' | '_' | '/' | '@')
}
