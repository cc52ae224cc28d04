//! (in work)

pub mod grant;
pub mod keys;
pub mod migrate;
