//! What the vendors' control calls share: a table of operations, strict bodies, and refusals in the control calls' form.

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

/// What a control call does with a vendor's state; the parameters of the path and the body come along.
pub type Operation<S> = fn(&S, &[&str], &[u8]) -> Outcome;

/// Looks the call up and does it.
pub fn answer<S>(
    routes: &'static [Route<Operation<S>>],
    state: &S,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Answer {
    let outcome = match routes::find(routes, method.as_str(), path) {
        Found::Operation(operation, parameters) => operation(state, &parameters, body),
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

/// 400 with the message, for a check in one line.
pub fn invalid<T>(message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake::Invalid(message.into()))
}

/// 409 with the message, likewise.
pub fn taken<T>(message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake::Taken(message.into()))
}
