//! The token endpoint is away for an hour, in every way that there is. Time is simulated: the vendor's clock goes on, and
//! what the database holds of moments comes nearer by as much.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::front::{self, VENDOR_TIMEOUT};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::{Server, serve};
use crate::renewal::{RENEWED, Renewing, fatal};
use crate::vendors::until;

const INSTANCES: i64 = 12;
/// Of simulated time from one moment that is looked at to the next.
const STEP: u64 = 150;
const HOUR: u64 = 3600;
/// With pauses that double up to a quarter of an hour, give or take half.
const MOST_ATTEMPTS: i64 = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Well,
    Unavailable,
    Refused,
    Hanging,
    Html,
    Throttled,
    /// RFC 6749, in the status of a refusal.
    TemporarilyUnavailable,
    /// Somebody in front of the vendor.
    Proxy,
}

/// The way to the simulated vendors, whose token endpoint can be away.
struct Way {
    port: u16,
    mode: Arc<Mutex<Mode>>,
    vendors: String,
    serving: Option<JoinHandle<()>>,
}

impl Way {
    async fn new(vendors: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let mut way = Self {
            port,
            mode: Arc::new(Mutex::new(Mode::Well)),
            vendors: vendors.to_owned(),
            serving: None,
        };
        way.listen(listener);
        way
    }

    fn listen(&mut self, listener: TcpListener) {
        let state = (Arc::clone(&self.mode), self.vendors.clone());
        let router = Router::new().fallback(pass_on).with_state(state);
        self.serving = Some(tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        }));
    }

    async fn is(&mut self, mode: Mode) {
        *self.mode.lock().expect("a mode") = mode;
        match (mode == Mode::Refused, self.serving.take()) {
            (true, Some(serving)) => {
                serving.abort();
                let _ = serving.await;
            }
            (false, None) => {
                let listener = TcpListener::bind(("127.0.0.1", self.port)).await;
                self.listen(listener.expect("the same port"));
            }
            (_, serving) => self.serving = serving,
        }
    }
}

async fn pass_on(
    State((mode, vendors)): State<(Arc<Mutex<Mode>>, String)>,
    request: Request,
) -> Response {
    let mode = *mode.lock().expect("a mode");
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let mut answer = match (front::refresh_token(&parts.method, &body), mode) {
        (None, _) | (_, Mode::Well) => front::forward(&vendors, &parts, &body).await,
        (Some(_), Mode::Unavailable | Mode::Refused) => {
            (StatusCode::SERVICE_UNAVAILABLE, "{\"error\":\"down\"}").into_response()
        }
        (Some(_), Mode::Hanging) => {
            tokio::time::sleep(Duration::from_secs(VENDOR_TIMEOUT * 10)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        (Some(_), Mode::Html) => (
            StatusCode::BAD_GATEWAY,
            [(header::CONTENT_TYPE, "text/html")],
            "<html>maintenance</html>",
        )
            .into_response(),
        (Some(_), Mode::TemporarilyUnavailable) => (
            StatusCode::BAD_REQUEST,
            [(header::CONTENT_TYPE, "application/json")],
            "{\"error\":\"temporarily_unavailable\"}",
        )
            .into_response(),
        (Some(_), Mode::Proxy) => (
            StatusCode::UNAUTHORIZED,
            [(header::CONTENT_TYPE, "text/html")],
            "<html>login to proxy</html>",
        )
            .into_response(),
        (Some(_), Mode::Throttled) => (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::RETRY_AFTER, "420")],
            "{}",
        )
            .into_response(),
    };
    // Nobody keeps a connection to what is about to be away.
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

struct Outage {
    world: Renewing,
    case: Case,
    way: Way,
    server: Server,
    made: Vec<Value>,
    /// Simulated seconds since the beginning.
    now: u64,
    control: String,
}

impl Outage {
    async fn execute(&self, statement: &'static str, seconds: u64) {
        sqlx::query(statement)
            .bind(seconds as f64)
            .execute(&self.world.site.database.pool)
            .await
            .expect("a statement");
    }

    /// Time goes on, for the vendor and for what is stored.
    async fn go_on(&mut self, seconds: u64) {
        self.now += seconds;
        let vendors = &self.world.site.vendors;
        let by = json!({"advance_seconds": seconds});
        vendors.control("POST", &self.control, Some(&by)).await;
        self.execute(
            "update instances set
                 renewal_due_at = renewal_due_at - make_interval(secs => $1),
                 invalid_since = invalid_since - make_interval(secs => $1),
                 renewal_claimed_until = null,
                 configuration = jsonb_set(configuration, '{oauth.user.refresh_time}',
                     to_jsonb(((configuration->>'oauth.user.refresh_time')::bigint
                               - ($1 * 1000)::bigint)::text))",
            seconds,
        )
        .await;
        self.world.site.all_forget().await;
        // As long as a worker needs; what is due is tried.
        let due = "select count(*) from instances where valid and renewal_due_at <= now()";
        until("what is due is tried", async || {
            self.world.site.count(due).await == 0
        })
        .await;
    }

    /// No call fails while the access token lives: the vendor takes it, and the instance is valid.
    async fn nothing_fails(&self) -> usize {
        let invalid = "select count(*) from instances where not valid";
        assert_eq!(self.world.site.count(invalid).await, 0, "at {} s", self.now);
        let grants = self
            .case
            .control(&self.world.site.vendors, "GET", "grants", None)
            .await;
        for grant in grants.as_array().expect("grants") {
            assert_eq!(grant["revoked"], false, "at {} s", self.now);
        }
        // With a vendor that cannot be reached at all no call can go well.
        if self.way.serving.is_none() {
            return 0;
        }
        let living: Vec<i64> = sqlx::query_scalar(
            "select id from instances
             where (configuration->>'oauth.user.refresh_time')::bigint
                 + (configuration->>'oauth.user.refresh_interval')::bigint * 1000
                 > (extract(epoch from now()) * 1000)::bigint + 10000",
        )
        .fetch_all(&self.world.site.database.pool)
        .await
        .expect("living ones");
        let (path, user) = (self.case.passed(), self.server.authorization());
        let calls = self.made.iter().filter(|made| {
            let id = made["id"].as_i64().expect("an id");
            living.contains(&id)
        });
        let calls = calls.map(|made| {
            let token = made["token"].as_str().expect("a token");
            let header = format!("{user}, Element {token}");
            let request = self.server.request("GET", &path, &header);
            Answer::of(request)
        });
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.status, 200, "at {} s: {answer}", self.now);
        }
        living.len()
    }

    /// Access tokens that have not ended, as the vendor sees it.
    async fn alive(&self) -> usize {
        let vendors = &self.world.site.vendors;
        let clock = vendors.control("GET", &self.control, None).await;
        let now = clock["now"].as_i64().expect("a moment");
        let grants = self.case.control(vendors, "GET", "grants", None).await;
        let grants = grants.as_array().expect("grants").clone();
        let lives = |token: &Value| token["expires_at"].as_i64().is_some_and(|end| end > now);
        let alive = grants.iter().filter(|grant| {
            let tokens = grant["access_tokens"].as_array().expect("tokens");
            tokens.iter().any(lives)
        });
        alive.count()
    }
}

