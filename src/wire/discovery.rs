//! What nodes say to each other to find resources and nodes: `/velox/<network>/discovery/1`.

use serde::{Deserialize, Serialize};

use super::{
    Bytes,
    attach::{Locate, Providers},
};

/// Frames of `/velox/<network>/discovery/1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscoveryFrame {
    /// The sender's signed node record: first thing on a new link, and whenever it changes.
    Node(NodeAnnouncement),
    /// Which of your peers provide this resource? Answered with `providers`.
    Locate(Locate),
    /// The answer; `last` is always true.
    Providers(Providers),
}

/// A node's word on itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeAnnouncement {
    /// The signed [`NodeRecord`](super::node_record::NodeRecord).
    pub record: Bytes,
}
