//! Names to addresses, without those that may not be reached.
//!
//! The client connects to what comes out of here and looks nothing up again, so the address
//! checked is the address connected to, whatever the name server says the next time.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

use super::address::{self, Forbidden};

pub(super) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// More than any vendor publishes; a hostile name must not make us knock on a list of doors.
const ADDRESSES_TRIED: usize = 8;

#[derive(Clone)]
pub(super) struct Resolver {
    /// Both are fields only so that tests can stand in for the name server and can treat one
    /// loopback address as a public or private one.
    pub lookup: Lookup,
    pub classify: fn(IpAddr) -> Option<Forbidden>,
    /// The one host of a granted client, which may have private addresses.
    pub granted: Option<Arc<str>>,
}

impl Resolver {
    pub(super) fn new() -> Self {
        Self {
            lookup: Arc::new(|name| Box::pin(system_lookup(name))),
            classify: address::classify,
            granted: None,
        }
    }

    /// For names that an operator has given, which may lead anywhere.
    pub(super) fn anywhere() -> Self {
        Self {
            classify: |_| None,
            ..Self::new()
        }
    }

    pub(super) fn granting(&self, host: &str) -> Self {
        Self {
            granted: Some(host.into()),
            ..self.clone()
        }
    }

    async fn addresses(self, name: String) -> Result<Vec<SocketAddr>, ResolveError> {
        let found = (self.lookup)(name.clone())
            .await
            .map_err(|_| ResolveError::Unknown)?;
        let granted = self
            .granted
            .is_some_and(|host| host.eq_ignore_ascii_case(&name));
        let mut forbidden = None;
        let mut allowed = Vec::new();
        for address in found {
            match (self.classify)(address) {
                Some(reason) if !(granted && reason.grantable) => {
                    forbidden.get_or_insert(reason);
                }
                // Port 0 stands for the URL's; no zone id is carried over.
                _ => allowed.push(SocketAddr::new(address, 0)),
            }
        }
        allowed.truncate(ADDRESSES_TRIED);
        match (allowed.is_empty(), forbidden) {
            (false, _) => Ok(allowed),
            (true, Some(forbidden)) => Err(ResolveError::Forbidden(forbidden.why)),
            (true, None) => Err(ResolveError::Unknown),
        }
    }

    /// What is wrong with one of the name's addresses; nothing is known of a name that does not
    /// resolve.
    pub(super) async fn forbidden(&self, name: &str) -> Option<&'static str> {
        let found = (self.lookup)(name.to_owned()).await.ok()?;
        let mut forbidden = found.into_iter().filter_map(self.classify);
        forbidden.next().map(|forbidden| forbidden.why)
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = BoxFuture<'static, Result<Self::Response, ResolveError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str().to_owned()).await?;
            Ok(addresses.into_iter())
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("granted", &self.granted)
            .finish_non_exhaustive()
    }
}

async fn system_lookup(name: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

/// Found again in the client's error by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("the name does not resolve")]
    Unknown,
    #[error("the name resolves to no address that may be reached ({0})")]
    Forbidden(&'static str),
}
