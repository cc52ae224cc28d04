//! What goes wrong on request: rules that tests switch on, and the answers they make.

mod bomb;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::{self, Answer, Body, Step};
use crate::pattern;
use crate::vendor::{Call, Vendor, lock};

const CHUNK: usize = 64 * 1024;

/// Long enough for what was written before to leave the process: an error discards what is still buffered.
const FLUSH: Duration = Duration::from_millis(20);

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

    /// The answer to a call, or `None` to close the connection without one.
    pub fn answer(&self, call: &Call, vendor: &dyn Vendor) -> Option<Response<Body>> {
        let whole = |answer: Answer| Some(answer.map(Body::Whole));
        match self {
            Self::Refuse {} => None,
            Self::LostAnswer {} => {
                vendor.answer(call);
                None
            }
            Self::Slow { .. } => whole(vendor.answer(call)),
            Self::Trickle {
                bytes,
                every_milliseconds,
            } => Some(trickle(vendor.answer(call), *bytes, *every_milliseconds)),
            Self::Cut {} => Some(cut(vendor.answer(call))),
            Self::Html {} => whole(page()),
            Self::RateLimited { retry_after } => whole(vendor.rate_limited(call, *retry_after)),
            _ => {
                let mut answer = self.made_up();
                vendor.dress(call, answer.headers_mut());
                Some(answer)
            }
        }
    }

    /// Answers that are the same for every vendor, before its own headers are added.
    fn made_up(&self) -> Response<Body> {
        match self {
            Self::Status {
                status,
                body,
                content_type,
                headers,
            } => fixed(*status, body, content_type, headers),
            Self::Redirect { status, location } => {
                let mut answer = answer::empty(known_status(*status));
                if let Ok(location) = HeaderValue::from_str(location) {
                    answer.headers_mut().insert(LOCATION, location);
                }
                answer.map(Body::Whole)
            }
            Self::Huge { bytes, announced } => huge(*bytes, *announced),
            Self::GzipBomb { bytes } => {
                let (steps, length) = bomb::steps(*bytes);
                let mut answer = json_steps(steps, Some(length));
                answer
                    .headers_mut()
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                answer
            }
            _ => answer::typed(
                StatusCode::OK,
                "application/json; charset=utf-8",
                Bytes::from_static(b"{\"id\":1,\"name\":\"cut in the mid"),
            )
            .map(Body::Whole),
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

fn known_status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
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

fn fixed(
    status: u16,
    body: &Bytes,
    content_type: &str,
    headers: &Map<String, Value>,
) -> Response<Body> {
    let mut answer = answer::empty(known_status(status));
    if !body.is_empty()
        && let Ok(content_type) = HeaderValue::from_str(content_type)
    {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    let parsed = headers
        .iter()
        .filter_map(|(name, value)| header(name, value).ok());
    answer.headers_mut().extend(parsed);
    answer.map(|_| Body::Whole(body.clone()))
}

fn page() -> Answer {
    let page = "<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>We will be back soon</h1></body></html>";
    answer::typed(
        StatusCode::OK,
        "text/html; charset=utf-8",
        Bytes::from_static(page.as_bytes()),
    )
}

fn json_steps(steps: Vec<Step>, announced: Option<u64>) -> Response<Body> {
    let mut answer = Response::new(Body::paced(steps));
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    if let Some(length) = announced {
        answer
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

/// A JSON object of the wanted length: one string, as long as it takes.
fn huge(bytes: u64, announced: bool) -> Response<Body> {
    let (head, tail): (&[u8], &[u8]) = (b"{\"padding\":\"", b"\"}");
    let filling = bytes.saturating_sub((head.len() + tail.len()) as u64);
    let chunk = Bytes::from(vec![b'a'; CHUNK]);
    let rest = usize::try_from(filling % CHUNK as u64).unwrap_or(0);
    let steps = vec![
        Step::Send(Bytes::from_static(head)),
        Step::Repeat(chunk.clone(), filling / CHUNK as u64),
        Step::Send(chunk.slice(..rest)),
        Step::Send(Bytes::from_static(tail)),
    ];
    let length = filling + (head.len() + tail.len()) as u64;
    json_steps(steps, announced.then_some(length))
}

fn trickle(answer: Answer, bytes: usize, every_milliseconds: u64) -> Response<Body> {
    let length = answer.body().len() as u64;
    let mut answer = answer.map(|mut body| {
        let mut steps = Vec::new();
        while !body.is_empty() {
            steps.push(Step::Wait(Duration::from_millis(every_milliseconds)));
            steps.push(Step::Send(body.split_to(bytes.min(body.len()))));
        }
        Body::paced(steps)
    });
    announce(&mut answer, length);
    answer
}

/// An answer without a body has nothing to cut, so it gets one.
fn cut(mut answer: Answer) -> Response<Body> {
    if answer.body().is_empty() {
        answer = answer::json(
            StatusCode::OK,
            &json!({"message": "half of this text is never sent"}),
        );
    }
    let length = answer.body().len() as u64;
    let mut answer = answer.map(|body| {
        let half = body.slice(..body.len() / 2);
        Body::paced([Step::Send(half), Step::Wait(FLUSH), Step::Break])
    });
    announce(&mut answer, length);
    answer
}

fn announce(answer: &mut Response<Body>, length: u64) {
    if length > 0 {
        answer
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}
