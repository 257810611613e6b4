use serde::Serialize;

/// What signaling has done since the node started, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Handed to a peer attached here, from a peer attached here.
    pub delivered_here: u64,
    /// Handed to a peer attached here, from a neighbour.
    pub delivered_by_node: u64,
    /// Handed to a peer attached here, from gossip.
    pub delivered_by_gossip: u64,
    /// Handed to a neighbour.
    pub sent_to_nodes: u64,
    /// Gossiped by this node for a peer of its own.
    pub gossiped: u64,
    /// Given up: the sender was told.
    pub undelivered: u64,
    /// Gossip that had been seen before, and repetitions beyond measure.
    pub duplicates: u64,
    /// Too late when they came.
    pub expired: u64,
    /// Refused by a budget.
    pub over_budget: u64,
    /// Refused for their form or their signature.
    pub refused: u64,
    /// Dials that failed or took too long.
    pub dials_failed: u64,
    /// Envelopes held now.
    pub held: usize,
    /// Their bytes.
    pub held_bytes: usize,
    /// Peers attached now.
    pub attached: usize,
    /// Neighbours linked now.
    pub neighbours: usize,
}
