//! The element model and what one vendor call is made of, as pure functions.
//!
//! [`element`] reads definitions as they are written and checks them into the form that everything
//! else works on; [`language`] is the small closed vocabulary that definitions may use, [`ceql`]
//! the one that callers filter lists with;
//! [`configuration`] is what an instance knows; [`request`] builds a vendor call and [`reply`]
//! reads the answer, JSON or XML; [`oauth`] is what the calls of a log-in need beyond parameters,
//! and [`hub`] what those of callers do. No input or output happens here and nothing panics; the
//! moment and what is random are handed in.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod ceql;
pub mod configuration;
pub mod element;
pub mod hub;
pub mod ids;
pub mod language;
pub mod oauth;
pub mod reply;
pub mod request;
pub mod suffixes;
pub mod trace;
mod xml;
