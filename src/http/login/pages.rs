//! The few pages and pictures outside the API. No script, no style, nothing from elsewhere.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use html_escape::encode_text;
use http::{HeaderValue, Method, header};

use crate::error::{Error, Result};
use crate::http::query::Query;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// Of the one page that may stand in another's frame.
const FRAMED_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; form-action 'none'; base-uri 'none'");

/// A plain square, our own: definitions name pictures that are not ours to give.
static PICTURE: &[u8] = include_bytes!("neutral.png");

/// The log-in page
#[utoipa::path(
    get,
    path = "/elements/jsp/login.jsp",
    operation_id = "showLogInPage",
    responses((status = 200, description = "A form.", body = String, content_type = "text/html"))
)]
pub async fn login() -> Response {
    page(
        "Log in",
        "<form method=\"post\" action=\"/elements/j_spring_security_check\">\
         <p><label>E-mail address <input name=\"j_username\" type=\"email\" \
         autocomplete=\"username\" required></label></p>\
         <p><label>Password <input name=\"j_password\" type=\"password\" \
         autocomplete=\"current-password\" required></label></p>\
         <p><button>Log in</button></p></form>",
    )
}

pub fn logged_in() -> Response {
    page(
        "Logged in",
        "<p>You are logged in. This page can be closed.</p>",
    )
}

/// The default address that vendors send people back to
///
/// For applications without an address of their own: shows what came along, to be copied.
#[utoipa::path(
    get,
    path = "/elements/jsp/home.jsp",
    operation_id = "showReturnPage",
    params(
        ("code" = Option<String>, Query, description = "The vendor's authorization code."),
        ("state" = Option<String>, Query, description = "What the application gave along."),
        ("error" = Option<String>, Query, description = "The vendor's error, in a word."),
        ("error_description" = Option<String>, Query, description = "The same in words."),
    ),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"))
)]
pub async fn home(query: Query) -> Response {
    let mut shown = String::new();
    for name in [
        "code",
        "state",
        "realmId",
        "oauth_token",
        "oauth_verifier",
        "error",
        "error_description",
        "error_message",
    ] {
        if let Some(value) = query.get(name) {
            shown.push_str(&format!("<dt>{name}</dt><dd>{}</dd>", encode_text(value)));
        }
    }
    if shown.is_empty() {
        return page(
            "Nothing received",
            "<p>No code and no error came with this call.</p>",
        );
    }
    let title = match query.get("error") {
        Some(_) => "The vendor reported an error",
        None => "The vendor sent what an instance is made with",
    };
    page(title, &format!("<dl>{shown}</dl>"))
}

/// Where clients expect the API's documentation
///
/// May stand in a frame; leads to `/docs`.
#[utoipa::path(
    get,
    path = "/elements/api-docs",
    operation_id = "showOldDocumentation",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"))
)]
pub async fn api_docs() -> Response {
    let body = "<p>This server speaks API v2 under <code>/elements/api-v2</code>. \
                <a href=\"/docs\" target=\"_blank\">The documentation</a></p>";
    let mut response = page("API", body);
    let headers = response.headers_mut();
    headers.remove(header::X_FRAME_OPTIONS);
    headers.insert(header::CONTENT_SECURITY_POLICY, FRAMED_POLICY);
    response
}

/// A picture that a definition names
///
/// Always the same neutral one.
#[utoipa::path(
    get,
    path = "/elements/{picture}",
    operation_id = "showPicture",
    responses(
        (status = 200, description = "A picture.", body = Vec<u8>, content_type = "image/png"),
        (status = 404, description = "The name does not end in `.png`."),
    )
)]
pub async fn picture(Path(name): Path<String>) -> Result<Response> {
    if !name.ends_with(".png") {
        return Err(nothing(Method::GET).await);
    }
    let kind = HeaderValue::from_static("image/png");
    Ok(([(header::CONTENT_TYPE, kind)], PICTURE).into_response())
}

/// The pattern of pictures matches the base path itself, too.
pub async fn nothing(method: Method) -> Error {
    Error::NotFound(format!("Nothing answers {method} on this path."))
}

/// `body` is HTML already.
fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         </head><body><h1>{title}</h1>{body}</body></html>\n"
    );
    (
        [
            (header::CONTENT_TYPE, HTML),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            ),
        ],
        html,
    )
        .into_response()
}
