//! Tests against a real Postgres, over HTTP and of the real binary, in one so that there is one thing to link.

mod answer;
mod cli;
mod conventions;
mod crash;
mod database;
mod elements;
mod house;
mod life;
mod outbound;
mod private_postgres;
mod process;
mod provisioning;
mod secrets;
mod server;
mod store;
mod structure;
mod vendors;
mod walk;
