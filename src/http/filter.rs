//! What a list's `where` asks for, field by field.

use std::collections::BTreeMap;

use bunsen_engine::ceql::{self, Expression};

use crate::error::{Error, Result};
use crate::http::query::Query;

/// A field that a list can be filtered by.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    Text(&'static str),
    Boolean(&'static str),
}

/// By field: the values of which one must be met. A field that was not asked for is absent.
#[derive(Debug, Default)]
pub struct Wanted(BTreeMap<&'static str, Vec<String>>);

impl Query {
    /// # Errors
    /// 400 for what does not parse and for a field that this list is not filtered by: the caller
    /// would take the unfiltered list for the answer.
    pub fn wanted(&self, fields: &[Field]) -> Result<Wanted> {
        let Some(text) = self.get("where") else {
            return Ok(Wanted::default());
        };
        let wrong = |what: String| {
            Error::Invalid(format!("Error parsing query parameter 'where': {what}."))
        };
        let expression = ceql::parse(text).map_err(|error| wrong(error.to_string()))?;
        let mut wanted = Wanted::default();
        for part in expression.conjuncts() {
            let Expression::Is(condition) = part else {
                return Err(wrong(
                    "conditions of this list are joined by AND; ask in several calls".to_owned(),
                ));
            };
            let asked = condition.field.as_str();
            let field = fields.iter().find(|field| field.name() == asked);
            let Some(field) = field else {
                let names: Vec<&str> = fields.iter().map(Field::name).collect();
                let asked = asked.escape_debug();
                return Err(wrong(format!(
                    "this list is not filtered by '{asked}', only by {}",
                    names.join(", ")
                )));
            };
            let Some(values) = condition.test.wanted() else {
                return Err(wrong(format!(
                    "'{asked}' is compared by = or IN here, not by {}",
                    condition.test.operator()
                )));
            };
            let values = values.iter().map(|value| value.text().to_owned()).collect();
            let values = field.read(values).map_err(wrong)?;
            wanted
                .0
                .entry(field.name())
                // Said twice, both must hold.
                .and_modify(|known| known.retain(|value| values.contains(value)))
                .or_insert_with(|| values.clone());
        }
        Ok(wanted)
    }
}

impl Field {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(name) | Self::Boolean(name) => name,
        }
    }

    fn read(self, values: Vec<String>) -> Result<Vec<String>, String> {
        let Self::Boolean(name) = self else {
            return Ok(values);
        };
        values
            .into_iter()
            .map(|value| match value.to_ascii_lowercase() {
                value if value == "true" || value == "false" => Ok(value),
                _ => Err(format!("'{name}' is compared with true or false")),
            })
            .collect()
    }
}

impl Wanted {
    pub fn values(&self, field: &str) -> Option<&[String]> {
        self.0.get(field).map(Vec::as_slice)
    }

    pub fn allows(&self, field: &str, value: &str) -> bool {
        self.values(field)
            .is_none_or(|values| values.iter().any(|wanted| wanted == value))
    }

    pub fn allows_flag(&self, field: &str, value: bool) -> bool {
        self.allows(field, if value { "true" } else { "false" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[Field::Text("key"), Field::Boolean("private")];

    fn wanted(text: &str) -> Result<Wanted, String> {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        Query::parse(&format!("where={encoded}"))
            .wanted(FIELDS)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn all_conditions_must_hold() {
        let both = wanted("key in ('a','b') AND key='b' AND private='TRUE'").expect("reads");
        assert_eq!(both.values("key"), Some(["b".to_owned()].as_slice()));
        assert!(both.allows("key", "b") && !both.allows("key", "a"));
        assert!(both.allows_flag("private", true) && !both.allows_flag("private", false));
        let none = wanted("key='a' AND key='b'").expect("reads");
        assert!(!none.allows("key", "a") && !none.allows("key", "b"));
        assert!(none.allows_flag("private", true));
        assert!(wanted("").expect("absent").values("key").is_none());
    }

    #[test]
    fn what_is_refused_is_said() {
        for (text, part) in [
            ("key=", "column 5: expected a value"),
            ("name='x'", "not filtered by 'name', only by key, private"),
            (
                "key like 'x%'",
                "'key' is compared by = or IN here, not by LIKE",
            ),
            ("key='a' OR key='b'", "joined by AND"),
            ("private='yes'", "'private' is compared with true or false"),
        ] {
            let message = wanted(text).expect_err(text);
            assert!(message.starts_with("Error parsing query"), "{message}");
            assert!(message.contains(part), "{message}");
        }
    }
}
