//! One case after the other: a step fails the case, since later ones build upon it.

use serde_json::{Value, json};
use url::Url;

use super::file::{Call, Case, Step, VendorCall};
use super::pattern::{Kept, filled, filled_text, misfits, pairs};
use super::place::{Instance, Place, Sent};
use crate::answer::{Answer, Findings, is_request_id};

pub async fn case(place: &Place, file: &str, case: &Case, findings: &mut Findings) {
    // Whose key was refused by the vendor may not be valid any more.
    let instance = match case.controls() {
        true => place.another(&case.configuration).await,
        false => place.instance(&case.configuration).await,
    };
    let mut kept = Kept::from([("unique".to_owned(), json!(place.word()))]);
    for (number, step) in case.steps.iter().enumerate() {
        let mistakes = match step {
            Step::Control(control) => {
                let (method, path) = control.control.split_once(' ').expect("method and path");
                let body = control.body.as_ref().map(|body| filled(body, &kept));
                place
                    .vendors
                    .control(method, &filled_text(path, &kept), body.as_ref())
                    .await;
                continue;
            }
            Step::Call(call) => self::call(place, &instance, call, &mut kept).await,
        };
        if let Err(mistakes) = mistakes {
            for mistake in mistakes {
                findings.add(format!(
                    "{file}, {}, step {}: {mistake}",
                    case.name,
                    number + 1
                ));
            }
            break;
        }
    }
    if case.controls() {
        place.vendors.reset().await;
    }
}

async fn call(
    place: &Place,
    instance: &Instance,
    call: &Call,
    kept: &mut Kept,
) -> Result<(), Vec<String>> {
    let before = newest(place).await;
    let body = call
        .body
        .as_ref()
        .map(|body| filled(body, kept).to_string());
    let headers = call.headers.iter();
    let sent = Sent {
        query: pairs(&call.query, kept),
        headers: headers
            .map(|(name, value)| (name.as_str(), filled_text(value, kept)))
            .collect(),
        body: body.or_else(|| call.text.clone()),
    };
    let target = call.call.split_once(' ').expect("method and path").1;
    let answer = place
        .send(instance, call.method(), &filled_text(target, kept), sent)
        .await;
    let mut mistakes = of_answer(instance, call, &answer, kept);
    if let Some(expected) = &call.vendor {
        mistakes.extend(of_vendor(place, before, expected, kept).await);
    }
    if !mistakes.is_empty() {
        mistakes.push(format!("{} {answer}", call.call));
        return Err(mistakes);
    }
    for (name, from) in &call.keep {
        let value = match from.strip_prefix("header ") {
            Some(header) => answer.header(header).map(Value::from),
            None => answer.json().pointer(from).cloned(),
        };
        let value = value.ok_or_else(|| vec![format!("there is no {from} to keep in {answer}")])?;
        kept.insert(name.clone(), value);
    }
    Ok(())
}

fn of_answer(instance: &Instance, call: &Call, answer: &Answer, kept: &Kept) -> Vec<String> {
    let expected = &call.answer;
    let mut mistakes = Vec::new();
    let body = if expected.status == 200 {
        if answer.status != 200 {
            return vec!["expected status 200".to_owned()];
        }
        mistakes.extend(conventions(instance, answer));
        serde_json::from_str(&answer.text).ok()
    } else {
        match answer.checked_error(expected.status) {
            Ok(body) => Some(body),
            Err(mistake) => return vec![mistake],
        }
    };
    let mut check = |place: &str, pattern: &Option<Value>, found: Option<&Value>| {
        let Some(pattern) = pattern else {
            return;
        };
        // A sentence is part of what is said.
        let pattern = match (filled(pattern, kept), place) {
            (Value::String(part), "message" | "providerMessage") => json!({"$has": part}),
            (pattern, _) => pattern,
        };
        let found = misfits(&pattern, found, false).into_iter();
        mistakes.extend(found.map(|mistake| format!("{place}{mistake}")));
    };
    check("body", &expected.body, body.as_ref());
    check(
        "message",
        &expected.says,
        body.as_ref().and_then(|body| body.get("message")),
    );
    let provider = body.as_ref().and_then(|body| body.get("providerMessage"));
    check("providerMessage", &expected.provider_says, provider);
    for (name, pattern) in &expected.headers {
        let found = answer.header(name).map(Value::from);
        let found = misfits(&filled(pattern, kept), found.as_ref(), false).into_iter();
        mistakes.extend(found.map(|mistake| format!("header {name}{mistake}")));
    }
    mistakes
}

