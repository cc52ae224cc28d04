//! The pages in a real browser: node drives the distribution's chromium, see `tests/web/`.
//!
//! Without the two the test says that it was skipped; with `BUNSEN_WEB_TESTS=required` it fails then.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use bunsen_test_macros::database_test;
use rcgen::DnType;

use crate::database::TestDatabase;
use crate::node;
use crate::process::{Folder, new_keyring, serve};
use crate::serving::certificates::{Authority, write};
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

/// The folder of the tests and the browser; `None`: they are skipped, and it was said why.
fn prepared() -> Option<(PathBuf, PathBuf)> {
    // Two tests at once would install the packages twice.
    static PREPARED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web");
    match PREPARED.get_or_init(|| ready(&folder)) {
        Ok(browser) => Some((folder, browser.clone())),
        Err(missing) => {
            node::skipped("the tests in a browser", missing);
            None
        }
    }
}

/// Runs these files against a server with the simulated vendors. `authority`: a file with the
/// certificate that node is to trust.
async fn run(
    database: TestDatabase,
    files: &[&str],
    more: impl FnOnce(&Folder) -> (Vec<String>, Option<String>),
) {
    let Some((tests, browser)) = prepared() else {
        return;
    };
    let folder = Folder::new();
    let keyring = folder.text("keyring.json");
    new_keyring(&keyring).await;
    let vendors = Vendors::start().await;
    let (more, authority) = more(&folder);
    let mut arguments = vec![
        "--sandbox",
        vendors.url.as_str(),
        "--database-url",
        &database.url,
        "--keyring",
        &keyring,
    ];
    arguments.extend(more.iter().map(String::as_str));
    let server = serve(&folder.path("data"), &arguments).await;
    let ran = tokio::process::Command::new("node")
        .args(["--test", "--test-concurrency=1"])
        .args(files)
        .current_dir(&tests)
        .env("BUNSEN_URL", &server.url)
        .env("BUNSEN_AUTHORIZATION", server.authorization())
        .env("BUNSEN_ROOT", env!("CARGO_MANIFEST_DIR"))
        .env("BUNSEN_CHROMIUM", browser)
        .envs(authority.map(|file| ("NODE_EXTRA_CA_CERTS", file)))
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

#[database_test]
async fn pages_work_in_a_browser(database: TestDatabase) {
    let files = ["connect.test.mjs", "links.test.mjs"];
    run(database, &files, |_| (Vec::new(), None)).await;
}

#[database_test]
async fn pages_work_over_https(database: TestDatabase) {
    run(database, &["https.test.mjs"], |folder| {
        let authority = Authority::new();
        let [certificate, key, trusted] =
            ["tls.crt", "tls.key", "authority.pem"].map(|name| folder.text(name));
        // Of the authority's own name it would be taken for one that signed itself.
        let issued = authority.issue("127.0.0.1", |parameters| {
            parameters
                .distinguished_name
                .push(DnType::CommonName, "127.0.0.1");
        });
        write(Path::new(&certificate), Path::new(&key), &issued);
        std::fs::write(&trusted, authority.pem()).expect("a file");
        let arguments = ["--tls-cert", &certificate, "--tls-key", &key].map(str::to_owned);
        (arguments.to_vec(), Some(trusted))
    })
    .await;
}
