use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Which peers may be relayed to. A relay that reaches into its own network is a way around that
/// network's firewall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Loopback, private and link-local addresses too: for a network of one's own.
    pub private: bool,
    /// This host's own services too: for tests on one machine.
    pub own_host: bool,
}

impl Policy {
    /// Whether an address may be relayed to.
    pub fn allows(self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(ip) => self.allows_v4(ip),
            IpAddr::V6(ip) => self.allows_v6(ip),
        }
    }

    fn allows_v4(self, ip: Ipv4Addr) -> bool {
        let [a, b, c, _] = ip.octets();
        let nobody = a == 0 || a >= 224;
        let local = ip.is_loopback()
            || ip.is_private()
            || ip.is_link_local()
            // RFC 6598, a carrier's NAT; RFC 6890, protocol assignments; RFC 2544, laboratories.
            || (a == 100 && b & 0xc0 == 64)
            || (a, b, c) == (192, 0, 0)
            || (a == 198 && b & 0xfe == 18);
        !nobody && (self.private || !local)
    }

    fn allows_v6(self, ip: Ipv6Addr) -> bool {
        let segments = ip.segments();
        let embedded = |high: u16, low: u16| {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            self.allows_v4(Ipv4Addr::new(a, b, c, d))
        };
        match segments {
            // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address in them.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
            // NAT64 of a network's own (RFC 8215), Teredo (RFC 4380), multicast.
            [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..] | [0xff00..=0xffff, ..] => false,
            [0, 0, 0, 0, 0, 0, 0, 1] => self.private,
            // Unspecified, and IPv4-compatible, which nobody uses (RFC 4291).
            [0, 0, 0, 0, 0, 0, ..] => false,
            // Unique-local, link-local and, long out of use, site-local.
            [0xfc00..=0xfdff | 0xfe80..=0xfeff, ..] => self.private,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(policy: Policy, text: &str) -> bool {
        policy.allows(text.parse().unwrap())
    }

    #[test]
    fn only_the_open_internet() {
        for ip in [
            "8.8.8.8",
            "192.0.2.1",
            "100.128.0.1",
            "2606:4700::1",
            "2002:808:808::1",
        ] {
            assert!(allowed(Policy::default(), ip), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
            "fe80::1",
            "fd00::1",
        ] {
            assert!(!allowed(Policy::default(), ip), "{ip}");
        }
    }

    #[test]
    fn a_network_of_ones_own() {
        let policy = Policy {
            private: true,
            own_host: false,
        };
        for ip in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "8.8.8.8"] {
            assert!(allowed(policy, ip), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
            "2001::1",
        ] {
            assert!(!allowed(policy, ip), "{ip}");
        }
    }
}
