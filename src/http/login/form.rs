//! The form log-in of the old console: a cookie, and the secrets for it.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use super::pages;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::session_caller;
use crate::http::client::Client;
use crate::http::json::{self, Json};
use crate::ids::Secret;
use crate::login;

const COOKIE: &str = "JSESSIONID";
/// Address and password, percent-encoded, are far shorter.
const LARGEST_FORM: usize = 16 * 1024;

/// 200 at once: the clients do not follow a redirect.
pub async fn log_in(State(app): State<App>, client: Client, request: Request) -> Result<Response> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or("", |value| value.to_str().unwrap_or("?"));
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Error::UnsupportedMediaType(
            "Send j_username and j_password as application/x-www-form-urlencoded.".into(),
        ));
    }
    let body = json::bytes(request, LARGEST_FORM).await?;
    let (mut username, mut password) = (None, None);
    for (name, value) in url::form_urlencoded::parse(&body) {
        match name.as_ref() {
            "j_username" => username = Some(value.into_owned()),
            "j_password" => password = Some(Secret::new(value)),
            _ => {}
        }
    }
    let missing =
        |name: &str| Error::Invalid(format!("The form field '{name}' is missing; send it."));
    let username = username.ok_or_else(|| missing("j_username"))?;
    let password = password.ok_or_else(|| missing("j_password"))?;
    let begun = login::log_in(&app, client.address, &username, password).await?;

    let https = client.https || app.outside().public_url.starts_with("https://");
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path=/elements; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        begun.token.reveal(),
        login::LASTS.as_secs(),
    );
    let mut cookie = HeaderValue::try_from(cookie).map_err(Error::internal)?;
    cookie.set_sensitive(true);
    let mut response = pages::logged_in();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

pub async fn secrets(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    const NONE: Error = Error::Unauthenticated("There is no session; log in first.");
    let token = session_cookie(&headers).ok_or(NONE)?;
    let caller = session_caller(&app, &token)
        .await
        .map_err(|error| match error {
            Error::Unauthenticated(_) => NONE,
            other => other,
        })?;
    let (user, organization) = login::secrets(&app, caller.organization, caller.user).await?;
    let secrets = json!({"user": user.reveal(), "company": organization.reveal()});
    Ok(Json(secrets).into_response())
}

fn session_cookie(headers: &HeaderMap) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| Secret::new(value.trim_matches('"')))
}
