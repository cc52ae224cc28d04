//! Tests against a real Postgres and over HTTP, in one binary so that there is one thing to link.

mod answer;
mod catalogue;
mod cli;
mod conventions;
mod crash;
mod database;
mod elements;
mod house;
mod life;
mod login;
mod oauth;
mod operators;
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
