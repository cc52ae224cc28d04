//! What reached the vendors, so that tests can assert it.
//!
//! Bounded twice: by the number of calls, and by the bytes of their bodies.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::pattern;
use crate::vendor::{Call, lock};

const CALLS: usize = 10_000;
const BODY_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub struct Journal {
    on: bool,
    received: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    next_number: u64,
    body_bytes: usize,
    calls: VecDeque<(u64, Arc<Call>)>,
}

impl Journal {
    pub fn new(on: bool) -> Self {
        Self {
            on,
            received: AtomicU64::new(0),
            kept: Mutex::new(Kept::default()),
        }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn record(&self, call: &Arc<Call>) {
        self.received.fetch_add(1, Ordering::Relaxed);
        if !self.on {
            return;
        }
        let mut kept = lock(&self.kept);
        kept.next_number += 1;
        let number = kept.next_number;
        kept.body_bytes += call.body.len();
        kept.calls.push_back((number, Arc::clone(call)));
        while kept.calls.len() > CALLS || kept.body_bytes > BODY_BYTES {
            let Some((_, oldest)) = kept.calls.pop_front() else {
                break;
            };
            kept.body_bytes -= oldest.body.len();
        }
    }

    pub fn clear(&self) {
        *lock(&self.kept) = Kept::default();
        self.received.store(0, Ordering::Relaxed);
    }

    /// The kept calls that a query selects, oldest first, with the counts of `count`.
    pub fn read(&self, query: &str) -> Result<Value, String> {
        let query = Query::parse(query)?;
        let selected = self.select(&query);
        let skipped = query
            .limit
            .map_or(0, |limit| selected.len().saturating_sub(limit));
        let calls: Vec<Value> = selected[skipped..]
            .iter()
            .map(|(number, call)| shown(*number, call))
            .collect();
        Ok(json!({
            "received": self.received.load(Ordering::Relaxed),
            "count": selected.len(),
            "calls": calls,
        }))
    }

    /// How many calls were received in all, and how many of the kept ones a query selects.
    pub fn count(&self, query: &str) -> Result<Value, String> {
        let query = Query::parse(query)?;
        Ok(json!({
            "received": self.received.load(Ordering::Relaxed),
            "count": self.select(&query).len(),
        }))
    }

    fn select(&self, query: &Query) -> Vec<(u64, Arc<Call>)> {
        let kept = lock(&self.kept);
        let wanted = kept
            .calls
            .iter()
            .filter(|(number, call)| query.selects(*number, call));
        wanted.cloned().collect()
    }
}

/// `host` and `path` are patterns with `*`; `after` is the number of the last call already seen.
#[derive(Debug, Default)]
struct Query {
    host: Option<String>,
    path: Option<String>,
    method: Option<String>,
    after: u64,
    limit: Option<usize>,
}

impl Query {
    fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let number = || {
                let parsed = value.parse::<u64>();
                parsed.map_err(|_| format!("{name}: \"{value}\" is not a whole number"))
            };
            match name.as_ref() {
                "host" => query.host = Some(value.to_ascii_lowercase()),
                "path" => query.path = Some(value.into_owned()),
                "method" => query.method = Some(value.to_ascii_uppercase()),
                "after" => query.after = number()?,
                "limit" => query.limit = Some(usize::try_from(number()?).unwrap_or(usize::MAX)),
                _ => {
                    return Err(format!(
                        "{name}: unknown; one of host, path, method, after, limit"
                    ));
                }
            }
        }
        Ok(query)
    }

    fn selects(&self, number: u64, call: &Call) -> bool {
        let fits = |wanted: &Option<String>, text: &str| {
            wanted
                .as_deref()
                .is_none_or(|pattern| pattern::fits(pattern, text))
        };
        number > self.after
            && fits(&self.host, &call.host)
            && fits(&self.path, &call.path)
            && fits(&self.method, call.method.as_str())
    }
}

fn shown(number: u64, call: &Call) -> Value {
    let mut headers = Map::new();
    for (name, value) in &call.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let values = headers.entry(name.as_str()).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(Value::String(text));
        }
    }
    let mut entry = json!({
        "number": number,
        "method": call.method.as_str(),
        "host": call.host,
        "path": call.path,
        "query": call.query,
        "headers": headers,
    });
    match std::str::from_utf8(&call.body) {
        Ok(text) => entry["body"] = json!(text),
        Err(_) => entry["body_base64"] = json!(STANDARD.encode(&call.body)),
    }
    entry
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    fn call(path: &str, body: Bytes) -> Arc<Call> {
        Arc::new(Call {
            method: Method::POST,
            host: String::from("acme.vendor.example"),
            path: path.to_owned(),
            query: None,
            headers: HeaderMap::new(),
            body,
        })
    }

    #[test]
    fn only_the_newest_calls_are_kept_and_all_are_counted() {
        let journal = Journal::new(true);
        for number in 0..CALLS + 5 {
            journal.record(&call(&format!("/{number}"), Bytes::new()));
        }
        let read = journal.read("").expect("a query");
        assert_eq!(read["received"], CALLS + 5);
        assert_eq!(read["count"], CALLS);
        assert_eq!(read["calls"][0]["path"], "/5");
        let last = journal.read("limit=1").expect("a query");
        assert_eq!(last["calls"][0]["number"], CALLS + 5);
    }

    #[test]
    fn large_bodies_push_out_older_calls() {
        let journal = Journal::new(true);
        let body = Bytes::from(vec![0; BODY_BYTES / 2]);
        for path in ["/1", "/2", "/3"] {
            journal.record(&call(path, body.clone()));
        }
        let count = journal.count("").expect("a query");
        assert_eq!(
            (count["received"].as_u64(), count["count"].as_u64()),
            (Some(3), Some(2))
        );
    }

    #[test]
    fn switched_off_it_still_counts() {
        let journal = Journal::new(false);
        journal.record(&call("/1", Bytes::new()));
        let count = journal.count("").expect("a query");
        assert_eq!(
            (count["received"].as_u64(), count["count"].as_u64()),
            (Some(1), Some(0))
        );
    }

    #[test]
    fn unknown_query_words_are_refused() {
        assert!(Journal::new(true).read("hots=x").is_err());
        assert!(Journal::new(true).read("after=x").is_err());
    }
}
