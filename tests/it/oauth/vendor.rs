//! A vendor with an authorization server of its own, as definitions without our words know one.
//! Codes are good once, refresh tokens too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Debug, Default)]
pub struct World {
    pub codes: Vec<String>,
    pub refresh_tokens: Vec<String>,
    pub access_tokens: Vec<String>,
    /// Host, path, body.
    pub calls: Vec<(String, String, String)>,
    made: u32,
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
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Vendor { url, world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the world")
    }

    /// A person has allowed access.
    pub fn code(&self, code: &str) {
        self.world().codes.push(code.to_owned());
    }

    /// Calls since the last time.
    pub fn calls(&self) -> Vec<(String, String, String)> {
        std::mem::take(&mut self.world().calls)
    }
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 65536).await.expect("a body");
    let body = String::from_utf8_lossy(&body).into_owned();
    let host = parts.headers["host"].to_str().expect("a host").to_owned();
    let path = parts.uri.path().to_owned();
    let mut world = world.lock().expect("the world");
    world.calls.push((host.clone(), path.clone(), body.clone()));
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    match (host.as_str(), path.as_str()) {
        ("login.tidepost.example", "/token") => token(&mut world, &parts.headers, &form),
        ("login.tidepost.example", "/revoke") => revoke(&mut world, &parts.headers, &form),
        ("login.tidepost.example", "/request") => {
            signed(&parts.headers, "oauth_callback", "rt", "rs")
        }
        ("login.tidepost.example", "/access") => {
            signed(&parts.headers, "oauth_verifier", "at", "as")
        }
        (host, "/v3/polite") if host.ends_with(".tidepost.example") => {
            let answer = me(&world, &parts.headers);
            match answer.status() {
                StatusCode::OK => answer,
                _ => axum::Json(json!({"error": "session"})).into_response(),
            }
        }
        (host, "/v3/me") if host.ends_with(".tidepost.example") => me(&world, &parts.headers),
        _ => (StatusCode::NOT_FOUND, format!("{host}{path}")).into_response(),
    }
}

fn refused(error: &str, told: &str) -> Response {
    let body = json!({"error": error, "error_description": told});
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

fn token(world: &mut World, headers: &HeaderMap, form: &BTreeMap<String, String>) -> Response {
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = format!("Basic {}", STANDARD.encode("app:app-secret"));
    let by_header = headers
        .get("authorization")
        .is_some_and(|value| *value == basic);
    let by_form = (get("client_id"), get("client_secret")) == ("app", "app-secret");
    let grant = get("grant_type");
    let by_client = matches!(grant, "authorization_code" | "refresh_token");
    if by_client && !by_header && !by_form {
        return refused("invalid_client", "no such client");
    }
    let mut spend = |list: fn(&mut World) -> &mut Vec<String>, given: &str| {
        let list = list(world);
        let found = list.iter().position(|known| known == given);
        found.map(|at| list.remove(at)).is_some()
    };
    let (renewable, good) = match grant {
        "authorization_code" if get("redirect_uri") != "https://app.example/back" => {
            return refused("invalid_grant", "another callback");
        }
        "authorization_code" => (true, spend(|world| &mut world.codes, get("code"))),
        "refresh_token" => (
            true,
            spend(|world| &mut world.refresh_tokens, get("refresh_token")),
        ),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            let claims = get("assertion").split('.').nth(1).unwrap_or_default();
            let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
            let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
            if claims["sub"] != "agreed" {
                return refused("consent_required", "");
            }
            (false, true)
        }
        other => return refused("unsupported_grant_type", other),
    };
    if !good {
        let given = format!("{}{}", get("code"), get("refresh_token"));
        return refused("invalid_grant", &format!("{given} is not good"));
    }
    world.made += 1;
    let (access, refresh) = (
        format!("access-{}", world.made),
        format!("refresh-{}", world.made),
    );
    world.access_tokens.push(access.clone());
    let mut body = json!({"access_token": access, "token_type": "Bearer", "expires_in": 1800});
    if renewable {
        body["refresh_token"] = json!(refresh);
        world.refresh_tokens.push(refresh);
    }
    axum::Json(body).into_response()
}

/// A refresh token takes the access token with it that it came with.
fn revoke(world: &mut World, headers: &HeaderMap, form: &BTreeMap<String, String>) -> Response {
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = format!("Basic {}", STANDARD.encode("app:app-secret"));
    let by_header = headers
        .get("authorization")
        .is_some_and(|value| *value == basic);
    if !by_header && (get("client_id"), get("client_secret")) != ("app", "app-secret") {
        return refused("invalid_client", "no such client");
    }
    let refresh = get("token").to_owned();
    let access = refresh.replace("refresh-", "access-");
    if !world.refresh_tokens.contains(&refresh) {
        return refused("invalid_request", "no such token");
    }
    world.refresh_tokens.retain(|token| *token != refresh);
    world.access_tokens.retain(|token| *token != access);
    StatusCode::OK.into_response()
}

fn header(headers: &HeaderMap) -> String {
    let value = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn signed(headers: &HeaderMap, wanted: &str, token: &str, secret: &str) -> Response {
    let header = header(headers);
    if !header.starts_with("OAuth ")
        || !header.contains(&format!("{wanted}="))
        || header.contains("=\"no\"")
    {
        return (StatusCode::UNAUTHORIZED, "not signed").into_response();
    }
    format!("oauth_token={token}&oauth_token_secret={secret}").into_response()
}

fn me(world: &World, headers: &HeaderMap) -> Response {
    let header = header(headers);
    let bearer = header.strip_prefix("Bearer ").unwrap_or_default();
    if world.access_tokens.iter().any(|token| token == bearer)
        || header.contains("oauth_token=\"at\"")
    {
        return axum::Json(json!({"id": 1})).into_response();
    }
    (
        StatusCode::UNAUTHORIZED,
        axum::Json(json!({"message": "who are you?"})),
    )
        .into_response()
}
