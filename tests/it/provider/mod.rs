//! An authorization server that is not ours: a certified one from the package registry, started by
//! `tests/provider/`. What it says about Bunsen counts here, not what a simulator of ours believes.
//!
//! One process serves the whole file; every test has a provider of its own in it, under a host of
//! its own, with its own clients, people, clock and log.

mod browser;
mod clocks;
mod connect;
mod fleet;
mod hostile;
mod odd;
mod reuse;
mod walks;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bunsen_engine::oauth::{code_challenge, code_verifier};
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::node;
use crate::server::{Caller, TestOptions, TestServer};
use crate::vendors::{client, until};
use browser::{Browser, Left};

const BASE: &str = "/elements/api-v2";
const CALLBACK: &str = "https://app.example/back";
/// Of the pages of [`TestServer`].
const CONNECT_CALLBACK: &str = "http://127.0.0.1:8080/connect/callback";
/// Seconds that an access token lives, where a test does not say it.
const ACCESS_SECONDS: u64 = 600;
const KEY: &str = include_str!("../../../engine/src/oauth/assertion/key.pem");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider")
}

/// The process, which ends with its standard input and so with this one.
struct Running {
    origin: String,
    _child: Child,
}

/// Starts it once; nothing when that is not possible here.
fn running() -> Option<&'static Running> {
    static RUNNING: OnceLock<Option<Running>> = OnceLock::new();
    let start = || {
        if let Err(missing) = node::ready(&folder()) {
            node::skipped("the tests with a certified provider", &missing);
            return None;
        }
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("a line");
        let origin = line.trim().strip_prefix("listening on ");
        let origin = origin.unwrap_or_else(|| panic!("the provider did not start: {line}"));
        Some(Running {
            origin: origin.to_owned(),
            _child: child,
        })
    };
    RUNNING.get_or_init(start).as_ref()
}

/// One provider.
struct Provider {
    /// First label of its host.
    site: String,
    origin: &'static str,
    client: reqwest::Client,
}

/// What has happened there.
struct Log(Vec<Value>);

impl Provider {
    async fn open(access_seconds: u64) -> Option<Provider> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let running = running()?;
        let provider = Provider {
            site: format!("p{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            origin: &running.origin,
            client: client(),
        };
        let person = |kind: &str, method: &str| {
            json!({"client_id": id(kind), "client_secret": secret(kind), "token_endpoint_auth_method": method,
                   "redirect_uris": [CALLBACK, CONNECT_CALLBACK],
                   "grant_types": ["authorization_code", "refresh_token"]})
        };
        let machine = |kind: &str, method: &str| {
            json!({"client_id": id(kind), "client_secret": secret(kind), "token_endpoint_auth_method": method,
                   "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"]})
        };
        let mut public = person("public", "none");
        let mut signer = machine("key", "private_key_jwt");
        for without in [&mut public, &mut signer] {
            let members = without.as_object_mut().expect("an object");
            members.remove("client_secret");
        }
        signer["pem"] = json!(KEY);
        let clients = json!([
            person("code", "client_secret_basic"),
            person("form", "client_secret_post"),
            public,
            machine("client", "client_secret_basic"),
            signer,
            machine("inspector", "client_secret_basic"),
        ]);
        let settings =
            json!({"access_seconds": access_seconds, "tolerance": 15, "clients": clients});
        provider.control("POST", "", Some(&settings)).await;
        Some(provider)
    }

    fn host(&self) -> String {
        format!("{}.harbour.example", self.site)
    }

    fn route(&self) -> String {
        format!("{}={}", self.host(), self.origin)
    }

    async fn control(&self, method: &str, what: &str, body: Option<&Value>) -> Value {
        let method = method.parse().expect("a method");
        let url = format!("{}/_control/{}/{what}", self.origin, self.host());
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request).await.success()
    }

    async fn set(&self, members: Value) {
        self.control("PATCH", "", Some(&members)).await;
    }

    async fn log(&self) -> Log {
        let log = self.control("GET", "log", None).await;
        Log(serde_json::from_value(log).expect("a list"))
    }

    /// Calls one of its endpoints, as anybody may.
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self
            .client
            .request(method, format!("{}{path}", self.origin));
        request.header("host", self.host())
    }

    /// The same with a form.
    async fn post(&self, path: &str, kind: &str, pairs: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let secret = secret(kind);
        let secret: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let request = self
            .request("POST", path)
            .basic_auth(id(kind), Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        Answer::of(request).await
    }

    /// Whether a token is good, as a server of the provider's would ask.
    async fn is_live(&self, token: &str) -> bool {
        let pairs = [("token", token)];
        let answer = self
            .post("/token/introspection", "inspector", &pairs)
            .await
            .success();
        answer["active"].as_bool().expect("active")
    }

    /// A thief uses a refresh token.
    async fn steal(&self, kind: &str, refresh_token: &str) -> Answer {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        self.post("/token", kind, &pairs).await
    }
}

