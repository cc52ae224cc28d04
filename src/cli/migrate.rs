//! `bunsen migrate`: the schema, and nothing else. The database stays without a stamp.

use std::io::Write;

use crate::cli::state::told;
use crate::error::{Error, Result};
use crate::store::Store;

pub async fn run(store: &Store, out: &mut impl Write) -> Result<()> {
    store.migrate().await.map_err(told)?;
    writeln!(out, "The database has this version's schema.").map_err(Error::internal)
}
