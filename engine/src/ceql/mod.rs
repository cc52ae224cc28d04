//! CEQL, the query language of `where`, and what stands beside it in a list call: `orderBy` and
//! `fields`. A bulk query puts them together: [`Select`].
//!
//! ```text
//! where      = and_expr *( "OR" and_expr )
//! and_expr   = term *( "AND" term )
//! term       = "(" where ")" / condition
//! condition  = field ( "=" / "!=" / "<" / ">" / "<=" / ">=" / "LIKE" ) value
//!            / field [ "NOT" ] "IN" "(" value *( "," value ) ")"
//!            / field "IS" [ "NOT" ] "NULL"
//! field      = name *( "." name ) / "`" 1*any-but-backtick "`"
//! value      = '…' with '' for one quote / "…" / a bare word of letters, digits and .:-+_/@
//! ```
//!
//! Keywords are read without regard to case, blanks around operators are optional, a leading word
//! WHERE is dropped and typographic quotes count as straight ones.
//!
//! What the language's description leaves open, and what is so here:
//!
//! | Question | Answer |
//! |---|---|
//! | types | a quoted number, date or boolean is compared as what it is: `'77'` finds 77, `'true'` finds true; texts of a record likewise, since some vendors send every scalar as text |
//! | two texts | `=` wants the same characters, letter case included, or the same moment; numbers that are written differently (`'1.0'`, `"1"`) are two texts. `<` and the like compare numbers, then moments, then characters; a number or moment is comparable with its own kind only |
//! | moments | a day is its midnight, what names no zone is in UTC |
//! | LIKE | `%` is any text, `_` itself; letter case is ignored |
//! | absent | a field that is absent or null is equal to nothing, so `!=`, NOT IN and IS NULL find it; `= null` is IS NULL |
//! | arrays | a positive test holds if it holds for one item, the negative ones if it holds for none |
//! | dots | a member whose own name holds the dots comes before the path |

mod display;
mod evaluate;
mod fields;
mod order;
mod parse;
mod select;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use evaluate::member;
pub use fields::Fields;
pub use order::{Direction, Order};
pub use parse::parse;
pub use select::Select;
pub(crate) use value::moment;
pub use value::{Value, ValueKind};

/// Bytes of an expression at most.
pub const LENGTH_LIMIT: usize = 8192;

/// Parentheses inside parentheses at most.
pub const DEPTH_LIMIT: usize = 32;

/// Values that an expression compares with at most, those of lists included.
pub const TERM_LIMIT: usize = 500;

/// What must hold for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// All of them, two at least.
    And(Vec<Expression>),
    /// One of them, two at least.
    Or(Vec<Expression>),
    Is(Condition),
}

/// One test of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// As written, without backticks; dots lead into objects.
    pub field: String,
    pub test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    Compare(Comparison, Value),
    /// `%` is any text.
    Like(String),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    IsNull,
    IsNotNull,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Expression {
    /// What must hold all together: the parts of an AND, else the whole.
    pub fn conjuncts(&self) -> &[Expression] {
        match self {
            Self::And(parts) => parts,
            whole => std::slice::from_ref(whole),
        }
    }

    /// One expression of parts that must hold all together; `None` of none.
    pub fn all(mut parts: Vec<Expression>) -> Option<Expression> {
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Self::And(parts)),
        }
    }

    /// The same expression with other conditions.
    #[must_use]
    pub fn each(&self, change: &impl Fn(&Condition) -> Condition) -> Expression {
        let all = |parts: &[Expression]| parts.iter().map(|part| part.each(change)).collect();
        match self {
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Is(condition) => Self::Is(change(condition)),
        }
    }

    /// Every condition, from left to right.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().flat_map(Expression::conditions).collect()
            }
            Self::Is(condition) => vec![condition],
        }
    }
}

impl Test {
    /// The operator as it is written.
    pub fn operator(&self) -> &'static str {
        match self {
            Self::Compare(comparison, _) => comparison.sign(),
            Self::Like(_) => "LIKE",
            Self::In(_) => "IN",
            Self::NotIn(_) => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    /// The values of which one must be met, where that is all that is asked.
    pub fn wanted(&self) -> Option<&[Value]> {
        match self {
            Self::Compare(Comparison::Equal, value) => Some(std::slice::from_ref(value)),
            Self::In(values) => Some(values),
            _ => None,
        }
    }
}

impl Comparison {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
