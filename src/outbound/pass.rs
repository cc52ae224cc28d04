//! A call that is handed through: neither its body nor the answer's is held.
//!
//! The limit of time is for what the vendor does: until the head of its answer it must not stand
//! still for longer, and afterwards not from one piece to the next. While the caller's own body does
//! not come the vendor cannot answer, and the clock waits; whoever hands the body in says how long.
//! Nothing is unpacked and nothing counted against the cap, which is for what is held.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bunsen_engine::request::VendorRequest;
use http::{HeaderMap, StatusCode};

use super::body::{AnswerBody, Payload, Progress, TrackedBody};
use super::error::SendError;
use super::guard::{self, Destination};
use super::{Head, Inner, Outbound, note};

/// An answer that stands still for so long in its middle has ended. Below the time that our own
/// answers have to get on.
const STALLED: Duration = Duration::from_secs(25);

/// A call to be handed through.
pub struct Passing<'a> {
    /// Method, headers and where it goes; its own body is not sent.
    pub request: &'a VendorRequest,
    /// Path and query, sent byte for byte in the place of the URL's.
    pub target: &'a str,
    pub payload: Payload,
}

impl fmt::Debug for Passing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing")
            .field("request", &self.request)
            .field("payload", &self.payload)
            .finish_non_exhaustive()
    }
}

/// An answer whose body is still to come.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: AnswerBody,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl Outbound {
    /// One call, at most one: nothing is retried and no redirect is followed here.
    pub async fn pass(
        &self,
        passing: Passing<'_>,
        destination: &Destination<'_>,
    ) -> Result<Answer, SendError> {
        let started = Instant::now();
        let host = guard::shown_host(&passing.request.url);
        let outcome = self.0.guarded_pass(passing, &host, destination).await;
        let status = outcome.as_ref().map(|answer| answer.status);
        note(status, &host, destination, started.elapsed());
        outcome
    }
}

impl Inner {
    async fn guarded_pass(
        &self,
        passing: Passing<'_>,
        host: &str,
        destination: &Destination<'_>,
    ) -> Result<Answer, SendError> {
        let progress = Arc::new(Progress::default());
        let head = Head {
            method: passing.request.method.clone(),
            url: &passing.request.url,
            target: passing.target,
            headers: passing.request.headers.clone(),
        };
        let body = TrackedBody::of(passing.payload, progress.clone());
        let call = async {
            let (way, call) = self.prepare(&self.passing, head, body, destination).await?;
            self.head(&way, call, host, &progress).await
        };
        let mut call = std::pin::pin!(call);
        let response = loop {
            let left = self
                .total_timeout
                .saturating_sub(progress.stands_still_for());
            if left.is_zero() {
                return Err(SendError::TimedOut {
                    host: host.to_owned(),
                    after: self.total_timeout,
                    sent: progress.is_taken(),
                });
            }
            if let Ok(outcome) = tokio::time::timeout(left, &mut call).await {
                break outcome?;
            }
        };
        let (head, body) = response.into_parts();
        let patience = self.total_timeout.min(STALLED);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: AnswerBody::new(host.to_owned(), body, patience),
        })
    }
}
