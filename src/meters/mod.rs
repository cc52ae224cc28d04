//! What is counted, under which names, and the text that a Prometheus reads.
//!
//! Every value of a label comes from a closed set: route patterns, element keys of the catalogue,
//! words of our own. Nothing that a caller can choose becomes a label, or a caller could make
//! series without end.

mod process;

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What no route pattern stands for: hub calls, and paths that nothing answers.
pub const NO_ROUTE: &str = "-";

/// Seconds; from a read that the database answers to the longest vendor call.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Samples wait in memory until they are sorted into buckets.
const UPKEEP: Duration = Duration::from_secs(1);

const REQUESTS: &str = "bunsen_http_requests_total";
const REQUEST_SECONDS: &str = "bunsen_http_request_duration_seconds";
const VENDOR_CALLS: &str = "bunsen_vendor_calls_total";
const VENDOR_SECONDS: &str = "bunsen_vendor_call_duration_seconds";
const GUARD: &str = "bunsen_guard_refusals_total";
const LOG_INS: &str = "bunsen_log_in_refusals_total";
const BUDGETS: &str = "bunsen_budget_refusals_total";
const LOGGED: &str = "bunsen_request_log_rows_total";
const UNLOGGED: &str = "bunsen_request_log_dropped_total";
const HANDSHAKES: &str = "bunsen_tls_handshake_failures_total";

static REQUESTS_NOW: AtomicI64 = AtomicI64::new(0);
static CONNECTIONS_NOW: AtomicI64 = AtomicI64::new(0);
static SCRIPTS_UNFILTERED: AtomicI64 = AtomicI64::new(0);
/// 0: there is no certificate.
static CERTIFICATE_ENDS: AtomicI64 = AtomicI64::new(0);

/// Counts for as long as it lives.
#[derive(Debug)]
pub struct Held(&'static AtomicI64);

impl Held {
    fn new(of: &'static AtomicI64) -> Self {
        of.fetch_add(1, Ordering::Relaxed);
        Self(of)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub fn request() -> Held {
    Held::new(&REQUESTS_NOW)
}

pub fn connection() -> Held {
    Held::new(&CONNECTIONS_NOW)
}

/// `route` is a pattern of the router, or [`NO_ROUTE`].
pub fn answered(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let method = known(method);
    counter!(REQUESTS, "method" => method, "route" => route.to_owned(), "status" => class(status))
        .increment(1);
    histogram!(REQUEST_SECONDS, "method" => method, "route" => route.to_owned()).record(took);
}

/// `outcome` is a class of statuses, or a word for why there is no answer.
pub fn vendor_called(element: &str, outcome: &'static str, took: Duration) {
    counter!(VENDOR_CALLS, "element" => element.to_owned(), "outcome" => outcome).increment(1);
    histogram!(VENDOR_SECONDS, "element" => element.to_owned()).record(took);
}

pub fn guard_refused(reason: &'static str) {
    counter!(GUARD, "reason" => reason).increment(1);
}

/// `limit`: which of the log-in's limits was reached.
pub fn log_in_refused(limit: &'static str) {
    counter!(LOG_INS, "limit" => limit).increment(1);
}

/// `whose` budget, and why, in words of ours.
pub fn budget_refused(whose: &'static str, reason: &'static str) {
    counter!(BUDGETS, "budget" => whose, "reason" => reason).increment(1);
}

/// Scripts run without a filter on calls of the system; `true`: that is new.
pub fn scripts_unfiltered() -> bool {
    SCRIPTS_UNFILTERED.swap(1, Ordering::Relaxed) == 0
}

/// When our own certificate ends, in seconds since 1970.
pub fn certificate_ends(at: i64) {
    CERTIFICATE_ENDS.store(at, Ordering::Relaxed);
}

pub fn handshake_failed(why: &'static str) {
    counter!(HANDSHAKES, "reason" => why).increment(1);
}

/// Rows of the request log that the database has.
pub fn requests_logged(rows: usize) {
    counter!(LOGGED).increment(rows as u64);
}

/// Rows of the request log that nobody will find. `reason` is a word of ours.
pub fn request_unlogged(reason: &'static str, rows: usize) {
    counter!(UNLOGGED, "reason" => reason).increment(rows as u64);
}

/// `2xx` and so on.
pub fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}

/// A caller may make up methods.
pub fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// What is not counted as it happens, but read when somebody asks.
#[derive(Debug)]
pub struct Now<'a> {
    pub version: &'a str,
    pub mode: &'a str,
    pub catalogue: &'a str,
    pub ready: bool,
    /// Connections to the database: open, of those unused, allowed; and who waits for one.
    pub database: (u32, usize, u32),
    pub database_waiting: usize,
    /// Requests, and work that goes on without its caller.
    pub tasks: usize,
    /// Rows of the request log.
    pub log_waiting: usize,
}

/// Starts counting; before it nothing is kept. Calling it again changes nothing.
pub fn start() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets(BUCKETS)
            .expect("the list of buckets is not empty")
            .build_recorder();
        let handle = recorder.handle();
        // Fails only if another recorder is there already, and this is the one place.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    })
}

