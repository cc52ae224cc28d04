//! `/search/…?query="…"`: the vendor's small language, thirty rows a page, ten pages at most.

use serde_json::{Value, json};

use super::errors::{self, Mistake};
use super::ok;
use super::resources::{
    COMPANIES, COMPANY_CUSTOM, CONTACT_CUSTOM, CONTACTS, TICKET_CUSTOM, TICKETS,
};
use super::rows::{self, bare};
use super::tickets;
use super::v2::{Outcome, Visit};
use crate::records::fields::{Field, Kind};
use crate::records::{Record, is, text, times};

const PAGE_SIZE: usize = 30;
const LAST_PAGE: usize = 10;
const LONGEST: usize = 512;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Number,
    Boolean,
    Text,
    /// By day, in UTC.
    Day,
    /// A list of which one entry fits.
    Texts,
}

/// The name in queries, the member of the record, the comparison.
type Searched = (&'static str, &'static str, Sort);

const TICKET_FIELDS: &[Searched] = &[
    ("status", "status", Sort::Number),
    ("priority", "priority", Sort::Number),
    ("type", "type", Sort::Text),
    ("tag", "tags", Sort::Texts),
    ("group_id", "group_id", Sort::Number),
    ("agent_id", "responder_id", Sort::Number),
    ("due_by", "due_by", Sort::Day),
    ("fr_due_by", "fr_due_by", Sort::Day),
    ("created_at", "created_at", Sort::Day),
    ("updated_at", "updated_at", Sort::Day),
];
const CONTACT_FIELDS: &[Searched] = &[
    ("active", "active", Sort::Boolean),
    ("company_id", "company_id", Sort::Number),
    ("email", "email", Sort::Text),
    ("mobile", "mobile", Sort::Text),
    ("phone", "phone", Sort::Text),
    ("tag", "tags", Sort::Texts),
    ("language", "language", Sort::Text),
    ("time_zone", "time_zone", Sort::Text),
    ("twitter_id", "twitter_id", Sort::Text),
    ("created_at", "created_at", Sort::Day),
    ("updated_at", "updated_at", Sort::Day),
];
const COMPANY_FIELDS: &[Searched] = &[
    ("domain", "domains", Sort::Texts),
    ("created_at", "created_at", Sort::Day),
    ("updated_at", "updated_at", Sort::Day),
];

pub fn tickets(visit: &mut Visit<'_>) -> Outcome {
    search(visit, TICKETS, TICKET_FIELDS, TICKET_CUSTOM, |row| {
        rows::without(
            tickets::shown(row),
            &["attachments", "structured_description"],
        )
    })
}

pub fn contacts(visit: &mut Visit<'_>) -> Outcome {
    search(visit, CONTACTS, CONTACT_FIELDS, CONTACT_CUSTOM, |row| {
        rows::without(bare(row), &["avatar"])
    })
}

pub fn companies(visit: &mut Visit<'_>) -> Outcome {
    search(visit, COMPANIES, COMPANY_FIELDS, COMPANY_CUSTOM, |row| {
        json!(bare(row))
    })
}

fn search(
    visit: &mut Visit<'_>,
    table: &'static str,
    known: &[Searched],
    custom: &[Field],
    show: impl Fn(&Record) -> Value,
) -> Outcome {
    let page = visit.query.number("page", 1, LAST_PAGE)?;
    let query = visit
        .query
        .get("query")
        .ok_or_else(|| errors::invalid(Mistake::missing("query")))?;
    let bare_query = query
        .trim()
        .strip_prefix('"')
        .and_then(|query| query.strip_suffix('"'));
    // The form of these refusals is unverified.
    let wrong = |message: &str| errors::invalid(Mistake::new("query", "invalid_value", message));
    let bare_query =
        bare_query.ok_or_else(|| wrong("The query should be enclosed in double quotes"))?;
    if bare_query.chars().count() > LONGEST {
        return Err(wrong("The query should have at most 512 characters"));
    }
    let mut parser = Parser {
        left: bare_query,
        known,
        custom,
        depth: 0,
    };
    let condition = parser.whole().map_err(|fault| match fault {
        Fault::Syntax => wrong("The query is invalid"),
        Fault::Field(name) => errors::invalid(Mistake::unknown(&name)),
        Fault::Value(name, wanted) => errors::invalid(Mistake::wrong_type(&name, wanted)),
    })?;
    let newest =
        times::shown(jiff::Timestamp::now().as_second() - visit.account.search_lag_seconds);
    let indexed = |row: &&Record| {
        let lag = visit.account.search_lag_seconds > 0;
        !is(row, "deleted")
            && !is(row, "spam")
            && (!lag || text(row, "updated_at").is_some_and(|at| at <= newest.as_str()))
    };
    let hits: Vec<&Record> = visit
        .account
        .records
        .rows(table)
        .filter(indexed)
        .filter(|row| condition.fits(row))
        .collect();
    let shown = hits.iter().skip((page - 1) * PAGE_SIZE).take(PAGE_SIZE);
    let results: Vec<Value> = shown.map(|row| show(row)).collect();
    Ok(ok(&json!({ "total": hits.len(), "results": results })))
}

