//! What of a list call the vendor is asked for, and what is left for us.
//!
//! Only what stands alone or is joined by AND is pushed, so the vendor never leaves out a record
//! that the whole expression finds; what it answers too much is taken out again by the rest.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::convert::converted;
use super::{Content, Mistake};
use crate::ceql::{
    Comparison, Condition, Direction, Expression, Fields, Order, Test, Value, ValueKind, member,
    moment, parse,
};
use crate::element::shape::{FilterRules, PushForm, PushRule, PushTarget, Record};
use crate::element::{Element, Resource, Target};

/// Where `where`, `orderBy` and `fields` have gone.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Plan {
    /// The vendor's query parameters.
    pub pushed: Vec<(String, String)>,
    /// Conditions that the vendor has been given, exactly or loosely.
    pub pushed_conditions: Vec<Expression>,
    /// Another call that finds the one record, and the value for its path: index in
    /// [`Element::resources`].
    pub instead: Option<(usize, String)>,
    /// Calls that may find the one record before the list is looked through.
    pub find: Option<Find>,
    /// What records still have to be looked at for.
    pub rest: Option<Expression>,
    /// What of that the vendor has not been asked for at all.
    pub own: Vec<Expression>,
    /// Order that the vendor cannot give.
    pub order: Option<Order>,
}

/// A value that no record but one can have.
#[derive(Debug, Clone, PartialEq)]
pub struct Find {
    /// The call that names records which may have it: index in [`Element::resources`].
    pub by: usize,
    /// The one that reads a record.
    pub record: usize,
    pub field: String,
    pub value: String,
    /// What the record is looked at for.
    pub whole: Expression,
}

impl Find {
    /// Of what `by` has answered, the id of the record that had the value.
    pub(super) fn named(&self, content: &Content<'_>) -> Option<String> {
        let items = match content {
            Content::List(items) => items.as_slice(),
            Content::One(item) => std::slice::from_ref(item),
            Content::Nothing | Content::Bytes(_) => &[],
        };
        let read = |item: &str, name: &str| -> Option<Json> {
            serde_json::from_str(member(item, name)?).ok()
        };
        let item = items
            .iter()
            .find(|item| read(item, &self.field).is_some_and(|found| found == self.value))?;
        let id = match read(item, "id")? {
            Json::String(id) => id,
            Json::Number(id) => id.to_string(),
            _ => return None,
        };
        is_id(&id).then_some(id)
    }
}

/// What cannot be a segment of a path is none.
fn is_id(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.len() <= 256
}

/// What a caller wants of a list, beside pages.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Wish {
    pub condition: Option<Expression>,
    pub order: Option<Order>,
    pub fields: Option<Fields>,
}

impl Wish {
    /// Reads `where`, `orderBy` and `fields`; what is empty is not there.
    pub fn read(query: &[(String, String)]) -> Result<Self, Mistake> {
        let given = |wanted: &str| {
            let mut pairs = query.iter();
            let found = pairs.find(|(name, value)| name == wanted && !value.trim().is_empty());
            found.map(|(_, value)| value.as_str())
        };
        let wrong = |name: &str| {
            let name = name.to_owned();
            move |error: crate::language::SyntaxError| {
                Mistake(format!("Error parsing query parameter '{name}': {error}."))
            }
        };
        Ok(Self {
            condition: given("where")
                .map(parse)
                .transpose()
                .map_err(wrong("where"))?,
            order: given("orderBy")
                .map(Order::parse)
                .transpose()
                .map_err(wrong("orderBy"))?,
            fields: given("fields")
                .map(Fields::parse)
                .transpose()
                .map_err(wrong("fields"))?,
        })
    }
}

impl Plan {
    /// # Errors
    /// A field or operator that neither the vendor nor this server can filter by: the caller would
    /// take the unfiltered list for the answer.
    pub fn new(element: &Element, resource: &Resource, wish: &Wish) -> Result<Self, Mistake> {
        let mut plan = Self::default();
        if let Some(condition) = &wish.condition {
            plan.split(element, resource, condition)?;
        }
        if let Some(order) = &wish.order {
            plan.push_order(resource, order);
        }
        Ok(plan)
    }

    /// Conditions that are applied here alone.
    pub(super) fn filtered(&self) -> Option<String> {
        Expression::all(self.own.clone()).map(|own| own.to_string())
    }

