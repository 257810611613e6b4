use serde::Serialize;

/// What discovery has done since the node started, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Look-ups of resources that peers asked for.
    pub locates: u64,
    /// Records that peers were told of in answer.
    pub records: u64,
    /// Look-ups that neighbours asked for.
    pub asked: u64,
    /// Refused by a budget or a quota.
    pub over_budget: u64,
    /// Records and node records refused for their form or signature.
    pub refused: u64,
    /// Records of resources held now.
    pub resources: usize,
    /// Keys published in the DHT now.
    pub published: usize,
    /// Look-ups of resources under way now.
    pub lookups: usize,
    /// Rooms searched now.
    pub rooms: usize,
    /// Neighbours linked now.
    pub neighbours: usize,
    /// Of these, with a valid node record.
    pub node_records: usize,
}
