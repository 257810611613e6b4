//! One NAT.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Filtering, Kind, Mapping};
use crate::{Packet, Transport};

/// For how long a mapping of UDP stands after something left by it: the least that RFC 4787
/// (REQ-5) allows. What comes in doesn't prolong it.
const UDP_IDLE: Duration = Duration::from_secs(120);
/// The same for TCP: the least that RFC 5382 (REQ-5) allows.
const TCP_IDLE: Duration = Duration::from_secs(2 * 3600 + 240);

/// Ports that a NAT gives out.
const PORTS: std::ops::RangeInclusive<u16> = 1024..=65535;

/// What one mapping is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Inner {
    transport: Transport,
    inside: SocketAddrV4,
    /// Whom it is for, where it isn't for everybody.
    outside: Option<SocketAddrV4>,
}

#[derive(Debug)]
struct Outer {
    port: u16,
    used: Instant,
    /// To whom something was sent, and when last.
    spoken_to: HashMap<SocketAddrV4, Instant>,
}

/// A NAT with one public address: packets and the time go in, translated packets come out.
///
/// UDP is translated as its [`Kind`] says, TCP always by connection. A TCP packet from inside
/// that belongs to no known connection makes a mapping, even where it doesn't open one, as in
/// Linux's connection tracking; after an address change its receiver then resets the connection.
/// Other protocols and fragments are lost, and so is what a host sends to its own NAT's public
/// address (no hairpinning): hosts here have a NAT each.
#[derive(Debug)]
pub struct Nat {
    kind: Kind,
    public: Ipv4Addr,
    mappings: HashMap<Inner, Outer>,
    ports: HashMap<(Transport, u16), Inner>,
    chance: StdRng,
}

