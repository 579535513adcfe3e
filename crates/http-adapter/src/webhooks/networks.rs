//! Which addresses may be reached. A webhook's URL is an operator's, but what its host's name stands for is decided by whoever runs the name
//! service, at any time; so that a message cannot be led to the host itself, to its neighbours or to a cloud's metadata, an address is reached
//! only if it is public, or if the operator allowed its network.
//!
//! What is not public is said by the IANA registries of special-purpose addresses, for
//! [IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry) and
//! [IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry), and by the address spaces' multicast and reserved parts.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Not public, by the registry.
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),       // this network (RFC 791)
    v4([10, 0, 0, 0], 8),      // private use (RFC 1918)
    v4([100, 64, 0, 0], 10),   // shared address space of carriers (RFC 6598)
    v4([127, 0, 0, 0], 8),     // loopback (RFC 1122)
    v4([169, 254, 0, 0], 16),  // link local (RFC 3927), and with it the clouds' metadata
    v4([172, 16, 0, 0], 12),   // private use (RFC 1918)
    v4([192, 0, 0, 0], 24),    // protocol assignments (RFC 6890)
    v4([192, 0, 2, 0], 24),    // documentation (RFC 5737)
    v4([192, 88, 99, 0], 24),  // relays from IPv6, given up (RFC 7526)
    v4([192, 168, 0, 0], 16),  // private use (RFC 1918)
    v4([198, 18, 0, 0], 15),   // benchmarks (RFC 2544)
    v4([198, 51, 100, 0], 24), // documentation (RFC 5737)
    v4([203, 0, 113, 0], 24),  // documentation (RFC 5737)
    v4([224, 0, 0, 0], 4),     // multicast (RFC 5771)
    v4([240, 0, 0, 0], 4),     // reserved (RFC 1112), and the limited broadcast
];

/// Not public, by the registry. Nothing outside `2000::/3` was ever given out as public, so all of it is left out at once.
const SPECIAL_V6: [Ipv6Net; 6] = [
    v6([0, 0], 3),           // unspecified, loopback, IPv4 within IPv6, 64:ff9b:1::/48, discard-only 100::/64
    v6([0x4000, 0], 2),      // not given out, 5f00::/16 (RFC 9602) within
    v6([0x8000, 0], 1),      // not given out; unique local fc00::/7, link local fe80::/10, multicast ff00::/8
    v6([0x2001, 0], 23),     // protocol assignments (RFC 2928), Teredo (RFC 4380), benchmarks (RFC 5180), ORCHID (RFC 7343)
    v6([0x2001, 0xdb8], 32), // documentation (RFC 3849)
    v6([0x3fff, 0], 20),     // documentation (RFC 9637)
];

/// Addresses of IPv4 within those of IPv6: behind a translator (RFC 6052), and behind a relay (RFC 3056).
const NAT64: Ipv6Net = v6([0x64, 0xff9b], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0], 16);

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b]: [u16; 2], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// An address that is neither public nor allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address {0} is not allowed")]
pub(super) struct ForbiddenAddress(pub(super) IpAddr);

/// The public internet, and what the operator added to it.
#[derive(Debug, Clone)]
pub(super) struct Networks {
    allowed: Vec<IpNet>,
}

impl Networks {
    pub(super) const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether the address may be reached.
    ///
    /// # Errors
    /// [`ForbiddenAddress`] with the address as it counts: that of IPv4, if there is one in it.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), ForbiddenAddress> {
        let counted = counted(address);
        let is_allowed = self.allowed.iter().any(|network| network.contains(&address) || network.contains(&counted));
        if is_allowed || is_public(counted) { Ok(()) } else { Err(ForbiddenAddress(counted)) }
    }
}

/// The address that is reached in the end.
fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(outer) => inner(outer).map_or(address, IpAddr::V4),
    }
}

/// The address of IPv4 that this one stands for.
fn inner(outer: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, relayed_high, relayed_low, _, _, _, translated_high, translated_low] = outer.segments();
    if SIX_TO_FOUR.contains(&outer) {
        Some(joined(relayed_high, relayed_low))
    } else if NAT64.contains(&outer) {
        Some(joined(translated_high, translated_low))
    } else {
        outer.to_ipv4_mapped()
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => !SPECIAL_V6.iter().any(|network| network.contains(&address)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn nothing_allowed(text: &str) -> Result<(), ForbiddenAddress> {
        Networks::new(vec![]).check(address(text))
    }

    #[test]
    fn what_is_not_public_is_refused_from_its_first_address_to_its_last() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "239.255.255.255"),
            ("240.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("::127.0.0.1", "::ffff"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
            ("1fff::", "1fff:ffff::"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("4000::", "5f00::1"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fd00:ec2::254", "fe80::1"),
            ("fec0::", "feff::"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            for text in [first, last] {
                assert_eq!(nothing_allowed(text), Err(ForbiddenAddress(address(text))), "{text}");
            }
        }
    }

    #[test]
    fn what_is_public_is_admitted_up_to_the_edges() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
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
            "2606:4700::1111",
            "3ffe:ffff::",
            "3fff:1000::",
        ] {
            assert_eq!(nothing_allowed(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_address_within_another_counts() {
        for (outer, inner) in [
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("::ffff:a9fe:a9fe", "169.254.169.254"),
            ("64:ff9b::10.1.2.3", "10.1.2.3"),
            ("2002:7f00:1::", "127.0.0.1"),
            ("2002:a00:1:1:2:3:4:5", "10.0.0.1"),
        ] {
            assert_eq!(nothing_allowed(outer), Err(ForbiddenAddress(address(inner))), "{outer}");
        }
        for outer in ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"] {
            assert_eq!(nothing_allowed(outer), Ok(()), "{outer}");
        }
    }

    #[test]
    fn an_operator_may_allow_a_network() {
        let networks = Networks::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap(), "64:ff9b:1::/48".parse().unwrap()]);
        for text in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::1", "64:ff9b:1::1", "1.1.1.1"] {
            assert_eq!(networks.check(address(text)), Ok(()), "{text}");
        }
        for text in ["10.0.255.255", "10.2.0.0", "::ffff:10.2.0.0", "127.0.0.1", "fc00::1", "64:ff9b:2::1"] {
            assert!(networks.check(address(text)).is_err(), "{text}");
        }
        assert_eq!(Networks::new(vec!["::/0".parse().unwrap(), "0.0.0.0/0".parse().unwrap()]).check(address("127.0.0.1")), Ok(()));
    }
}
