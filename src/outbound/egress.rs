//! The way out by an operator's proxy: vendor calls go through it by CONNECT, with TLS from here
//! to the vendor, so that the proxy sees host and port and nothing else.
//!
//! The proxy is told the vendor's name, not an address: such proxies allow by name, and where they
//! are needed names on the internet often do not resolve at all. So the last word on what a name
//! leads to is the proxy's, and it must not connect to private addresses itself. Where the name
//! does resolve here, it is judged all the same, and refused when one of its addresses is
//! forbidden: which one the proxy would take is not known.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use moka::future::Cache;
use percent_encoding::percent_decode_str;
use url::Url;

use super::client::Way;
use super::error::OutboundError;
use super::guard::{Reason, Refusal};
use super::resolve::Resolver;
use crate::ids::Secret;

/// Where names do not resolve, name servers are often not even refused but silent.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a name is not looked up again.
const VERDICT_LASTS: Duration = Duration::from_secs(60);
const VERDICTS: u64 = 10_000;

/// A proxy as the operator gave it.
#[derive(Debug, Clone)]
pub struct EgressProxy {
    /// Without name and password.
    url: Url,
    login: Option<(String, Secret)>,
}

impl EgressProxy {
    /// The message does not repeat the URL, which may hold a password.
    pub fn parse(text: &Secret) -> Result<Self, String> {
        let wrong = |what: &str| format!("--egress-proxy (BUNSEN_EGRESS_PROXY): the URL {what}");
        let mut url = Url::parse(text.reveal().trim())
            .map_err(|_| wrong("cannot be read; write it as http://proxy.example:3128"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with http:// or https://"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must end after host and port"));
        }
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(String::from)
                .map_err(|_| wrong("has a name or password that is not UTF-8"))
        };
        let (name, password) = (url.username(), url.password().unwrap_or_default());
        let login = match (name, password) {
            ("", "") => None,
            _ => Some((decoded(name)?, Secret::new(decoded(password)?))),
        };
        // Fails only for URLs without a host, which these two schemes do not have.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { url, login })
    }

    /// Connections that begin at `inner` and end at whomever the proxy lets through.
    pub(super) fn tunnel<C>(&self, inner: C) -> Result<Tunnel<C>, OutboundError> {
        let wrong =
            || OutboundError("--egress-proxy (BUNSEN_EGRESS_PROXY): cannot be used".to_owned());
        let proxy: Uri = self.url.as_str().parse().map_err(|_| wrong())?;
        let tunnel = Tunnel::new(proxy, inner);
        let Some((name, password)) = &self.login else {
            return Ok(tunnel);
        };
        let login = STANDARD.encode(format!("{name}:{}", password.reveal()));
        let login = HeaderValue::try_from(format!("Basic {login}")).map_err(|_| wrong())?;
        Ok(tunnel.with_auth(login))
    }
}

/// The client that goes by the proxy, and what is known of the names it was given.
#[derive(Debug)]
pub(super) struct Egress {
    pub way: Way,
    resolver: Resolver,
    /// Why a host is refused, if it is.
    verdicts: Cache<String, Option<&'static str>>,
}

impl Egress {
    pub(super) fn new(way: Way, resolver: Resolver) -> Self {
        Self {
            way,
            resolver,
            verdicts: Cache::builder()
                .max_capacity(VERDICTS)
                .time_to_live(VERDICT_LASTS)
                .build(),
        }
    }

    /// Judges a name as far as it can be judged from here.
    pub(super) async fn check(&self, host: &str) -> Result<(), Refusal> {
        let judge = async {
            let judged = self.resolver.forbidden(host);
            let judged = tokio::time::timeout(LOOKUP_TIMEOUT, judged).await;
            judged.unwrap_or_default()
        };
        match self.verdicts.get_with_by_ref(host, judge).await {
            Some(why) => Err(Refusal {
                host: host.to_owned(),
                reason: Reason::Address(why),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_leave_the_url() {
        let given = Secret::new("http://us%40er:p%3Aw@proxy.example:3128");
        let proxy = EgressProxy::parse(&given).expect("a proxy");
        assert_eq!(proxy.url.as_str(), "http://proxy.example:3128/");
        let (name, password) = proxy.login.as_ref().expect("a login");
        assert_eq!((name.as_str(), password.reveal()), ("us@er", "p:w"));
        let shown = format!("{proxy:?}");
        assert!(
            !shown.contains("p:w") && !shown.contains("p%3Aw"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_it() {
        for text in [
            "",
            "proxy.example:3128",
            "socks5://u:marked@proxy.example",
            "http://u:marked@proxy.example/path",
            "http://u:marked@proxy.example/?q",
            "http://u:marked@",
        ] {
            let error = EgressProxy::parse(&Secret::new(text)).expect_err(text);
            assert!(error.contains("--egress-proxy"), "{error}");
            assert!(!error.contains("marked"), "{error}");
        }
    }
}
