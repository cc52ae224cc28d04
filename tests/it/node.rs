//! Node, and what a folder of tests wants from the package registry by its lockfile.
//!
//! Without them such tests say that they were skipped; with `BUNSEN_WEB_TESTS=required` they fail.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// What the tests are written for.
const OLDEST: u32 = 20;

/// Two tests at once would install the packages twice.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What is missing, if anything is.
pub fn ready(folder: &Path) -> Result<(), String> {
    let _installing = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let version = Command::new("node").arg("--version").output();
    let version = version.map_err(|_| "node is not installed")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let major = version.trim_start_matches('v').split('.').next();
    let major: u32 = major.and_then(|text| text.parse().ok()).unwrap_or_default();
    if major < OLDEST {
        return Err(format!("node is older than {OLDEST}"));
    }
    let lock = |path: &str| std::fs::metadata(folder.join(path)).and_then(|file| file.modified());
    let installed = lock("node_modules/.package-lock.json");
    let wanted = lock("package-lock.json").expect("a lockfile");
    if installed.is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    let installed = Command::new("npm")
        .args(["ci", "--ignore-scripts"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| "npm is not installed")?;
    match installed.status.success() {
        true => Ok(()),
        false => Err(format!(
            "npm ci failed: {}",
            String::from_utf8_lossy(&installed.stderr)
        )),
    }
}

/// Says so, and fails where nothing may be skipped.
pub fn skipped(what: &str, missing: &str) {
    let required = std::env::var("BUNSEN_WEB_TESTS").is_ok_and(|how| how == "required");
    assert!(!required, "{what} cannot run: {missing}");
    eprintln!("SKIPPED: {what} ({missing})");
}
