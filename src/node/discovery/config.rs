use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StoreConfig, lookups, rooms};
use crate::node::Rate;

/// Bounds on discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Resources that one attached peer may provide: roots that were put or shared by hand.
    pub resources_per_peer: usize,
    /// Records of resources that all attached peers may provide together, about 1 KiB each.
    pub resources: usize,
    /// Look-ups that one attached peer may ask for.
    pub peer_locates: Rate,
    /// Attached peers that are kept account of: as many as may be attached.
    pub peers: usize,
    /// Look-ups that one neighbour may ask for: thousands of peers stand behind it.
    pub node_locates: Rate,
    /// Look-ups of resources under way at once. Each is one query of the DHT.
    pub lookups: usize,
    /// Peers that wait for one look-up.
    pub waiting: usize,
    /// Milliseconds after which a look-up ends with what it has found.
    pub lookup_ms: u64,
    /// Milliseconds that a look-up goes on for which somebody is found, unless the same peer has
    /// looked for the same within the minute before: the nodes that knew of one provider know
    /// of the others too.
    pub enough_ms: u64,
    /// Nodes that are asked in one look-up: as many as the DHT keeps for a key.
    pub nodes_per_lookup: usize,
    /// Dials for look-ups under way at once; nodes beyond are passed over.
    pub dials: usize,
    /// Records that one look-up brings at most: more providers than a fetch uses.
    pub records_per_lookup: usize,
    /// Records that a node answers with, or that are looked at in its answer. Each costs a
    /// signature check (about 50 µs).
    pub records_per_answer: usize,
    /// Rooms whose nodes are looked up and that this node is published under.
    pub rooms: usize,
    /// Look-ups of rooms under way at once; others wait their turn.
    pub room_lookups: usize,
    /// Nodes of a room that one look-up reports.
    pub nodes_per_room: usize,
    /// Milliseconds after which a query of the DHT counts as over, should nobody say so.
    pub query_ms: u64,
    /// Publications in the DHT that are started: each is a query that ends at 20 nodes.
    pub publications: Rate,
    /// Milliseconds after this node's first neighbour during which each search of a room
    /// publishes it again: the node may only just be joining the DHT.
    pub settling_ms: u64,
    /// Milliseconds after its first neighbour is linked until a node that had none publishes
    /// everything again: the DHT learns of a neighbour by identify.
    pub rejoin_ms: u64,
    /// Minutes within which, each room at a moment of its own, the last hour's keys are withdrawn
    /// after an hour's beginning. The next hour's are published in as long a time that ends as
    /// long before it begins: rooms that don't last till then are published under one key.
    pub turn_minutes: u64,
    /// Neighbours that are kept account of: at least as many as the node may be connected to.
    pub neighbours: usize,
    /// Node records that one neighbour may send: each costs a signature check.
    pub node_records: Rate,
    /// Seconds after which the own node record is sent to every neighbour again, in case it
    /// was lost: a kilobyte for each.
    pub announce_seconds: u64,
    /// Bytes that may wait to be written to one neighbour.
    pub max_queue: usize,
    /// What the DHT stores on this node.
    pub store: StoreConfig,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            resources_per_peer: 64,
            resources: 4_096,
            peer_locates: Rate {
                per_second: 5,
                burst: 50,
            },
            peers: 16_384,
            node_locates: Rate {
                per_second: 200,
                burst: 1_000,
            },
            lookups: 128,
            waiting: 256,
            lookup_ms: 5_000,
            enough_ms: 500,
            nodes_per_lookup: 20,
            dials: 128,
            records_per_lookup: 64,
            records_per_answer: 16,
            rooms: 4_096,
            room_lookups: 32,
            nodes_per_room: 64,
            query_ms: 15_000,
            publications: Rate {
                per_second: 20,
                burst: 40,
            },
            settling_ms: 30_000,
            rejoin_ms: 2_000,
            turn_minutes: 10,
            neighbours: 1_024,
            node_records: Rate {
                per_second: 1,
                burst: 10,
            },
            announce_seconds: 600,
            max_queue: 1024 * 1024,
            store: StoreConfig::default(),
        }
    }
}

impl Config {
    pub(super) fn lookups(&self) -> lookups::Bounds {
        lookups::Bounds {
            lookups: self.lookups,
            waiting: self.waiting,
            nodes: self.nodes_per_lookup,
            records: self.records_per_lookup,
            records_per_answer: self.records_per_answer,
            dials: self.dials,
            life: Duration::from_millis(self.lookup_ms),
            enough: Duration::from_millis(self.enough_ms),
        }
    }

    pub(super) fn rooms(&self) -> rooms::Bounds {
        rooms::Bounds {
            rooms: self.rooms,
            searches: self.room_lookups,
            nodes: self.nodes_per_room,
            settling: Duration::from_millis(self.settling_ms),
            turning: Duration::from_secs(60 * self.turn_minutes),
        }
    }

    pub(super) fn query_life(&self) -> Duration {
        Duration::from_millis(self.query_ms)
    }

    pub(super) fn rejoin(&self) -> Duration {
        Duration::from_millis(self.rejoin_ms)
    }

    pub(super) fn announce_every(&self) -> Duration {
        Duration::from_secs(self.announce_seconds.max(1))
    }
}