/// What holds for the success of any hub call.
pub fn conventions(instance: &Instance, answer: &Answer) -> Vec<String> {
    let mut mistakes = Vec::new();
    if !answer
        .header("elements-request-id")
        .is_some_and(is_request_id)
    {
        mistakes.push("no Elements-Request-Id".to_owned());
    }
    if answer.header("elements-element-instance-id") != Some(instance.id.as_str()) {
        mistakes.push("no Elements-Element-Instance-Id".to_owned());
    }
    let list = match serde_json::from_str::<Value>(&answer.text) {
        Ok(body) => {
            if answer.header("content-type") != Some("application/json;charset=UTF-8") {
                mistakes.push("the content type is not application/json;charset=UTF-8".to_owned());
            }
            body.as_array().map(Vec::len)
        }
        Err(_) if answer.text.is_empty() => None,
        // A file.
        Err(_)
            if answer
                .header("content-type")
                .is_some_and(|kind| !kind.starts_with("application/json")) =>
        {
            None
        }
        Err(error) => {
            mistakes.push(format!("no JSON ({error})"));
            None
        }
    };
    let count = answer.header("elements-returned-count");
    let wanted = list.map(|count| count.to_string());
    if wanted.is_some() && count != wanted.as_deref() {
        mistakes.push(format!(
            "Elements-Returned-Count is {count:?}, there are {wanted:?}"
        ));
    }
    if list.is_none() && answer.header("elements-next-page-token").is_some() {
        mistakes.push("Elements-Next-Page-Token beside one record".to_owned());
    }
    mistakes
}

/// Number of the newest call that the vendors have received.
async fn newest(place: &Place) -> u64 {
    let journal = place
        .vendors
        .control("GET", "/_control/journal?limit=1", None)
        .await;
    journal["calls"][0]["number"].as_u64().unwrap_or(0)
}

async fn of_vendor(place: &Place, after: u64, expected: &[VendorCall], kept: &Kept) -> Vec<String> {
    let path = format!("/_control/journal?after={after}");
    let journal = place.vendors.control("GET", &path, None).await;
    let seen = journal["calls"].as_array().expect("calls");
    let mut mistakes = Vec::new();
    if seen.len() != expected.len() {
        let lines: Vec<String> = seen.iter().map(line).collect();
        mistakes.push(format!(
            "the vendor got {} calls, not {}: {lines:?}",
            seen.len(),
            expected.len()
        ));
    }
    for (number, (wanted, seen)) in expected.iter().zip(seen).enumerate() {
        let found = of_vendor_call(wanted, seen, kept).into_iter();
        mistakes.extend(found.map(|mistake| format!("vendor call {}: {mistake}", number + 1)));
    }
    mistakes
}

fn line(seen: &Value) -> String {
    let text = |name: &str| seen[name].as_str().unwrap_or_default();
    let query = match text("query") {
        "" => String::new(),
        query => format!("?{query}"),
    };
    format!(
        "{} https://{}{}{query}",
        text("method"),
        text("host"),
        text("path")
    )
}

fn of_vendor_call(wanted: &VendorCall, seen: &Value, kept: &Kept) -> Vec<String> {
    let (call, mut query) = read(&filled_text(&wanted.call, kept));
    let (seen_call, seen_query) = read(&line(seen));
    for (name, pattern) in &wanted.query {
        query[name] = filled(pattern, kept);
    }
    let mut mistakes = Vec::new();
    if call != seen_call {
        mistakes.push(format!("expected {call}, got {seen_call}"));
    }
    let found = misfits(&query, Some(&seen_query), true).into_iter();
    mistakes.extend(found.map(|mistake| format!("query{mistake}")));
    let text = seen["body"].as_str().unwrap_or_default();
    let body = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    match &wanted.body {
        Some(pattern) => {
            let found = misfits(&filled(pattern, kept), Some(&body), true).into_iter();
            mistakes.extend(found.map(|mistake| format!("body{mistake}")));
        }
        None if text.is_empty() => {}
        None => mistakes.push(format!("a body was sent: {text}")),
    }
    for (name, pattern) in &wanted.headers {
        let found = seen["headers"]
            .get(name.to_ascii_lowercase())
            .map(|values| &values[0]);
        let found = misfits(&filled(pattern, kept), found, false).into_iter();
        mistakes.extend(found.map(|mistake| format!("header {name}{mistake}")));
    }
    mistakes
}

/// Method and URL, and the query as an object; what is repeated is an array.
fn read(line: &str) -> (String, Value) {
    let (method, url) = line.split_once(' ').expect("method and URL");
    let mut url = Url::parse(url).expect("a URL");
    let mut query = json!({});
    for (name, value) in url.query_pairs() {
        let slot = &mut query[name.as_ref()];
        *slot = match slot.take() {
            Value::Null => json!(value),
            Value::Array(mut values) => {
                values.push(json!(value));
                json!(values)
            }
            one => json!([one, value]),
        };
    }
    url.set_query(None);
    (format!("{method} {url}"), query)
}
