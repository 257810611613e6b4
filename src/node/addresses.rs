//! Which addresses are worth a dial, and for whom.

use std::net::IpAddr;

use libp2p::{Multiaddr, TransportError, multiaddr::Protocol};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// This host.
    Loopback,
    /// A private network, or a link.
    Private,
    /// Everywhere; DNS names are taken for such.
    Global,
}

/// Whether this host has an IPv6 address.
pub(crate) fn has_ipv6() -> bool {
    if_addrs::get_if_addrs().is_ok_and(|all| all.iter().any(|interface| interface.ip().is_ipv6()))
}

/// The reach of an IP address.
pub fn reach(ip: IpAddr) -> Reach {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_loopback() => Reach::Loopback,
        IpAddr::V4(ip)
            if ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64) =>
        {
            Reach::Private
        }
        IpAddr::V6(ip) if ip.is_loopback() => Reach::Loopback,
        IpAddr::V6(ip)
            if ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified() =>
        {
            Reach::Private
        }
        _ => Reach::Global,
    }
}

/// The IP address that a multiaddr begins with.
pub fn ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// The reach of a multiaddr.
pub fn reach_of(address: &Multiaddr) -> Reach {
    ip(address).map_or(Reach::Global, reach)
}

/// Whether somebody to whom we appear as `observed` tells us an address that may mean something
/// here: a loopback address does only if we are on the same host, a private one only if we
/// aren't met over the open internet, and one for browsers never.
pub fn may_be_dialed(address: &Multiaddr, observed: &Multiaddr) -> bool {
    reach_of(address) >= reach_of(observed) && !is_for_browsers(address)
}

/// Whether an address is for pages: a WebSocket, or WebRTC-direct. Nodes dial each other over QUIC
/// and TCP; to pass such addresses on in the DHT would double its messages.
pub fn is_for_browsers(address: &Multiaddr) -> bool {
    address.iter().any(|part| {
        matches!(
            part,
            Protocol::Ws(_) | Protocol::Wss(_) | Protocol::WebRTCDirect
        )
    })
}

/// Where others reach a host that listens at its `own` addresses, as far as `external` ones were
/// given: each as it is, or an IP address alone, which stands for that of every own address of its
/// family that isn't loopback. A certificate's hash need not be given.
pub fn from_outside(external: &[Multiaddr], own: &[Multiaddr]) -> Vec<Multiaddr> {
    let mut all = Vec::new();
    for outside in external {
        if outside.iter().count() > 1 {
            let mut whole = outside.clone();
            if outside.iter().last() == Some(Protocol::WebRTCDirect) {
                let hash = |part: &Protocol| matches!(part, Protocol::Certhash(_));
                let hash = own.iter().find_map(|address| address.iter().find(hash));
                whole = whole.into_iter().chain(hash).collect();
            }
            all.push(whole);
            continue;
        }
        let Some(to) = ip(outside) else {
            all.push(outside.clone());
            continue;
        };
        let translated = own.iter().filter_map(|address| {
            let from = ip(address)?;
            if from.is_ipv4() != to.is_ipv4() || from.is_loopback() {
                return None;
            }
            Some(
                Multiaddr::from(to)
                    .into_iter()
                    .chain(address.iter().skip(1))
                    .collect(),
            )
        });
        all.extend(translated.collect::<Vec<Multiaddr>>());
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|address| seen.insert(address.clone()));
    all
}

/// Why a dial failed, in a line that an operator can use.
pub fn explain(error: &TransportError<std::io::Error>) -> String {
    match error {
        TransportError::MultiaddrNotSupported(_) => {
            "no transport for it: use /ip4/…/tcp/…, /ip4/…/udp/…/quic-v1 or \
             /ip4/…/udp/…/webrtc-direct"
                .to_owned()
        }
        TransportError::Other(error) => {
            let mut deepest: &dyn std::error::Error = error;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            deepest.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sends_us_to_our_own_network() {
        let address = |text: &str| text.parse::<Multiaddr>().unwrap();
        let loopback = address("/ip4/127.0.0.1/tcp/1");
        let private = address("/ip4/192.168.1.2/tcp/1");
        let global = address("/ip4/8.8.4.4/tcp/1");
        let name = address("/dns4/example.org/tcp/443");
        assert!(may_be_dialed(&loopback, &loopback));
        assert!(!may_be_dialed(&loopback, &private));
        assert!(may_be_dialed(&private, &loopback));
        assert!(!may_be_dialed(&private, &global));
        assert!(may_be_dialed(&global, &global) && may_be_dialed(&name, &global));
        assert_eq!(reach("100.64.0.1".parse().unwrap()), Reach::Private);
        assert_eq!(reach("::ffff:10.0.0.1".parse().unwrap()), Reach::Private);
        assert_eq!(reach("fe80::1".parse().unwrap()), Reach::Private);
    }

    #[test]
    fn an_address_that_a_router_translates_is_named_as_others_see_it() {
        let addresses = |all: &[&str]| -> Vec<Multiaddr> {
            all.iter().map(|text| text.parse().unwrap()).collect()
        };
        let hash = "certhash/uEiAyzGym84SKL4CnAfRTvI7Qv8U0er99J_YgMIPEretyHQ";
        let direct = format!("/ip4/10.0.0.5/udp/4601/webrtc-direct/{hash}");
        let own = addresses(&["/ip4/127.0.0.1/tcp/4600", "/ip4/10.0.0.5/tcp/4600", &direct]);
        let seen = from_outside(&addresses(&["/ip4/20.0.0.1"]), &own);
        let as_seen = format!("/ip4/20.0.0.1/udp/4601/webrtc-direct/{hash}");
        assert_eq!(seen, addresses(&["/ip4/20.0.0.1/tcp/4600", &as_seen]));
        let given = [
            "/dns4/example.org/tcp/443/wss",
            "/ip4/20.0.0.1/udp/9/webrtc-direct",
        ];
        let seen = from_outside(&addresses(&given), &own);
        let whole = format!("{}/{hash}", given[1]);
        assert_eq!(seen, addresses(&[given[0], &whole]));
    }

    #[test]
    fn what_is_for_browsers_is_not_for_nodes() {
        let observed = "/ip4/20.0.0.1/udp/1/quic-v1".parse().unwrap();
        for (address, fits) in [
            ("/ip4/20.0.0.2/tcp/1", true),
            ("/ip4/20.0.0.2/udp/1/quic-v1", true),
            ("/ip4/20.0.0.2/tcp/80/ws", false),
            ("/ip4/20.0.0.2/udp/1/webrtc-direct", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(may_be_dialed(&address, &observed), fits, "{address}");
        }
    }
}
