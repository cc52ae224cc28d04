//! The account servers: one for each environment, with the log-in page, the token endpoint and `userinfo`.

use http::StatusCode;

use super::sites::Environment;
use super::world::World;
use super::{grants, userinfo};
use crate::answer::{self, Answer};
use crate::oauth;
use crate::vendor::Call;

/// Where the log-in page stands.
pub const PAGE: &str = "/oauth/auth";

/// Anything else is an empty 404, as on the REST hosts (unverified).
pub fn answer(world: &mut World, call: &Call, environment: Environment, now: i64) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/oauth/userinfo") => userinfo::answer(world, call, environment, now),
        ("POST", "/oauth/token") => grants::answer(world, call, environment, now),
        ("GET" | "POST", PAGE) => oauth::answer(world, call, environment.realm()),
        _ => answer::empty(StatusCode::NOT_FOUND),
    }
}
