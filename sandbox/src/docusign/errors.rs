//! The vendor's refusals: `errorCode` and `message` on the REST API, `error` and `error_description` on token calls.

use http::StatusCode;
use serde_json::json;

use super::limits::Exceeded;
use super::world::Account;
use crate::answer::{self, Answer};

/// Why a call is not answered with what it asked for.
#[derive(Debug)]
pub enum Refusal {
    /// An unrouted path and a wrong method: nothing but the status.
    NotFound,
    Coded {
        status: StatusCode,
        code: &'static str,
        message: String,
    },
    Token {
        error: &'static str,
        description: Option<String>,
    },
}

/// The codes with which the vendor keeps a user or an account out. Texts are unverified.
pub const PERMISSIONS: &[(&str, &str)] = &[
    (
        "USER_LACKS_PERMISSIONS",
        "This User lacks sufficient permissions.",
    ),
    (
        "ACCOUNT_LACKS_PERMISSIONS",
        "This Account lacks sufficient permissions.",
    ),
    (
        "USER_LACKS_MEMBERSHIP",
        "The User does not have membership in this Account.",
    ),
    (
        "USER_NOT_ACCOUNT_ADMIN",
        "The specified User is not an administrator of the Account.",
    ),
];

pub fn coded(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::Coded {
        status,
        code,
        message: message.into(),
    }
}

pub const UNKNOWN_KEY: &str = "The specified Integrator Key was not found or is disabled.";
pub const WRONG_PASSWORD: &str = "One or both of Username and Password are invalid.";
/// Code and text of a locked account are unverified; only that it differs from a wrong password is said.
pub const LOCKED: &str = "The user is locked because of too many failed attempts to log in.";

/// Also the answer to a call without any credentials.
pub fn no_key() -> Refusal {
    let message = format!("{UNKNOWN_KEY} An Integrator key was not specified.");
    coded(
        StatusCode::UNAUTHORIZED,
        "PARTNER_AUTHENTICATION_FAILED",
        message,
    )
}

pub fn invalid_token() -> Refusal {
    coded(
        StatusCode::UNAUTHORIZED,
        "AUTHORIZATION_INVALID_TOKEN",
        "The access token provided is expired, revoked or malformed.",
    )
}

/// Status and text are unverified. The same for an unknown account, for one of another site and for one of others.
pub fn no_membership() -> Refusal {
    coded(
        StatusCode::BAD_REQUEST,
        "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT",
        "The specified User does not belong to the specified Account.",
    )
}

pub fn not_permitted(status: StatusCode, wanted: &'static str) -> Refusal {
    let texts = PERMISSIONS.iter().find(|(code, _)| *code == wanted);
    coded(status, wanted, texts.map_or("", |(_, text)| text))
}

pub fn too_many(account: Option<&Account>, exceeded: Exceeded) -> Refusal {
    let limit = account.map(|account| &account.limit);
    let status = limit
        .and_then(|limit| StatusCode::from_u16(limit.status).ok())
        .unwrap_or(StatusCode::BAD_REQUEST);
    match exceeded {
        Exceeded::Hour => {
            let allowed = limit.map_or(3000, |limit| limit.hourly);
            let message = format!(
                "The maximum number of hourly API invocations has been exceeded. The hourly limit is {allowed}."
            );
            coded(status, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", message)
        }
        // The text is unverified.
        Exceeded::Burst => coded(
            status,
            "BURST_APIINVOCATION_LIMIT_EXCEEDED",
            "The maximum number of burst API invocations has been exceeded.",
        ),
    }
}

/// A token call's refusal.
pub fn token(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal::Token {
        error,
        description: Some(description.into()),
    }
}

/// A token call's refusal that says no more than its error.
pub fn bare(error: &'static str) -> Refusal {
    Refusal::Token {
        error,
        description: None,
    }
}

impl Refusal {
    pub fn into_answer(self) -> Answer {
        match self {
            Self::NotFound => answer::empty(StatusCode::NOT_FOUND),
            Self::Coded {
                status,
                code,
                message,
            } => answer::json(status, &json!({ "errorCode": code, "message": message })),
            Self::Token { error, description } => {
                let mut body = json!({ "error": error });
                if let Some(description) = description {
                    body["error_description"] = json!(description);
                }
                answer::json(StatusCode::BAD_REQUEST, &body)
            }
        }
    }
}
