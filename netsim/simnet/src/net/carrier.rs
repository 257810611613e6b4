//! What connections are made of.

use std::{net::Ipv4Addr, time::Duration};

use libp2p::{Multiaddr, multiaddr::Protocol};

use crate::{HostId, world};

/// What a connection is made of: how it is set up, and how its end is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Carrier {
    /// QUIC, as libp2p sets it: handshake and idle time-outs of 5 and 10 s.
    Quic,
    /// TCP with Noise and Yamux. Nothing tells of a peer that has fallen silent.
    Tcp,
    /// TCP, a WebSocket, and Noise in it.
    WebSocket,
    /// ICE, DTLS, SCTP and Noise, as in libp2p's WebRTC-direct.
    WebRtcDirect,
}

impl Carrier {
    /// What a connection costs over this carrier.
    pub(crate) fn cost(self) -> Cost {
        let (round_trips, handshake_packets, overhead) = match self {
            // RFC 9001. IPv4 20, UDP 8, QUIC short header and stream frame 12, tag 16.
            Carrier::Quic => (1, 4, 56),
            // 1 for TCP, 1 for multistream-select with Noise's first two messages. IPv4 20,
            // TCP 32, Noise 18, Yamux 12.
            Carrier::Tcp => (2, 6, 82),
            // 1 for TCP, 1 for HTTP, 1 for Noise. IPv4 20, TCP 32, frame 4, Noise 18.
            Carrier::WebSocket => (3, 7, 74),
            // 1 for STUN, 2 for DTLS 1.2 without cookies, 2 for SCTP (RFC 9260 §5.1), and 1
            // for Noise, which the listener begins with the end of SCTP's. IPv4 20, UDP 8,
            // DTLS 37, SCTP 28.
            Carrier::WebRtcDirect => (6, 13, 93),
        };
        Cost {
            round_trips,
            handshake_packets,
            overhead,
        }
    }

    /// How long the first packet of a handshake is waited for before it is sent again: TCP's
    /// SYN and QUIC's first flight a second (RFC 6298, RFC 9002).
    pub(crate) const HANDSHAKE_RETRY: Duration = Duration::from_secs(1);

    /// When a dial of somebody who doesn't answer fails: libp2p-quic's handshake time-out, and
    /// the swarm's for the rest.
    pub(crate) fn dial_timeout(self) -> Duration {
        match self {
            Carrier::Quic => Duration::from_secs(5),
            Carrier::Tcp | Carrier::WebSocket | Carrier::WebRtcDirect => Duration::from_secs(10),
        }
    }

    /// How long silence lasts until a connection counts as lost: libp2p-quic's idle time-out,
    /// and a liveness timer for WebRTC. TCP waits for longer than a simulation lasts.
    pub(crate) fn silence(self) -> Option<Duration> {
        match self {
            Carrier::Quic => Some(Duration::from_secs(10)),
            Carrier::WebRtcDirect => Some(Duration::from_secs(5)),
            Carrier::Tcp | Carrier::WebSocket => None,
        }
    }

    /// Whether the system answers for a program that has ended, as it does for TCP.
    pub(crate) fn system_answers(self) -> bool {
        matches!(self, Carrier::Tcp | Carrier::WebSocket)
    }

    /// Whether a lost packet holds up every stream, and not only its own.
    pub(crate) fn one_order(self) -> bool {
        self.system_answers()
    }

    const fn port(self) -> u16 {
        match self {
            Carrier::Quic | Carrier::Tcp => 4001,
            Carrier::WebSocket => 80,
            Carrier::WebRtcDirect => 4002,
        }
    }

    /// The address of `host` over this carrier.
    fn at(self, host: Ipv4Addr, port: u16) -> Multiaddr {
        let address = Multiaddr::from(host);
        match self {
            Carrier::Quic => address.with(Protocol::Udp(port)).with(Protocol::QuicV1),
            Carrier::Tcp => address.with(Protocol::Tcp(port)),
            Carrier::WebSocket => address
                .with(Protocol::Tcp(port))
                .with(Protocol::Ws("/".into())),
            Carrier::WebRtcDirect => address
                .with(Protocol::Udp(port))
                .with(Protocol::WebRTCDirect),
        }
    }
}

/// What a connection costs, beyond the bytes that it carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From the first packet until the dialer may send.
    pub round_trips: u64,
    /// Packets of a handshake; each may be lost.
    pub handshake_packets: u32,
    /// Bytes of a packet's headers: IP and UDP or TCP, and what the protocol adds.
    pub overhead: u64,
}

impl Cost {
    /// TCP alone, where Noise and Yamux are real: a round trip and three packets, and the
    /// headers of IPv4 (20) and TCP (32).
    pub(crate) const BARE_TCP: Cost = Cost {
        round_trips: 1,
        handshake_packets: 3,
        overhead: 52,
    };
}

/// Where a host listens over a carrier.
pub(crate) fn address(host: HostId, carrier: Carrier) -> Multiaddr {
    world::with(|world| carrier.at(world.host(host).address, carrier.port()))
}

impl world::World {
    /// Where a connection of `host` seems to come from: QUIC dials from where it listens.
    pub(crate) fn seen_at(&self, host: HostId, carrier: Carrier, ephemeral: u16) -> Multiaddr {
        let host = self.host(host);
        let port = match host.listens.contains(&carrier) {
            true if carrier != Carrier::WebSocket => carrier.port(),
            _ => 32_768 + ephemeral % 28_000,
        };
        carrier.at(host.address, port)
    }
}

/// Who is meant by an address, and over which carrier.
pub(crate) fn parse(address: &Multiaddr) -> Option<(Ipv4Addr, Carrier)> {
    let mut parts = address.iter();
    let Some(Protocol::Ip4(host)) = parts.next() else {
        return None;
    };
    let carrier = match (parts.next()?, parts.next()) {
        (Protocol::Udp(_), Some(Protocol::QuicV1)) => Carrier::Quic,
        (Protocol::Udp(_), Some(Protocol::WebRTCDirect)) => Carrier::WebRtcDirect,
        (Protocol::Tcp(_), Some(Protocol::Ws(_))) => Carrier::WebSocket,
        (Protocol::Tcp(_), None | Some(Protocol::P2p(_))) => Carrier::Tcp,
        _ => return None,
    };
    Some((host, carrier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_who_and_how() {
        let host = Ipv4Addr::new(20, 0, 0, 1);
        for carrier in [
            Carrier::Quic,
            Carrier::Tcp,
            Carrier::WebSocket,
            Carrier::WebRtcDirect,
        ] {
            let address = carrier.at(host, carrier.port());
            assert_eq!(parse(&address), Some((host, carrier)), "{address}");
            let named = address.with(Protocol::P2p(libp2p::PeerId::random()));
            assert_eq!(parse(&named), Some((host, carrier)), "{named}");
        }
        for strange in [
            "/dns/example.org/tcp/1",
            "/ip4/20.0.0.1",
            "/ip4/20.0.0.1/udp/1",
        ] {
            assert_eq!(parse(&strange.parse().unwrap()), None);
        }
    }
}
