//! Which headers cross from one connection to the other.

use http::{HeaderMap, HeaderName, StatusCode, header};

/// Belong to one connection and end with it (RFC 9110 §7.6.1).
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Speak to this server or of the way to it, or would show the vendor who calls it here.
const NOT_FOR_VENDORS: &[&str] = &[
    "authorization",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "origin",
    "referer",
    "via",
    "x-real-ip",
];
const NOT_FOR_VENDORS_BEGIN: &[&str] = &[
    "access-control-",
    "bunsen-",
    "element-",
    "elements-",
    "sec-",
    "x-forwarded-",
];

/// Speak for the vendor's host, where here they would be taken as this server's word.
const NOT_FOR_CALLERS: &[&str] = &[
    "alt-svc",
    "clear-site-data",
    "public-key-pins",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
];
const NOT_FOR_CALLERS_BEGIN: &[&str] = &["access-control-", "bunsen-", "elements-"];

pub fn for_vendor(headers: HeaderMap) -> HeaderMap {
    crossing(headers, NOT_FOR_VENDORS, NOT_FOR_VENDORS_BEGIN)
}

pub fn for_caller(headers: HeaderMap, status: StatusCode) -> HeaderMap {
    let mut headers = crossing(headers, NOT_FOR_CALLERS, NOT_FOR_CALLERS_BEGIN);
    if status == StatusCode::NO_CONTENT {
        // There is no content to have a length, whatever was announced.
        headers.remove(header::CONTENT_LENGTH);
    }
    headers
}

fn crossing(mut headers: HeaderMap, not: &[&str], not_begin: &[&str]) -> HeaderMap {
    // Those that the connection's own header names end with it, too.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_THE_CONNECTION.iter().chain(not) {
        headers.remove(*name);
    }
    let begins = |name: &HeaderName| {
        not_begin
            .iter()
            .any(|start| name.as_str().starts_with(start))
    };
    let unwanted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| begins(name))
        .cloned()
        .collect();
    for name in unwanted {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(names: &[&'static str]) -> HeaderMap {
        let pairs = names
            .iter()
            .map(|name| (HeaderName::from_static(name), "x".parse().expect("a value")));
        pairs.collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_the_callers_own_business_stays_here() {
        let mut sent = map(&[
            "authorization",
            "cookie",
            "elements-version",
            "element-instances",
            "x-forwarded-for",
            "host",
            "te",
            "sec-fetch-mode",
            "origin",
            "content-length",
            "accept",
            "accept-encoding",
            "content-type",
            "if-none-match",
            "idempotency-key",
            "range",
            "user-agent",
            "x-own",
            "x-of-the-hop",
        ]);
        sent.insert(
            "connection",
            "keep-alive, X-Of-The-Hop".parse().expect("a value"),
        );
        assert_eq!(
            names(&for_vendor(sent)),
            [
                "accept",
                "accept-encoding",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "range",
                "user-agent",
                "x-own",
            ]
        );
    }

    #[test]
    fn what_speaks_for_the_vendors_host_stays_there() {
        let got = map(&[
            "set-cookie",
            "strict-transport-security",
            "access-control-allow-origin",
            "elements-request-id",
            "bunsen-mode",
            "transfer-encoding",
            "connection",
            "content-type",
            "content-length",
            "content-encoding",
            "etag",
            "location",
            "link",
            "retry-after",
            "www-authenticate",
            "x-rate-limit",
        ]);
        let kept = [
            "content-encoding",
            "content-length",
            "content-type",
            "etag",
            "link",
            "location",
            "retry-after",
            "www-authenticate",
            "x-rate-limit",
        ];
        assert_eq!(names(&for_caller(got.clone(), StatusCode::OK)), kept);
        let without = for_caller(got, StatusCode::NO_CONTENT);
        assert!(!without.contains_key("content-length"));
    }
}
