//! `bunsen health`: for container engines and scripts.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::config;
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/health/ready`. One request in plain HTTP needs no client library, and the outbound one
/// refuses loopback on purpose.
pub fn run(arguments: &config::Health) -> Result<()> {
    let url = &arguments.url;
    if url.scheme() != "http" {
        return Err(Error::Invalid("--url must begin with http://".into()));
    }
    let host = url.host_str().unwrap_or("127.0.0.1");
    let port = url.port().unwrap_or(80);
    let unreachable =
        |error: std::io::Error| Error::Invalid(format!("{host}:{port} does not answer: {error}"));
    let address = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .map_err(unreachable)?
        .next()
        .ok_or(Error::Unavailable("the host has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(unreachable)?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(unreachable)?;
    write!(
        stream,
        "GET /health/ready HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    )
    .map_err(unreachable)?;
    let mut answer = Vec::new();
    stream
        .take(64 * 1024)
        .read_to_end(&mut answer)
        .map_err(unreachable)?;
    let status = answer.get(9..12).unwrap_or_default();
    if answer.starts_with(b"HTTP/1.") && status == b"200" {
        return Ok(());
    }
    Err(Error::Unavailable("The server is not ready."))
}
