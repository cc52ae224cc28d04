//! The server. See `ARCHITECTURE.md` for the map.

mod config;
mod error;
mod ids;
mod provisioning;
