//! Envelopes on their way to a neighbour, kept in case the way turns out to be none.

use std::{
    collections::{HashMap, VecDeque},
    hash::BuildHasherDefault,
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

use super::{outside, seen::Plain};
use crate::{clock::Now, wire::signal::Carried};

/// The most nodes that one flight can try, whatever the configuration says.
pub(super) const MAX_NODES: usize = 16;

/// A set of a flight's nodes, by their place in its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places(u16);

impl Places {
    /// The first `n`.
    pub fn first(n: usize) -> Self {
        Places(u16::try_from((1u32 << n.min(MAX_NODES)) - 1).unwrap_or(u16::MAX))
    }

    pub fn insert(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    /// Whether it was there.
    pub fn remove(&mut self, place: usize) -> bool {
        let there = self.0 & 1 << place != 0;
        self.0 &= !(1 << place);
        there
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// From the best rank down.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_NODES).filter(move |place| self.0 & 1 << place != 0)
    }
}

/// One envelope on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// The attached peer that sent it.
    pub sender: PeerId,
    /// What is carried; `via` is empty.
    pub carried: Carried,
    /// Whether this node serves the room, so that it may be gossiped at last.
    pub in_room: bool,
    /// Whether all nodes are tried at once, rather than the next when one has refused.
    pub at_once: bool,
    /// The nodes that may have the receiver, best first.
    pub nodes: Vec<PeerId>,
    /// Not tried yet.
    pub untried: Places,
    /// A dial is under way.
    pub dialing: Places,
    /// Sent there, and nothing heard.
    pub sent: Places,
    /// Why the last node refused it.
    pub code: &'static str,
}

impl Flight {
    pub fn place(&self, node: &PeerId) -> Option<usize> {
        self.nodes.iter().position(|other| other == node)
    }
}

/// A flight and when it lands.
#[derive(Debug)]
struct Held {
    flight: Flight,
    serial: u64,
}

/// Flights by name, each for the same time, bounded in number and bytes.
#[derive(Debug)]
pub(super) struct Flights {
    held: HashMap<u64, Held, BuildHasherDefault<Plain>>,
    /// When each lands, in this order. Entries of flights that ended before are passed over.
    landings: VecDeque<(Instant, u64, u64)>,
    bytes: usize,
    serial: u64,
    life: Duration,
    max: usize,
    max_bytes: usize,
}

impl Flights {
    pub fn new(life: Duration, max: usize, max_bytes: usize) -> Self {
        Flights {
            held: HashMap::default(),
            landings: VecDeque::new(),
            bytes: 0,
            serial: 0,
            life,
            max,
            max_bytes,
        }
    }

    /// Holds a flight. A flight of the same name from the same sender is replaced; another
    /// sender's isn't, so that nobody ends what isn't his.
    pub fn insert(&mut self, name: u64, flight: Flight, now: Now) -> bool {
        if let Some(held) = self.held.get(&name) {
            if held.flight.sender != flight.sender {
                return false;
            }
            self.remove(name);
        }
        self.serial += 1;
        self.bytes += outside::len(&flight.carried.parcel);
        self.landings
            .push_back((now.instant + self.life, name, self.serial));
        self.held.insert(
            name,
            Held {
                flight,
                serial: self.serial,
            },
        );
        true
    }

    pub fn get_mut(&mut self, name: u64) -> Option<&mut Flight> {
        self.held.get_mut(&name).map(|held| &mut held.flight)
    }

    pub fn remove(&mut self, name: u64) -> Option<Flight> {
        let held = self.held.remove(&name)?;
        self.bytes -= outside::len(&held.flight.carried.parcel);
        Some(held.flight)
    }

    /// Takes out a flight that has landed by `now`, or the oldest while there are too many.
    pub fn pop(&mut self, now: Now) -> Option<Flight> {
        loop {
            let (at, name, serial) = *self.landings.front()?;
            let over = self
                .held
                .get(&name)
                .is_none_or(|held| held.serial != serial);
            let crowded = self.held.len() > self.max
                || self.bytes > self.max_bytes
                || self.landings.len() > 2 * self.max;
            if !over && !crowded && at > now.instant {
                return None;
            }
            self.landings.pop_front();
            if !over {
                return self.remove(name);
            }
        }
    }

    /// When the next lands.
    pub fn deadline(&self) -> Option<Instant> {
        self.landings.front().map(|(at, ..)| *at)
    }

    /// The names of flights that were sent to `node`.
    pub fn sent_to(&self, node: &PeerId) -> Vec<u64> {
        self.held
            .iter()
            .filter(|(_, held)| {
                let place = held.flight.place(node);
                place.is_some_and(|place| held.flight.sent.iter().any(|sent| sent == place))
            })
            .map(|(name, _)| *name)
            .collect()
    }

    pub fn len(&self) -> usize {
        self.held.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
