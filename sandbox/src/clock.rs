//! The time of a simulated vendor: the true one, moved by control calls, so that tests need not wait for hours.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer;
use crate::seeding::{Outcome, parse};

#[derive(Debug, Default)]
pub struct Clock {
    ahead: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

impl Clock {
    /// Unix seconds by this clock.
    pub fn now(&self) -> i64 {
        Timestamp::now().as_second().saturating_add(self.ahead)
    }

    /// What it is ahead of the true time; below zero when it is behind.
    pub fn ahead(&self) -> i64 {
        self.ahead
    }

    pub fn shown(&self) -> Value {
        json!({ "now": self.now(), "ahead_seconds": self.ahead })
    }

    /// The control call that reads it.
    pub fn read(&self) -> Outcome {
        Ok(answer::json(StatusCode::OK, &self.shown()))
    }

    /// The control call that moves it; backwards too, which makes a caller's clock one that is fast.
    pub fn advance(&mut self, body: &[u8]) -> Outcome {
        let advance: Advance = parse(body)?;
        self.ahead = self.ahead.saturating_add(advance.advance_seconds);
        self.read()
    }
}
