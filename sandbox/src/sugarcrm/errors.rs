//! The vendor's refusals: a label and a text with a status.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::answer::{self, Answer};

/// Why a call is not answered with what it asked for. Callers should go by the label: texts are translated.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    status: StatusCode,
    label: &'static str,
    text: &'static str,
}

const fn refusal(status: StatusCode, label: &'static str, text: &'static str) -> Refusal {
    Refusal {
        status,
        label,
        text,
    }
}

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;
const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl Refusal {
    pub const WRONG_PASSWORD: Self = refusal(
        UNAUTHORIZED,
        "need_login",
        "You must specify a valid username and password.",
    );
    /// The text is unverified.
    pub const NO_TOKEN: Self = refusal(
        UNAUTHORIZED,
        "need_login",
        "No valid authentication for user.",
    );
    pub const DEAD_TOKEN: Self = refusal(
        UNAUTHORIZED,
        "invalid_grant",
        "The access token provided is invalid.",
    );
    // What users' states answer is unverified, label and status included.
    pub const INACTIVE: Self = refusal(UNAUTHORIZED, "need_login", "The user is not active.");
    pub const PASSWORD_EXPIRED: Self = refusal(
        UNAUTHORIZED,
        "need_login",
        "The password has expired. A new one must be set.",
    );
    pub const LOCKED_OUT: Self = refusal(
        UNAUTHORIZED,
        "need_login",
        "Too many failed attempts. The user is locked out.",
    );
    /// Status and text are unverified.
    pub const UNKNOWN_PLATFORM: Self = refusal(
        UNPROCESSABLE,
        "invalid_parameter",
        "The platform is not registered under Configure API Platforms.",
    );
    /// Status and text of the next four are unverified.
    pub const NO_GRANT_TYPE: Self = refusal(
        UNPROCESSABLE,
        "missing_parameter",
        "Missing parameter: grant_type.",
    );
    pub const UNKNOWN_GRANT_TYPE: Self = refusal(
        UNPROCESSABLE,
        "invalid_parameter",
        "Invalid parameter: grant_type.",
    );
    pub const NO_REFRESH_TOKEN: Self = refusal(
        UNPROCESSABLE,
        "missing_parameter",
        "Missing parameter: refresh_token.",
    );
    pub const UNREADABLE: Self = refusal(
        UNPROCESSABLE,
        "invalid_parameter",
        "The body is no JSON object and no form.",
    );
    /// The status is the site's `grant_refusal_status`; the text is unverified.
    pub const DEAD_REFRESH_TOKEN: Self = refusal(
        StatusCode::BAD_REQUEST,
        "invalid_grant",
        "Invalid refresh token",
    );
    /// As before.
    pub const UNKNOWN_CLIENT: Self = refusal(
        StatusCode::BAD_REQUEST,
        "invalid_client",
        "The client credentials are invalid",
    );
    pub const NO_METHOD: Self = refusal(
        StatusCode::NOT_FOUND,
        "no_method",
        "Your request was not supported. Could not find the HTTP method of your request for this path.",
    );
    pub const NOT_FOUND: Self = refusal(
        StatusCode::NOT_FOUND,
        "not_found",
        "Your requested resource was not found. Could not find a handler for the path specified in the request.",
    );
    /// The text is unverified.
    pub const NO_RECORD: Self =
        refusal(StatusCode::NOT_FOUND, "not_found", "Could not find record.");
    /// Status and text of the next two are unverified.
    pub const NO_NAME: Self = refusal(
        UNPROCESSABLE,
        "missing_parameter",
        "Missing required field: name or last_name.",
    );
    pub const NO_NUMBER: Self = refusal(
        UNPROCESSABLE,
        "invalid_parameter",
        "max_num and offset are numbers.",
    );
    /// The sandbox's own.
    pub const NO_FILTER: Self = refusal(
        UNPROCESSABLE,
        "invalid_parameter",
        "The sandbox does not filter lists.",
    );
    pub const FULL: Self = refusal(
        StatusCode::INSUFFICIENT_STORAGE,
        "fatal_error",
        "The sandbox holds no more records for a site.",
    );
    /// No redirect, in spite of its status: there is no `Location`.
    pub const WRONG_VERSION: Self = refusal(
        StatusCode::MOVED_PERMANENTLY,
        "incorrect_version",
        "The version of the API you are using is not correct for the current request.",
    );
    /// The text is unverified.
    pub const MAINTENANCE: Self = refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        "maintenance",
        "The system is in maintenance mode.",
    );

    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub fn into_answer(self) -> Answer {
        let body = json!({ "error": self.label, "error_message": self.text });
        answer::json(self.status, &body)
    }
}

/// No limit is documented; a proxy of the vendor's cloud may answer so (unverified).
pub fn too_many(retry_after_seconds: u64) -> Answer {
    let text = "Please try again later.";
    let mut answer = answer::html(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", text);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    answer
}

/// What a web server says where no site is, or beside its API (unverified).
pub fn no_such_page() -> Answer {
    let text = "The requested URL was not found on this server.";
    answer::html(StatusCode::NOT_FOUND, "Not Found", text)
}