#[database_test]
async fn an_hour_without_the_token_endpoint(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    // Renewed early enough to live through a good part of the hour.
    world.strict(&case, 7200).await;
    let way = Way::new(&world.site.vendors.url).await;
    let site = &world.site;
    let origin = format!("http://127.0.0.1:{}", way.port);
    let timeout = VENDOR_TIMEOUT.to_string();
    let arguments = [
        "--sandbox",
        &origin,
        "--database-url",
        &site.database.url,
        "--keyring",
        &site.keyring,
        "--vendor-timeout",
        &timeout,
    ];
    let server = serve(&site.folder.path("one"), &arguments).await;
    let mut made = Vec::new();
    for _ in 0..INSTANCES {
        made.push(world.create(&case, &server).await);
    }
    let control = format!("/_control/{}/clock", case.vendor());
    let mut outage = Outage {
        world,
        case,
        way,
        server,
        made,
        now: 0,
        control,
    };
    // Until the first of them is due.
    let first =
        "select (extract(epoch from min(renewal_due_at) - now()) - 60)::bigint from instances";
    let until_due = outage.world.site.count(first).await;
    outage
        .go_on(until_due.try_into().expect("it is not due yet"))
        .await;
    assert_eq!(outage.alive().await as i64, INSTANCES);
    let before = outage.world.spends(&outage.case).await;
    let begun = outage.now;
    let mut calls = 0;
    let modes = [
        // While access tokens live: what looks like a refusal.
        Mode::TemporarilyUnavailable,
        Mode::Proxy,
        Mode::Unavailable,
        Mode::Html,
        Mode::Refused,
        Mode::Throttled,
        Mode::Hanging,
    ];
    for (number, mode) in modes.into_iter().enumerate() {
        outage.way.is(mode).await;
        let end = begun + HOUR * (number as u64 + 1) / modes.len() as u64;
        while outage.now < end {
            outage.go_on(STEP.min(end - outage.now)).await;
            calls += outage.nothing_fails().await;
        }
    }
    assert!(calls > INSTANCES as usize * 6, "{calls} calls were made");
    let attempts = "select max(renewal_attempts)::bigint from instances";
    let attempts = outage.world.site.count(attempts).await;
    assert!((1..=MOST_ATTEMPTS).contains(&attempts), "{attempts}");
    assert_eq!(outage.world.spends(&outage.case).await, before);
    // Nobody comes back at the same moment as everybody else.
    let apart = "select count(distinct date_trunc('minute', renewal_due_at)) from instances";
    assert!(outage.world.site.count(apart).await > INSTANCES / 4);

    outage.way.is(Mode::Well).await;
    let healed = outage.now;
    while outage.world.site.count(RENEWED).await < INSTANCES {
        assert!(outage.now - healed < HOUR, "it heals by itself");
        outage.go_on(STEP * 4).await;
        outage.nothing_fails().await;
    }
    let (spends, doubles) = outage.world.spends(&outage.case).await;
    assert_eq!((spends - before.0, doubles), (INSTANCES as u64, 0));
    outage.server.stop().await;
}