impl Log {
    fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |entry| entry["event"] == event)
    }

    fn count(&self, event: &str) -> usize {
        self.of(event).count()
    }

    /// Tokens of an event, oldest first.
    fn tokens<'a>(&'a self, event: &'a str) -> Vec<&'a str> {
        self.of(event)
            .map(|entry| entry["token"].as_str().expect("a token"))
            .collect()
    }

    fn newest<'a>(&'a self, event: &'a str) -> &'a str {
        self.tokens(event).pop().expect("there is one")
    }

    /// Nothing was refused and nobody's access ended.
    #[track_caller]
    fn is_clean(&self) {
        let ended = |entry: &&Value| {
            let event = entry["event"].as_str().expect("an event");
            event.ends_with("error") || event == "grant.revoked"
        };
        let found: Vec<&Value> = self.0.iter().filter(ended).collect();
        assert!(found.is_empty(), "{found:?}");
    }

    /// What was refused with an OAuth error, and what was meant by it, which no caller is told.
    fn refused(&self) -> Vec<(&str, &str)> {
        let is_error = |entry: &&Value| {
            entry["event"]
                .as_str()
                .expect("an event")
                .ends_with("error")
        };
        let errors = self.0.iter().filter(is_error).map(|entry| {
            let meant = entry["meant"].as_str().or(entry["told"].as_str());
            (
                entry["error"].as_str().unwrap_or_default(),
                meant.unwrap_or_default(),
            )
        });
        errors.collect()
    }
}

fn id(kind: &str) -> String {
    format!("{kind}-app")
}

/// With every sign that is another one somewhere.
fn secret(kind: &str) -> String {
    format!("{kind}-client s3cret:+%41/&=\\\"")
}

/// Somebody's way through the provider's pages, before it is gone.
struct Flow {
    verifier: String,
    url: Url,
}

struct Place {
    server: TestServer,
    provider: Provider,
}

impl Place {
    async fn start(database: TestDatabase) -> Option<Place> {
        let provider = Provider::open(ACCESS_SECONDS).await?;
        let options = TestOptions {
            elements: Some(folder().join("elements")),
            vendor_routes: vec![provider.route()],
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, options).await;
        Some(Place { server, provider })
    }

    async fn call_as(
        &self,
        who: &Caller,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let request = self.server.request(method, &format!("{BASE}{path}"));
        let request = request.header("authorization", who.header());
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_as(&self.server.admin, method, path, body).await
    }

    /// Asks for the address of the provider's page.
    async fn begin(&self, kind: &'static str) -> Flow {
        self.begin_at(kind, CALLBACK).await
    }

    async fn begin_at(&self, kind: &'static str, callback: &str) -> Flow {
        begin(&self.provider, kind, callback, |query| {
            self.server
                .request("GET", &format!("{BASE}/elements/harbour/oauth/url?{query}"))
        })
        .await
    }