    fn split(
        &mut self,
        element: &Element,
        resource: &Resource,
        expression: &Expression,
    ) -> Result<(), Mistake> {
        let Some(rules) = &resource.shape.filter else {
            return self.as_parameters_say(element, resource, expression);
        };
        let expression = &meant(rules, expression);
        let record = resource.shape.record.as_ref();
        let (ours, vendors);
        let (expression, asked) = match record {
            Some(record) => {
                (ours, vendors) = (record.ours(expression), record.vendors(expression));
                (&ours, &vendors)
            }
            None => (expression, expression),
        };
        let (parts, asked) = (expression.conjuncts(), asked.conjuncts());
        let by_us = || {
            asked.iter().all(|part| {
                let mut conditions = part.conditions().into_iter();
                conditions.all(|condition| is_ours(resource, rules, condition).is_ok())
            })
        };
        if let Some(found) = asked.iter().find_map(|part| found_by(rules, part))
            && by_us()
        {
            // The one record is looked at for everything, itself included.
            let both = parts.iter().zip(asked);
            let others = both.filter(|(_, asked)| found_by(rules, asked).is_none());
            self.own = others.map(|(part, _)| (*part).clone()).collect();
            self.instead = Some(found);
            self.rest = Some(expression.clone());
            return Ok(());
        }
        let hint = asked.iter().find_map(|part| hinted(rules, part));
        self.find = hint.filter(|_| by_us()).map(|find| Find {
            whole: expression.clone(),
            ..find
        });
        let mut rest = Vec::new();
        for (part, asked) in parts.iter().zip(asked) {
            let rule = match asked {
                Expression::Is(condition) => self.push(rules, condition),
                _ => None,
            };
            match rule {
                Some(rule) => {
                    self.pushed_conditions.push(part.clone());
                    if rule.loose {
                        rest.push(part.clone());
                    }
                }
                None => {
                    for condition in asked.conditions() {
                        is_ours(resource, rules, condition)?;
                    }
                    self.own.push(part.clone());
                    rest.push(part.clone());
                }
            }
        }
        self.rest = Expression::all(rest);
        Ok(())
    }

    /// The rule by which the vendor is asked, if there is one and its parameter is still free.
    fn push<'r>(&mut self, rules: &'r FilterRules, condition: &Condition) -> Option<&'r PushRule> {
        let operator = condition.test.operator();
        let fitting = rules.push.iter().filter(|rule| {
            rule.field == condition.field && rule.operators.iter().any(|known| known == operator)
        });
        for rule in fitting {
            let Some(text) = pushed_text(rule.form, &condition.test) else {
                continue;
            };
            if let PushTarget::Query(name) = &rule.to
                && !self.pushed.iter().any(|(other, _)| other == name)
            {
                self.pushed.push((name.clone(), text));
                return Some(rule);
            }
        }
        None
    }

    /// Without rules, the platform's own ways: a converter, or the text as it is.
    fn as_parameters_say(
        &mut self,
        element: &Element,
        resource: &Resource,
        expression: &Expression,
    ) -> Result<(), Mistake> {
        let hooked = element.hooks_before(resource).next().is_some();
        let parameters = resource.parameters.iter().rev();
        let mut parameters = parameters.chain(element.parameters.iter().rev());
        let found = parameters.find_map(|parameter| match &parameter.target {
            Target::Conditions(converter) => Some(converted(converter, expression)),
            Target::Query(name) if parameter.name == "where" => {
                Some(Ok(vec![(name.clone(), expression.to_string())]))
            }
            // A hook makes of it what the vendor wants.
            Target::Nowhere if parameter.name == "where" && hooked => Some(Ok(Vec::new())),
            _ => None,
        });
        self.pushed = match found {
            Some(pushed) => pushed?,
            None => {
                let mut conditions = expression.conditions().into_iter();
                let tried = conditions.next().map(said).unwrap_or_default();
                return Err(Mistake(format!(
                    "{} cannot be filtered, not by {tried}; leave out 'where'.",
                    name_of(resource)
                )));
            }
        };
        self.pushed_conditions = vec![expression.clone()];
        Ok(())
    }

    fn push_order(&mut self, resource: &Resource, order: &Order) {
        let record = resource.shape.record.as_ref();
        let by = |name: &dyn Fn(&Record, &str) -> String| match record {
            Some(record) => {
                let terms = order.0.iter();
                let terms = terms.map(|(field, direction)| (name(record, field), *direction));
                Order(terms.collect())
            }
            None => order.clone(),
        };
        let ours = by(&Record::shown_name);
        let Some(rule) = &resource.shape.order else {
            self.order = Some(ours);
            return;
        };
        let asked = by(&Record::vendors_name);
        let known = asked.0.iter().all(|(field, _)| rule.fields.contains(field))
            && order
                .0
                .iter()
                .all(|(field, _)| record.is_none_or(|record| record.keeps_order(field)));
        match (&rule.direction, asked.0.as_slice()) {
            (Some(parameter), [(field, direction)]) if known => {
                self.pushed.push((rule.query.clone(), field.clone()));
                let word = match direction {
                    Direction::Ascending => "asc",
                    Direction::Descending => "desc",
                };
                self.pushed.push((parameter.clone(), word.to_owned()));
            }
            (None, terms) if known => {
                let terms = terms.iter().map(|(field, direction)| match direction {
                    Direction::Ascending => format!("{field} ASC"),
                    Direction::Descending => format!("{field} DESC"),
                });
                let text = terms.collect::<Vec<_>>().join(", ");
                self.pushed.push((rule.query.clone(), text));
            }
            _ => self.order = Some(ours),
        }
    }
}

