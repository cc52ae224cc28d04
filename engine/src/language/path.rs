//! Paths into a vendor's answer: names, indexes, one filter form, and alternatives.
//!
//! ```text
//! paths   = path *( "||" path )
//! path    = [ "$" [ "." ] ] segment *( [ "." ] segment )
//! segment = name | "['" text "']" | "[" digits "]" | "[?(@." name "==" literal ")]"
//! literal = "'" text "'" | number | true | false | "config." key
//! ```
//! In quoted text `\'` and `\\` stand for themselves. A filter takes the first element of the
//! array that matches; texts are compared, so `'true'` matches `"true"` and `true` alike.
//! `config.key` is the instance's own value; without one nothing matches.

use std::fmt;

use serde_json::Value;

use super::{Cursor, SyntaxError, is_key_character};
use crate::configuration::Values;

/// One or more paths; the first that leads to something wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerPath {
    alternatives: Vec<Vec<Segment>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(usize),
    First { name: String, equals: Operand },
}

/// What a filter compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Text(String),
    Config { key: String, column: usize },
}

impl Operand {
    fn text<'a>(&'a self, values: &'a Values) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Config { key, .. } => values.get(key).map(|value| value.reveal().trim()),
        }
    }
}

impl AnswerPath {
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let mut alternatives = Vec::new();
        loop {
            cursor.take_while(char::is_whitespace);
            alternatives.push(path(&mut cursor)?);
            cursor.take_while(char::is_whitespace);
            if cursor.eat("||") {
                continue;
            }
            return match cursor.peek() {
                None => Ok(Self { alternatives }),
                Some(other) => Err(cursor.error(format!(
                    "unexpected {other:?}; a path goes on with . or [ and alternatives with ||"
                ))),
            };
        }
    }

    /// The first alternative that leads to something other than null or empty text. `values` are
    /// what filters may compare with.
    pub fn find<'a>(&self, answer: &'a Value, values: &Values) -> Option<&'a Value> {
        self.alternatives.iter().find_map(|segments| {
            segments
                .iter()
                .try_fold(answer, |value, segment| match segment {
                    Segment::Name(name) => value.get(name),
                    Segment::Index(index) => value.get(index),
                    Segment::First { name, equals } => {
                        let wanted = equals.text(values)?;
                        value.as_array()?.iter().find(|element| {
                            element
                                .get(name)
                                .and_then(scalar_text)
                                .is_some_and(|text| text == wanted)
                        })
                    }
                })
                .filter(|found| !found.is_null() && found.as_str() != Some(""))
        })
    }

    /// What [`AnswerPath::find`] finds, if it is a text, number or boolean.
    pub fn find_text(&self, answer: &Value, values: &Values) -> Option<String> {
        self.find(answer, values).and_then(scalar_text)
    }

    /// Whether it may look at what stands under these names: it leads through all of them, or ends
    /// on the way there.
    pub(crate) fn meets(&self, names: &[&str]) -> bool {
        // An array has no names.
        let skips = |segments: &[Segment]| {
            names.is_empty() && matches!(segments.first(), Some(Segment::Name(_)))
        };
        let mut looking = self.alternatives.iter().filter(|segments| !skips(segments));
        looking.any(|segments| {
            segments
                .iter()
                .zip(names)
                .all(|(segment, wanted)| matches!(segment, Segment::Name(name) if name == wanted))
        })
    }

    /// Every configuration key that is referred to, with its column.
    pub fn keys(&self) -> impl Iterator<Item = (&str, usize)> {
        let segments = self.alternatives.iter().flatten();
        segments.filter_map(|segment| match segment {
            Segment::First {
                equals: Operand::Config { key, column },
                ..
            } => Some((key.as_str(), *column)),
            _ => None,
        })
    }
}

/// Text of a scalar; `None` for null, arrays and objects.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | ':')
}

