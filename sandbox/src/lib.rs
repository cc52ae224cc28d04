//! The simulated vendors: one HTTP server that answers as each vendor would, chosen by the Host header.
//!
//! The way of a call: `server` (connections) → `Sandbox::receive` (whose host is it?) → `journal` → `faults` →
//! the vendor's folder, whose functions are synchronous and work on state in memory. `/_control/` changes what the
//! vendors hold and what goes wrong. Never linked into the product; tests run it in their own process on port 0.

mod answer;
mod autotask;
mod clock;
mod control;
mod docusign;
mod faults;
mod form;
mod freshdesk;
mod hosts;
mod journal;
mod oauth;
mod pattern;
mod pipedrive;
mod records;
mod routes;
mod seeding;
mod server;
mod sugarcrm;
mod vendor;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use serde_json::json;

use answer::{Answer, Body, Delay};
use faults::Faults;
use hosts::Hosts;
use journal::Journal;
use vendor::{Call, Vendor};

pub use server::serve;

/// More than any vendor takes in one call.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether received calls are kept for reading.
    pub journal: bool,
    /// Names with a dot under which the sandbox's own calls are reached, beside addresses and plain names.
    pub own_hosts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            journal: true,
            own_hosts: Vec::new(),
        }
    }
}

/// All vendors with their state, the journal and the faults in force.
#[derive(Debug)]
pub struct Sandbox {
    hosts: Hosts,
    journal: Journal,
    faults: Faults,
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("closed without an answer")
    }
}

impl std::error::Error for NoAnswer {}

impl Sandbox {
    pub fn new(settings: &Settings) -> Self {
        Self {
            hosts: Hosts::new(&settings.own_hosts),
            journal: Journal::new(settings.journal),
            faults: Faults::default(),
        }
    }

    fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    /// One request, from its head to its answer.
    async fn receive(&self, request: Request<Incoming>) -> Result<Response<Body>, NoAnswer> {
        let (head, body) = request.into_parts();
        let Some(host) = hosts::named(&head.uri, &head.headers) else {
            let message = "the Host header is missing or is no host name";
            return Ok(whole(control::refused(StatusCode::BAD_REQUEST, message)));
        };
        let body = match read(body).await {
            Ok(body) => body,
            Err(answer) => return answer.map(whole).ok_or(NoAnswer),
        };
        let mut call = Call {
            method: head.method,
            host,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers,
            body,
        };
        if let Some(vendor) = self.hosts.vendor(&call.host) {
            return self.to_vendor(vendor.as_ref(), call).await;
        }
        if !self.hosts.is_own(&call.host) {
            // Kept as well: who looks for calls that went astray looks in the journal.
            let answer = self.unknown_host(StatusCode::MISDIRECTED_REQUEST, &call.host);
            self.journal.record(&Arc::new(call));
            return Ok(whole(answer));
        }
        if let Some(path) = call.path.strip_prefix("/_control/") {
            return Ok(whole(control::answer(self, &call, path)));
        }
        let Some((host, path)) = hosts::embedded(&call.path) else {
            let message = "this is the sandbox itself: send a vendor's host as Host header, or use /_host/{vendor host}/… or /_control/…";
            let body = json!({ "message": message, "hosts": self.hosts.known() });
            return Ok(whole(answer::json(StatusCode::NOT_FOUND, &body)));
        };
        let Some(vendor) = self.hosts.vendor(&host) else {
            return Ok(whole(self.unknown_host(StatusCode::NOT_FOUND, &host)));
        };
        (call.host, call.path) = (host, path);
        self.to_vendor(vendor.as_ref(), call).await
    }

    async fn to_vendor(&self, vendor: &dyn Vendor, call: Call) -> Result<Response<Body>, NoAnswer> {
        let call = Arc::new(call);
        self.journal.record(&call);
        let plan = self.faults.plan(&call);
        let answer = match plan.fault() {
            Some(fault) => fault.answer(&call, vendor),
            None => Some(whole(vendor.answer(&call))),
        };
        // The vendor has done its work by now: a caller that stops waiting does not undo it.
        let own = answer
            .as_ref()
            .and_then(|answer| answer.extensions().get::<Delay>());
        let delay = plan.delay + own.map_or(Duration::ZERO, |delay| delay.0);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        answer.ok_or(NoAnswer)
    }

    fn unknown_host(&self, status: StatusCode, host: &str) -> Answer {
        let message = format!("no simulated vendor serves the host \"{host}\"");
        answer::json(
            status,
            &json!({ "message": message, "hosts": self.hosts.known() }),
        )
    }
}

fn whole(answer: Answer) -> Response<Body> {
    answer.map(Body::Whole)
}

/// The whole body; the error is the answer to one that is too long, or nothing when the caller broke off.
async fn read(body: Incoming) -> Result<Bytes, Option<Answer>> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Some(control::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the sandbox takes at most {BODY_LIMIT} bytes in one call"),
        ))),
        Err(_) => Err(None),
    }
}
