//! Nodes whose dial has just failed: for a while nobody dials them again.
//!
//! When many nodes have gone at once, each look-up in the DHT is told of the same dead ones
//! again and again; who knows that one is dead goes on to the next without waiting for it.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

/// How long a node rests: shorter than it may take to come back unnoticed, since the two sides of
/// a network that was split look for each other by dials.
const REST: Duration = Duration::from_secs(10);
/// Nodes that are remembered, the latest: about 100 bytes each.
const MOST: usize = 2_048;

/// Nodes that rest.
#[derive(Debug, Default)]
pub(super) struct Unreachable {
    until: HashMap<PeerId, Instant>,
    /// In the order in which they rest no more; some have been reached meanwhile.
    ends: VecDeque<(Instant, PeerId)>,
}

/// Why a dial isn't even tried.
#[derive(Debug, thiserror::Error)]
#[error("its last dial has just failed: it is tried again in some seconds")]
pub struct Resting;

impl Unreachable {
    /// A dial has failed.
    pub fn failed(&mut self, node: PeerId, now: Instant) {
        let end = now + REST;
        self.until.insert(node, end);
        self.ends.push_back((end, node));
        while let Some((end, node)) = self.ends.front() {
            if self.ends.len() <= MOST && *end > now {
                break;
            }
            if self.until.get(node) == Some(end) {
                self.until.remove(node);
            }
            self.ends.pop_front();
        }
    }

    /// It is there.
    pub fn reached(&mut self, node: &PeerId) {
        self.until.remove(node);
    }

    /// Whether a dial may be tried.
    pub fn may_be_dialed(&self, node: &PeerId, now: Instant) -> Result<(), Resting> {
        match self.until.get(node) {
            Some(until) if *until > now => Err(Resting),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_rests_until_it_is_reached_or_its_time_is_over() {
        let (mut unreachable, now) = (Unreachable::default(), Instant::now());
        let nodes = [PeerId::random(), PeerId::random()];
        for node in nodes {
            assert!(unreachable.may_be_dialed(&node, now).is_ok());
            unreachable.failed(node, now);
            assert!(unreachable.may_be_dialed(&node, now).is_err());
        }
        unreachable.reached(&nodes[0]);
        assert!(unreachable.may_be_dialed(&nodes[0], now).is_ok());
        assert!(unreachable.may_be_dialed(&nodes[1], now + REST).is_ok());
    }

    #[test]
    fn a_later_failure_counts_and_memory_is_bounded() {
        let (mut unreachable, now) = (Unreachable::default(), Instant::now());
        let node = PeerId::random();
        unreachable.failed(node, now);
        let later = now + REST / 2;
        unreachable.failed(node, later);
        unreachable.failed(PeerId::random(), now + REST);
        assert!(unreachable.may_be_dialed(&node, now + REST).is_err());
        for _ in 0..2 * MOST {
            unreachable.failed(PeerId::random(), later);
        }
        assert_eq!(
            (unreachable.until.len(), unreachable.ends.len()),
            (MOST, MOST)
        );
    }
}
