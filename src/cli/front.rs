//! What `serve` is reached by: addresses bound and files read before anything is started.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};

use crate::app::Outside;
use crate::cli::state::told;
use crate::config::Serve;
use crate::error::{Error, Result};
use crate::http::{self, Tls, Trusted};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// More than any number of scrapers.
const METRICS_CONNECTIONS: usize = 64;

#[derive(Debug)]
pub struct Front {
    socket: TcpSocket,
    metrics: Option<TcpSocket>,
    pub tls: Option<Tls>,
    trusted: Arc<Trusted>,
    pub outside: Outside,
}

/// Connections are taken from here on.
#[derive(Debug)]
pub struct Listening {
    pub listener: TcpListener,
    pub front: http::Front,
    pub metrics: Option<(TcpListener, http::Front)>,
}

impl Front {
    pub fn open(arguments: &Serve) -> Result<Self> {
        let settings = &arguments.front;
        let tls = settings
            .tls()
            .map(|(certificate, key)| Tls::read(certificate, key))
            .transpose()
            .map_err(Error::Invalid)?;
        let trusted = Trusted::parse(&settings.trusted_proxies).map_err(Error::Invalid)?;
        let given = settings.public_url().map_err(told)?;
        let (socket, address) = bind("--listen", arguments.listen)?;
        let metrics = settings
            .metrics_listen
            .map(|address| bind("--metrics-listen", address))
            .transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        if tls.is_none() && is_exposed(address) {
            tracing::warn!(
                %address,
                "plain http away from loopback: give --tls-cert and --tls-key, or put a proxy \
                 that speaks TLS in front; secrets pass here"
            );
        }
        if given.as_ref().is_some_and(|url| url.starts_with("http://")) {
            tracing::warn!("--public-url is plain http: secrets pass there");
        }
        if let Some((_, address)) = &metrics {
            tracing::info!(%address, "metrics are answered apart, at http://ADDRESS/metrics");
        }
        Ok(Self {
            outside: Outside {
                public_url: given.unwrap_or_else(|| own_url(scheme, address)),
                metrics_apart: metrics.is_some(),
            },
            socket,
            metrics: metrics.map(|(socket, _)| socket),
            tls,
            trusted: Arc::new(trusted),
        })
    }

    /// Begins to listen, and whoever reads stdout knows it.
    pub fn announce(self) -> Result<Listening> {
        let listener = self.socket.listen(BACKLOG).map_err(told)?;
        let address = listener.local_addr().map_err(told)?;
        let metrics = self
            .metrics
            .map(|socket| socket.listen(BACKLOG))
            .transpose()
            .map_err(told)?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut out = std::io::stdout();
        writeln!(out, "bunsen listening on {scheme}://{address}")
            .and_then(|()| out.flush())
            .map_err(told)?;
        tracing::info!(url = self.outside.public_url, "this server is reached by");
        Ok(Listening {
            listener,
            front: http::Front {
                tls: self.tls,
                trusted: self.trusted,
                most_connections: None,
            },
            metrics: metrics.map(|listener| {
                let front = http::Front {
                    most_connections: Some(METRICS_CONNECTIONS),
                    ..http::Front::default()
                };
                (listener, front)
            }),
        })
    }
}

fn bind(flag: &str, address: SocketAddr) -> Result<(TcpSocket, SocketAddr)> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    };
    bound().map_err(|error: std::io::Error| {
        Error::Invalid(format!(
            "{flag} {address}: {error}; choose another address or port"
        ))
    })
}

/// How a program on this machine reaches the server.
fn own_url(scheme: &str, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{address}")
}

fn is_exposed(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_not_exposed() {
        for (address, exposed) in [
            ("127.0.0.1:1", false),
            ("127.9.9.9:1", false),
            ("[::1]:1", false),
            ("[::ffff:127.0.0.1]:1", false),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("192.168.1.1:1", true),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(is_exposed(address), exposed, "{address}");
        }
    }

    #[test]
    fn an_unspecified_address_is_reached_by_loopback() {
        for (address, expected) in [
            ("0.0.0.0:80", "https://127.0.0.1:80"),
            ("[::]:80", "https://[::1]:80"),
            ("192.168.1.1:80", "https://192.168.1.1:80"),
        ] {
            assert_eq!(
                own_url("https", address.parse().expect("an address")),
                expected
            );
        }
    }
}
