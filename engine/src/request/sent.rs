//! What is sent, built.

use std::fmt;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

/// A call ready to be sent. Headers that hold secrets are marked sensitive.
pub struct VendorRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl fmt::Debug for VendorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

/// Line breaks and other control characters would start a header of the caller's own.
pub(super) fn header_value(
    name: &HeaderName,
    text: &str,
    secret: bool,
) -> Result<HeaderValue, String> {
    let control = text.chars().any(char::is_control);
    match HeaderValue::from_bytes(text.as_bytes()) {
        Ok(mut value) if !control => {
            value.set_sensitive(secret || name == AUTHORIZATION);
            Ok(value)
        }
        _ => Err("must not contain line breaks or other control characters".to_owned()),
    }
}
