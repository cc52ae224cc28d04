//! Tests of the whole server: over HTTP, as a process, and of the store on Postgres.

mod answer;
mod conventions;
mod crash;
mod process;
mod provisioning;
mod secrets;
mod vendors;
mod walk;
