//! Which addresses a call may never reach: everything that is not globally routable unicast.
//!
//! The ranges are those of the IANA special-purpose address registries, read as a guard reads
//! them: a range that the registry calls globally reachable but that no vendor's host can live
//! in (protocol anycast, ORCHID, Teredo, 6to4) is refused too, and IPv6 is refused unless it
//! lies in the part that IANA hands out (2000::/3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address may not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forbidden {
    pub why: &'static str,
    /// An operator's grant may lift it: it is the address of a machine on a private network.
    pub grantable: bool,
}

const fn never(why: &'static str) -> Forbidden {
    Forbidden {
        why,
        grantable: false,
    }
}

const PRIVATE: Forbidden = Forbidden {
    why: "private network",
    grantable: true,
};
const SHARED: Forbidden = Forbidden {
    why: "shared address space",
    grantable: true,
};
const UNSPECIFIED: Forbidden = never("this network");
const LOOPBACK: Forbidden = never("loopback");
const LINK_LOCAL: Forbidden = never("link-local");
const METADATA: Forbidden = never("cloud metadata");
const PROTOCOL: Forbidden = never("protocol assignments");
const DOCUMENTATION: Forbidden = never("documentation");
const BENCHMARKING: Forbidden = never("benchmarking");
const TUNNEL: Forbidden = never("tunnelled IPv4");
const MULTICAST: Forbidden = never("multicast");
const RESERVED: Forbidden = never("reserved");

type Range4 = (Ipv4Addr, u32, Forbidden);
type Range6 = (Ipv6Addr, u32, Forbidden);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

/// The first match decides, so single hosts stand before the networks around them.
const RANGES_4: &[Range4] = &[
    // Answer to any machine inside the cloud in question with its credentials or configuration;
    // the second is a public address by the registry, the first would be grantable.
    (v4(100, 100, 100, 200), 32, METADATA),
    (v4(168, 63, 129, 16), 32, METADATA),
    (v4(169, 254, 169, 254), 32, METADATA),
    (v4(0, 0, 0, 0), 8, UNSPECIFIED),
    (v4(10, 0, 0, 0), 8, PRIVATE),
    (v4(100, 64, 0, 0), 10, SHARED),
    (v4(127, 0, 0, 0), 8, LOOPBACK),
    (v4(169, 254, 0, 0), 16, LINK_LOCAL),
    (v4(172, 16, 0, 0), 12, PRIVATE),
    (v4(192, 0, 0, 0), 24, PROTOCOL),
    (v4(192, 0, 2, 0), 24, DOCUMENTATION),
    (v4(192, 88, 99, 0), 24, TUNNEL),
    (v4(192, 168, 0, 0), 16, PRIVATE),
    (v4(198, 18, 0, 0), 15, BENCHMARKING),
    (v4(198, 51, 100, 0), 24, DOCUMENTATION),
    (v4(203, 0, 113, 0), 24, DOCUMENTATION),
    (v4(224, 0, 0, 0), 4, MULTICAST),
    (v4(255, 255, 255, 255), 32, never("broadcast")),
    (v4(240, 0, 0, 0), 4, RESERVED),
];

const fn v6(segments: [u16; 8]) -> Ipv6Addr {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Addr::new(a, b, c, d, e, f, g, h)
}

const RANGES_6: &[Range6] = &[
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]), 128, METADATA),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]), 128, METADATA),
    (Ipv6Addr::UNSPECIFIED, 128, UNSPECIFIED),
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    // IPv4-compatible, given up long ago; some systems still deliver it as IPv4.
    (Ipv6Addr::UNSPECIFIED, 96, TUNNEL),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0]), 48, TUNNEL),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0]), 64, never("discard")),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 32, TUNNEL),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0]), 48, BENCHMARKING),
    (v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0]), 28, never("ORCHID")),
    (v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0]), 28, never("ORCHID")),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23, PROTOCOL),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]), 32, DOCUMENTATION),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16, TUNNEL),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20, DOCUMENTATION),
    (
        v6([0x5f00, 0, 0, 0, 0, 0, 0, 0]),
        16,
        never("segment routing"),
    ),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0]), 7, PRIVATE),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10, LINK_LOCAL),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0]), 10, never("site-local")),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8, MULTICAST),
];

/// Why the address may not be reached; `None` if it is globally routable unicast.
pub fn is_forbidden(address: IpAddr) -> Option<&'static str> {
    classify(address).map(|forbidden| forbidden.why)
}

pub(super) fn classify(address: IpAddr) -> Option<Forbidden> {
    match address {
        IpAddr::V4(address) => classify_4(address),
        IpAddr::V6(address) => classify_6(address),
    }
}

fn classify_4(address: Ipv4Addr) -> Option<Forbidden> {
    RANGES_4
        .iter()
        .find(|(network, prefix, _)| {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
        })
        .map(|(_, _, forbidden)| *forbidden)
}

fn classify_6(address: Ipv6Addr) -> Option<Forbidden> {
    if let Some(inner) = translated(address) {
        return classify_4(inner);
    }
    let listed = RANGES_6
        .iter()
        .find(|(network, prefix, _)| {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
        })
        .map(|(_, _, forbidden)| *forbidden);
    if listed.is_some() {
        return listed;
    }
    if address.segments()[0] >> 13 != 1 {
        return Some(RESERVED);
    }
    // ISATAP carries an IPv4 address behind any prefix; its router delivers to that address.
    let [.., e, f, high, low] = address.segments();
    if (e == 0 || e == 0x200) && f == 0x5efe {
        return classify_4(joined(high, low));
    }
    None
}

