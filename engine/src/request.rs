//! What is sent to a vendor.

use std::fmt;

/// One call, complete. The headers that carry secrets are marked sensitive.
#[derive(Clone)]
pub struct VendorRequest {
    pub method: http::Method,
    pub url: url::Url,
    pub headers: http::HeaderMap,
    pub body: bytes::Bytes,
}

impl fmt::Debug for VendorRequest {
    /// Method and host only: path, query, headers and body may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}
