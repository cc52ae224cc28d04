//! The query language, on the one entity that a credential check asks for: account 0, which every customer has.
//!
//! The texts of all errors but the one about too many conditions are unverified.

use quick_xml::escape::escape;

use super::customers::Customer;
use super::envelope::{self, Response};
use crate::xml::{self, Element};

const MOST_OR: usize = 500;

/// A field's value with its declared type.
#[derive(Debug)]
enum Value {
    Text(String),
    Number(i64),
    Boolean(bool),
}

type Row = Vec<(&'static str, Value)>;

/// The fields of account 0 in the order of the description. Nullable ones without a value are left out.
fn own_account(customer: &Customer) -> Row {
    let owner = customer.users.first().map_or(0, |user| user.id);
    vec![
        ("Address1", Value::Text(String::new())),
        ("AccountName", Value::Text(customer.name.clone())),
        ("AccountNumber", Value::Text(customer.ci.to_string())),
        (
            "OwnerResourceID",
            Value::Number(i64::try_from(owner).unwrap_or(0)),
        ),
        ("Phone", Value::Text(String::from("555-0100"))),
        ("AccountType", Value::Number(1)),
        ("Active", Value::Boolean(true)),
    ]
}

pub fn answer(text: &str, customer: &Customer) -> Response {
    found(text, customer).unwrap_or_else(Response::error)
}

fn found(text: &str, customer: &Customer) -> Result<Response, String> {
    let root = xml::parse(text).map_err(|error| format!("Invalid query syntax. {error}"))?;
    let entity = plain_child(&root, "entity").filter(|_| root.name == "queryxml");
    let (Some(entity), Some(query)) = (entity, plain_child(&root, "query")) else {
        return Err(String::from(
            "Invalid query syntax. Expected queryxml with entity and query.",
        ));
    };
    let entity = entity.text.trim();
    if !entity.eq_ignore_ascii_case("Account") {
        return Err(format!(
            "Unable to find {entity}: the sandbox holds accounts only."
        ));
    }
    if or_conditions(query) > MOST_OR {
        return Err(String::from(
            "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions.",
        ));
    }
    let row = own_account(customer);
    let fits = level(query, &row)?.ok_or("Invalid query syntax. At least one field is needed.")?;
    let mut response = Response {
        entity_type: entity.to_ascii_lowercase(),
        ..Response::default()
    };
    if fits {
        response.entities = written(&row);
        response.return_infos = envelope::return_info(0, None);
    }
    Ok(response)
}

fn written(row: &Row) -> String {
    let fields: String = row
        .iter()
        .map(|(name, value)| {
            let (kind, text) = match value {
                Value::Text(text) => ("string", text.clone()),
                Value::Number(number) => ("int", number.to_string()),
                Value::Boolean(truth) => ("boolean", truth.to_string()),
            };
            if text.is_empty() {
                return format!("<{name} xsi:type=\"xsd:{kind}\"/>");
            }
            format!("<{name} xsi:type=\"xsd:{kind}\">{}</{name}>", escape(&text))
        })
        .collect();
    format!("<Entity xsi:type=\"Account\"><id>0</id><UserDefinedFields/>{fields}</Entity>")
}

fn plain_child<'a>(parent: &'a Element, name: &str) -> Option<&'a Element> {
    let mut children = parent.children.iter();
    children.find(|child| child.namespace.is_none() && child.name == name)
}

fn is_or(condition: &Element) -> bool {
    let operator = condition.attribute(None, "operator");
    operator.is_some_and(|operator| operator.eq_ignore_ascii_case("or"))
}

fn or_conditions(level: &Element) -> usize {
    let own = |child: &Element| usize::from(is_or(child)) + or_conditions(child);
    level.children.iter().map(own).sum()
}

/// From left to right: a field or condition joins with AND to all before it, a condition with `operator="or"` with OR.
/// None for a level without any.
fn level(items: &Element, row: &Row) -> Result<Option<bool>, String> {
    let mut joined: Option<bool> = None;
    for item in &items.children {
        let value = match item.name.as_str() {
            "field" => Some(field(item, row)?),
            "condition" => level(item, row)?,
            other => return Err(format!("Invalid query syntax. Unexpected element {other}.")),
        };
        let Some(value) = value else {
            continue;
        };
        joined = Some(match joined {
            None => value,
            Some(before) if is_or(item) => before || value,
            Some(before) => before && value,
        });
    }
    Ok(joined)
}

/// Several expressions inside one field are joined by OR.
fn field(item: &Element, row: &Row) -> Result<bool, String> {
    let name = item.text.trim();
    let id = Value::Number(0);
    let known = row
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    let value = match known {
        _ if name.eq_ignore_ascii_case("id") => &id,
        Some((_, value)) => value,
        None => return Err(format!("Unable to find {name} in the Account Entity.")),
    };
    let mut expressions = item
        .children
        .iter()
        .filter(|child| child.name == "expression")
        .peekable();
    if expressions.peek().is_none() {
        return Err(format!(
            "Invalid query syntax. The field {name} has no expression."
        ));
    }
    let mut fits = false;
    for expression in expressions {
        let operator = expression.attribute(None, "op").unwrap_or_default();
        fits |= compared(value, operator, &expression.text).ok_or_else(|| {
            format!(
                "Invalid expression {operator} \"{}\" for {name}.",
                expression.text
            )
        })?;
    }
    Ok(fits)
}

/// None when the operator does not go with the type, the text is none of it, or the sandbox lacks the operator.
fn compared(value: &Value, operator: &str, text: &str) -> Option<bool> {
    let operator = operator.to_ascii_lowercase();
    match operator.as_str() {
        // Nothing that is simulated is null.
        "isnull" => return Some(false),
        "isnotnull" => return Some(true),
        _ => {}
    }
    match value {
        Value::Text(held) => {
            let (held, text) = (held.to_lowercase(), text.to_lowercase());
            match operator.as_str() {
                "beginswith" => Some(held.starts_with(&text)),
                "endswith" => Some(held.ends_with(&text)),
                "contains" => Some(held.contains(&text)),
                _ => ordered(&operator, held.cmp(&text)),
            }
        }
        Value::Number(held) => ordered(&operator, held.cmp(&text.trim().parse().ok()?)),
        Value::Boolean(held) => {
            let wanted: bool = text.trim().to_ascii_lowercase().parse().ok()?;
            match operator.as_str() {
                "equals" => Some(*held == wanted),
                "notequal" => Some(*held != wanted),
                _ => None,
            }
        }
    }
}

fn ordered(operator: &str, order: std::cmp::Ordering) -> Option<bool> {
    match operator {
        "equals" => Some(order.is_eq()),
        "notequal" => Some(order.is_ne()),
        "greaterthan" => Some(order.is_gt()),
        "greaterthanorequals" => Some(order.is_ge()),
        "lessthan" => Some(order.is_lt()),
        "lessthanorequals" => Some(order.is_le()),
        _ => None,
    }
}