#[derive(Debug)]
enum Fault {
    Syntax,
    Field(String),
    Value(String, &'static str),
}

#[derive(Debug, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Is {
        custom: bool,
        member: &'static str,
        sort: Sort,
        relation: Relation,
        /// Null for "no value".
        value: Value,
    },
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Relation {
    Equal,
    AtLeast,
    AtMost,
}

impl Condition {
    fn fits(&self, row: &Record) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.fits(row)),
            Self::Any(parts) => parts.iter().any(|part| part.fits(row)),
            Self::Is {
                custom,
                member,
                sort,
                relation,
                value,
            } => {
                let held = match custom {
                    true => row
                        .get("custom_fields")
                        .and_then(|fields| fields.get(*member)),
                    false => row.get(*member),
                };
                holds(held.unwrap_or(&Value::Null), *sort, *relation, value)
            }
        }
    }
}

fn holds(held: &Value, sort: Sort, relation: Relation, wanted: &Value) -> bool {
    let empty = held.is_null() || held.as_array().is_some_and(Vec::is_empty);
    if wanted.is_null() || empty {
        return wanted.is_null() && empty;
    }
    let by = |order: std::cmp::Ordering| match relation {
        Relation::Equal => order.is_eq(),
        Relation::AtLeast => order.is_ge(),
        Relation::AtMost => order.is_le(),
    };
    match sort {
        Sort::Texts => {
            let mut entries = held.as_array().into_iter().flatten();
            entries.any(|entry| holds(entry, Sort::Text, relation, wanted))
        }
        Sort::Day => {
            let day = held
                .as_str()
                .and_then(|text| text.get(..10))
                .unwrap_or_default();
            by(day.cmp(wanted.as_str().unwrap_or_default()))
        }
        Sort::Number => held
            .as_f64()
            .zip(wanted.as_f64())
            .and_then(|(held, wanted)| held.partial_cmp(&wanted))
            .is_some_and(by),
        Sort::Boolean => held == wanted,
        Sort::Text => {
            held.as_str().map(str::to_lowercase) == wanted.as_str().map(str::to_lowercase)
        }
    }
}

