//! The pages in a real browser: node drives the distribution's chromium, see `tests/web/`.
//!
//! Without the two the test says that it was skipped; with `BUNSEN_WEB_TESTS=required` it fails then.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bunsen_test_macros::database_test;

use crate::database::TestDatabase;
use crate::node;
use crate::process::{Folder, new_keyring, serve};
use crate::vendors::Vendors;

const BROWSERS: &[&str] = &["chromium", "chromium-browser"];

/// The browser, or what is missing.
fn ready(folder: &Path) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let files = BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let browser = files.into_iter().find(|file| file.is_file());
    let browser = browser.ok_or("chromium is not installed")?;
    node::ready(folder).map(|()| browser)
}

#[database_test]
async fn pages_work_in_a_browser(database: TestDatabase) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = root.join("tests/web");
    let browser = match ready(&tests) {
        Ok(browser) => browser,
        Err(missing) => {
            node::skipped("the tests in a browser", &missing);
            return;
        }
    };
    let folder = Folder::new();
    let keyring = folder.text("keyring.json");
    new_keyring(&keyring).await;
    let vendors = Vendors::start().await;
    let arguments = [
        "--sandbox",
        vendors.url.as_str(),
        "--database-url",
        &database.url,
        "--keyring",
        &keyring,
    ];
    let server = serve(&folder.path("data"), &arguments).await;
    let ran = tokio::process::Command::new("node")
        .args(["--test", "--test-concurrency=1", "connect.test.mjs"])
        .current_dir(&tests)
        .env("BUNSEN_URL", &server.url)
        .env("BUNSEN_AUTHORIZATION", server.authorization())
        .env("BUNSEN_ROOT", root)
        .env("BUNSEN_CHROMIUM", browser)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node runs");
    let log = server.log();
    server.stop().await;
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{log}");
    // Nothing that a person typed or a vendor's page gave stands in the log.
    for secret in ["wr0ng", "code=", "state=", "/connect/callback?"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
