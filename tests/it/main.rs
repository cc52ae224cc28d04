//! Tests against a real Postgres and over HTTP, in one binary so that there is one thing to link.

mod answer;
mod catalogue;
mod cli;
mod conventions;
mod crash;
mod database;
mod description;
mod elements;
mod hostile;
mod house;
mod journal;
mod life;
mod login;
mod operators;
mod outbound;
mod private_postgres;
mod process;
mod provisioning;
mod replicas;
mod secrets;
mod server;
mod serving;
mod store;
mod structure;
mod vendors;
mod walk;
