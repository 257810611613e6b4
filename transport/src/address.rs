//! Multiaddrs of WebRTC-direct.

use std::net::{IpAddr, SocketAddr};

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId;

use crate::fingerprint::Fingerprint;

/// Reads `/ip4|ip6/…/udp/…/webrtc-direct` with nothing behind it but `/certhash` and `/p2p`.
pub fn to_listen(address: &Multiaddr) -> Option<SocketAddr> {
    read(address).map(|read| read.socket)
}

/// What an address to dial says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to.
    pub socket: SocketAddr,
    /// The first `/certhash` of a kind that is known.
    pub certhash: Option<Fingerprint>,
    /// Whom to find there.
    pub peer: Option<PeerId>,
}

/// Reads an address to dial. `None` if it isn't one of WebRTC-direct, or has no port.
pub fn to_dial(address: &Multiaddr) -> Option<Target> {
    read(address).filter(|read| read.socket.port() != 0 && !read.socket.ip().is_unspecified())
}

fn read(address: &Multiaddr) -> Option<Target> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        _ => return None,
    };
    let Protocol::Udp(port) = parts.next()? else {
        return None;
    };
    let Protocol::WebRTCDirect = parts.next()? else {
        return None;
    };
    let mut target = Target {
        socket: SocketAddr::new(ip, port),
        certhash: None,
        peer: None,
    };
    for part in parts {
        match part {
            Protocol::Certhash(hash) if target.peer.is_none() => {
                target.certhash = target.certhash.or(Fingerprint::from_multihash(&hash));
            }
            Protocol::P2p(peer) if target.peer.is_none() => target.peer = Some(peer),
            _ => return None,
        }
    }
    Some(target)
}

/// An address of a listener, for others to dial.
pub fn announced(socket: SocketAddr, certhash: Fingerprint) -> Multiaddr {
    remote(socket).with(Protocol::Certhash(certhash.to_multihash()))
}

/// The address of the other end of an inbound connection, which can't be dialed.
pub fn remote(socket: SocketAddr) -> Multiaddr {
    Multiaddr::from(socket.ip().to_canonical())
        .with(Protocol::Udp(socket.port()))
        .with(Protocol::WebRTCDirect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_can_be_dialed() {
        for socket in ["192.0.2.1:4601", "[2001:db8::1]:4601"] {
            let socket = socket.parse().unwrap();
            let hash = Fingerprint::from([3; 32]);
            let peer = "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"
                .parse()
                .unwrap();
            let address = announced(socket, hash).with(Protocol::P2p(peer));
            let target = to_dial(&address.to_string().parse().unwrap()).unwrap();
            assert_eq!(target.socket, socket);
            assert_eq!((target.certhash, target.peer), (Some(hash), Some(peer)));
        }
    }

    #[test]
    fn other_addresses_are_left_to_other_transports() {
        for text in [
            "/ip4/192.0.2.1/udp/1/quic-v1",
            "/ip4/192.0.2.1/udp/1/webrtc",
            "/ip4/192.0.2.1/tcp/1",
            "/dns4/example.org/udp/1/webrtc-direct",
            "/ip4/192.0.2.1/udp/1/webrtc-direct/ws",
            "/ip4/192.0.2.1/udp/1/webrtc-direct/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf/p2p-circuit",
        ] {
            let address: Multiaddr = text.parse().unwrap();
            assert_eq!(to_listen(&address), None, "{text}");
            assert_eq!(to_dial(&address), None, "{text}");
        }
        let zero = "/ip4/0.0.0.0/udp/0/webrtc-direct".parse().unwrap();
        assert!(to_listen(&zero).is_some() && to_dial(&zero).is_none());
    }
}
