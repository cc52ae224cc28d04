//! The server. See `ARCHITECTURE.md` for the map.

mod administration;
pub mod app;
pub mod background;
pub mod bootstrap;
pub mod callers;
pub mod cli;
pub mod config;
mod connect;
pub mod elements;
pub mod error;
mod exchange;
mod gate;
pub mod http;
pub mod ids;
mod journal;
pub mod keyring;
pub mod keys;
mod login;
mod meters;
pub mod outbound;
pub mod private_postgres;
mod provisioning;
pub mod shares;
pub mod store;
mod tenancy;
pub mod vault;