impl Nat {
    /// A NAT that has seen nothing yet; `seed` decides the ports that it gives out.
    pub fn new(kind: Kind, public: Ipv4Addr, seed: u64) -> Self {
        Nat {
            kind,
            public,
            mappings: HashMap::new(),
            ports: HashMap::new(),
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// Its public address.
    pub fn public(&self) -> Ipv4Addr {
        self.public
    }

    /// Translates a packet from inside; `false` where it doesn't get out.
    pub fn outbound(&mut self, packet: &mut Packet, now: Instant) -> bool {
        let Some((transport, inside, outside)) = ends(packet) else {
            return false;
        };
        if outside.ip() == &self.public || !self.carries(transport) {
            return false;
        }
        let inner = Inner {
            transport,
            inside,
            outside: self.apart(transport).then_some(outside),
        };
        let port = match self.standing(&inner, now) {
            Some(port) => port,
            None => match self.map(inner, now) {
                Some(port) => port,
                None => return false,
            },
        };
        if let Some(outer) = self.mappings.get_mut(&inner) {
            outer.used = now;
            outer.spoken_to.insert(outside, now);
        }
        packet.set_sender(SocketAddrV4::new(self.public, port));
        true
    }

    /// Translates a packet from outside; `false` where it doesn't get in.
    pub fn inbound(&mut self, packet: &mut Packet, now: Instant) -> bool {
        let Some((transport, outside, to)) = ends(packet) else {
            return false;
        };
        let Some(inner) = self.ports.get(&(transport, to.port())).copied() else {
            return false;
        };
        if to.ip() != &self.public
            || !self.carries(transport)
            || self.standing(&inner, now).is_none()
            || !self.lets_in(&inner, outside, now)
        {
            return false;
        }
        packet.set_receiver(inner.inside);
        true
    }

    fn carries(&self, transport: Transport) -> bool {
        transport == Transport::Tcp || self.kind.carries_udp()
    }

    /// Whether each destination has a mapping of its own.
    fn apart(&self, transport: Transport) -> bool {
        transport == Transport::Tcp || self.kind.mapping() == Mapping::AddressAndPortDependent
    }

    /// The port of a mapping that hasn't expired.
    fn standing(&self, inner: &Inner, now: Instant) -> Option<u16> {
        let outer = self.mappings.get(inner)?;
        fresh(inner.transport, outer.used, now).then_some(outer.port)
    }

    fn lets_in(&self, inner: &Inner, outside: SocketAddrV4, now: Instant) -> bool {
        if let Some(only) = inner.outside {
            return only == outside;
        }
        let Some(outer) = self.mappings.get(inner) else {
            return false;
        };
        let mut spoken_to = outer
            .spoken_to
            .iter()
            .filter(|(_, last)| fresh(inner.transport, **last, now))
            .map(|(endpoint, _)| endpoint);
        match self.kind.filtering() {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => spoken_to.any(|known| known.ip() == outside.ip()),
            Filtering::AddressAndPortDependent => spoken_to.any(|known| *known == outside),
        }
    }

    /// A new mapping, in place of what has expired; `None` when all ports are taken.
    fn map(&mut self, inner: Inner, now: Instant) -> Option<u16> {
        self.mappings
            .retain(|inner, outer| fresh(inner.transport, outer.used, now));
        let mappings = &self.mappings;
        self.ports.retain(|_, inner| mappings.contains_key(inner));
        // Cones keep the port where it is free, as most do; for others it would be a hint.
        let same = inner.inside.port();
        let free = |port| !self.ports.contains_key(&(inner.transport, port));
        let port = if !self.apart(inner.transport) && PORTS.contains(&same) && free(same) {
            same
        } else {
            let first = self.chance.random_range(PORTS);
            (first..=*PORTS.end())
                .chain(*PORTS.start()..first)
                .find(|port| free(*port))?
        };
        self.ports.insert((inner.transport, port), inner);
        let outer = Outer {
            port,
            used: now,
            spoken_to: HashMap::new(),
        };
        self.mappings.insert(inner, outer);
        Some(port)
    }
}

fn ends(packet: &Packet) -> Option<(Transport, SocketAddrV4, SocketAddrV4)> {
    Some((packet.transport()?, packet.sender()?, packet.receiver()?))
}

fn fresh(transport: Transport, last: Instant, now: Instant) -> bool {
    let idle = match transport {
        Transport::Tcp => TCP_IDLE,
        Transport::Udp => UDP_IDLE,
    };
    now.saturating_duration_since(last) < idle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::{intact, packet};

    const PUBLIC: Ipv4Addr = Ipv4Addr::new(20, 1, 0, 1);
    const INSIDE: &str = "192.168.1.2:5000";
    const SERVER: &str = "20.9.0.1:4601";
    const SAME_HOST: &str = "20.9.0.1:4602";
    const STRANGER: &str = "20.9.0.2:4601";

    fn at(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    /// A NAT and the time.
    struct Bench {
        nat: Nat,
        now: Instant,
    }

    impl Bench {
        fn new(kind: Kind) -> Self {
            Bench {
                nat: Nat::new(kind, PUBLIC, 1),
                now: Instant::now(),
            }
        }

        /// Where a packet from inside seems to come from.
        fn send(&mut self, transport: Transport, from: &str, to: &str) -> Option<SocketAddrV4> {
            let mut packet = packet(transport, at(from), at(to), b"body");
            let passed = self.nat.outbound(&mut packet, self.now);
            assert!(intact(&packet));
            passed.then(|| packet.sender().unwrap())
        }

        /// Where inside a packet from outside arrives.
        fn answer(
            &mut self,
            transport: Transport,
            from: &str,
            to: SocketAddrV4,
        ) -> Option<SocketAddrV4> {
            let mut packet = packet(transport, at(from), to, b"body");
            let passed = self.nat.inbound(&mut packet, self.now);
            assert!(intact(&packet));
            passed.then(|| packet.receiver().unwrap())
        }

        /// Whether UDP from there gets in to that outer port.
        fn gets_in(&mut self, from: &str, to: SocketAddrV4) -> bool {
            self.answer(Transport::Udp, from, to) == Some(at(INSIDE))
        }
    }

    #[test]
    fn cones_map_once_and_symmetric_ones_for_each_destination() {
        for (kind, once) in [
            (Kind::FullCone, true),
            (Kind::Restricted, true),
            (Kind::PortRestricted, true),
            (Kind::Symmetric, false),
            (Kind::CarrierGrade, true),
        ] {
            let mut bench = Bench::new(kind);
            let mut outer = |to| bench.send(Transport::Udp, INSIDE, to).unwrap();
            let first = outer(SERVER);
            assert_eq!(first.ip(), &PUBLIC);
            assert_eq!(outer(SERVER), first, "{kind:?}: it stays");
            assert_eq!(outer(SAME_HOST) == first, once, "{kind:?}: another port");
            assert_eq!(outer(STRANGER) == first, once, "{kind:?}: another address");
        }
    }

    #[test]
    fn filters_let_in_whom_they_should() {
        for (kind, same_host, stranger) in [
            (Kind::FullCone, true, true),
            (Kind::Restricted, true, false),
            (Kind::PortRestricted, false, false),
            (Kind::Symmetric, false, false),
            (Kind::CarrierGrade, false, false),
        ] {
            let mut bench = Bench::new(kind);
            let outer = bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
            assert!(bench.gets_in(SERVER, outer), "{kind:?}: who was spoken to");
            assert_eq!(bench.gets_in(SAME_HOST, outer), same_host, "{kind:?}");
            assert_eq!(bench.gets_in(STRANGER, outer), stranger, "{kind:?}");
            let never = SocketAddrV4::new(PUBLIC, outer.port() ^ 1);
            assert!(!bench.gets_in(SERVER, never), "{kind:?}: no such port");
            let nobody = SocketAddrV4::new(Ipv4Addr::new(20, 1, 0, 2), outer.port());
            assert!(!bench.gets_in(SERVER, nobody), "{kind:?}: not its address");
        }
    }

    #[test]
    fn a_hole_is_punched_by_speaking() {
        for kind in [Kind::Restricted, Kind::PortRestricted, Kind::CarrierGrade] {
            let mut bench = Bench::new(kind);
            let outer = bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
            assert!(!bench.gets_in(STRANGER, outer));
            assert_eq!(bench.send(Transport::Udp, INSIDE, STRANGER), Some(outer));
            assert!(bench.gets_in(STRANGER, outer), "{kind:?}");
        }
    }

    #[test]
    fn mappings_expire_and_only_what_leaves_prolongs_them() {
        let mut bench = Bench::new(Kind::FullCone);
        let outer = bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
        bench.now += UDP_IDLE - Duration::from_secs(1);
        assert!(bench.gets_in(SERVER, outer));
        bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
        bench.now += UDP_IDLE - Duration::from_secs(1);
        assert!(bench.gets_in(SERVER, outer), "it was prolonged");
        bench.now += Duration::from_secs(1);
        assert!(
            !bench.gets_in(SERVER, outer),
            "by what left, not by what came"
        );

        let mut bench = Bench::new(Kind::PortRestricted);
        let outer = bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
        bench.now += UDP_IDLE / 2;
        bench.send(Transport::Udp, INSIDE, STRANGER).unwrap();
        bench.now += UDP_IDLE / 2;
        assert!(bench.gets_in(STRANGER, outer));
        assert!(!bench.gets_in(SERVER, outer), "not spoken to for too long");
    }

    #[test]
    fn no_udp_passes_where_it_is_blocked_and_tcp_does() {
        let mut bench = Bench::new(Kind::UdpBlocked);
        assert_eq!(bench.send(Transport::Udp, INSIDE, SERVER), None);
        let outer = bench.send(Transport::Tcp, INSIDE, SERVER).unwrap();
        assert_eq!(
            bench.answer(Transport::Tcp, SERVER, outer),
            Some(at(INSIDE))
        );
        assert!(
            !bench.gets_in(SERVER, outer),
            "a port of TCP is none of UDP"
        );
    }

    #[test]
    fn tcp_goes_by_connection_whatever_the_kind() {
        let mut bench = Bench::new(Kind::FullCone);
        let first = bench.send(Transport::Tcp, INSIDE, SERVER).unwrap();
        let second = bench.send(Transport::Tcp, INSIDE, SAME_HOST).unwrap();
        assert_ne!(first, second);
        assert_eq!(bench.answer(Transport::Tcp, SAME_HOST, first), None);
        assert_eq!(
            bench.answer(Transport::Tcp, SAME_HOST, second),
            Some(at(INSIDE))
        );
        bench.now += UDP_IDLE;
        assert_eq!(bench.send(Transport::Tcp, INSIDE, SERVER), Some(first));
    }

    #[test]
    fn two_inner_hosts_never_share_a_port() {
        let mut bench = Bench::new(Kind::PortRestricted);
        let first = bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
        let second = bench.send(Transport::Udp, "192.168.1.3:5000", SERVER);
        assert_ne!(second, Some(first));
        assert_eq!(first.port(), 5000, "kept where it is free");
    }

    #[test]
    fn nothing_turns_round_at_the_public_address() {
        let mut bench = Bench::new(Kind::FullCone);
        let outer = bench.send(Transport::Udp, INSIDE, SERVER).unwrap();
        assert_eq!(bench.send(Transport::Udp, INSIDE, &outer.to_string()), None);
    }
}
