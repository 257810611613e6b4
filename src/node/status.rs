use serde::Serialize;

use super::{attach, discovery, presence, signaling};

/// What a node says of itself, by duty: `GET /api/v1/status`, `velox status`.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The program's version.
    pub version: &'static str,
    /// The network.
    pub network: String,
    /// The node's PeerId.
    pub peer_id: String,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Addresses in its node record.
    pub addresses: Vec<String>,
    /// Other nodes.
    pub connections: ConnectionSummary,
    /// Attached peers.
    pub attachments: attach::Summary,
    /// STUN and TURN, where it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<velox_turn::Summary>,
    /// Rooms.
    pub rooms: presence::Summary,
    /// Envelopes.
    pub signaling: signaling::Summary,
    /// Resources and lookups.
    pub discovery: discovery::Summary,
    /// The routing table.
    pub dht: DhtSummary,
}

/// What each duty has done and holds.
#[derive(Clone, Debug)]
pub struct Summaries {
    /// Attached peers.
    pub attachments: attach::Summary,
    /// Rooms.
    pub rooms: presence::Summary,
    /// Envelopes.
    pub signaling: signaling::Summary,
    /// Resources and lookups.
    pub discovery: discovery::Summary,
}

/// Connections to other nodes.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionSummary {
    /// Connected nodes.
    pub nodes: usize,
    /// Below this, it looks for more.
    pub low: usize,
    /// Above this, it cuts.
    pub high: usize,
    /// Nodes in the address book.
    pub known: usize,
    /// The PeerIds of the connected nodes.
    pub peer_ids: Vec<String>,
}

/// The DHT's routing table and store.
#[derive(Clone, Debug, Serialize)]
pub struct DhtSummary {
    /// Nodes in the routing table.
    pub routing_table: usize,
    /// Provider records kept for others and for itself.
    pub provider_records: usize,
}
