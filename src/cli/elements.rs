//! temp
use crate::error::Result;
pub fn run(_c: crate::config::Elements) -> Result<std::process::ExitCode> { todo!() }
pub fn listed(_m: &[bunsen_engine::element::Mistake]) -> String { todo!() }
