//! An answer of the server as tests look at it, and a collector that reports every disagreement at once.

use std::fmt;

use base64::Engine;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer read to its end; of a picture the text is empty.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        Self::read(response).await
    }

    pub async fn read(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("the answer is whole");
        let is_picture = headers
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"image/"));
        let bytes = if is_picture {
            Vec::new()
        } else {
            bytes.to_vec()
        };
        let text = String::from_utf8(bytes).expect("the answer is UTF-8");
        Answer {
            status,
            headers,
            text,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a readable header"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// The JSON of a successful answer.
    pub fn success(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    /// The body of an error answer that keeps every rule for error answers.
    pub fn error(&self, status: u16) -> Value {
        self.checked_error(status)
            .unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// The same with a sentence instead of a panic, for tests that go through tables.
    pub fn checked_error(&self, status: u16) -> Result<Value, String> {
        let fail = |what: &str| Err(format!("{what}: {self}"));
        if self.status != status {
            return fail(&format!("expected status {status}"));
        }
        if self.header("content-type") != Some("application/json;charset=UTF-8") {
            return fail("an error has the content type application/json;charset=UTF-8");
        }
        let Ok(body) = serde_json::from_str::<Value>(&self.text) else {
            return fail("an error has a JSON body");
        };
        let Some(fields) = body.as_object() else {
            return fail("an error's body is an object");
        };
        let known = ["requestId", "message", "providerMessage"];
        if !fields.keys().all(|key| known.contains(&key.as_str())) {
            return fail("an error has no fields but requestId, message and providerMessage");
        }
        let request_id = body["requestId"].as_str().unwrap_or_default();
        if !is_request_id(request_id) {
            return fail("requestId is 24 hexadecimal characters");
        }
        if self.header("elements-request-id") != Some(request_id) {
            return fail("requestId is also the header Elements-Request-Id");
        }
        if body["message"]
            .as_str()
            .is_none_or(|message| message.trim().is_empty())
        {
            return fail("message is a text");
        }
        if fields
            .get("providerMessage")
            .is_some_and(|text| !text.is_string())
        {
            return fail("providerMessage is a text or absent");
        }
        Ok(body)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text.chars().take(600).collect();
        write!(formatter, "got {} {:?} {text}", self.status, self.headers)
    }
}

pub fn is_request_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The message of an error's body.
pub fn message(error: &Value) -> &str {
    error["message"].as_str().expect("an error has a message")
}

/// A user secret or token that nobody has.
pub fn unknown_secret() -> String {
    base64::engine::general_purpose::STANDARD.encode(rand::random::<[u8; 32]>())
}

/// An organization secret that nobody has.
pub fn unknown_organization_secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// What a test found wrong; everything is reported together at the end.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    pub fn add(&mut self, finding: impl Into<String>) {
        self.0.push(finding.into());
    }

    pub fn check(&mut self, holds: bool, finding: impl FnOnce() -> String) {
        if !holds {
            self.add(finding());
        }
    }

    /// Notes a fault of an error answer, else gives its body.
    pub fn error(&mut self, what: &str, answer: &Answer, status: u16) -> Option<Value> {
        match answer.checked_error(status) {
            Ok(body) => Some(body),
            Err(fault) => {
                self.add(format!("{what}: {fault}"));
                None
            }
        }
    }

    pub fn status(&mut self, what: &str, answer: &Answer, status: u16) {
        self.check(answer.status == status, || {
            format!("{what}: expected {status}, {answer}")
        });
    }

    /// Those of another round, too.
    pub fn append(&mut self, mut other: Findings) {
        self.0.append(&mut other.0);
    }

    #[track_caller]
    pub fn none(self) {
        assert!(
            self.0.is_empty(),
            "{} findings:\n{}",
            self.0.len(),
            self.0.join("\n")
        );
    }
}