    /// What the browser of somebody who has just allowed access brings.
    async fn brought(&self, kind: &'static str) -> Value {
        let flow = self.begin(kind).await;
        flow.allow(&self.provider).await
    }

    fn body(&self, kind: &str, brought: &Value) -> Value {
        body(&self.provider, kind, brought)
    }

    async fn create(&self, kind: &str, brought: &Value) -> Answer {
        let body = self.body(kind, brought);
        self.call("POST", "/instances", Some(&body)).await
    }

    /// An instance that somebody has allowed.
    async fn connected(&self, kind: &'static str) -> Value {
        let brought = self.brought(kind).await;
        self.create(kind, &brought).await.success()
    }

    async fn read(&self, instance: &Value) -> Value {
        self.call("GET", &path(instance), None).await.success()
    }

    /// Lets the worker renew it now; gives it when that has worked or its owner is needed.
    async fn renew(&self, instance: &Value) -> Value {
        let id = instance["id"].as_i64().expect("an id");
        let pool = &self.server.database.pool;
        let standing = async || -> (i64, bool) {
            sqlx::query_as("select generation, valid from instances where id = $1")
                .bind(id)
                .fetch_one(pool)
                .await
                .expect("the instance")
        };
        let before = standing().await;
        let due = "update instances set renewal_due_at = now(), renewal_claimed_until = null where id = $1";
        sqlx::query(due)
            .bind(id)
            .execute(pool)
            .await
            .expect("a statement");
        until("it is renewed", async || standing().await != before).await;
        self.read(instance).await
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from instances")
            .fetch_one(&self.server.database.pool)
            .await
            .expect("a count")
    }
}

/// The same for any server.
async fn begin(
    provider: &Provider,
    kind: &'static str,
    callback: &str,
    ask: impl FnOnce(String) -> reqwest::RequestBuilder,
) -> Flow {
    let verifier = code_verifier(&rand::random()).reveal().to_owned();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("authentication.type", kind),
            ("apiKey", &id(kind)),
            ("apiSecret", &secret(kind)),
            ("callbackUrl", callback),
            ("site", &provider.site),
            ("codeChallenge", &code_challenge(&verifier)),
            ("state", "what-the-caller-knows"),
        ])
        .finish();
    let page = Answer::of(ask(query)).await.success();
    let url = page["oauthUrl"].as_str().expect("an address");
    assert!(!url.contains(&secret(kind)), "{url}");
    Flow {
        verifier,
        url: Url::parse(url).expect("a URL"),
    }
}

impl Flow {
    /// A person who is new there allows access.
    async fn allow(&self, provider: &Provider) -> Value {
        let left = Browser::new(provider).allow(&self.url).await;
        self.brought(&left)
    }

    /// What came back, and the verifier that only who began has.
    fn brought(&self, left: &Left) -> Value {
        let Left::Back(back) = left else {
            panic!("the provider kept the person: {left:?}");
        };
        assert!(back.as_str().starts_with(CALLBACK), "{back}");
        let mut brought: Map<String, Value> = back
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect();
        assert_eq!(brought["state"], "what-the-caller-knows");
        brought.insert("code_verifier".to_owned(), json!(self.verifier));
        brought.into()
    }
}

fn body(provider: &Provider, kind: &str, brought: &Value) -> Value {
    let mut configuration = json!({"authentication.type": kind, "site": provider.site,
        "oauth.api.key": id(kind), "oauth.callback.url": CALLBACK});
    match kind {
        "public" => {}
        "key" => configuration["client.key"] = json!(KEY),
        _ => configuration["oauth.api.secret"] = json!(secret(kind)),
    }
    json!({"element": {"key": "harbour"}, "name": kind, "configuration": configuration, "providerData": brought})
}

fn path(instance: &Value) -> String {
    format!("/instances/{}", instance["id"])
}

/// A member of an object in place of another.
fn with(value: &Value, member: &str, other: Value) -> Value {
    let mut value = value.clone();
    value[member] = other;
    value
}
