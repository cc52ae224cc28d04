//! The element model and what one vendor call is made of, as pure functions.

pub mod element;
pub mod ids;
pub mod reply;
pub mod request;
