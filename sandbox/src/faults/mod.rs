//! What goes wrong on request: the rules that tests switch on. What they send is in `answers`.

mod answers;
mod bomb;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::pattern;
use crate::vendor::{Call, lock};

/// A kind of misbehaviour. `Slow`, `Trickle`, `Cut` and `LostAnswer` happen around the vendor's true answer; with all
/// others the vendor never sees the call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Closes the connection without an answer.
    Refuse {},
    /// The vendor does its work, then the connection closes without an answer.
    LostAnswer {},
    /// A fixed answer.
    Status {
        status: u16,
        #[serde(default, with = "text")]
        body: Bytes,
        #[serde(default = "json_type")]
        content_type: String,
        #[serde(default)]
        headers: Map<String, Value>,
    },
    /// Waits before the headers, then lets other rules decide the answer.
    Slow { milliseconds: u64 },
    /// Sends the body in small pieces with pauses.
    Trickle {
        #[serde(default = "one")]
        bytes: usize,
        #[serde(default = "tenth_of_a_second")]
        every_milliseconds: u64,
    },
    /// Announces the whole length, sends half, closes.
    Cut {},
    /// So many bytes of JSON, with or without their length announced.
    Huge {
        #[serde(default = "huge_bytes")]
        bytes: u64,
        #[serde(default = "yes")]
        announced: bool,
    },
    /// 200 with an HTML page.
    Html {},
    Redirect {
        #[serde(default = "found")]
        status: u16,
        location: String,
    },
    /// 200 with JSON that ends in the middle.
    InvalidJson {},
    /// Valid JSON, small on the wire and large when unpacked.
    GzipBomb {
        #[serde(default = "bomb_bytes")]
        bytes: u64,
    },
    /// The vendor's own answer to too many calls.
    RateLimited {
        #[serde(default = "retry_after")]
        retry_after: u64,
    },
}

fn json_type() -> String {
    String::from("application/json; charset=utf-8")
}
fn one() -> usize {
    1
}
fn tenth_of_a_second() -> u64 {
    100
}
fn huge_bytes() -> u64 {
    64 * 1024 * 1024
}
fn yes() -> bool {
    true
}
fn found() -> u16 {
    302
}
fn bomb_bytes() -> u64 {
    256 * 1024 * 1024
}
fn retry_after() -> u64 {
    34
}

/// A body is text in JSON and shared bytes here, so that answering with a large one copies nothing.
mod text {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
    }
}

/// Which calls a rule applies to, and how often.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Selector {
    #[serde(default = "any")]
    host: String,
    /// Compared with the path, or with path and query when it holds a question mark.
    #[serde(default = "any")]
    path: String,
    method: Option<String>,
    /// How many calls it applies to; without it, all until it is deleted.
    count: Option<u64>,
}

fn any() -> String {
    String::from("*")
}

#[derive(Debug)]
struct Rule {
    id: u64,
    selector: Selector,
    fault: Fault,
    applied: AtomicU64,
}

impl Rule {
    fn parse(id: u64, body: &[u8]) -> Result<Self, String> {
        let mut fault: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| format!("no JSON object: {error}"))?;
        // One flat object is easier to type; taken apart by name so that both halves refuse what they do not know.
        let mut selector = Map::new();
        for name in ["host", "path", "method", "count"] {
            if let Some((name, value)) = fault.remove_entry(name) {
                selector.insert(name, value);
            }
        }
        let mut selector: Selector =
            serde_json::from_value(Value::Object(selector)).map_err(|error| error.to_string())?;
        selector.host.make_ascii_lowercase();
        if let Some(method) = &mut selector.method {
            method.make_ascii_uppercase();
        }
        let fault: Fault =
            serde_json::from_value(Value::Object(fault)).map_err(|error| error.to_string())?;
        fault.check()?;
        Ok(Self {
            id,
            selector,
            fault,
            applied: AtomicU64::new(0),
        })
    }

    fn selects(&self, call: &Call) -> bool {
        let selector = &self.selector;
        let method = selector.method.as_deref();
        method.is_none_or(|method| method == call.method.as_str())
            && pattern::fits(&selector.host, &call.host)
            && if selector.path.contains('?') {
                pattern::fits(&selector.path, &call.path_and_query())
            } else {
                pattern::fits(&selector.path, &call.path)
            }
    }

    /// Uses up one of its calls; false when none is left.
    fn take(&self) -> bool {
        let most = self.selector.count.unwrap_or(u64::MAX);
        let step = |applied| (applied < most).then_some(applied + 1);
        self.applied
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .is_ok()
    }

    fn shown(&self) -> Value {
        let mut shown = json!(self.selector);
        let applied = self.applied.load(Ordering::Relaxed);
        shown["id"] = json!(self.id);
        shown["applied"] = json!(applied);
        shown["left"] = json!(self.selector.count.map(|count| count - applied.min(count)));
        if let (Some(shown), Value::Object(fault)) = (shown.as_object_mut(), json!(self.fault)) {
            shown.extend(fault);
        }
        shown
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    any: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    list: Arc<Vec<Arc<Rule>>>,
}

