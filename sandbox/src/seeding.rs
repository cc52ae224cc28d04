//! What the control calls of the vendors share: reading their bodies, and saying why nothing was changed.

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::control::{method_not_allowed, not_found, refused};
use crate::routes::{self, Found, Route};

/// Why a control call changes nothing.
#[derive(Debug)]
pub enum Mistake {
    Unknown(&'static str),
    Invalid(String),
    Taken(String),
}

pub type Outcome = Result<Answer, Mistake>;

/// One control call of a vendor that keeps its accounts in `S`.
pub type Operation<S> = fn(&S, &[&str], &[u8]) -> Outcome;

/// Looks the call up and runs it.
pub fn answer<S>(
    table: &'static [Route<Operation<S>>],
    held: &S,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Answer {
    let outcome = match routes::find(table, method.as_str(), path) {
        Found::Operation(operation, parameters) => operation(held, &parameters, body),
        Found::WrongMethod(allow) => return method_not_allowed(&allow),
        Found::Nothing => Err(Mistake::Unknown(
            "no such control call; sandbox/README.md lists them",
        )),
    };
    outcome.unwrap_or_else(|mistake| match mistake {
        Mistake::Unknown(message) => not_found(message),
        Mistake::Invalid(message) => refused(StatusCode::BAD_REQUEST, &message),
        Mistake::Taken(message) => refused(StatusCode::CONFLICT, &message),
    })
}

pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Mistake> {
    serde_json::from_slice(body).map_err(|error| Mistake::Invalid(error.to_string()))
}

pub fn invalid<T>(message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake::Invalid(message.into()))
}

pub fn taken<T>(message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake::Taken(message.into()))
}
