//! The commands. Each takes what `config` read and does one thing.

pub mod elements;
pub mod grant;
pub mod health;
pub mod keys;
pub mod migrate;
pub mod serve;
