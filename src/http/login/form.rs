//! The form log-in of the old console: a cookie, and the secrets for it.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{TOO_MANY_ATTEMPTS, WRONG_PASSWORD, pages};
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

/// The fields of the log-in form, as they are described.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `log_in` reads")]
struct LoginForm {
    /// The e-mail address.
    j_username: String,
    #[schema(format = Password)]
    j_password: String,
}

/// Both secrets, by the names that the old console gave them.
#[derive(Serialize, ToSchema)]
struct FormSecrets {
    /// The user secret.
    user: String,
    /// The organization secret.
    company: String,
}

/// Log in by form
///
/// For the log-in page and old clients: the answer is a page and sets the cookie `JSESSIONID`.
// 200 at once: the clients do not follow a redirect.
#[utoipa::path(
    post,
    path = "/elements/j_spring_security_check",
    operation_id = "logInByForm",
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Logged in; the cookie is set.", body = String, content_type = "text/html",
            headers(("Set-Cookie" = String, description = "`JSESSIONID`, for 24 hours."))),
        (status = 401, description = WRONG_PASSWORD),
        (status = 429, description = TOO_MANY_ATTEMPTS),
    )
)]
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

/// Read your own secrets by cookie
#[utoipa::path(
    get,
    path = "/elements/api-v1/ui/getSecrets",
    operation_id = "getSecretsByCookie",
    responses((status = 200, description = "User and organization secret.", body = FormSecrets))
)]
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
    let secrets = FormSecrets {
        user: user.reveal().to_owned(),
        company: organization.reveal().to_owned(),
    };
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
