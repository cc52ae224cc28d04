//! Who is at the other end: the peer of the connection, or the client that a trusted proxy names.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Nobody has more proxies one behind the other; whoever sends more wants us to work.
const MOST_HOPS: usize = 32;

/// Put into every request when it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub address: IpAddr,
    /// The client's own connection is encrypted.
    pub https: bool,
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let arrived = parts.extensions.get::<Self>().copied();
        Ok(arrived.unwrap_or(Self {
            address: Ipv4Addr::UNSPECIFIED.into(),
            https: false,
        }))
    }
}

/// The proxies whose word is taken for where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Trusted(Vec<IpNet>);

impl Trusted {
    /// Networks (`10.0.0.0/8`) and single addresses.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            let single = text.parse::<IpAddr>().map(IpNet::from);
            single.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
                format!(
                    "--trusted-proxy (BUNSEN_TRUSTED_PROXIES): '{text}' is neither an address nor \
                     a network like 10.0.0.0/8"
                )
            })
        };
        texts
            .iter()
            .filter(|text| !text.is_empty())
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn covers(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whom a trusted `peer` speaks for. Without its headers, or with headers that cannot be
    /// read or contradict each other, it speaks for itself.
    pub fn client(&self, peer: Client, headers: &HeaderMap) -> Client {
        let listed = headers.contains_key(&X_FORWARDED_FOR).then(|| {
            let hops = hops(headers, X_FORWARDED_FOR);
            self.origin(hops.map(address))
        });
        let forwarded = headers.contains_key(header::FORWARDED).then(|| {
            let hops = hops(headers, header::FORWARDED);
            self.origin(hops.map(|hop| parameter(hop, "for").and_then(address)))
        });
        let named = match (listed, forwarded) {
            // A proxy writes the one that it knows, and may let the other pass as it was sent.
            (Some(listed), Some(forwarded)) => listed.filter(|_| listed == forwarded),
            (one, other) => one.or(other).flatten(),
        };
        Client {
            address: named.unwrap_or(peer.address),
            https: peer.https || arrived_by_https(headers),
        }
    }

    /// The nearest address that is not a trusted proxy's; of proxies alone the farthest. Given
    /// from right to left: each proxy adds whom it was called by at the end, and whatever the
    /// client has invented stands before that.
    fn origin(&self, hops: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut farthest = None;
        for (count, hop) in hops.enumerate() {
            let address = hop.filter(|_| count < MOST_HOPS)?;
            if !self.covers(address) {
                return Some(address);
            }
            farthest = Some(address);
        }
        farthest
    }
}

/// The entries of a list that may be spread over several headers, the last one first.
fn hops(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
}

/// With or without port, brackets and quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// One of `for=…;proto=…` (RFC 7239).
fn parameter<'h>(hop: &'h str, name: &str) -> Option<&'h str> {
    hop.split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// What the client itself used stands first.
fn arrived_by_https(headers: &HeaderMap) -> bool {
    let is_https = |word: &str| word.trim().trim_matches('"').eq_ignore_ascii_case("https");
    match headers.get(X_FORWARDED_PROTO) {
        Some(line) => line.to_str().unwrap_or_default().split(',').next(),
        None => hops(headers, header::FORWARDED)
            .last()
            .and_then(|hop| parameter(hop, "proto")),
    }
    .is_some_and(is_https)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn trusted() -> Trusted {
        let networks = ["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48", ""];
        Trusted::parse(&networks.map(String::from)).expect("networks")
    }

    fn client(headers: &[(&'static str, &str)]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header"));
        }
        let peer = Client {
            address: PROXY.parse().expect("an address"),
            https: false,
        };
        trusted().client(peer, &map)
    }

    fn named(headers: &[(&'static str, &str)]) -> String {
        client(headers).address.to_string()
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_client() {
        for (list, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7, 10.1.1.1 ,192.0.2.1", "198.51.100.7"),
            ("203.0.113.9, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
            ("rubbish, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
            ("198.51.100.7:4711", "198.51.100.7"),
            ("[2001:db8::7]:4711, 2001:db8:1::5", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:198.51.100.7, ::ffff:10.1.1.1", "198.51.100.7"),
        ] {
            assert_eq!(named(&[("x-forwarded-for", list)]), expected, "{list}");
        }
        let lines = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "198.51.100.7"),
        ];
        assert_eq!(named(&lines), "198.51.100.7");
    }

    #[test]
    fn what_cannot_be_read_names_nobody() {
        for list in [
            "",
            ",",
            "unknown",
            "198.51.100.7, unknown",
            "198.51.100.7,",
            "1.2.3.4.5",
        ] {
            assert_eq!(named(&[("x-forwarded-for", list)]), PROXY, "{list}");
        }
        let proxies = ["10.1.1.1"; 1000].join(",");
        assert_eq!(named(&[("x-forwarded-for", &proxies)]), PROXY);
        let invented = format!("{}, 198.51.100.7", ["203.0.113.9"; 1000].join(","));
        assert_eq!(named(&[("x-forwarded-for", &invented)]), "198.51.100.7");
    }

    #[test]
    fn the_standard_header_says_the_same() {
        for (list, expected) in [
            ("for=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7"),
            ("FOR=\"[2001:db8::7]:4711\", for=10.1.1.1", "2001:db8::7"),
            ("for=203.0.113.9, For=198.51.100.7", "198.51.100.7"),
            ("for=_hidden", PROXY),
            ("for=198.51.100.7, proto=https", PROXY),
        ] {
            assert_eq!(named(&[("forwarded", list)]), expected, "{list}");
        }
    }

    #[test]
    fn two_headers_must_agree() {
        let both = |forwarded: &str| {
            named(&[
                ("x-forwarded-for", "198.51.100.7"),
                ("forwarded", forwarded),
            ])
        };
        assert_eq!(both("for=198.51.100.7"), "198.51.100.7");
        assert_eq!(both("for=203.0.113.9"), PROXY);
        assert_eq!(both("nonsense"), PROXY);
    }

    #[test]
    fn the_scheme_is_the_clients() {
        for (name, value, expected) in [
            ("x-forwarded-proto", "https", true),
            ("x-forwarded-proto", "HTTPS, http", true),
            ("x-forwarded-proto", "http, https", false),
            (
                "forwarded",
                "for=198.51.100.7;proto=https, for=10.1.1.1;proto=http",
                true,
            ),
            ("forwarded", "for=198.51.100.7;proto=http", false),
        ] {
            assert_eq!(client(&[(name, value)]).https, expected, "{name}: {value}");
        }
    }

    #[test]
    fn networks_are_read_and_named_when_wrong() {
        assert!(trusted().covers("::ffff:10.9.9.9".parse().expect("an address")));
        assert!(!trusted().covers("11.0.0.1".parse().expect("an address")));
        for wrong in ["10.0.0.0/33", "proxy.example", "10.0.0", "*"] {
            let error = Trusted::parse(&[wrong.to_owned()]).expect_err("no network");
            assert!(
                error.contains(wrong) && error.contains("--trusted-proxy"),
                "{error}"
            );
        }
    }
}
