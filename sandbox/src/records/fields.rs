//! The fields of a resource as data, and the check of a body against them. Vendors word what was found.

use serde_json::{Map, Value, json};

use super::{Record, times};

/// What may stand in a field.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// With so many characters at most.
    Text(usize),
    Email,
    Integer,
    Number,
    Boolean,
    Date,
    /// `HH:MM`, as texts.
    Clock,
    DateTime,
    OneOf(&'static [&'static str]),
    OneNumber(&'static [i64]),
    /// The number of a record of this table.
    Link(&'static str),
    Links(&'static str),
    Texts,
    Emails,
    Object(&'static [Field]),
    Objects(&'static [Field]),
    /// Checked by the vendor's own code.
    Own,
}

/// When callers may set a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    Always,
    Creating,
    /// The vendor's own: callers only read it.
    Never,
}

/// What stands there when nothing was given.
#[derive(Debug, Clone, Copy)]
pub enum Blank {
    Null,
    False,
    True,
    Number(i64),
    Text(&'static str),
    List,
    Object,
    /// An input only: answers do not carry it.
    Absent,
}

#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub set: Set,
    pub needed: bool,
    pub blank: Blank,
}

/// A field that callers set whenever they like, and that is null without them.
pub const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        set: Set::Always,
        needed: false,
        blank: Blank::Null,
    }
}

/// A field of the vendor's own.
pub const fn own(name: &'static str, blank: Blank) -> Field {
    Field {
        name,
        kind: Kind::Own,
        set: Set::Never,
        needed: false,
        blank,
    }
}

impl Field {
    pub const fn needed(mut self) -> Self {
        self.needed = true;
        self
    }

    pub const fn creating(mut self) -> Self {
        self.set = Set::Creating;
        self
    }

    pub const fn blank(mut self, blank: Blank) -> Self {
        self.blank = blank;
        self
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Missing,
    Unknown,
    /// The wanted type in the words of JSON Schema, with the format behind it where there is one.
    Type(&'static str),
    NotOneOf(Vec<String>),
    TooLong(usize),
    /// No record of this table has the number.
    NoSuch(&'static str),
    /// Not in this form: what it should be.
    Form(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// With the way to it: `custom_fields.cf_x`, `emails.0.value`.
    pub field: String,
    pub fault: Fault,
}

pub struct Check<'c> {
    pub fields: &'static [Field],
    pub creating: bool,
    /// Numbers and truth values may come as texts and numbers, as in forms and old APIs.
    pub lenient: bool,
    /// What is unknown or the vendor's own is passed over instead of refused.
    pub forgiving: bool,
    /// Whether a table has a record.
    pub exists: &'c dyn Fn(&'static str, u64) -> bool,
}

/// The record that stands before anything was given.
pub fn blank(fields: &[Field]) -> Record {
    let mut record = Record::new();
    for field in fields {
        let value = match field.blank {
            Blank::Absent => continue,
            Blank::Null => Value::Null,
            Blank::False => json!(false),
            Blank::True => json!(true),
            Blank::Number(number) => json!(number),
            Blank::Text(text) => json!(text),
            Blank::List => json!([]),
            Blank::Object => json!({}),
        };
        record.insert(field.name.to_owned(), value);
    }
    record
}

impl Check<'_> {
    /// What was given in its held form, and everything that is wrong with it.
    pub fn read(&self, body: Map<String, Value>) -> (Record, Vec<Problem>) {
        let mut problems = Vec::new();
        let given = self.members(self.fields, body, "", &mut problems);
        if self.creating {
            self.missing(self.fields, &given, "", &mut problems);
        } else {
            // What is needed cannot be taken away again.
            let emptied = self.fields.iter().filter(|field| field.needed);
            let emptied = emptied.filter(|field| given.get(field.name).is_some_and(is_blank));
            problems.extend(emptied.map(|field| problem(field.name, Fault::Missing)));
        }
        (given, problems)
    }

    fn missing(&self, fields: &[Field], given: &Record, way: &str, problems: &mut Vec<Problem>) {
        for field in fields.iter().filter(|field| field.needed) {
            let name = format!("{way}{}", field.name);
            let told = problems.iter().any(|problem| problem.field == name);
            if !told && given.get(field.name).is_none_or(is_blank) {
                problems.push(problem(&name, Fault::Missing));
            }
        }
    }

    fn members(
        &self,
        fields: &'static [Field],
        body: Map<String, Value>,
        way: &str,
        problems: &mut Vec<Problem>,
    ) -> Record {
        let mut given = Record::new();
        for (name, value) in body {
            let place = format!("{way}{name}");
            let field = fields.iter().find(|field| field.name == name);
            let open = field.filter(|field| match field.set {
                Set::Always => true,
                Set::Creating => self.creating,
                Set::Never => false,
            });
            let Some(field) = open else {
                if !self.forgiving {
                    problems.push(problem(&place, Fault::Unknown));
                }
                continue;
            };
            match self.value(field.kind, value, &place, problems) {
                Ok(value) => drop(given.insert(name, value)),
                Err(fault) => problems.push(problem(&place, fault)),
            }
        }
        given
    }

    fn value(
        &self,
        kind: Kind,
        value: Value,
        place: &str,
        problems: &mut Vec<Problem>,
    ) -> Result<Value, Fault> {
        if value.is_null() {
            return Ok(value);
        }
        let value = if self.lenient {
            coerced(kind, value)
        } else {
            value
        };
        match kind {
            Kind::Own => Ok(value),
            Kind::Text(most) => match value.as_str() {
                Some(text) if text.chars().count() > most => Err(Fault::TooLong(most)),
                Some(_) => Ok(value),
                None => Err(Fault::Type("string")),
            },
            Kind::Email => match value.as_str() {
                Some(text) if is_email(text) => Ok(value),
                Some(_) => Err(Fault::Form("email address")),
                None => Err(Fault::Type("string")),
            },
            Kind::Integer => shape(value, Value::is_i64, "integer"),
            Kind::Number => shape(value, Value::is_number, "number"),
            Kind::Boolean => shape(value, Value::is_boolean, "boolean"),
            Kind::Date => form(
                value,
                |text| times::is_date(text).then(|| text.to_owned()),
                "date",
            ),
            Kind::Clock => form(
                value,
                |text| times::is_clock(text).then(|| text.to_owned()),
                "time",
            ),
            Kind::DateTime => form(value, times::held, "date-time"),
            Kind::OneOf(known) => match value.as_str() {
                Some(text) if known.contains(&text) => Ok(value),
                Some(_) => Err(Fault::NotOneOf(
                    known.iter().map(|text| (*text).to_owned()).collect(),
                )),
                None => Err(Fault::Type("string")),
            },
            Kind::OneNumber(known) => match value.as_i64() {
                Some(number) if known.contains(&number) => Ok(value),
                Some(_) => Err(Fault::NotOneOf(known.iter().map(i64::to_string).collect())),
                None => Err(Fault::Type("integer")),
            },
            Kind::Link(table) => match value.as_u64() {
                Some(id) if (self.exists)(table, id) => Ok(value),
                Some(_) => Err(Fault::NoSuch(table)),
                None => Err(Fault::Type("integer")),
            },
            Kind::Links(_) | Kind::Texts | Kind::Emails => self.list(kind, value, place, problems),
            Kind::Object(fields) => match value {
                Value::Object(members) => {
                    let way = format!("{place}.");
                    let given = self.members(fields, members, &way, problems);
                    self.missing(fields, &given, &way, problems);
                    Ok(Value::Object(given))
                }
                _ => Err(Fault::Type("object")),
            },
            Kind::Objects(fields) => match value {
                Value::Array(entries) => {
                    let mut rows = Vec::new();
                    for (number, entry) in entries.into_iter().enumerate() {
                        let place = format!("{place}.{number}");
                        rows.push(self.value(Kind::Object(fields), entry, &place, problems)?);
                    }
                    Ok(Value::Array(rows))
                }
                _ => Err(Fault::Type("array")),
            },
        }
    }

    fn list(
        &self,
        kind: Kind,
        value: Value,
        place: &str,
        problems: &mut Vec<Problem>,
    ) -> Result<Value, Fault> {
        let Value::Array(entries) = value else {
            return Err(Fault::Type("array"));
        };
        let of = match kind {
            Kind::Links(table) => Kind::Link(table),
            Kind::Emails => Kind::Email,
            _ => Kind::Text(255),
        };
        let mut rows = Vec::new();
        for entry in entries {
            if entry.is_null() {
                return Err(Fault::Type("array"));
            }
            rows.push(self.value(of, entry, place, problems)?);
        }
        Ok(Value::Array(rows))
    }
}

fn problem(field: &str, fault: Fault) -> Problem {
    Problem {
        field: field.to_owned(),
        fault,
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn shape(
    value: Value,
    fits: impl Fn(&Value) -> bool,
    wanted: &'static str,
) -> Result<Value, Fault> {
    match fits(&value) {
        true => Ok(value),
        false => Err(Fault::Type(wanted)),
    }
}

fn form(
    value: Value,
    read: impl Fn(&str) -> Option<String>,
    wanted: &'static str,
) -> Result<Value, Fault> {
    let text = value.as_str().ok_or(Fault::Form(wanted))?;
    read(text).map(Value::String).ok_or(Fault::Form(wanted))
}

/// The looks of an address, no more: one sign between two parts, of which the second has a dot.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && !text.contains(char::is_whitespace)
        && !domain.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
}

/// What forms and old APIs mean by a text or a number.
fn coerced(kind: Kind, value: Value) -> Value {
    match (kind, &value) {
        (Kind::Integer | Kind::OneNumber(_) | Kind::Link(_), Value::String(text)) => text
            .trim()
            .parse::<i64>()
            .map_or(value, |number| json!(number)),
        (Kind::Number, Value::String(text)) => text
            .trim()
            .parse::<f64>()
            .map_or(value, |number| json!(number)),
        (Kind::Boolean, Value::String(text)) => match text.as_str() {
            "true" | "1" => json!(true),
            "false" | "0" => json!(false),
            _ => value,
        },
        (Kind::Boolean, Value::Number(number)) => match number.as_i64() {
            Some(1) => json!(true),
            Some(0) => json!(false),
            _ => value,
        },
        (Kind::Text(_) | Kind::OneOf(_), Value::Number(number)) => json!(number.to_string()),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: &[Field] = &[
        field("value", Kind::Text(5)).needed(),
        field("primary", Kind::Boolean),
    ];
    const FIELDS: &[Field] = &[
        own("id", Blank::Null),
        field("name", Kind::Text(5)).needed(),
        field("size", Kind::OneNumber(&[1, 2])).blank(Blank::Number(1)),
        field("owner", Kind::Link("people")),
        field("at", Kind::DateTime),
        field("parts", Kind::Objects(PART)).blank(Blank::List),
        field("mails", Kind::Emails).creating().blank(Blank::Absent),
    ];

    fn check(creating: bool, lenient: bool, body: Value) -> (Value, Vec<(String, Fault)>) {
        let check = Check {
            fields: FIELDS,
            creating,
            lenient,
            forgiving: false,
            exists: &|table, id| table == "people" && id == 7,
        };
        let (given, problems) = check.read(body.as_object().cloned().unwrap_or_default());
        let problems = problems
            .into_iter()
            .map(|problem| (problem.field, problem.fault));
        (Value::Object(given), problems.collect())
    }

    fn found(field: &str, fault: Fault) -> (String, Fault) {
        (field.to_owned(), fault)
    }

    #[test]
    fn good_bodies_come_out_in_their_held_form() {
        let body = json!({ "name": "é3456".replace('6', ""), "size": 2, "owner": 7, "at": "2026-01-01", "parts": [{ "value": "x" }], "mails": ["a@b.c"] });
        let (given, problems) = check(true, false, body);
        assert_eq!(
            (&given["at"], problems),
            (&json!("2026-01-01T00:00:00Z"), vec![])
        );
        let (given, problems) = check(
            false,
            true,
            json!({ "size": "2", "owner": "7", "parts": [{ "value": 5, "primary": "1" }] }),
        );
        assert_eq!(problems, []);
        assert_eq!(
            given,
            json!({ "size": 2, "owner": 7, "parts": [{ "value": "5", "primary": true }] })
        );
    }

    #[test]
    fn every_mistake_is_found() {
        let body = json!({ "id": 1, "size": 3, "owner": 8, "at": "soon", "parts": [{ "primary": 1 }], "mails": ["no"], "new": 1 });
        let (_, problems) = check(true, false, body);
        for wanted in [
            found("id", Fault::Unknown),
            found("new", Fault::Unknown),
            found("name", Fault::Missing),
            found(
                "size",
                Fault::NotOneOf(vec![String::from("1"), String::from("2")]),
            ),
            found("owner", Fault::NoSuch("people")),
            found("at", Fault::Form("date-time")),
            found("parts.0.value", Fault::Missing),
            found("parts.0.primary", Fault::Type("boolean")),
            found("mails", Fault::Form("email address")),
        ] {
            assert!(problems.contains(&wanted), "{wanted:?} in {problems:?}");
        }
        assert_eq!(problems.len(), 9);
        let (_, problems) = check(
            false,
            false,
            json!({ "name": " ", "mails": [], "size": "2" }),
        );
        assert_eq!(
            problems,
            [
                found("mails", Fault::Unknown),
                found("size", Fault::Type("integer")),
                found("name", Fault::Missing)
            ]
        );
    }

    #[test]
    fn blanks_are_as_the_table_says() {
        let record = Value::Object(blank(FIELDS));
        assert_eq!(
            record,
            json!({ "id": null, "name": null, "size": 1, "owner": null, "at": null, "parts": [] })
        );
    }

    #[test]
    fn addresses_have_two_parts() {
        for text in ["a@b.c", "z''a@b.c", "a+b@x.co.uk"] {
            assert!(is_email(text), "{text}");
        }
        for text in ["", "a", "@b.c", "a@", "a@b", "a@b.", "a b@c.d", "a@b@c.d"] {
            assert!(!is_email(text), "{text}");
        }
    }
}
