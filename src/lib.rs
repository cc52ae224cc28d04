//! The server. See `ARCHITECTURE.md` for the map.

mod administration;
pub mod app;
mod backup;
pub mod bootstrap;
pub mod cli;
pub mod config;
pub mod elements;
pub mod error;
mod exchange;
mod gate;
pub mod http;
pub mod ids;
mod import;
pub mod keyring;
pub mod keys;
mod login;
pub mod outbound;
pub mod private_postgres;
mod provisioning;
mod slips;
pub mod store;
mod tenancy;
pub mod vault;
