//! Settings of `serve` that say how the server is reached and how it reaches out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::{ConfigError, read_secret};
use crate::ids::Secret;

#[derive(Debug, Clone, Args)]
pub struct Front {
    /// URL that clients and browsers reach this server by, when it differs from the address it
    /// listens on, as in `https://api.example.com`.
    #[arg(long, env = "BUNSEN_PUBLIC_URL", value_name = "URL")]
    public_url: Option<Url>,

    /// Certificate chain, PEM, our own first: speak TLS on --listen. SIGHUP reads it again.
    #[arg(
        long,
        env = "BUNSEN_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,

    /// Its private key, PEM (PKCS#8, SEC1 or RSA), not encrypted.
    #[arg(
        long,
        env = "BUNSEN_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,

    /// Address or network of proxies whose X-Forwarded-For, Forwarded and X-Forwarded-Proto are
    /// believed. Repeatable; in the environment separated by blanks.
    #[arg(
        long = "trusted-proxy",
        env = "BUNSEN_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ' '
    )]
    pub trusted_proxies: Vec<String>,

    /// Answer /metrics on this address alone, in plain http, and no longer on --listen.
    #[arg(long, env = "BUNSEN_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,

    /// Seconds to go on serving after SIGTERM while /health/ready says 503: as long as a balancer
    /// needs to notice, its interval times the failures it waits for.
    #[arg(
        long,
        env = "BUNSEN_DRAIN_WAIT",
        default_value_t = 0,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(..=600)
    )]
    drain_wait: u64,

    /// HTTP proxy (CONNECT) that vendor calls must use, as in `http://proxy.example:3128`, with name and
    /// password in the URL if it wants them. --vendor-route, --sandbox and granted hosts go direct.
    #[arg(
        long,
        env = "BUNSEN_EGRESS_PROXY",
        hide_env_values = true,
        value_name = "URL"
    )]
    egress_proxy: Option<Secret>,

    /// File that holds the proxy's URL.
    #[arg(long, env = "BUNSEN_EGRESS_PROXY_FILE", value_name = "FILE")]
    egress_proxy_file: Option<PathBuf>,
}

impl Front {
    /// Without a slash at its end; `None` when it was not given.
    pub fn public_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(url) = &self.public_url else {
            return Ok(None);
        };
        let wrong =
            |what: &str| ConfigError(format!("--public-url (BUNSEN_PUBLIC_URL): the URL {what}"));
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold a user name or password"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must end after host and port"));
        }
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// Certificate and key; the parser sees to it that both are given.
    pub fn tls(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.tls_cert.as_ref().zip(self.tls_key.as_ref())
    }

    pub fn drain_wait(&self) -> Duration {
        Duration::from_secs(self.drain_wait)
    }

    pub fn egress_proxy(&self) -> Result<Option<Secret>, ConfigError> {
        match (&self.egress_proxy, &self.egress_proxy_file) {
            (Some(_), Some(_)) => Err(ConfigError(
                "BUNSEN_EGRESS_PROXY and BUNSEN_EGRESS_PROXY_FILE are both set; keep one".into(),
            )),
            (Some(url), None) => Ok(Some(url.clone())),
            (None, Some(file)) => read_secret("BUNSEN_EGRESS_PROXY_FILE", file).map(Some),
            (None, None) => Ok(None),
        }
    }
}
