//! Which envelopes have been here, by (sender, id).

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
    mem,
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

use crate::{
    clock::Now,
    wire::{envelope::EnvelopeId, limits},
};

/// What a node remembers of an envelope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// How often its sender, attached here, has sent it.
    pub attempts: u8,
    /// How often it was handed to its receiver, attached here.
    pub deliveries: u8,
    /// It was gossiped: by this node, or it came by gossip.
    pub gossiped: bool,
}

/// No envelope is valid for longer, the clocks of sender and node as far apart as they may be.
const LIFE: Duration = Duration::from_millis(limits::ENVELOPE_LIFE_MS + 2 * limits::CLOCK_SKEW_MS);

/// Traces of envelopes for as long as they are valid, in two generations: when the younger is
/// full or old enough, the older is forgotten. Keys are keyed hashes of 64 bits, for which
/// nobody outside can find a collision.
#[derive(Debug)]
pub(super) struct Seen {
    names: RandomState,
    young: Traces,
    old: Traces,
    /// Traces in one generation.
    half: usize,
    turn: Option<Instant>,
}

type Traces = HashMap<u64, Trace, BuildHasherDefault<Plain>>;

impl Seen {
    /// Remembers `max` envelopes.
    pub fn new(max: usize) -> Self {
        Seen {
            names: RandomState::new(),
            young: Traces::default(),
            old: Traces::default(),
            half: (max / 2).max(1),
            turn: None,
        }
    }

    /// The trace of an envelope, to read and to write.
    pub fn trace(&mut self, from: &PeerId, id: &EnvelopeId, now: Now) -> &mut Trace {
        let name = self.name(from, id);
        let turn = *self.turn.get_or_insert(now.instant + LIFE);
        let before = self.old.remove(&name);
        let fits = self.young.len() < self.half || self.young.contains_key(&name);
        if turn <= now.instant || !fits {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.turn = Some(now.instant + LIFE);
        }
        // A trace that is read is a young one again.
        let before = before.or_else(|| self.old.remove(&name));
        self.young
            .entry(name)
            .or_insert_with(|| before.unwrap_or_default())
    }

    /// A name for two things together that nobody outside can predict.
    pub fn name(&self, peer: &PeerId, id: &EnvelopeId) -> u64 {
        self.names.hash_one((peer, **id))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// Takes a number for its own hash: what is hashed is one already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| byte.hash(self));
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = self.0.rotate_left(8) ^ u64::from(byte);
    }

    fn write_u64(&mut self, name: u64) {
        self.0 = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Array;

    fn id(n: u8) -> EnvelopeId {
        Array::new([n; 16])
    }

    #[test]
    fn remembers_by_sender_and_id() {
        let (mut seen, now) = (Seen::new(100), Now::read());
        let (a, b) = (PeerId::random(), PeerId::random());
        seen.trace(&a, &id(1), now).attempts = 3;
        assert_eq!(seen.trace(&a, &id(1), now).attempts, 3);
        assert_eq!(seen.trace(&a, &id(2), now).attempts, 0);
        assert_eq!(seen.trace(&b, &id(1), now).attempts, 0);
    }

    #[test]
    fn remembers_until_no_clock_takes_it_for_valid() {
        let (mut seen, now) = (Seen::new(100), Now::read());
        let a = PeerId::random();
        seen.trace(&a, &id(0), now);
        let sent = now.after(Duration::from_secs(200));
        seen.trace(&a, &id(1), sent).gossiped = true;
        let last = sent.after(Duration::from_secs(269));
        assert!(seen.trace(&a, &id(1), last).gossiped);
        let mut forgotten = last;
        for _ in 0..2 {
            forgotten = forgotten.after(LIFE);
            seen.trace(&a, &id(2), forgotten);
        }
        assert!(!seen.trace(&a, &id(1), forgotten).gossiped);
    }

    #[test]
    fn a_flood_forgets_the_oldest() {
        let (mut seen, now) = (Seen::new(10), Now::read());
        let a = PeerId::random();
        for n in 0..200 {
            seen.trace(&a, &id(n), now).attempts = 1;
            assert!(seen.len() <= 10);
        }
        assert_eq!(seen.trace(&a, &id(199), now).attempts, 1);
        assert_eq!(seen.trace(&a, &id(195), now).attempts, 1, "half is kept");
        assert_eq!(seen.trace(&a, &id(0), now).attempts, 0);
    }
}
