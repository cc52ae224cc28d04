//! The vendor's refusals, each in the form of its error table.

use bytes::Bytes;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::{self, Answer};

/// Why a call is not answered with what it asked for.
#[derive(Debug)]
pub enum Refusal {
    /// 404 never has a body.
    NotFound,
    WrongMethod {
        used: String,
        allow: String,
    },
    Coded {
        status: StatusCode,
        code: &'static str,
        message: &'static str,
    },
    /// 400, or 409 when a value is taken.
    Fields(StatusCode, Vec<Mistake>),
    /// v1 answers in forms of its own.
    Bare(StatusCode, Value),
    TooMany {
        v1: bool,
        retry_after_seconds: u64,
    },
}

/// One entry of `errors`. `field` occurs with 400 and 409 only.
#[derive(Debug, Serialize)]
pub struct Mistake {
    pub field: String,
    pub message: String,
    pub code: &'static str,
    /// Who has a value that must be unique (unverified).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<Value>,
}

impl Mistake {
    pub fn new(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            message: message.into(),
            code,
            additional_info: None,
        }
    }

    pub fn unknown(field: &str) -> Self {
        Self::new(
            field,
            "invalid_field",
            "Unexpected/invalid field in request",
        )
    }

    pub fn missing(field: &str) -> Self {
        Self::new(field, "missing_field", "Mandatory attribute missing")
    }

    pub fn wrong_type(field: &str, wanted: &str) -> Self {
        let message = format!("It should be a/an {wanted}");
        Self::new(field, "datatype_mismatch", message)
    }

    pub fn not_one_of(field: &str, values: &[&str]) -> Self {
        let message = format!("It should be one of these values: '{}'", values.join(","));
        Self::new(field, "invalid_value", message)
    }
}

/// 403 in the general form.
pub fn forbidden(code: &'static str, message: &'static str) -> Refusal {
    Refusal::Coded {
        status: StatusCode::FORBIDDEN,
        code,
        message,
    }
}

pub fn access_denied() -> Refusal {
    forbidden(
        "access_denied",
        "You are not authorized to perform this action.",
    )
}

pub fn invalid_credentials() -> Refusal {
    Refusal::Coded {
        status: StatusCode::UNAUTHORIZED,
        code: "invalid_credentials",
        message: "You have to be logged in to perform this action.",
    }
}

/// 400 for a body that cannot be read at all.
pub fn invalid_body() -> Refusal {
    Refusal::Coded {
        status: StatusCode::BAD_REQUEST,
        code: "invalid_json",
        message: "Request body has invalid json format.",
    }
}

pub fn invalid(mistake: Mistake) -> Refusal {
    Refusal::Fields(StatusCode::BAD_REQUEST, vec![mistake])
}

/// v2 says 429, v1 says 403; both say when to come back.
pub fn too_many(v1: bool, retry_after_seconds: u64) -> Answer {
    let status = if v1 {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::TOO_MANY_REQUESTS
    };
    // The one recorded body; it may also be empty or plain text (unverified).
    let body = json!({ "message": "You have exceeded the limit of requests per hour" });
    let mut answer = answer::json(status, &body);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    answer
}

impl Refusal {
    pub fn into_answer(self) -> Answer {
        match self {
            Self::NotFound => answer::empty(StatusCode::NOT_FOUND),
            Self::Coded {
                status,
                code,
                message,
            } => answer::json(status, &json!({ "code": code, "message": message })),
            Self::Fields(status, errors) => answer::json(
                status,
                &json!({ "description": "Validation failed", "errors": errors }),
            ),
            Self::Bare(status, body) => answer::json(status, &body),
            Self::TooMany {
                v1,
                retry_after_seconds,
            } => too_many(v1, retry_after_seconds),
            Self::WrongMethod { used, allow } => wrong_method(&used, &allow),
        }
    }
}

/// Both the body and the header are unverified.
fn wrong_method(used: &str, allow: &str) -> Answer {
    let message =
        format!("{used} method is not allowed. It should be one of these method(s): {allow}");
    let body = json!({ "code": "method_not_allowed", "message": message });
    let mut answer = answer::json(StatusCode::METHOD_NOT_ALLOWED, &body);
    if let Ok(allow) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

/// What a browser sees at a subdomain without account. The vendor's front answers, not the API, so none of the API's
/// headers are on it. Status and page are unverified.
pub fn no_such_account() -> Answer {
    let page = "<!DOCTYPE html><html><head><title>There is no helpdesk here</title></head><body><h1>There is no helpdesk here</h1><p>Maybe this is still fresh? You can claim it.</p></body></html>";
    answer::typed(
        StatusCode::NOT_FOUND,
        "text/html; charset=utf-8",
        Bytes::from_static(page.as_bytes()),
    )
}