/// The expression without names that no record has.
fn meant(rules: &FilterRules, expression: &Expression) -> Expression {
    expression.each(&|condition| {
        let means = rules.means.iter();
        let mut means = means.filter(|meaning| meaning.field == condition.field);
        let test = match (means.next(), &condition.test) {
            (Some(meaning), test) if !meaning.begins => (&meaning.of, test.clone()),
            (Some(meaning), Test::Compare(Comparison::Equal, value)) => {
                (&meaning.of, Test::Like(format!("{}%", value.text())))
            }
            _ => (&condition.field, condition.test.clone()),
        };
        Condition {
            field: test.0.clone(),
            test: test.1,
        }
    })
}

/// The call that finds the one record which this part is about.
fn found_by(rules: &FilterRules, part: &Expression) -> Option<(usize, String)> {
    let Expression::Is(condition) = part else {
        return None;
    };
    rules.push.iter().find_map(|rule| {
        let operator = condition.test.operator();
        let fits =
            rule.field == condition.field && rule.operators.iter().any(|known| known == operator);
        match rule.to {
            PushTarget::Resource(index) if fits => {
                let text = pushed_text(rule.form, &condition.test)?;
                // It is looked for in the list.
                is_id(&text).then_some((index, text))
            }
            _ => None,
        }
    })
}

/// Calls that may find the one record whose field has this value: a text that is equal to itself alone.
fn hinted(rules: &FilterRules, part: &Expression) -> Option<Find> {
    let Expression::Is(condition) = part else {
        return None;
    };
    let Test::Compare(Comparison::Equal, value) = &condition.test else {
        return None;
    };
    let text = value.text();
    let alone = value.kind() == ValueKind::Text && moment(text).is_none() && is_id(text);
    let mut rules = rules
        .push
        .iter()
        .filter(|rule| rule.field == condition.field && alone);
    rules.find_map(|rule| match rule.to {
        PushTarget::Hint { by, record } => Some(Find {
            by,
            record,
            field: condition.field.clone(),
            value: text.to_owned(),
            whole: part.clone(),
        }),
        _ => None,
    })
}

fn name_of(resource: &Resource) -> String {
    format!(
        "{} /{}",
        resource.method,
        resource.path.trim_start_matches('/')
    )
}

fn said(condition: &Condition) -> String {
    format!(
        "'{}' with {}",
        condition.field.escape_debug(),
        condition.test.operator()
    )
}

fn is_ours(resource: &Resource, rules: &FilterRules, condition: &Condition) -> Result<(), Mistake> {
    let steers = rules
        .push
        .iter()
        .any(|rule| rule.parameter && rule.field == condition.field);
    if rules.is_local(&condition.field) && !steers {
        return Ok(());
    }
    let of_field = rules
        .push
        .iter()
        .filter(|rule| rule.field == condition.field);
    let operators: Vec<&str> = of_field
        .flat_map(|rule| rule.operators.iter().map(String::as_str))
        .collect();
    let instead = match operators.as_slice() {
        [] => {
            let mut known: Vec<&str> = rules.push.iter().map(|rule| rule.field.as_str()).collect();
            known.extend(rules.local.iter().map(String::as_str));
            known.sort_unstable();
            known.dedup();
            format!("fields are {}", known.join(", "))
        }
        operators => format!(
            "'{}' goes with {}, once and joined by AND alone",
            condition.field.escape_debug(),
            operators.join(", ")
        ),
    };
    Err(Mistake(format!(
        "Error parsing query parameter 'where': {} cannot be filtered by {}; {instead}.",
        name_of(resource),
        said(condition)
    )))
}

/// The value in the vendor's form; `None` when it has none there. A parameter without a value would
/// be taken for none.
fn pushed_text(form: PushForm, test: &Test) -> Option<String> {
    vendor_text(form, test).filter(|text| !text.is_empty())
}

fn vendor_text(form: PushForm, test: &Test) -> Option<String> {
    match (form, test) {
        (PushForm::Text, Test::Compare(_, value)) => Some(value.text().to_owned()),
        (PushForm::Text, Test::Like(pattern)) => Some(pattern.clone()),
        (PushForm::Text, Test::In(values) | Test::NotIn(values)) => {
            let texts: Vec<&str> = values.iter().map(Value::text).collect();
            // A comma inside of one would make two of it.
            let fine = !texts
                .iter()
                .any(|text| text.is_empty() || text.contains(','));
            fine.then(|| texts.join(","))
        }
        (PushForm::Moment, Test::Compare(comparison, value)) => {
            let moment = moment(value.text())?;
            let second = Timestamp::from_second(moment.as_second()).ok()?;
            // Seconds are cut towards 1970, which is the wrong way for what lies before it.
            let second = match second > moment {
                true => second.checked_sub(SignedDuration::from_secs(1)).ok()?,
                false => second,
            };
            let second = match comparison {
                Comparison::Less | Comparison::LessOrEqual => {
                    second.checked_add(SignedDuration::from_secs(1)).ok()?
                }
                _ => second,
            };
            Some(second.to_string())
        }
        _ => None,
    }
}
