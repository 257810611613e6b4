//! The policy with what stands between homes: NATs, slow lines, loss, and moving house.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{HostId, Packet, Passage, Policy, nat::Chain};

/// A host's line to the core of the network, the same in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line {
    /// How long a packet takes to the core. From host to host it takes what both lines do.
    pub delay: Duration,
    /// The share of packets that it loses, from 0 to 1.
    pub loss: f64,
}

/// A host, as the laboratory knows it.
#[derive(Debug)]
pub struct Site {
    /// The host's own address.
    pub address: Ipv4Addr,
    /// What translates it.
    pub nats: Chain,
    /// What it is reached by.
    pub line: Line,
}

impl Site {
    /// Where the internet sees it.
    fn public(&self) -> Ipv4Addr {
        self.nats.public().unwrap_or(self.address)
    }
}

/// Sites which may change while packets pass. Clones are the same laboratory: one becomes the
/// forwarder's policy, the other gives the orders.
#[derive(Clone, Debug)]
pub struct Laboratory(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// In the forwarder's order.
    sites: Vec<Site>,
    chance: StdRng,
}

impl Laboratory {
    /// Sites in the forwarder's order; `seed` decides which packets are lost.
    pub fn new(sites: impl IntoIterator<Item = Site>, seed: u64) -> Self {
        Laboratory(Arc::new(Mutex::new(State {
            sites: sites.into_iter().collect(),
            chance: StdRng::seed_from_u64(seed),
        })))
    }

    /// Changes one site, between two packets; `None` where there is no such host.
    pub fn change<T>(&self, host: HostId, change: impl FnOnce(&mut Site) -> T) -> Option<T> {
        self.state().sites.get_mut(host.0).map(change)
    }

    /// Whom the internet sees at that address.
    pub fn at(&self, public: Ipv4Addr) -> Option<HostId> {
        self.state().at(public)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A site is whole between any two assignments.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn at(&self, public: Ipv4Addr) -> Option<HostId> {
        let place = self.sites.iter().position(|site| site.public() == public);
        place.map(HostId)
    }
}

impl Policy for Laboratory {
    fn pass(&mut self, from: HostId, packet: &mut Packet, now: Instant) -> Option<Passage> {
        let mut state = self.state();
        let sender = state.sites.get_mut(from.0)?;
        // What a socket still sends from an address that the host had before goes nowhere.
        if packet.source() != sender.address || !sender.nats.outbound(packet, now) {
            return None;
        }
        let first = sender.line;
        let to = state.at(packet.destination())?;
        let second = state.sites[to.0].line;
        let mut lost = |line: Line| state.chance.random_bool(line.loss);
        if lost(first) || lost(second) {
            return None;
        }
        Some(Passage {
            to,
            at: now + first.delay + second.delay,
        })
    }