/// What is to happen to one call.
#[derive(Debug, Default)]
pub struct Plan {
    pub delay: Duration,
    rule: Option<Arc<Rule>>,
}

impl Plan {
    pub fn fault(&self) -> Option<&Fault> {
        self.rule.as_deref().map(|rule| &rule.fault)
    }
}

impl Faults {
    pub fn add(&self, body: &[u8]) -> Result<Value, String> {
        let mut rules = lock(&self.rules);
        let rule = Rule::parse(rules.last_id + 1, body)?;
        rules.last_id = rule.id;
        let shown = rule.shown();
        let mut list = rules.list.to_vec();
        list.push(Arc::new(rule));
        self.replace(&mut rules, list);
        Ok(shown)
    }

    pub fn list(&self) -> Value {
        let shown: Vec<Value> = lock(&self.rules)
            .list
            .iter()
            .map(|rule| rule.shown())
            .collect();
        json!(shown)
    }

    pub fn one(&self, id: &str) -> Option<Value> {
        let rules = lock(&self.rules);
        let rule = rules.list.iter().find(|rule| rule.id.to_string() == id)?;
        Some(rule.shown())
    }

    /// Whether there was one of this id.
    pub fn remove(&self, id: &str) -> bool {
        let mut rules = lock(&self.rules);
        let before = rules.list.len();
        let mut list = rules.list.to_vec();
        list.retain(|rule| rule.id.to_string() != id);
        self.replace(&mut rules, list);
        rules.list.len() < before
    }

    pub fn clear(&self) {
        self.replace(&mut lock(&self.rules), Vec::new());
    }

    fn replace(&self, rules: &mut Rules, list: Vec<Arc<Rule>>) {
        self.any.store(!list.is_empty(), Ordering::Release);
        rules.list = Arc::new(list);
    }

    /// Every `Slow` rule that fits adds its delay; the oldest other rule that fits decides the answer.
    pub fn plan(&self, call: &Call) -> Plan {
        let mut plan = Plan::default();
        if !self.any.load(Ordering::Acquire) {
            return plan;
        }
        let list = Arc::clone(&lock(&self.rules).list);
        for rule in list.iter().filter(|rule| rule.selects(call)) {
            let slow = matches!(rule.fault, Fault::Slow { .. });
            if (!slow && plan.rule.is_some()) || !rule.take() {
                continue;
            }
            match rule.fault {
                Fault::Slow { milliseconds } => plan.delay += Duration::from_millis(milliseconds),
                _ => plan.rule = Some(Arc::clone(rule)),
            }
        }
        plan
    }
}

impl Fault {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Status {
                status,
                content_type,
                headers,
                ..
            } => {
                checked_status("status", *status, 200)?;
                header_value("content_type", content_type)?;
                for (name, value) in headers {
                    header(name, value)?;
                }
                Ok(())
            }
            Self::Redirect { status, location } => {
                checked_status("status", *status, 300)?;
                header_value("location", location).map(drop)
            }
            Self::Trickle { bytes: 0, .. } => Err(String::from("bytes: must be at least 1")),
            _ => Ok(()),
        }
    }
}

fn checked_status(field: &str, status: u16, least: u16) -> Result<(), String> {
    let most = if least == 300 { 399 } else { 599 };
    if (least..=most).contains(&status) {
        return Ok(());
    }
    Err(format!("{field}: {status} is not from {least} to {most}"))
}

fn header_value(field: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("{field}: cannot stand in a header"))
}

fn header(name: &str, value: &Value) -> Result<(HeaderName, HeaderValue), String> {
    let field = format!("headers.{name}");
    let text = value
        .as_str()
        .ok_or_else(|| format!("{field}: must be a string"))?;
    let parsed = name
        .parse()
        .map_err(|_| format!("{field}: no header name"))?;
    Ok((parsed, header_value(&field, text)?))
}
