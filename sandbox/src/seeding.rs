//! What the vendors' control calls share: tables of operations, the kinds of things that these make and change, strict
//! bodies, and refusals in the control calls' form.

use std::sync::Mutex;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{self, Answer};
use crate::control::{method_not_allowed, not_found, refused};
use crate::routes::{self, Found, Route};
use crate::vendor::lock;

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

/// Looks the call up and does it; the first table that has the path decides.
pub fn answer<S>(
    tables: &[&'static [Route<Operation<S>>]],
    state: &S,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Answer {
    let mut found = tables
        .iter()
        .map(|routes| routes::find(routes, method.as_str(), path));
    let found = found.find(|found| !matches!(found, Found::Nothing));
    let outcome = match found {
        Some(Found::Operation(operation, parameters)) => operation(state, &parameters, body),
        Some(Found::WrongMethod(allow)) => return method_not_allowed(&allow),
        Some(Found::Nothing) | None => Err(Mistake::Unknown(
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

/// A kind of thing that a world holds, and that control calls list, make, show, change and delete.
pub trait Kind: Sized + 'static {
    type World: Send + 'static;
    /// A body: what can be said of it.
    type Change: DeserializeOwned;
    /// What stands for one of them in a path, once it is known to be there.
    type Id;

    const UNKNOWN: &'static str;

    /// The methods of the path of all of them.
    const MANY: &'static [(&'static str, Operation<Mutex<Self::World>>)] =
        &[("GET", list::<Self>), ("POST", create::<Self>)];

    /// The methods of the path of one.
    const ONE: &'static [(&'static str, Operation<Mutex<Self::World>>)] = &[
        ("GET", read::<Self>),
        ("PATCH", change::<Self>),
        ("DELETE", delete::<Self>),
    ];

    fn all(world: &Self::World) -> Value;
    fn find(world: &Self::World, text: &str) -> Option<Self::Id>;
    fn shown(world: &Self::World, id: &Self::Id) -> Value;
    fn create(change: Self::Change, world: &mut Self::World) -> Result<Self::Id, Mistake>;
    fn change(change: Self::Change, world: &mut Self::World, id: &Self::Id) -> Result<(), Mistake>;
    fn remove(world: &mut Self::World, id: &Self::Id);
}

/// The one that a path means.
pub fn found<K: Kind>(world: &K::World, text: &str) -> Result<K::Id, Mistake> {
    K::find(world, text).ok_or(Mistake::Unknown(K::UNKNOWN))
}

fn list<K: Kind>(world: &Mutex<K::World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &K::all(&lock(world))))
}

fn create<K: Kind>(world: &Mutex<K::World>, _: &[&str], body: &[u8]) -> Outcome {
    let change: K::Change = parse(body)?;
    let mut world = lock(world);
    let id = K::create(change, &mut world)?;
    Ok(answer::json(StatusCode::CREATED, &K::shown(&world, &id)))
}

fn read<K: Kind>(world: &Mutex<K::World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let world = lock(world);
    let id = found::<K>(&world, parameters[0])?;
    Ok(answer::json(StatusCode::OK, &K::shown(&world, &id)))
}

fn change<K: Kind>(world: &Mutex<K::World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: K::Change = parse(body)?;
    let mut world = lock(world);
    let id = found::<K>(&world, parameters[0])?;
    K::change(change, &mut world, &id)?;
    Ok(answer::json(StatusCode::OK, &K::shown(&world, &id)))
}

fn delete<K: Kind>(world: &Mutex<K::World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    let id = found::<K>(&world, parameters[0])?;
    K::remove(&mut world, &id);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
