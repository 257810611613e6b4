//! The NATs between a host and the internet.

use std::{net::Ipv4Addr, time::Instant};

use super::{Kind, Nat};
use crate::Packet;

/// The home's side of a carrier's NAT: RFC 6598 has these addresses for that.
const BETWEEN: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);

/// NATs one behind the other, the host's own first; none where the host itself is public.
#[derive(Debug, Default)]
pub struct Chain(Vec<Nat>);

impl Chain {
    /// What a host behind that kind of NAT has, seen from outside at `public`.
    pub fn new(kind: Kind, public: Ipv4Addr, seed: u64) -> Self {
        let outermost = Nat::new(kind, public, seed);
        Chain(match kind {
            Kind::CarrierGrade => vec![
                Nat::new(Kind::PortRestricted, BETWEEN, seed.wrapping_add(1)),
                outermost,
            ],
            _ => vec![outermost],
        })
    }

    /// The address at which the internet sees the host; `None` where nothing is translated.
    pub fn public(&self) -> Option<Ipv4Addr> {
        self.0.last().map(Nat::public)
    }

    /// Translates a packet of the host's; `false` where it doesn't get out.
    pub fn outbound(&mut self, packet: &mut Packet, now: Instant) -> bool {
        self.0.iter_mut().all(|nat| nat.outbound(packet, now))
    }

    /// Translates a packet for the host; `false` where it doesn't get in.
    pub fn inbound(&mut self, packet: &mut Packet, now: Instant) -> bool {
        self.0.iter_mut().rev().all(|nat| nat.inbound(packet, now))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;

    use super::*;
    use crate::{
        Transport,
        transport::tests::{intact, packet},
    };

    fn at(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    #[test]
    fn a_carriers_customer_is_translated_twice_there_and_back() {
        let public = Ipv4Addr::new(20, 1, 0, 1);
        let mut chain = Chain::new(Kind::CarrierGrade, public, 1);
        assert_eq!(chain.public(), Some(public));
        let (host, server) = (at("192.168.1.2:5000"), at("20.9.0.1:4601"));
        let now = Instant::now();
        let mut there = packet(Transport::Udp, host, server, b"hello");
        assert!(chain.0[0].outbound(&mut there, now));
        assert_eq!(there.source(), BETWEEN);
        assert!(chain.0[1].outbound(&mut there, now) && intact(&there));
        let outer = there.sender().unwrap();
        assert_eq!(outer.ip(), &public);

        let mut back = packet(Transport::Udp, server, outer, b"hello yourself");
        assert!(chain.inbound(&mut back, now) && intact(&back));
        assert_eq!(back.receiver(), Some(host));
        let mut stranger = packet(Transport::Udp, at("20.9.0.2:4601"), outer, b"?");
        assert!(!chain.inbound(&mut stranger, now));
    }

    #[test]
    fn a_public_host_is_left_alone() {
        let mut chain = Chain::default();
        let mut plain = packet(Transport::Udp, at("20.9.0.1:1"), at("20.9.0.2:2"), b"");
        let same = plain.clone();
        assert!(
            chain.outbound(&mut plain, Instant::now()) && chain.inbound(&mut plain, Instant::now())
        );
        assert_eq!((chain.public(), plain), (None, same));
    }
}
