//! Tests against a real Postgres and over HTTP, in one binary so that there is one thing to link.

mod database;
mod outbound;
mod private_postgres;
mod server;
mod store;
