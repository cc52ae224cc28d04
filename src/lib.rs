//! The server. See `ARCHITECTURE.md` for the map.

mod app;
mod cli;
pub mod config;
mod error;
mod exchange;
mod http;
mod ids;
mod keyring;
mod outbound;
pub mod private_postgres;
mod provisioning;
mod store;
mod vault;
