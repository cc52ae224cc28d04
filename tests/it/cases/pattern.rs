//! What an answer has to look like: JSON in which an object names the members that matter.
//!
//! | Pattern | Fits |
//! |---|---|
//! | text, number, true, false, null | the same |
//! | object | an object that has these members, each of which fits |
//! | array | an array of as many items, each of which fits |
//! | `{"$is": "number"}` | a value of this type: also `absent`, `present`, `moment` |
//! | `{"$has": "part"}` | a text that contains this |
//! | `{"$count": 2}`, `{"$atLeast": 2}`, `{"$atMost": 2}` | an array of so many items |
//! | `{"$each": p}`, `{"$some": p}`, `{"$none": p}` | an array of which each, some, no item fits |
//! | `{"$not": p}`, `{"$oneOf": [p, …]}` | what does not fit, what fits one |
//! | `{"$exactly": p}` | the same, with no other members |

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Values that earlier steps have kept.
pub type Kept = BTreeMap<String, Value>;

/// `{name}` in every text of `json` as what was kept; a text that is nothing else becomes the value
/// itself, whatever type it has. Braces around anything but a name are braces.
pub fn filled(json: &Value, kept: &Kept) -> Value {
    match json {
        Value::String(text) => {
            let name = text
                .strip_prefix('{')
                .and_then(|text| text.strip_suffix('}'));
            match name.filter(|name| is_name(name)) {
                Some(name) => of(name, kept).clone(),
                None => Value::from(filled_text(text, kept)),
            }
        }
        Value::Array(items) => items.iter().map(|item| filled(item, kept)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let filled =
                members.map(|(name, value)| (filled_text(name, kept), filled(value, kept)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|sign| sign.is_ascii_alphanumeric())
}

pub fn filled_text(text: &str, kept: &Kept) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        rest = match after.split_once('}').filter(|(name, _)| is_name(name)) {
            Some((name, after)) => {
                match of(name, kept) {
                    Value::String(text) => out.push_str(text),
                    other => out.push_str(&other.to_string()),
                }
                after
            }
            None => {
                out.push('{');
                after
            }
        };
    }
    out + rest
}

fn of<'k>(name: &str, kept: &'k Kept) -> &'k Value {
    let known: Vec<&String> = kept.keys().collect();
    kept.get(name)
        .unwrap_or_else(|| panic!("{{{name}}} was not kept; there are {known:?}"))
}

/// What does not fit, with its place. `exact`: objects have no further members.
pub fn misfits(pattern: &Value, found: Option<&Value>, exact: bool) -> Vec<String> {
    let mut out = Vec::new();
    compare(pattern, found, exact, "", &mut out);
    out
}

pub fn fits(pattern: &Value, found: &Value) -> bool {
    misfits(pattern, Some(found), false).is_empty()
}

fn compare(
    pattern: &Value,
    found: Option<&Value>,
    exact: bool,
    place: &str,
    out: &mut Vec<String>,
) {
    let mut wrong = |what: String| {
        let found = found.map_or("nothing".to_owned(), shortened);
        out.push(format!("{place}: expected {what}, got {found}"));
    };
    match (pattern, found) {
        (Value::Object(rules), _) if rules.keys().any(|name| name.starts_with('$')) => {
            for (rule, wanted) in rules {
                let mistakes = judged(rule, wanted, found, exact);
                out.extend(mistakes.into_iter().map(|what| format!("{place}{what}")));
            }
        }
        (Value::Object(members), Some(Value::Object(others))) => {
            for (name, wanted) in members {
                compare(
                    wanted,
                    others.get(name),
                    exact,
                    &format!("{place}/{name}"),
                    out,
                );
            }
            if exact {
                let more = others.keys().filter(|name| !members.contains_key(*name));
                out.extend(more.map(|name| format!("{place}/{name}: is not expected")));
            }
        }
        (Value::Array(items), Some(Value::Array(others))) if items.len() == others.len() => {
            for (number, (wanted, found)) in items.iter().zip(others).enumerate() {
                compare(
                    wanted,
                    Some(found),
                    exact,
                    &format!("{place}/{number}"),
                    out,
                );
            }
        }
        (wanted, Some(found)) if !wanted.is_object() && wanted == found => {}
        (wanted, _) => wrong(shortened(wanted)),
    }
}

