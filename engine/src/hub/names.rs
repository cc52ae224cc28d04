//! The names by which callers ask for members of records (`where`, `orderBy`), as the vendor has
//! them, and as the records have them that callers see.

use super::members::truth;
use crate::ceql::{Condition, Expression, Test, Value};
use crate::element::shape::{Form, Member, Record};

impl Record {
    /// The expression in the vendor's names and values, by which it can be asked.
    pub(super) fn vendors(&self, expression: &Expression) -> Expression {
        expression.each(&|condition| {
            let Some((member, _)) = self.meant(&condition.field) else {
                return Condition {
                    field: self.vendors_name(&condition.field),
                    test: condition.test.clone(),
                };
            };
            Condition {
                field: self.vendors_name(&condition.field),
                test: tested(&condition.test, member.form, member.form == Form::Reversed),
            }
        })
    }

    /// The expression as it is to be looked for in records that callers see.
    pub(super) fn ours(&self, expression: &Expression) -> Expression {
        expression.each(&|condition| {
            let Some((member, rest)) = self.meant(&condition.field) else {
                return condition.clone();
            };
            Condition {
                field: shown_name(member, rest, &condition.field),
                test: tested(&condition.test, member.form, false),
            }
        })
    }

    /// What the vendor calls a member of ours.
    pub fn vendors_name(&self, field: &str) -> String {
        if let Some((member, rest)) = self.meant(field) {
            let of = &member.of;
            return match (member.form, rest) {
                (Form::Link, _) => of.clone(),
                (_, "") => of.clone(),
                (_, rest) => {
                    let inner = member.inside.iter().find(|inner| inner.name == rest);
                    format!("{of}.{}", inner.map_or(rest, |inner| &inner.of))
                }
            };
        }
        match &self.lifted {
            Some(lifted) if lifted.holds(field) => match field.split_once('_') {
                Some((name, part)) => format!("{}.{name}.{part}", lifted.of),
                None => format!("{}.{field}", lifted.of),
            },
            _ => field.to_owned(),
        }
    }

    /// The name by which records can be put in order here.
    pub(super) fn shown_name(&self, field: &str) -> String {
        match self.meant(field) {
            Some((member, rest)) => shown_name(member, rest, field),
            None => field.to_owned(),
        }
    }

    /// Whether an order by this member of ours is the vendor's order by its own.
    pub(super) fn keeps_order(&self, field: &str) -> bool {
        let reversed = |(member, _): (&Member, &str)| member.form == Form::Reversed;
        !self.meant(field).is_some_and(reversed)
    }

    /// The member that a field is, and what it asks for inside of it.
    fn meant<'s, 'f>(&'s self, field: &'f str) -> Option<(&'s Member, &'f str)> {
        let members = self.members.iter().filter(|member| member.is_shown());
        let mut meant = members.filter_map(|member| {
            let rest = field.strip_prefix(member.name.as_str())?;
            let rest = match (rest.chars().next(), member.form) {
                (None, _) => rest,
                (Some('.'), _) => rest.get(1..)?,
                (Some('_'), Form::Parts) => {
                    let rest = rest.get(1..)?;
                    let mut parts = member.members.iter().skip(1);
                    parts.any(|part| part == rest).then_some(rest)?
                }
                _ => return None,
            };
            Some((member, rest))
        });
        meant.next()
    }
}

fn shown_name(member: &Member, rest: &str, field: &str) -> String {
    let name = &member.name;
    let main = member.members.first();
    match (member.form, rest) {
        (Form::Link, "") => match main {
            Some(main) => format!("{name}.{main}"),
            None => name.clone(),
        },
        (Form::Parts, "") => name.clone(),
        (Form::Parts, rest) if main.is_some_and(|main| main == rest) => name.clone(),
        (Form::Parts, rest) => format!("{name}_{rest}"),
        _ => field.to_owned(),
    }
}

/// A test with the values that the member's form makes of those of callers.
fn tested(test: &Test, form: Form, turned: bool) -> Test {
    if !matches!(form, Form::Boolean | Form::Reversed) {
        return test.clone();
    }
    let value = |value: &Value| match truth(value.text()) {
        Some(on) => Value::bare(if on != turned { "true" } else { "false" }),
        None => value.clone(),
    };
    match test {
        Test::Compare(comparison, one) => Test::Compare(*comparison, value(one)),
        Test::In(values) => Test::In(values.iter().map(value).collect()),
        Test::NotIn(values) => Test::NotIn(values.iter().map(value).collect()),
        other => other.clone(),
    }
}
