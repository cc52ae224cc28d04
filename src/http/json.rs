//! JSON in and out: our content type, and a body reader whose errors say where and what to fix.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{Error, Result};
use crate::shares::{Call, Shares};
use crate::slips;

pub const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// A body that has not arrived after this long is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Address and password, however they are written, are far shorter.
pub const LARGEST_OF_STRANGERS: usize = 16 * 1024;

/// A JSON answer with status 200: creates too, clients refuse 201.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], bytes).into_response(),
            Err(error) => Error::internal(error).into_response(),
        }
    }
}

/// Refuses a caller that wants anything but JSON, before work is done.
pub async fn acceptable(request: Request, next: Next) -> Result<Response> {
    if !is_taken(request.headers()) {
        return Err(Error::NotAcceptable);
    }
    Ok(next.run(request).await)
}

/// Whether the caller takes JSON for an answer.
pub fn is_taken(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    accepted.peek().is_none() || accepted.any(accepts_json)
}

fn accepts_json(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or("*/*");
    text.trim().is_empty()
        || text.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .is_some_and(|q| q.parse() == Ok(0.0_f32))
            });
            matches!(
                kind.as_str(),
                "*/*" | "*" | "application/*" | "application/json"
            ) && !refused
        })
}

/// A JSON request body. No content type means JSON; so does the form type, which `curl -d` sends.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        parse(&body(request, app).await?).map(Self)
    }
}

/// A JSON body of a caller that nobody knows yet.
#[derive(Debug)]
pub struct SmallJsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for SmallJsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        accept_type(request.headers())?;
        let limit = LARGEST_OF_STRANGERS.min(app.body_limit());
        parse(&bytes(request, app, limit).await?).map(Self)
    }
}

/// The whole body of a request that may hold JSON.
pub async fn body(request: Request, app: &App) -> Result<Bytes> {
    accept_type(request.headers())?;
    bytes(request, app, app.body_limit()).await
}

/// The body as it came, within the time and the size that are allowed.
pub async fn bytes(request: Request, app: &App, limit: usize) -> Result<Bytes> {
    tokio::time::timeout(BODY_TIMEOUT, read(request, app.shares(), limit))
        .await
        .map_err(|_| Error::RequestTimeout)?
}

async fn read(request: Request, shares: &Shares, limit: usize) -> Result<Bytes> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let announced = announced.unwrap_or_default();
    if announced > limit {
        return Err(Error::TooLarge { limit });
    }
    let call = Call::current();
    call.reserve(shares, announced)?;
    // A body that does not say its length counts as it arrives.
    let (mut body, mut reserved) = (request.into_body(), announced);
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::Invalid("The request body was cut off.".into()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = read.len() + data.len();
        if length > limit {
            return Err(Error::TooLarge { limit });
        }
        if length > reserved {
            call.reserve(shares, length - reserved)?;
            reserved = length;
        }
        if read.is_empty() {
            read.reserve(announced.max(data.len()));
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

pub fn accept_type(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default();
    let mime = text.split(';').next().unwrap_or_default().trim();
    let mime = mime.to_ascii_lowercase();
    let json =
        mime == "application/json" || (mime.starts_with("application/") && mime.ends_with("+json"));
    if json || mime.is_empty() || mime == "application/x-www-form-urlencoded" {
        return Ok(());
    }
    Err(Error::UnsupportedMediaType(format!(
        "Content-Type '{}' is not supported; send application/json.",
        shorten(&mime)
    )))
}

/// # Errors
/// 400 with the place of the mistake.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Error::Invalid(format!(
            "Request body is not valid UTF-8 (byte {}).",
            error.valid_up_to() + 1
        ))
    })?;
    if text.trim().is_empty() {
        return Err(Error::Invalid(
            "Request body is missing or is not valid JSON.".into(),
        ));
    }
    // The derived readers would take an array for an object, member by member.
    if text.trim_start().starts_with('[') {
        return Err(Error::Invalid(
            "The request body must be a JSON object.".into(),
        ));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        explain(text, &path, error.inner())
    })?;
    reader.end().map_err(|error| explain(text, ".", &error))?;
    Ok(value)
}

/// Turns a parser's complaint into one the caller can act on.
fn explain(text: &str, path: &str, error: &serde_json::Error) -> Error {
    if error.is_data() {
        let at = if path == "." {
            "The request body".to_owned()
        } else {
            format!("'{path}'")
        };
        // The parser quotes the offending value, which may be a password: only its kind is told.
        let reason = error.to_string();
        let reason = match (
            reason.split_once("invalid type: "),
            reason.split_once(", expected "),
        ) {
            (Some(_), Some((_, expected))) => {
                let expected = expected.split(" at line ").next().unwrap_or(expected);
                format!("must be {expected}")
            }
            _ if reason.starts_with("duplicate field") => "appears twice".into(),
            _ if reason.starts_with("missing field") => "lacks a required member".into(),
            _ => "has an unusable value".into(),
        };
        return Error::Invalid(format!(
            "{at} {reason} (line {}, column {}).",
            error.line(),
            error.column()
        ));
    }
    Error::Invalid(slips::wrong_json(text, error))
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Example {
        #[serde(default)]
        tags: Vec<String>,
    }

    fn message(text: &str) -> String {
        parse::<Example>(text.as_bytes())
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn a_curly_quote_is_named_with_its_place() {
        let text = "{\n  \"tags\": [\u{201c}a\u{201d}]\n}";
        assert_eq!(
            message(text),
            "Request body is not valid JSON: line 2, column 12 has the curly quote \u{201c}; \
             JSON needs the straight quote \"."
        );
    }

    #[test]
    fn a_curly_quote_inside_a_string_is_not_blamed() {
        let text = "{\"tags\": [\"\u{201c}a\u{201d}\"], }";
        assert!(
            message(text).contains("unexpected character at line 1"),
            "{}",
            message(text)
        );
    }

    #[test]
    fn a_text_that_only_ends_curly_is_named() {
        let told = message("{\"tags\u{201d}: [\"a\"]}");
        assert!(
            told.contains("line 1, column 7 has the curly quote \u{201d}"),
            "{told}"
        );
    }

    #[test]
    fn a_wrong_type_names_the_place_and_hides_the_value() {
        let told = message("{\"tags\": [\"a\", 4711]}");
        assert_eq!(told, "'tags[1]' must be a string (line 1, column 19).");
    }

    #[test]
    fn nothing_and_bits_of_json() {
        assert!(message("").contains("missing"));
        assert!(message("   ").contains("missing"));
        assert!(message("{\"tags\": [").contains("ends too early"));
        assert!(message("{} {}").contains("unexpected character"));
        assert!(
            parse::<Example>(b"\xef\xbb\xbf{}")
                .expect("a byte order mark is skipped")
                .tags
                .is_empty()
        );
        assert!(parse::<Example>(b"{\"tags\":[\"\xff\"]}").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_json_or_a_clear_refusal(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Example>(&bytes);
        }
    }
}