fn path(cursor: &mut Cursor<'_>) -> Result<Vec<Segment>, SyntaxError> {
    let mut segments = Vec::new();
    // `$` alone is the whole answer.
    let rooted = cursor.eat("$");
    let mut dotted = rooted && cursor.eat(".");
    loop {
        if cursor.peek() == Some('[') {
            if dotted {
                return Err(cursor.error("a name must follow the dot"));
            }
            segments.push(bracket(cursor)?);
        } else {
            let name = cursor.take_while(is_name_character);
            if !name.is_empty() {
                segments.push(Segment::Name(name.to_owned()));
            } else if dotted || (segments.is_empty() && !rooted) {
                return Err(cursor.error("a name must stand here"));
            } else {
                return Ok(segments);
            }
        }
        dotted = cursor.eat(".");
        if !dotted && cursor.peek() != Some('[') {
            return Ok(segments);
        }
    }
}

fn bracket(cursor: &mut Cursor<'_>) -> Result<Segment, SyntaxError> {
    let start = cursor.clone();
    cursor.eat("[");
    let segment = if cursor.eat("?(@.") {
        let name = cursor.take_while(is_name_character).to_owned();
        if name.is_empty() {
            return Err(cursor.error("a name must follow @."));
        }
        cursor.take_while(char::is_whitespace);
        if !cursor.eat("==") {
            return Err(cursor.error("only == compares in a filter"));
        }
        cursor.take_while(char::is_whitespace);
        let equals = literal(cursor)?;
        if !cursor.eat(")") {
            return Err(cursor.error("the filter must be closed with )]"));
        }
        Segment::First { name, equals }
    } else if cursor.peek() == Some('\'') {
        Segment::Name(quoted(cursor)?)
    } else {
        let column = cursor.clone();
        let digits = cursor.take_while(|character| character.is_ascii_digit());
        let index = digits.parse().map_err(|_| {
            column.error("an index, a quoted name or ?(@.name=='text') must stand here")
        })?;
        Segment::Index(index)
    };
    if cursor.eat("]") {
        Ok(segment)
    } else {
        Err(start.error("this [ is never closed with ]"))
    }
}

fn literal(cursor: &mut Cursor<'_>) -> Result<Operand, SyntaxError> {
    if cursor.peek() == Some('\'') {
        return quoted(cursor).map(Operand::Text);
    }
    let start = cursor.clone();
    if cursor.eat("config.") {
        let key = cursor.take_while(is_key_character).to_owned();
        if key.is_empty() {
            return Err(cursor.error("a configuration key must follow config."));
        }
        let column = start.column();
        return Ok(Operand::Config { key, column });
    }
    let word = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    let number = word.parse::<f64>().is_ok_and(f64::is_finite);
    if number || matches!(word, "true" | "false") {
        Ok(Operand::Text(word.to_owned()))
    } else {
        Err(start.error("compare with 'text', a number, true, false or config.key"))
    }
}

fn quoted(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let start = cursor.clone();
    cursor.eat("'");
    let mut text = String::new();
    loop {
        match cursor.advance() {
            None => return Err(start.error("this quote is never closed")),
            Some('\'') => return Ok(text),
            Some('\\') => match cursor.advance() {
                Some(escaped @ ('\'' | '\\')) => text.push(escaped),
                _ => return Err(start.error(r"only \' and \\ can be escaped in a quoted text")),
            },
            Some(other) => text.push(other),
        }
    }
}

/// Writes what [`AnswerPath::parse`] reads.
impl fmt::Display for AnswerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = |text: &str| text.replace('\\', r"\\").replace('\'', r"\'");
        for (number, segments) in self.alternatives.iter().enumerate() {
            if number > 0 {
                f.write_str(" || ")?;
            }
            if segments.is_empty() {
                f.write_str("$")?;
            }
            for (position, segment) in segments.iter().enumerate() {
                match segment {
                    Segment::Name(name)
                        if !name.is_empty() && name.chars().all(is_name_character) =>
                    {
                        if position > 0 {
                            f.write_str(".")?;
                        }
                        f.write_str(name)?;
                    }
                    Segment::Name(name) => write!(f, "['{}']", quote(name))?,
                    Segment::Index(index) => write!(f, "[{index}]")?,
                    Segment::First { name, equals } => match equals {
                        Operand::Text(text) => write!(f, "[?(@.{name}=='{}')]", quote(text))?,
                        Operand::Config { key, .. } => write!(f, "[?(@.{name}==config.{key})]")?,
                    },
                }
            }
        }
        Ok(())
    }
}