/// `OR` binds less than `AND`, parentheses bind most.
struct Parser<'q> {
    left: &'q str,
    known: &'q [Searched],
    custom: &'q [Field],
    depth: usize,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Condition, Fault> {
        let condition = self.any()?;
        match self.left.trim().is_empty() {
            true => Ok(condition),
            false => Err(Fault::Syntax),
        }
    }

    fn any(&mut self) -> Result<Condition, Fault> {
        let mut parts = vec![self.all()?];
        while self.word("OR") {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Result<Condition, Fault> {
        let mut parts = vec![self.one()?];
        while self.word("AND") {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Result<Condition, Fault> {
        self.left = self.left.trim_start();
        if let Some(rest) = self.left.strip_prefix('(') {
            self.depth += 1;
            if self.depth > 20 {
                return Err(Fault::Syntax);
            }
            self.left = rest;
            let inner = self.any()?;
            self.left = self
                .left
                .trim_start()
                .strip_prefix(')')
                .ok_or(Fault::Syntax)?;
            self.depth -= 1;
            return Ok(inner);
        }
        let (name, rest) = self.left.split_once(':').ok_or(Fault::Syntax)?;
        if name.is_empty()
            || !name
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_')
        {
            return Err(Fault::Syntax);
        }
        let (relation, rest) = match rest.chars().next() {
            Some('>') => (Relation::AtLeast, &rest[1..]),
            Some('<') => (Relation::AtMost, &rest[1..]),
            _ => (Relation::Equal, rest),
        };
        let (quoted, literal) = match rest.strip_prefix('\'') {
            Some(text) => {
                let (literal, rest) = text.split_once('\'').ok_or(Fault::Syntax)?;
                self.left = rest;
                (true, literal)
            }
            None => {
                let end = rest.find([' ', ')']).unwrap_or(rest.len());
                self.left = &rest[end..];
                (false, &rest[..end])
            }
        };
        if literal.is_empty() && !quoted {
            return Err(Fault::Syntax);
        }
        let (custom, member, sort) = self.field(name)?;
        let value = value(sort, literal, quoted).ok_or_else(|| {
            let wanted = match sort {
                Sort::Number => "Number",
                Sort::Boolean => "Boolean",
                Sort::Day => "Date",
                Sort::Text | Sort::Texts => "String",
            };
            Fault::Value(name.to_owned(), wanted)
        })?;
        let ranged = matches!(sort, Sort::Number | Sort::Day) && !value.is_null();
        if relation != Relation::Equal && !ranged {
            return Err(Fault::Syntax);
        }
        Ok(Condition::Is {
            custom,
            member,
            sort,
            relation,
            value,
        })
    }

    fn field(&self, name: &str) -> Result<(bool, &'static str, Sort), Fault> {
        if let Some((_, member, sort)) = self.known.iter().find(|(known, _, _)| *known == name) {
            return Ok((false, member, *sort));
        }
        let field = self.custom.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| Fault::Field(name.to_owned()))?;
        let sort = match field.kind {
            Kind::Integer | Kind::Number => Sort::Number,
            Kind::Boolean => Sort::Boolean,
            Kind::Date => Sort::Day,
            // Long texts cannot be searched.
            Kind::Text(most) if most > 255 => return Err(Fault::Field(name.to_owned())),
            _ => Sort::Text,
        };
        Ok((true, field.name, sort))
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.left.trim_start().strip_prefix(word);
        let rest = rest.filter(|rest| rest.starts_with([' ', '(']));
        if let Some(rest) = rest {
            self.left = rest;
        }
        rest.is_some()
    }
}

/// Texts and days in quotes, numbers and truth values without.
fn value(sort: Sort, literal: &str, quoted: bool) -> Option<Value> {
    if literal == "null" && !quoted {
        return Some(Value::Null);
    }
    match (sort, quoted) {
        (Sort::Text | Sort::Texts, true) => Some(json!(literal)),
        (Sort::Day, true) => times::is_date(literal).then(|| json!(literal)),
        (Sort::Number, false) => literal.parse::<f64>().ok().map(|number| json!(number)),
        (Sort::Boolean, false) => literal.parse::<bool>().ok().map(|truth| json!(truth)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<Condition, Fault> {
        let mut parser = Parser {
            left: query,
            known: TICKET_FIELDS,
            custom: TICKET_CUSTOM,
            depth: 0,
        };
        parser.whole()
    }

    fn fits(query: &str, row: Value) -> bool {
        let row = row.as_object().cloned().unwrap_or_default();
        parsed(query)
            .unwrap_or_else(|fault| panic!("{query}: {fault:?}"))
            .fits(&row)
    }

    #[test]
    fn conditions_hold_as_the_vendor_documents_them() {
        let row = json!({
            "status": 3, "priority": 4, "type": "Question", "tags": ["a b", "c"], "responder_id": null,
            "created_at": "2026-03-05T23:59:59Z", "custom_fields": { "cf_category": "Primary", "cf_seats": 7, "cf_urgent_call": true },
        });
        for query in [
            "status:3",
            "priority:>4",
            "priority:>3",
            "priority:<4",
            "type:'question'",
            "tag:'a b'",
            "agent_id:null",
            "created_at:'2026-03-05'",
            "created_at:>'2026-03-05'",
            "created_at:<'2026-03-05'",
            "cf_category:'Primary'",
            "cf_seats:>7 AND cf_urgent_call:true",
            "status:2 OR status:3",
            "(status:2 OR status:3) AND priority:>3",
            "status:3 OR status:2 AND priority:1",
            "due_by:null",
        ] {
            assert!(fits(query, row.clone()), "{query}");
        }
        for query in [
            "status:2",
            "priority:>5",
            "tag:'a'",
            "created_at:>'2026-03-06'",
            "(status:3 OR status:2) AND priority:1",
            "type:null",
        ] {
            assert!(!fits(query, row.clone()), "{query}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for query in [
            "",
            "status",
            "status:",
            "status:3 AND",
            "status:3 priority:1",
            "(status:3",
            "status:3)",
            "status: 3",
            "type:'x",
            "type:>'x'",
            "status:>null",
            "NOT status:3",
        ] {
            assert!(matches!(parsed(query), Err(Fault::Syntax)), "{query}");
        }
        for query in ["Status:3", "subject:'x'", "cf_long_story:'x'"] {
            assert!(matches!(parsed(query), Err(Fault::Field(_))), "{query}");
        }
        for query in [
            "status:'3'",
            "type:Question",
            "created_at:'soon'",
            "cf_urgent_call:yes",
        ] {
            assert!(matches!(parsed(query), Err(Fault::Value(..))), "{query}");
        }
        let deep = format!("{}status:1{}", "(".repeat(400), ")".repeat(400));
        assert!(matches!(parsed(&deep), Err(Fault::Syntax)));
    }
}
