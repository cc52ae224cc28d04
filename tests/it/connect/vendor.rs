//! A vendor with a password and with a page of its own, whose codes are good once and only with the
//! verifier that belongs to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::signed;

#[derive(Debug, Default)]
pub struct World {
    /// Code and challenge.
    codes: BTreeMap<String, String>,
    pub passwords: BTreeMap<String, String>,
    pub exchanges: usize,
    pub calls: usize,
    /// Answer everything with this.
    pub broken: Option<u16>,
    pub slow: Duration,
    /// Host of the account that tokens are for.
    pub account: String,
    /// Who says yes on the page: the vendor's id.
    pub person: u64,
    /// OAuth 1: request tokens, and access tokens.
    pub version_1: signed::Tokens,
}

#[derive(Debug, Clone)]
pub struct Vendor {
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Vendor {
    pub async fn start() -> Vendor {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let mut world = World {
            account: "one".to_owned(),
            person: 1,
            ..World::default()
        };
        world
            .passwords
            .insert("ann".to_owned(), PASSWORD.to_owned());
        let world = Arc::new(Mutex::new(world));
        let router = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Vendor { url, world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the world")
    }

    /// A person says yes on the page at `url`: the query of the way back.
    pub fn allow(&self, url: &str) -> String {
        let url = url::Url::parse(url).expect("the page's address");
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["client_id"], CLIENT_ID);
        assert_eq!(query["code_challenge_method"], "S256");
        let mut world = self.world();
        let code = format!("code-{}", world.codes.len() + world.exchanges + 1);
        world
            .codes
            .insert(code.clone(), query["code_challenge"].clone());
        format!("?code={code}&{ISSUED}&state={}", query["state"])
    }
}

pub const PASSWORD: &str = "corr3ct-horse";
pub const CLIENT_ID: &str = "our-client-id";
pub const CLIENT_SECRET: &str = "our-client-s3cret";
/// What the page says about itself.
pub const ISSUED: &str = "iss=https%3A%2F%2Flogin.tideline.example";

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 65536).await.expect("a body");
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let host = parts.headers["host"].to_str().expect("a host").to_owned();
    let slow = world.lock().expect("the world").slow;
    tokio::time::sleep(slow).await;
    let mut world = world.lock().expect("the world");
    world.calls += 1;
    if let Some(status) = world.broken {
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, [("retry-after", "120")], "{}").into_response();
    }
    let authorization = parts.headers.get("authorization");
    let authorization = authorization.map_or("", |value| value.to_str().unwrap_or_default());
    match (host.as_str(), parts.uri.path()) {
        ("login.tideline.example", "/request" | "/access") => {
            let person = world.person;
            world.version_1.answer(&parts, person)
        }
        ("old.tideline.example", "/v3/me") => match world.version_1.person(&parts) {
            Some(person) => json_answer(200, told(person)),
            None => json_answer(401, json!({"message": "not signed"})),
        },
        ("login.tideline.example", "/token") => token(&mut world, authorization, &form),
        ("wrong.tideline.example", _) => StatusCode::NOT_FOUND.into_response(),
        (host, "/v3/me") if host.ends_with(".tideline.example") => me(&world, authorization),
        (host, path) => (StatusCode::NOT_FOUND, format!("{host}{path}")).into_response(),
    }
}

fn json_answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, axum::Json(body)).into_response()
}

fn token(world: &mut World, authorization: &str, form: &BTreeMap<String, String>) -> Response {
    let get = |name: &str| form.get(name).map_or("", String::as_str);
    let client = format!(
        "Basic {}",
        STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))
    );
    let hash = digest::digest(&digest::SHA256, get("code_verifier").as_bytes());
    let challenge = world.codes.remove(get("code"));
    if authorization != client || challenge != Some(URL_SAFE_NO_PAD.encode(hash)) {
        return json_answer(400, json!({"error": "invalid_grant"}));
    }
    assert!(get("redirect_uri").ends_with("/connect/callback"));
    world.exchanges += 1;
    let token = format!("access-{}-of-{}", world.exchanges, world.person);
    json_answer(
        200,
        json!({"access_token": token, "refresh_token": format!("refresh-{token}"), "expires_in": 1800,
               "site": format!("https://{}.tideline.example", world.account)}),
    )
}

/// Who is logged in.
fn told(person: u64) -> Value {
    json!({"id": person, "name": format!("Person {person}")})
}

fn me(world: &World, authorization: &str) -> Response {
    if let Some((_, person)) = authorization.split_once("-of-") {
        return json_answer(200, told(person.parse().expect("an id")));
    }
    let pair = authorization.strip_prefix("Basic ").unwrap_or_default();
    let pair = STANDARD.decode(pair).unwrap_or_default();
    let pair = String::from_utf8(pair).unwrap_or_default();
    let (user, password) = pair.split_once(':').unwrap_or_default();
    match world.passwords.get(user) {
        // A PIN stands for whoever has chosen it.
        Some(right) if right == password && user == "pin" => json_answer(200, told(world.person)),
        Some(right) if right == password => json_answer(200, told(user.len() as u64)),
        _ => json_answer(401, json!({"message": "who are <b>you</b>?"})),
    }
}
