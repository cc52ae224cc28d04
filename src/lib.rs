//! The server. See `ARCHITECTURE.md` for the map.

mod app;
mod cli;
mod config;
mod error;
mod exchange;
mod http;
mod ids;
mod keyring;
pub mod outbound;
mod private_postgres;
mod provisioning;
mod store;
mod vault;
