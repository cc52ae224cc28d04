//! One call of a hub as pure functions: which resource a path means, what the vendor is asked, what
//! of its answer the caller gets, and how a list goes on.
//!
//! ```text
//! find ─▶ Walk::new ─▶ request ─▶ (send) ─▶ accept ─▶ … ─▶ finish      a list
//!      └▶ Caller::check ─▶ build ─▶ (send) ─▶ read                     anything else
//! ```
//! Records stay slices of the vendor's own bytes from [`read`] to the answer; a tree of values is
//! built only where a definition's conditions look at one.

mod answer;
mod caller;
mod convert;
pub mod docs;
mod envelope;
pub mod fields;
mod given;
pub mod hook;
mod members;
mod names;
mod nulls;
mod paging;
mod parts;
pub mod ping;
mod plan;
mod route;
mod scan;
mod slots;
#[cfg(test)]
mod tests;
mod token;
mod unsent;
mod walk;

pub use answer::{Answer, Content, read};
pub(crate) use caller::is_part;
pub use caller::{Caller, build};
pub use given::{Given, given};
pub use nulls::without_nulls;
pub use parts::{PartOfCaller, Parts, parts};
pub use plan::{Plan, Wish};
pub use route::{Lost, Route};
pub use slots::links;
pub use token::TokenKey;
pub use walk::{Page, Walk};

/// What the caller has to correct: a sentence for an answer with status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(pub String);
