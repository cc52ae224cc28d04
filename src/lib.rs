//! The server. See `ARCHITECTURE.md` for the map.

mod app;
mod cli;
mod config;
mod elements;
mod error;
mod exchange;
mod http;
mod ids;
mod keyring;
mod outbound;
mod private_postgres;
mod provisioning;
mod store;
mod vault;
