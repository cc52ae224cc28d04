//! What ties a page to the browser that it was shown to: a cookie, and what forms carry.

use std::collections::BTreeMap;

use axum::extract::Request;
use http::{HeaderMap, HeaderValue, header};

use crate::app::App;
use crate::connect::Given;
use crate::error::{Error, Result};
use crate::http::json;
use crate::ids::Secret;

/// `__Host-`: set by this very host, for the whole of it, and never over plain http.
const COOKIE: &str = "__Host-bunsen-connect";
const PLAIN_COOKIE: &str = "bunsen-connect";
/// 32 bytes in base64.
const LENGTH: usize = 43;
/// A link lasts no longer.
const LASTS: u32 = 3600;
const LARGEST_FORM: usize = 64 * 1024;
/// Before the key of an entry in a form.
const ENTRY: &str = "c.";

/// The browser's cookie, and whether it has to be given it.
pub struct Browser {
    pub secret: Secret,
    is_new: bool,
    https: bool,
}

impl Browser {
    pub fn of(app: &App, headers: &HeaderMap) -> Self {
        let https = is_https(app);
        let known = cookie(headers, name(https));
        Self {
            is_new: known.is_none(),
            secret: known.unwrap_or_else(|| app.vault().new_session_token()),
            https,
        }
    }

    pub fn known(app: &App, headers: &HeaderMap) -> Option<Secret> {
        cookie(headers, name(is_https(app)))
    }

    /// Each page starts the hour anew.
    pub fn set(&self, headers: &mut HeaderMap) -> Result<()> {
        let (name, secure) = match self.https {
            true => (COOKIE, "; Secure; Path=/"),
            false => (PLAIN_COOKIE, "; Path=/connect"),
        };
        let text = format!(
            "{name}={}{secure}; Max-Age={LASTS}; HttpOnly; SameSite=Lax",
            self.secret.reveal()
        );
        let mut value = HeaderValue::try_from(text).map_err(Error::internal)?;
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
        Ok(())
    }

    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

/// As people reach it: behind a proxy the last stretch is plain.
fn is_https(app: &App) -> bool {
    app.outside().public_url.starts_with("https://")
}

fn name(https: bool) -> &'static str {
    if https { COOKIE } else { PLAIN_COOKIE }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let well_formed = |value: &str| {
        value.len() == LENGTH
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && well_formed(value))
        .map(|(_, value)| Secret::new(value))
}

/// A form, and the proof that it carries.
pub async fn form(app: &App, request: Request) -> Result<(Given, String)> {
    let headers = request.headers();
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or("", |value| value.to_str().unwrap_or("?"));
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Error::UnsupportedMediaType(
            "Send the form as application/x-www-form-urlencoded.".into(),
        ));
    }
    // Browsers of today say where a form comes from; its token proves it for all.
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return Err(Error::Forbidden(
            "This form was sent by another site. Open the link again.".into(),
        ));
    }
    let body = json::bytes(request, app, LARGEST_FORM).await?;
    let mut given = Given {
        element: String::new(),
        way: String::new(),
        values: BTreeMap::new(),
        other_account: false,
    };
    let mut token = String::new();
    for (name, value) in url::form_urlencoded::parse(&body) {
        match name.as_ref() {
            "element" => given.element = value.into_owned(),
            "login" => given.way = value.into_owned(),
            "form" => token = value.into_owned(),
            "other" => given.other_account = value == "yes",
            name => {
                if let Some(key) = name.strip_prefix(ENTRY) {
                    let value = value.trim().replace("\r\n", "\n");
                    given.values.insert(key.to_owned(), value);
                }
            }
        }
    }
    Ok((given, token))
}
