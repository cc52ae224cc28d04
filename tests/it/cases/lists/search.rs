//! A search by a field that equals a value gives records alone where it does, and the record that the
//! value was taken from among them.

use serde_json::Value;

use super::{Hints, List};

pub async fn of_every_field(list: &List<'_>, hints: &Hints) -> Vec<String> {
    let samples = match list.page(&[("pageSize", "60")]).await {
        Ok(page) => page.records,
        Err(mistake) => return vec![mistake],
    };
    let by_tokens = by_tokens(list, &samples).await;
    let mut mistakes: Vec<String> = by_tokens.err().into_iter().collect();
    for field in list.operation.fields() {
        for field in names(list, field, &samples) {
            if is_unlike(list, hints, &field) {
                continue;
            }
            for (record, value) in chosen(list, &field, &samples) {
                if let Err(mistake) = search(list, &field, record, value).await {
                    mistakes.push(mistake);
                }
            }
        }
    }
    mistakes
}

/// Whether it is not tried.
pub fn is_unlike(list: &List<'_>, hints: &Hints, field: &str) -> bool {
    let mut unlike = hints.unlike.iter();
    unlike.any(|unlike| unlike.list == list.operation.path && unlike.field == field)
}

/// `custom_fields.*` as what records have there.
pub fn names(list: &List<'_>, field: &str, samples: &[Value]) -> Vec<String> {
    let Some(above) = field.strip_suffix(".*") else {
        return vec![field.to_owned()];
    };
    let mut names: Vec<String> = Vec::new();
    for record in samples {
        for inner in leaves(list.inner(record), above) {
            let members = inner.as_object().into_iter().flatten();
            names.extend(members.map(|(name, _)| format!("{above}.{name}")));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// A value to search for, and one with a character that needs care, if there is one.
fn chosen<'r>(list: &List<'_>, field: &str, samples: &'r [Value]) -> Vec<(&'r Value, &'r Value)> {
    let all = samples.iter().flat_map(|record| {
        let values = leaves(list.inner(record), field).into_iter();
        values.map(move |value| (record, value))
    });
    let usable = |value: &Value| match value {
        Value::String(text) => !text.is_empty() && text.len() <= 200,
        other => other.is_number() || other.is_boolean(),
    };
    let all: Vec<_> = all.filter(|(_, value)| usable(value)).collect();
    let careful = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.contains(['\'', '"', '%', '&', '+', '#']) || !text.is_ascii()
    };
    let plain = all.iter().find(|(_, value)| !careful(value));
    let odd = all.iter().find(|(_, value)| careful(value));
    plain.into_iter().chain(odd).copied().collect()
}

/// What a dotted name leads to; of arrays each item.
pub fn leaves<'r>(record: &'r Value, field: &str) -> Vec<&'r Value> {
    let mut found = vec![record];
    for name in field.split('.') {
        found = found
            .into_iter()
            .flat_map(flat)
            .filter_map(|value| value.get(name))
            .collect();
    }
    found
        .into_iter()
        .flat_map(flat)
        .filter(|value| !value.is_null())
        .collect()
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A token knows the condition that it belongs to.
async fn by_tokens(list: &List<'_>, samples: &[Value]) -> Result<(), String> {
    let numbers = samples
        .iter()
        .filter_map(|record| list.inner(record)["id"].as_i64());
    let least = numbers.min().unwrap_or(0);
    let condition = format!("id>{least} and id is not null");
    let query = [("pageSize", "3"), ("where", condition.as_str())];
    let expected = list.page(&query).await?;
    // No vendor is asked for that.
    let filtered = expected.filtered.unwrap_or_default();
    if !filtered.to_lowercase().contains("id is not null") {
        return Err(format!(
            "where={condition}: filtered here is told to be '{filtered}'"
        ));
    }
    let expected = expected.records;
    let mut page = list.page(&[("pageSize", "1"), query[1]]).await?;
    let mut found = page.records;
    while let (Some(token), true) = (page.next.take(), found.len() < expected.len()) {
        page = list
            .page(&[("pageSize", "1"), ("nextPage", &token)])
            .await?;
        found.append(&mut page.records);
    }
    match found == expected && !found.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "where={condition}, one by one by tokens: {found:?}, not {expected:?}"
        )),
    }
}

/// As an expression writes it.
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => other.to_string(),
    }
}

pub fn name_of(field: &str) -> String {
    match field.split('.').all(is_plain) {
        true => field.to_owned(),
        false => format!("`{field}`"),
    }
}

async fn search(list: &List<'_>, field: &str, record: &Value, value: &Value) -> Result<(), String> {
    let wanted = text(value);
    let condition = format!("{}={}", name_of(field), literal(value));
    let query = [("pageSize", "100"), ("where", condition.as_str())];
    let page = list.page(&query).await?;
    for found in &page.records {
        let values = leaves(list.inner(found), field);
        if !values.iter().any(|value| text(value) == wanted) {
            return Err(format!(
                "where={condition} finds {} with {values:?}",
                list.id(found)
            ));
        }
    }
    let is_there = page
        .records
        .iter()
        .any(|found| list.id(found) == list.id(record));
    if !is_there && (page.next.is_none() || page.records.is_empty()) {
        let found: Vec<String> = page.records.iter().map(|found| list.id(found)).collect();
        return Err(format!(
            "where={condition} finds {found:?}, not {} that it was taken from; {:?}",
            list.id(record),
            page.notice
        ));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    let mut signs = name.chars();
    signs
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && signs.all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-'))
}
