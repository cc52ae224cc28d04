//! The platform's converters: `where` in the form of a vendor.

use super::Mistake;
use crate::ceql::{Comparison, Condition, Expression, Test, Value, ValueKind};
use crate::element::shape::Converter;

/// The vendor's query parameters that say the same as the whole expression.
pub(super) fn converted(
    converter: &Converter,
    expression: &Expression,
) -> Result<Vec<(String, String)>, Mistake> {
    match converter {
        Converter::QueryParameters => query_parameters(expression),
        Converter::OData(name) => Ok(vec![(name.clone(), odata(expression)?)]),
    }
}

/// `a = 1 AND b = 'x'` as `a=1&b=x`.
fn query_parameters(expression: &Expression) -> Result<Vec<(String, String)>, Mistake> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in expression.conjuncts() {
        let Expression::Is(condition) = part else {
            return Err(Mistake(
                "This list takes conditions joined by AND, not by OR; ask in several calls."
                    .to_owned(),
            ));
        };
        let Test::Compare(Comparison::Equal, value) = &condition.test else {
            return Err(refused(condition, "only by ="));
        };
        if pairs.iter().any(|(name, _)| *name == condition.field) {
            return Err(refused(condition, "once only"));
        }
        pairs.push((condition.field.clone(), value.text().to_owned()));
    }
    Ok(pairs)
}

fn odata(expression: &Expression) -> Result<String, Mistake> {
    let (parts, word) = match expression {
        Expression::And(parts) => (parts, " and "),
        Expression::Or(parts) => (parts, " or "),
        Expression::Is(condition) => return odata_condition(condition),
    };
    let parts = parts.iter().map(|part| match part {
        Expression::Is(condition) => odata_condition(condition),
        part => odata(part).map(|text| format!("({text})")),
    });
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(word))
}

fn odata_condition(condition: &Condition) -> Result<String, Mistake> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if !condition.field.chars().all(plain) {
        return Err(refused(
            condition,
            "under a name of letters, digits and _ alone",
        ));
    }
    // A path has slashes there.
    let field = condition.field.replace('.', "/");
    let any = |values: &[Value], sign: &str, word: &str| {
        let parts = values
            .iter()
            .map(|value| format!("{field} {sign} {}", literal(value)));
        match values {
            [_] => parts.collect(),
            _ => format!("({})", parts.collect::<Vec<_>>().join(word)),
        }
    };
    Ok(match &condition.test {
        Test::Compare(comparison, value) => {
            let sign = match comparison {
                Comparison::Equal => "eq",
                Comparison::NotEqual => "ne",
                Comparison::Less => "lt",
                Comparison::LessOrEqual => "le",
                Comparison::Greater => "gt",
                Comparison::GreaterOrEqual => "ge",
            };
            format!("{field} {sign} {}", literal(value))
        }
        Test::In(values) => any(values, "eq", " or "),
        Test::NotIn(values) => any(values, "ne", " and "),
        Test::IsNull => format!("{field} eq null"),
        Test::IsNotNull => format!("{field} ne null"),
        Test::Like(pattern) => {
            let begins = pattern.strip_prefix('%');
            let ends = pattern.strip_suffix('%');
            let (function, text) = match (begins, ends) {
                _ if pattern == "%" => ("contains", ""),
                (Some(text), Some(_)) => ("contains", text.strip_suffix('%').unwrap_or(text)),
                (Some(text), None) => ("endswith", text),
                (None, Some(text)) => ("startswith", text),
                (None, None) => ("", pattern.as_str()),
            };
            if text.contains('%') {
                return Err(refused(
                    condition,
                    "with % at the beginning and the end alone",
                ));
            }
            match function {
                "" => format!("{field} eq {}", quoted(text)),
                function => format!("{function}({field}, {})", quoted(text)),
            }
        }
    })
}

fn literal(value: &Value) -> String {
    match value.kind() {
        ValueKind::Text => quoted(value.text()),
        _ => value.text().to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn refused(condition: &Condition, how: &str) -> Mistake {
    Mistake(format!(
        "This list takes '{}' {how}, not with {} as here.",
        condition.field.escape_debug(),
        condition.test.operator(),
    ))
}