/// Keeps memory bounded when nobody asks; runs until it is dropped.
pub async fn upkeep() {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        start().run_upkeep();
    }
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route pattern.");
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from a request's head to its answer."
    );
    describe_counter!(VENDOR_CALLS, "Calls to vendors.");
    describe_histogram!(
        VENDOR_SECONDS,
        Unit::Seconds,
        "Time that vendor calls took."
    );
    describe_counter!(GUARD, "Vendor calls refused by the outbound guard.");
    describe_counter!(LOG_INS, "Log-ins refused because there were too many.");
    describe_counter!(BUDGETS, "Vendor calls that no budget had left.");
    describe_counter!(LOGGED, "Rows of the request log that were written.");
    describe_counter!(
        UNLOGGED,
        "Rows of the request log that were left out or lost."
    );
    describe_counter!(HANDSHAKES, "TLS connections that did not come about.");
}

/// The whole text.
pub fn render(now: &Now<'_>) -> String {
    let mut text = Text(start().render());
    text.gauge(
        "bunsen_build_info",
        "Version and mode of this server.",
        &format!("{{version=\"{}\",mode=\"{}\"}}", now.version, now.mode),
        1,
    );
    text.gauge(
        "bunsen_catalogue_info",
        "SHA-256 of the element definitions in use; replicas should agree.",
        &format!("{{sha256=\"{}\"}}", now.catalogue),
        1,
    );
    text.plain(
        "bunsen_ready",
        "1 unless the server is stopping.",
        u8::from(now.ready),
    );
    text.plain(
        "bunsen_http_requests_in_flight",
        "Requests being answered.",
        REQUESTS_NOW.load(Ordering::Relaxed),
    );
    text.plain(
        "bunsen_tasks_in_flight",
        "Requests and work without a caller that a graceful stop waits for.",
        now.tasks,
    );
    text.plain(
        "bunsen_connections_open",
        "Connections of clients.",
        CONNECTIONS_NOW.load(Ordering::Relaxed),
    );
    let (open, idle, most) = now.database;
    text.plain(
        "bunsen_database_connections_open",
        "Connections to the database.",
        open,
    );
    text.plain(
        "bunsen_database_connections_idle",
        "Those of them that nobody uses.",
        idle,
    );
    text.plain(
        "bunsen_database_connections_allowed",
        "How many there may be.",
        most,
    );
    text.plain(
        "bunsen_database_waiting",
        "Requests that wait for one.",
        now.database_waiting,
    );
    text.plain(
        "bunsen_request_log_waiting",
        "Rows of the request log that wait to be written.",
        now.log_waiting,
    );
    text.plain(
        "bunsen_scripts_unfiltered",
        "1: scripts run without a filter on calls of the system, which the kernel does not have.",
        SCRIPTS_UNFILTERED.load(Ordering::Relaxed),
    );
    let ends = CERTIFICATE_ENDS.load(Ordering::Relaxed);
    if ends != 0 {
        text.plain(
            "bunsen_tls_certificate_end_seconds",
            "When our own certificate ends, in seconds since 1970.",
            ends,
        );
    }
    process::render(&mut text);
    text.0
}

struct Text(String);

impl Text {
    fn plain(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.gauge(name, help, "", value);
    }

    fn gauge(&mut self, name: &str, help: &str, labels: &str, value: impl std::fmt::Display) {
        self.line("gauge", name, help, labels, value);
    }

    fn line(
        &mut self,
        kind: &str,
        name: &str,
        help: &str,
        labels: &str,
        value: impl std::fmt::Display,
    ) {
        // Writing to a string does not fail.
        let _ = write!(
            self.0,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{labels} {value}\n\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_methods_share_one_label() {
        for text in ["BREW", "get", "X\u{2d}1"] {
            let method = Method::from_bytes(text.as_bytes()).expect("a token");
            assert_eq!(known(&method), "other");
        }
        assert_eq!(known(&Method::PATCH), "PATCH");
    }

    #[test]
    fn every_status_has_a_class() {
        for (status, expected) in [(100, "1xx"), (204, "2xx"), (404, "4xx"), (999, "other")] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(class(status), expected);
        }
    }
}
