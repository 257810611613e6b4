//! Nodes whose dial has just failed: for a while nobody dials them again.
//!
//! When many nodes have gone at once, each look-up in the DHT is told of the same dead ones
//! again and again; who knows that one is dead goes on to the next without waiting for it. What
//! counts are the addresses that were tried: one that is new is tried at once, lest a false
//! address keep the true one from being used.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use web_time::Instant;

use crate::wire::limits;

/// How long a node rests: shorter than it may take to come back unnoticed, since the two sides of
/// a network that was split look for each other by dials.
const REST: Duration = Duration::from_secs(10);
/// Nodes that are remembered, the latest: about 200 bytes each, and 100 more for each address.
const MOST: usize = 2_048;

/// Nodes that rest.
#[derive(Debug, Default)]
pub(super) struct Unreachable {
    nodes: HashMap<PeerId, Failure>,
    /// In the order in which they rest no more; some have been reached meanwhile.
    ends: VecDeque<(Instant, PeerId)>,
}

#[derive(Debug)]
struct Failure {
    until: Instant,
    addresses: Vec<Multiaddr>,
}

/// Why a dial isn't even tried.
#[derive(Debug, thiserror::Error)]
#[error("its last dial has just failed: it is tried again in some seconds")]
pub struct Resting;

impl Unreachable {
    /// A dial of a node over these addresses has failed; no more than
    /// [`NODE_ADDRESSES`](limits::NODE_ADDRESSES) are kept.
    pub fn failed(&mut self, node: PeerId, mut addresses: Vec<Multiaddr>, now: Instant) {
        addresses.truncate(limits::NODE_ADDRESSES);
        let until = now + REST;
        self.nodes.insert(node, Failure { until, addresses });
        self.ends.push_back((until, node));
        while let Some((end, node)) = self.ends.front() {
            if self.ends.len() <= MOST && *end > now {
                break;
            }
            if self.nodes.get(node).is_some_and(|of| of.until == *end) {
                self.nodes.remove(node);
            }
            self.ends.pop_front();
        }
    }

    /// It is there.
    pub fn reached(&mut self, node: &PeerId) {
        self.nodes.remove(node);
    }

    /// Whether a dial over these addresses may be tried.
    pub fn may_be_dialed(
        &self,
        node: &PeerId,
        addresses: &[Multiaddr],
        now: Instant,
    ) -> Result<(), Resting> {
        match self.nodes.get(node) {
            Some(failure)
                if failure.until > now
                    && addresses.iter().all(|at| failure.addresses.contains(at)) =>
            {
                Err(Resting)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Vec<Multiaddr> {
        vec![format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap()]
    }

    #[test]
    fn a_node_rests_until_it_is_reached_or_its_time_is_over() {
        let (mut unreachable, now) = (Unreachable::default(), Instant::now());
        let nodes = [PeerId::random(), PeerId::random()];
        for node in nodes {
            assert!(unreachable.may_be_dialed(&node, &at(1), now).is_ok());
            unreachable.failed(node, at(1), now);
            assert!(unreachable.may_be_dialed(&node, &at(1), now).is_err());
        }
        unreachable.reached(&nodes[0]);
        assert!(unreachable.may_be_dialed(&nodes[0], &at(1), now).is_ok());
        let later = now + REST;
        assert!(unreachable.may_be_dialed(&nodes[1], &at(1), later).is_ok());
    }

    #[test]
    fn an_address_that_was_not_tried_is() {
        let (mut unreachable, now) = (Unreachable::default(), Instant::now());
        let node = PeerId::random();
        unreachable.failed(node, at(1), now);
        let both = [at(1), at(2)].concat();
        assert!(unreachable.may_be_dialed(&node, &both, now).is_ok());
        unreachable.failed(node, both, now);
        assert!(unreachable.may_be_dialed(&node, &at(2), now).is_err());
    }

    #[test]
    fn a_later_failure_counts_and_memory_is_bounded() {
        let (mut unreachable, now) = (Unreachable::default(), Instant::now());
        let node = PeerId::random();
        unreachable.failed(node, at(1), now);
        let later = now + REST / 2;
        unreachable.failed(node, at(1), later);
        unreachable.failed(PeerId::random(), at(1), now + REST);
        let first = now + REST;
        assert!(unreachable.may_be_dialed(&node, &at(1), first).is_err());
        for _ in 0..2 * MOST {
            unreachable.failed(PeerId::random(), at(1), later);
        }
        let sizes = (unreachable.nodes.len(), unreachable.ends.len());
        assert_eq!(sizes, (MOST, MOST));
    }
}
