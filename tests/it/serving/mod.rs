//! The server as an operator runs it: figures, TLS, proxies on both sides, stops under load.

pub mod certificates;
mod egress;
mod forwarded;
mod logs;
mod metrics;
mod public_url;
mod rolling;
mod secure;

use crate::database::TestDatabase;
use crate::process::{Folder, Server, new_keyring, serve, try_serve};
use crate::vendors::{Vendors, client};

/// A database, a keyring and simulated vendors, for several servers.
struct Site {
    database: TestDatabase,
    folder: Folder,
    keyring: String,
    vendors: Vendors,
}

impl Site {
    async fn new(database: TestDatabase) -> Self {
        let folder = Folder::new();
        let keyring = folder.text("keyring.json");
        new_keyring(&keyring).await;
        Self {
            database,
            folder,
            keyring,
            vendors: Vendors::start().await,
        }
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let own = [
            "--sandbox",
            self.vendors.url.as_str(),
            "--database-url",
            &self.database.url,
            "--keyring",
            &self.keyring,
        ];
        [&own, more].concat()
    }

    async fn serve(&self, name: &str, more: &[&str]) -> Server {
        serve(&self.folder.path(name), &self.arguments(more)).await
    }

    /// What a server that must not start says.
    async fn refused(&self, more: &[&str]) -> String {
        let data = self.folder.path("refused");
        let output = try_serve(&data, &self.arguments(more)).await;
        let output = output.expect_err("this must not start");
        let text = crate::process::written(&output);
        assert!(
            !output.status.success() && !text.contains("panicked"),
            "{text}"
        );
        text
    }
}

/// `/metrics` at this base URL.
async fn figures(url: &str) -> String {
    let answer = client().get(format!("{url}/metrics")).send().await;
    let answer = answer.expect("the server answers");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    answer.text().await.expect("text")
}

/// The value of the one line that begins so.
fn figure(figures: &str, series: &str) -> f64 {
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {series} in\n{figures}"));
    line.parse().expect("a number")
}
