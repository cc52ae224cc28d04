//! Paths as clients send them: double slashes collapsed, a trailing slash dropped, letters and
//! digits that came percent-encoded decoded, so that `%65lements` is `elements`.
//!
//! Wraps the router: inside it a layer would run after the route is chosen. The part of a path
//! after the reserved first segment `proxy` belongs to the vendor and is kept as it is.

use std::task::{Context, Poll};

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;
use tower::Service;

/// An id in a path: digits only, anything else does not exist.
pub fn id(segment: &str) -> Option<i64> {
    segment
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| segment.parse().ok())
        .flatten()
}

/// Every platform and hub path starts with it.
pub const BASE: &str = "/elements/api-v2";

#[derive(Debug, Clone)]
pub struct NormalisePath<S>(pub S);

impl<S> Service<Request> for NormalisePath<S>
where
    S: Service<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if request.uri().path().contains('%') && !is_text(request.uri().path()) {
            request.extensions_mut().insert(Unreadable);
        }
        if let Some(uri) = normalised(request.uri()) {
            *request.uri_mut() = uri;
        }
        self.0.call(request)
    }
}

/// The path is not text; whoever answers says so, since here no answer can be made.
#[derive(Debug, Clone, Copy)]
pub struct Unreadable;

/// Do the encoded bytes of our part of the path make UTF-8?
fn is_text(path: &str) -> bool {
    let (ours, _) = split_at_proxy(path);
    percent_decode_str(ours).decode_utf8().is_ok()
}

/// `None` when nothing has to change, which is the common case and allocates nothing.
fn normalised(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let slashes = path.contains("//") || (path.len() > 1 && path.ends_with('/'));
    if !(slashes || path.contains('%')) {
        return None;
    }
    let (ours, theirs) = split_at_proxy(path);
    let mut clean = String::with_capacity(path.len());
    for segment in ours.split('/').filter(|segment| !segment.is_empty()) {
        clean.push('/');
        push_decoded(segment, &mut clean);
    }
    clean.push_str(theirs);
    if clean.is_empty() {
        clean.push('/');
    }
    if let Some(query) = uri.query() {
        clean.push('?');
        clean.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(clean).ok()?);
    Uri::from_parts(parts).ok()
}

/// Undoes the encoding of characters that never need one (RFC 3986 §2.3, §6.2.2.2). Everything
/// else, an encoded slash above all, stays as it is until the segments are split.
fn push_decoded(segment: &str, clean: &mut String) {
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        clean.push_str(&rest[..at]);
        let decoded = rest
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
        match decoded {
            Some(byte) => {
                clean.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            None => {
                clean.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    clean.push_str(rest);
}

/// The path up to and including the segment `proxy` behind the base, and the raw rest.
fn split_at_proxy(path: &str) -> (&str, &str) {
    let mut seen = 0;
    let mut position = 0;
    for segment in path.split('/') {
        let end = position + segment.len();
        if !segment.is_empty() {
            let expected = match seen {
                0 => "elements",
                1 => "api-v2",
                _ => "proxy",
            };
            if segment != expected {
                break;
            }
            if seen == 2 {
                let (ours, theirs) = path.split_at(end);
                // A slash alone names nothing behind the base URL.
                return (ours, if theirs == "/" { "" } else { theirs });
            }
            seen += 1;
        }
        position = end + 1;
    }
    (path, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(text: &str) -> String {
        let uri: Uri = text.parse().expect("a URI");
        normalised(&uri).unwrap_or(uri).to_string()
    }

    #[test]
    fn slashes() {
        for (given, expected) in [
            ("/", "/"),
            ("//", "/"),
            ("/elements/api-v2/instances/", "/elements/api-v2/instances"),
            ("/elements/api-v2//objects", "/elements/api-v2/objects"),
            (
                "//elements//api-v2//accounts///?a=//b/",
                "/elements/api-v2/accounts?a=//b/",
            ),
            (
                "/elements/api-v2/users/a%2Fb@c",
                "/elements/api-v2/users/a%2Fb@c",
            ),
            (
                "/elements/api-v2/proxy//a//b/",
                "/elements/api-v2/proxy//a//b/",
            ),
            ("/elements//api-v2/proxy/", "/elements/api-v2/proxy"),
            (
                "/elements/api-v2/hubs/proxy//x/",
                "/elements/api-v2/hubs/proxy/x",
            ),
            (
                "/elements/api-v2/proxyish//x/",
                "/elements/api-v2/proxyish/x",
            ),
        ] {
            assert_eq!(clean(given), expected, "{given}");
        }
    }

    #[test]
    fn encoded_bytes_must_be_text() {
        for path in [
            "/a",
            "/%C3%A9",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/elements/api-v2/proxy/%FF",
        ] {
            assert!(is_text(path), "{path}");
        }
        for path in ["/%FF", "/%C3", "/%c3/%a9", "/elements/api-v2/users/a%FFb"] {
            assert!(!is_text(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_second_pass_changes_nothing(path in "(/(elements|api-v2|proxy|a|%2F|%61|%2561|%))*/?", query in "(\\?[a-z/=]{0,8})?") {
            let given = format!("/{path}{query}");
            if let Ok(uri) = given.parse::<Uri>() {
                let once = normalised(&uri).unwrap_or(uri);
                let twice = normalised(&once).unwrap_or_else(|| once.clone());
                prop_assert_eq!(once, twice);
            }
        }
    }
}
