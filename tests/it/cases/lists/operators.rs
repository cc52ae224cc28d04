//! Every operator on every field that records show: what a search gives is what a filter of the whole
//! list gives, made here; and pages of a search are the search.

use std::cmp::Ordering;

use serde_json::Value;

use super::search::{is_unlike, leaves, literal, name_of, names, text};
use super::{Hints, List};
use crate::answer::message;

/// What must hold for one value of a record's field.
enum Test<'v> {
    Differs(&'v Value),
    Less(&'v Value),
    Greater(&'v Value),
    Begins(String),
    /// Of these two.
    In(&'v Value, &'v Value),
    Either(&'v Value, &'v Value),
    Present,
}

impl Test<'_> {
    fn operator(&self) -> &'static str {
        match self {
            Self::Differs(_) => "!=",
            Self::Less(_) => "<",
            Self::Greater(_) => ">",
            Self::Begins(_) => "LIKE",
            Self::In(..) => "IN",
            Self::Either(..) => "=",
            Self::Present => "IS NOT NULL",
        }
    }

    fn written(&self, name: &str) -> String {
        match self {
            Self::Differs(value) => format!("{name} != {}", literal(value)),
            Self::Less(value) => format!("{name} < {}", literal(value)),
            Self::Greater(value) => format!("{name} > {}", literal(value)),
            Self::Begins(text) => format!("{name} LIKE '{}%'", text.replace('\'', "''")),
            Self::In(one, other) => format!("{name} IN ({}, {})", literal(one), literal(other)),
            Self::Either(one, other) => {
                format!("{name} = {} OR {name} = {}", literal(one), literal(other))
            }
            Self::Present => format!("{name} IS NOT NULL"),
        }
    }

    fn holds(&self, values: &[&Value]) -> bool {
        let any = |fits: &dyn Fn(&Value) -> bool| values.iter().any(|value| fits(value));
        match self {
            Self::Differs(wanted) => !any(&|value| same(value, wanted)),
            Self::Less(wanted) => any(&|value| order(value, wanted) == Some(Ordering::Less)),
            Self::Greater(wanted) => any(&|value| order(value, wanted) == Some(Ordering::Greater)),
            Self::Begins(start) => any(&|value| {
                let start = start.to_lowercase();
                !value.is_object() && text(value).to_lowercase().starts_with(&start)
            }),
            Self::In(one, other) | Self::Either(one, other) => {
                any(&|value| same(value, one) || same(value, other))
            }
            Self::Present => !values.is_empty(),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    let plain =
        |text: &&str| text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => Some(text.as_str()).filter(plain)?.parse().ok(),
        _ => None,
    }
}

/// `2024-01-31`, or with a time.
fn moment(value: &Value) -> Option<jiff::Timestamp> {
    let text = value.as_str()?;
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let time: jiff::civil::DateTime = Some(text).filter(|text| text.len() >= 10)?.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn same(value: &Value, wanted: &Value) -> bool {
    let moments = || moment(value).is_some() && moment(value) == moment(wanted);
    text(value) == text(wanted) || moments()
}

fn order(value: &Value, wanted: &Value) -> Option<Ordering> {
    if let Some(wanted) = number(wanted) {
        return number(value)?.partial_cmp(&wanted);
    }
    if let Some(wanted) = moment(wanted) {
        return Some(moment(value)?.cmp(&wanted));
    }
    Some(value.as_str()?.cmp(wanted.as_str()?))
}

pub async fn of_every_field(list: &List<'_>, hints: &Hints) -> Vec<String> {
    let all = match list.walk(&[("pageSize", "100")]).await {
        Ok(all) => all,
        Err(mistake) => return vec![mistake],
    };
    let mut mistakes: Vec<String> = pages(list, &all).await.err().into_iter().collect();
    let pushed = list.operation.pushed();
    // Each field by one operator, by two where the vendor is asked, and the next field by the next ones:
    // a list has more fields than there are operators.
    let mut turn = 0;
    for field in list.operation.fields() {
        for field in names(list, field, &all) {
            if is_unlike(list, hints, &field) {
                continue;
            }
            let tests = tests(list, &field, &all);
            let count = if pushed.contains(&field.as_str()) {
                2
            } else {
                1
            };
            let tests: Vec<_> = tests.iter().cycle().skip(turn).take(count).collect();
            turn += count;
            for test in tests {
                if let Err(mistake) = compare(list, &field, test, &all).await {
                    mistakes.push(mistake);
                }
            }
        }
    }
    mistakes
}

/// With a value from the middle of the list, and the next one that differs from it.
fn tests<'r>(list: &List<'_>, field: &str, all: &'r [Value]) -> Vec<Test<'r>> {
    let mut found = vec![Test::Present];
    let values = all
        .iter()
        .flat_map(|record| leaves(list.inner(record), field));
    let usable = |value: &&Value| match value {
        Value::String(text) => !text.is_empty() && text.len() <= 200,
        other => other.is_number() || other.is_boolean(),
    };
    let values: Vec<&Value> = values.filter(usable).collect();
    let Some(value) = values.get(values.len() / 2).copied() else {
        return found;
    };
    let other = values.iter().find(|other| !same(other, value));
    let other = other.copied().unwrap_or(value);
    let start: String = text(value)
        .chars()
        .take(3)
        .filter(|sign| *sign != '%')
        .collect();
    found.extend([
        Test::Differs(value),
        Test::Begins(start),
        Test::In(value, other),
        Test::Either(value, other),
    ]);
    if !value.is_boolean() {
        found.extend([Test::Less(value), Test::Greater(value)]);
    }
    found
}

async fn compare(
    list: &List<'_>,
    field: &str,
    test: &Test<'_>,
    all: &[Value],
) -> Result<(), String> {
    let condition = test.written(&name_of(field));
    let query = [("pageSize", "1000"), ("where", condition.as_str())];
    if !list.operation.filters_by_us(field) {
        let answer = list.answer(&query).await;
        if answer.status == 400 {
            let error = answer.checked_error(400)?;
            let said = message(&error);
            return match said.contains(field) && said.contains(test.operator()) {
                true => Ok(()),
                false => Err(format!(
                    "where={condition} is refused without a word of it: {said}"
                )),
            };
        }
    }
    let ids = |records: &mut dyn Iterator<Item = &Value>| {
        let mut ids: Vec<String> = records.map(|record| list.id(record)).collect();
        ids.sort();
        ids
    };
    let found = list.walk(&query).await?;
    let found = ids(&mut found.iter());
    let expected = all
        .iter()
        .filter(|record| test.holds(&leaves(list.inner(record), field)));
    let expected = ids(&mut expected.into_iter());
    match found == expected {
        true => Ok(()),
        false => {
            let only = |some: &[String], others: &[String]| {
                let only = some.iter().filter(|id| !others.contains(id));
                only.take(5).cloned().collect::<Vec<String>>()
            };
            Err(format!(
                "where={condition} finds {} records, not {}: too many are {:?}, not found {:?}",
                found.len(),
                expected.len(),
                only(&found, &expected),
                only(&expected, &found)
            ))
        }
    }
}

/// Pages by number and by token, of a search that leaves some records out.
async fn pages(list: &List<'_>, all: &[Value]) -> Result<(), String> {
    let middle = all.get(all.len() / 2).ok_or("no records")?;
    let id = &list.inner(middle)["id"];
    let others = format!("id != {}", literal(id));
    let expected = all.iter().filter(|record| list.inner(record)["id"] != *id);
    let expected: Vec<&Value> = expected.collect();
    for size in [2, 7] {
        let one = size.to_string();
        let mut found = Vec::new();
        for page in ["1", "2", "3"] {
            let query = [("page", page), ("pageSize", &one), ("where", &others)];
            let page = list.page(&query).await?;
            found.extend(page.records);
        }
        let wanted = expected.iter().take(3 * size).copied();
        if !found.iter().eq(wanted) {
            return Err(format!("where={others}, pages of {size}: {found:?}"));
        }
        let twice = (2 * size).to_string();
        let both = list
            .page(&[("pageSize", &twice), ("where", &others)])
            .await?;
        if both.records != found[..found.len().min(2 * size)] {
            return Err(format!("where={others}, one page of {twice}: {both:?}"));
        }
        // Page 1 by its size alone, the others by its token.
        let mut page = list.page(&[("pageSize", &one), ("where", &others)]).await?;
        let mut walked = page.records;
        while let (Some(token), true) = (page.next.take(), walked.len() < found.len()) {
            page = list.page(&[("nextPage", &token)]).await?;
            walked.append(&mut page.records);
        }
        if walked != found {
            return Err(format!("where={others}, by tokens of {size}: {walked:?}"));
        }
    }
    let condition = format!("id = {}", literal(id));
    for (page, count) in [("1", 1), ("2", 0)] {
        let query = [("page", page), ("pageSize", "5"), ("where", &condition)];
        let page = list.page(&query).await?;
        if page.records.len() != count || page.next.is_some() {
            return Err(format!("{query:?}: {page:?}"));
        }
    }
    Ok(())
}
