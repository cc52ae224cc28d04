//! The server. See `ARCHITECTURE.md` for the map.

mod app;
pub mod bootstrap;
pub mod cli;
pub mod config;
pub mod error;
mod exchange;
mod http;
pub mod ids;
pub mod keyring;
mod outbound;
pub mod private_postgres;
mod provisioning;
pub mod store;
pub mod vault;
