//! Tests against a real Postgres and over HTTP, in one binary so that there is one thing to link.

mod cli;
mod database;
mod elements;
mod house;
mod outbound;
mod private_postgres;
mod server;
mod store;
mod structure;
