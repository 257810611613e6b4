use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::node::Rate;

/// Bounds on envelopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Envelopes that one attached peer may send. A peer that meets 12 others at once sends
    /// each an offer, an answer, a few batches of candidates and acks: about 100 in a second.
    pub peer_envelopes: Rate,
    /// Bytes of signed envelopes that one attached peer may send.
    pub peer_bytes: Rate,
    /// Peers that are gone whose use of these is remembered until it is made up for.
    pub left: usize,
    /// Envelopes of one attached peer that may go out by gossip: each costs every node of the
    /// room a signature check.
    pub peer_gossip: Rate,
    /// Envelopes that one neighbour may hand over: several thousand peers stand behind it.
    pub node_envelopes: Rate,
    /// Bytes of signed envelopes that one neighbour may hand over.
    pub node_bytes: Rate,
    /// Gossiped envelopes that are looked at, over all rooms. Each costs a signature check
    /// (about 50 µs) and one hash for every attached peer.
    pub gossip: Rate,
    /// Envelopes whose (sender, id) is remembered, in two halves: about 40 bytes each. A retry
    /// comes after 700 ms, so that this covers 90,000 envelopes a second.
    pub seen: usize,
    /// How often one envelope is handed to its receiver at most: retries over several paths
    /// all arrive, and the receiver drops what it has.
    pub deliveries: u8,
    /// Envelopes kept after they were handed to a neighbour, in case it answers that the
    /// receiver isn't there.
    pub held: usize,
    /// Bytes of those envelopes. Beyond it the oldest are let go: their senders then hear
    /// `not-attached` where another path would have been tried, or try again by themselves.
    pub held_bytes: usize,
    /// Milliseconds for which an envelope is kept so: a dial and a round trip around the world.
    pub held_ms: u64,
    /// Nodes that are tried for one envelope. A record lists 4, and presence may know others.
    pub via: usize,
    /// Dials under way at once.
    pub dials: usize,
    /// Milliseconds after which a dial is given up.
    pub dial_ms: u64,
    /// Envelopes that wait for one dial.
    pub waiting: usize,
    /// Neighbours that are kept account of: at least as many as the node may be connected to.
    pub neighbours: usize,
    /// Bytes that may wait to be written to one neighbour: half a second of a slow line.
    pub max_queue: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            peer_envelopes: Rate {
                per_second: 50,
                burst: 200,
            },
            peer_bytes: Rate {
                per_second: 128 * 1024,
                burst: 1024 * 1024,
            },
            left: 10_000,
            peer_gossip: Rate {
                per_second: 2,
                burst: 20,
            },
            node_envelopes: Rate {
                per_second: 20_000,
                burst: 40_000,
            },
            node_bytes: Rate {
                per_second: 64 * 1024 * 1024,
                burst: 128 * 1024 * 1024,
            },
            gossip: Rate {
                per_second: 200,
                burst: 1_000,
            },
            seen: 131_072,
            deliveries: 4,
            held: 16_384,
            held_bytes: 32 * 1024 * 1024,
            held_ms: 2_000,
            via: 8,
            dials: 64,
            dial_ms: 1_000,
            waiting: 64,
            neighbours: 1_024,
            max_queue: 4 * 1024 * 1024,
        }
    }
}

impl Config {
    pub(super) fn held_for(&self) -> Duration {
        Duration::from_millis(self.held_ms)
    }

    pub(super) fn dial_for(&self) -> Duration {
        Duration::from_millis(self.dial_ms)
    }
}
