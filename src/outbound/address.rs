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
