//! (in work)

pub mod elements;
