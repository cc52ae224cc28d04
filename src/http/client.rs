//! The other end of the connection that a request came by.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use http::request::Parts;

/// Put into every request when its connection is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub address: IpAddr,
    /// The connection is encrypted by this server itself.
    pub https: bool,
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accepted = parts.extensions.get::<Self>().copied();
        let mut client = accepted.unwrap_or(Self {
            address: Ipv4Addr::UNSPECIFIED.into(),
            https: false,
        });
        // Whoever says so without a proxy only makes the own cookie stricter.
        let forwarded = parts.headers.get("x-forwarded-proto");
        client.https |= forwarded.is_some_and(|value| {
            let first = value.as_bytes().split(|byte| *byte == b',').next();
            first.is_some_and(|word| word.trim_ascii().eq_ignore_ascii_case(b"https"))
        });
        Ok(client)
    }
}
