//! What every simulated vendor offers to the sandbox.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::answer::Answer;

/// One received call, complete with its body.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    /// The vendor's host, lower-case, without a port.
    pub host: String,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// A header's value as text; absent and unreadable ones are the same to a simulator.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Name and password of HTTP Basic.
    pub fn basic(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    }

    /// Path and query as they stood in the request line.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// A simulated vendor. A trait, because adding one must be a folder and one line in a table.
///
/// Every function is synchronous: a lock taken inside cannot be held while something is awaited.
pub trait Vendor: Send + Sync {
    /// Its folder, and the name of its control calls.
    fn key(&self) -> &'static str;

    /// The hosts it serves, in words for people.
    fn hosts(&self) -> &'static str;

    fn serves(&self, host: &str) -> bool;

    /// Answers a call as the vendor would, and changes what the vendor would change.
    fn answer(&self, call: &Call) -> Answer;

    /// Counts a call that a fault answers, and adds the headers that are on every answer of this vendor.
    fn dress(&self, call: &Call, headers: &mut HeaderMap);

    /// The vendor's own way of saying "too many calls".
    fn rate_limited(&self, call: &Call, retry_after_seconds: u64) -> Answer;

    /// Calls under `/_control/{key}/`, for seeding and changing accounts.
    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Answer;

    /// Everything it holds, for the eyes of tests.
    fn state(&self) -> Value;

    /// Back to what it was at the start.
    fn reset(&self);
}

/// Locks even if a test panicked while holding the lock: the state stays readable.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
