//! The plain policy: every pair of hosts has a link with a delay.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{HostId, Packet, Passage, Policy};

/// Links with a delay of their own for each pair of hosts and direction, and jitter.
pub struct Links {
    hosts: HashMap<Ipv4Addr, HostId>,
    /// By sender, then receiver.
    delays: Vec<Vec<Duration>>,
    jitter: Duration,
    chance: StdRng,
}

impl Links {
    /// Links between the hosts with these addresses, in the forwarder's order; `delay` says
    /// how long a packet takes from one place in that order to another.
    pub fn new(
        addresses: impl IntoIterator<Item = Ipv4Addr>,
        delay: impl Fn(usize, usize) -> Duration,
    ) -> Self {
        let hosts: HashMap<_, _> = addresses
            .into_iter()
            .enumerate()
            .map(|(place, address)| (address, HostId(place)))
            .collect();
        let count = hosts.len();
        Links {
            delays: (0..count)
                .map(|from| (0..count).map(|to| delay(from, to)).collect())
                .collect(),
            hosts,
            jitter: Duration::ZERO,
            chance: StdRng::seed_from_u64(0),
        }
    }

    /// The same delay everywhere.
    pub fn uniform(addresses: impl IntoIterator<Item = Ipv4Addr>, delay: Duration) -> Self {
        Links::new(addresses, |_, _| delay)
    }

    /// Delays every packet by up to `most` longer, evenly spread, as this seed has it.
    pub fn jitter(mut self, most: Duration, seed: u64) -> Self {
        self.jitter = most;
        self.chance = StdRng::seed_from_u64(seed);
        self
    }
}

impl Policy for Links {
    fn pass(&mut self, from: HostId, packet: &mut Packet, now: Instant) -> Option<Passage> {
        let to = *self.hosts.get(&packet.destination())?;
        let delay = *self.delays.get(from.0)?.get(to.0)?;
        let jitter = self.jitter.mul_f64(self.chance.random());
        Some(Passage {
            to,
            at: now + delay + jitter,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];

    fn packet(destination: Ipv4Addr) -> Packet {
        let mut bytes = [0; 20];
        bytes[0] = 0x45;
        bytes[16..20].copy_from_slice(&destination.octets());
        Packet::new(&bytes).unwrap()
    }

    #[test]
    fn each_direction_has_its_delay() {
        let mut links = Links::new(ADDRESSES, |from, to| {
            Duration::from_millis(10 * from as u64 + to as u64)
        });
        let now = Instant::now();
        let mut pass = |from, to| links.pass(HostId(from), &mut packet(to), now);
        let passage = |to, ms| {
            Some(Passage {
                to: HostId(to),
                at: now + Duration::from_millis(ms),
            })
        };
        assert_eq!(pass(0, ADDRESSES[1]), passage(1, 1));
        assert_eq!(pass(1, ADDRESSES[0]), passage(0, 10));
        assert_eq!(pass(0, Ipv4Addr::new(10, 0, 0, 3)), None, "nobody's");
    }

    #[test]
    fn jitter_only_adds_and_stays_below_its_bound() {
        let (least, most) = (Duration::from_millis(40), Duration::from_millis(8));
        let mut links = Links::uniform(ADDRESSES, least).jitter(most, 7);
        let now = Instant::now();
        let delays: Vec<_> = (0..1000)
            .filter_map(|_| links.pass(HostId(0), &mut packet(ADDRESSES[1]), now))
            .map(|passage| passage.at - now)
            .collect();
        assert_eq!(delays.len(), 1000);
        assert!(delays.iter().all(|at| (least..least + most).contains(at)));
        assert!(delays.iter().any(|at| *at > least + most / 2));
    }
}
