//! The HTTP form of [`Error`]: status, body `{requestId, message, providerMessage}`, headers.
//!
//! A handler's error travels as a response extension; the envelope renders it, because only there
//! the request id is known. The same place gives a body to answers that have none (405, 404).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::http::request_id::RequestId;

/// In a response's extensions: what it holds is for people, and stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct AsIs;

/// Carried in the response's extensions until [`render`].
#[derive(Clone)]
struct Told {
    message: String,
    provider_message: Option<String>,
}

/// The one body of every answer with a status of 400 or more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Error)]
pub struct Body<'a> {
    /// The header `Elements-Request-Id` of this answer; to be named when asking for help.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "5b2c91f0e4b0c7a1d2e3f405")]
    request_id: &'a str,
    /// For people: what is wrong and what to do.
    #[schema(min_length = 1)]
    message: &'a str,
    /// The vendor's own words, when the vendor answered with an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    provider_message: Option<&'a str>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            let mut chain = cause.to_string();
            let mut source = cause.source();
            while let Some(next) = source {
                chain = format!("{chain}: {next}");
                source = next.source();
            }
            tracing::error!(cause = %chain, "a request failed inside");
        }
        let status = status(&self);
        let message = self.to_string();
        let allowed = match &self {
            Self::OtherMethod { allowed } => HeaderValue::from_str(allowed).ok(),
            _ => None,
        };
        let (provider_message, retry_after) = match self {
            Self::TooManyAttempts { retry_after } | Self::OverBudget { retry_after, .. } => {
                (None, Some(retry_after.to_string()))
            }
            // Calls end all the time.
            Self::OverShare(_) => (None, Some("1".to_owned())),
            Self::Vendor(failure) => (failure.provider_message, failure.retry_after),
            Self::InFlight { retry_after, .. } => (None, Some(retry_after.to_string())),
            _ => (None, None),
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Told {
            message,
            provider_message,
        });
        if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        if let Some(allowed) = allowed {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::MethodNotAllowed | Error::OtherMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Error::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Error::Conflict(_) | Error::InFlight { .. } | Error::OtherAccount(_) => {
            StatusCode::CONFLICT
        }
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::OverShare(_) | Error::TooManyAttempts { .. } | Error::OverBudget { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Error::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Vendor(failure) => {
            StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_GATEWAY)
        }
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Gives every error answer the one error body; other answers pass unchanged.
pub fn render(response: Response, request_id: &RequestId) -> Response {
    let status = response.status();
    let as_is = response.extensions().get::<AsIs>().is_some();
    if as_is || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let told = response.extensions().get::<Told>().cloned();
    let fallback = status.canonical_reason().unwrap_or("Error");
    let body = Body {
        request_id: request_id.as_str(),
        message: told.as_ref().map_or(fallback, |told| &told.message),
        provider_message: told
            .as_ref()
            .and_then(|told| told.provider_message.as_deref()),
    };
    let bytes = serde_json::to_vec(&body).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, crate::http::json::CONTENT_TYPE);
    Response::from_parts(parts, bytes.into())
}
