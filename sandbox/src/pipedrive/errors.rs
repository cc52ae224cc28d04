//! The vendor's refusals: `success` is false in all of them, the rest differs.

use bytes::Bytes;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::answer::{self, Answer};

const INFO: &str =
    "Please check developers.pipedrive.com for more information about Pipedrive API.";

/// Why a call is not answered with what it asked for.
#[derive(Debug)]
pub enum Refusal {
    /// The token is missing, unknown, dead or another company's.
    Unauthorized,
    General(StatusCode, &'static str),
    /// A body of its own.
    Said(StatusCode, Value),
    WrongMethod(String),
    TooMany(&'static str),
    /// No bearer token that is good now.
    InvalidToken,
    /// The edge network's page: not JSON, and without the API's headers.
    Blocked,
}

impl Refusal {
    pub fn into_answer(self) -> Answer {
        match self {
            Self::Unauthorized => answer::json(
                StatusCode::UNAUTHORIZED,
                &json!({ "success": false, "error": "unauthorized access", "errorCode": 401 }),
            ),
            Self::General(status, error) => general(status, error),
            Self::Said(status, body) => answer::json(status, &body),
            Self::WrongMethod(allow) => wrong_method(&allow),
            Self::TooMany(text) => too_many(text, None),
            Self::InvalidToken => answer::json(
                StatusCode::UNAUTHORIZED,
                &json!({ "success": false, "error": "Invalid token: access_token is invalid", "errorCode": 401 }),
            ),
            Self::Blocked => page(StatusCode::FORBIDDEN, "Access denied"),
        }
    }
}

/// The general body with a text that is made for the occasion.
pub fn said(status: StatusCode, error: &str) -> Refusal {
    Refusal::Said(status, body(error))
}

pub fn invalid(error: &str) -> Refusal {
    said(StatusCode::BAD_REQUEST, error)
}

/// v2's refusal of bodies and parameters.
pub fn schema(error: &str) -> Refusal {
    let mut body = body(&format!("Validation failed: {error}"));
    body["code"] = json!("ERR_SCHEMA_VALIDATION_FAILED");
    Refusal::Said(StatusCode::BAD_REQUEST, body)
}

/// v2's 404.
pub fn entity_not_found() -> Refusal {
    let mut body = body("Entity was not found");
    body["error_info"] = json!("Object was not found.");
    Refusal::Said(StatusCode::NOT_FOUND, body)
}

/// The company is not open: trial over or unpaid. The text is unverified.
pub fn company_closed() -> Refusal {
    Refusal::General(
        StatusCode::PAYMENT_REQUIRED,
        "The company account is not open.",
    )
}

pub fn forbidden() -> Refusal {
    Refusal::General(
        StatusCode::FORBIDDEN,
        "You do not have permissions to do this.",
    )
}

/// An `Authorization` header that is none. The text is unverified.
pub fn malformed_authorization() -> Refusal {
    Refusal::General(
        StatusCode::BAD_REQUEST,
        "The authorization header is malformed.",
    )
}

/// A bearer token whose scopes do not cover the call.
pub fn scope_mismatch() -> Answer {
    let body = json!({ "success": false, "error": "Scope and URL mismatch" });
    answer::json(StatusCode::FORBIDDEN, &body)
}

/// The text is unverified.
pub fn unknown_path() -> Refusal {
    Refusal::General(StatusCode::NOT_FOUND, "Unknown method.")
}

/// The legacy log-in when it is switched off. Status and text are unverified.
pub fn retired() -> Refusal {
    Refusal::General(StatusCode::GONE, "This endpoint is no longer available.")
}

/// The body of a log-in that is not a form. Status and text are unverified.
pub fn not_a_form() -> Refusal {
    Refusal::General(StatusCode::BAD_REQUEST, "Content must be form-urlencoded.")
}

/// A refused log-in has `data` beside the rest; the exact text is unverified. Some old reports show it with 200.
pub fn failed_login(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
    let body =
        json!({ "success": false, "error": "unauthorized access", "errorCode": 401, "data": null });
    answer::json(status, &body)
}

/// The wording is unverified.
pub const OVER_LIMIT: &str = "request over limit";
/// What callers with a bearer token are told.
pub const BEARER_OVER_LIMIT: &str = "Request over limit";

/// `Retry-After` is sometimes there (unverified).
pub fn too_many(text: &str, retry_after_seconds: Option<u64>) -> Answer {
    let body = json!({ "success": false, "error": text, "errorCode": 429 });
    let mut answer = answer::json(StatusCode::TOO_MANY_REQUESTS, &body);
    if let Some(seconds) = retry_after_seconds {
        let seconds = HeaderValue::from(seconds);
        answer.headers_mut().insert(RETRY_AFTER, seconds);
    }
    answer
}

/// What a browser sees at a company host without company. Status and page are unverified.
pub fn no_such_company() -> Answer {
    page(StatusCode::NOT_FOUND, "This company does not exist")
}

fn general(status: StatusCode, error: &str) -> Answer {
    answer::json(status, &body(error))
}

fn body(error: &str) -> Value {
    json!({
        "success": false,
        "error": error,
        "error_info": INFO,
        "data": null,
        "additional_data": null,
    })
}

/// Both the text and the header are unverified.
fn wrong_method(allow: &str) -> Answer {
    let mut answer = general(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed.");
    if let Ok(allow) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

fn page(status: StatusCode, title: &str) -> Answer {
    let page = format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    );
    answer::typed(status, "text/html; charset=utf-8", Bytes::from(page))
}