fn judged(rule: &str, wanted: &Value, found: Option<&Value>, exact: bool) -> Vec<String> {
    let said = |what: &str| {
        let found = found.map_or("nothing".to_owned(), shortened);
        vec![format!(": expected {what}, got {found}")]
    };
    let holds = |holds: bool, what: &str| if holds { Vec::new() } else { said(what) };
    let items = found.and_then(Value::as_array);
    let count = |holds: fn(usize, usize) -> bool| {
        let wanted = wanted
            .as_u64()
            .and_then(|count| usize::try_from(count).ok());
        let wanted = wanted.expect("a number");
        items.is_some_and(|items| holds(items.len(), wanted))
    };
    let number_fitting = || {
        let items = items.into_iter().flatten();
        items.filter(|item| fits(wanted, item)).count()
    };
    match rule {
        "$is" => {
            let kind = wanted.as_str().expect("a type");
            holds(is(kind, found), kind)
        }
        "$has" => {
            let part = wanted.as_str().expect("a text");
            let text = found.and_then(Value::as_str);
            holds(
                text.is_some_and(|text| text.contains(part)),
                &format!("a text with {part:?}"),
            )
        }
        "$count" => holds(
            count(|found, wanted| found == wanted),
            &format!("{wanted} items"),
        ),
        "$atLeast" => holds(
            count(|found, wanted| found >= wanted),
            &format!("at least {wanted} items"),
        ),
        "$atMost" => holds(
            count(|found, wanted| found <= wanted),
            &format!("at most {wanted} items"),
        ),
        "$each" => match items {
            Some(items) => {
                let mistakes = items.iter().enumerate().flat_map(|(number, item)| {
                    let mistakes = misfits(wanted, Some(item), exact).into_iter();
                    mistakes.map(move |what| format!("/{number}{what}"))
                });
                mistakes.take(3).collect()
            }
            None => said("an array"),
        },
        "$some" => holds(number_fitting() > 0, &format!("an item like {wanted}")),
        "$none" => holds(
            items.is_some() && number_fitting() == 0,
            &format!("no item like {wanted}"),
        ),
        "$not" => holds(
            found.is_none_or(|found| !fits(wanted, found)),
            &format!("anything but {wanted}"),
        ),
        "$oneOf" => {
            let mut patterns = wanted.as_array().expect("patterns").iter();
            holds(
                patterns.any(|pattern| misfits(pattern, found, exact).is_empty()),
                &format!("one of {wanted}"),
            )
        }
        "$exactly" => misfits(wanted, found, true),
        other => panic!("{other} is no rule of patterns"),
    }
}

fn is(kind: &str, found: Option<&Value>) -> bool {
    match (kind, found) {
        ("absent", found) => found.is_none(),
        (_, None) => false,
        ("present", Some(_)) => true,
        ("number", Some(found)) => found.is_number(),
        ("text", Some(found)) => found.is_string(),
        ("boolean", Some(found)) => found.is_boolean(),
        ("array", Some(found)) => found.is_array(),
        ("object", Some(found)) => found.is_object(),
        ("null", Some(found)) => found.is_null(),
        ("moment", Some(found)) => {
            let text = found.as_str().unwrap_or_default();
            let shape: String = text
                .chars()
                .take(10)
                .map(|sign| if sign.is_ascii_digit() { '9' } else { sign })
                .collect();
            shape == "9999-99-99"
        }
        (other, _) => panic!("{other} is no type of patterns"),
    }
}

pub fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Pairs of a query: `name: text`, or several texts.
pub fn pairs(query: &Map<String, Value>, kept: &Kept) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in query {
        let values = match filled(value, kept) {
            Value::Array(values) => values,
            one => vec![one],
        };
        for value in values {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            pairs.push((name.clone(), text));
        }
    }
    pairs
}

#[test]
fn patterns_fit_what_they_say() {
    use serde_json::json;
    let value = json!({"id": 7, "name": "Ann", "tags": ["a", "b"], "inner": {"x": null, "y": 1}});
    for (pattern, holds) in [
        (json!({"id": 7}), true),
        (json!({"id": "7"}), false),
        (
            json!({"id": {"$is": "number"}, "more": {"$is": "absent"}}),
            true,
        ),
        (json!({"id": {"$is": "absent"}}), false),
        (json!({"name": {"$has": "nn"}}), true),
        (json!({"name": {"$has": "z"}}), false),
        (json!({"inner": {"x": null}}), true),
        (json!({"inner": {"z": null}}), false),
        (json!({"inner": {"$exactly": {"x": null}}}), false),
        (
            json!({"inner": {"$exactly": {"x": null, "y": {"$is": "number"}}}}),
            true,
        ),
        (json!({"tags": ["a"]}), false),
        (
            json!({"tags": {"$count": 2, "$some": "a", "$none": "c"}}),
            true,
        ),
        (json!({"tags": {"$each": {"$is": "text"}}}), true),
        (json!({"tags": {"$each": "a"}}), false),
        (json!({"tags": {"$atMost": 1}}), false),
        (json!({"tags": {"$atLeast": 1}}), true),
        (json!({"name": {"$not": "Ann"}}), false),
        (json!({"name": {"$oneOf": ["Bo", "Ann"]}}), true),
        (json!({"id": {"$count": 0}}), false),
    ] {
        assert_eq!(fits(&pattern, &value), holds, "{pattern}");
    }
    let kept = Kept::from([
        ("id".to_owned(), json!(7)),
        ("name".to_owned(), json!("Ann")),
    ]);
    let given = json!(["{id}", "/a/{id}/{name}", {"of": "{name}"}, "{\"a\":{\"b\":{id}}}"]);
    assert_eq!(
        filled(&given, &kept),
        json!([7, "/a/7/Ann", {"of": "Ann"}, "{\"a\":{\"b\":7}}"])
    );
}