    fn arrive(&mut self, to: HostId, packet: &mut Packet, now: Instant) -> bool {
        let mut state = self.state();
        let Some(receiver) = state.sites.get_mut(to.0) else {
            return false;
        };
        // It may have moved while the packet was on its way.
        receiver.nats.inbound(packet, now) && packet.destination() == receiver.address
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;

    use super::*;
    use crate::{Transport, nat::Kind, transport::tests::packet};

    const HOME: HostId = HostId(0);
    const SERVER: HostId = HostId(1);
    const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(20, 9, 0, 1);
    const DELAY: Duration = Duration::from_millis(25);

    fn at(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    fn laboratory() -> Laboratory {
        let line = Line {
            delay: DELAY,
            loss: 0.0,
        };
        let home = Site {
            address: Ipv4Addr::new(192, 168, 1, 2),
            nats: Chain::new(Kind::PortRestricted, Ipv4Addr::new(20, 1, 0, 1), 1),
            line,
        };
        let server = Site {
            address: SERVER_ADDRESS,
            nats: Chain::default(),
            line,
        };
        Laboratory::new([home, server], 1)
    }

    fn request() -> Packet {
        packet(
            Transport::Udp,
            at("192.168.1.2:5000"),
            at("20.9.0.1:4601"),
            b"?",
        )
    }

    #[test]
    fn a_packet_takes_both_lines_and_finds_its_way_back() {
        let mut laboratory = laboratory();
        let now = Instant::now();
        let mut there = request();
        let passage = laboratory.pass(HOME, &mut there, now);
        let at = now + 2 * DELAY;
        assert_eq!(passage, Some(Passage { to: SERVER, at }));
        assert!(laboratory.arrive(SERVER, &mut there, at));
        let mut back = packet(
            Transport::Udp,
            there.receiver().unwrap(),
            there.sender().unwrap(),
            b"!",
        );
        let passage = laboratory.pass(SERVER, &mut back, at);
        assert_eq!(passage.map(|passage| passage.to), Some(HOME));
        assert!(laboratory.arrive(HOME, &mut back, at + 2 * DELAY));
        assert_eq!(back.receiver(), request().sender());
    }

    #[test]
    fn a_filter_decides_when_a_packet_arrives() {
        let mut laboratory = laboratory();
        let now = Instant::now();
        // The server speaks first, to the port that the home's NAT is about to give out.
        let mut early = packet(
            Transport::Udp,
            at("20.9.0.1:4601"),
            at("20.1.0.1:5000"),
            b"!",
        );
        assert!(laboratory.pass(SERVER, &mut early, now).is_some());
        let mut refused = early.clone();
        assert!(!laboratory.arrive(HOME, &mut refused, now + DELAY));
        assert!(laboratory.pass(HOME, &mut request(), now + DELAY).is_some());
        assert!(laboratory.arrive(HOME, &mut early, now + 2 * DELAY));
    }

    #[test]
    fn who_moves_is_lost_at_the_old_address_and_known_at_the_new() {
        let mut laboratory = laboratory();
        let now = Instant::now();
        let mut there = request();
        laboratory.pass(HOME, &mut there, now).unwrap();
        let answer = packet(
            Transport::Udp,
            there.receiver().unwrap(),
            there.sender().unwrap(),
            b"!",
        );
        let mut on_its_way = answer.clone();
        assert!(laboratory.pass(SERVER, &mut on_its_way, now).is_some());
        let new = Ipv4Addr::new(20, 2, 0, 1);
        laboratory.change(HOME, |site| {
            site.address = Ipv4Addr::new(10, 20, 0, 2);
            site.nats = Chain::new(Kind::PortRestricted, new, 2);
        });
        assert!(!laboratory.arrive(HOME, &mut on_its_way, now));
        assert_eq!(laboratory.pass(SERVER, &mut answer.clone(), now), None);
        assert_eq!(laboratory.pass(HOME, &mut request(), now), None, "stale");
        let mut there = packet(
            Transport::Udp,
            at("10.20.0.2:5000"),
            at("20.9.0.1:4601"),
            b"?",
        );
        assert!(laboratory.pass(HOME, &mut there, now).is_some());
        assert_eq!(there.source(), new);
    }

    #[test]
    fn a_line_loses_its_share() {
        let mut laboratory = laboratory();
        laboratory.change(HOME, |site| site.line.loss = 0.2);
        let now = Instant::now();
        let passed = (0..1000)
            .filter(|_| laboratory.pass(HOME, &mut request(), now).is_some())
            .count();
        assert!((740..860).contains(&passed), "{passed} of 1000");
    }

    #[test]
    fn nothing_goes_to_an_address_that_nobody_has() {
        let mut laboratory = laboratory();
        let now = Instant::now();
        for nobody in ["20.9.0.3:1", "192.168.1.2:1", "224.0.0.251:5353"] {
            let mut packet = packet(Transport::Udp, at("192.168.1.2:5000"), at(nobody), b"?");
            assert_eq!(laboratory.pass(HOME, &mut packet, now), None, "{nobody}");
        }
    }
}