/// The IPv4 address that a packet to this one ends at: mapped by the kernel, or translated by
/// the well-known NAT64 prefix, through which IPv6-only sites reach vendors legitimately.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(joined(high, low))
        }
        _ => None,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of the two IANA special-purpose registries, by its first and last address.
    #[test]
    fn every_special_purpose_range_is_forbidden_from_end_to_end() {
        let ranges = [
            ("0.0.0.0", "0.255.255.255", "this network"),
            ("10.0.0.0", "10.255.255.255", "private network"),
            ("100.64.0.0", "100.127.255.255", "shared address space"),
            ("127.0.0.0", "127.255.255.255", "loopback"),
            ("169.254.0.0", "169.254.255.255", "link-local"),
            ("172.16.0.0", "172.31.255.255", "private network"),
            ("192.0.0.0", "192.0.0.255", "protocol assignments"),
            ("192.0.0.8", "192.0.0.10", "protocol assignments"),
            ("192.0.0.170", "192.0.0.171", "protocol assignments"),
            ("192.0.2.0", "192.0.2.255", "documentation"),
            ("192.88.99.0", "192.88.99.255", "tunnelled IPv4"),
            ("192.168.0.0", "192.168.255.255", "private network"),
            ("198.18.0.0", "198.19.255.255", "benchmarking"),
            ("198.51.100.0", "198.51.100.255", "documentation"),
            ("203.0.113.0", "203.0.113.255", "documentation"),
            ("224.0.0.0", "239.255.255.255", "multicast"),
            ("240.0.0.0", "255.255.255.254", "reserved"),
            ("255.255.255.255", "255.255.255.255", "broadcast"),
            ("::", "::", "this network"),
            ("::1", "::1", "loopback"),
            ("::2", "::ffff:ffff", "tunnelled IPv4"),
            (
                "64:ff9b:1::",
                "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                "tunnelled IPv4",
            ),
            ("100::", "100::ffff:ffff:ffff:ffff", "discard"),
            ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", "reserved"),
            (
                "2001::",
                "2001::ffff:ffff:ffff:ffff:ffff:ffff",
                "tunnelled IPv4",
            ),
            ("2001:1::1", "2001:1::3", "protocol assignments"),
            (
                "2001:2::",
                "2001:2::ffff:ffff:ffff:ffff:ffff",
                "benchmarking",
            ),
            (
                "2001:3::",
                "2001:3:ffff:ffff:ffff:ffff:ffff:ffff",
                "protocol assignments",
            ),
            (
                "2001:4:112::",
                "2001:4:112:ffff:ffff:ffff:ffff:ffff",
                "protocol assignments",
            ),
            (
                "2001:10::",
                "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff",
                "ORCHID",
            ),
            (
                "2001:20::",
                "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff",
                "ORCHID",
            ),
            (
                "2001:30::",
                "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff",
                "protocol assignments",
            ),
            (
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                "documentation",
            ),
            (
                "2002::",
                "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "tunnelled IPv4",
            ),
            (
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                "documentation",
            ),
            (
                "4000::",
                "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "reserved",
            ),
            (
                "5f00::",
                "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "segment routing",
            ),
            (
                "fc00::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "private network",
            ),
            (
                "fe80::",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "link-local",
            ),
            (
                "fec0::",
                "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "site-local",
            ),
            (
                "ff00::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "multicast",
            ),
        ];
        for (first, last, why) in ranges {
            for address in [first, last] {
                assert_eq!(
                    is_forbidden(address.parse().unwrap()),
                    Some(why),
                    "{address}"
                );
            }
        }
    }

    #[test]
    fn the_neighbours_of_every_range_are_allowed() {
        let public = [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::",
            "2606:4700::1111",
            "3ffe:ffff::",
            "3fff:1000::",
            // Globally reachable by the registry, and hosts may have them.
            "192.31.196.1",
            "192.52.193.1",
            "192.175.48.1",
            "2620:4f:8000::1",
        ];
        for address in public {
            assert_eq!(is_forbidden(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn an_address_that_ends_at_an_ipv4_address_is_judged_by_that() {
        let cases = [
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::ffff:10.1.2.3", Some("private network")),
            ("::ffff:169.254.169.254", Some("cloud metadata")),
            ("::ffff:93.184.216.34", None),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("64:ff9b::a9fe:a9fe", Some("cloud metadata")),
            ("64:ff9b::5db8:d822", None),
            ("::127.0.0.1", Some("tunnelled IPv4")),
            ("::ffff:0:127.0.0.1", Some("reserved")),
            ("2002:7f00:1::", Some("tunnelled IPv4")),
            ("2001:0:7f00:1::1", Some("tunnelled IPv4")),
            ("2606:4700::5efe:10.0.0.1", Some("private network")),
            ("2606:4700::200:5efe:127.0.0.1", Some("loopback")),
            ("2606:4700::5efe:93.184.216.34", None),
        ];
        for (address, why) in cases {
            assert_eq!(is_forbidden(address.parse().unwrap()), why, "{address}");
        }
    }

    #[test]
    fn a_grant_lifts_private_networks_and_nothing_else() {
        let grantable = |text: &str| classify(text.parse().unwrap()).unwrap().grantable;
        for address in [
            "10.0.0.1",
            "172.20.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "fd12::1",
        ] {
            assert!(grantable(address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            assert!(!grantable(address), "{address}");
        }
    }
}
